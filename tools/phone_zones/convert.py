#!/usr/bin/env python3
"""Writes a migration that fills phone_zones: which time zones a telephone number may be in, by its first digits.

The data are those of Google's libphonenumber, as the package phonenumbers on PyPI carries them in phonenumbers.tzdata:
Copyright (C) 2011-2026 The Libphonenumber Authors, Apache License, Version 2.0
(http://www.apache.org/licenses/LICENSE-2.0). Changed here, as listed below: zones that stand for another country's,
names that a newer one has replaced, mobile numbers of whole countries; and prefixes that say the same as their shorter
one are left out.

    python3 -m venv /tmp/zones && /tmp/zones/bin/pip install phonenumbers==9.0.43 tzdata==2022.7
    /tmp/zones/bin/python tools/phone_zones/convert.py > migrations/0038_phone_zones.sql

A migration that has been applied is never written anew: newer data become a further migration, which empties the table
first. The same input gives the same bytes."""

import importlib.resources
import sys
import textwrap

import phonenumbers
from phonenumbers.tzdata import TIMEZONE_DATA

# Replaced in the IANA data; systems without the old names (Debian's tzdata without tzdata-legacy) know the new alone.
RENAMED = {
    "Africa/Asmera": "Africa/Asmara",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Choibalsan": "Asia/Ulaanbaatar",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Atlantic/Faeroe": "Atlantic/Faroe",
    "Pacific/Enderbury": "Pacific/Kanton",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
}

# The source names a neighbour's zone where that had the same time in the winter when it was written. Most of these
# countries have other summer time, or none: Algeria is not on Paris' in July.
OWN_ZONES = {
    "211": {"Africa/Nairobi": ["Africa/Juba"]},
    "212": {"Atlantic/Canary": ["Africa/Casablanca", "Africa/El_Aaiun"]},
    "213": {"Europe/Paris": ["Africa/Algiers"]},
    "218": {"Europe/Bucharest": ["Africa/Tripoli"]},
    "231": {"Atlantic/Reykjavik": ["Africa/Monrovia"]},
    "245": {"Atlantic/Reykjavik": ["Africa/Bissau"]},
    "370": {"Europe/Bucharest": ["Europe/Vilnius"]},
    "371": {"Europe/Bucharest": ["Europe/Riga"]},
    "372": {"Europe/Bucharest": ["Europe/Tallinn"]},
    "375": {"Europe/Moscow": ["Europe/Minsk"]},
    "505": {"America/Chicago": ["America/Managua"]},
    "52": {"America/New_York": ["America/Cancun"]},
    "7": {"Europe/Bucharest": ["Europe/Kaliningrad"]},
    "850": {"Asia/Seoul": ["Asia/Pyongyang"]},
    "853": {"Asia/Shanghai": ["Asia/Macau"]},
    "970": {"Europe/Bucharest": ["Asia/Gaza", "Asia/Hebron"]},
}

# Mobile numbers that belong to no region, where the source names the zone of most of the country: such a phone may be
# in any of the country's. (In the Americas north and south a mobile number has an area code.)
NATIONWIDE = ("2992", "2994", "2995", "346", "347", "5939", "614", "628", "642", "68987", "68988", "68989", "79",
              "9765", "9766", "9768", "9769")

HEAD = f"""-- 0038: which time zones a telephone number may be in
--
-- Written by tools/phone_zones/convert.py from phonenumbers {phonenumbers.__version__}. The data are those of
-- Google's libphonenumber: Copyright (C) 2011-2026 The Libphonenumber Authors, licensed under the Apache License,
-- Version 2.0 (http://www.apache.org/licenses/LICENSE-2.0); changed as that script says.
--
-- The longest prefix that a number begins with counts; a longer one stands here only where it says something else.
-- Numbers of no country (+800, +870, +883 ...) have no row. A +1 number whose area code has none (toll-free, a new area
-- code) may be anywhere in the North American Numbering Plan.

CREATE TABLE phone_zones (
    prefix text COLLATE "C" PRIMARY KEY CHECK (prefix ~ '^[1-9][0-9]{{0,14}}$'), -- of an E.164 number, without +
    zones  text[] NOT NULL CHECK (zones <> '{{}}')                               -- IANA names
);
GRANT SELECT ON phone_zones TO leadwire_service;

-- Zones, and the prefixes of numbers that may be in any of them.
INSERT INTO phone_zones (zones, prefix)
SELECT regexp_split_to_array(zones, '\\s+'), regexp_split_to_table(prefixes, '\\s+')
  FROM (VALUES"""

TAIL = """  ) AS of_zones (zones, prefixes);

ANALYZE phone_zones;
"""


def known_zones():
    """The names by which every country's zones go today."""
    table = importlib.resources.files("tzdata") / "zoneinfo" / "zone.tab"
    lines = table.read_text().splitlines()
    return {line.split("\t")[2] for line in lines if not line.startswith("#")}


def own_zones(prefix, zone):
    for code, replaced in OWN_ZONES.items():
        if prefix.startswith(code) and zone in replaced:
            return replaced[zone]
    return [RENAMED.get(zone, zone)]


def shorter(prefix, table):
    """What the longest shorter prefix says; None where there is none."""
    return next((table[prefix[:n]] for n in range(len(prefix) - 1, 0, -1) if prefix[:n] in table), None)


def main():
    table = {prefix: tuple(sorted({own for zone in zones for own in own_zones(prefix, zone)}))
             for prefix, zones in TIMEZONE_DATA.items() if not prefix.startswith(NATIONWIDE)}
    unknown = {zone for zones in table.values() for zone in zones} - known_zones()
    if unknown:
        sys.exit(f"not in the IANA data: {' '.join(sorted(unknown))}")

    by_zones = {}
    for prefix in sorted(table):
        if table[prefix] != shorter(prefix, table):
            by_zones.setdefault(table[prefix], []).append(prefix)

    print(HEAD)
    rows = []
    for zones, prefixes in sorted(by_zones.items(), key=lambda row: row[1][0]):
        lines = [textwrap.fill(" ".join(words), 118, initial_indent="    ", subsequent_indent="    ",
                               break_on_hyphens=False) for words in (zones, prefixes)]
        rows.append(f"   ('{lines[0].strip()}',\n    '{lines[1].strip()}')")
    print(",\n".join(rows))
    print(TAIL, end="")


if __name__ == "__main__":
    main()

"""Delivery alone: messages and tasks are put straight into the database, the sandbox's ledger tells when each was posted.

No callbacks (PUBLIC_URL is unset), no gateway, no orchestrator."""

import os
import time

from cluster import Cluster, wait_for

NO_RATES = {name: "0" for name in ("LEADWIRE_LONG_CODE_PER_SECOND", "LEADWIRE_TOLL_FREE_PER_SECOND",
                                   "LEADWIRE_SHORT_CODE_PER_SECOND", "LEADWIRE_MESSAGING_SERVICE_PER_SECOND")}

# $n numbers, each of a client of its own, with $each messages to as many leads. The first of all numbers first.
LOAD = """
CREATE TEMP TABLE sender AS
    SELECT gen_random_uuid() AS client_id, '+1555%(series)s' || lpad(i::text, 6, '0') AS number
      FROM generate_series(1, %(numbers)d) i;
CREATE TEMP TABLE item AS
    SELECT s.*, gen_random_uuid() AS lead_id, gen_random_uuid() AS conversation_id, gen_random_uuid() AS message_id,
           gen_random_uuid() AS task_id, '+1556' || lpad(i::text, 7, '0') AS phone
      FROM sender s, generate_series(1, %(each)d) i;
INSERT INTO clients (client_id, name) SELECT client_id, number FROM sender;
INSERT INTO leads (client_id, lead_id, phone) SELECT client_id, lead_id, phone FROM item;
INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)
    SELECT client_id, conversation_id, lead_id, 'sms', phone, number FROM item;
INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel, from_address, to_address,
                      body, state)
    SELECT client_id, message_id, conversation_id, lead_id, 'out', 'agent', 'sms', number, phone,
           'A standard drain cleaning costs $149.', 'queued' FROM item;
INSERT INTO task_payloads (client_id, task_id, payload)
    SELECT client_id, task_id, jsonb_build_object('message_id', message_id) FROM item;
INSERT INTO tasks (client_id, task_id, kind, role, max_attempts, deadline_s, serial_key, lane)
    SELECT client_id, task_id, 'send_message_sms', 'delivery', 60, 90, 'send:' || conversation_id, 'sms:' || number
      FROM item;
"""


def load(cluster, series, numbers, each):
    cluster.sql(LOAD % {"series": series, "numbers": numbers, "each": each})
    cluster.sql("ANALYZE")


def rates(cluster, series):
    """Of each sender of the series: {"n", "first_us", "last_us", ...}."""
    return [r for r in cluster.sandbox("GET", "/rates")["rates"] if r["from"].startswith(f"+1555{series}")]


def wait_sent(cluster, series, n, seconds):
    return wait_for(f"{n} messages", lambda: (r := rates(cluster, series)) and sum(s["n"] for s in r) >= n and r, seconds, 0.5)


def sent_from(cluster):
    """{sender: when each of its messages was posted, seconds}"""
    at, after = {}, -1
    while page := cluster.sandbox("GET", f"/messages?after={after}")["messages"]:
        for message in page:
            at.setdefault(message["from"], []).append(message["received_at_us"] / 1e6)
        after = page[-1]["index"]
    return at


def rates_off(sent, first):
    """By how many percent each number's rate is off one a second, counted from its message with the index first; sorted."""
    return sorted(abs((len(at) - first - 1) / (at[-1] - at[first]) - 1) * 100 for at in sent.values())


def speed(senders):
    n = sum(s["n"] for s in senders)
    return (n - 1) / (max(s["last_us"] for s in senders) - min(s["first_us"] for s in senders)) * 1e6


def pss_mb(cluster, service="delivery"):
    with open(f"/proc/{cluster.processes[service].pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024 / 1e6


def check_once(bench, cluster, n):
    """Nothing lost, nothing twice."""
    accepted = cluster.sandbox("GET", "/stats")["twilio.send"]["accepted"]
    bench.row("messages that were sent", accepted, f"of {n}", str(n), accepted == n)


def answering_at_once(bench):
    each = max(20, 1500 * min(bench.seconds, 20) // 50)
    cluster = Cluster(services=["scheduler"], PUBLIC_URL="", **NO_RATES)
    try:
        load(cluster, "2", 50, each)
        cluster.start("delivery")
        per_s = speed(wait_sent(cluster, "2", 50 * each, 300))
        bench.row(f"sends, provider answers at once, {50 * each} messages", per_s, "/s", ">= 1500", per_s >= 1500)
        bench.row("PSS of delivery after them", pss_mb(cluster), "MB")
        check_once(bench, cluster, 50 * each)
    finally:
        cluster.close()


def slow_provider(bench):
    each = max(20, 300 * bench.seconds // 50)
    cluster = Cluster(services=["scheduler"], PUBLIC_URL="", **NO_RATES)
    try:
        cluster.fault("twilio.send", "delay", ms=300)
        load(cluster, "3", 50, each)
        cluster.start("delivery")
        wait_sent(cluster, "3", 50 * each // 2, 300)
        pss = pss_mb(cluster)
        per_s = speed(wait_sent(cluster, "3", 50 * each, 300))
        bench.row(f"sends, provider takes 300 ms, {50 * each} messages", per_s, "/s", ">= 300", per_s >= 300)
        bench.row("PSS of delivery meanwhile", pss, "MB", "<= 12", pss <= 12)
    finally:
        cluster.close()


def limited_numbers(bench, numbers=1000):
    """Two processes, the default rate of one segment a second: what each number really sends."""
    each = max(6, bench.seconds)
    cluster = Cluster(services=["scheduler"], PUBLIC_URL="")
    try:
        load(cluster, "4", numbers, each)
        cluster.start("delivery")
        cluster.start("delivery#2")
        senders = wait_sent(cluster, "4", numbers * each, 120 + 4 * each)
        # The first messages of all numbers are due at the same moment and claimed by the hundred, by processes that have just
        # begun: they are posted up to half a second after their claim. The second ones follow the claims, not those posts, and
        # so does all that comes after. Half a second once is 2.6 % of 19 s. So the rate is told from the second message on, which
        # is what the lanes keep, and from the first one, which is what Twilio sees; the goal is the same for both.
        sent = sent_from(cluster)
        off, with_first = rates_off(sent, 1), rates_off(sent, 0)
        shortest = min(s["shortest_us"] for s in senders) / 1000
        bench.row(f"{numbers} numbers at 1/s by two processes", speed(senders), "/s")
        bench.row("a number's rate from its second message on is off by, p50", off[len(off) // 2], "%")
        bench.row("a number's rate from its second message on is off by, at most", off[-1], "%", "<= 2", off[-1] <= 2)
        bench.row("the same from its first message on, at most", with_first[-1], "%", "<= 2", with_first[-1] <= 2)
        bench.row("shortest time between two of a number", shortest, "ms")
        check_once(bench, cluster, numbers * each)
    finally:
        cluster.close()


def measure(bench):
    only = os.environ.get("LEADWIRE_BENCH_DELIVERY", "").split()
    for part in (answering_at_once, slow_provider, limited_numbers):
        if not only or part.__name__ in only:
            began = time.monotonic()
            part(bench)
            print(f"  {part.__name__}: {time.monotonic() - began:.0f} s")

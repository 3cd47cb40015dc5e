/* phone_number.h - phone numbers as people write them, made E.164.
 *
 * What a country's people write is turned into E.164 only where nothing else can be meant: the number has as many
 * digits as a subscriber's there, behind the trunk prefix where the country has one. Prefixes and lengths: the
 * countries' national numbering plans as the ITU publishes them (Operational Bulletin, E.164 national numbering plans).
 */
#pragma once

#include <stddef.h>

#define PHONE_E164_SIZE 17

/* The country calling code of an E.164 number as far as this module knows the country: "1", "44"; NULL if it does not.
 */
const char *phone_country_code(const char *e164);

/* text: "(555) 123-4567", "00 44 20 7946 0000", "+44 (0)20 7946 0000"; its digits may be Arabic ones. country_code: of
 * a number without one; NULL: there must be one. Returns out, or NULL if it cannot be told what number it is. */
const char *phone_to_e164(const char *text, const char *country_code, char out[PHONE_E164_SIZE]);

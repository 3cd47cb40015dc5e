/* sms_segments.h - how many segments a text takes as an SMS: what is billed, and what a number's rate counts.
 *
 * A text whose characters are all in the GSM 7-bit alphabet (3GPP TS 23.038, its basic table and its extension table)
 * has 160 septets in one segment, or 153 in each of several; those of the extension table take two, which stay
 * together. Any other character makes the whole text UCS-2: 70 units of 16 bits in one segment, or 67 in each of
 * several; a surrogate pair stays together. */
#pragma once

#include <stdbool.h>

struct sms_size {
    int segments; /* 0 for an empty text */
    int units;    /* septets, or 16-bit units */
    bool ucs2;
};

/* text: valid UTF-8. */
struct sms_size sms_size(const char *text);

/* sms_size(text).segments, but at least 1: what a task of this text takes of its lane's rate (lane_units). */
int sms_segments(const char *text);

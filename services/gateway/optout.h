/* optout.h - what can be told from the words of a text alone, before anything is queued. */
#pragma once

#include <stdint.h>

/* "out" for STOP and its kin, "in" for START and its kin ("YES" too: the database lets it count only for a lead that
 * is opted out), else "". The whole text must be the keyword; letter case, and spaces and punctuation around it, do not
 * matter. */
const char *optout_keyword(const char *text);

/* How long to wait for a text that may follow, in milliseconds: 0 when this one is clearly complete (longer than 80
 * characters, or three words and more that end like a sentence), else burst_wait_ms. */
int64_t burst_hold_ms(const char *text, int64_t burst_wait_ms);

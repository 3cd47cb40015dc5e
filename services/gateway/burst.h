/* burst.h - how long an answer waits for a text that may follow. */
#pragma once

#include <stdint.h>

/* In milliseconds: 0 when this one is clearly complete (longer than 80 characters, or three words and more that end
 * like a sentence), else burst_wait_ms. */
int64_t burst_hold_ms(const char *text, int64_t burst_wait_ms);

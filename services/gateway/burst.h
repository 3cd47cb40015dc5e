/* burst.h - how long an answer waits for a text that may follow. */
#pragma once

#include <stdint.h>

#define BURST_MAX_MS 4000 /* from the first text of several */

/* In milliseconds: 0 when this one is clearly complete (longer than 80 characters, or three words and more that end
 * like a sentence); twice burst_wait_ms when more is announced ("Hi", "quick question", a comma at its end, a photo
 * alone); else burst_wait_ms. At most BURST_MAX_MS. The database makes it longer for who writes slowly
 * (migrations/0071).
 */
int64_t burst_hold_ms(const char *text, int64_t burst_wait_ms);

/* segments.h - how many parts a text is billed as. */
#pragma once

/* One of 160 GSM-7 septets or 70 UTF-16 units; longer ones have parts of 153 or 67, and neither an escaped character
 * nor a surrogate pair is split between two. body is valid UTF-8. */
int sms_segments_of(const char *body);

/* text.h - checks and small conversions of text from outside. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. A NUL byte is refused too. */
bool utf8_valid(const char *text, size_t len);

/* The length of text cut to at most max bytes without splitting a character. */
size_t utf8_cut(const char *text, size_t len, size_t max);

/* Code points in valid UTF-8. */
size_t utf8_count(const char *text);

/* E.164: '+', then 7 to 15 digits, the first not 0. */
bool phone_is_e164(const char *text);

/* "+15551234567" -> "+1555***4567" for logs; anything shorter becomes "***". */
#define PHONE_MASK_SIZE 24
void phone_mask(const char *phone, char out[PHONE_MASK_SIZE]);

/* A whole decimal number within [min, max]; nothing before or behind it. False if it is not one. */
bool text_to_int(const char *text, int64_t min, int64_t max, int64_t *ret_value);

/* Whether any byte is below 0x20 or 0x7f: not for header values, addresses and URLs. */
bool text_has_control(const char *text);

/* Whether there is a word in it: an ASCII letter or digit, or anything beyond ASCII. */
bool text_has_word(const char *text);

/* Text of a single line, cut to max bytes between characters, control characters as spaces. In arena; NULL where there
 * is no word in it. */
const char *text_line(struct arena *arena, const char *text, size_t max);

/* An e-mail address in lower case, in arena; NULL if text is none. What a mail server would refuse is its business;
 * this keeps out what is no address at all. */
const char *email_normalise(struct arena *arena, const char *text);

/* Lower-case hex of len bytes; out holds 2 * len + 1. */
void hex_encode(const void *data, size_t len, char *out);

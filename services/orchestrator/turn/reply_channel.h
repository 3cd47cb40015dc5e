/* reply_channel.h - how long an answer may be where it is sent, and in which characters.
 *
 * An SMS is billed by the segment, and one character beyond the GSM alphabet makes all of it UCS-2, whose segments hold
 * less than half. So in a text
 * - marks that only look nicer (curly quotes, dashes, dots in one character, emoji) give way where that alone makes it
 *   GSM; letters never do;
 * - the limit is counted in segments too: it takes no more of them than the limit's number of GSM characters would
 *   (320 characters are 3 segments, so an answer in Arabic has at most 201).
 * WhatsApp has the limit in characters alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct decision_input;

/* What an answer of in is held to. */
struct reply_limit {
    size_t chars; /* at most */
    int segments; /* at most; 0: they do not count */
};

struct reply_limit reply_limit(const struct decision_input *in);

/* The characters that an answer in UCS-2 may have. */
size_t reply_limit_ucs2(const struct reply_limit *limit);

/* text without Markdown and, where segments count, without what needlessly makes it UCS-2; not cut. In arena, NULL when
 * out of memory. */
const char *reply_plain(struct arena *arena, const char *text, const struct reply_limit *limit);

/* Whether a plain text is within the limit. */
bool reply_fits(const char *plain, const struct reply_limit *limit);

/* said, and behind it as much of a plain text as fits with it; said alone where nothing does. In arena, NULL when out
 * of memory. */
const char *reply_behind(struct arena *arena, const char *said, const char *plain, const struct reply_limit *limit);

/* The same with said at the end. */
const char *reply_before(struct arena *arena, const char *plain, const char *said, const struct reply_limit *limit);

/* reply_plain, cut as reply_fit cuts until it is within the limit. */
const char *reply_within(struct arena *arena, const char *text, const struct reply_limit *limit);

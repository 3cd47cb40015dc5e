/* reply.h - making an answer fit a text message: plain, short, whole sentences. */
#pragma once

#include <stddef.h>

struct arena;

#define REPLY_MAX 320 /* characters of a reply on SMS */

/* The first sentences of text, at most max_sentences and max bytes; when not even the first fits, it is cut at a word
 * and "..." stands behind it. "" if nothing fits. In arena, NULL when out of memory. */
const char *reply_quote(struct arena *arena, const char *text, size_t max_sentences, size_t max);

/* Without Markdown, surrounding spaces and runs of blank lines, at most max characters: whole sentences where that
 * keeps at least half, else whole words and "...". In arena, NULL when out of memory. */
const char *reply_fit(struct arena *arena, const char *text, size_t max);

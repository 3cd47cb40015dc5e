/* quote.h - what is said of a document's passage: not its beginning, but what answers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* Of body, text or Markdown, the sentence that has most of the question's words, those that are rare in body before
 * others, and those of the headings above it by half. The next one follows if it has some of them too; of a list
 * all of it; of a table one row. At most max bytes, as reply_quote cuts. Where no sentence has any of the words, the
 * first. In arena, NULL when out of memory. */
const char *quote_answer(struct arena *arena, const char *body, const char *question, size_t max);

/* Whether two folded texts have a word in common, in any form, that is none of those which stand in any question. */
bool quote_has_common_word(const char *question, const char *other);

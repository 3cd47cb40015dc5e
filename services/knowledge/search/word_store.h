/* word_store.h - the words by which a base is searched, when its language changes.
 *
 * They are made anew page by page: see migrations/0014. All calls after kb_open_to_change. */
#pragma once

#include <stdbool.h>

struct db_tx;
struct err;
struct kb;

/* Whether the base is so small that a request makes all words. -1: failed. */
int words_are_few(struct db_tx *tx, const struct kb *kb, struct err *err);

/* Makes the words of all chunks, and the base's vocabulary, as the language has them. */
int words_make_anew(struct db_tx *tx, const struct kb *kb, const char *language, struct err *err);

/* The vocabulary as the language has it, made of what it was. */
int words_change_vocabulary(struct db_tx *tx, const struct kb *kb, const char *language, struct err *err);

/* The next page of the pass that is under way, or what follows its last one. 1: call again, 0: no pass is under way. */
int words_step(struct db_tx *tx, const struct kb *kb, struct err *err);

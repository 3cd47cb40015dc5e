/* word_store.h - the words by which a base is searched, when its language changes. */
#pragma once

struct db_tx;
struct err;
struct kb;

/* Makes the words of all chunks, and the base's vocabulary, as the language has them. After kb_open_to_change. */
int words_make_anew(struct db_tx *tx, const struct kb *kb, const char *language, struct err *err);

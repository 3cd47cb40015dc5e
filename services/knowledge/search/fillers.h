/* fillers.h - what the words of a language mean whatever a base says (search_words): those that say nothing when asking
 * (hello, please, could; the concept ''), and those of one concept, which stand for each other. Read once a process.
 * Thread-safe. */
#pragma once

#include <stddef.h>

struct db_pool;
struct err;

struct common_word {
    const char *word, *lexeme, *concept;
};

struct fillers {
    size_t n;
    const char **items; /* lexemes of the concept '', sorted by their bytes */
    size_t n_words;
    const struct common_word
        *words; /* of any concept; as the table has them: the first of a lexeme tells its concept */
};

/* Valid as long as the process lives. NULL and *err if they cannot be read. */
const struct fillers *fillers_of(struct db_pool *db, const char *language, struct err *err);

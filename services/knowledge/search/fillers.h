/* fillers.h - the lexemes of a language that say nothing when asking (hello, please, could): search_words of the
 * concept
 * ''. Read once a process. Thread-safe. */
#pragma once

#include <stddef.h>

struct db_pool;
struct err;

struct fillers {
    size_t n;
    const char **items; /* sorted by their bytes */
};

/* Valid as long as the process lives. NULL and *err if they cannot be read. */
const struct fillers *fillers_of(struct db_pool *db, const char *language, struct err *err);

/* postings.h - which units of a base say a lexeme: an FAQ is one, and so is a chunk of a document. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct asked;
struct err;
struct vocabulary;

#define POSTINGS_UNITS_MAX 500000

/* What a piece of a unit says. */
struct said {
    uint32_t unit; /* from 0 */
    bool is_answer;
    const char *words; /* a tsvector as it is written */
};

/* Not changed once it is made: threads may share it. */
struct postings {
    const struct vocabulary *vocabulary;
    size_t n_units;
    const uint32_t *from;  /* of each lexeme of the vocabulary, where its items begin; and where the last one's end */
    const uint32_t *items; /* twice a unit, and 1 if it is its answer that says it */
};

/* Of n pieces, of at most POSTINGS_UNITS_MAX units. vocabulary must outlive it. In arena. -1 without memory. */
int postings_make(const struct vocabulary *vocabulary, const struct said *said, size_t n, size_t n_units,
                  struct arena *arena, struct postings *ret_postings, struct err *err);

/* Those of the units that say most of what is asked (asked_covered), at most so many, in no order. In arena. */
int postings_best(const struct postings *self, const struct asked *asked, size_t most, struct arena *arena,
                  uint32_t **ret_units, size_t *ret_n, struct err *err);

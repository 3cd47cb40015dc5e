/* asked.h - what a query asks, as one knowledge base understands it, and how much of that a text says. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

/* A lexeme that stands for a term of the query. */
struct asked_lexeme {
    size_t term;   /* from 0 */
    double weight; /* 1: it is the term itself */
    const char *lexeme;
};

struct asked {
    size_t n_terms;
    double *values; /* of each term: the rarer in the base the more */
    double total;   /* of them all */
    size_t n;
    struct asked_lexeme *lexemes; /* by their bytes */
};

/* From what leadwire_candidates returns for a base (migration 0025); NULL: the query says nothing. In arena. */
int asked_parse(const char *lines, struct arena *arena, struct asked *ret_asked, struct err *err);

/* Raises best[term] to what the text says of each term. text: a tsvector as it is written; weight: of
 * the text's part. */
void asked_mark(const struct asked *self, const char *text, double weight, double *best);

/* The share of the query's value that best stands for, 0 to 1. */
double asked_covered(const struct asked *self, const double *best);

/* The share of the text's lexemes that the query has, those of fillers (sorted) left out, and how many it has. */
double asked_about(const struct asked *self, const char *text, const char *const *fillers, size_t n_fillers,
                   int64_t *ret_words);

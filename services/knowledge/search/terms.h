/* terms.h - what a query asks of a base whose vocabulary is at hand: the same as leadwire_candidates makes of it. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct asked;
struct err;
struct fillers;

/* How many units of a base say a lexeme. */
struct vocabulary_lexeme {
    const char *lexeme;
    int64_t units;
};

/* A word as a base writes it. */
struct vocabulary_word {
    const char *word, *lexeme;
};

struct vocabulary {
    int64_t units; /* of the base */
    size_t n_lexemes, n_words;
    const struct vocabulary_lexeme *lexemes; /* sorted by their bytes */
    const struct vocabulary_word *words;
    const struct fillers *common; /* of the base's language */
};

/* A term of a query, as its language understands it. */
struct term {
    bool stop;           /* the language takes it for a word that says nothing */
    const char *concept; /* NULL: it has none */
    const char *word, *lexeme;
};

struct terms {
    const char *folded; /* the query as questions are compared */
    size_t n;           /* 0: it says nothing */
    struct term *items;
};

/* From what leadwire_query_words returns for the language (migration 0121); those that say nothing are left out. In
 * arena, but for the concepts, which are common's. */
int terms_parse(const char *asked, const struct fillers *common, struct arena *arena, struct terms *ret_terms,
                struct err *err);

/* The lexemes that stand for each term, themselves, those of the same concept and what a misspelt word was meant to be,
 * and what the term is worth: the rarer in the base the more. In arena. */
int terms_ask(const struct terms *terms, const struct vocabulary *vocabulary, struct arena *arena,
              struct asked *ret_asked, struct err *err);

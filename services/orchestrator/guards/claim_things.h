/* claim_things.h - what a claim is told of: "whitening" in "Whitening costs $350".
 *
 * A price that stands in a source is no support for the price of another thing. Which thing a claim belongs to is told
 * by the words that stand with it: in its part of a list, in its sentence, before it, in the title. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "services/orchestrator/guards/topic.h"

struct claim;
struct claim_text;

#define THINGS_WORDS_MAX   16
#define THINGS_NUMBERS_MAX 4

/* How closely a word belongs to a claim. */
enum nearness {
    NEAR_NOT,
    NEAR_TEXT,      /* somewhere in the text */
    NEAR_BEFORE,    /* in the sentence before it */
    NEAR_SENTENCE,  /* in its sentence */
    NEAR_HEAD = 7,  /* at the head of the list that it is in, or in the title */
    NEAR_CLAIM = 8, /* in its own part of the sentence */
};

/* What a draft tells a claim of. */
struct things {
    struct topic words[THINGS_WORDS_MAX];
    double numbers[THINGS_NUMBERS_MAX]; /* "two" of "a two-bedroom flat" */
    size_t n_words, n_numbers;
    unsigned days; /* a bit for each weekday, Monday first; 0: none is named */
    bool before;   /* they stand in the sentence before, which is less certain */
};

/* How near they stand to a claim of a source. */
struct things_near {
    enum nearness words[THINGS_WORDS_MAX], numbers[THINGS_NUMBERS_MAX];
    int score;
    bool alone; /* the claim of the source stands by itself in its part of the sentence */
};

/* Whether one of the two tells another value of what the other one tells: both are prices, both lengths of time. */
bool claim_compares(const struct claim *a, const struct claim *b);

/* Whether claims of this kind are told of a thing at all. */
bool claim_has_thing(const struct claim *claim);

/* Of claim i of a draft: the words of its part of the clause, else (and where wide) of the sentence, else of the one
 * before. today: a
 * weekday, -1 if unknown. False when out of memory. */
bool claim_things(struct claim_text *self, size_t i, int today, bool wide, struct things *ret);

/* How near they are to claim i of a source. title: may be NULL. False when out of memory. */
bool claim_things_near(const struct things *things, struct claim_text *source, size_t i, struct claim_text *title,
                       int today, struct things_near *ret);

/* The best that any claim could score. */
int claim_things_full(const struct things *things);

/* Which of them a text names anywhere; sets their bits in *ret_words. False when out of memory. */
bool claim_things_named(const struct things *things, struct claim_text *text, unsigned *ret_words);

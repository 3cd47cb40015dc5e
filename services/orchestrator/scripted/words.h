/* words.h - finding phrases in what a lead wrote, in English, Spanish and Arabic; letters beyond ASCII pass through
 * unchanged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Lower case, apostrophes dropped, every run of other ASCII, Arabic and Spanish marks and spaces one space, a space at
 * both ends:
 * "Hi, I don't know!" gives " hi i dont know ". In arena, NULL when out of memory. */
const char *words_fold(struct arena *arena, const char *text);

/* Whether the folded text has the phrase (words with single spaces) as whole words. */
bool words_have(const char *folded, const char *phrase);

/* How the words of a folded text begin, as a set: what is not in it need not be looked for. */
struct word_starts {
    uint64_t bits[4];
};

struct word_starts words_starts(const char *folded);
bool words_may_have(const struct word_starts *starts, const char *phrase);

/* The first of the phrases (ends with NULL) that the folded text has, NULL if none. */
const char *words_find(const char *folded, const char *const *phrases);

/* One sentence of a text. */
struct sentence {
    const char *text;   /* without the spaces around it, with its mark */
    const char *folded; /* see words_fold */
    bool question;      /* ends with a question mark */
};

/* Cuts text at . ! ? (also Arabic's) and line breaks; a dot within a number, an address or an abbreviation does not
 * cut. At most max; the last one holds the rest. Returns how many; into arena. */
size_t words_sentences(struct arena *arena, const char *text, struct sentence *ret_sentences, size_t max);

/* plain.h - what a lead wrote, without the differences that do not tell words apart. */
#pragma once

struct arena;

/* Accents off Spanish letters; Arabic letters in one form, without vowel signs; every digit an ASCII one, Arabic marks
 * of numbers too. Case and marks stay. In arena, NULL when out of memory. */
const char *plain_letters(struct arena *arena, const char *text);

/* A folded text (words_fold) with usual slips of the pen mended: each word that is one letter away from one of the
 * vocabulary's (ends with NULL; may be NULL) or of the words that matter here. In arena, NULL when out of memory. */
const char *plain_mend(struct arena *arena, const char *folded, const char *const *vocabulary);

/* canon.h - one form of a text for what reads facts in it, in English, Spanish and Arabic alike. */
#pragma once

struct arena;

/* text with digits of all scripts as 0-9, accents, Arabic vowel marks and variants of letters taken away, quotes,
 * dashes and foreign punctuation as ASCII's, what is invisible dropped, and signs without a meaning as spaces. Letter
 * case stays. In arena, NULL when out of memory. */
char *canon_text(struct arena *arena, const char *text);

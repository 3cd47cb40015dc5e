/* terms.h - tables of phrases, and whether one of them stands at a place in a text. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A phrase in canon_text's form (plain.h) and lower case. A table ends with a NULL text. */
struct term {
    const char *text;
    int value;
};

/* A long table, with an index of how its phrases begin. Whichever thread asks first builds it; two that do so at once
 * set the same bits. */
struct terms {
    const struct term *list;
    atomic_bool indexed;
    _Atomic uint64_t starts[16];
};

/* Letters, digits and all bytes of other scripts. */
bool is_word_byte(char c);

/* Whether word stands at p, any case, and ends there. */
bool word_at(const char *p, const char *word);

/* The longest phrase at p, any case, ending at the end of a word; an Arabic one also behind its prefixes (and, by, for,
 * the). The bytes, prefix included; 0: none. */
size_t phrase_at(const char *p, struct terms *phrases, int *ret_value);

/* The same for a table of a few. */
size_t term_at(const char *p, const struct term *phrases, int *ret_value);

/* Whether one of the phrases ends right before p, spaces apart. */
bool phrase_before(const char *text, const char *p, const struct term *phrases);

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

struct term_index;

/* A long table, with an index by how its phrases begin: built by the first who asks, and kept. */
struct terms {
    const struct term *list;
    _Atomic(struct term_index *) index;
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

/* How phrases of Latin letters may begin. */
struct term_starts {
    uint64_t buckets[4];
};

void term_starts_add(struct term_starts *self, const struct term *phrases);

/* Whether one of the phrases may stand at p, a Latin letter. */
bool term_starts_at(const struct term_starts *self, const char *p);

/* Whether one of the phrases ends right before p, spaces apart. */
bool phrase_before(const char *text, const char *p, const struct term *phrases);

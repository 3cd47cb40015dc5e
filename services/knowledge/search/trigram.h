/* trigram.h - how alike two texts are by their letters. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TRIGRAMS_MAX  500
#define TRIGRAM_SLOTS 1024 /* about twice as many: few stand in another's way */

/* Of one text, without repeats: a small hash table, since they are looked for and not put into an order. */
struct trigrams {
    size_t n;
    uint32_t items[TRIGRAMS_MAX];
    uint16_t slots[TRIGRAM_SLOTS]; /* place in items, from 1; 0: empty */
};

/* The text is folded (leadwire_fold), or ASCII in whatever case; its first 500 trigrams count. Any bytes beyond ASCII
 * count as letters. */
void trigrams_read(struct trigrams *self, const char *text);

/* As pg_trgm's similarity(): of the trigrams of both, the share that they have in common, 0 to 1. */
double trigrams_similarity(const struct trigrams *self, const char *text);

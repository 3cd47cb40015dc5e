/* trigram.c - see trigram.h. It is done here and not by the database, where it costs five times as much: a search
 * compares some twenty titles. A trigram is three bytes: of a script with two bytes a letter it is finer than
 * PostgreSQL's, which makes no difference to an order. */
#include "services/knowledge/search/trigram.h"

#include <stdbool.h>
#include <string.h>

static bool is_letter(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* The slot where a trigram stands, or may be put. */
static size_t slot_of(const struct trigrams *self, uint32_t trigram)
{
    size_t at = trigram * 2654435761u >> 22; /* Knuth's multiplicative hash; 10 bits */

    while (self->slots[at] && self->items[self->slots[at] - 1] != trigram)
        at = (at + 1) % TRIGRAM_SLOTS;
    return at;
}

static bool has(const struct trigrams *self, uint32_t trigram)
{
    return self->slots[slot_of(self, trigram)] != 0;
}

static void add(struct trigrams *self, uint32_t trigram)
{
    size_t at = slot_of(self, trigram);

    if (self->slots[at])
        return;
    self->items[self->n++] = trigram;
    self->slots[at] = (uint16_t)self->n;
}

/* Each word between two spaces before it and one behind it. */
void trigrams_read(struct trigrams *self, const char *text)
{
    uint32_t last = 0x2020;
    size_t n = 0;

    self->n = 0;
    memset(self->slots, 0, sizeof self->slots);
    for (const unsigned char *at = (const unsigned char *)text; n < TRIGRAMS_MAX; at++) {
        bool letter = *at && is_letter(*at);
        if (letter || (last & 0xff) != ' ') {
            last = (last << 8 | (letter ? lower(*at) : ' ')) & 0xffffff;
            add(self, last);
            n++;
        }
        if (!letter)
            last = 0x2020;
        if (!*at)
            break;
    }
}

double trigrams_similarity(const struct trigrams *self, const char *text)
{
    struct trigrams other;
    size_t common = 0;

    trigrams_read(&other, text);
    for (size_t i = 0; i < other.n; i++)
        common += has(self, other.items[i]);
    return self->n + other.n > common ? (double)common / (double)(self->n + other.n - common) : 0;
}

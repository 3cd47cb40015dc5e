/* trigram.c - see trigram.h. It is done here and not by the database, where it costs five times as much: a search
 * compares some twenty titles. A trigram is three bytes: of a script with two bytes a letter it is finer than
 * PostgreSQL's, which makes no difference to an order. */
#include "services/knowledge/trigram.h"

#include <stdbool.h>
#include <stdlib.h>

static bool is_letter(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Each word between two spaces before it and one behind it. */
void trigrams_read(struct trigrams *self, const char *text)
{
    uint32_t last = 0x2020;
    size_t n = 0, kept = 0;

    for (const unsigned char *at = (const unsigned char *)text; n < TRIGRAMS_MAX; at++) {
        bool letter = *at && is_letter(*at);
        if (letter || (last & 0xff) != ' ')
            self->items[n++] = last = (last << 8 | (letter ? lower(*at) : ' ')) & 0xffffff;
        if (!letter)
            last = 0x2020;
        if (!*at)
            break;
    }
    qsort(self->items, n, sizeof *self->items, compare);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || self->items[i] != self->items[kept - 1])
            self->items[kept++] = self->items[i];
    self->n = kept;
}

double trigrams_similarity(const struct trigrams *self, const char *text)
{
    struct trigrams other;
    size_t common = 0;

    trigrams_read(&other, text);
    for (size_t i = 0, j = 0; i < self->n && j < other.n;) {
        uint32_t x = self->items[i], y = other.items[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    return self->n + other.n > common ? (double)common / (double)(self->n + other.n - common) : 0;
}

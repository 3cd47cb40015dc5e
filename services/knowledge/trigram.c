/* trigram.c - see trigram.h. It is done here and not by the database, where it costs five times as much: a search
 * compares some twenty titles. A trigram is three bytes: of a script with two bytes a letter it is finer than
 * PostgreSQL's, which makes no difference to an order. */
#include "services/knowledge/trigram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define TRIGRAMS_MAX 500

static bool is_letter(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Each word between two spaces before it and one behind it. Sorted, without repeats; returns how many. */
static size_t trigrams(const char *text, uint32_t out[TRIGRAMS_MAX])
{
    uint32_t last = 0x2020;
    size_t n = 0, kept = 0;

    for (const unsigned char *at = (const unsigned char *)text; n < TRIGRAMS_MAX; at++) {
        bool letter = *at && is_letter(*at);
        if (letter || (last & 0xff) != ' ')
            out[n++] = last = (last << 8 | (letter ? *at : ' ')) & 0xffffff;
        if (!letter)
            last = 0x2020;
        if (!*at)
            break;
    }
    qsort(out, n, sizeof *out, compare);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || out[i] != out[kept - 1])
            out[kept++] = out[i];
    return kept;
}

double trigram_similarity(const char *a, const char *b)
{
    uint32_t of_a[TRIGRAMS_MAX], of_b[TRIGRAMS_MAX];
    size_t n_a = trigrams(a, of_a), n_b = trigrams(b, of_b), common = 0;

    for (size_t i = 0, j = 0; i < n_a && j < n_b;) {
        uint32_t x = of_a[i], y = of_b[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    return n_a + n_b > common ? (double)common / (double)(n_a + n_b - common) : 0;
}

/* slips.c - see slips.h. */
#include "services/knowledge/search/slips.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS_MIN  4
#define LETTERS_MAX  40
#define LETTERS_LONG 7 /* from here on two slips are still the same word */
#define EDITS_MAX    2

/* The letters of a word, at most LETTERS_MAX + 1 of them. Returns how many. */
static int read_letters(const char *word, uint32_t letters[LETTERS_MAX + 1])
{
    int n = 0;

    for (const unsigned char *at = (const unsigned char *)word; *at && n <= LETTERS_MAX; n++) {
        uint32_t letter = *at++;
        while ((*at & 0xc0) == 0x80)
            letter = letter << 8 | *at++;
        letters[n] = letter;
    }
    return n;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance; more than EDITS_MAX is told as EDITS_MAX + 1. Only what is that near the diagonal counts. */
static int edits_between(const uint32_t *a, int n_a, const uint32_t *b, int n_b)
{
    int above[LETTERS_MAX + 2], row[LETTERS_MAX + 2];

    for (int j = 0; j <= n_b; j++)
        above[j] = least(j, EDITS_MAX + 1);
    for (int i = 1; i <= n_a; i++) {
        int from = i > EDITS_MAX ? i - EDITS_MAX : 1, to = least(i + EDITS_MAX, n_b);
        row[from - 1] = from == 1 ? least(i, EDITS_MAX + 1) : EDITS_MAX + 1;
        for (int j = from; j <= to; j++) {
            int edits = above[j - 1] + (a[i - 1] != b[j - 1]);
            edits = least(edits, row[j - 1] + 1);
            if (j < i + EDITS_MAX) /* above there is nothing that near */
                edits = least(edits, above[j] + 1);
            row[j] = least(edits, EDITS_MAX + 1);
        }
        memcpy(above + from - 1, row + from - 1, (size_t)(to - from + 2) * sizeof row[0]);
    }
    return above[n_b];
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static int are_same_letters(uint32_t *a, uint32_t *b, int n)
{
    qsort(a, (size_t)n, sizeof *a, compare);
    qsort(b, (size_t)n, sizeof *b, compare);
    return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

int slips_between(const char *a, const char *b)
{
    uint32_t x[LETTERS_MAX + 1], y[LETTERS_MAX + 1];
    int n_x, n_y, edits;

    if (*a != *b) /* also of other scripts: then the bytes after it are compared below */
        return -1;
    n_x = read_letters(a, x);
    n_y = read_letters(b, y);
    if (n_x < LETTERS_MIN || n_y < LETTERS_MIN || n_x > LETTERS_MAX || n_y > LETTERS_MAX ||
        abs(n_x - n_y) > EDITS_MAX || x[0] != y[0])
        return -1;
    edits = edits_between(x, n_x, y, n_y);
    if (edits < EDITS_MAX)
        return edits;
    if (edits > EDITS_MAX)
        return -1;
    if (n_x == n_y && are_same_letters(x, y, n_x))
        return 1;
    return least(n_x, n_y) >= LETTERS_LONG ? 2 : -1;
}

/* terms.c - see terms.h. */
#include "services/orchestrator/scripted/terms.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"

#define BUCKETS 256

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* The bytes of word if it stands at p, any case; 0: it does not. */
static size_t text_at(const char *p, const char *word)
{
    size_t len = 0;

    while (word[len] && lower(p[len]) == (unsigned char)word[len])
        len++;
    return word[len] ? 0 : len;
}

static bool ends_word(const char *p, const char *word, size_t len)
{
    return !is_word_byte(word[len - 1]) || !is_word_byte(p[len]) || (word[len - 1] >= '0' && word[len - 1] <= '9');
}

bool word_at(const char *p, const char *word)
{
    size_t len = text_at(p, word);

    return len > 0 && ends_word(p, word, len);
}

/* ---- the index: the phrases in order of how they begin ---- */

struct term_index {
    uint16_t first[BUCKETS + 1]; /* of entries; a bucket ends where the next one begins */
    struct term entries[];
};

/* Of the first two letters, or of the first one alone. */
static unsigned bucket_of(const char *p, bool alone)
{
    unsigned first = lower(p[0]), second;

    if (first < 0x80)
        return (first * 37 + (alone ? 0 : lower(p[1])) * 11) % BUCKETS;
    /* Two bytes each, of which the last one tells most. */
    second = !alone && p[1] && p[2] ? (unsigned char)p[3] : 0;
    return (first * 37 + (unsigned char)p[1] * 11 + second * 5) % BUCKETS;
}

static bool is_alone(const char *text)
{
    return strlen(text) < ((unsigned char)*text < 0x80 ? 2 : 4);
}

/* NULL when out of memory. */
static struct term_index *build_index(const struct term *list)
{
    struct term_index *index;
    size_t n = 0;

    while (list[n].text)
        n++;
    if (!(index = calloc(1, sizeof *index + n * sizeof *index->entries)))
        return NULL;
    for (unsigned bucket = 0, at = 0; bucket < BUCKETS; bucket++) {
        index->first[bucket] = (uint16_t)at;
        for (size_t i = 0; i < n; i++)
            if (bucket_of(list[i].text, is_alone(list[i].text)) == bucket)
                index->entries[at++] = list[i];
        index->first[bucket + 1] = (uint16_t)at;
    }
    return index;
}

static const struct term_index *index_of(struct terms *self)
{
    struct term_index *index = atomic_load_explicit(&self->index, memory_order_acquire), *known = NULL;

    if (index || !(index = build_index(self->list)))
        return index;
    if (atomic_compare_exchange_strong(&self->index, &known, index))
        return index;
    free(index); /* another thread was first */
    return known;
}

/* ---- looking ---- */

/* Whether phrase, behind skip bytes at p, is longer than what is known: *best, prefix included. */
static void try_phrase(const char *p, size_t skip, const struct term *phrase, size_t *best, int *ret_value)
{
    size_t len = text_at(p + skip, phrase->text);

    if (len == 0 || skip + len <= *best || !ends_word(p + skip, phrase->text, len))
        return;
    *best = skip + len;
    *ret_value = phrase->value;
}

static void try_bucket(const char *p, size_t skip, const struct term_index *index, bool alone, size_t *best,
                       int *ret_value)
{
    unsigned bucket = bucket_of(p + skip, alone);

    for (unsigned i = index->first[bucket]; i < index->first[bucket + 1]; i++)
        try_phrase(p, skip, &index->entries[i], best, ret_value);
}

static void try_all(const char *p, size_t skip, const struct term *phrases, size_t *best, int *ret_value)
{
    for (; phrases->text; phrases++)
        try_phrase(p, skip, phrases, best, ret_value);
}

/* The bytes of the Arabic prefixes that p may begin with, none of them first. */
static size_t prefixes_at(const char *p, size_t skips[12])
{
    static const char *const prefixes[] = {"ال", "و", "وال", "ب", "بال", "ل", "لل", "ف", "وب", "ول", "ك"};
    size_t n = 0;

    skips[n++] = 0;
    if ((unsigned char)*p < 0x80)
        return n;
    for (size_t i = 0; i < COUNT_OF(prefixes); i++)
        if (p[1] == prefixes[i][1] && text_at(p, prefixes[i]))
            skips[n++] = strlen(prefixes[i]);
    return n;
}

size_t phrase_at(const char *p, struct terms *phrases, int *ret_value)
{
    const struct term_index *index = index_of(phrases);
    size_t skips[12], n = prefixes_at(p, skips), best = 0;

    for (size_t i = 0; i < n; i++)
        if (!index) {
            try_all(p, skips[i], phrases->list, &best, ret_value);
        } else if (p[skips[i]]) {
            try_bucket(p, skips[i], index, false, &best, ret_value);
            try_bucket(p, skips[i], index, true, &best, ret_value);
        }
    return best;
}

size_t term_at(const char *p, const struct term *phrases, int *ret_value)
{
    size_t skips[12], n = prefixes_at(p, skips), best = 0;

    for (size_t i = 0; i < n; i++)
        try_all(p, skips[i], phrases, &best, ret_value);
    return best;
}

bool phrase_before(const char *text, const char *p, const struct term *phrases)
{
    while (p > text && p[-1] == ' ')
        p--;
    for (; phrases->text; phrases++) {
        size_t len = strlen(phrases->text);

        if ((size_t)(p - text) >= len && text_at(p - len, phrases->text) &&
            (p - len == text || !is_word_byte(p[-(ptrdiff_t)len - 1])))
            return true;
    }
    return false;
}

void term_starts_add(struct term_starts *self, const struct term *phrases)
{
    for (; phrases->text; phrases++) {
        unsigned bucket = bucket_of(phrases->text, is_alone(phrases->text));

        self->buckets[bucket / 64] |= UINT64_C(1) << bucket % 64;
    }
}

bool term_starts_at(const struct term_starts *self, const char *p)
{
    unsigned two = bucket_of(p, false), one = bucket_of(p, true);

    return (self->buckets[two / 64] >> two % 64 | self->buckets[one / 64] >> one % 64) & 1;
}

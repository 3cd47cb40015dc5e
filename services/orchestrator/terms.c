/* terms.c - see terms.h. */
#include "services/orchestrator/terms.h"

#include <ctype.h>
#include <string.h>

#include "libshared/auto.h"

#define STARTS_BITS 10 /* of struct terms */

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

/* The bytes that the first letter has, and those that two have. */
static void letters(const char *p, size_t *ret_one, size_t *ret_two)
{
    *ret_one = (unsigned char)*p < 0x80 ? 1 : 2;
    *ret_two = *ret_one * 2;
}

static unsigned hash(const char *p, size_t len)
{
    uint32_t h = (uint32_t)len;

    for (size_t i = 0; i < len && p[i]; i++)
        h = (h ^ lower(p[i])) * 16777619u;
    return (h * 2654435761u) >> (32 - STARTS_BITS);
}

static void mark(struct terms *self, unsigned bit)
{
    atomic_fetch_or_explicit(&self->starts[bit / 64], UINT64_C(1) << bit % 64, memory_order_relaxed);
}

static bool is_marked(struct terms *self, unsigned bit)
{
    return atomic_load_explicit(&self->starts[bit / 64], memory_order_relaxed) >> bit % 64 & 1;
}

/* By its first two letters, or by its one. */
static void build_index(struct terms *self)
{
    size_t one, two;

    for (const struct term *term = self->list; term->text; term++) {
        letters(term->text, &one, &two);
        mark(self, hash(term->text, strlen(term->text) < two ? one : two));
    }
    atomic_store_explicit(&self->indexed, true, memory_order_release);
}

static bool may_stand(struct terms *self, const char *p)
{
    size_t one, two;

    if (!atomic_load_explicit(&self->indexed, memory_order_acquire))
        build_index(self);
    letters(p, &one, &two);
    return is_marked(self, hash(p, two)) || is_marked(self, hash(p, one));
}

/* The longest phrase behind skip bytes at p; *best: the longest that is known, prefix included. */
static void longest(const char *p, size_t skip, const struct term *phrases, size_t *best, int *ret_value)
{
    for (const struct term *phrase = phrases; phrase->text; phrase++) {
        size_t len;

        if (lower(p[skip]) != (unsigned char)phrase->text[0] || !(len = text_at(p + skip, phrase->text)) ||
            skip + len <= *best || !ends_word(p + skip, phrase->text, len))
            continue;
        *best = skip + len;
        *ret_value = phrase->value;
    }
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
    size_t skips[12], n = prefixes_at(p, skips), best = 0;

    for (size_t i = 0; i < n; i++)
        if (may_stand(phrases, p + skips[i]))
            longest(p, skips[i], phrases->list, &best, ret_value);
    return best;
}

size_t term_at(const char *p, const struct term *phrases, int *ret_value)
{
    size_t skips[12], n = prefixes_at(p, skips), best = 0;

    for (size_t i = 0; i < n; i++)
        longest(p, skips[i], phrases, &best, ret_value);
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

/* embed.c - see embed.h. */
#include "tools/sandbox/embed.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"

#define WORD_MAX       64
#define TRIGRAM_WEIGHT 0.35f

static uint32_t hash(const char *text, size_t len, uint32_t seed)
{
    uint32_t h = 2166136261u ^ seed;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    h ^= h >> 15;
    h *= 2246822519u;
    return h ^ h >> 13;
}

static void add(float *out, int n, uint32_t h, float weight)
{
    out[h % (uint32_t)n] += h & 0x40000000u ? weight : -weight;
}

/* Words that say little of what a text is about. */
static int is_common(const char *word)
{
    static const char *const words[] = {"a",    "an",    "and",   "are",  "at",  "be",  "can",  "do",
                                        "does", "for",   "how",   "i",    "in",  "is",  "it",   "much",
                                        "my",   "of",    "on",    "or",   "the", "to",  "we",   "what",
                                        "when", "where", "which", "with", "yes", "you", "your", "our"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i], word) == 0)
            return 1;
    return 0;
}

/* Cuts the commonest endings, so that "heaters" meets "heater" and "cleaning" meets "clean". */
static size_t stem(const char *word, size_t len)
{
    if (len > 5 && strncmp(word + len - 3, "ing", 3) == 0)
        return len - 3;
    if (len > 3 && word[len - 1] == 's' && word[len - 2] != 's')
        return len - 1;
    return len;
}

static void add_word(float *out, int n, char *word, size_t len)
{
    word[len] = '\0';
    if (is_common(word)) {
        add(out, n, hash(word, len, 1), 0.1f);
        return;
    }
    len = stem(word, len);
    add(out, n, hash(word, len, 1), 1.0f);
    for (size_t i = 0; i + 3 <= len; i++)
        add(out, n, hash(word + i, 3, 2), TRIGRAM_WEIGHT);
}

void box_embed(const char *text, float *out, int n)
{
    char word[WORD_MAX + 1];
    size_t len = 0;
    double sum = 0;

    memset(out, 0, (size_t)n * sizeof *out);
    for (const char *p = text;; p++) {
        unsigned char c = (unsigned char)*p;

        if (isalnum(c) || c >= 0x80) {
            if (len < WORD_MAX)
                word[len++] = (char)tolower(c);
            continue;
        }
        if (len)
            add_word(out, n, word, len);
        len = 0;
        if (!c)
            break;
    }
    for (int i = 0; i < n; i++)
        sum += (double)out[i] * (double)out[i];
    if (sum <= 0) {
        out[0] = 1;
        return;
    }
    for (int i = 0; i < n; i++)
        out[i] = (float)((double)out[i] / sqrt(sum));
}

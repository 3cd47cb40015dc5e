/* topic.c - see topic.h. */
#include "services/orchestrator/guards/topic.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/guards/topic_words.h"

#define STEM_BYTES        5 /* of a word in Latin letters */
#define STEM_BYTES_ARABIC 8 /* four letters */
#define ENDING_MAX        2 /* letters by which a shorter word may grow */

static struct terms common_latin = {.list = topic_common_latin};
static struct terms common_arabic = {.list = topic_common_arabic};
static struct terms meanings = {.list = topic_meanings};

static bool is_common(const char *word, size_t len)
{
    int ignored;

    return phrase_at(word, (unsigned char)*word < 0x80 ? &common_latin : &common_arabic, &ignored) == len;
}

static int meaning(const char *word, size_t len)
{
    int value = 0;

    return phrase_at(word, &meanings, &value) == len ? value : 0;
}

static size_t article(const char *word, size_t len)
{
    static const char *const articles[] = {"وال", "بال", "لل", "ال"};

    for (size_t i = 0; i < COUNT_OF(articles) && (unsigned char)*word >= 0x80; i++)
        if (len > strlen(articles[i]) + 4 && strncmp(word, articles[i], strlen(articles[i])) == 0)
            return strlen(articles[i]);
    return 0;
}

size_t topic_next(const char **p, const char *end, const char **ret_word)
{
    while (*p < end) {
        const char *word = *p + strspn(*p, " ");
        size_t len = strcspn(word, " "), skip, min;

        if (word >= end)
            break;
        *p = word + len;
        if (is_common(word, len))
            continue;
        skip = article(word, len);
        min = (unsigned char)*word < 0x80 ? 3 : 6;
        if (len - skip >= min) {
            *ret_word = word + skip;
            return len - skip;
        }
    }
    *p = end;
    return 0;
}

bool topic_between(const char *bare, size_t from, size_t to)
{
    const char *p = bare + from, *word;

    return topic_next(&p, bare + to, &word) > 0;
}

/* The first letters are the same, and what one has more is no more than an ending. */
static bool same_stem(const char *a, size_t la, const char *b, size_t lb)
{
    bool latin = (unsigned char)*a < 0x80;
    size_t stem = latin ? STEM_BYTES : STEM_BYTES_ARABIC, shorter = la < lb ? la : lb, longer = la < lb ? lb : la;
    size_t ending = latin ? ENDING_MAX : ENDING_MAX * 2;

    if (shorter >= stem)
        return memcmp(a, b, stem) == 0;
    return longer - shorter <= ending && memcmp(a, b, shorter) == 0;
}

/* Arabic's "and", "with" and "for" are written with the word. */
static size_t joined(const char *word, size_t len)
{
    static const char *const joined[] = {"و", "ب", "ل", "ف"};

    for (size_t i = 0; i < COUNT_OF(joined); i++)
        if (len > 6 && strncmp(word, joined[i], 2) == 0)
            return 2;
    return 0;
}

bool topic_same(const struct topic *a, const struct topic *b)
{
    size_t ja, jb;

    if (a->word[0] == b->word[0] && same_stem(a->word, a->len, b->word, b->len))
        return true;
    if (a->meaning > 0 && a->meaning == b->meaning)
        return true;
    if ((unsigned char)a->word[0] < 0x80 || (unsigned char)b->word[0] < 0x80)
        return false;
    ja = joined(a->word, a->len);
    jb = joined(b->word, b->len);
    return (ja > 0 && same_stem(a->word + ja, a->len - ja, b->word, b->len)) ||
           (jb > 0 && same_stem(a->word, a->len, b->word + jb, b->len - jb));
}

struct topic *topics_read(struct arena *arena, const char *bare, size_t *ret_n)
{
    const char *end = bare + strlen(bare), *p = bare, *word;
    /* A word has three letters and a space behind it. */
    struct topic *topics = arena_calloc(arena, (size_t)(end - bare) / 4 + 1, sizeof *topics);
    size_t len, n = 0;

    for (; topics && (len = topic_next(&p, end, &word)); n++)
        topics[n] = (struct topic){.word = word, .len = len, .meaning = meaning(word, len)};
    *ret_n = n;
    return topics;
}

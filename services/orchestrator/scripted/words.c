/* words.c - see words.h. */
#include "services/orchestrator/scripted/words.h"

#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"

#define STARTS_BITS (64 * (unsigned)COUNT_OF(((struct word_starts *)NULL)->bits))

static bool is_letter_or_digit(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

#define ARABIC_QUESTION_MARK "\xd8\x9f"

/* Bytes of the apostrophe at p, straight or curly (U+2019); 0 if there is none. */
static size_t apostrophe(const char *p)
{
    if (*p == '\'')
        return 1;
    return p[0] == '\xe2' && p[1] == '\x80' && p[2] == '\x99' ? 3 : 0;
}

/* Bytes of a mark beyond ASCII at p that Arabic and Spanish write at a word: U+061F, U+060C, U+061B, U+00BF, U+00A1. */
static size_t foreign_mark(const char *p)
{
    if (p[0] == '\xd8')
        return p[1] == '\x9f' || p[1] == '\x8c' || p[1] == '\x9b' ? 2 : 0;
    return p[0] == '\xc2' && (p[1] == '\xbf' || p[1] == '\xa1') ? 2 : 0;
}

/* Writes what stands at p, folded, to *w; the bytes that it read. */
static size_t fold_one(const char *p, char **w)
{
    size_t skip = apostrophe(p);

    if (skip)
        return skip;
    skip = foreign_mark(p);
    if (!skip && is_letter_or_digit((unsigned char)*p))
        *(*w)++ = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    else if ((*w)[-1] != ' ')
        *(*w)++ = ' ';
    return skip ? skip : 1;
}

const char *words_fold(struct arena *arena, const char *text)
{
    char *out = arena_alloc(arena, strlen(text) + 3), *w = out;

    if (!out)
        return NULL;
    *w++ = ' ';
    while (*text)
        text += fold_one(text, &w);
    if (w[-1] != ' ')
        *w++ = ' ';
    *w = '\0';
    return out;
}

bool words_have(const char *folded, const char *phrase)
{
    size_t len = strlen(phrase);

    for (const char *p = folded; (p = strstr(p, phrase)); p++)
        if (p > folded && p[-1] == ' ' && p[len] == ' ')
            return true;
    return false;
}

/* Of the first two letters of a word or a phrase; where it has but one, a space follows it in a text. */
static unsigned start_bit(const char *word)
{
    unsigned first = (unsigned char)word[0], second = word[0] && word[1] ? (unsigned char)word[1] : ' ';

    if (first >= 0x80 && word[1] && (unsigned char)word[2] >= 0x80) /* two bytes each; the last one tells most */
        second += (word[3] ? (unsigned char)word[3] : ' ') * 5u;
    return (first * 37u + second * 11u) % STARTS_BITS;
}

struct word_starts words_starts(const char *folded)
{
    struct word_starts starts = {{0}};

    for (const char *p = strchr(folded, ' '); p && p[1]; p = strchr(p + 1, ' '))
        starts.bits[start_bit(p + 1) / 64] |= UINT64_C(1) << start_bit(p + 1) % 64;
    return starts;
}

bool words_may_have(const struct word_starts *starts, const char *phrase)
{
    unsigned bit = start_bit(phrase);

    return starts->bits[bit / 64] >> bit % 64 & 1;
}

const char *words_find(const char *folded, const char *const *phrases)
{
    struct word_starts starts = words_starts(folded);

    for (; *phrases; phrases++)
        if (words_may_have(&starts, *phrases) && words_have(folded, *phrases))
            return *phrases;
    return NULL;
}

/* p: its last byte. */
static bool is_arabic_question_mark(const char *start, const char *p)
{
    return p > start && memcmp(p - 1, ARABIC_QUESTION_MARK, 2) == 0;
}

/* Whether the word before the dot at p may stand before one within a sentence: "a.m.", "approx. two hours". */
static bool is_abbreviated(const char *start, const char *p)
{
    static const char *const words[] = {"approx", "appt", "apt",  "ave", "blvd", "min", "mins", "max",   "hrs",  "hwy",
                                        "tel",    "ext",  "dept", "est", "etc",  "inc", "ref",  "aprox", "avda", "sra"};
    const char *word = p;

    while (word > start && is_letter_or_digit((unsigned char)word[-1]))
        word--;
    if (p - word < 3 || (word > start && word[-1] == '.'))
        return true;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strlen(words[i]) == (size_t)(p - word) && strncasecmp(word, words[i], (size_t)(p - word)) == 0)
            return true;
    return false;
}

static bool ends_sentence(const char *start, const char *p)
{
    const char *next = p + 1;

    if (is_arabic_question_mark(start, p))
        return true;
    if (*p == '\n')
        return true;
    if (*p != '.' && *p != '!' && *p != '?')
        return false;
    if (*next && !strchr(" \n\t", *next))
        return false; /* 3.5, example.com, "?!" goes on */
    while (*next == ' ' || *next == '\t')
        next++;
    return *p != '.' || !(*next >= 'a' && *next <= 'z') || !is_abbreviated(start, p);
}

static bool fill(struct arena *arena, const char *start, const char *end, struct sentence *ret)
{
    char *text;

    while (start < end && strchr(" \t\n\r", *start))
        start++;
    while (end > start && strchr(" \t\n\r", end[-1]))
        end--;
    if (start == end || !(text = arena_strndup(arena, start, (size_t)(end - start))))
        return false;
    *ret = (struct sentence){.text = text};
    ret->folded = words_fold(arena, text);
    ret->question = is_arabic_question_mark(start, end - 1);
    while (end > start && strchr("!.?", end[-1]) && !ret->question)
        ret->question = *--end == '?';
    return ret->folded != NULL;
}

size_t words_sentences(struct arena *arena, const char *text, struct sentence *ret_sentences, size_t max)
{
    const char *start = text;
    size_t n = 0;

    for (const char *p = text; *p && n + 1 < max; p++) {
        if (!ends_sentence(start, p))
            continue;
        if (fill(arena, start, p + 1, &ret_sentences[n]))
            n++;
        start = p + 1;
    }
    if (n < max && fill(arena, start, start + strlen(start), &ret_sentences[n]))
        n++;
    return n;
}

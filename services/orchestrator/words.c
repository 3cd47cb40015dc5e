/* words.c - see words.h. */
#include "services/orchestrator/words.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"

static bool is_letter_or_digit(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

/* Bytes of the apostrophe at p, straight or curly (U+2019); 0 if there is none. */
static size_t apostrophe(const char *p)
{
    if (*p == '\'')
        return 1;
    return strncmp(p, "\xe2\x80\x99", 3) == 0 ? 3 : 0;
}

#define ARABIC_QUESTION_MARK "\xd8\x9f"

/* Bytes of a mark beyond ASCII at p that Arabic and Spanish write at a word: U+061F, U+060C, U+061B, U+00BF, U+00A1. */
static size_t foreign_mark(const char *p)
{
    static const char *const marks[] = {ARABIC_QUESTION_MARK, "\xd8\x8c", "\xd8\x9b", "\xc2\xbf", "\xc2\xa1"};

    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (strncmp(p, marks[i], 2) == 0)
            return 2;
    return 0;
}

const char *words_fold(struct arena *arena, const char *text)
{
    char *out = arena_alloc(arena, strlen(text) + 3), *w = out;

    if (!out)
        return NULL;
    *w++ = ' ';
    while (*text) {
        size_t skip = apostrophe(text);

        if (skip) {
            text += skip;
            continue;
        }
        skip = foreign_mark(text);
        if (!skip && is_letter_or_digit((unsigned char)*text))
            *w++ = (char)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text);
        else if (w[-1] != ' ')
            *w++ = ' ';
        text += skip ? skip : 1;
    }
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

const char *words_find(const char *folded, const char *const *phrases)
{
    for (; *phrases; phrases++)
        if (words_have(folded, *phrases))
            return *phrases;
    return NULL;
}

/* p: its last byte. */
static bool is_arabic_question_mark(const char *start, const char *p)
{
    return p > start && memcmp(p - 1, ARABIC_QUESTION_MARK, 2) == 0;
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
    return *p != '.' || !(*next >= 'a' && *next <= 'z'); /* "9 a.m. to 5 p.m." */
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

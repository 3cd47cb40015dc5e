/* burst.c - see burst.h. */
#include "services/gateway/burst.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "libshared/auto.h"
#include "libshared/text.h"

#define COMPLETE_CHARS 80
#define COMPLETE_WORDS 3

/* ? ! . and their like: Arabic question mark and full stop, Devanagari danda, ideographic and full-width forms,
 * ellipsis, double marks. */
static const char *const sentence_ends[] = {".",  "!", "?", "؟", "۔", "।", "。", "！",
                                            "？", "…", "‼", "⁇", "⁈", "⁉", "｡"};
/* What may stand behind the end of a sentence. */
static const char *const closers[] = {"\"", "'", ")", "]", "”", "’", "»", "\xE2\x80\x8F", "\xE2\x80\x8E"};

/* What a text ends with that goes on in the next. */
static const char *const open_marks[] = {",", ":", ";", "-", "–", "—", "،", "؛", "، ", "...", "…"};
static const char *const open_words[] = {"and", "but",  "also", "because", "so",  "with", "for",      "the",
                                         "a",   "an",   "or",   "to",      "my",  "is",   "question", "plus",
                                         "y",   "pero", "e",    "porque",  "con", "para", "pregunta", "el",
                                         "la",  "que",  "و",    "لكن",     "لان", "مع",   "سؤال"};

static bool is_word_byte(unsigned char c)
{
    return isalnum(c) || c >= 0x80;
}

static size_t count_words(const char *text)
{
    size_t n = 0;
    bool inside = false;

    for (; *text; text++) {
        bool word = is_word_byte((unsigned char)*text);

        if (word && !inside)
            n++;
        if (word || isspace((unsigned char)*text))
            inside = word;
    }
    return n;
}

/* The length of text without one of the endings, or len itself. */
static size_t strip_one(const char *text, size_t len, const char *const *endings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(endings[i]);

        if (len >= m && memcmp(text + len - m, endings[i], m) == 0)
            return len - m;
    }
    return len;
}

static bool ends_like_a_sentence(const char *text)
{
    size_t len = strlen(text);

    for (;;) {
        size_t before = len;

        while (len > 0 && isspace((unsigned char)text[len - 1]))
            len--;
        len = strip_one(text, len, closers, COUNT_OF(closers));
        if (len == before)
            break;
    }
    return strip_one(text, len, sentence_ends, COUNT_OF(sentence_ends)) < len;
}

/* Without the spaces at its end. */
static size_t trimmed(const char *text)
{
    size_t len = strlen(text);

    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    return len;
}

/* Whether the last word is one of the list, in any case. */
static bool ends_with_word(const char *text, size_t len, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(words[i]);

        if (len >= m && strncasecmp(text + len - m, words[i], m) == 0 &&
            (len == m || isspace((unsigned char)text[len - m - 1])))
            return true;
    }
    return false;
}

/* Whether more is announced: a comma or a dash at the end, "and", "quick question". */
static bool goes_on(const char *text)
{
    size_t len = trimmed(text);

    return strip_one(text, len, open_marks, COUNT_OF(open_marks)) < len ||
           ends_with_word(text, len, open_words, COUNT_OF(open_words));
}

int64_t burst_hold_ms(const char *text, int64_t burst_wait_ms)
{
    size_t words = count_words(text);
    bool open = goes_on(text);
    int64_t hold_ms = burst_wait_ms;

    if (!open && (utf8_count(text) > COMPLETE_CHARS || (words >= COMPLETE_WORDS && ends_like_a_sentence(text))))
        return 0;
    if (open || words < COMPLETE_WORDS)
        hold_ms *= 2; /* a greeting, an announcement, a photo alone: something is to come */
    return hold_ms < BURST_MAX_MS ? hold_ms : BURST_MAX_MS;
}

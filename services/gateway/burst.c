/* burst.c - see burst.h. */
#include "services/gateway/burst.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

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

int64_t burst_hold_ms(const char *text, int64_t burst_wait_ms)
{
    if (utf8_count(text) > COMPLETE_CHARS)
        return 0;
    if (count_words(text) >= COMPLETE_WORDS && ends_like_a_sentence(text))
        return 0;
    return burst_wait_ms;
}

/* chunker_split.c - where sentences, words and characters end. */
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "libshared/auto.h"
#include "libshared/text.h"
#include "services/knowledge/ingest/chunker_internal.h"

#define SCRAP_BYTES 600 /* at most 500 tokens in any script that is met */
#define WORD_BACK   12  /* bytes looked at before a full stop: no abbreviation is longer */

/* Before a name or a number: the sentence goes on. Those of English, then of Spanish. */
static const char *const abbreviations[] = {
    "mr",  "mrs",  "ms",  "dr", "prof", "st",         "vs",         "no", "nos",  "fig", "approx", "dept",
    "est", "gen",  "rev", "jr", "tel",  "ext",        "vol",        "pp", "cf",   "e.g", "i.e",    "sr",
    "sra", "srta", "dra", "ud", "uds",  "n\xc3\xbam", "p\xc3\xa1g", "av", "avda", "ej",  "p.ej",   "aprox",
};

/* Of one character that ends a sentence; 0: it does not. Full stops need a closer look. */
static size_t stop_len(const char *text, size_t at, size_t to)
{
    static const char *const stops[] = {
        "\xd8\x9f",     "\xd8\x9b",     "\xdb\x94",     /* Arabic: question mark, semicolon, full stop */
        "\xe2\x80\xa6",                                 /* ellipsis */
        "\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f", /* of Chinese and Japanese */
        "\xe0\xa5\xa4",                                 /* of Hindi */
    };

    if (text[at] == '.' || text[at] == '!' || text[at] == '?')
        return 1;
    if ((unsigned char)text[at] < 0x80)
        return 0;
    for (size_t i = 0; i < COUNT_OF(stops); i++) {
        size_t n = strlen(stops[i]);

        if (n <= to - at && memcmp(text + at, stops[i], n) == 0)
            return n;
    }
    return 0;
}

/* Quotes and brackets that close belong to the sentence before them. */
static size_t closing_len(const char *text, size_t at, size_t to)
{
    if (strchr("\"')]*_", text[at]) && text[at])
        return 1;
    if (to - at >= 2 && memcmp(text + at, "\xc2\xbb", 2) == 0)
        return 2;
    if (to - at >= 3 && (memcmp(text + at, "\xe2\x80\x9d", 3) == 0 || memcmp(text + at, "\xe2\x80\x99", 3) == 0))
        return 3;
    return 0;
}

static bool is_lower(const char *text, size_t at, size_t to)
{
    unsigned char c = (unsigned char)text[at];

    /* The second byte of Latin's small letters with accents */
    return (c >= 'a' && c <= 'z') || (c == 0xc3 && at + 1 < to && (unsigned char)text[at + 1] >= 0x9f);
}

/* Whether the full stop at dot ends an abbreviation, an initial, or the number of an entry. */
static bool is_abbreviation(const char *text, size_t from, size_t dot)
{
    size_t start = dot;
    size_t len;

    while (start > from && dot - start < WORD_BACK && !is_blank(text[start - 1]) && !strchr("(\"'", text[start - 1]))
        start--;
    len = dot - start;
    if (len == 1 && ((text[start] >= 'A' && text[start] <= 'Z')))
        return true;
    if (start == from && len > 0 && strspn(text + start, "0123456789") >= len)
        return true;
    for (size_t i = 0; i < COUNT_OF(abbreviations); i++)
        if (strlen(abbreviations[i]) == len && strncasecmp(abbreviations[i], text + start, len) == 0)
            return true;
    return false;
}

static size_t skip_blanks(const char *text, size_t at, size_t to)
{
    while (at < to && is_blank(text[at]))
        at++;
    return at;
}

/* Whether what stands between two words is an empty line, or an entry of a list follows. */
static bool is_break(const char *text, size_t at, size_t next, size_t to)
{
    const char *line = memchr(text + at, '\n', next - at);

    if (!line)
        return false;
    return memchr(line + 1, '\n', (size_t)(text + next - line - 1)) || (next < to && is_entry(text, next, to));
}

size_t sentence_end(const char *text, size_t from, size_t to)
{
    size_t at = from;

    while (at < to) {
        size_t start = at, next = at;
        size_t n = stop_len(text, at, to);
        bool is_wide = n == 3 && (unsigned char)text[at] > 0xe2; /* no blank follows those */

        if (n > 0) {
            for (at += n; at < to && (n = stop_len(text, at, to)) > 0; at += n)
                ;
            while (at < to && (n = closing_len(text, at, to)) > 0)
                at += n;
            next = skip_blanks(text, at, to);
            if (next == to || is_wide)
                return next;
            if (next > at && !is_lower(text, next, to) &&
                !(text[start] == '.' && at == start + 1 && is_abbreviation(text, from, start)))
                return next;
        } else if (is_blank(text[at])) {
            next = skip_blanks(text, at, to);
        }
        if (next > at && is_break(text, at, next, to))
            return next;
        at = next > start ? next : start + 1;
    }
    return to;
}

size_t entry_end(const char *text, size_t from, size_t to)
{
    size_t start = from;
    size_t indent;

    while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\t'))
        start--;
    indent = from - start;
    for (size_t at = line_end(text, from, to); at < to; at = line_end(text, at, to)) {
        const char *line = text + at;

        while (line[-1] == ' ' || line[-1] == '\t')
            line--;
        if ((size_t)(text + at - line) <= indent + 1 && is_entry(text, at, to))
            return at;
    }
    return to;
}

size_t line_end(const char *text, size_t from, size_t to)
{
    const char *newline = memchr(text + from, '\n', to - from);

    return newline ? skip_blanks(text, (size_t)(newline - text), to) : to;
}

size_t word_end(const char *text, size_t from, size_t to)
{
    while (from < to && !is_blank(text[from]))
        from++;
    return skip_blanks(text, from, to);
}

size_t scrap_end(const char *text, size_t from, size_t to)
{
    size_t max = utf8_cut(text + from, to - from, SCRAP_BYTES);
    size_t at = 0, last = 0;
    utf8proc_int32_t state = 0, before = -1, c;

    if (max == to - from)
        return to;
    while (at < max) {
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text + from + at, (utf8proc_ssize_t)(max - at), &c);

        if (n <= 0)
            break;
        if (before >= 0 && utf8proc_grapheme_break_stateful(before, c, &state))
            last = at;
        before = c;
        at += (size_t)n;
    }
    return from + (last > 0 ? last : max);
}

/* reply.c - see reply.h. */
#include "services/orchestrator/turn/reply.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/text.h"
#include "services/orchestrator/scripted/words.h"

/* text cut at a word to at most max bytes, the dots included. */
static const char *cut_at_word(struct arena *arena, const char *text, size_t max)
{
    size_t len;

    if (max < 8)
        return "";
    len = utf8_cut(text, strlen(text), max - 3);
    while (len > 0 && text[len] != ' ' && text[len] != '\n')
        len--;
    if (len == 0)
        len = utf8_cut(text, strlen(text), max - 3);
    while (len > 0 && strchr(" \n,;:-", text[len - 1]))
        len--;
    return arena_printf(arena, "%.*s...", (int)len, text);
}

const char *reply_quote(struct arena *arena, const char *text, size_t max_sentences, size_t max)
{
    AUTO(buf_free) struct buf out = {0};
    struct sentence sentences[16];
    size_t n = words_sentences(arena, text, sentences, COUNT_OF(sentences));

    for (size_t i = 0; i < n && i < max_sentences; i++) {
        size_t len = strlen(sentences[i].text);

        if (out.len + (out.len > 0) + len > max)
            break;
        if (out.len > 0)
            buf_puts(&out, " ");
        buf_append(&out, sentences[i].text, len);
    }
    if (out.failed)
        return NULL;
    if (out.len == 0)
        return n > 0 ? cut_at_word(arena, sentences[0].text, max) : "";
    return arena_strdup(arena, out.data);
}

/* "[text](url)" becomes "text url"; p is at the '['. The bytes read, 0 if it is no link. */
static size_t take_link(const char *p, struct buf *out)
{
    const char *close = strpbrk(p + 1, "[]\n"), *end;

    if (!close || *close != ']' || close[1] != '(' || !(end = strpbrk(close + 2, "()\n ")) || *end != ')')
        return 0;
    buf_append(out, p + 1, (size_t)(close - p - 1));
    buf_puts(out, " ");
    buf_append(out, close + 2, (size_t)(end - close - 2));
    return (size_t)(end + 1 - p);
}

/* Marks at the start of a line: headings, quotes, bullets. */
static const char *skip_line_marks(const char *p)
{
    const char *start = p;

    while (*p == ' ' || *p == '\t')
        p++;
    if (*p == '#' || *p == '>')
        p += strspn(p, "#>");
    else if ((*p == '-' || *p == '*' || *p == '+') && p[1] == ' ')
        p++;
    else
        return *start == ' ' || *start == '\t' ? p : start;
    while (*p == ' ')
        p++;
    return p;
}

/* A line of nothing but three or more - * or _; p is at its start. The bytes up to its end, 0 if it is none. */
static size_t rule_line(const char *p)
{
    size_t n = strspn(p, " -*_");

    return n >= 3 && (p[n] == '\n' || p[n] == '\0') && strpbrk(p, "-*_") < p + n ? n : 0;
}

/* The start of what stands in a line: without its marks, or behind it if it is a line drawn. */
static const char *start_line(const char *p)
{
    return p + rule_line(p) == p ? skip_line_marks(p) : p + rule_line(p);
}

/* An underscore that opens or closes emphasis, not one within a name or an address. */
static bool is_emphasis(const struct buf *out, const char *p, bool open)
{
    char before = out->len > 0 ? out->data[out->len - 1] : ' ';

    return open ? p[1] == '\0' || strchr(" \n.,;:!?)\"", p[1])
                : strchr(" \n(\"", before) && isalnum((unsigned char)p[1]);
}

static void strip(const char *p, struct buf *out)
{
    bool open = false;

    p = start_line(p);
    while (*p) {
        const char *link = *p == '!' && p[1] == '[' ? p + 1 : p; /* an image is a link to it */
        size_t n = *link == '[' ? take_link(link, out) : 0;

        if (n > 0) {
            p = link + n;
        } else if (*p == '_' && p[1] != '_' && is_emphasis(out, p, open)) {
            open = !open;
            p++;
        } else if (strncmp(p, "**", 2) == 0 || strncmp(p, "__", 2) == 0) {
            p += 2;
        } else if (*p == '`') {
            p++;
        } else if (*p == '*' && !(p[1] == ' ' && out->len > 0 && out->data[out->len - 1] == ' ')) {
            p++; /* emphasis; "2 * 3" stays */
        } else if (*p == '\r') {
            p++;
        } else if (*p == '\n') {
            if (out->len > 0 && out->data[out->len - 1] != '\n')
                buf_puts(out, "\n");
            p = start_line(p + 1);
        } else {
            buf_append(out, p++, 1);
        }
    }
}

const char *reply_fit(struct arena *arena, const char *text, size_t max)
{
    AUTO(buf_free) struct buf out = {0};
    const char *quote, *plain;
    size_t bytes, characters;

    strip(text, &out);
    if (out.failed)
        return NULL;
    while (out.len > 0 && isspace((unsigned char)out.data[out.len - 1]))
        out.data[--out.len] = '\0';
    plain = out.data ? out.data : "";
    while (isspace((unsigned char)*plain))
        plain++;
    if (utf8_count(plain) <= max)
        return arena_strdup(arena, plain);
    /* As many bytes as max characters have. */
    for (bytes = 0, characters = 0; plain[bytes]; bytes++)
        if (((unsigned char)plain[bytes] & 0xc0) != 0x80 && characters++ == max)
            break;
    quote = reply_quote(arena, plain, 16, bytes);
    if (quote && (strlen(quote) >= bytes / 2))
        return quote;
    return cut_at_word(arena, plain, bytes);
}

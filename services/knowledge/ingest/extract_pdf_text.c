/* extract_pdf_text.c - pdftotext's lines as paragraphs.
 *
 * pdftotext ends a line where the page does, a paragraph with an empty line, a page with a form feed. Lines are told
 * apart from entries of a list by their length: a line that is much shorter than its paragraph's longest was ended on
 * purpose. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/knowledge/ingest/extract_internal.h"

#define REPEATED_PAGES_MIN 3     /* a line that stands at the edge of so many pages, and of half of them, is a header */
#define EDGE_ROUNDS        2     /* lines at each edge that are looked at */
#define PAGES_MAX          20000 /* beyond, nobody looks for headers */
#define EDGE_LINE_MAX      120   /* bytes; longer lines are text */

struct line {
    char *text;
    size_t len;
    bool ends_page;
    bool is_gone;
};

struct lines {
    struct line *items;
    size_t n;
    size_t pages;
};

/* An edge of a page, to be compared with the others. */
struct edge {
    char shape[EDGE_LINE_MAX + 1]; /* the line; in a page's number digits are '#' */
    size_t line;
};

/* Marks of the direction of writing, which the text itself tells, and of hyphenation: left out in place. */
static size_t drop_marks(char *text, size_t len)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        const unsigned char *p = (const unsigned char *)text + i;

        if (i + 2 < len && p[0] == 0xe2 &&
            ((p[1] == 0x80 && (p[2] == 0x8b || p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae))) ||
             (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9))) {
            i += 2;
            continue;
        }
        text[out++] = (char)*p;
    }
    text[out] = '\0';
    return out;
}

static bool lines_split(char *raw, size_t len, struct lines *out)
{
    size_t n = 1, start = 0;

    for (size_t i = 0; i < len; i++)
        n += raw[i] == '\n' || raw[i] == '\f';
    if (!(out->items = calloc(n, sizeof *out->items)))
        return false;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && raw[i] != '\n' && raw[i] != '\f')
            continue;
        size_t from = start, to = i;

        while (from < to && isspace((unsigned char)raw[from]))
            from++;
        while (to > from && isspace((unsigned char)raw[to - 1]))
            to--;
        /* Of several empty lines one is as good. */
        if (to == from && i < len && raw[i] == '\n' && out->n > 0 && out->items[out->n - 1].len == 0) {
            start = i + 1;
            continue;
        }
        out->items[out->n] =
            (struct line){.text = raw + from, .len = to - from, .ends_page = i < len && raw[i] == '\f'};
        out->pages += out->items[out->n++].ends_page;
        start = i + 1;
    }
    return true;
}

static int edge_compare(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    int order = strcmp(x->shape, y->shape);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static bool has_letter(const char *shape)
{
    for (; *shape; shape++)
        if (isalpha((unsigned char)*shape) || (unsigned char)*shape >= 0x80)
            return true;
    return false;
}

/* "12", "- 12 -", "Page 3 of 10", "Pagina 3": the number differs from page to page. Of other lines a number is text. */
static bool is_page_number(const char *line)
{
    return !has_letter(line) || strcasestr(line, "page") || strcasestr(line, "gina") || strstr(line, " of ");
}

static void edge_add(struct edge *edges, size_t *n, const struct lines *lines, size_t at)
{
    const struct line *line = &lines->items[at];
    struct edge *edge = &edges[*n];
    bool is_numbered;

    if (line->len > EDGE_LINE_MAX)
        return;
    memcpy(edge->shape, line->text, line->len);
    edge->shape[line->len] = '\0';
    is_numbered = is_page_number(edge->shape);
    for (char *p = edge->shape; is_numbered && *p; p++)
        if (isdigit((unsigned char)*p))
            *p = '#';
    edge->line = at;
    (*n)++;
}

/* The pages' first (or last) lines that are still there. */
static size_t edges_collect(const struct lines *lines, bool last, struct edge *edges)
{
    size_t n = 0, found = SIZE_MAX;

    for (size_t i = 0; i < lines->n; i++) {
        const struct line *line = &lines->items[i];

        if (line->len > 0 && !line->is_gone && (last || found == SIZE_MAX))
            found = i;
        if ((line->ends_page || i + 1 == lines->n) && found != SIZE_MAX) {
            edge_add(edges, &n, lines, found);
            found = SIZE_MAX;
        }
    }
    return n;
}

/* What repeats is kept where it stands first, unless it is a page's number. */
static void edges_drop(struct lines *lines, struct edge *edges, size_t n)
{
    qsort(edges, n, sizeof *edges, edge_compare);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && strcmp(edges[end].shape, edges[i].shape) == 0;)
            end++;
        if (end - i < REPEATED_PAGES_MIN || (end - i) * 2 < lines->pages)
            continue;
        for (size_t k = strchr(edges[i].shape, '#') ? i : i + 1; k < end; k++)
            lines->items[edges[k].line].is_gone = true;
    }
}

static bool drop_repeated(struct lines *lines)
{
    struct edge *edges;

    if (lines->pages < REPEATED_PAGES_MIN || lines->pages > PAGES_MAX)
        return true;
    if (!(edges = calloc(lines->pages + 1, sizeof *edges)))
        return false;
    for (int round = 0; round < EDGE_ROUNDS; round++)
        for (int last = 0; last <= 1; last++)
            edges_drop(lines, edges, edges_collect(lines, last, edges));
    free(edges);
    return true;
}

/* "- ", a bullet, "1. ", "a) ": an entry of a list starts its own line. */
static bool is_entry(const struct line *line)
{
    const char *p = line->text;
    size_t digits = 0;

    if (strchr("-*", p[0]) || strncmp(p, "\xe2\x80\xa2", 3) == 0 || strncmp(p, "\xe2\x80\x93", 3) == 0 ||
        strncmp(p, "\xef\x82\xb7", 3) == 0 || strncmp(p, "\xe2\x97\x8f", 3) == 0 || strncmp(p, "\xe2\x96\xaa", 3) == 0)
        return true;
    while (digits < line->len && isdigit((unsigned char)p[digits]))
        digits++;
    if (digits == 0 && isalpha((unsigned char)p[0]))
        digits = 1;
    return digits > 0 && digits < 4 && digits + 1 < line->len && strchr(".)", p[digits]) && p[digits + 1] == ' ';
}

/* How the next line follows what was written of a paragraph: "" (a hyphenated word goes on), " ", or a new line. */
static void join(struct buf *out, const struct line *line, const struct line *next, size_t longest)
{
    const char *text = line->text;
    size_t len = line->len;
    bool goes_on = islower((unsigned char)next->text[0]) || (unsigned char)next->text[0] >= 0x80;

    if (is_entry(next)) {
        buf_puts(out, "\n");
    } else if (len > 1 && text[len - 1] == '-' && isalpha((unsigned char)text[len - 2]) &&
               islower((unsigned char)next->text[0])) {
        out->data[--out->len] = '\0';
    } else if (len > 2 && memcmp(text + len - 2, "\xc2\xad", 2) == 0) {
        out->len -= 2;
        out->data[out->len] = '\0';
    } else {
        buf_puts(out, len * 10 >= longest * 6 || goes_on ? " " : "\n");
    }
}

/* Lines [from, to), none of them empty. */
static void put_paragraph(const struct lines *lines, size_t from, size_t to, struct buf *out)
{
    const struct line *before = NULL;
    size_t longest = 0;

    for (size_t i = from; i < to; i++)
        if (!lines->items[i].is_gone && lines->items[i].len > longest)
            longest = lines->items[i].len;
    for (size_t i = from; i < to && !out->failed; i++) {
        const struct line *line = &lines->items[i];

        if (line->is_gone)
            continue;
        if (before)
            join(out, before, line, longest);
        else if (out->len > 0)
            buf_puts(out, "\n\n");
        buf_append(out, line->text, line->len);
        before = line;
    }
}

void pdf_paragraphs(char *raw, size_t len, struct buf *out)
{
    struct lines lines = {0};
    size_t from = 0;

    if (!lines_split(raw, drop_marks(raw, len), &lines) || !drop_repeated(&lines)) {
        out->failed = true;
        free(lines.items);
        return;
    }
    for (size_t i = 0; i < lines.n; i++) {
        bool is_empty = lines.items[i].len == 0;

        if (!is_empty && !lines.items[i].ends_page && i + 1 < lines.n)
            continue;
        put_paragraph(&lines, from, is_empty ? i : i + 1, out);
        from = i + 1;
    }
    free(lines.items);
}

/* chunker_blocks.c - lines become blocks, as CommonMark tells them apart; of its finer points only those that decide
 * where a text may be cut. */
#include <stdlib.h>
#include <string.h>

#include "services/knowledge/ingest/chunker_internal.h"

#define FRONT_MATTER_MAX 100 /* lines; longer is text between two dividers */

struct parser {
    const char *text;
    size_t len;
    struct blocks *out;
    struct block open; /* to 0: none */
    size_t last_line;  /* where its last line begins */
    bool is_one_line, is_after_blank;
    char fence; /* of code: '`' or '~' */
    size_t fence_len;
};

/* A line without its end, and without the blanks around it. */
struct line {
    size_t from, to, indent;
};

static void push(struct blocks *out, struct block block)
{
    if (out->n == out->cap && !out->failed) {
        size_t cap = out->cap ? out->cap * 2 : 64;
        struct block *grown = reallocarray(out->items, cap, sizeof *grown);

        if (grown) {
            out->items = grown;
            out->cap = cap;
        } else {
            out->failed = true;
        }
    }
    if (!out->failed)
        out->items[out->n++] = block;
}

static bool is_open(const struct parser *self, enum block_kind kind)
{
    return self->open.to > 0 && self->open.kind == kind;
}

static void block_close(struct parser *self)
{
    if (self->open.to > 0)
        push(self->out, self->open);
    self->open.to = 0;
}

static void block_open(struct parser *self, enum block_kind kind, const struct line *line)
{
    block_close(self);
    self->open = (struct block){.from = (uint32_t)line->from, .to = (uint32_t)line->to, .kind = (uint8_t)kind};
    self->last_line = line->from;
    self->is_one_line = true;
    self->is_after_blank = false;
}

static void block_extend(struct parser *self, const struct line *line)
{
    self->open.to = (uint32_t)line->to;
    self->last_line = line->from;
    self->is_one_line = false;
    self->is_after_blank = false;
}

static size_t run_of(const char *text, size_t from, size_t to, char c)
{
    size_t n = 0;

    while (from + n < to && text[from + n] == c)
        n++;
    return n;
}

bool is_entry(const char *text, size_t from, size_t to)
{
    size_t digits = 0;

    if (to - from > 1 && strchr("-*+", text[from]) && text[from])
        return is_blank(text[from + 1]);
    if (to - from > 3 && memcmp(text + from, "\xe2\x80\xa2", 3) == 0)
        return true;
    while (from + digits < to && digits < 10 && text[from + digits] >= '0' && text[from + digits] <= '9')
        digits++;
    return digits > 0 && digits < 10 && from + digits + 1 < to && strchr(".)", text[from + digits]) &&
           is_blank(text[from + digits + 1]);
}

/* "---", "* * *": three or more of one kind, and blanks. */
static bool is_divider(const char *text, const struct line *line)
{
    char mark = text[line->from];
    size_t n = 0;

    if (!strchr("-*_", mark) || mark == '\0')
        return false;
    for (size_t i = line->from; i < line->to; i++) {
        if (text[i] == mark)
            n++;
        else if (!is_blank(text[i]))
            return false;
    }
    return n >= 3;
}

/* "| --- | :-: |", below a table's header. */
static bool is_below_header(const char *text, const struct line *line)
{
    bool has_bar = false, has_dash = false;

    for (size_t i = line->from; i < line->to; i++) {
        has_bar |= text[i] == '|';
        has_dash |= text[i] == '-';
        if (!strchr("|-: \t", text[i]))
            return false;
    }
    return has_bar && has_dash;
}

static bool has_bar(const char *text, size_t from, size_t to)
{
    return memchr(text + from, '|', to - from) != NULL;
}

/* "## Prices ##". False: it is none, or too long to be one. */
static bool put_heading(struct parser *self, const struct line *line)
{
    const char *text = self->text;
    size_t level = run_of(text, line->from, line->to, '#');
    size_t from = line->from + level, to = line->to;

    if (level < 1 || level > 6 || line->indent > 3 || (from < to && !is_blank(text[from])))
        return false;
    while (from < to && is_blank(text[from]))
        from++;
    while (to > from && text[to - 1] == '#')
        to--;
    if (to > from && !is_blank(text[to - 1]))
        to = line->to; /* "C#" */
    while (to > from && is_blank(text[to - 1]))
        to--;
    if (to - from > HEADING_LINE_MAX)
        return false;
    block_close(self);
    if (to > from)
        push(self->out, (struct block){(uint32_t)from, (uint32_t)to, 0, BLOCK_HEADING, (uint8_t)level});
    return true;
}

/* "Prices" above "====" or "----". */
static bool put_underlined(struct parser *self, const struct line *line)
{
    char mark = self->text[line->from];
    size_t n = run_of(self->text, line->from, line->to, mark);

    if (!is_open(self, BLOCK_TEXT) || !self->is_one_line || (mark != '=' && mark != '-') || n < 2 ||
        n != line->to - line->from || self->open.to - self->open.from > HEADING_LINE_MAX)
        return false;
    self->open.kind = BLOCK_HEADING;
    self->open.level = mark == '=' ? 1 : 2;
    block_close(self);
    return true;
}

static bool open_fence(struct parser *self, const struct line *line)
{
    char mark = self->text[line->from];
    size_t n = mark == '`' || mark == '~' ? run_of(self->text, line->from, line->to, mark) : 0;

    if (n < 3 || line->indent > 3 ||
        (mark == '`' && memchr(self->text + line->from + n, '`', line->to - line->from - n)))
        return false;
    block_open(self, BLOCK_CODE, line);
    self->fence = mark;
    self->fence_len = n;
    return true;
}

/* The paragraph's last line turns out to be a table's header. */
static bool open_table(struct parser *self, const struct line *line)
{
    struct line header = {.from = self->last_line, .to = self->open.to};
    size_t end = self->last_line;

    if (!is_open(self, BLOCK_TEXT) || !has_bar(self->text, header.from, header.to) ||
        !is_below_header(self->text, line))
        return false;
    while (end > self->open.from && is_blank(self->text[end - 1]))
        end--;
    self->open.to = (uint32_t)end;
    if (end <= self->open.from)
        self->open.to = 0;
    block_open(self, BLOCK_TABLE, &header);
    block_extend(self, line);
    self->open.rows = (uint32_t)line->to;
    return true;
}

static void markdown_line(struct parser *self, const struct line *line)
{
    bool entry = is_entry(self->text, line->from, line->to);

    if (open_fence(self, line) || put_heading(self, line) || put_underlined(self, line))
        return;
    if (is_divider(self->text, line)) {
        block_close(self);
        return;
    }
    if (open_table(self, line))
        return;
    if (is_open(self, BLOCK_TABLE) && has_bar(self->text, line->from, line->to))
        block_extend(self, line);
    else if (is_open(self, BLOCK_LIST) && (entry || !self->is_after_blank || line->indent >= 2))
        block_extend(self, line);
    else if (entry && (!is_open(self, BLOCK_TEXT) || self->text[line->from] < '0' || self->text[line->from] > '9' ||
                       strncmp(self->text + line->from, "1.", 2) == 0))
        block_open(self, BLOCK_LIST, line);
    else if (is_open(self, BLOCK_TEXT))
        block_extend(self, line);
    else
        block_open(self, BLOCK_TEXT, line);
}

static void code_line(struct parser *self, const struct line *line)
{
    size_t n = run_of(self->text, line->from, line->to, self->fence);

    if (line->to > line->from)
        block_extend(self, line);
    if (n >= self->fence_len && n == line->to - line->from)
        block_close(self);
}

static void any_line(struct parser *self, const struct line *line, bool is_markdown)
{
    if (is_open(self, BLOCK_CODE)) {
        code_line(self, line);
    } else if (line->from == line->to) {
        if (is_open(self, BLOCK_LIST))
            self->is_after_blank = true;
        else
            block_close(self);
    } else if (is_markdown) {
        markdown_line(self, line);
    } else if (is_open(self, BLOCK_TEXT)) {
        block_extend(self, line);
    } else {
        block_open(self, BLOCK_TEXT, line);
    }
}

static size_t line_at(const char *text, size_t from, size_t len, struct line *ret_line)
{
    const char *newline = memchr(text + from, '\n', len - from);
    size_t end = newline ? (size_t)(newline - text) : len;
    struct line line = {.from = from, .to = end};

    while (line.from < line.to && is_blank(text[line.from]))
        line.indent += text[line.from++] == '\t' ? 4 : 1;
    while (line.to > line.from && is_blank(text[line.to - 1]))
        line.to--;
    *ret_line = line;
    return end < len ? end + 1 : len;
}

/* "title: x" and the like, between two lines "---" at the text's very start. Returns where the text goes on. */
static size_t skip_front_matter(const char *text, size_t len)
{
    struct line line;
    size_t at = line_at(text, 0, len, &line);

    if (line.from != 0 || line.to != 3 || memcmp(text, "---", 3) != 0)
        return 0;
    for (int i = 0; i < FRONT_MATTER_MAX && at < len; i++) {
        size_t next = line_at(text, at, len, &line);

        if (line.to - line.from == 3 && line.indent == 0 &&
            (memcmp(text + line.from, "---", 3) == 0 || memcmp(text + line.from, "...", 3) == 0))
            return i > 0 ? next : 0;
        if (line.to > line.from && line.indent == 0 && text[line.from] != '#' && text[line.from] != '-' &&
            !memchr(text + line.from, ':', line.to - line.from))
            return 0;
        at = next;
    }
    return 0;
}

void blocks_parse(const char *text, size_t len, bool is_markdown, struct blocks *out)
{
    struct parser self = {.text = text, .len = len, .out = out};

    for (size_t at = is_markdown ? skip_front_matter(text, len) : 0; at < len && !out->failed;) {
        struct line line;

        at = line_at(text, at, len, &line);
        any_line(&self, &line, is_markdown);
    }
    block_close(&self);
}

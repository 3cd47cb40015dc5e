/* markdown_writer.c - see markdown_writer.h. */
#include "services/knowledge/ingest/markdown_writer.h"

#include <stdio.h>
#include <string.h>

void markdown_break(struct markdown *self, int breaks)
{
    if (self->is_line)
        self->blank = true;
    else if (breaks > self->breaks)
        self->breaks = breaks;
}

void markdown_mark(struct markdown *self, const char *mark, bool flush)
{
    if (self->is_line)
        return;
    snprintf(self->mark, sizeof self->mark, "%s", mark);
    self->is_mark_flush = flush;
}

void markdown_open(struct markdown *self, char level)
{
    if (self->indent < MARKDOWN_INDENT_MAX)
        self->levels[self->indent] = level;
    self->indent++;
}

void markdown_close(struct markdown *self)
{
    if (self->indent > 0)
        self->indent--;
}

/* The line's start. An item's own mark stands where its other lines are indented to. */
static void put_indent(struct markdown *self)
{
    unsigned levels = self->indent < MARKDOWN_INDENT_MAX ? self->indent : MARKDOWN_INDENT_MAX;
    bool has_item_mark = *self->mark && !self->is_mark_flush;

    if (*self->mark && self->is_mark_flush)
        return;
    for (unsigned i = 0; i < levels; i++) {
        if (self->levels[i] == '>')
            buf_puts(self->out, "> ");
        else if (!(has_item_mark && i + 1 == levels))
            buf_puts(self->out, "  ");
    }
}

/* What waits is written: breaks, or the space. */
static void put_waiting(struct markdown *self)
{
    size_t len = self->out->len;
    bool at_start = len == 0 || self->out->data[len - 1] == '\n';

    if (*self->mark && self->breaks == 0 && !at_start)
        self->breaks = 1;
    if (len > 0 && self->breaks > 0) {
        if (!at_start)
            buf_puts(self->out, "\n");
        if (self->breaks > 1 && !(at_start && len > 1 && self->out->data[len - 2] == '\n'))
            buf_puts(self->out, "\n");
        at_start = true;
    }
    if (at_start) {
        put_indent(self);
        buf_puts(self->out, self->mark);
    } else if (self->blank && self->out->data[len - 1] != ' ') {
        buf_puts(self->out, " ");
    }
    self->mark[0] = '\0';
    self->breaks = 0;
    self->blank = false;
}

/* The length of a blank at text: ASCII's, or the space that does not break. */
static size_t blank_len(const char *text, size_t len)
{
    if (strchr(" \t\n\r\f\v", *text))
        return 1;
    return len >= 2 && memcmp(text, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

/* The length of a place where a word may be hyphenated or broken, which is not seen. */
static size_t invisible_len(const char *text, size_t len)
{
    if (len >= 2 && memcmp(text, "\xc2\xad", 2) == 0)
        return 2;
    return len >= 3 && (memcmp(text, "\xe2\x80\x8b", 3) == 0 || memcmp(text, "\xef\xbb\xbf", 3) == 0) ? 3 : 0;
}

static void put_raw(struct markdown *self, const char *text, size_t len)
{
    if (len == 0)
        return;
    if (self->breaks > 0 || *self->mark)
        put_waiting(self);
    buf_append(self->out, text, len);
}

void markdown_text(struct markdown *self, const char *text, size_t len)
{
    if (self->is_raw) {
        put_raw(self, text, len);
        return;
    }
    for (size_t i = 0, n; i < len; i += n) {
        size_t end = i;

        if ((n = blank_len(text + i, len - i)) > 0) {
            self->blank = true;
            continue;
        }
        if ((n = invisible_len(text + i, len - i)) > 0)
            continue;
        while (end < len && !blank_len(text + end, len - end) && !invisible_len(text + end, len - end) &&
               !(self->is_cell && text[end] == '|'))
            end++;
        put_waiting(self);
        buf_append(self->out, text + i, end - i);
        if (self->is_cell && end < len && text[end] == '|') {
            buf_puts(self->out, "\\|");
            end++;
        }
        n = end - i;
    }
}

void markdown_syntax(struct markdown *self, const char *syntax)
{
    put_waiting(self);
    buf_puts(self->out, syntax);
}

/* extract_html_elements.c - what each element of a page writes at its start and at its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "services/knowledge/ingest/extract_html.h"
#include "services/knowledge/ingest/extract_internal.h"

#define FENCE "```"

/* ---- tables ---- */

static struct open *table_of(struct page *self)
{
    return self->table ? &self->stack[self->table - 1] : NULL;
}

/* n bytes that were written at start are taken back: what is remembered by its place behind them moves. */
static void take_back(struct page *self, size_t start, size_t n)
{
    memmove(self->out.data + start, self->out.data + start + n, self->out.len - start - n + 1);
    self->out.len -= n;
    for (size_t i = 0; i < self->n_asides; i++) {
        struct range *aside = &self->asides[i];

        aside->from -= aside->from > start + n ? n : aside->from > start ? aside->from - start : 0;
        aside->to -= aside->to > start + n ? n : aside->to > start ? aside->to - start : 0;
    }
}

/* A table with headings or tables in its cells is no table but a layout: from here on its cells are paragraphs. */
static void table_lay_open(struct page *self)
{
    struct open *table = table_of(self);
    size_t len = self->out.len;

    if (!table || !table->is_grid)
        return;
    table->is_grid = false;
    self->md.is_line = self->md.is_cell = false;
    if (len > 0 && self->out.data[len - 1] == '|' && (len == 1 || self->out.data[len - 2] == '\n'))
        take_back(self, len - 1, 1);
    markdown_break(&self->md, 2);
}

static void table_open(struct page *self, struct open *open)
{
    table_lay_open(self);
    markdown_break(&self->md, 2);
    open->is_grid = true;
    open->outer = self->table;
    self->table = self->depth;
}

static void row_open(struct page *self)
{
    struct open *table = table_of(self);

    if (!table || !table->is_grid)
        markdown_break(&self->md, 2);
    else
        markdown_break(&self->md, table->rows == 0 ? 2 : 1);
}

/* Markdown wants a table to have a header: its first row is. */
static void row_close(struct page *self)
{
    struct open *table = table_of(self);

    markdown_break(&self->md, table && table->is_grid ? 1 : 2);
    if (!table || !table->is_grid || table->columns == 0)
        return;
    if (table->rows++ == 0) {
        markdown_syntax(&self->md, "|");
        for (size_t i = 0; i < table->columns; i++)
            buf_puts(&self->out, " --- |");
        markdown_break(&self->md, 1);
    }
    table->columns = 0;
}

static void cell_open(struct page *self)
{
    struct open *table = table_of(self);

    if (!table || !table->is_grid) {
        markdown_break(&self->md, 2);
        return;
    }
    if (table->columns++ == 0)
        markdown_syntax(&self->md, "|");
    self->md.is_line = self->md.is_cell = true;
    self->md.blank = true;
}

static void cell_close(struct page *self)
{
    struct open *table = table_of(self);

    if (!table || !table->is_grid || !self->md.is_cell) {
        markdown_break(&self->md, 2);
        return;
    }
    self->md.is_line = self->md.is_cell = self->md.blank = false;
    buf_puts(&self->out, " |");
}

static void table_close(struct page *self, struct open *open)
{
    if (open->columns > 0)
        row_close(self); /* cells without a row around them */
    self->table = open->outer;
    markdown_break(&self->md, 2);
}

/* ---- lists ---- */

static void item_open(struct page *self)
{
    struct open *list = NULL;
    char mark[16] = "- ";

    for (size_t i = self->depth; i > 0 && !list; i--)
        if (self->stack[i - 1].kind == HTML_LIST)
            list = &self->stack[i - 1];
    if (list && list->number > 0)
        snprintf(mark, sizeof mark, "%d. ", list->number++);
    markdown_break(&self->md, 1);
    markdown_open(&self->md, ' ');
    markdown_mark(&self->md, mark, false);
}

/* An item, a heading or a meaning ends; if it had no text its mark is not written. */
static void drop_mark(struct page *self)
{
    self->md.mark[0] = '\0';
}

/* ---- preformatted ---- */

static void pre_open(struct page *self, struct open *open)
{
    table_lay_open(self);
    markdown_break(&self->md, 2);
    open->from = self->out.len;
    markdown_syntax(&self->md, FENCE "\n");
    self->md.is_raw = true;
}

static void pre_close(struct page *self, struct open *open)
{
    const char *fence = self->out.data ? strstr(self->out.data + open->from, FENCE "\n") : NULL;
    size_t start;

    self->md.is_raw = false;
    markdown_break(&self->md, 2);
    if (!fence)
        return;
    start = (size_t)(fence - self->out.data) + strlen(FENCE "\n");
    if (text_is_blank(self->out.data + start)) {
        take_back(self, open->from, self->out.len - open->from);
        return;
    }
    if (self->out.data[start] == '\n') /* the first end of a line is not shown */
        take_back(self, start, 1);
    buf_puts(&self->out, self->out.data[self->out.len - 1] == '\n' ? FENCE : "\n" FENCE);
}

/* ---- what stands aside ---- */

static void aside_close(struct page *self, struct open *open)
{
    struct range *grown;

    markdown_break(&self->md, 2);
    self->in_asides--;
    /* One within a main part belongs to it, such as an article's own header. */
    if (self->mains > 0 || self->in_asides > 0 || self->out.len <= open->from)
        return;
    if (!(grown = reallocarray(self->asides, self->n_asides + 1, sizeof *grown))) {
        self->out.failed = true;
        return;
    }
    self->asides = grown;
    self->asides[self->n_asides++] = (struct range){open->from, self->out.len};
}

char *page_text_of(const struct page *self, struct arena *arena)
{
    const char *all = self->out.data ? self->out.data : "";
    char *text = arena_strndup(arena, all, self->out.len);
    size_t len = 0, from = 0;

    if (!text || !self->has_main || self->n_asides == 0)
        return text;
    for (size_t i = 0; i <= self->n_asides; i++) {
        size_t to = i < self->n_asides && self->asides[i].from < self->out.len ? self->asides[i].from : self->out.len;

        /* An empty pre is taken back, with what stood aside in it. */
        if (from < to) {
            memcpy(text + len, all + from, to - from);
            len += to - from;
        }
        if (i < self->n_asides)
            from = self->asides[i].to;
    }
    text[len] = '\0';
    if (text_is_blank(text)) /* the main part is filled by scripts: what stands aside is all there is */
        return arena_strndup(arena, all, self->out.len);
    return text + strspn(text, "\n");
}

/* ---- all of them ---- */

static void heading_open(struct page *self, const struct open *open)
{
    const char *marks[] = {"# ", "## ", "### ", "#### ", "##### ", "###### "};

    table_lay_open(self);
    markdown_break(&self->md, 2);
    markdown_mark(&self->md, marks[open->name[1] - '1'], true);
    self->md.is_line = true;
}

void page_open(struct page *self, struct open *open)
{
    switch (open->kind) {
    case HTML_BLOCK:
        markdown_break(&self->md, 2);
        break;
    case HTML_HEADING:
        heading_open(self, open);
        break;
    case HTML_LIST:
        markdown_break(&self->md, self->lists++ > 0 ? 1 : 2);
        break;
    case HTML_ITEM:
        item_open(self);
        break;
    case HTML_TABLE:
        table_open(self, open);
        break;
    case HTML_ROW:
        row_open(self);
        break;
    case HTML_CELL:
        cell_open(self);
        break;
    case HTML_QUOTE:
        markdown_break(&self->md, 2);
        markdown_open(&self->md, '>');
        break;
    case HTML_PRE:
        pre_open(self, open);
        break;
    case HTML_TERM:
        markdown_break(&self->md, 2);
        break;
    case HTML_MEANING:
        markdown_break(&self->md, 1);
        markdown_mark(&self->md, ": ", true);
        break;
    case HTML_BREAK:
        if (self->md.is_raw)
            markdown_text(&self->md, "\n", 1);
        else
            markdown_break(&self->md, 1);
        break;
    case HTML_TITLE:
        self->in_title = true;
        break;
    case HTML_MAIN:
        markdown_break(&self->md, 2);
        self->has_main = true;
        self->mains++;
        break;
    case HTML_ASIDE:
        open->from = self->out.len;
        self->in_asides++;
        markdown_break(&self->md, 2);
        break;
    case HTML_INLINE:
    case HTML_IMAGE:
    case HTML_SCRIPT:
    case HTML_SKIPPED:
        break;
    }
}

void page_close(struct page *self, struct open *open)
{
    switch (open->kind) {
    case HTML_BLOCK:
    case HTML_TERM:
        markdown_break(&self->md, open->kind == HTML_TERM ? 1 : 2);
        break;
    case HTML_HEADING:
        self->md.is_line = false;
        drop_mark(self);
        markdown_break(&self->md, 2);
        break;
    case HTML_LIST:
        markdown_break(&self->md, --self->lists > 0 ? 1 : 2);
        break;
    case HTML_ITEM:
        drop_mark(self);
        markdown_close(&self->md);
        markdown_break(&self->md, 1);
        break;
    case HTML_TABLE:
        table_close(self, open);
        break;
    case HTML_ROW:
        row_close(self);
        break;
    case HTML_CELL:
        cell_close(self);
        break;
    case HTML_QUOTE:
        markdown_close(&self->md);
        markdown_break(&self->md, 2);
        break;
    case HTML_PRE:
        pre_close(self, open);
        break;
    case HTML_MEANING:
        drop_mark(self);
        markdown_break(&self->md, 1);
        break;
    case HTML_TITLE:
        self->in_title = false;
        break;
    case HTML_MAIN:
        self->mains--;
        markdown_break(&self->md, 2);
        break;
    case HTML_ASIDE:
        aside_close(self, open);
        break;
    case HTML_INLINE:
    case HTML_BREAK:
    case HTML_IMAGE:
    case HTML_SCRIPT:
    case HTML_SKIPPED:
        break;
    }
}

/* table.c - lists, aligned for people or as JSON for programs. See ctl.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "tools/leadctl/ctl.h"

struct ctl_table {
    const struct ctl_column *columns;
    size_t n_columns;
    struct arena *arena;
    const char **cells;
    size_t n_cells, cap;
    bool failed; /* out of memory */
};

struct ctl_table *ctl_table_new(const struct ctl_column *columns, struct arena *arena, struct err *err)
{
    struct ctl_table *self = arena_alloc(arena, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    self->columns = columns;
    self->arena = arena;
    while (columns[self->n_columns].name)
        self->n_columns++;
    return self;
}

void ctl_table_put(struct ctl_table *self, const char *text)
{
    const char *copy = text ? arena_strdup(self->arena, text) : NULL;

    if (self->n_cells == self->cap) {
        size_t cap = self->cap ? 2 * self->cap : 64;
        const char **cells = arena_calloc(self->arena, cap, sizeof *cells);
        if (cells && self->n_cells > 0)
            memcpy(cells, self->cells, self->n_cells * sizeof *cells);
        self->failed = self->failed || !cells;
        self->cells = cells;
        self->cap = cap;
    }
    self->failed = self->failed || (text && !copy);
    if (!self->failed)
        self->cells[self->n_cells++] = copy;
}

void ctl_table_put_int(struct ctl_table *self, int64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64, value);
    ctl_table_put(self, text);
}

void ctl_table_put_rows(struct ctl_table *self, const struct db_result *rows)
{
    for (int row = 0; row < db_result_count(rows); row++)
        for (size_t i = 0; i < self->n_columns; i++)
            ctl_table_put(self, db_get(rows, row, self->columns[i].name));
}

static void print_json(const struct ctl_table *self, struct buf *out)
{
    buf_puts(out, "[");
    for (size_t i = 0; i < self->n_cells; i++) {
        const struct ctl_column *column = &self->columns[i % self->n_columns];
        buf_puts(out, i == 0 ? "\n{" : i % self->n_columns == 0 ? "},\n{" : ", ");
        buf_json_string(out, column->name);
        buf_puts(out, ": ");
        if (column->type == CTL_TEXT || !self->cells[i])
            buf_json_string(out, self->cells[i]);
        else
            buf_puts(out, self->cells[i]);
    }
    buf_puts(out, self->n_cells ? "}\n]\n" : "]\n");
}

static const char *shown(const struct ctl_table *self, size_t cell)
{
    return self->cells[cell] ? self->cells[cell] : "";
}

/* Numbers to the right, all else to the left; nothing behind the last column. */
static void put_cell(struct buf *out, const char *text, size_t width, const struct ctl_column *column, bool last)
{
    size_t pad = width - utf8_count(text);

    if (column->type == CTL_NUMBER)
        buf_printf(out, "%*s%s", (int)pad, "", text);
    else
        buf_printf(out, "%s%*s", text, last ? 0 : (int)pad, "");
    buf_puts(out, last ? "\n" : "  ");
}

static int print_aligned(const struct ctl_table *self, struct buf *out)
{
    size_t *width = calloc(self->n_columns, sizeof *width);

    if (!width)
        return -1;
    for (size_t i = 0; i < self->n_columns; i++)
        width[i] = utf8_count(self->columns[i].head);
    for (size_t i = 0; i < self->n_cells; i++)
        if (utf8_count(shown(self, i)) > width[i % self->n_columns])
            width[i % self->n_columns] = utf8_count(shown(self, i));
    for (size_t i = 0; i < self->n_columns; i++)
        put_cell(out, self->columns[i].head, width[i], &self->columns[i], i + 1 == self->n_columns);
    for (size_t i = 0; i < self->n_cells; i++) {
        size_t c = i % self->n_columns;
        put_cell(out, shown(self, i), width[c], &self->columns[c], c + 1 == self->n_columns);
    }
    free(width);
    return 0;
}

int ctl_table_format(const struct ctl_table *self, bool json, struct buf *out)
{
    int rc = 0;

    if (self->failed)
        return -1;
    if (json)
        print_json(self, out);
    else
        rc = print_aligned(self, out);
    return rc < 0 || out->failed ? -1 : 0;
}

int ctl_table_print(const struct ctl_table *self, bool json, struct err *err)
{
    AUTO(buf_free) struct buf out = {0};

    if (ctl_table_format(self, json, &out) < 0)
        return err_set(err, ERR_INTERNAL, "out of memory");
    fputs(out.data, stdout);
    return 0;
}

void ctl_age(int64_t seconds, char out[CTL_AGE_SIZE])
{
    if (seconds < 120)
        snprintf(out, CTL_AGE_SIZE, "%" PRId64 " s", seconds);
    else if (seconds < 7200)
        snprintf(out, CTL_AGE_SIZE, "%" PRId64 " min", seconds / 60);
    else if (seconds < 2 * 86400)
        snprintf(out, CTL_AGE_SIZE, "%" PRId64 " h", seconds / 3600);
    else
        snprintf(out, CTL_AGE_SIZE, "%" PRId64 " d", seconds / 86400);
}

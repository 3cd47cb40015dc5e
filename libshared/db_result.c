/* db_result.c - rows, and arguments in the text form that PostgreSQL reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/db_internal.h"

struct db_result {
    PGresult *pg;
};

/* ---- arguments ---- */

struct db_arg db_text(const char *text)
{
    return (struct db_arg){.text = text};
}

struct db_arg db_int(int64_t value)
{
    struct db_arg arg = {0};

    snprintf(arg.number, sizeof arg.number, "%lld", (long long)value);
    return arg;
}

struct db_arg db_float(double value)
{
    struct db_arg arg = {0};

    snprintf(arg.number, sizeof arg.number, "%.17g", value);
    return arg;
}

struct db_arg db_bool(bool value)
{
    return (struct db_arg){.text = value ? "t" : "f"};
}

struct db_arg db_binary(const void *bytes, size_t len)
{
    return (struct db_arg){.text = bytes, .binary_len = (int)len};
}

const char *db_array(struct arena *arena, const char *const *items, size_t n)
{
    AUTO(buf_free) struct buf out = {0};

    buf_puts(&out, "{");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_puts(&out, ",");
        if (!items[i]) {
            buf_puts(&out, "NULL");
            continue;
        }
        buf_puts(&out, "\"");
        for (const char *c = items[i]; *c;) {
            size_t plain = strcspn(c, "\"\\");

            buf_append(&out, c, plain);
            c += plain;
            if (*c) {
                buf_puts(&out, "\\");
                buf_append(&out, c++, 1);
            }
        }
        buf_puts(&out, "\"");
    }
    buf_puts(&out, "}");
    return out.failed ? NULL : arena_strndup(arena, out.data, out.len);
}

/* ---- rows ---- */

struct db_result *db_result_new(PGresult *result, struct err *err)
{
    struct db_result *self = calloc(1, sizeof *self);

    if (!self) {
        PQclear(result);
        err_set(err, ERR_INTERNAL, "database: out of memory");
        return NULL;
    }
    self->pg = result;
    return self;
}

void db_result_free(struct db_result **self_p)
{
    struct db_result *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    PQclear(self->pg);
    free(self);
}

int db_result_rows(const PGresult *result)
{
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return PQntuples(result);
    /* "" for a command that changes no rows. PQcmdTuples takes no const, and changes nothing. */
    return (int)strtol(PQcmdTuples((PGresult *)result), NULL, 10);
}

int db_result_count(const struct db_result *self)
{
    return PQntuples(self->pg);
}

const char *db_get(const struct db_result *self, int row, const char *column)
{
    int n = PQnfields(self->pg);

    if (row < 0 || row >= PQntuples(self->pg))
        return NULL;
    for (int i = 0; i < n; i++) {
        const char *name = PQfname(self->pg, i);
        if (*name == *column && strcmp(name, column) == 0) /* a search reads some 400 fields */
            return PQgetisnull(self->pg, row, i) ? NULL : PQgetvalue(self->pg, row, i);
    }
    return NULL;
}

int64_t db_get_int(const struct db_result *self, int row, const char *column)
{
    const char *text = db_get(self, row, column);

    return text ? strtoll(text, NULL, 10) : 0;
}

double db_get_float(const struct db_result *self, int row, const char *column)
{
    const char *text = db_get(self, row, column);

    return text ? strtod(text, NULL) : 0;
}

bool db_get_bool(const struct db_result *self, int row, const char *column)
{
    const char *text = db_get(self, row, column);

    return text && *text == 't';
}

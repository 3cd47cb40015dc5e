/* err.c - see err.h. */
#include "libshared/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/text.h"

static const char *const kind_names[] = {
    [ERR_NONE] = "none",           [ERR_INVALID] = "invalid",   [ERR_DENIED] = "denied",
    [ERR_NOT_FOUND] = "not_found", [ERR_CONFLICT] = "conflict", [ERR_UNAVAILABLE] = "unavailable",
    [ERR_UNCERTAIN] = "uncertain", [ERR_INTERNAL] = "internal",
};

__attribute__((format(printf, 4, 0))) static void set(struct err *err, enum err_kind kind, const char *field,
                                                      const char *fmt, va_list args)
{
    *err = (struct err){.kind = kind};
    snprintf(err->field, sizeof err->field, "%s", field);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    /* A cut within a character would make the text invalid for JSON and for PostgreSQL. */
    err->text[utf8_cut(err->text, strlen(err->text), sizeof err->text - 1)] = '\0';
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return -1;
    va_start(args, fmt);
    set(err, kind, "", fmt, args);
    va_end(args);
    return -1;
}

int err_set_field(struct err *err, enum err_kind kind, const char *field, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return -1;
    va_start(args, fmt);
    set(err, kind, field, fmt, args);
    va_end(args);
    return -1;
}

const char *err_kind_name(enum err_kind kind)
{
    return kind_names[kind];
}

enum err_kind err_kind_from_name(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(kind_names); i++)
        if (strcmp(kind_names[i], name) == 0)
            return (enum err_kind)i;
    return ERR_INTERNAL;
}

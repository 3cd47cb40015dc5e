/* form.c - see form.h. */
#include "libshared/form.h"

#include <ctype.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Undoes the escapes of one name or value. NULL and *err if it cannot be a text. */
static const char *decode(const char *text, size_t len, struct arena *arena, struct err *err)
{
    char *out = arena_alloc(arena, len + 1);
    size_t n = 0;

    if (!out) {
        err_set(err, ERR_INVALID, "the form is too large");
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '+') {
            out[n++] = ' ';
        } else if (text[i] != '%') {
            out[n++] = text[i];
        } else {
            int high = len - i > 2 ? hex_value(text[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text[i + 2]) : -1;

            if (low < 0) {
                err_set(err, ERR_INVALID, "the form has a broken %% escape");
                return NULL;
            }
            out[n++] = (char)(high << 4 | low);
            i += 2;
        }
    }
    if (!utf8_valid(out, n)) {
        err_set(err, ERR_INVALID, "the form has a NUL byte or is not UTF-8");
        return NULL;
    }
    return out;
}

int form_parse(const char *text, size_t len, struct arena *arena, struct form *ret_form, struct err *err)
{
    struct form form = {0};
    const char *end = len ? text + len : text;
    size_t room = 1;

    for (const char *p = text; p < end && room < FORM_FIELDS_MAX; p++)
        room += *p == '&';
    if (!(form.fields = arena_calloc(arena, room, sizeof *form.fields)))
        return err_set(err, ERR_INVALID, "the form is too large");

    while (text < end) {
        const char *stop = memchr(text, '&', (size_t)(end - text));
        const char *equals;

        if (!stop)
            stop = end;
        if (stop > text) {
            if (form.n == FORM_FIELDS_MAX)
                return err_set(err, ERR_INVALID, "the form has more than %d fields", FORM_FIELDS_MAX);
            equals = memchr(text, '=', (size_t)(stop - text));
            if (!equals)
                equals = stop;
            form.fields[form.n].name = decode(text, (size_t)(equals - text), arena, err);
            if (!form.fields[form.n].name)
                return -1;
            if (equals < stop)
                equals++;
            form.fields[form.n].value = decode(equals, (size_t)(stop - equals), arena, err);
            if (!form.fields[form.n].value)
                return -1;
            form.n++;
        }
        text = stop < end ? stop + 1 : end;
    }
    *ret_form = form;
    return 0;
}

const char *form_get(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->n; i++)
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    return NULL;
}

void form_put(struct buf *out, const char *name, const char *value)
{
    if (out->len)
        buf_puts(out, "&");
    url_encode(out, name);
    buf_puts(out, "=");
    url_encode(out, value);
}

void url_encode(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
            buf_append(out, text, 1);
        else
            buf_printf(out, "%%%02X", (unsigned)c);
    }
}

/* form.h - application/x-www-form-urlencoded, for bodies and query strings. */
#pragma once

#include <stddef.h>

struct arena;
struct buf;
struct err;

struct form_field {
    const char *name, *value; /* decoded, NUL-terminated, valid UTF-8 */
};

struct form {
    struct form_field *fields; /* in the order of arrival, repeats kept */
    size_t n;
};

#define FORM_FIELDS_MAX 256

/* ERR_INVALID for a broken escape, a NUL byte, invalid UTF-8, more than FORM_FIELDS_MAX fields. Into arena. */
int form_parse(const char *text, size_t len, struct arena *arena, struct form *ret_form, struct err *err);

/* The first value of that name, NULL if there is none. */
const char *form_get(const struct form *form, const char *name);

/* Appends name=value, escaped, with '&' before it if out is not empty. */
void form_put(struct buf *out, const char *name, const char *value);

/* Appends text percent-encoded (RFC 3986 unreserved characters stay). */
void url_encode(struct buf *out, const char *text);

/* buf.c - see buf.h. */
#include "libshared/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINTED_MIN 32 /* most of what is printed fits, so it is printed once */

/* Makes room for len more bytes and the NUL. */
static bool reserve(struct buf *self, size_t len)
{
    size_t cap = self->cap ? self->cap : 64;
    char *data;

    if (self->failed)
        return false;
    if (self->data && len < self->cap - self->len)
        return true;
    if (len > SIZE_MAX / 4 || self->len > SIZE_MAX / 4) {
        self->failed = true;
        return false;
    }
    while (cap - self->len <= len)
        cap *= 2;
    if (!(data = realloc(self->data, cap))) {
        self->failed = true;
        return false;
    }
    self->data = data;
    self->cap = cap;
    return true;
}

void buf_append(struct buf *self, const void *data, size_t len)
{
    if (!reserve(self, len))
        return;
    if (len)
        memcpy(self->data + self->len, data, len);
    self->len += len;
    self->data[self->len] = '\0';
}

void buf_puts(struct buf *self, const char *text)
{
    buf_append(self, text, strlen(text));
}

void buf_printf(struct buf *self, const char *fmt, ...)
{
    va_list args;
    int len;

    if (!reserve(self, PRINTED_MIN))
        return;
    va_start(args, fmt);
    len = vsnprintf(self->data + self->len, self->cap - self->len, fmt, args);
    va_end(args);
    if (len < 0) {
        self->data[self->len] = '\0';
        self->failed = true;
        return;
    }
    if ((size_t)len >= self->cap - self->len) { /* once more, with the room for it */
        self->data[self->len] = '\0';
        if (!reserve(self, (size_t)len))
            return;
        va_start(args, fmt);
        vsnprintf(self->data + self->len, (size_t)len + 1, fmt, args);
        va_end(args);
    }
    self->len += (size_t)len;
}

/* The escape of one byte, "" if it stands for itself. */
static const char *json_escape(unsigned char c, char out[8])
{
    static const char *const short_form[] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t",
    };

    if (c < sizeof short_form / sizeof short_form[0] && short_form[c])
        return short_form[c];
    if (c >= 0x20 && c != 0x7f)
        return "";
    snprintf(out, 8, "\\u%04x", (unsigned)c);
    return out;
}

void buf_json_string(struct buf *self, const char *text)
{
    const char *run = text; /* what can be copied as it is */
    char escaped[8];

    if (!text) {
        buf_puts(self, "null");
        return;
    }
    buf_append(self, "\"", 1);
    for (; *text; text++) {
        const char *escape;

        if ((unsigned char)*text > '\\' && *text != 0x7f) /* most are letters */
            continue;
        if (!*(escape = json_escape((unsigned char)*text, escaped)))
            continue;
        buf_append(self, run, (size_t)(text - run));
        buf_puts(self, escape);
        run = text + 1;
    }
    buf_append(self, run, (size_t)(text - run));
    buf_append(self, "\"", 1);
}

void buf_clear(struct buf *self)
{
    self->len = 0;
    self->failed = false;
    if (self->data)
        self->data[0] = '\0';
}

void buf_free(struct buf *self)
{
    free(self->data);
    *self = (struct buf){0};
}

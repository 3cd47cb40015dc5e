/* buf.h - a growing byte buffer, for building texts and frames.
 *
 *     AUTO(buf_free) struct buf out = {0};
 *     buf_printf(&out, "%d", 5);
 *     if (out.failed) ...        // checked once, at the end
 *
 * data is NUL-terminated whenever it is not NULL; len does not count the NUL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len, cap;
    bool failed; /* an append found no memory; all later ones do nothing */
};

void buf_append(struct buf *self, const void *data, size_t len);
void buf_puts(struct buf *self, const char *text);
void buf_printf(struct buf *self, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string literal with its quotes, escaped; NULL gives null. Text must be valid UTF-8. */
void buf_json_string(struct buf *self, const char *text);

/* Empties it and keeps the memory. */
void buf_clear(struct buf *self);
/* Releases the memory; the buffer is as new. */
void buf_free(struct buf *self);

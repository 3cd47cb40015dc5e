/* arena.h - memory that is freed with one call.
 *
 * A decoded message, a row, a handler's working memory live in one arena.
 * Not thread-safe: one owner at a time. */
#pragma once

#include <stddef.h>

struct arena;

/* limit_bytes bounds what the arena ever hands out, so that no input can make it
 * take all memory. NULL when out of memory. */
struct arena *arena_new(size_t limit_bytes);

/* Frees *self_p and all it gave; sets it to NULL. Does nothing if it is NULL already. */
void arena_destroy(struct arena **self_p);

/* Zeroed, aligned for any type. NULL when out of memory or past the limit. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *self, size_t size);

/* n elements of size bytes; NULL on overflow too. */
void *arena_calloc(struct arena *self, size_t n, size_t size);

/* NUL-terminated copies. arena_strdup(a, NULL) is NULL. */
char *arena_strdup(struct arena *self, const char *text);
char *arena_strndup(struct arena *self, const char *text, size_t len);
char *arena_printf(struct arena *self, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Bytes handed out so far. */
size_t arena_used(const struct arena *self);

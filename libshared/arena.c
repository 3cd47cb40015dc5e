/* arena.c - see arena.h. A list of zeroed blocks; each is filled from its start. */
#include "libshared/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT   (_Alignof(max_align_t))
#define FIRST_BLOCK ((size_t)1024)
#define BLOCK_MAX   ((size_t)64 * 1024)

struct block {
    struct block *next;
    size_t size, used; /* of data */
    _Alignas(max_align_t) char data[];
};

struct arena {
    struct block *blocks; /* the newest first */
    size_t limit, used, next_size;
};

struct arena *arena_new(size_t limit_bytes)
{
    struct arena *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    self->limit = limit_bytes;
    self->next_size = FIRST_BLOCK;
    return self;
}

void arena_destroy(struct arena **self_p)
{
    struct arena *self = *self_p;

    if (!self)
        return;
    while (self->blocks) {
        struct block *next = self->blocks->next;

        free(self->blocks);
        self->blocks = next;
    }
    free(self);
    *self_p = NULL;
}

static struct block *add_block(struct arena *self, size_t size)
{
    size_t room = size > self->next_size ? size : self->next_size;
    struct block *block = calloc(1, sizeof *block + room);

    if (!block)
        return NULL;
    block->size = room;
    block->next = self->blocks;
    self->blocks = block;
    if (self->next_size < BLOCK_MAX)
        self->next_size *= 2;
    return block;
}

void *arena_alloc(struct arena *self, size_t size)
{
    struct block *block = self->blocks;
    size_t rounded;
    void *given;

    if (size > SIZE_MAX / 2 || size > self->limit)
        return NULL;
    rounded = size ? (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1) : ALIGNMENT;
    if (rounded > self->limit - self->used)
        return NULL;
    if ((!block || rounded > block->size - block->used) && !(block = add_block(self, rounded)))
        return NULL;
    given = block->data + block->used;
    block->used += rounded;
    self->used += rounded;
    return given;
}

void *arena_calloc(struct arena *self, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    return arena_alloc(self, total);
}

char *arena_strndup(struct arena *self, const char *text, size_t len)
{
    size_t n = strnlen(text, len);
    char *copy = arena_alloc(self, n + 1);

    if (copy)
        memcpy(copy, text, n);
    return copy;
}

char *arena_strdup(struct arena *self, const char *text)
{
    return text ? arena_strndup(self, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *self, const char *fmt, ...)
{
    va_list args;
    char *text;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0 || !(text = arena_alloc(self, (size_t)len + 1)))
        return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return text;
}

size_t arena_used(const struct arena *self)
{
    return self->used;
}

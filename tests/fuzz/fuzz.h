/* fuzz.h - what the fuzz targets share: a check that stops the run, and what holds for every message. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/codec.h"
#include "libshared/err.h"

#define ARENA_LIMIT (16 << 20)

#define CHECK(condition, ...)                                               \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                   \
            fputc('\n', stderr);                                            \
            abort();                                                        \
        }                                                                   \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check_same(const struct message_type *type, const struct buf *a, const struct buf *b)
{
    CHECK(a->len == b->len && memcmp(a->data, b->data, a->len) == 0, "%s comes back changed", type->name);
}

/* What was accepted packs, unpacks and packs to the same bytes. Fills frame. */
static inline void check_packs(const struct message_type *type, const void *msg, struct arena *arena, struct buf *frame)
{
    AUTO(buf_free) struct buf again = {0};
    void *copy = arena_alloc(arena, type->size);
    struct err err = {0};

    CHECK(copy, "no memory");
    CHECK(codec_pack(type, msg, frame, &err) == 0, "%s: %s", type->name, err.text);
    CHECK(codec_unpack(type, frame->data, frame->len, arena, copy, &err) == 0, "%s: %s", type->name, err.text);
    CHECK(codec_pack(type, copy, &again, &err) == 0, "%s: %s", type->name, err.text);
    check_same(type, frame, &again);
}

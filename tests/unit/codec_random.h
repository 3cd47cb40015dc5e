/* codec_random.h - random messages of any type, and whether two are the same. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libshared/codec.h"

struct arena;

/* xorshift64*: the same seed gives the same messages. */
struct random {
    uint64_t state;
};

uint64_t random_next(struct random *self);
/* From 0 to n - 1. */
size_t random_below(struct random *self, size_t n);

/* Exactly len bytes of UTF-8, with characters of each length and those that need escapes. */
const char *random_text(struct random *self, size_t len, struct arena *arena);

/* Fills msg with what is within the declared bounds. Optional fields come and go. BIN fields stay absent unless
 * with_bytes. All in arena. */
void random_message(struct random *self, const struct message_type *type, bool with_bytes, struct arena *arena,
                    void *msg);

/* The first field that differs, NULL if there is none. An optional list that is absent differs from an empty one. */
const char *message_difference(const struct message_type *type, const void *a, const void *b);

/* test_codec_random.c - properties of every declared message, on random ones. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec_random.h"
#include "codec_sample.h"
#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "proto/messages.h"

#define ARENA_LIMIT (16 << 20)
#define ROUNDS      60

/* LEADWIRE_TEST_SEED repeats a run. */
static struct random random_start(void)
{
    const char *text = getenv("LEADWIRE_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);

    return (struct random){.state = seed | 1};
}

/* All declared messages and those of the tests. */
static const struct message_type *type_at(size_t i)
{
    if (i < n_message_types)
        return message_types[i];
    return i == n_message_types ? &sample_type : i == n_message_types + 1 ? &sample_part_type : NULL;
}

static void expect_msgpack_round_trip(const struct message_type *type, uint64_t seed, const void *message,
                                      struct arena *arena)
{
    AUTO(buf_free) struct buf frame = {0};
    void *again = arena_alloc(arena, type->size);
    struct err err = {0};
    const char *different;

    cr_assert(eq(int, codec_pack(type, message, &frame, &err), 0), "%s, seed %lu: %s", type->name, seed, err.text);
    cr_assert(eq(int, codec_unpack(type, frame.data, frame.len, arena, again, &err), 0), "%s, seed %lu: %s", type->name,
              seed, err.text);
    different = message_difference(type, message, again);
    cr_assert(different == NULL, "%s.%s, seed %lu", type->name, different, seed);
}

static void expect_json_round_trip(const struct message_type *type, uint64_t seed, const void *message,
                                   struct arena *arena)
{
    AUTO(buf_free) struct buf text = {0};
    void *again = arena_alloc(arena, type->size);
    struct err err = {0};
    const char *different;

    cr_assert(eq(int, codec_to_json(type, message, &text, &err), 0), "%s, seed %lu: %s", type->name, seed, err.text);
    cr_assert(eq(int, codec_from_json(type, text.data, text.len, arena, again, &err), 0), "%s, seed %lu: %s in %s",
              type->name, seed, err.text, text.data);
    different = message_difference(type, message, again);
    cr_assert(different == NULL, "%s.%s, seed %lu: %s", type->name, different, seed, text.data);
}

Test(codec_random, every_message_survives_msgpack_and_json, .timeout = 60)
{
    struct random random = random_start();

    for (size_t i = 0; type_at(i); i++) {
        const struct message_type *type = type_at(i);

        for (int round = 0; round < ROUNDS; round++) {
            AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
            void *message = arena_alloc(arena, type->size);
            uint64_t seed = random.state;

            random_message(&random, type, true, arena, message);
            expect_msgpack_round_trip(type, seed, message, arena);
            random_message(&random, type, false, arena, message);
            expect_json_round_trip(type, seed, message, arena);
        }
    }
}

/* What unpacks is a message: it packs again, and to an equal one. Returns whether it unpacked. */
static bool check_bytes(const struct message_type *type, uint64_t seed, const void *bytes, size_t len)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    void *message = arena_alloc(arena, type->size);
    char *exact = malloc(len ? len : 1); /* so that the sanitizer sees a step beyond the end */
    struct err err = {0};
    int result;

    memcpy(exact, bytes, len);
    result = codec_unpack(type, exact, len, arena, message, &err);
    free(exact);
    if (result == 0)
        expect_msgpack_round_trip(type, seed, message, arena);
    else
        cr_assert(err.kind == ERR_INVALID && err.text[0], "%s, seed %lu: %s", type->name, seed, err.text);
    return result == 0;
}

static void mutate(struct random *random, struct buf *bytes)
{
    size_t at = random_below(random, bytes->len);
    size_t n;

    switch (random_below(random, 4)) {
    case 0:
        bytes->data[at] = (char)random_next(random);
        break;
    case 1:
        bytes->data[at] = (char)(bytes->data[at] ^ 1 << random_below(random, 8));
        break;
    case 2: /* a piece is gone */
        n = 1 + random_below(random, bytes->len - at);
        memmove(bytes->data + at, bytes->data + at + n, bytes->len - at - n);
        bytes->len -= n;
        break;
    default: /* a piece comes again */
        n = 1 + random_below(random, bytes->len - at);
        for (size_t i = 0; i < n && i < 64; i++) {
            char byte = bytes->data[at + i];

            buf_append(bytes, &byte, 1);
        }
        break;
    }
}

Test(codec_random, a_damaged_frame_is_refused_or_is_a_message, .timeout = 60)
{
    struct random random = random_start();
    size_t taken = 0, refused = 0;

    for (size_t i = 0; type_at(i); i++) {
        const struct message_type *type = type_at(i);

        for (int round = 0; round < ROUNDS; round++) {
            AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
            AUTO(buf_free) struct buf frame = {0};
            void *message = arena_alloc(arena, type->size);
            uint64_t seed = random.state;

            random_message(&random, type, true, arena, message);
            cr_assert(eq(int, codec_pack(type, message, &frame, NULL), 0), "%s, seed %lu", type->name, seed);
            for (size_t n = random_below(&random, 4); n < 4 && frame.len > 0; n++)
                mutate(&random, &frame);
            if (check_bytes(type, seed, frame.data, frame.len))
                taken++;
            else
                refused++;
        }
    }
    cr_expect(gt(sz, taken, 0));
    cr_expect(gt(sz, refused, 0));
}

Test(codec_random, random_bytes_never_crash, .timeout = 60)
{
    struct random random = random_start();
    uint8_t bytes[64];

    for (int round = 0; round < 20000; round++) {
        size_t len = random_below(&random, sizeof bytes + 1);
        uint64_t seed = random.state;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)random_next(&random);
        if (len > 0 && random_below(&random, 2))
            bytes[0] = (uint8_t)(0x80 | (bytes[0] & 0x0f)); /* a map, to get further in */
        check_bytes(type_at(random_below(&random, n_message_types)), seed, bytes, len);
    }
}

Test(codec_random, damaged_json_never_crashes, .timeout = 60)
{
    struct random random = random_start();

    for (size_t i = 0; type_at(i); i++) {
        const struct message_type *type = type_at(i);

        for (int round = 0; round < ROUNDS; round++) {
            AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
            AUTO(buf_free) struct buf text = {0};
            void *message = arena_alloc(arena, type->size);
            uint64_t seed = random.state;
            struct err err = {0};

            random_message(&random, type, false, arena, message);
            cr_assert(eq(int, codec_to_json(type, message, &text, &err), 0), "%s", err.text);
            for (size_t n = random_below(&random, 3); n < 3 && text.len > 0; n++)
                mutate(&random, &text);
            if (codec_from_json(type, text.data, text.len, arena, message, &err) == 0)
                expect_json_round_trip(type, seed, message, arena);
            else
                cr_assert(err.kind == ERR_INVALID && err.text[0], "%s, seed %lu: %s", type->name, seed, err.text);
        }
    }
}

Test(codec_random, a_message_has_at_most_64_fields_and_a_name_of_its_own)
{
    for (size_t i = 0; i < n_message_types; i++) {
        cr_expect(le(sz, message_types[i]->n_fields, 64), "%s", message_types[i]->name);
        cr_expect(message_type_find(message_types[i]->name) == message_types[i], "%s", message_types[i]->name);
    }
    cr_expect(message_type_find("no_such_message") == NULL);
}

/* fuzz_envelope.c - frames from the bus: the envelope, and its body as every message there is. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

#include "proto/messages.h"

/* What JSON can hold of an accepted message is valid JSON. */
static void check_json(const struct message_type *type, const void *msg)
{
    AUTO(buf_free) struct buf text = {0};
    struct err err = {0};
    json_t *value;

    CHECK(codec_to_json(type, msg, &text, &err) == 0, "%s: %s", type->name, err.text);
    value = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    CHECK(json_is_object(value), "%s is written as %s", type->name, text.data);
    json_decref(value);
}

static void check_body(const struct message_type *type, const struct bytes *body)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    AUTO(buf_free) struct buf frame = {0};
    void *msg = arena_alloc(arena, type->size);
    struct err err = {0};

    CHECK(msg, "no memory");
    if (codec_unpack(type, body->data, body->len, arena, msg, &err) < 0) {
        CHECK(err.kind == ERR_INVALID && err.text[0], "%s: %s", type->name, err.text);
        return;
    }
    check_packs(type, msg, arena, &frame);
    if (type != &envelope_type)
        check_json(type, msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    AUTO(buf_free) struct buf frame = {0};
    struct envelope env;
    struct err err = {0};

    if (codec_unpack(&envelope_type, data, size, arena, &env, &err) < 0) {
        CHECK(err.kind == ERR_INVALID && err.text[0], "%s", err.text);
        return 0;
    }
    CHECK(codec_scan(data, size, &err) == 0, "%s", err.text);
    check_packs(&envelope_type, &env, arena, &frame);
    if (env.body.data)
        for (size_t i = 0; i < n_message_types; i++)
            check_body(message_types[i], &env.body);
    return 0;
}

/* fuzz_json.c - bodies of API requests. A line with the name of the message, then the JSON. */
#include "tests/fuzz/fuzz.h"

#include "proto/messages.h"

/* Of a name that is none the first byte chooses. */
static const struct message_type *choose_type(const uint8_t *name, size_t len)
{
    for (size_t i = 0; i < n_message_types; i++)
        if (strlen(message_types[i]->name) == len && memcmp(message_types[i]->name, name, len) == 0)
            return message_types[i];
    return message_types[len > 0 ? name[0] % n_message_types : 0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    AUTO(buf_free) struct buf frame = {0}, text = {0}, again = {0};
    const struct message_type *type;
    struct err err = {0};
    const uint8_t *line_end = size > 0 ? memchr(data, '\n', size) : NULL;
    const char *json;
    size_t len;
    void *msg, *copy;

    if (!line_end)
        return 0;
    type = choose_type(data, (size_t)(line_end - data));
    json = (const char *)line_end + 1;
    len = size - (size_t)(line_end + 1 - data);
    msg = arena_alloc(arena, type->size);
    copy = arena_alloc(arena, type->size);
    CHECK(msg && copy, "no memory");
    if (codec_from_json(type, json, len, arena, msg, &err) < 0) {
        CHECK(err.kind == ERR_INVALID && err.text[0], "%s: %s", type->name, err.text);
        return 0;
    }
    check_packs(type, msg, arena, &frame);

    CHECK(codec_to_json(type, msg, &text, &err) == 0, "%s: %s", type->name, err.text);
    CHECK(codec_from_json(type, text.data, text.len, arena, copy, &err) == 0, "%s: %s", type->name, err.text);
    CHECK(codec_pack(type, copy, &again, &err) == 0, "%s: %s", type->name, err.text);
    check_same(type, &frame, &again);
    return 0;
}

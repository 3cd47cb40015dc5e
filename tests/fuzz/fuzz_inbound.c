/* fuzz_inbound.c - the parameters of a lead's text. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

#include "libshared/form.h"
#include "libshared/text.h"
#include "services/gateway/accept.h"
#include "services/gateway/inbound_form.h"

static bool is_utf8(const char *text)
{
    return utf8_valid(text, strlen(text));
}

static void check_media(const char *media)
{
    json_t *items = json_loads(media, 0, NULL), *item;
    size_t i;

    CHECK(json_is_array(items) && json_array_size(items) >= 1 && json_array_size(items) <= 10, "%s", media);
    json_array_foreach (items, i, item)
        CHECK(json_string_length(json_object_get(item, "url")) > 0 &&
                  json_is_string(json_object_get(item, "content_type")),
              "%s", media);
    json_decref(items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    struct inbound in = {0};
    struct err err = {0};
    struct form form;

    if (form_parse((const char *)data, size, arena, &form, NULL) < 0)
        return 0;
    if (inbound_read_form(&form, arena, &in, &err) < 0) {
        CHECK(err.kind == ERR_INVALID && err.text[0] && err.field[0], "%s", err.text);
        return 0;
    }
    CHECK(phone_is_e164(in.from) && phone_is_e164(in.to), "addresses");
    CHECK(strcmp(in.channel, "sms") == 0 || strcmp(in.channel, "whatsapp") == 0, "%s", in.channel);
    CHECK(is_utf8(in.body) && strlen(in.body) <= 16384 && (*in.body || in.media), "body");
    CHECK(!in.name || (is_utf8(in.name) && strlen(in.name) <= 200 && !text_has_control(in.name)), "name");
    CHECK(in.consent && strlen(in.consent) <= 4 && strlen(in.language) == 2, "consent");
    if (in.media)
        check_media(in.media);
    return 0;
}

/* fuzz_submission.c - what a web form sends: the first byte says of which type. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

#include "libshared/text.h"
#include "services/gateway/submission.h"

static const char *const types[] = {"application/json", "application/x-www-form-urlencoded",
                                    "multipart/form-data; boundary=b"};
static const char *const urls[] = {"https://shop.example/"};

static void check_line(const char *text, size_t max)
{
    CHECK(!text || (utf8_valid(text, strlen(text)) && strlen(text) <= max && !text_has_control(text)), "%s", text);
}

static void check_form(const char *text)
{
    json_t *form = json_loads(text, 0, NULL);

    CHECK(json_is_object(form) && strlen(text) < 131072, "%s", text);
    CHECK(json_object_size(json_object_get(form, "fields")) <= 40, "%s", text);
    CHECK(strlen(json_string_value(json_object_get(form, "content_hash"))) == 64, "%s", text);
    json_decref(form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    static const struct form_terms terms = {.form_id = "01a20512-4ca6-7152-bd73-377fc09c7f88",
                                            .name = "Contact",
                                            .field_names = "{\"phone\": \"tel\"}",
                                            .consent_text = "yes",
                                            .country_code = "1",
                                            .redirect_urls = urls,
                                            .n_redirect_urls = 1};
    struct submission got = {0};
    struct form fields = {0};
    struct err err = {0};

    if (size == 0)
        return 0;
    if (submission_fields(types[data[0] % 3], (const char *)data + 1, size - 1, arena, &fields, &err) < 0) {
        CHECK(err.kind == ERR_INVALID || err.kind == ERR_UNAVAILABLE, "%s", err.text);
        return 0;
    }
    CHECK(strcmp(submission_redirect(&fields, &terms, arena), urls[0]) == 0, "redirect");
    if (submission_read(&fields, &terms, 1800000000000000, arena, &got, &err) < 0) {
        CHECK((err.kind == ERR_INVALID && err.field[0]) || err.kind == ERR_UNAVAILABLE, "%s", err.text);
        return 0;
    }
    CHECK(got.phone || got.email, "nobody");
    CHECK(!got.phone || phone_is_e164(got.phone), "%s", got.phone);
    check_line(got.email, 254);
    check_line(got.name, 200);
    check_line(got.source, 200);
    check_line(got.page_url, 2048);
    CHECK(utf8_valid(got.message, strlen(got.message)) && strlen(got.message) <= 16384, "message");
    CHECK(got.consent_text && strlen(got.consent_text) <= 2000 && got.consent_at > 0, "consent");
    CHECK(!got.sid || strlen(got.sid) == 44, "sid");
    check_form(got.form);
    return 0;
}

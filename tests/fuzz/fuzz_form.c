/* fuzz_form.c - bodies of webhooks, and query strings. */
#include "tests/fuzz/fuzz.h"

#include "libshared/form.h"
#include "libshared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_LIMIT);
    AUTO(buf_free) struct buf text = {0};
    struct form form, again;
    struct err err = {0};

    if (form_parse((const char *)data, size, arena, &form, &err) < 0) {
        CHECK(err.kind == ERR_INVALID && err.text[0], "%s", err.text);
        return 0;
    }
    CHECK(form.n <= FORM_FIELDS_MAX, "%zu fields", form.n);
    for (size_t i = 0; i < form.n; i++) {
        CHECK(utf8_valid(form.fields[i].name, strlen(form.fields[i].name)), "field %zu", i);
        CHECK(utf8_valid(form.fields[i].value, strlen(form.fields[i].value)), "field %zu", i);
        CHECK(form_get(&form, form.fields[i].name), "field %zu", i);
        form_put(&text, form.fields[i].name, form.fields[i].value);
    }

    /* Written and read again it is the same form. */
    CHECK(form_parse(text.data ? text.data : "", text.len, arena, &again, &err) == 0, "%s", err.text);
    CHECK(again.n == form.n, "%zu fields became %zu", form.n, again.n);
    for (size_t i = 0; i < form.n; i++) {
        CHECK(strcmp(form.fields[i].name, again.fields[i].name) == 0, "field %zu", i);
        CHECK(strcmp(form.fields[i].value, again.fields[i].value) == 0, "field %zu", i);
    }
    return 0;
}

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/err.h"
#include "libshared/text.h"

Test(err, setting_returns_minus_one_and_fills)
{
    struct err err = {.retry_after_s = 7, .provider_code = 3, .field = "old"};

    cr_expect(eq(int, err_set(&err, ERR_CONFLICT, "name %s taken", "x"), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(str, err.text, "name x taken"));
    cr_expect(eq(int, err.retry_after_s, 0));
    cr_expect(eq(int, err.provider_code, 0));
    cr_expect(eq(str, err.field, ""));
}

Test(err, nobody_has_to_listen)
{
    cr_expect(eq(int, err_set(NULL, ERR_INVALID, "x"), -1));
    cr_expect(eq(int, err_set_field(NULL, ERR_INVALID, "f", "x"), -1));
}

Test(err, names_the_field)
{
    struct err err = {0};

    err_set_field(&err, ERR_INVALID, "phone", "not E.164");
    cr_expect(eq(str, err.field, "phone"));
}

Test(err, a_long_text_is_cut_between_characters)
{
    struct err err = {0};
    char text[600];

    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 3);
    err_set(&err, ERR_INVALID, "%s", text);
    cr_expect(eq(sz, strlen(err.text), 254));
    cr_expect(utf8_valid(err.text, strlen(err.text)));
}

Test(err, kinds_have_names_both_ways)
{
    for (int kind = ERR_NONE; kind <= ERR_INTERNAL; kind++)
        cr_expect(eq(int, err_kind_from_name(err_kind_name((enum err_kind)kind)), kind));
    cr_expect(eq(int, err_kind_from_name("whatever"), ERR_INTERNAL));
}

Test(err, what_can_heal_is_retried)
{
    struct err err = {.kind = ERR_UNAVAILABLE};

    cr_expect(err_is_retryable(&err));
    err.kind = ERR_INVALID;
    cr_expect(not(err_is_retryable(&err)));
    err.kind = ERR_DENIED;
    cr_expect(not(err_is_retryable(&err)));
}

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/form.h"

static struct arena *arena;
static struct form form;

static void open_arena(void)
{
    arena = arena_new(1 << 20);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(form, .init = open_arena, .fini = close_arena);

static int parse(const char *text)
{
    return form_parse(text, strlen(text), arena, &form, NULL);
}

Test(form, names_and_values_are_decoded)
{
    cr_assert(eq(int, parse("From=%2B15551234567&Body=a+b%20c%3d%26&Empty=&Bare&&%C3%A4=x"), 0));
    cr_expect(eq(sz, form.n, 5));
    cr_expect(eq(str, (char *)form_get(&form, "From"), "+15551234567"));
    cr_expect(eq(str, (char *)form_get(&form, "Body"), "a b c=&"));
    cr_expect(eq(str, (char *)form_get(&form, "Empty"), ""));
    cr_expect(eq(str, (char *)form_get(&form, "Bare"), ""));
    cr_expect(eq(str, (char *)form_get(&form, "\xc3\xa4"), "x"));
    cr_expect(form_get(&form, "body") == NULL);
}

Test(form, repeats_are_kept_in_order)
{
    cr_assert(eq(int, parse("a=1&a=2"), 0));
    cr_expect(eq(str, (char *)form.fields[1].value, "2"));
    cr_expect(eq(str, (char *)form_get(&form, "a"), "1"));
}

Test(form, nothing_is_an_empty_form)
{
    cr_expect(eq(int, form_parse(NULL, 0, arena, &form, NULL), 0));
    cr_expect(eq(sz, form.n, 0));
}

Test(form, broken_input_is_refused)
{
    cr_expect(eq(int, parse("a=%"), -1));
    cr_expect(eq(int, parse("a=%4"), -1));
    cr_expect(eq(int, parse("a=%zz"), -1));
    cr_expect(eq(int, parse("a=%4&b=1"), -1));
    cr_expect(eq(int, parse("a=%00"), -1));
    cr_expect(eq(int, parse("a=%ff"), -1));
    cr_expect(eq(int, parse("%c3=1"), -1));
    cr_expect(eq(int, form_parse("a\0b=1", 5, arena, &form, NULL), -1));
}

Test(form, too_many_fields_are_refused)
{
    AUTO(buf_free) struct buf text = {0};

    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        form_put(&text, "a", "1");
    cr_expect(eq(int, parse(text.data), 0));
    cr_expect(eq(sz, form.n, FORM_FIELDS_MAX));
    form_put(&text, "a", "1");
    cr_expect(eq(int, parse(text.data), -1));
}

Test(form, what_was_put_is_read_back)
{
    AUTO(buf_free) struct buf text = {0};
    char all[256];

    for (int i = 1; i < 128; i++)
        all[i - 1] = (char)i;
    memcpy(all + 127, "\xc3\xa4", 3);
    form_put(&text, "a&b", all);
    form_put(&text, "c", "");
    cr_assert(eq(int, parse(text.data), 0));
    cr_expect(eq(str, (char *)form_get(&form, "a&b"), all));
    cr_expect(eq(str, (char *)form_get(&form, "c"), ""));
}

Test(form, unreserved_characters_stay)
{
    AUTO(buf_free) struct buf out = {0};

    url_encode(&out, "Az09-._~ +/\xc3\xa4");
    cr_expect(eq(str, out.data, "Az09-._~%20%2B%2F%C3%A4"));
}

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"

Test(buf, what_is_appended_stands_there_in_order)
{
    AUTO(buf_free) struct buf out = {0};

    buf_puts(&out, "a");
    buf_append(&out, "\0b", 2);
    buf_printf(&out, "%05d", 42);
    cr_expect(not(out.failed));
    cr_expect(eq(sz, out.len, 8));
    cr_expect(memcmp(out.data, "a\0b00042", 9) == 0);
}

Test(buf, grows_as_needed)
{
    AUTO(buf_free) struct buf out = {0};

    for (int i = 0; i < 10000; i++)
        buf_printf(&out, "%d,", i % 10);
    cr_expect(eq(sz, out.len, 20000));
    cr_expect(eq(str, out.data + 19994, "7,8,9,"));
}

Test(buf, an_empty_append_gives_an_empty_text)
{
    AUTO(buf_free) struct buf out = {0};

    buf_append(&out, NULL, 0);
    cr_expect(eq(str, out.data, ""));
}

Test(buf, no_memory_is_remembered)
{
    AUTO(buf_free) struct buf out = {0};

    buf_puts(&out, "a");
    buf_append(&out, "x", SIZE_MAX / 2);
    cr_expect(out.failed);
    buf_puts(&out, "b");
    cr_expect(eq(str, out.data, "a"));
}

Test(buf, json_strings_are_escaped)
{
    AUTO(buf_free) struct buf out = {0};

    buf_json_string(&out, "a\"b\\c\n\r\t\b\f\x01\x7f/\xc3\xa4");
    buf_json_string(&out, "");
    buf_json_string(&out, NULL);
    cr_expect(eq(str, out.data, "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u007f/\xc3\xa4\"\"\"null"));
}

Test(buf, clearing_keeps_the_memory)
{
    AUTO(buf_free) struct buf out = {0};
    char *before;

    buf_puts(&out, "abc");
    before = out.data;
    buf_clear(&out);
    cr_expect(eq(sz, out.len, 0));
    cr_expect(eq(str, out.data, ""));
    cr_expect(out.data == before);
}

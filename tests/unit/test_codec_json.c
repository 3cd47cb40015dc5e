/* test_codec_json.c - what the JSON side takes, refuses and writes. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "codec_sample.h"
#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "proto/messages.h"

static struct arena *arena;
static struct sample sample;
static struct err err;

static void open_arena(void)
{
    arena = arena_new(4 << 20);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(codec_json, .init = open_arena, .fini = close_arena);

static int read_bytes(const char *text, size_t len)
{
    memset(&err, 0, sizeof err);
    return codec_from_json(&sample_type, text, len, arena, &sample, &err);
}

static int read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void expect_refused(const char *text, const char *field)
{
    sample.number = 4711;
    cr_expect(eq(int, read_text(text), -1), "%s", text);
    cr_expect(eq(int, err.kind, ERR_INVALID), "%s", text);
    cr_expect(eq(str, err.field, (char *)field), "%s: %s", text, err.text);
    cr_expect(sample.number == 4711, "the output was touched");
}

Test(codec_json, every_type_is_read)
{
    cr_assert(eq(int,
                 read_text("{\"flag\":false,\"number\":-5,\"share\":1,\"text\":\"\\u00e9\\n\","
                           "\"id\":\"0191d9a4-0000-7000-8000-000000000001\",\"when\":\"2026-11-22T12:00:00.5+02:00\","
                           "\"data\":{\"b\":[1, 2.50],\"a\":null},\"names\":[\"x\",\"\"],\"score\":\"WARM\","
                           "\"part\":{\"answer\":\"yes\"},\"parts\":[{\"answer\":\"no\",\"weight\":0}]}"),
                 0),
              "%s", err.text);
    cr_expect(sample.flag == false);
    cr_expect(eq(i64, sample.number, -5));
    cr_expect(sample.share == 1);
    cr_expect(eq(str, (char *)sample.text, "\xc3\xa9\n"));
    cr_expect(eq(str, (char *)sample.id, "0191d9a4-0000-7000-8000-000000000001"));
    cr_expect(eq(i64, sample.when, 1795341600500000));
    cr_expect(eq(str, (char *)sample.data, "{\"b\":[1,2.5],\"a\":null}"));
    cr_assert(eq(sz, sample.n_names, 2));
    cr_expect(eq(str, (char *)sample.names[1], ""));
    cr_expect(eq(str, (char *)sample.score, "WARM"));
    cr_expect(eq(str, (char *)sample.part->answer, "yes"));
    cr_expect(eq(i64, sample.part->weight, 7));
    cr_assert(eq(sz, sample.n_parts, 1));
    cr_expect(eq(i64, sample.parts[0].weight, 0));
}

Test(codec_json, null_is_absent)
{
    cr_assert(eq(int,
                 read_text("{\"number\":1,\"text\":\"a\",\"flag\":null,\"share\":null,\"parts\":null,\"id\":null}"), 0),
              "%s", err.text);
    cr_expect(sample.flag);
    cr_expect(sample.share == 0.25);
    cr_expect(sample.parts == NULL && sample.id == NULL);
    expect_refused("{\"number\":1,\"text\":null}", "text");
}

Test(codec_json, unknown_fields_are_skipped)
{
    cr_expect(eq(int, read_text("{\"number\":1,\"text\":\"a\",\"newer\":{\"a\":[1]}}"), 0), "%s", err.text);
}

Test(codec_json, the_error_names_the_field)
{
    expect_refused("{\"text\":\"a\"}", "number");
    expect_refused("{\"number\":\"1\"}", "number");
    expect_refused("{\"number\":1.0}", "number");
    expect_refused("{\"number\":true}", "number");
    expect_refused("{\"number\":-6}", "number");
    expect_refused("{\"number\":1000000000000001}", "number");
    expect_refused("{\"flag\":1}", "flag");
    expect_refused("{\"share\":\"0.5\"}", "share");
    expect_refused("{\"share\":1.5}", "share");
    expect_refused("{\"number\":1,\"text\":5}", "text");
    expect_refused("{\"number\":1,\"text\":\"\"}", "text");
    expect_refused("{\"number\":1,\"text\":\"123456789\"}", "text");
    expect_refused("{\"number\":1,\"text\":\"a\",\"id\":\"me\"}", "id");
    expect_refused("{\"number\":1,\"text\":\"a\",\"when\":1}", "when");
    expect_refused("{\"number\":1,\"text\":\"a\",\"when\":\"today\"}", "when");
    expect_refused("{\"number\":1,\"text\":\"a\",\"raw\":\"AAAA\"}", "raw");
    expect_refused("{\"number\":1,\"text\":\"a\",\"names\":\"x\"}", "names");
    expect_refused("{\"number\":1,\"text\":\"a\",\"names\":[\"x\",1]}", "names[1]");
    expect_refused("{\"number\":1,\"text\":\"a\",\"names\":[\"x\",\"x\",\"x\",\"x\"]}", "names");
    expect_refused("{\"number\":1,\"text\":\"a\",\"score\":\"TEPID\"}", "score");
    expect_refused("{\"number\":1,\"text\":\"a\",\"part\":[]}", "part");
    expect_refused("{\"number\":1,\"text\":\"a\",\"part\":{}}", "part.answer");
    expect_refused("{\"number\":1,\"text\":\"a\",\"parts\":{}}", "parts");
    expect_refused("{\"number\":1,\"text\":\"a\",\"parts\":[{\"answer\":\"a\"},{\"answer\":1}]}", "parts[1].answer");
    expect_refused("{\"number\":1,\"text\":\"a\",\"parts\":[null]}", "parts[0]");
}

Test(codec_json, what_is_not_one_object_is_refused)
{
    static const char *const texts[] = {
        "",
        "[]",
        "1",
        "null",
        "{",
        SAMPLE_MINIMAL "x",
        SAMPLE_MINIMAL SAMPLE_MINIMAL,
        "{'a':1}",
        "{\"a\"}",
        "{\"a\":1,}",
        "// x\n{}",
        "\xef\xbb\xbf{}",
        "{\"number\":01}",
        "]{",
        "\"",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        expect_refused(texts[i], "");
    cr_expect(eq(int, read_text(" \r\n\t" SAMPLE_MINIMAL "\n"), 0), "%s", err.text);
}

Test(codec_json, a_key_given_twice_is_refused_at_any_depth)
{
    expect_refused("{\"number\":1,\"text\":\"a\",\"text\":\"b\"}", "");
    expect_refused("{\"number\":1,\"text\":\"a\",\"newer\":{\"x\":1,\"x\":1}}", "");
    expect_refused("{\"number\":1,\"text\":\"a\",\"te\\u0078t\":\"b\"}", "");
}

Test(codec_json, text_that_is_not_utf8_is_refused)
{
    expect_refused("{\"number\":1,\"text\":\"\xff\"}", "");
    expect_refused("{\"number\":1,\"text\":\"\xc0\x80\"}", "");
    expect_refused("{\"number\":1,\"text\":\"\\ud800\"}", "");
    expect_refused("{\"number\":1,\"text\":\"\\u0000\"}", "text");
    expect_refused("{\"number\":1,\"te\\u0000xt\":\"a\"}", "");
    expect_refused("{\"number\":1,\"text\":\"a\tb\"}", "");
    cr_expect(eq(int, read_bytes("{\"number\":1,\"text\":\"a\0\"}", 24), -1));
    cr_expect(eq(int, read_bytes(SAMPLE_MINIMAL "\0", sizeof SAMPLE_MINIMAL), -1));
}

Test(codec_json, the_error_does_not_quote_the_text)
{
    expect_refused("{\"number\":1,\"text\":\"secret\" \"secret\"}", "");
    cr_expect(strstr(err.text, "secret") == NULL, "%s", err.text);
}

/* {"number":1,"text":"a","newer":[[...]]}, n containers deep altogether. */
static struct buf nested(const char *field, int n)
{
    struct buf text = {0};

    buf_printf(&text, "{\"number\":1,\"text\":\"a\",\"%s\":", field);
    for (int i = 1; i < n; i++)
        buf_puts(&text, "[");
    for (int i = 1; i < n; i++)
        buf_puts(&text, "]");
    buf_puts(&text, "}");
    return text;
}

Test(codec_json, nesting_is_taken_to_16_and_no_further)
{
    AUTO(buf_free) struct buf fits = nested("newer", CODEC_DEPTH_MAX);
    AUTO(buf_free) struct buf deeper = nested("newer", CODEC_DEPTH_MAX + 1);
    AUTO(buf_free) struct buf deepest = nested("newer", 100000);

    cr_expect(eq(int, read_text(fits.data), 0), "%s", err.text);
    expect_refused(deeper.data, "");
    expect_refused(deepest.data, "");
    cr_expect(eq(int, read_text("{\"number\":1,\"text\":\"[[[[[[[\",\"n\":\"[\\\"[[[[[[[[[[[[[[[\"}"), 0), "%s",
              err.text);
}

/* So that one that was taken alone can also be shown within a list. */
Test(codec_json, a_json_field_is_nested_to_8_and_no_further)
{
    AUTO(buf_free) struct buf fits = nested("data", 1 + CODEC_JSON_DEPTH_MAX);
    AUTO(buf_free) struct buf deeper = nested("data", 2 + CODEC_JSON_DEPTH_MAX);

    cr_expect(eq(int, read_text(fits.data), 0), "%s", err.text);
    expect_refused(deeper.data, "data");
}

Test(codec_json, many_small_values_are_refused_before_they_take_memory)
{
    AUTO(buf_free) struct buf text = {0};

    buf_puts(&text, "{\"number\":1,\"text\":\"a\",\"newer\":[0");
    for (int i = 0; i < CODEC_ELEMENTS_MAX; i++)
        buf_puts(&text, ",0");
    buf_puts(&text, "]}");
    expect_refused(text.data, "");
    cr_expect(strstr(err.text, "65536") != NULL, "%s", err.text);
}

Test(codec_json, a_text_over_1_mib_is_refused)
{
    AUTO(buf_free) struct buf text = {0};

    buf_puts(&text, SAMPLE_MINIMAL);
    while (text.len < CODEC_FRAME_MAX)
        buf_puts(&text, " ");
    cr_expect(eq(int, read_text(text.data), 0), "%s", err.text);
    buf_puts(&text, " ");
    expect_refused(text.data, "");
}

static void expect_data(const char *given, const char *kept)
{
    AUTO(buf_free) struct buf text = {0};

    buf_printf(&text, "{\"number\":1,\"text\":\"a\",\"data\":%s}", given);
    cr_assert(eq(int, read_text(text.data), 0), "%s: %s", given, err.text);
    cr_expect(eq(str, (char *)sample.data, (char *)kept));
}

Test(codec_json, numbers_in_a_json_field_keep_their_value)
{
    expect_data("[ 0.1, 99.99 ]", "[0.1,99.99]");
    expect_data("1e3", "1000.0");
    expect_data("0.30000000000000004", "0.30000000000000004");
    expect_data("1.7976931348623157e308", "1.7976931348623157e308");
    expect_data("9223372036854775807", "9223372036854775807");
    expect_refused("{\"number\":1,\"text\":\"a\",\"data\":1e999}", "");
    expect_refused("{\"number\":1,\"text\":\"a\",\"data\":9223372036854775808}", "");
}

Test(codec_json, a_message_is_written_in_the_order_of_its_fields)
{
    AUTO(buf_free) struct buf out = {0};
    const char *names[] = {"x\"y"};
    struct sample_part part = {.answer = "yes"};
    struct sample message = {.number = 3,
                             .text = "\xc3\xa9\n",
                             .share = 0.1,
                             .when = 1795341600000000,
                             .data = "{\"a\":[1]}",
                             .names = names,
                             .n_names = 1,
                             .score = "HOT",
                             .parts = &part,
                             .n_parts = 1};

    cr_assert(eq(int, codec_to_json(&sample_type, &message, &out, &err), 0), "%s", err.text);
    cr_expect(eq(str, out.data,
                 "{\"flag\":false,\"number\":3,\"share\":0.1,\"text\":\"\xc3\xa9\\n\","
                 "\"when\":\"2026-11-22T10:00:00.000000Z\",\"data\":{\"a\":[1]},\"names\":[\"x\\\"y\"],"
                 "\"score\":\"HOT\",\"parts\":[{\"answer\":\"yes\",\"weight\":0}]}"));
}

Test(codec_json, a_float_comes_back_bit_by_bit)
{
    const double values[] = {0.0, -0.0, 0.1, -1.0, 1.0, 1.0 / 3, 5e-324, -2.2250738585072014e-308};

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        AUTO(buf_free) struct buf out = {0};
        struct sample message = {.number = 1, .text = "a", .share = values[i]};

        cr_assert(eq(int, codec_to_json(&sample_type, &message, &out, &err), 0), "%s", err.text);
        cr_assert(eq(int, read_text(out.data), 0), "%s: %s", out.data, err.text);
        cr_expect(memcmp(&sample.share, &values[i], sizeof values[i]) == 0, "%s", out.data);
    }
}

Test(codec_json, bytes_are_not_written)
{
    AUTO(buf_free) struct buf out = {0};
    struct sample message = {.number = 1, .text = "a", .raw = {(const uint8_t *)"x", 1}};

    cr_expect(eq(int, codec_to_json(&sample_type, &message, &out, &err), -1));
    cr_expect(eq(str, err.field, "raw"));
}

Test(codec_json, a_path_too_long_for_the_error_is_cut)
{
    const char *text = "{\"a_name_that_takes_up_most_of_the_room\":{\"a_name_that_takes_up_the_rest_of_it\":1}}";
    struct sample_long message;

    cr_expect(eq(int, codec_from_json(&sample_long_type, text, strlen(text), arena, &message, &err), -1));
    cr_expect(eq(str, err.field, "a_name_that_takes_up_most_of_the_room.a_name_that_takes_up_the_"));
}

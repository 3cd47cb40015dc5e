/* test_codec_msgpack.c - what the msgpack side takes and what it refuses. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "codec_sample.h"
#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"

static struct arena *arena;
static struct sample sample;
static struct err err;
static struct buf frame;
static msgpack_packer packer;

static int append(void *out, const char *data, size_t len)
{
    buf_append(out, data, len);
    return 0;
}

static void open_frame(void)
{
    arena = arena_new(4 << 20);
    msgpack_packer_init(&packer, &frame, append);
}

static void close_frame(void)
{
    buf_free(&frame);
    arena_destroy(&arena);
}

TestSuite(codec_msgpack, .init = open_frame, .fini = close_frame);

/* ---- writing frames by hand ---- */

static void put_map(size_t n)
{
    msgpack_pack_map(&packer, n);
}

static void put_text(const char *text, size_t len)
{
    msgpack_pack_str(&packer, len);
    msgpack_pack_str_body(&packer, text, len);
}

static void put(const char *text)
{
    put_text(text, strlen(text));
}

/* A valid sample with room for extra more fields. */
static void put_sample(size_t extra)
{
    put_map(2 + extra);
    put("number");
    msgpack_pack_int(&packer, 1);
    put("text");
    put("a");
}

static int unpack(void)
{
    memset(&err, 0, sizeof err);
    return codec_unpack(&sample_type, frame.data, frame.len, arena, &sample, &err);
}

static int unpack_bytes(const char *bytes, size_t len)
{
    memset(&err, 0, sizeof err);
    return codec_unpack(&sample_type, bytes, len, arena, &sample, &err);
}

static void expect_refused(const char *field)
{
    sample.number = 4711;
    cr_expect(eq(int, unpack(), -1), "%s", field);
    cr_expect(eq(int, err.kind, ERR_INVALID), "%s: %s", field, err.text);
    cr_expect(eq(str, err.field, (char *)field), "%s", err.text);
    cr_expect(sample.number == 4711, "the output was touched");
}

/* ---- taken ---- */

Test(codec_msgpack, absent_optional_fields_take_their_defaults)
{
    put_sample(0);
    cr_assert(eq(int, unpack(), 0), "%s", err.text);
    cr_expect(eq(i64, sample.number, 1));
    cr_expect(eq(str, (char *)sample.text, "a"));
    cr_expect(sample.flag);
    cr_expect(sample.share == 0.25);
    cr_expect(sample.id == NULL && sample.data == NULL && sample.score == NULL && sample.part == NULL &&
              sample.names == NULL && sample.parts == NULL);
    cr_expect(sample.when == 0 && sample.raw.data == NULL && sample.n_names == 0 && sample.n_parts == 0);
}

Test(codec_msgpack, unknown_fields_are_skipped_whatever_they_hold)
{
    put_sample(2);
    put("newer");
    put_map(1);
    msgpack_pack_int(&packer, 1);
    msgpack_pack_array(&packer, 2);
    msgpack_pack_nil(&packer);
    msgpack_pack_double(&packer, 1.5);
    put_text("text\0more", 9);
    msgpack_pack_nil(&packer);
    cr_assert(eq(int, unpack(), 0), "%s", err.text);
    cr_expect(eq(str, (char *)sample.text, "a"));
}

Test(codec_msgpack, the_message_does_not_point_into_the_frame)
{
    put_sample(1);
    put("raw");
    msgpack_pack_bin(&packer, 2);
    msgpack_pack_bin_body(&packer, "xy", 2);
    cr_assert(eq(int, unpack(), 0), "%s", err.text);
    memset(frame.data, 0, frame.len);
    cr_expect(eq(str, (char *)sample.text, "a"));
    cr_expect(memcmp(sample.raw.data, "xy", 2) == 0);
}

Test(codec_msgpack, an_integer_is_taken_for_a_float)
{
    put_sample(1);
    put("share");
    msgpack_pack_int(&packer, -1);
    cr_assert(eq(int, unpack(), 0), "%s", err.text);
    cr_expect(sample.share == -1);
}

/* ---- refused: fields ---- */

Test(codec_msgpack, a_missing_required_field_is_refused)
{
    put_map(1);
    put("number");
    msgpack_pack_int(&packer, 1);
    expect_refused("text");
}

Test(codec_msgpack, a_required_time_of_zero_is_missing)
{
    struct sample_timed timed = {.when = 5};

    put_map(1);
    put("when");
    msgpack_pack_int(&packer, 0);
    cr_expect(eq(int, codec_unpack(&sample_timed_type, frame.data, frame.len, arena, &timed, &err), -1));
    cr_expect(eq(str, err.field, "when"));
    cr_expect(timed.when == 5);
}

Test(codec_msgpack, a_known_field_given_twice_is_refused)
{
    put_sample(1);
    put("text");
    put("b");
    expect_refused("text");
}

Test(codec_msgpack, a_key_that_is_not_a_string_is_refused)
{
    put_sample(1);
    msgpack_pack_int(&packer, 1);
    msgpack_pack_int(&packer, 1);
    expect_refused("");
}

Test(codec_msgpack, anything_but_a_map_is_refused)
{
    msgpack_pack_array(&packer, 0);
    expect_refused("");
}

/* Each field, given a value of a type that is not its own. nil is none either. */
Test(codec_msgpack, a_value_of_the_wrong_type_is_refused)
{
    for (size_t i = 0; i < sample_type.n_fields; i++) {
        const struct field *field = &sample_type.fields[i];

        for (int nil = 0; nil < 2; nil++) {
            buf_clear(&frame);
            put_map(1);
            put(field->name);
            if (nil)
                msgpack_pack_nil(&packer);
            else if (field->type == FIELD_STR || field->type == FIELD_BIN || field->type == FIELD_JSON ||
                     field->type == FIELD_UUID || field->type == FIELD_ENUM)
                msgpack_pack_int(&packer, 1);
            else
                put("text");
            expect_refused(field->name);
        }
    }
}

Test(codec_msgpack, an_integer_field_takes_no_float)
{
    put_map(1);
    put("number");
    msgpack_pack_double(&packer, 1.0);
    expect_refused("number");
}

static void expect_int_refused(const char *name, int64_t value)
{
    buf_clear(&frame);
    put_map(1);
    put(name);
    msgpack_pack_int64(&packer, value);
    expect_refused(name);
}

Test(codec_msgpack, numbers_out_of_bounds_are_refused)
{
    expect_int_refused("number", -6);
    expect_int_refused("number", 1000000000000001);
    expect_int_refused("number", INT64_MIN);
    expect_int_refused("share", 2);
    expect_int_refused("when", 253402300800000000);
    expect_int_refused("when", INT64_MIN);

    buf_clear(&frame);
    put_map(1);
    put("number");
    msgpack_pack_uint64(&packer, (uint64_t)INT64_MAX + 1);
    expect_refused("number");
}

Test(codec_msgpack, floats_that_are_not_finite_are_refused)
{
    const double values[] = {NAN, INFINITY, -INFINITY, 1.0000001};

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        buf_clear(&frame);
        put_map(1);
        put("share");
        msgpack_pack_double(&packer, values[i]);
        expect_refused("share");
    }
}

static void expect_text_refused(const char *name, const char *text, size_t len)
{
    buf_clear(&frame);
    put_map(1);
    put(name);
    put_text(text, len);
    expect_refused(name);
}

Test(codec_msgpack, texts_out_of_bounds_are_refused)
{
    expect_text_refused("text", "", 0);
    expect_text_refused("text", "123456789", 9);
    expect_text_refused("id", "0191d9a4-0000-7000-8000-00000000000", 35);
    expect_text_refused("id", "0191d9a4-0000-7000-8000-00000000000g", 36);
    expect_text_refused("score", "hot", 3);
    expect_text_refused("score", "HOT|WARM", 8);
    expect_text_refused("score", "", 0);
}

Test(codec_msgpack, a_text_that_is_not_utf8_is_refused)
{
    expect_text_refused("text", "\xff", 1);
    expect_text_refused("text", "\xc0\x80", 2);
    expect_text_refused("text", "\xed\xa0\x80", 3);
    expect_text_refused("text", "\xf4\x90\x80\x80", 4);
    expect_text_refused("text", "a\0b", 3);
    expect_text_refused("text", "a\xe2\x82", 3);
    expect_text_refused("data", "\"\xff\"", 3);
}

Test(codec_msgpack, a_json_field_holds_valid_json)
{
    expect_text_refused("data", "{}}", 3);
    expect_text_refused("data", "{\"a\":1,\"a\":2}", 13);
    expect_text_refused("data", "null", 4);
    expect_text_refused("data", "NaN", 3);
    expect_text_refused("data", "[[[[[[[[[1]]]]]]]]]", 19);
}

Test(codec_msgpack, lists_out_of_bounds_are_refused)
{
    put_map(1);
    put("names");
    msgpack_pack_array(&packer, 4);
    for (int i = 0; i < 4; i++)
        put("x");
    expect_refused("names");

    buf_clear(&frame);
    put_map(1);
    put("raw");
    msgpack_pack_bin(&packer, 5);
    msgpack_pack_bin_body(&packer, "12345", 5);
    expect_refused("raw");
}

Test(codec_msgpack, the_error_names_the_place_within_a_list)
{
    put_map(1);
    put("parts");
    msgpack_pack_array(&packer, 2);
    for (int i = 0; i < 2; i++) {
        put_map(1);
        put("answer");
        put(i == 0 ? "fine" : "much too long");
    }
    expect_refused("parts[1].answer");

    buf_clear(&frame);
    put_map(1);
    put("part");
    put_map(0);
    expect_refused("part.answer");

    buf_clear(&frame);
    put_map(1);
    put("names");
    msgpack_pack_array(&packer, 1);
    msgpack_pack_int(&packer, 1);
    expect_refused("names[0]");
}

/* ---- refused: frames ---- */

static int scan(const void *bytes, size_t len)
{
    memset(&err, 0, sizeof err);
    return codec_scan(bytes, len, &err);
}

Test(codec_msgpack, an_empty_frame_is_refused)
{
    cr_expect(eq(int, scan("", 0), -1));
    cr_expect(eq(int, scan(NULL, 0), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
}

Test(codec_msgpack, a_header_that_promises_more_than_the_frame_holds_is_refused)
{
    static const char *const headers[] = {
        "\xdd\x10\x00\x00\x00", "\xdf\x10\x00\x00\x00", "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
        "\xdb\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xdb\x00\x00\x00\x01",
    };

    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        cr_expect(eq(int, unpack_bytes(headers[i], 5), -1), "header %zu", i);
        cr_expect(eq(int, err.kind, ERR_INVALID));
    }
}

/* Each header alone is honest enough, together they would multiply. */
Test(codec_msgpack, headers_within_headers_do_not_take_memory)
{
    char bytes[155];

    for (size_t i = 0; i < sizeof bytes; i += 5)
        memcpy(bytes + i, "\xdd\x00\x00\x00\x40", 5);
    cr_expect(eq(int, unpack_bytes(bytes, sizeof bytes), -1));
    cr_expect(lt(sz, arena_used(arena), 4096));
}

Test(codec_msgpack, refusing_five_bytes_takes_no_memory)
{
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < 1000; i++)
        cr_assert(eq(int, unpack_bytes("\xdd\x10\x00\x00\x00", 5), -1));
    getrusage(RUSAGE_SELF, &after);
    cr_expect(lt(long, after.ru_maxrss - before.ru_maxrss, 16384), "KiB");
}

/* As many values as a frame may hold, at one byte each. */
Test(codec_msgpack, the_arena_takes_a_small_multiple_of_the_frame)
{
    put_sample(1);
    put("unknown");
    msgpack_pack_array(&packer, 65000);
    for (int i = 0; i < 65000; i++)
        msgpack_pack_nil(&packer);
    cr_assert(eq(int, unpack(), 0), "%s", err.text);
    cr_expect(lt(sz, arena_used(arena), 2 * sizeof sample));
}

Test(codec_msgpack, a_frame_cut_anywhere_is_refused)
{
    put_sample(2);
    put("share");
    msgpack_pack_double(&packer, 0.5);
    put("names");
    msgpack_pack_array(&packer, 1);
    put("x");
    cr_assert(eq(int, unpack(), 0));
    for (size_t len = 0; len < frame.len; len++)
        cr_expect(eq(int, unpack_bytes(frame.data, len), -1), "cut to %zu", len);
}

Test(codec_msgpack, bytes_behind_the_value_are_refused)
{
    put_sample(0);
    buf_append(&frame, "\xc0", 1);
    expect_refused("");
}

Test(codec_msgpack, ext_types_are_refused)
{
    static const char *const values[] = {"\xd4\x01\x00", "\xc7\x01\x01\x00", "\xc1", "\xd6\xff\x00\x00\x00\x00"};
    static const size_t lengths[] = {3, 4, 1, 6};

    for (size_t i = 0; i < COUNT_OF(values); i++)
        cr_expect(eq(int, scan(values[i], lengths[i]), -1), "value %zu", i);
}

Test(codec_msgpack, nesting_is_taken_to_16_and_no_further)
{
    char bytes[CODEC_DEPTH_MAX + 2];

    memset(bytes, '\x91', sizeof bytes);
    bytes[CODEC_DEPTH_MAX] = '\xc0';
    cr_expect(eq(int, scan(bytes, CODEC_DEPTH_MAX + 1), 0), "%s", err.text);
    bytes[CODEC_DEPTH_MAX] = '\x91';
    bytes[CODEC_DEPTH_MAX + 1] = '\xc0';
    cr_expect(eq(int, scan(bytes, CODEC_DEPTH_MAX + 2), -1));
    bytes[CODEC_DEPTH_MAX] = '\x90'; /* an empty one is one, too */
    cr_expect(eq(int, scan(bytes, CODEC_DEPTH_MAX + 1), -1));
}

Test(codec_msgpack, a_frame_may_have_1_mib_and_no_more)
{
    static char bytes[CODEC_FRAME_MAX + 1];

    memcpy(bytes, "\xc6\x00\x0f\xff\xfb", 5);
    cr_expect(eq(int, scan(bytes, CODEC_FRAME_MAX), 0), "%s", err.text);
    memcpy(bytes, "\xc6\x00\x0f\xff\xfc", 5);
    cr_expect(eq(int, scan(bytes, CODEC_FRAME_MAX + 1), -1));
}

Test(codec_msgpack, a_frame_may_hold_65536_values_and_no_more)
{
    static char bytes[3 + 65535 + 5];
    const size_t inner = CODEC_ELEMENTS_MAX - 1;

    memset(bytes, 1, sizeof bytes);
    memcpy(bytes, "\xdc\xff\xff", 3);
    cr_expect(eq(int, scan(bytes, 3 + inner), 0), "%s", err.text);
    memcpy(bytes, "\xdd\x00\x01\x00\x00", 5);
    cr_expect(eq(int, scan(bytes, 5 + inner + 1), -1));
}

Test(codec_msgpack, a_message_that_does_not_fit_its_arena_is_refused)
{
    AUTO(arena_destroy) struct arena *small = arena_new(sizeof(struct sample) + 64);

    put_sample(1);
    put("data");
    put("\"0123456789012345678901234567890123456789012345678901234567890123456789\"");
    cr_expect(eq(int, unpack(), 0), "%s", err.text);
    cr_expect(eq(int, codec_unpack(&sample_type, frame.data, frame.len, small, &sample, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
}

/* ---- packing ---- */

static void expect_not_packed(const struct sample *message, const char *field)
{
    AUTO(buf_free) struct buf out = {0};

    buf_puts(&out, "before");
    memset(&err, 0, sizeof err);
    cr_expect(eq(int, codec_pack(&sample_type, message, &out, &err), -1), "%s", field);
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(str, err.field, (char *)field), "%s", err.text);
    cr_expect(eq(str, out.data, "before"), "%s: something was appended", field);

    memset(&err, 0, sizeof err);
    cr_expect(eq(int, codec_to_json(&sample_type, message, &out, &err), -1), "%s", field);
    cr_expect(eq(str, err.field, (char *)field), "%s", err.text);
    cr_expect(eq(str, out.data, "before"), "%s: something was appended", field);
}

#define MINIMAL .number = 1, .text = "a"

Test(codec_msgpack, what_would_be_refused_is_not_written)
{
    const char *names[] = {"a", NULL}, *bad_names[] = {"a", "\xff"};
    struct sample_part parts[] = {{.answer = "fine"}, {.answer = "fine", .weight = 10}};

    expect_not_packed(&(struct sample){.number = 1}, "text");
    expect_not_packed(&(struct sample){.number = -6, .text = "a"}, "number");
    expect_not_packed(&(struct sample){.number = 1, .text = ""}, "text");
    expect_not_packed(&(struct sample){.number = 1, .text = "123456789"}, "text");
    expect_not_packed(&(struct sample){.number = 1, .text = "\xff"}, "text");
    expect_not_packed(&(struct sample){MINIMAL, .share = NAN}, "share");
    expect_not_packed(&(struct sample){MINIMAL, .share = 1.5}, "share");
    expect_not_packed(&(struct sample){MINIMAL, .id = "x"}, "id");
    expect_not_packed(&(struct sample){MINIMAL, .when = INT64_MAX}, "when");
    expect_not_packed(&(struct sample){MINIMAL, .data = "{"}, "data");
    expect_not_packed(&(struct sample){MINIMAL, .raw = {(const uint8_t *)"12345", 5}}, "raw");
    expect_not_packed(&(struct sample){MINIMAL, .names = names, .n_names = 2}, "names[1]");
    expect_not_packed(&(struct sample){MINIMAL, .names = bad_names, .n_names = 2}, "names[1]");
    expect_not_packed(&(struct sample){MINIMAL, .names = bad_names, .n_names = 4}, "names");
    expect_not_packed(&(struct sample){MINIMAL, .n_names = 1}, "names[0]");
    expect_not_packed(&(struct sample){MINIMAL, .score = "TEPID"}, "score");
    expect_not_packed(&(struct sample){MINIMAL, .part = &(struct sample_part){.weight = 1}}, "part.answer");
    expect_not_packed(&(struct sample){MINIMAL, .parts = parts, .n_parts = 2}, "parts[1].weight");
    expect_not_packed(&(struct sample){MINIMAL, .n_parts = 1}, "parts[0]");
}

Test(codec_msgpack, fields_are_written_in_their_order_and_only_if_present)
{
    struct sample message = {MINIMAL, .flag = true};

    cr_assert(eq(int, codec_pack(&sample_type, &message, &frame, &err), 0), "%s", err.text);
    cr_expect(eq(sz, frame.len, 1 + 6 + 8 + 15 + 7));
    cr_expect(memcmp(frame.data,
                     "\x84\xa4"
                     "flag\xc3\xa6"
                     "number\x01\xa5"
                     "share\xcb",
                     22) == 0);
}

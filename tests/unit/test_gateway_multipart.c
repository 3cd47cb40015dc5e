/* test_gateway_multipart.c - multipart/form-data, well-formed and hostile. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "services/gateway/multipart.h"

#define TYPE "multipart/form-data; boundary=b"
#define PART "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n"

static struct arena *arena;
static struct multipart form;
static struct err err;

static void open_arena(void)
{
    arena = arena_new(1024 * 1024);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(multipart, .init = open_arena, .fini = close_arena, .timeout = 20);

/* A copy of exactly its length, so that reading beyond is seen. */
static int parse_bytes(const char *type, const char *body, size_t len)
{
    char *copy = arena_alloc(arena, len);

    memcpy(copy, body, len);
    memset(&form, 0, sizeof form);
    err = (struct err){0};
    return multipart_parse(type, copy, len, arena, &form, &err);
}

static int parse(const char *type, const char *body)
{
    return parse_bytes(type, body, strlen(body));
}

static void expect_data(size_t part, const char *data)
{
    cr_assert_lt(part, form.n);
    cr_expect_eq(form.parts[part].len, strlen(data));
    cr_expect_eq(memcmp(form.parts[part].data, data, strlen(data)), 0);
}

static void expect_refused(const char *type, const char *body, const char *words)
{
    cr_expect_eq(parse(type, body), -1, "%s", body);
    cr_expect_eq(err.kind, ERR_INVALID, "%s", err.text);
    cr_expect(strstr(err.text, words), "%s: %s", body, err.text);
}

Test(multipart, parts_are_found_between_preamble_and_epilogue)
{
    cr_assert_eq(parse(TYPE, "preamble\r\n" PART "one\r\n" PART "\r\n--b--\r\nepilogue --b"), 0, "%s", err.text);
    cr_expect_eq(form.n, 2);
    expect_data(0, "one");
    expect_data(1, "");
    cr_expect_str_eq(form.parts[0].name, "a");
    cr_expect_null(form.parts[0].filename);
    cr_expect_null(form.parts[0].content_type);
}

Test(multipart, the_last_line_needs_no_end_and_delimiters_may_be_padded)
{
    cr_assert_eq(parse(TYPE, "--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b-- "), 0, "%s", err.text);
    expect_data(0, "x");
}

Test(multipart, data_may_be_anything_but_a_line_with_the_boundary)
{
    static const char body[] = PART "\0\xff\n--b\n\r--b\r\n-b\r\n--\r\n--B x--b\r\n\r\n--b--";

    cr_assert_eq(parse_bytes(TYPE, body, sizeof body - 1), 0, "%s", err.text);
    cr_expect_eq(form.n, 1);
    cr_expect_eq(form.parts[0].len, sizeof body - 1 - strlen(PART) - strlen("\r\n--b--"));
}

Test(multipart, a_boundary_may_be_quoted_and_beside_other_parameters)
{
    static const char *const types[] = {
        "multipart/form-data; charset=utf-8; boundary=\"a b'()+_,-./:=?\"; x=y",
        "Multipart/Form-Data ;BOUNDARY=\"a b'()+_,-./:=?\";",
    };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        cr_assert_eq(parse(types[i], "--a b'()+_,-./:=?\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
                                     "--a b'()+_,-./:=?--"),
                     0, "%s", err.text);
        expect_data(0, "x");
    }
}

Test(multipart, names_may_be_quoted_escaped_and_of_any_script)
{
    cr_assert_eq(parse(TYPE, "--b\r\ncontent-disposition: Form-Data; filename=\"a \\\"q\\\" %22; \\\\x C:\\d.txt\";"
                             " name=\"الاسم\"; filename*=UTF-8''other.txt\r\n"
                             "CONTENT-TYPE:text/plain; charset=utf-8 \r\nX-Other: 1\r\n"
                             "Content-Transfer-Encoding: 8bit\r\n\r\nx\r\n--b--"),
                 0, "%s", err.text);
    cr_expect_str_eq(form.parts[0].name, "الاسم");
    cr_expect_str_eq(form.parts[0].filename, "a \"q\" \"; \\x C:\\d.txt");
    cr_expect_str_eq(form.parts[0].content_type, "text/plain; charset=utf-8");
}

Test(multipart, a_boundary_that_is_none_is_refused)
{
    static const char *const types[] = {
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"b",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=b; boundary=b",
        "multipart/form-data; boundary=\"b \"",
        "multipart/form-data; boundary=\"b\\\\\"",
        "multipart/form-data; boundary=b\xc3\xbc",
        "multipart/form-data; boundary=b boundary=c",
        "multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    for (size_t i = 0; i < COUNT_OF(types); i++)
        expect_refused(types[i], PART "x\r\n--b--", "Content-Type");
}

Test(multipart, a_boundary_of_seventy_characters_is_one)
{
    char type[128], body[512], boundary[71];

    memset(boundary, 'a', 70);
    boundary[70] = '\0';
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
    snprintf(body, sizeof body, "--%s\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--%s--", boundary,
             boundary);
    cr_expect_eq(parse(type, body), 0, "%s", err.text);
}

Test(multipart, a_body_of_another_shape_is_refused_and_says_why)
{
    static const struct {
        const char *body, *words;
    } wrong[] = {
        {"", "does not occur"},
        {"--", "does not occur"},
        {"--other\r\n", "does not occur"},
        {"x--b\r\n", "does not occur"},
        {"--b", "ends before"},
        {"--b-", "goes on"},
        {"--b\r\n", "ends before"},
        {"--b--", "no parts"},
        {"--b--x", "goes on"},
        {PART "x", "ends before"},
        {PART "x\r\n--b", "ends before"},
        {PART "x\r\n--b\r\n", "ends before"},
        {PART "x\r\n--bc\r\n--b--", "goes on"},
        {"--b\nContent-Disposition: form-data; name=a\n\nx\n--b--\n", "LF alone"},
        {"x\n--b\n", "LF alone"},
        {"--b\r\nContent-Disposition: form-data; name=a\n\nx\r\n--b--", "part 1"},
        {"--b\r\n\r\nx\r\n--b--", "Content-Disposition is missing"},
        {"--b\r\nX: y\r\n\r\nx\r\n--b--", "Content-Disposition is missing"},
        {"--b\r\nContent-Disposition: form-data; name=a\r\n--b--", "empty line"},
        {PART "x\r\n--b\r\n\r\n--b--", "part 2"},
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        expect_refused(TYPE, wrong[i].body, wrong[i].words);
}

Test(multipart, headers_that_are_wrong_are_refused_with_their_part)
{
    static const struct {
        const char *header, *words;
    } wrong[] = {
        {"Content-Disposition: attachment; name=a", "form-data"},
        {"Content-Disposition: form-datax; name=a", "form-data"},
        {"Content-Disposition: form-data", "no name"},
        {"Content-Disposition: form-data; name=\"\"", "no name"},
        {"Content-Disposition: form-data; name=a; name=b", "twice"},
        {"Content-Disposition: form-data; name=a; filename=b; filename=c", "twice"},
        {"Content-Disposition: form-data; name=\"a", "no end"},
        {"Content-Disposition: form-data; name=\"a\\\"", "no end"},
        {"Content-Disposition: form-data; name=\"a\"x", "';'"},
        {"Content-Disposition: form-data; =a", "name=value"},
        {"Content-Disposition: form-data; name=\"\xff\"", "UTF-8"},
        {"Content-Disposition: form-data; name=a; filename=\"\x7f\"", "UTF-8"},
        {"Content-Disposition: form-data; name=\"a\x01\"", "control"},
        {"Content-Disposition: form-data; name=a;\r\n filename=b", "in one line"},
        {"Content-Disposition : form-data; name=a", "in one line"},
        {": x", "in one line"},
        {"no colon", "in one line"},
        {"Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", "twice"},
        {"Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: a/b", "twice"},
        {"Content-Disposition: form-data; name=a\r\nContent-Type: \xff", "UTF-8"},
        {"Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", "not encoded"},
    };
    char body[512];

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        snprintf(body, sizeof body, PART "x\r\n--b\r\n%s\r\n\r\nx\r\n--b--", wrong[i].header);
        expect_refused(TYPE, body, wrong[i].words);
        cr_expect_eq(strncmp(err.text, "part 2: ", 8), 0, "%s", err.text);
    }
}

Test(multipart, a_nul_in_a_header_is_refused)
{
    static const char body[] = "--b\r\nContent-Disposition: form-data; name=a\0b\r\n\r\nx\r\n--b--";

    cr_expect_eq(parse_bytes(TYPE, body, sizeof body - 1), -1);
    cr_expect(strstr(err.text, "control"), "%s", err.text);
}

Test(multipart, parts_and_their_headers_are_bounded)
{
    AUTO(buf_free) struct buf many = {0};
    AUTO(buf_free) struct buf wide = {0};

    for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
        buf_puts(&many, PART "x\r\n");
    buf_puts(&many, "--b--");
    cr_expect_eq(parse(TYPE, many.data), 0, "%s", err.text);
    cr_expect_eq(form.n, MULTIPART_PARTS_MAX);
    many.len -= strlen("--b--");
    buf_puts(&many, PART "x\r\n--b--");
    expect_refused(TYPE, many.data, "64 parts");

    buf_puts(&wide, "--b\r\nContent-Disposition: form-data; name=a\r\nX: ");
    for (int i = 0; i < MULTIPART_HEADERS_MAX; i++)
        buf_puts(&wide, "y");
    buf_puts(&wide, "\r\n\r\nx\r\n--b--");
    expect_refused(TYPE, wide.data, "longer than 4096");
}

/* Each prefix of a good body is either refused or good in itself; none reads beyond its end. */
Test(multipart, a_body_that_is_cut_anywhere_does_no_harm)
{
    static const char body[] = "p\r\n--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n"
                               "Content-Type: text/plain\r\n\r\nx\r\n--b--\r\n";

    for (size_t len = 0; len < sizeof body; len++) {
        int result = parse_bytes(TYPE, body, len);

        /* Good with the closing boundary; half an end of its line is none. */
        cr_expect_eq(result, len >= sizeof body - 3 && len != sizeof body - 2 ? 0 : -1, "%zu: %s", len, err.text);
    }
}

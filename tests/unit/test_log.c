#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"

static int reader;

/* Each write to a datagram-like pipe (O_DIRECT) is read as one packet: so a line is seen to be one write. */
static void capture(void)
{
    int fds[2];

    cr_assert(pipe2(fds, O_DIRECT | O_NONBLOCK) == 0);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    reader = fds[0];
}

static json_t *next_line(void)
{
    static char line[65536];
    ssize_t len = read(reader, line, sizeof line);
    json_t *object;

    if (len <= 0)
        return NULL;
    cr_assert(line[len - 1] == '\n');
    cr_assert(memchr(line, '\n', (size_t)len) == line + len - 1);
    object = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(object != NULL, "not JSON: %.*s", (int)len, line);
    return object;
}

static const char *text(json_t *line, const char *name)
{
    return json_string_value(json_object_get(line, name));
}

TestSuite(log, .init = capture);

Test(log, a_line_is_one_json_object_in_one_write)
{
    int64_t at;
    json_t *line;

    log_init("delivery", "info");
    log_info("task claimed", log_str("task_id", "x\"\n"), log_int("attempt", -2), log_float("took", 0.25));
    log_info("second");
    line = next_line();
    cr_expect(eq(str, (char *)text(line, "level"), "info"));
    cr_expect(eq(str, (char *)text(line, "service"), "delivery"));
    cr_expect(eq(str, (char *)text(line, "msg"), "task claimed"));
    cr_expect(eq(str, (char *)text(line, "task_id"), "x\"\n"));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(line, "attempt")), -2));
    cr_expect(eq(dbl, json_real_value(json_object_get(line, "took")), 0.25));
    cr_expect(eq(int, clock_parse(text(line, "ts"), &at), 0));
    cr_expect(json_object_get(line, "trace") == NULL);
    json_decref(line);
    json_decref(next_line());
}

Test(log, lines_below_the_level_are_not_written)
{
    log_init("x", "warn");
    log_info("quiet");
    log_debug("quiet");
    cr_expect(next_line() == NULL);
    log_warn("loud");
    json_t *line = next_line();
    cr_expect(eq(str, (char *)text(line, "msg"), "loud"));
    json_decref(line);
}

Test(log, carries_the_trace_of_the_thread)
{
    json_t *line;

    log_init("x", "info");
    log_set_trace("abc");
    log_info("a");
    log_set_trace(NULL);
    log_info("b");
    line = next_line();
    cr_expect(eq(str, (char *)text(line, "trace"), "abc"));
    json_decref(line);
    line = next_line();
    cr_expect(json_object_get(line, "trace") == NULL);
    json_decref(line);
}

Test(log, phones_are_masked)
{
    json_t *line;

    log_init("x", "info");
    log_info("a", log_phone("to", "+15551234567"));
    line = next_line();
    cr_expect(eq(str, (char *)text(line, "to"), "+1555***4567"));
    json_decref(line);
}

Test(log, whatever_it_is_given_the_line_stays_json)
{
    static char huge[5000];
    json_t *line;

    memset(huge, 'x', sizeof huge - 1);
    log_init("x", "info");
    log_info("a\xff", log_str("bad", "\xc3(\x01"), log_str("null", NULL), log_float("nan", NAN), log_str("huge", huge));
    line = next_line();
    cr_expect(eq(str, (char *)text(line, "bad"), "?(\x01"));
    cr_expect(json_object_get(line, "null") == json_null());
    cr_expect(json_object_get(line, "nan") == json_null());
    cr_expect(eq(sz, strlen(text(line, "huge")), 2048));
    json_decref(line);
}

Test(log, an_error_shows_kind_text_and_the_providers_code)
{
    struct err err = {.kind = ERR_DENIED, .provider_code = 21610, .text = "opted out"};
    json_t *line;

    log_init("x", "info");
    log_err(LOG_ERROR, "not sent", &err);
    line = next_line();
    cr_expect(eq(str, (char *)text(line, "level"), "error"));
    cr_expect(eq(str, (char *)text(line, "kind"), "denied"));
    cr_expect(eq(str, (char *)text(line, "error"), "opted out"));
    cr_expect(eq(int, (int)json_integer_value(json_object_get(line, "provider_code")), 21610));
    json_decref(line);
}

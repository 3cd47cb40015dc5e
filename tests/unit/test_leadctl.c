/* leadctl's command line and its tables. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "tools/leadctl/ctl.h"

static struct ctl ctl;
static struct err err;

static void open_ctl(void)
{
    ctl = (struct ctl){.arena = arena_new(1 << 20), .exit_code = 1};
    err = (struct err){0};
}

static void close_ctl(void)
{
    arena_destroy(&ctl.arena);
}

TestSuite(leadctl, .init = open_ctl, .fini = close_ctl);

static const struct ctl_command command = {
    .words = "task list", .options = "json name= once=", .min_args = 1, .max_args = 2, .usage = "A [B]"};

#define PARSE(...) \
    ctl_parse(&ctl, &command, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *), (char *[]){__VA_ARGS__}, &err)

Test(leadctl, options_and_arguments_may_stand_in_any_order)
{
    int rc = PARSE("a", "--name", "x", "--json", "b");

    cr_assert(eq(int, rc, 0), "%s", err.text);
    cr_assert(eq(sz, ctl.n_args, 2));
    cr_expect(eq(str, (char *)ctl.args[0], "a"));
    cr_expect(eq(str, (char *)ctl.args[1], "b"));
    cr_expect(eq(str, (char *)ctl_option(&ctl, "name"), "x"));
    cr_expect(eq(str, (char *)ctl_option(&ctl, "json"), ""));
    cr_expect(ctl_option(&ctl, "once") == NULL);
}

Test(leadctl, a_value_may_follow_an_equals_sign_and_look_like_an_option)
{
    int rc = PARSE("a", "--name=--json", "--once", "--name");

    cr_assert(eq(int, rc, 0), "%s", err.text);
    cr_expect(eq(str, (char *)ctl_option(&ctl, "name"), "--json"));
    cr_expect(eq(str, (char *)ctl_option(&ctl, "once"), "--name"));
    cr_expect(ctl_option(&ctl, "json") == NULL);
}

Test(leadctl, the_last_of_repeated_options_counts_and_all_are_kept)
{
    int rc = PARSE("a", "--once", "1", "--once", "2");

    cr_assert(eq(int, rc, 0));
    cr_expect(eq(str, (char *)ctl_option(&ctl, "once"), "2"));
    cr_expect(eq(sz, ctl.n_options, 2));
}

Test(leadctl, two_dashes_end_the_options)
{
    int rc = PARSE("--", "--name");

    cr_assert(eq(int, rc, 0), "%s", err.text);
    cr_expect(eq(str, (char *)ctl.args[0], "--name"));
}

Test(leadctl, what_a_command_does_not_take_is_misuse)
{
    int rc[] = {PARSE("a", "--nam", "x"), PARSE("a", "--names=x"), PARSE("a", "--json=1"), PARSE("a", "--name")};

    for (size_t i = 0; i < COUNT_OF(rc); i++)
        cr_expect(eq(int, rc[i], -1));
    cr_expect(eq(int, ctl.exit_code, 2));
}

Test(leadctl, too_few_and_too_many_arguments_show_the_usage)
{
    int rc = ctl_parse(&ctl, &command, 0, NULL, &err);

    cr_expect(eq(int, rc, -1));
    cr_expect(eq(str, err.text, "usage: leadctl task list A [B]"));
    cr_expect(eq(int, ctl.exit_code, 2));
    rc = PARSE("a", "b", "c");
    cr_expect(eq(int, rc, -1));
}

static const struct ctl_column columns[] = {{"name", "NAME", CTL_TEXT},
                                            {"n", "N", CTL_NUMBER},
                                            {"more", "MORE", CTL_JSON},
                                            {0}};

static struct ctl_table *two_rows(void)
{
    struct ctl_table *table = ctl_table_new(columns, ctl.arena, &err);

    ctl_table_put(table, "é\"");
    ctl_table_put_int(table, 7);
    ctl_table_put(table, "{\"a\":1}");
    ctl_table_put(table, NULL);
    ctl_table_put_int(table, 1234);
    ctl_table_put(table, NULL);
    return table;
}

Test(leadctl, columns_are_aligned_by_characters)
{
    AUTO(buf_free) struct buf out = {0};

    cr_assert(eq(int, ctl_table_format(two_rows(), false, &out), 0));
    cr_expect(eq(str, out.data,
                 "NAME     N  MORE\n"
                 "é\"       7  {\"a\":1}\n"
                 "      1234  \n"));
}

Test(leadctl, json_rows_are_objects)
{
    AUTO(buf_free) struct buf out = {0}, none = {0};

    cr_assert(eq(int, ctl_table_format(two_rows(), true, &out), 0));
    cr_expect(eq(str, out.data,
                 "[\n{\"name\": \"é\\\"\", \"n\": 7, \"more\": {\"a\":1}},\n"
                 "{\"name\": null, \"n\": 1234, \"more\": null}\n]\n"));
    cr_assert(eq(int, ctl_table_format(ctl_table_new(columns, ctl.arena, &err), true, &none), 0));
    cr_expect(eq(str, none.data, "[]\n"));
}

Test(leadctl, many_rows_are_kept)
{
    AUTO(buf_free) struct buf out = {0};
    struct ctl_table *table = ctl_table_new(columns, ctl.arena, &err);
    size_t lines = 0;

    for (int i = 0; i < 3 * 500; i++)
        ctl_table_put_int(table, i);
    cr_assert(eq(int, ctl_table_format(table, false, &out), 0));
    for (const char *at = out.data; *at; at++)
        lines += *at == '\n';
    cr_expect(eq(sz, lines, 501));
}

Test(leadctl, ages_are_short)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } ages[] = {{0, "0 s"}, {119, "119 s"}, {120, "2 min"}, {7199, "119 min"}, {7200, "2 h"}, {172800, "2 d"}};

    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        char text[CTL_AGE_SIZE];
        ctl_age(ages[i].seconds, text);
        cr_expect(eq(str, text, (char *)ages[i].text));
    }
}

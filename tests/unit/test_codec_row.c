/* test_codec_row.c - messages from rows of a real PostgreSQL. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "codec_random.h"
#include "codec_sample.h"
#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/messages.h"
#include "testdb.h"

static struct db_pool *pool;
static struct arena *arena;
static struct sample sample;
static struct err err;

static void open_database(void)
{
    pool = db_pool_new(testdb_empty_url(), NULL, 1, &err);
    cr_assert(pool != NULL, "%s", err.text);
    arena = arena_new(1 << 20);
}

static void close_database(void)
{
    arena_destroy(&arena);
    db_pool_destroy(&pool);
}

TestSuite(codec_row, .init = open_database, .fini = close_database, .timeout = 60);

/* One row, with $1 where the statement has one. The statement must be a literal. */
static int read_row(const char *sql, const char *arg)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(eq(int, arg ? db_run(pool, NULL, &rows, &err, sql, db_text(arg)) : db_run(pool, NULL, &rows, &err, sql),
                 1),
              "%s: %s", sql, err.text);
    memset(&err, 0, sizeof err);
    return codec_from_row(&sample_type, rows, 0, arena, &sample, &err);
}

static void expect_refused(const char *sql, const char *field)
{
    sample.number = 4711;
    cr_expect(eq(int, read_row(sql, NULL), -1), "%s", sql);
    cr_expect(eq(int, err.kind, ERR_INTERNAL), "%s: %s", sql, err.text);
    cr_expect(eq(str, err.field, (char *)field), "%s: %s", sql, err.text);
    cr_expect(sample.number == 4711, "the output was touched");
}

Test(codec_row, every_type_is_read)
{
    cr_assert(
        eq(int,
           read_row("SELECT false AS flag, 1000000000000000::bigint AS number, 0.1::float8 AS share, 'a' AS text,"
                    " '0193d9a4-7b1c-7000-8000-000000000001'::uuid AS id,"
                    " '2026-11-22 12:00:00.5+02'::timestamptz AS \"when\","
                    " '{\"a\": [1, 2.50]}'::jsonb AS data, '\\x00ff10'::bytea AS raw,"
                    " ARRAY['x', 'NULL', 'two words'] AS names, 'HOT' AS score,"
                    " json_build_object('answer', 'yes') AS part,"
                    " '[{\"answer\": \"no\", \"weight\": 3, \"newer\": 1}, {\"answer\": \"so\"}]'::jsonb AS parts,"
                    " 5 AS not_a_field",
                    NULL),
           0),
        "%s", err.text);
    cr_expect(sample.flag == false);
    cr_expect(eq(i64, sample.number, 1000000000000000));
    cr_expect(sample.share == 0.1);
    cr_expect(eq(str, (char *)sample.text, "a"));
    cr_expect(eq(str, (char *)sample.id, "0193d9a4-7b1c-7000-8000-000000000001"));
    cr_expect(eq(i64, sample.when, 1795341600500000));
    cr_expect(eq(str, (char *)sample.data, "{\"a\": [1, 2.50]}"));
    cr_expect(sample.raw.len == 3 && memcmp(sample.raw.data, "\x00\xff\x10", 3) == 0);
    cr_assert(eq(sz, sample.n_names, 3));
    cr_expect(eq(str, (char *)sample.names[1], "NULL"));
    cr_expect(eq(str, (char *)sample.names[2], "two words"));
    cr_expect(eq(str, (char *)sample.score, "HOT"));
    cr_expect(eq(str, (char *)sample.part->answer, "yes"));
    cr_assert(eq(sz, sample.n_parts, 2));
    cr_expect(eq(i64, sample.parts[0].weight, 3));
    cr_expect(eq(i64, sample.parts[1].weight, 7));
}

Test(codec_row, null_and_a_column_that_is_not_there_are_absent)
{
    cr_assert(eq(int,
                 read_row("SELECT 1 AS number, 'a' AS text, NULL::boolean AS flag, NULL::float8 AS share,"
                          " NULL::uuid AS id, NULL::timestamptz AS \"when\", NULL::text[] AS names",
                          NULL),
                 0),
              "%s", err.text);
    cr_expect(sample.flag);
    cr_expect(sample.share == 0.25);
    cr_expect(sample.id == NULL && sample.when == 0 && sample.names == NULL && sample.parts == NULL);
}

Test(codec_row, what_a_row_must_not_hold_is_our_own_error)
{
    expect_refused("SELECT 1 AS number", "text");
    expect_refused("SELECT 1 AS number, NULL AS text", "text");
    expect_refused("SELECT 1.5 AS number, 'a' AS text", "number");
    expect_refused("SELECT -6 AS number, 'a' AS text", "number");
    expect_refused("SELECT 1 AS number, '123456789' AS text", "text");
    expect_refused("SELECT 1 AS number, 'a' AS text, 'true' AS flag", "flag");
    expect_refused("SELECT 1 AS number, 'a' AS text, 'NaN'::float8 AS share", "share");
    expect_refused("SELECT 1 AS number, 'a' AS text, 'x' AS share", "share");
    expect_refused("SELECT 1 AS number, 'a' AS text, 'infinity'::timestamptz AS \"when\"", "when");
    expect_refused("SELECT 1 AS number, 'a' AS text, 'x' AS id", "id");
    expect_refused("SELECT 1 AS number, 'a' AS text, 'x' AS raw", "raw");
    expect_refused("SELECT 1 AS number, 'a' AS text, '\\x0102030405'::bytea AS raw", "raw");
    expect_refused("SELECT 1 AS number, 'a' AS text, '{' AS data", "data");
    expect_refused("SELECT 1 AS number, 'a' AS text, ARRAY['x', NULL] AS names", "names");
    expect_refused("SELECT 1 AS number, 'a' AS text, ARRAY[['x'], ['y']] AS names", "names");
    expect_refused("SELECT 1 AS number, 'a' AS text, ARRAY['1', '2', '3', '4'] AS names", "names");
    expect_refused("SELECT 1 AS number, 'a' AS text, 'x' AS names", "names");
    expect_refused("SELECT 1 AS number, 'a' AS text, '[{\"answer\": 1}]'::jsonb AS parts", "parts[0].answer");
    expect_refused("SELECT 1 AS number, 'a' AS text, '{}'::jsonb AS parts", "parts");
}

Test(codec_row, a_text_array_comes_back_as_it_was)
{
    struct random random = {.state = 20261122};
    const char *items[3];

    for (int round = 0; round < 100; round++) {
        size_t n = random_below(&random, 4);

        for (size_t i = 0; i < n; i++)
            items[i] = random_text(&random, random_below(&random, 20), arena);
        cr_assert(eq(int, read_row("SELECT 1 AS number, 'a' AS text, $1::text[] AS names", db_array(arena, items, n)),
                     0),
                  "%s", err.text);
        cr_assert(eq(sz, sample.n_names, n));
        for (size_t i = 0; i < n; i++)
            cr_assert(eq(str, (char *)sample.names[i], (char *)items[i]));
    }
}

/* test_statistics.c - a table that grows is analyzed before a stale plan hurts. Needs a database. */
#include <criterion/criterion.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "testdb.h"

static int64_t ask(struct db_pool *pool, const char *sql)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert_eq(db_run(pool, NULL, &rows, &err, sql), 1, "%s: %s", sql, err.text);
    return db_get_int(rows, 0, "n");
}

Test(statistics, a_table_that_has_doubled_is_analyzed_once_and_only_the_scheduler_may_ask, .timeout = 120)
{
    struct err err = {0};
    AUTO(db_pool_destroy) struct db_pool *root = db_pool_new(testdb_fresh_url(), NULL, 1, &err);
    AUTO(db_pool_destroy) struct db_pool *scheduler = db_pool_new(testdb_fresh_url(), "leadwire_scheduler", 1, &err);
    AUTO(db_pool_destroy) struct db_pool *gateway = db_pool_new(testdb_fresh_url(), "leadwire_gateway", 1, &err);

    ask(scheduler, "SELECT refresh_statistics() AS n");
    cr_expect_eq(ask(scheduler, "SELECT refresh_statistics() AS n"), 0);
    cr_assert_eq(db_run(root, NULL, NULL, &err,
                        "INSERT INTO task_payloads SELECT gen_random_uuid(), gen_random_uuid(), '', '{}'"
                        "  FROM generate_series(1, 2000)"),
                 2000, "%s", err.text);
    cr_expect_eq(ask(scheduler, "SELECT refresh_statistics() AS n"), 1);
    cr_expect_gt(ask(root, "SELECT reltuples::bigint AS n FROM pg_class WHERE relname = 'task_payloads'"), 1999);
    cr_expect_eq(ask(scheduler, "SELECT refresh_statistics() AS n"), 0);
    cr_expect_eq(db_run(gateway, NULL, NULL, NULL, "SELECT refresh_statistics()"), -1);
}

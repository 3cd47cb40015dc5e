/* Who is alive, in a real database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/registry.h"
#include "tests/unit/busfix.h"
#include "tests/unit/testdb.h"

static struct db_pool *pool;
static struct inbox first, second;
static struct registry *first_registry, *second_registry;

static char *stats(void *arg)
{
    (void)arg;
    return strdup("{\"tasks_done\": 7}");
}

static struct registry *enrol(struct inbox *inbox)
{
    struct err err = {0};
    struct registry *registry = registry_new(testdb_url(), pool, inbox->bus, 5000, stats, NULL, &err);

    cr_assert(registry != NULL, "%s", err.text);
    return registry;
}

static void open_two(void)
{
    struct err err = {0};

    pool = db_pool_new(testdb_url(), NULL, 3, &err);
    cr_assert(pool != NULL, "%s", err.text);
    inbox_open(&first, "gateway", "127.0.0.1");
    inbox_open(&second, "knowledge", "127.0.0.1");
    first_registry = enrol(&first);
    second_registry = enrol(&second);
}

static void close_two(void)
{
    registry_destroy(&first_registry);
    registry_destroy(&second_registry);
    inbox_close(&first);
    inbox_close(&second);
    db_pool_destroy(&pool);
}

TestSuite(registry, .init = open_two, .fini = close_two, .timeout = 60);

static int64_t number(const char *sql_of_mailboxes)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(gt(int, db_run(pool, NULL, &rows, &err, sql_of_mailboxes, db_text(bus_self(second.bus)->instance)), 0),
              "%s", err.text);
    return db_get_int(rows, 0, "n");
}

static void change(const char *sql)
{
    struct err err = {0};

    cr_assert(ge(int, db_run(pool, NULL, NULL, &err, sql, db_text(bus_self(second.bus)->instance)), 0), "%s", err.text);
}

#define ROWS "SELECT count(*) AS n FROM mailboxes WHERE instance = $1"

Test(registry, processes_find_each_other)
{
    cr_expect(eventually(bus_has_role(first.bus, "knowledge")));
    cr_expect(eventually(bus_has_role(second.bus, "gateway")));
}

Test(registry, a_process_that_leaves_is_forgotten_at_once)
{
    cr_assert(eventually(bus_has_role(first.bus, "knowledge")));
    registry_destroy(&second_registry);
    cr_expect(eq(i64, number(ROWS), 0));
    cr_expect(eventually(!bus_has_role(first.bus, "knowledge")));
}

Test(registry, a_draining_process_gets_no_new_work_and_keeps_its_row)
{
    cr_assert(eventually(bus_has_role(first.bus, "knowledge")));
    registry_drain(second_registry);
    cr_expect(eventually(!bus_has_role(first.bus, "knowledge")));
    cr_expect(not(bus_has_role(second.bus, "knowledge")));
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM mailboxes WHERE instance = $1 AND role = 'draining'"), 1));
    cr_expect(bus_has_role(first.bus, REGISTRY_DRAINING)); /* answers still go there */
}

Test(registry, the_row_is_refreshed_with_the_statistics)
{
    cr_expect(eventually(number("SELECT count(*) AS n FROM mailboxes WHERE instance = $1"
                                " AND refreshed_at > started_at AND stats->>'tasks_done' = '7'") == 1));
}

Test(registry, a_row_that_somebody_deleted_is_made_again)
{
    cr_assert(eventually(bus_has_role(first.bus, "knowledge")));
    change("DELETE FROM mailboxes WHERE instance = $1");
    cr_expect(eventually(number(ROWS) == 1));
    cr_expect(eventually(bus_has_role(first.bus, "knowledge")));
}

Test(registry, a_stale_row_is_not_connected_to_and_an_old_one_is_deleted)
{
    change("INSERT INTO mailboxes (instance, role, mailbox, events, refreshed_at) SELECT gen_random_uuid(), r,"
           " 'tcp://127.0.0.1:1', 'tcp://127.0.0.1:2', now() - age FROM (VALUES ('stale', interval '7 s'),"
           " ('old', interval '61 s'), ('fresh', interval '0 s')) v (r, age) WHERE $1::uuid IS NOT NULL");
    change("SELECT pg_notify('leadwire_registry', '') WHERE $1::uuid IS NOT NULL");
    cr_expect(eventually(bus_has_role(first.bus, "fresh")));
    cr_expect(not(bus_has_role(first.bus, "stale")));
    cr_expect(
        eventually(number("SELECT count(*) AS n FROM mailboxes WHERE role = 'old' AND $1::uuid IS NOT NULL") == 0));
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM mailboxes WHERE role = 'stale' AND $1::uuid IS NOT NULL"), 1));
}

Test(registry, peers_stay_while_connections_break)
{
    cr_assert(eventually(bus_has_role(first.bus, "knowledge")));
    for (int i = 0; i < 5; i++) {
        db_run(pool, NULL, NULL, NULL,
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename "
               "= current_user");
        for (int k = 0; k < 40; k++) {
            cr_expect(bus_has_role(first.bus, "knowledge"));
            sleep_ms(10);
        }
    }
    cr_expect(eventually(number("SELECT count(*) AS n FROM mailboxes WHERE instance = $1"
                                " AND refreshed_at > now() - interval '3 s'") == 1));
}

Test(registry, without_a_database_it_says_so_in_time)
{
    struct err err = {0};
    AUTO(db_pool_destroy) struct db_pool *nowhere = db_pool_new("postgresql://x@127.0.0.1:1/x", NULL, 1, &err);

    cr_expect(eq(ptr, registry_new("postgresql://x@127.0.0.1:1/x", nowhere, first.bus, 500, NULL, NULL, &err), NULL));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
}

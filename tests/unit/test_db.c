/* test_db.c - transactions, and what becomes of them when connections die. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbproxy.h"
#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "testdb.h"

#define CLIENT_A "0192f000-0000-7000-8000-00000000000a"
#define CLIENT_B "0192f000-0000-7000-8000-00000000000b"

static struct db_pool *pool;
static struct err err;

static void open_pool(void)
{
    pool = db_pool_new(testdb_fresh_url(), NULL, 2, &err);
    cr_assert(pool != NULL, "%s", err.text);
}

static void close_pool(void)
{
    db_pool_destroy(&pool);
}

TestSuite(db, .init = open_pool, .fini = close_pool, .timeout = 60);

static void must(int result)
{
    cr_assert(result >= 0, "%s", err.text);
}

static int64_t backend_pid(struct db_tx *tx)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    must(db_query(tx, &rows, &err, "SELECT pg_backend_pid() AS pid"));
    return db_get_int(rows, 0, "pid");
}

/* From another connection; returns when the backend is gone. */
static void kill_backend(int64_t pid)
{
    AUTO(db_pool_destroy) struct db_pool *other = db_pool_new(testdb_fresh_url(), NULL, 1, &err);

    must(db_run(other, NULL, NULL, &err, "SELECT pg_terminate_backend($1::integer, 5000)", db_int(pid)));
}

static int64_t number(struct db_pool *from, const char *sql)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    must(db_run(from, NULL, &rows, &err, sql));
    return db_get_int(rows, 0, "n");
}

/* ---- arguments and rows ---- */

Test(db, arguments_arrive_as_they_were_given)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(4096);
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *const items[] = {"plain", "with \"quotes\", commas", "back\\slash", NULL, ""};

    must(db_run(
        pool, NULL, &rows, &err,
        "SELECT $1::text AS text, $2::bigint AS big, $3::float8 AS real, $4::boolean AS yes, $5::text AS nothing,"
        "       a[1] AS a1, a[2] AS a2, a[3] AS a3, a[4] IS NULL AS a4, a[5] AS a5"
        "  FROM (SELECT $6::text[] AS a) x",
        db_text("it's; --"), db_int(INT64_MIN), db_float(0.1), db_bool(true), db_text(NULL),
        db_text(db_array(arena, items, COUNT_OF(items)))));
    cr_expect(eq(int, db_result_count(rows), 1));
    cr_expect(eq(str, (char *)db_get(rows, 0, "text"), "it's; --"));
    cr_expect(eq(i64, db_get_int(rows, 0, "big"), INT64_MIN));
    cr_expect(eq(dbl, db_get_float(rows, 0, "real"), 0.1));
    cr_expect(db_get_bool(rows, 0, "yes"));
    cr_expect(db_get(rows, 0, "nothing") == NULL);
    cr_expect(db_get(rows, 0, "no_such_column") == NULL);
    cr_expect(db_get(rows, 1, "text") == NULL);
    cr_expect(eq(str, (char *)db_get(rows, 0, "a1"), "plain"));
    cr_expect(eq(str, (char *)db_get(rows, 0, "a2"), "with \"quotes\", commas"));
    cr_expect(eq(str, (char *)db_get(rows, 0, "a3"), "back\\slash"));
    cr_expect(db_get_bool(rows, 0, "a4"));
    cr_expect(eq(str, (char *)db_get(rows, 0, "a5"), ""));
}

/* ---- transactions ---- */

static int order;

struct seen {
    int calls, committed, place;
};

static void see(void *arg, bool committed)
{
    struct seen *seen = arg;

    seen->calls++;
    seen->committed = committed;
    seen->place = ++order;
}

Test(db, what_is_registered_runs_once_after_the_commit_in_order)
{
    struct db_tx *tx = db_begin(pool, NULL, &err);
    struct seen first = {0}, second = {0};

    must(db_after(tx, see, &first, &err));
    must(db_after(tx, see, &second, &err));
    cr_expect(eq(int, first.calls, 0));
    must(db_commit(&tx, &err));
    cr_expect(tx == NULL);
    cr_expect(eq(int, first.calls, 1));
    cr_expect(eq(int, first.committed, 1));
    cr_expect(lt(int, first.place, second.place));
}

Test(db, a_rollback_leaves_nothing_and_tells_so)
{
    struct db_tx *tx;
    struct seen seen = {0};

    must(db_run(pool, NULL, NULL, &err, "CREATE TABLE kept (a int)"));
    tx = db_begin(pool, NULL, &err);
    must(db_query(tx, NULL, &err, "INSERT INTO kept VALUES (1)"));
    must(db_after(tx, see, &seen, &err));
    db_rollback(&tx);
    cr_expect(eq(int, seen.calls, 1));
    cr_expect(eq(int, seen.committed, 0));
    cr_expect(eq(i64, number(pool, "SELECT count(*) AS n FROM kept"), 0));
}

Test(db, a_failed_statement_fails_the_commit_with_its_own_error)
{
    struct db_tx *tx = db_begin(pool, NULL, &err);

    must(db_query(tx, NULL, &err, "CREATE TABLE lost (a int CONSTRAINT lost_a UNIQUE)"));
    must(db_query(tx, NULL, &err, "INSERT INTO lost VALUES (1)"));
    cr_expect(eq(int, db_query(tx, NULL, &err, "INSERT INTO lost VALUES (1)"), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(str, err.field, "lost_a"));
    err = (struct err){0};
    cr_expect(eq(int, db_commit(&tx, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(i64, number(pool, "SELECT count(to_regclass('lost')) AS n"), 0));
}

Test(db, a_savepoint_undoes_only_what_came_after)
{
    struct db_tx *tx = db_begin(pool, NULL, &err);

    must(db_query(tx, NULL, &err, "CREATE TABLE few (a int UNIQUE)"));
    must(db_query(tx, NULL, &err, "INSERT INTO few VALUES (1)"));
    must(db_savepoint(tx, &err));
    cr_expect(eq(int, db_query(tx, NULL, &err, "INSERT INTO few VALUES (1)"), -1));
    must(db_rollback_to_savepoint(tx, &err));
    must(db_query(tx, NULL, &err, "INSERT INTO few VALUES (2)"));
    must(db_commit(&tx, &err));
    cr_expect(eq(i64, number(pool, "SELECT count(*) AS n FROM few"), 2));
}

Test(db, errors_have_the_kind_that_callers_decide_by)
{
    struct db_tx *tx;

    cr_expect(eq(int, db_run(pool, NULL, NULL, &err, "SELECT $1::uuid", db_text("secret-value")), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(strstr(err.text, "secret-value") == NULL, "%s", err.text);

    cr_expect(eq(int, db_run(pool, NULL, NULL, &err, "SELECT * FROM no_such_table"), -1));
    cr_expect(eq(int, err.kind, ERR_INTERNAL));
    cr_expect(eq(int, db_run(pool, "not-a-uuid'; DROP TABLE tasks; --", NULL, &err, "SELECT 1"), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));

    tx = db_begin(pool, NULL, &err);
    must(db_script(tx, "SET LOCAL statement_timeout = '20ms'", &err));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT pg_sleep(10)"), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    db_rollback(&tx);
}

#define TRANSACTION_MS                                                                              \
    "SELECT coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'transaction_timeout')," \
    "                1800000) AS n" /* before PostgreSQL 17 there is no such setting */

static int64_t transaction_ms(struct db_tx *tx)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(eq(int, db_query(tx, &rows, &err, TRANSACTION_MS), 1), "%s", err.text);
    return db_get_int(rows, 0, "n");
}

Test(db, one_transaction_is_given_more_time_and_the_next_has_none_of_it)
{
    struct db_tx *tx = db_begin(pool, NULL, &err);
    const int64_t usual = transaction_ms(tx);

    must(db_allow_ms(tx, 1800000, &err));
    cr_expect(eq(i64, transaction_ms(tx), 1800000));
    must(db_commit(&tx, &err));
    tx = db_begin(pool, NULL, &err);
    cr_expect(eq(i64, transaction_ms(tx), usual));
    must(db_allow_ms(tx, 300, &err));
    if (usual != 1800000)
        cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT pg_sleep(10)"), -1), "the clock runs again");
    db_rollback(&tx);
}

/* ---- tenants and roles ---- */

static void make_clients(void)
{
    must(db_run(pool, NULL, NULL, &err, "INSERT INTO clients (client_id, name) VALUES ($1, 'A'), ($2, 'B')",
                db_text(CLIENT_A), db_text(CLIENT_B)));
    must(db_run(pool, NULL, NULL, &err,
                "INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, gen_random_uuid(), '+15550001111'),"
                "       ($2, gen_random_uuid(), '+15550002222')",
                db_text(CLIENT_A), db_text(CLIENT_B)));
}

static int64_t rows_seen(struct db_pool *as, const char *client_id, const char *sql)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    must(db_run(as, client_id, &rows, &err, sql));
    return db_get_int(rows, 0, "n");
}

Test(db, a_transaction_sees_its_own_clients_rows_even_without_where)
{
    AUTO(db_pool_destroy) struct db_pool *as = db_pool_new(testdb_fresh_url(), "leadwire_orchestrator", 1, &err);
    static const char *const tables[] = {
        "SELECT count(*) AS n FROM leads",
        "SELECT count(*) AS n FROM clients",
    };

    make_clients();
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        cr_expect(eq(i64, rows_seen(as, CLIENT_A, tables[i]), 1));
        cr_expect(eq(i64, rows_seen(as, DB_EVERY_CLIENT, tables[i]), 2));
        cr_expect(eq(i64, rows_seen(as, NULL, tables[i]), 0));
    }
    cr_expect(eq(int,
                 db_run(as, CLIENT_A, NULL, &err,
                        "INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, gen_random_uuid(), '+15550003333')",
                        db_text(CLIENT_B)),
                 -1));
    cr_expect(eq(int, db_run(as, CLIENT_A, NULL, &err, "UPDATE leads SET name = 'x' WHERE phone = '+15550002222'"), 0));
}

Test(db, the_client_can_be_changed_and_ends_with_the_transaction)
{
    AUTO(db_pool_destroy) struct db_pool *as = db_pool_new(testdb_fresh_url(), "leadwire_orchestrator", 1, &err);
    AUTO(db_rollback) struct db_tx *tx = NULL;
    AUTO(db_result_free) struct db_result *rows = NULL;

    make_clients();
    tx = db_begin(as, CLIENT_A, &err);
    must(db_set_client(tx, CLIENT_B, &err));
    must(db_query(tx, &rows, &err, "SELECT name FROM clients"));
    cr_assert(eq(int, db_result_count(rows), 1));
    cr_expect(eq(str, (char *)db_get(rows, 0, "name"), "B"));
    must(db_commit(&tx, &err));
    cr_expect(eq(i64, rows_seen(as, NULL, "SELECT count(*) AS n FROM clients"), 0));
}

Test(db, a_service_can_do_only_what_its_role_may)
{
    AUTO(db_pool_destroy) struct db_pool *delivery = db_pool_new(testdb_fresh_url(), "leadwire_delivery", 1, &err);
    AUTO(db_pool_destroy) struct db_pool *gateway = db_pool_new(testdb_fresh_url(), "leadwire_gateway", 1, &err);

    must(db_run(gateway, NULL, NULL, &err, "SELECT count(*) FROM api_keys"));
    cr_expect(eq(int, db_run(delivery, NULL, NULL, &err, "SELECT count(*) FROM api_keys"), -1));
    cr_expect(strstr(err.text, "42501") != NULL, "%s", err.text);
    cr_expect(eq(int, db_run(gateway, NULL, NULL, &err, "SELECT count(*) FROM messages"), -1));
    cr_expect(eq(int, db_run(gateway, NULL, NULL, &err, "SELECT count(*) FROM tasks"), -1));
    cr_expect(eq(int, db_run(delivery, NULL, NULL, &err, "DELETE FROM messages"), -1));
}

/* ---- connections that die ---- */

Test(db, a_connection_killed_between_transactions_is_replaced_unnoticed)
{
    for (int i = 0; i < 2; i++) {
        struct db_tx *tx = db_begin(pool, i ? NULL : CLIENT_A, &err);
        int64_t pid;

        cr_assert(tx != NULL, "%s", err.text);
        pid = backend_pid(tx); /* the same literal: prepared again on the new connection */
        must(db_commit(&tx, &err));
        kill_backend(pid);
    }
    cr_expect(eq(i64, number(pool, "SELECT 1 AS n"), 1));
}

Test(db, a_connection_killed_within_a_transaction_fails_it_and_nothing_else)
{
    struct db_tx *tx = db_begin(pool, NULL, &err);
    struct seen seen = {0};

    must(db_after(tx, see, &seen, &err));
    kill_backend(backend_pid(tx));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT 1"), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    db_rollback(&tx);
    cr_expect(eq(int, seen.calls, 1));
    cr_expect(eq(int, seen.committed, 0));
    cr_expect(eq(i64, number(pool, "SELECT 1 AS n"), 1));
}

Test(db, a_connection_known_to_be_dead_before_the_commit_is_not_uncertain)
{
    struct db_tx *tx = db_begin(pool, NULL, &err);

    kill_backend(backend_pid(tx));
    cr_expect(eq(int, db_commit(&tx, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(tx == NULL);
}

Test(db, a_commit_whose_answer_is_lost_is_uncertain)
{
    struct dbproxy *proxy = dbproxy_new(testdb_fresh_url());
    struct db_pool *through = db_pool_new(dbproxy_url(proxy), NULL, 1, &err);
    struct seen seen = {0};
    struct db_tx *tx;

    must(db_run(pool, NULL, NULL, &err, "CREATE TABLE maybe (a int)"));
    tx = db_begin(through, NULL, &err);
    cr_assert(tx != NULL, "%s", err.text);
    must(db_query(tx, NULL, &err, "INSERT INTO maybe VALUES (1)"));
    must(db_after(tx, see, &seen, &err));
    dbproxy_drop_next_answer(proxy);
    cr_expect(eq(int, db_commit(&tx, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN), "%s", err.text);
    cr_expect(eq(int, seen.committed, 0));
    cr_expect(eq(i64, number(pool, "SELECT count(*) AS n FROM maybe"), 1));
    cr_expect(eq(i64, number(through, "SELECT count(*) AS n FROM maybe"), 1));

    db_pool_destroy(&through);
    dbproxy_destroy(proxy);
}

Test(db, a_server_that_does_not_answer_is_given_up)
{
    struct dbproxy *proxy = dbproxy_new(testdb_fresh_url());
    struct db_pool *through = db_pool_new(dbproxy_url(proxy), NULL, 1, &err);
    struct db_tx *tx;

    cr_expect(eq(i64, number(through, "SELECT 1 AS n"), 1));
    dbproxy_freeze(proxy);
    tx = db_begin(through, NULL, &err);
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT 1"), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, db_commit(&tx, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));

    db_pool_destroy(&through);
    dbproxy_destroy(proxy);
}

Test(db, without_a_server_callers_are_told_and_no_password_is)
{
    AUTO(db_pool_destroy)
    struct db_pool *nowhere = db_pool_new("postgresql://someone:secret-word@127.0.0.1:1/x", NULL, 2, &err);

    for (int i = 0; i < 3; i++) {
        cr_expect(db_begin(nowhere, NULL, &err) == NULL);
        cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
        cr_expect(strstr(err.text, "secret-word") == NULL);
    }
    cr_expect(db_pool_new("postgresql://someone:secret@word@host/x", NULL, 2, &err) == NULL);
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(strstr(err.text, "word@") == NULL);
    cr_expect(db_pool_new("postgresql://someone:secret-word@host/x?nonsense=1", NULL, 2, &err) == NULL);
    cr_expect(strstr(err.text, "secret-word") == NULL);
}

/* ---- prepared statements ---- */

static int count_widgets(struct db_tx *tx)
{
    return db_query(tx, NULL, &err, "SELECT * FROM widgets");
}

Test(db, a_statement_that_the_server_forgot_is_prepared_again)
{
    AUTO(db_pool_destroy) struct db_pool *one = db_pool_new(testdb_fresh_url(), NULL, 1, &err);
    struct db_tx *tx = db_begin(one, NULL, &err);

    must(db_script(tx, "CREATE TABLE widgets (a int)", &err));
    must(count_widgets(tx));
    must(db_script(tx, "DEALLOCATE ALL", &err));
    must(db_commit(&tx, &err));

    tx = db_begin(one, NULL, &err);
    cr_expect(eq(int, count_widgets(tx), 0), "%s", err.text);
    must(db_script(tx, "DEALLOCATE ALL", &err));
    must(db_commit(&tx, &err));
    cr_expect(eq(int, db_run(one, NULL, NULL, &err, "SELECT 1"), 1));
}

Test(db, in_the_middle_of_a_transaction_a_forgotten_statement_may_be_retried)
{
    AUTO(db_pool_destroy) struct db_pool *one = db_pool_new(testdb_fresh_url(), NULL, 1, &err);
    struct db_tx *tx = db_begin(one, NULL, &err);

    must(db_script(tx, "CREATE TABLE widgets (a int)", &err));
    must(count_widgets(tx));
    must(db_script(tx, "DEALLOCATE ALL", &err));
    must(db_commit(&tx, &err));

    tx = db_begin(one, NULL, &err);
    must(db_query(tx, NULL, &err, "INSERT INTO widgets VALUES (1)"));
    cr_expect(eq(int, count_widgets(tx), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, db_commit(&tx, &err), -1));

    tx = db_begin(one, NULL, &err);
    cr_expect(eq(int, count_widgets(tx), 0));
    must(db_commit(&tx, &err));
}

Test(db, a_table_that_changed_under_a_prepared_statement_does_not_matter)
{
    AUTO(db_pool_destroy) struct db_pool *one = db_pool_new(testdb_fresh_url(), NULL, 1, &err);
    struct db_tx *tx;

    must(db_run(pool, NULL, NULL, &err, "CREATE TABLE widgets (a int)"));
    tx = db_begin(one, CLIENT_A, &err);
    must(count_widgets(tx));
    must(db_commit(&tx, &err));
    must(db_run(pool, NULL, NULL, &err, "ALTER TABLE widgets ADD COLUMN b text"));
    tx = db_begin(one, CLIENT_A, &err);
    cr_expect(eq(int, count_widgets(tx), 0), "%s", err.text);
    must(db_commit(&tx, &err));
}

/* ---- statements sent ahead ---- */

static int send_number(struct db_tx *tx, int value)
{
    return db_send(tx, &err, "INSERT INTO numbers VALUES ($1)", db_int(value));
}

/* Of this connection alone, on which the statement is prepared: what follows really goes ahead. */
static struct db_pool *pool_with_numbers(void)
{
    struct db_pool *one = db_pool_new(testdb_fresh_url(), NULL, 1, &err);
    struct db_tx *tx;

    must(db_run(pool, NULL, NULL, &err, "CREATE TABLE numbers (a int CONSTRAINT numbers_a UNIQUE)"));
    tx = db_begin(one, NULL, &err);
    must(send_number(tx, 0));
    must(db_commit(&tx, &err));
    return one;
}

Test(db, what_is_sent_ahead_is_done_before_what_follows)
{
    AUTO(db_pool_destroy) struct db_pool *one = pool_with_numbers();
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct db_tx *tx = db_begin(one, NULL, &err);

    for (int i = 1; i <= 20; i++)
        must(send_number(tx, i));
    must(db_query(tx, &rows, &err, "SELECT count(*) AS n FROM numbers"));
    cr_expect(eq(i64, db_get_int(rows, 0, "n"), 21));
    db_result_free(&rows);
    must(send_number(tx, 21));
    must(db_query(tx, &rows, &err, "SELECT count(*) AS n FROM numbers"));
    cr_expect(eq(i64, db_get_int(rows, 0, "n"), 22), "of another text, which is not prepared yet");
    must(send_number(tx, 22));
    must(db_commit(&tx, &err));
    cr_expect(eq(i64, number(one, "SELECT count(*) AS n FROM numbers"), 23));
}

static int send_for_sum(struct db_tx *tx, struct db_result **ret_rows)
{
    return db_send_for(tx, ret_rows, &err, "SELECT coalesce(sum(a), 0) AS n FROM numbers");
}

Test(db, what_was_sent_gives_its_result_when_the_answers_are_read)
{
    AUTO(db_pool_destroy) struct db_pool *one = pool_with_numbers();

    for (int i = 0; i < 2; i++) { /* the first time it is not prepared yet */
        struct db_result *before = NULL, *after = NULL, *last = NULL;
        struct db_tx *tx = db_begin(one, CLIENT_A, &err);

        must(send_for_sum(tx, &before));
        must(send_number(tx, 1 + i));
        must(send_for_sum(tx, &after));
        must(db_read(tx, &err));
        cr_assert(before && after);
        cr_expect(eq(i64, db_get_int(before, 0, "n"), i));
        cr_expect(eq(i64, db_get_int(after, 0, "n"), 1 + 2 * i));
        must(db_read(tx, &err));
        must(send_for_sum(tx, &last));
        must(db_query(tx, NULL, &err, "SELECT 1"));
        cr_expect(last != NULL, "read together with what followed");
        must(db_commit(&tx, &err));
        db_result_free(&before);
        db_result_free(&after);
        db_result_free(&last);
    }
}

Test(db, what_was_sent_before_a_failure_gives_no_result)
{
    AUTO(db_pool_destroy) struct db_pool *one = pool_with_numbers();
    struct db_result *rows = NULL;
    struct db_tx *tx = db_begin(one, NULL, &err);

    must(send_for_sum(tx, &rows));
    db_result_free(&rows);
    must(db_commit(&tx, &err));
    tx = db_begin(one, NULL, &err);
    must(send_for_sum(tx, &rows));
    must(send_number(tx, 0));
    cr_expect(eq(int, db_read(tx, &err), -1));
    cr_expect(eq(str, err.field, "numbers_a"));
    cr_expect(rows == NULL);
    cr_expect(eq(int, db_read(tx, &err), -1));
    db_rollback(&tx);
    tx = db_begin(one, NULL, &err);
    must(send_for_sum(tx, &rows));
    db_rollback(&tx);
    cr_expect(rows == NULL, "who wanted it may be gone");
}

Test(db, a_transaction_that_begins_with_what_is_sent_shows_its_own_clients_rows)
{
    AUTO(db_pool_destroy) struct db_pool *one = db_pool_new(testdb_fresh_url(), NULL, 1, &err);

    for (int i = 0; i < 2; i++) {
        struct db_result *rows = NULL;
        struct db_tx *tx = db_begin(one, i ? CLIENT_B : CLIENT_A, &err);

        must(db_send_for(tx, &rows, &err, "SELECT leadwire_client() AS client"));
        must(db_read(tx, &err));
        cr_expect(eq(str, (char *)db_get(rows, 0, "client"), i ? CLIENT_B : CLIENT_A));
        db_result_free(&rows);
        must(db_commit(&tx, &err));
    }
    cr_expect(eq(i64, number(one, "SELECT count(leadwire_client()) AS n"), 0));
}

Test(db, a_transaction_in_which_nothing_was_done_ends_well)
{
    struct db_tx *tx = db_begin(pool, CLIENT_A, &err);
    struct seen seen = {0};

    must(db_after(tx, see, &seen, &err));
    must(db_commit(&tx, &err));
    cr_expect(eq(int, seen.committed, 1));
    tx = db_begin(pool, CLIENT_A, &err);
    db_rollback(&tx);
    cr_expect(eq(i64, number(pool, "SELECT 1 AS n"), 1));
}

Test(db, what_fails_after_it_was_sent_fails_what_follows_and_the_commit_with_its_own_error)
{
    AUTO(db_pool_destroy) struct db_pool *one = pool_with_numbers();
    struct db_tx *tx = db_begin(one, NULL, &err);

    must(send_number(tx, 1));
    must(send_number(tx, 0));
    must(send_number(tx, 2));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT 1"), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(str, err.field, "numbers_a"));
    cr_expect(eq(int, send_number(tx, 3), -1));
    err = (struct err){0};
    cr_expect(eq(int, db_commit(&tx, &err), -1));
    cr_expect(eq(str, err.field, "numbers_a"));

    tx = db_begin(one, NULL, &err);
    must(send_number(tx, 1));
    must(send_number(tx, 0));
    err = (struct err){0};
    cr_expect(eq(int, db_commit(&tx, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(i64, number(one, "SELECT count(*) AS n FROM numbers"), 1));
}

Test(db, what_was_sent_is_undone_like_the_rest)
{
    AUTO(db_pool_destroy) struct db_pool *one = pool_with_numbers();
    struct db_tx *tx = db_begin(one, NULL, &err);
    int64_t pid = backend_pid(tx);

    must(send_number(tx, 1));
    db_rollback(&tx);
    tx = db_begin(one, NULL, &err);
    cr_expect(eq(i64, backend_pid(tx), pid), "the connection is still of use");
    must(send_number(tx, 2));
    must(db_savepoint(tx, &err));
    must(send_number(tx, 3));
    must(send_number(tx, 0));
    must(db_rollback_to_savepoint(tx, &err));
    must(send_number(tx, 4));
    must(db_commit(&tx, &err));
    cr_expect(eq(i64, number(one, "SELECT sum(a) AS n FROM numbers"), 6));
}

Test(db, what_is_sent_and_was_forgotten_may_be_retried)
{
    AUTO(db_pool_destroy) struct db_pool *one = pool_with_numbers();
    struct db_tx *tx = db_begin(one, NULL, &err);

    must(db_script(tx, "DEALLOCATE ALL", &err));
    must(db_commit(&tx, &err));
    tx = db_begin(one, NULL, &err);
    must(send_number(tx, 1));
    cr_expect(eq(int, db_commit(&tx, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    tx = db_begin(one, NULL, &err);
    must(send_number(tx, 1));
    must(db_commit(&tx, &err));
    cr_expect(eq(i64, number(one, "SELECT count(*) AS n FROM numbers"), 2));
}

Test(db, a_connection_killed_after_something_was_sent_fails_the_transaction_and_nothing_else)
{
    AUTO(db_pool_destroy) struct db_pool *one = pool_with_numbers();
    struct db_tx *tx = db_begin(one, NULL, &err);
    int64_t pid = backend_pid(tx);

    must(send_number(tx, 1));
    kill_backend(pid);
    cr_expect(eq(int, db_commit(&tx, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(i64, number(one, "SELECT count(*) AS n FROM numbers"), 1));
}

/* ---- one statement for a client ---- */

Test(db, a_statement_for_a_client_that_fails_harms_no_later_one)
{
    AUTO(db_pool_destroy) struct db_pool *one = db_pool_new(testdb_fresh_url(), NULL, 1, &err);

    must(db_run(one, NULL, NULL, &err, "CREATE TABLE kept (a int PRIMARY KEY)"));
    must(db_run(one, CLIENT_A, NULL, &err, "INSERT INTO kept VALUES (1)"));
    cr_expect(eq(int, db_run(one, CLIENT_A, NULL, &err, "INSERT INTO kept VALUES (1)"), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(str, err.field, "kept_pkey"));
    cr_expect(eq(int, db_run(one, CLIENT_A, NULL, &err, "SELECT 1/(a - 1) FROM kept"), -1));
    cr_expect(eq(int, db_run(one, CLIENT_A, NULL, &err, "UPDATE kept SET a = 2"), 1));
    cr_expect(eq(i64, number(one, "SELECT a AS n FROM kept"), 2));
    cr_expect(eq(i64, number(one, "SELECT count(leadwire_client()) AS n"), 0),
              "the setting has outlived its statement");
}

Test(db, a_statement_for_a_client_that_the_server_forgot_is_prepared_again)
{
    AUTO(db_pool_destroy) struct db_pool *one = db_pool_new(testdb_fresh_url(), NULL, 1, &err);

    for (int i = 0; i < 2; i++) {
        cr_expect(eq(int, db_run(one, CLIENT_A, NULL, &err, "SELECT leadwire_client() WHERE $1", db_bool(true)), 1),
                  "%s", err.text);
        must(db_run(one, NULL, NULL, &err, "DEALLOCATE ALL"));
    }
}

Test(db, a_statement_for_a_client_whose_answer_is_lost_is_uncertain)
{
    struct dbproxy *proxy = dbproxy_new(testdb_fresh_url());
    struct db_pool *through = db_pool_new(dbproxy_url(proxy), NULL, 1, &err);

    must(db_run(pool, NULL, NULL, &err, "CREATE TABLE maybe (a int)"));
    for (int i = 0; i < 2; i++) { /* the first time it is prepared, in a round trip of its own */
        if (i > 0)
            dbproxy_drop_next_answer(proxy);
        cr_expect(eq(int, db_run(through, CLIENT_A, NULL, &err, "INSERT INTO maybe VALUES (1)"), i > 0 ? -1 : 1));
    }
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN), "%s", err.text);
    cr_expect(eq(i64, number(pool, "SELECT count(*) AS n FROM maybe"), 2));
    cr_expect(eq(i64, number(through, "SELECT count(*) AS n FROM maybe"), 2));

    db_pool_destroy(&through);
    dbproxy_destroy(proxy);
}

Test(db, a_statement_for_a_client_that_fails_at_its_commit_has_failed)
{
    AUTO(db_pool_destroy) struct db_pool *one = db_pool_new(testdb_fresh_url(), NULL, 1, &err);

    must(db_run(one, NULL, NULL, &err, "CREATE TABLE late (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"));
    cr_expect(eq(int, db_run(one, CLIENT_A, NULL, &err, "INSERT INTO late VALUES (1), (1)"), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT), "%s", err.text);
    cr_expect(eq(i64, number(one, "SELECT count(*) AS n FROM late"), 0));
}

/* ---- the pool ---- */

Test(db, an_exhausted_pool_is_unavailable)
{
    struct db_tx *first = db_begin(pool, NULL, &err), *second = db_begin(pool, NULL, &err);

    cr_assert(first && second);
    cr_expect(db_begin(pool, NULL, &err) == NULL);
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    db_rollback(&first);
    first = db_begin(pool, NULL, &err);
    cr_expect(first != NULL);
    db_rollback(&first);
    db_rollback(&second);
}

static void *work(void *arg)
{
    intptr_t failures = 0;

    (void)arg;
    for (int i = 0; i < 50; i++)
        failures += db_run(pool, CLIENT_A, NULL, NULL, "SELECT 1") < 0;
    return (void *)failures;
}

Test(db, threads_share_the_connections)
{
    pthread_t threads[8];

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        cr_assert(pthread_create(&threads[i], NULL, work, NULL) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *failures;

        pthread_join(threads[i], &failures);
        cr_expect(failures == NULL);
    }
}

struct churn {
    pthread_t thread;
    int failed;
    bool wrong;
};

static void *churn(void *arg)
{
    struct churn *self = arg;

    for (int i = 0; i < 100; i++) {
        struct err problem = {0};

        if (db_run(pool, i % 2 ? CLIENT_A : NULL, NULL, &problem, "SELECT 1") == 1)
            continue;
        self->failed++;
        self->wrong |= problem.kind != ERR_UNAVAILABLE && problem.kind != ERR_UNCERTAIN;
    }
    return NULL;
}

Test(db, threads_go_on_while_connections_are_killed)
{
    struct churn threads[6] = {0};

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        cr_assert(pthread_create(&threads[i].thread, NULL, churn, &threads[i]) == 0);
    for (int i = 0; i < 5; i++) {
        AUTO(db_pool_destroy) struct db_pool *killer = db_pool_new(testdb_fresh_url(), NULL, 1, &err);

        must(db_run(killer, NULL, NULL, &err,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"));
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        pthread_join(threads[i].thread, NULL);
        cr_expect(not(threads[i].wrong));
    }
    /* A connect that was killed counts as a database that is down, for a moment. */
    for (int i = 0; i < 250 && db_run(pool, NULL, NULL, &err, "SELECT 1") < 0; i++)
        usleep(20 * 1000);
    cr_expect(eq(i64, number(pool, "SELECT 1 AS n"), 1));
}

/* ---- listening ---- */

Test(db, a_listener_hears_what_is_notified)
{
    AUTO(db_listener_destroy) struct db_listener *listener = db_listener_new(testdb_fresh_url(), "some_channel", &err);

    cr_assert(eq(int, db_listener_wait(listener, 5000, &err), 1), "%s", err.text); /* it is new */
    cr_expect(eq(int, db_listener_wait(listener, 0, &err), 0));
    must(db_run(pool, NULL, NULL, &err, "SELECT pg_notify('some_channel', '')"));
    cr_expect(eq(int, db_listener_wait(listener, 5000, &err), 1));
}

Test(db, a_listener_that_lost_its_connection_says_so_and_listens_again)
{
    AUTO(db_listener_destroy) struct db_listener *listener = db_listener_new(testdb_fresh_url(), "other_channel", &err);

    cr_assert(eq(int, db_listener_wait(listener, 5000, &err), 1));
    must(db_run(pool, NULL, NULL, &err,
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user AND query LIKE 'LISTEN%'"));
    cr_expect(eq(int, db_listener_wait(listener, 100, &err), -1));
    cr_expect(eq(int, db_listener_wait(listener, 5000, &err), 1), "%s", err.text);
}

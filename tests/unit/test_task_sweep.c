/* test_task_sweep.c - what the sweep finds again, what it buries, and what is cleaned away; pushes after commits. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/task_sweep.h"
#include "libshared/tasks.h"
#include "proto/envelope.h"
#include "proto/tasks.h"
#include "testdb.h"

#define CLIENT "0192f000-0000-7000-8000-00000000000a"
#define THING  "0192f000-0000-7000-8000-0000000000ff"

static struct db_pool *pool;
static struct err err;
static char holder[UUID_SIZE];

static void must(int result)
{
    cr_assert(result >= 0, "%s", err.text);
}

static void sql(const char *text)
{
    must(db_run(pool, NULL, NULL, &err, text));
}

static int64_t number(const char *text)
{
    AUTO(db_pool_destroy) struct db_pool *owner = db_pool_new(testdb_fresh_url(), NULL, 1, &err);
    AUTO(db_result_free) struct db_result *rows = NULL;

    must(db_run(owner, NULL, &rows, &err, text));
    return db_get_int(rows, 0, "n");
}

static void open_database(void)
{
    pool = db_pool_new(testdb_fresh_url(), "leadwire_scheduler", 2, &err);
    cr_assert(pool != NULL, "%s", err.text);
    uuid_new(holder);
    must(db_run(pool, NULL, NULL, &err,
                "INSERT INTO mailboxes (instance, role, mailbox, events) VALUES ($1, 'delivery', '', '')",
                db_text(holder)));
}

static void close_database(void)
{
    db_pool_destroy(&pool);
}

TestSuite(task_sweep, .init = open_database, .fini = close_database, .timeout = 60);

static int insert_in(struct db_tx *tx, struct bus *bus, const char *serial_key, int64_t delay_ms,
                     char ret_id[UUID_SIZE])
{
    struct send_message send = {.message_id = THING};
    struct task_spec spec = {.kind = TASK_send_message_sms,
                             .client_id = CLIENT,
                             .serial_key = serial_key,
                             .delay_ms = delay_ms,
                             .payload = &send};

    return task_insert(tx, bus, &spec, ret_id, &err);
}

static void insert(const char *serial_key, int64_t delay_ms, char ret_id[UUID_SIZE])
{
    struct db_tx *tx = db_begin(pool, NULL, &err);

    cr_assert(tx != NULL, "%s", err.text);
    must(insert_in(tx, NULL, serial_key, delay_ms, ret_id));
    must(db_commit(&tx, &err));
}

static void claim(const char *id)
{
    struct task task;

    cr_assert(eq(int,
                 tasks_claim(pool, holder, "delivery", &(struct task_ref){.client_id = CLIENT, .task_id = (char *)id},
                             1, &task, &err),
                 1));
    task_release(&task);
}

/* As if so much time had passed since the tasks were written. */
static void let_pass(const char *interval)
{
    must(db_run(pool, NULL, NULL, &err,
                "UPDATE tasks SET run_at = run_at - $1::interval, updated_at = updated_at - $1::interval,"
                "       deadline_at = deadline_at - $1::interval",
                db_text(interval)));
}

static int sweep(struct task_sweep_item items[TASK_SWEEP_PAGE])
{
    struct task_cursor cursor = {0};
    int n = task_sweep_page(pool, &cursor, items, TASK_SWEEP_PAGE, &err);

    must(n);
    return n;
}

/* ---- the sweep ---- */

Test(task_sweep, what_is_due_and_unclaimed_is_found_after_a_second)
{
    static struct task_sweep_item items[TASK_SWEEP_PAGE];
    char id[UUID_SIZE];
    int n = 1;

    insert(NULL, 0, id);
    /* On a slow machine the second may be over before the look. */
    for (int i = 0; i < 20 && n > 0; i++) {
        sql("UPDATE tasks SET run_at = now(), updated_at = now()");
        n = sweep(items);
    }
    cr_expect(eq(int, n, 0));
    let_pass("1 second");
    cr_assert(eq(int, sweep(items), 1));
    cr_expect(eq(str, items[0].task_id, id));
    cr_expect(eq(str, items[0].client_id, CLIENT));
    cr_expect(eq(str, items[0].role, "delivery"));
    claim(id);
    cr_expect(eq(int, sweep(items), 0));
}

Test(task_sweep, what_was_delayed_is_found_as_soon_as_it_is_due)
{
    static struct task_sweep_item items[TASK_SWEEP_PAGE];
    char id[UUID_SIZE];

    insert(NULL, 60000, id);
    cr_expect(eq(int, sweep(items), 0));
    let_pass("60 seconds");
    cr_expect(eq(int, sweep(items), 1));
}

Test(task_sweep, orphans_are_found)
{
    static struct task_sweep_item items[TASK_SWEEP_PAGE];
    char late[UUID_SIZE];

    insert(NULL, 0, late);
    claim(late);
    cr_expect(eq(int, sweep(items), 0));
    let_pass("1 hour"); /* past its deadline */
    cr_assert(eq(int, sweep(items), 1));
    cr_expect(eq(str, items[0].task_id, late));
    claim(late);
    cr_expect(eq(int, sweep(items), 0));
    sql("UPDATE mailboxes SET refreshed_at = now() - interval '7 seconds'"); /* its holder has died */
    cr_expect(eq(int, sweep(items), 1));
}

Test(task_sweep, what_waits_behind_its_key_is_left_out)
{
    static struct task_sweep_item items[TASK_SWEEP_PAGE];
    char first[UUID_SIZE], second[UUID_SIZE];

    insert("key", 0, first);
    insert("key", 0, second);
    let_pass("1 minute");
    cr_assert(eq(int, sweep(items), 1));
    cr_expect(eq(str, items[0].task_id, first));
    claim(first);
    cr_expect(eq(int, sweep(items), 0));
}

Test(task_sweep, pages_reach_everything_oldest_first)
{
    struct task_sweep_item items[4];
    struct task_cursor cursor = {0};
    char ids[9][UUID_SIZE];
    int seen = 0, n;

    for (int i = 0; i < 9; i++)
        insert(NULL, 0, ids[i]);
    sql("UPDATE tasks SET run_at = now() - interval '1 hour' WHERE task_id IN"
        " (SELECT task_id FROM tasks ORDER BY task_id LIMIT 5)"); /* the same moment: told apart by id */
    let_pass("1 minute");
    while ((n = task_sweep_page(pool, &cursor, items, 4, &err)) > 0)
        for (int i = 0; i < n; i++)
            cr_expect(eq(str, items[i].task_id, ids[seen++]));
    must(n);
    cr_expect(eq(int, seen, 9));
}

Test(task_sweep, orphans_without_attempts_left_are_buried)
{
    static struct task_sweep_item items[TASK_SWEEP_PAGE];
    char spent[UUID_SIZE], alive[UUID_SIZE];

    insert(NULL, 0, spent);
    insert(NULL, 0, alive);
    sql("UPDATE tasks SET max_attempts = 1");
    claim(spent);
    cr_expect(eq(int, tasks_bury_exhausted(pool, NULL, 100, &err), 0));
    let_pass("1 hour");
    cr_assert(eq(int, sweep(items), 1));
    cr_expect(eq(str, items[0].task_id, alive));
    cr_expect(eq(int, tasks_bury_exhausted(pool, NULL, 100, &err), 1), "%s", err.text);
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM tasks WHERE state = 'dead' AND error IS NOT NULL"), 1));
}

/* ---- pushes ---- */

struct ear {
    pthread_mutex_t mutex;
    char last[UUID_SIZE]; /* task pushed last */
    int heard;
};

static void hear(void *arg, const struct envelope *env, const void *frame, size_t len)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);
    struct ear *self = arg;
    struct tasks_ready ready;

    (void)frame;
    (void)len;
    if (strcmp(env->type, "tasks_ready") != 0 ||
        codec_unpack(&tasks_ready_type, env->body.data, env->body.len, arena, &ready, NULL) < 0)
        return;
    pthread_mutex_lock(&self->mutex);
    self->heard += (int)ready.n_refs;
    snprintf(self->last, sizeof self->last, "%s", ready.refs[ready.n_refs - 1].task_id);
    pthread_mutex_unlock(&self->mutex);
}

static int heard(struct ear *self, char last[UUID_SIZE])
{
    int n;

    pthread_mutex_lock(&self->mutex);
    n = self->heard;
    memcpy(last, self->last, UUID_SIZE);
    pthread_mutex_unlock(&self->mutex);
    return n;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}

/* Commits tasks, or rolls one back, until more has been heard than before. Returns how many were heard in all. */
static int commit_until_heard(struct bus *bus, struct ear *ear, char id[UUID_SIZE], char last[UUID_SIZE])
{
    int before = heard(ear, last), now = before;
    struct db_tx *tx = db_begin(pool, NULL, &err);

    must(insert_in(tx, bus, NULL, 0, id));
    must(db_commit(&tx, &err));
    for (int i = 0; i < 500 && (now = heard(ear, last)) == before; i++)
        nap();
    return now;
}

Test(task_sweep, a_commit_pushes_and_a_rollback_does_not)
{
    struct ear ear = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct bus_options options = {.role = "delivery", .bind_address = "127.0.0.1", .on_message = hear, .arg = &ear};
    struct bus *bus = bus_new(&options, &err);
    char lost[UUID_SIZE], id[UUID_SIZE], last[UUID_SIZE];
    struct db_tx *tx;
    int before;

    cr_assert(bus != NULL, "%s", err.text);
    bus_set_peers(bus, bus_self(bus), 1);
    for (int i = 0; i < 500 && !bus_has_role(bus, "delivery"); i++)
        nap();
    before = commit_until_heard(bus, &ear, id, last);
    cr_assert(gt(int, before, 0));
    cr_expect(eq(str, last, id));

    tx = db_begin(pool, NULL, &err);
    must(insert_in(tx, bus, NULL, 0, lost));
    db_rollback(&tx);
    /* What the rollback had pushed would have come before this. */
    cr_expect(eq(int, commit_until_heard(bus, &ear, id, last), before + 1));
    cr_expect(eq(str, last, id));
    bus_destroy(&bus);
}

Test(task_sweep, the_next_of_a_key_is_pushed_when_the_one_before_is_done)
{
    struct ear ear = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct bus_options options = {.role = "delivery", .bind_address = "127.0.0.1", .on_message = hear, .arg = &ear};
    struct bus *bus = bus_new(&options, &err);
    char first[UUID_SIZE], second[UUID_SIZE], id[UUID_SIZE], last[UUID_SIZE];
    struct task task, *batch = &task;
    int before;

    cr_assert(bus != NULL, "%s", err.text);
    bus_set_peers(bus, bus_self(bus), 1);
    for (int i = 0; i < 500 && !bus_has_role(bus, "delivery"); i++)
        nap();
    before = commit_until_heard(bus, &ear, id, last);
    insert("key", 0, first);
    insert("key", 0, second);
    cr_assert(eq(int,
                 tasks_claim(pool, holder, "delivery", &(struct task_ref){.client_id = CLIENT, .task_id = first}, 1,
                             &task, &err),
                 1));
    cr_expect(eq(int, tasks_complete_batch(pool, bus, &batch, 1, &err), 1));
    for (int i = 0; i < 500 && heard(&ear, last) == before; i++)
        nap();
    cr_expect(eq(str, last, second));
    task_release(&task);
    bus_destroy(&bus);
}

/* ---- clean-up ---- */

/* As if no day had ever been made. */
static void drop_partitions(struct db_pool *owner)
{
    const char *drop =
        "DO $$ DECLARE part regclass; BEGIN"
        " FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'finished_tasks'::regclass"
        "                AND inhrelid <> 'finished_tasks_default'::regclass LOOP"
        "     EXECUTE format('DROP TABLE %s', part);"
        " END LOOP; END $$";

    must(db_run(owner, NULL, NULL, &err, drop));
}

Test(task_sweep, finished_tasks_have_their_first_days_from_the_beginning)
{
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'finished_tasks'::regclass"), 5));
    cr_expect(eq(int, task_partitions_keep(pool, 3, 30, &err), 0), "%s", err.text);
}

Test(task_sweep, finished_tasks_have_a_partition_a_day)
{
    AUTO(db_pool_destroy) struct db_pool *owner = db_pool_new(testdb_fresh_url(), NULL, 1, &err);

    drop_partitions(owner);
    sql("INSERT INTO finished_tasks (client_id, task_id, kind, role, attempt, created_at, finished_at)"
        " SELECT '" CLIENT "', gen_random_uuid(), 'k', 'r', 1, now(), now() - d * interval '1 day'"
        "   FROM generate_series(0, 40, 10) d");
    cr_expect(eq(int, task_partitions_keep(pool, 2, 30, &err), 3), "%s", err.text);
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM finished_tasks"), 4)); /* the one of 40 days ago is gone */
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM finished_tasks_default"), 3)); /* today's has moved */
    cr_expect(eq(int, task_partitions_keep(pool, 2, 30, &err), 0));
    cr_expect(eq(int, task_partitions_keep(pool, 3, -1, &err), 2), "%s", err.text); /* one comes, today's goes */
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'finished_tasks'::regclass"), 4));
}

Test(task_sweep, partitions_wait_for_nobody)
{
    AUTO(db_pool_destroy) struct db_pool *owner = db_pool_new(testdb_fresh_url(), NULL, 1, &err);
    struct db_tx *tx;

    drop_partitions(owner);
    tx = db_begin(owner, NULL, &err);
    must(db_query(tx, NULL, &err,
                  "INSERT INTO finished_tasks (client_id, task_id, kind, role, attempt, created_at)"
                  " VALUES ($1, gen_random_uuid(), 'k', 'r', 1, now())",
                  db_text(CLIENT)));
    cr_expect(eq(int, task_partitions_keep(pool, 0, 30, &err), 0), "%s", err.text); /* it could not be had */
    must(db_commit(&tx, &err));
    cr_expect(eq(int, task_partitions_keep(pool, 0, 30, &err), 1));
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM finished_tasks_default"), 0));
}

Test(task_sweep, old_payloads_go_unless_their_task_lives)
{
    char alive[UUID_SIZE];

    insert(NULL, 0, alive);
    sql("INSERT INTO task_payloads (client_id, task_id, payload)"
        " SELECT '" CLIENT "', gen_random_uuid(), '{}' FROM generate_series(1, 1500)");
    cr_expect(eq(int, task_clean_payloads(pool, 7, 100000, &err), 0));
    sql("UPDATE task_payloads SET created_at = now() - interval '8 days'");
    cr_expect(eq(int, task_clean_payloads(pool, 7, 100000, &err), 1500), "%s", err.text);
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM task_payloads"), 1));
}

Test(task_sweep, old_keys_go_page_by_page)
{
    sql("INSERT INTO task_dedupe (client_id, dedupe_key, task_id, created_at)"
        " SELECT '" CLIENT "', i::text, gen_random_uuid(), now() - interval '8 days' FROM generate_series(1, 2500) i");
    sql("INSERT INTO task_dedupe (client_id, dedupe_key, task_id) VALUES ('" CLIENT "', 'new', gen_random_uuid())");
    cr_expect(eq(int, task_clean_dedupe(pool, 7, 1000, &err), 1000), "%s", err.text);
    cr_expect(eq(int, task_clean_dedupe(pool, 7, 100000, &err), 1500));
    sql("INSERT INTO idempotency_keys (client_id, key, request_hash, created_at)"
        " VALUES ('" CLIENT "', 'old', '', now() - interval '2 days'), ('" CLIENT "', 'new', '', now())");
    cr_expect(eq(int, task_clean_idempotency(pool, 1, 1000, &err), 1), "%s", err.text);
}

Test(task_sweep, old_progress_goes_unless_its_task_lives)
{
    char alive[UUID_SIZE];

    insert(NULL, 0, alive);
    sql("INSERT INTO task_progress (client_id, task_id, done, total, updated_at)"
        " SELECT client_id, task_id, 1, 2, now() - interval '8 days' FROM tasks");
    sql("INSERT INTO task_progress (client_id, task_id, done, total, updated_at)"
        " SELECT '" CLIENT "', gen_random_uuid(), 1, 2, now() - d * interval '1 day' FROM generate_series(6, 9) d");
    cr_expect(eq(int, task_clean_progress(pool, 7, 1000, &err), 3), "%s", err.text);
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM task_progress"), 2));
}

Test(task_sweep, an_upload_goes_when_its_newest_part_is_old)
{
    AUTO(db_pool_destroy) struct db_pool *scheduler = db_pool_new(testdb_url(), "leadwire_scheduler", 1, &err);
    AUTO(db_pool_destroy) struct db_pool *owner = db_pool_new(testdb_url(), NULL, 1, &err);

    must(
        db_run(owner, DB_EVERY_CLIENT, NULL, &err,
               "INSERT INTO upload_parts (client_id, upload_id, part, data, created_at)"
               " SELECT '" CLIENT "', (repeat(u, 8) || '-0000-7000-8000-000000000000')::uuid, part, 'x',"
               "        now() - age::interval"
               "   FROM (VALUES ('a', 0, '25 hours'), ('a', 1, '25 hours'), ('b', 0, '25 hours'), ('b', 1, '23 hours'),"
               "                ('c', 0, '1 hour')) v (u, part, age)"));
    cr_expect(eq(int, upload_clean(scheduler, 1, 1000, &err), 2), "%s", err.text);
    cr_expect(eq(int, upload_clean(scheduler, 1, 1000, &err), 0));
    cr_expect(
        eq(int,
           db_run(owner, DB_EVERY_CLIENT, NULL, &err, "SELECT 1 FROM upload_parts WHERE upload_id::text LIKE 'a%'"),
           0));
}

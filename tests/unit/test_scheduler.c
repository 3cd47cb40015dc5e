/* The scheduler's leader, sweep and clean-up, against a real database. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/registry.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "services/scheduler/scheduler.h"
#include "tests/unit/busfix.h"
#include "tests/unit/testdb.h"

static struct config config = {.usage_every_s = 60};
static struct db_pool *pool;
static struct inbox inbox; /* plays a scheduler: who does cleanup_old_data */
static struct registry *registry;
static struct worker worker;

static void open_all(void)
{
    struct err err = {0};

    config.database_url = testdb_url();
    pool = db_pool_new(config.database_url, NULL, 3, &err);
    cr_assert(pool != NULL, "%s", err.text);
    inbox_open(&inbox, "scheduler", "127.0.0.1");
    registry = registry_new(config.database_url, pool, inbox.bus, 5000, NULL, NULL, &err);
    cr_assert(registry != NULL, "%s", err.text);
    worker =
        (struct worker){.config = &config, .db = pool, .bus = inbox.bus, .instance = bus_self(inbox.bus)->instance};
}

static void close_all(void)
{
    registry_destroy(&registry);
    inbox_close(&inbox);
    db_pool_destroy(&pool);
}

TestSuite(scheduler, .init = open_all, .fini = close_all, .timeout = 60);

static struct leader *lead(void)
{
    struct err err = {0};
    struct leader *leader = leader_new(&worker, &err);

    cr_assert(leader != NULL, "%s", err.text);
    return leader;
}

static int64_t number(const char *sql)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(ge(int, db_run_args(pool, DB_EVERY_CLIENT, &rows, &err, sql, NULL, 0), 0), "%s", err.text);
    return db_result_count(rows) ? db_get_int(rows, 0, "n") : 0;
}

/* The backend that holds the leader's lock; 0: none. */
static int64_t leading_session(void)
{
    return number("SELECT l.pid AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                  " WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted");
}

static int insert_task(const char *dedupe_key)
{
    struct empty nothing = {.ok = true};
    struct task_spec spec = {.kind = "cleanup_old_data", .payload = &nothing, .dedupe_key = dedupe_key};
    struct err err = {0};
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, NULL, &err);
    int n = tx ? task_insert(tx, NULL, &spec, NULL, &err) : -1;

    cr_assert(tx && n >= 0 && db_commit(&tx, &err) == 0, "%s", err.text);
    return n;
}

Test(scheduler, a_task_whose_push_was_lost_is_pushed_again)
{
    struct leader *leader;

    insert_task("lost");
    leader = lead();
    cr_expect(eventually(inbox.n_refs > 0));
    leader_destroy(&leader);
}

Test(scheduler, a_task_of_a_dead_process_is_pushed_again)
{
    struct leader *leader;
    struct err err = {0};

    insert_task("orphan");
    cr_assert(eq(int,
                 db_run(pool, NULL, NULL, &err,
                        "UPDATE tasks SET state = 'running', instance = gen_random_uuid(), attempt = 1,"
                        " deadline_at = now() + interval '1 hour'"),
                 1));
    leader = lead();
    cr_expect(eventually(inbox.n_refs > 0));
    leader_destroy(&leader);
}

Test(scheduler, the_same_task_is_not_pushed_again_within_two_seconds)
{
    struct sweep *sweep = sweep_new();

    cr_expect(sweep_may_push(sweep, "018f0000-0000-7000-8000-000000000001", 10000));
    cr_expect(not(sweep_may_push(sweep, "018f0000-0000-7000-8000-000000000001", 11999)));
    cr_expect(sweep_may_push(sweep, "018f0000-0000-7000-8000-000000000002", 11999));
    cr_expect(sweep_may_push(sweep, "018f0000-0000-7000-8000-000000000001", 12000));
    sweep_destroy(&sweep);
}

Test(scheduler, one_of_two_leads_and_the_other_takes_over)
{
    struct leader *first = lead(), *second;
    int64_t session;

    cr_assert(eventually(leading_session() != 0));
    session = leading_session();
    second = lead();
    sleep_ms(1500); /* it has asked by now */
    cr_expect(eq(i64, leading_session(), session));
    leader_destroy(&first);
    cr_expect(eventually(leading_session() != 0 && leading_session() != session));
    leader_destroy(&second);
}

Test(scheduler, a_leader_whose_session_broke_leads_again)
{
    struct leader *leader = lead();
    int64_t session;

    cr_assert(eventually((session = leading_session()) != 0));
    db_run(pool, NULL, NULL, NULL, "SELECT pg_terminate_backend($1)", db_int(session));
    cr_expect(eventually(leading_session() != 0 && leading_session() != session));
    leader_destroy(&leader);
}

/* Its host lives, its connection is open, but nothing moves. */
Test(scheduler_hung, a_leader_that_hangs_is_replaced, .timeout = 60)
{
    const char *url = testdb_url();
    pid_t pid = fork();
    struct leader *standby;
    int64_t session;

    if (pid == 0) {
        open_all();
        lead();
        sleep_ms(60000);
        _exit(0);
    }
    cr_assert(url && pid > 0);
    open_all();
    cr_assert(eventually((session = leading_session()) != 0));
    standby = lead();
    kill(pid, SIGSTOP);
    cr_expect(eventually(leading_session() != 0 && leading_session() != session));
    leader_destroy(&standby);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close_all();
}

Test(scheduler, the_daily_clean_up_is_fired_once_a_day)
{
    struct err err = {0};

    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, cleanup_fire(&worker, &err), 0), "%s", err.text);
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM tasks WHERE kind = 'cleanup_old_data'"), 1));
}

Test(scheduler, the_clean_up_deletes_what_is_old_and_nothing_else)
{
    struct err err = {0};
    struct task task = {0};

    insert_task("alive");
    cr_assert(eq(int,
                 db_run(pool, NULL, NULL, &err,
                        "INSERT INTO idempotency_keys (client_id, key, request_hash, created_at) SELECT"
                        " gen_random_uuid(), k, '', now() - age FROM (VALUES ('new', interval '1 day'),"
                        " ('old', interval '8 days')) v (k, age)"),
                 2),
              "%s", err.text);
    cr_assert(eq(int, on_cleanup_old_data(&worker, &task, &err), 0), "%s", err.text);
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM idempotency_keys WHERE key = 'new'"), 1));
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM idempotency_keys WHERE key = 'old'"), 0));
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM task_payloads"), 1));
    cr_expect(eq(i64, number("SELECT count(*) AS n FROM task_dedupe"), 1));
}

/* ---- get_task ---- */

#define OUR_CLIENT   "0192f000-0000-7000-8000-00000000000a"
#define OTHER_CLIENT "0192f000-0000-7000-8000-00000000000b"
#define A_TASK       "0192f000-0000-7000-8000-0000000000cc"

/* A task of OUR_CLIENT as the scheduler's role sees it; client NULL: an administrator asks. */
static int ask_task(const char *client, struct arena *arena, struct task_status *ret_status, struct err *err)
{
    AUTO(db_pool_destroy) struct db_pool *own = db_pool_new(config.database_url, "leadwire_scheduler", 1, err);
    struct worker scheduler = {.config = &config, .db = own};
    struct get_task request = {.task_id = A_TASK};
    struct call call = {.client_id = client, .request = &request, .reply = ret_status, .arena = arena};

    *err = (struct err){0};
    return on_get_task(&scheduler, &call, err);
}

static void run_sql(const char *sql)
{
    struct err err = {0};

    cr_assert(ge(int, db_run_args(pool, DB_EVERY_CLIENT, NULL, &err, sql, NULL, 0), 0), "%s", err.text);
}

Test(scheduler, a_task_is_told_to_its_client_and_to_administrators_alone)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct task_status status = {0};
    struct err err = {0};

    run_sql("INSERT INTO tasks (client_id, task_id, kind, role, state, attempt, max_attempts, deadline_s, error, "
            "error_kind)"
            " VALUES ('" OUR_CLIENT "', '" A_TASK
            "', 'ingest_document', 'knowledge', 'dead', 3, 60, 300, repeat('ü', 900),"
            " 'invalid')");
    run_sql("INSERT INTO task_progress (client_id, task_id, done, total) VALUES ('" OUR_CLIENT "', '" A_TASK
            "', 3, 7)");
    cr_assert(eq(int, ask_task(OUR_CLIENT, arena, &status, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)status.kind, "ingest_document"));
    cr_expect(eq(str, (char *)status.state, "dead"));
    cr_expect(eq(i64, status.done, 3));
    cr_expect(eq(i64, status.total, 7));
    cr_expect(eq(i64, status.attempt, 3));
    cr_expect(eq(i64, status.max_attempts, 60));
    cr_expect(eq(i64, status.run_at, 0), "only what waits has a time to wait for");
    cr_expect(eq(sz, strlen(status.error), 1000), "cut between characters");

    cr_expect(eq(int, ask_task(NULL, arena, &status, &err), 0), "%s", err.text);
    cr_expect(eq(int, ask_task(OTHER_CLIENT, arena, &status, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
}

Test(scheduler, of_a_finished_task_all_is_done)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct task_status status = {0};
    struct err err = {0};

    run_sql("INSERT INTO finished_tasks (client_id, task_id, kind, role, attempt, created_at) VALUES"
            " ('" OUR_CLIENT "', '" A_TASK "', 'ingest_document', 'knowledge', 1, now())");
    cr_assert(eq(int, ask_task(OUR_CLIENT, arena, &status, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)status.state, "finished"));
    cr_expect(eq(i64, status.total, 0), "nothing was counted");
    run_sql("INSERT INTO task_progress (client_id, task_id, done, total) VALUES ('" OUR_CLIENT "', '" A_TASK
            "', 6, 7)");
    cr_assert(eq(int, ask_task(OUR_CLIENT, arena, &status, &err), 0), "%s", err.text);
    cr_expect(eq(i64, status.done, 7));
    cr_expect(eq(i64, status.total, 7));
    cr_expect(eq(int, ask_task(OTHER_CLIENT, arena, &status, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
}

/* service_main from outside: a small service in a process of its own, a real database, signals. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/registry.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "tests/unit/busfix.h"
#include "tests/unit/testdb.h"

/* ---- the service ---- */

/* A trace of what ran, in a table that the role may write. */
static int note(struct db_pool *db, const char *what, struct err *err)
{
    char id[UUID_SIZE];

    uuid_new(id);
    return db_run(
               db, NULL, NULL, err,
               "INSERT INTO task_dedupe (client_id, dedupe_key, task_id) VALUES ($1::uuid, $2 || ' ' || $3, $1::uuid)",
               db_text(id), db_text(what), db_text(id)) < 0
               ? -1
               : 0;
}

/* The trace id of the task says what it does: "fail", "invalid", "sleep" (until killed), or nothing. */
static int on_task(struct worker *self, struct task *task, struct err *err)
{
    if (note(self->db, "began", err) < 0)
        return -1;
    if (strcmp(task->trace_id, "fail") == 0)
        return err_set(err, ERR_UNAVAILABLE, "told to fail");
    if (strcmp(task->trace_id, "invalid") == 0)
        return err_set(err, ERR_INVALID, "told to fail for good");
    if (strcmp(task->trace_id, "half a second") == 0)
        sleep_ms(500);
    if (strcmp(task->trace_id, "sleep") == 0)
        sleep_ms(60000);
    return note(self->db, "ended", err);
}

static int on_request(struct worker *self, struct call *call, struct err *err)
{
    const struct lead_event *request = call->request;
    struct lead_event *reply = call->reply;
    char id[UUID_SIZE];

    (void)self;
    uuid_new(id);
    if (db_query(call->tx, NULL, err, "INSERT INTO task_dedupe (client_id, dedupe_key, task_id) VALUES ($1, $2, $1)",
                 db_text(id), db_text("request")) < 0)
        return -1;
    if (request->score && strcmp(request->score, "FAIL") == 0)
        return err_set_field(err, ERR_CONFLICT, "score", "told to fail");
    reply->lead_id = request->lead_id;
    reply->reason = arena_printf(call->arena, "effect %s", id);
    return 0;
}

/* Takes its time before it opens its transaction. */
static int on_late_request(struct worker *self, struct call *call, struct err *err)
{
    const struct task_event *request = call->request;
    struct task_event *reply = call->reply;
    char id[UUID_SIZE];
    int answered;

    sleep_ms(50);
    if ((answered = call_begin(self, call, err)) != 0)
        return answered < 0 ? -1 : 0;
    uuid_new(id);
    if (db_query(call->tx, NULL, err, "INSERT INTO task_dedupe (client_id, dedupe_key, task_id) VALUES ($1, $2, $1)",
                 db_text(id), db_text("request")) < 0)
        return -1;
    if (strcmp(request->kind, "FAIL") == 0)
        return err_set(err, ERR_CONFLICT, "told to fail");
    reply->task_id = request->task_id;
    reply->kind = arena_printf(call->arena, "effect %s", id);
    return 0;
}

static const struct task_handler task_handlers[] = {{"cleanup_old_data", on_task}, {0}};
static const struct request_handler request_handlers[] = {
    {&lead_event_type, &lead_event_type, on_request, 0},
    {&task_event_type, &task_event_type, on_late_request, CALL_LATE_TX},
    {0},
};
static const struct service small_service = {
    .role = "scheduler", /* a role that the database knows */
    .doc = "for the test",
    .workers = 2,
    .tasks = task_handlers,
    .requests = request_handlers,
};

static const struct service laned_service = {
    .role = "scheduler",
    .doc = "for the test",
    .workers = 4,
    .tasks = task_handlers,
    .lanes = true,
};

/* ---- the test's side ---- */

static const struct service *service = &small_service;
static const char *lane; /* of what is inserted */
static struct db_pool *pool;
static struct inbox me;
static struct registry *registry;
static pid_t pid;

static pid_t spawn(const char *url, const char *drain_s)
{
    pid_t child = fork();

    cr_assert(ge(int, child, 0));
    if (child == 0) {
        char *argv[] = {"leadwire-scheduler", NULL};

        if (url)
            setenv("DATABASE_URL", url, 1);
        else
            unsetenv("DATABASE_URL");
        setenv("LEADWIRE_DRAIN_SECONDS", drain_s, 1);
        setenv("LEADWIRE_LOG_LEVEL", "error", 1);
        setenv("LEADWIRE_LONG_CODE_PER_SECOND", "5", 1);
        setenv("LEADWIRE_TOLL_FREE_PER_SECOND", "0", 1);
        _exit(service_main(service, 1, argv));
    }
    return child;
}

/* Its exit code, or minus the signal that ended it. */
static int wait_for(pid_t child)
{
    int status;

    cr_assert(eq(int, waitpid(child, &status, 0), child));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void start_service(const char *drain_s)
{
    struct err err = {0};
    const char *url = testdb_url();

    pid = spawn(url, drain_s); /* before any thread of ours */
    pool = db_pool_new(url, NULL, 3, &err);
    cr_assert(pool != NULL, "%s", err.text);
    inbox_open(&me, "gateway", "127.0.0.1");
    registry = registry_new(url, pool, me.bus, 5000, NULL, NULL, &err);
    cr_assert(registry != NULL, "%s", err.text);
    cr_assert(eventually(bus_has_role(me.bus, "scheduler")));
}

static void stop_all(void)
{
    if (pid) {
        kill(pid, SIGKILL);
        wait_for(pid);
    }
    registry_destroy(&registry);
    inbox_close(&me);
    db_pool_destroy(&pool);
}

static int end_service(void)
{
    int code;

    kill(pid, SIGTERM);
    code = wait_for(pid);
    pid = 0;
    return code;
}

static void insert_task(const char *trace_id)
{
    struct empty nothing = {.ok = true};
    struct task_spec spec = {.kind = "cleanup_old_data", .payload = &nothing, .trace_id = trace_id, .lane = lane};
    struct err err = {0};
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, NULL, &err);

    cr_assert(tx && task_insert(tx, me.bus, &spec, NULL, &err) == 1 && db_commit(&tx, &err) == 0, "%s", err.text);
}

static int64_t count(const char *sql)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(gt(int, db_run_args(pool, DB_EVERY_CLIENT, &rows, &err, sql, NULL, 0), 0), "%s", err.text);
    return db_get_int(rows, 0, "n");
}

#define FINISHED  "SELECT count(*) AS n FROM finished_tasks"
#define ALIVE     "SELECT count(*) AS n FROM tasks"
#define RUNNING   "SELECT count(*) AS n FROM tasks WHERE state = 'running'"
#define BEGAN     "SELECT count(*) AS n FROM task_dedupe WHERE dedupe_key LIKE 'began %'"
#define ENDED     "SELECT count(*) AS n FROM task_dedupe WHERE dedupe_key LIKE 'ended %'"
#define EFFECTS   "SELECT count(*) AS n FROM task_dedupe WHERE dedupe_key = 'request'"
#define MAILBOXES "SELECT count(*) AS n FROM mailboxes WHERE role IN ('scheduler', 'draining')"

static void start_patient(void)
{
    start_service("10");
}

static void start_hasty(void)
{
    start_service("0");
}

static void start_with_lanes(void)
{
    service = &laned_service;
    start_service("10");
}

TestSuite(service, .init = start_patient, .fini = stop_all, .timeout = 90);
TestSuite(hasty_service, .init = start_hasty, .fini = stop_all, .timeout = 90);
TestSuite(laned_service, .init = start_with_lanes, .fini = stop_all, .timeout = 90);

Test(service, a_task_is_run_and_completed)
{
    insert_task(NULL);
    cr_expect(eventually(count(FINISHED) == 1));
    cr_expect(eq(i64, count(ENDED), 1));
    cr_expect(eq(i64, count(ALIVE), 0));
    cr_expect(eq(int, end_service(), 0));
}

Test(service, many_tasks_are_each_run_once)
{
    for (int i = 0; i < 300; i++)
        insert_task(NULL);
    /* More than the hints' high-water marks may pass: nobody sweeps here, so the rest is looked for when it is idle. */
    for (int i = 0; i < 100 && count(FINISHED) < 300; i++) {
        insert_task("straggler");
        sleep_ms(100);
    }
    cr_expect(eventually(count(ALIVE) == 0));
    cr_expect(eq(i64, count(BEGAN), count(FINISHED)));
}

Test(service, a_failed_task_waits_for_its_next_attempt_with_its_error)
{
    insert_task("fail");
    cr_expect(eventually(count("SELECT count(*) AS n FROM tasks WHERE state = 'ready' AND attempt = 1"
                               " AND run_at > now() AND error_kind = 'unavailable'") == 1));
}

Test(service, a_task_that_no_retry_can_heal_is_dead)
{
    insert_task("invalid");
    cr_expect(eventually(count("SELECT count(*) AS n FROM tasks WHERE state = 'dead' AND attempt = 1") == 1));
}

Test(service, broken_connections_cost_no_task)
{
    for (int i = 0; i < 20; i++) {
        insert_task(NULL);
        db_run(pool, NULL, NULL, NULL,
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
               " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()");
        sleep_ms(20);
    }
    /* Whoever was running when its completion was cut off is given back or completed by itself. */
    for (int i = 0; i < 200 && count(ALIVE) > 0; i++) {
        insert_task(NULL);
        sleep_ms(100);
    }
    cr_expect(eventually(count(RUNNING) == 0));
}

/* ---- lanes: 5 a second, or no limit ---- */

#define LIMITED   "sms:+15550100000"
#define UNLIMITED "sms:+18005550100"

Test(laned_service, a_task_with_a_lane_is_run_at_once)
{
    lane = LIMITED;
    sleep_ms(300); /* idle */
    insert_task(NULL);
    cr_expect(eventually(count(FINISHED) == 1));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM finished_tasks WHERE finished_at - created_at < '500 ms'"), 1));
}

Test(laned_service, one_without_is_run_too)
{
    insert_task(NULL);
    cr_expect(eventually(count(FINISHED) == 1));
}

Test(laned_service, one_that_was_not_pushed_is_found)
{
    struct bus *bus = me.bus;

    lane = LIMITED;
    insert_task(NULL);
    cr_assert(eventually(count(FINISHED) == 1));
    me.bus = NULL;
    insert_task(NULL);
    me.bus = bus;
    cr_expect(eventually(count(FINISHED) == 2));
}

Test(laned_service, a_lane_keeps_its_rate)
{
    lane = LIMITED;
    for (int i = 0; i < 11; i++)
        insert_task(NULL);
    cr_assert(eventually(count(FINISHED) == 11));
    /* A task is noted a moment after its claim; without the rate they would all begin at once. */
    cr_expect(eq(i64,
                 count("SELECT count(*) AS n FROM (SELECT max(created_at) - min(created_at) AS t FROM task_dedupe"
                       "  WHERE dedupe_key LIKE 'began %') b WHERE t BETWEEN '1.2 s' AND '8 s'"),
                 1));
}

Test(laned_service, many_go_at_once_without_a_limit)
{
    lane = UNLIMITED;
    for (int i = 0; i < 300; i++)
        insert_task(NULL);
    cr_expect(eventually(count(ALIVE) == 0));
    cr_expect(eq(i64, count(BEGAN), 300));
    cr_expect(eq(i64, count(FINISHED), 300));
}

Test(laned_service, broken_connections_cost_no_task)
{
    lane = UNLIMITED;
    for (int i = 0; i < 20; i++) {
        insert_task(NULL);
        db_run(pool, NULL, NULL, NULL,
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
               " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()");
        sleep_ms(20);
    }
    /* What is given back is an orphan, for the sweep to push: there is none here. What failed for want of a connection
     * waits for its next attempt. */
    cr_expect(eventually(count("SELECT count(*) AS n FROM tasks WHERE (state = 'ready' AND run_at <= now())"
                               "    OR deadline_at > now()") == 0));
}

Test(laned_service, what_has_not_begun_is_given_back_at_its_end)
{
    lane = UNLIMITED;
    for (int i = 0; i < 8; i++)
        insert_task("half a second");
    cr_assert(eventually(count(BEGAN) > 0));
    cr_expect(eq(int, end_service(), 0));
    cr_expect(eq(i64, count(BEGAN), count(ENDED)));
    cr_expect(eq(i64, count(FINISHED), count(ENDED)));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM tasks WHERE attempt > 0"), 0));
    cr_expect(eq(i64, count(ALIVE) + count(FINISHED), 8));
}

/* ---- requests ---- */

static int ask(const char *key, const char *score, struct lead_event *ret_reply, struct arena *arena, struct err *err)
{
    struct lead_event request = {.lead_id = "018f0000-0000-7000-8000-000000000001", .score = score};
    struct bus_request what = {
        .role = "scheduler", .idempotency_key = key, .timeout_ms = 10000, .type = &lead_event_type, .msg = &request};

    return bus_ask(me.bus, &what, &lead_event_type, arena, ret_reply, err);
}

Test(service, a_request_has_its_effect_and_its_answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct lead_event reply;
    struct err err = {0};

    cr_assert(eq(int, ask(NULL, "HOT", &reply, arena, &err), 0), "%s", err.text);
    cr_expect(eq(int, strncmp(reply.reason, "effect ", 7), 0));
    cr_expect(eq(i64, count(EFFECTS), 1));
}

Test(service, a_failed_request_has_no_effect)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct lead_event reply;
    struct err err = {0};

    cr_expect(eq(int, ask("key", "FAIL", &reply, arena, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(str, err.field, (char *)"score"));
    cr_expect(eq(i64, count(EFFECTS), 0));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM idempotency_keys"), 0));
}

Test(service, a_repeated_key_has_one_effect_and_the_same_answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct lead_event reply, again;
    struct err err = {0};

    cr_assert(eq(int, ask("key", "HOT", &reply, arena, &err), 0), "%s", err.text);
    cr_assert(eq(int, ask("key", "HOT", &again, arena, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)again.reason, (char *)reply.reason));
    cr_expect(eq(i64, count(EFFECTS), 1));
}

Test(service, a_key_of_another_request_is_a_conflict)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct lead_event reply;
    struct err err = {0};

    cr_assert(eq(int, ask("key", "HOT", &reply, arena, &err), 0), "%s", err.text);
    cr_expect(eq(int, ask("key", "COLD", &reply, arena, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(i64, count(EFFECTS), 1));
}

static void *ask_with_key(void *arg)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct lead_event reply;
    struct err err = {0};

    (void)arg;
    return ask("key", "HOT", &reply, arena, &err) < 0 ? (void *)1 : NULL;
}

Test(service, twins_at_the_same_time_have_one_effect)
{
    pthread_t threads[4];
    void *failed;

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, ask_with_key, NULL);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        pthread_join(threads[i], &failed);
        cr_expect(eq(ptr, failed, NULL));
    }
    cr_expect(eq(i64, count(EFFECTS), 1));
}

static int ask_late(const char *key, const char *kind, struct task_event *reply, struct arena *arena, struct err *err)
{
    struct task_event request = {.task_id = UUID_NIL, .kind = kind};
    struct bus_request what = {
        .role = "scheduler", .idempotency_key = key, .timeout_ms = 10000, .type = &task_event_type, .msg = &request};

    return bus_ask(me.bus, &what, &task_event_type, arena, reply, err);
}

static void *ask_late_with_key(void *arg)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct task_event reply;
    struct err err = {0};

    (void)arg;
    return ask_late("key", "HOT", &reply, arena, &err) < 0 ? (void *)1 : NULL;
}

Test(service, a_late_transaction_has_one_effect_for_a_key_too)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct task_event first, again;
    struct err err = {0};
    pthread_t threads[4];
    void *failed;

    cr_expect(eq(int, ask_late("key", "FAIL", &first, arena, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(i64, count(EFFECTS), 0));
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, ask_late_with_key, NULL);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        pthread_join(threads[i], &failed);
        cr_expect(eq(ptr, failed, NULL));
    }
    cr_expect(eq(i64, count(EFFECTS), 1));
    cr_assert(eq(int, ask_late("key", "HOT", &first, arena, &err), 0), "%s", err.text);
    cr_assert(eq(int, ask_late("key", "HOT", &again, arena, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)first.kind, (char *)again.kind));
    cr_expect(eq(i64, count(EFFECTS), 1));
    cr_expect(eq(int, ask_late("key", "WARM", &again, arena, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(int, ask_late(NULL, "HOT", &again, arena, &err), 0), "%s", err.text);
    cr_expect(eq(i64, count(EFFECTS), 2));
}

Test(service, a_request_that_it_does_not_know_is_refused)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct empty request = {.ok = true}, reply;
    struct bus_request what = {.role = "scheduler", .timeout_ms = 10000, .type = &empty_type, .msg = &request};
    struct err err = {0};

    cr_expect(eq(int, bus_ask(me.bus, &what, &empty_type, arena, &reply, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
}

Test(service, requests_are_answered_while_tasks_hold_their_workers)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct lead_event reply;
    struct err err = {0};

    for (int i = 0; i < 4; i++)
        insert_task("sleep");
    cr_assert(eventually(count(BEGAN) > 0));
    cr_expect(eq(int, ask(NULL, "HOT", &reply, arena, &err), 0), "%s", err.text);
}

/* ---- ending ---- */

Test(service, what_runs_may_end_and_what_has_not_begun_is_given_back)
{
    for (int i = 0; i < 3; i++)
        insert_task("half a second");
    cr_assert(eventually(count(BEGAN) > 0));
    cr_expect(eq(int, end_service(), 0));
    cr_expect(eq(i64, count(BEGAN), count(ENDED)));
    cr_expect(eq(i64, count(FINISHED), count(ENDED)));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM tasks WHERE attempt > 0"), 0));
    cr_expect(eq(i64, count(ALIVE) + count(FINISHED), 3));
    cr_expect(eq(i64, count(MAILBOXES), 0));
}

Test(hasty_service, a_task_that_does_not_end_in_time_is_left_to_others)
{
    insert_task("sleep");
    cr_assert(eventually(count(BEGAN) == 1));
    cr_expect(eq(int, end_service(), 0));
    cr_expect(eq(i64, count(RUNNING), 1));
    cr_expect(eq(i64, count(MAILBOXES), 0));
}

Test(service, a_second_signal_ends_it_at_once)
{
    insert_task("sleep");
    cr_assert(eventually(count(BEGAN) == 1));
    kill(pid, SIGTERM);
    cr_assert(eventually(count("SELECT count(*) AS n FROM mailboxes WHERE role = 'draining'") == 1));
    cr_expect(eq(int, end_service(), -SIGTERM));
}

/* ---- not starting ---- */

Test(service_start, without_a_database_url_it_does_not_start, .timeout = 30)
{
    cr_expect(eq(int, wait_for(spawn(NULL, "1")), 2));
}

Test(service_start, without_migrations_it_does_not_start, .timeout = 30)
{
    cr_expect(eq(int, wait_for(spawn(testdb_empty_url(), "1")), 2));
}

Test(service_start, it_can_be_ended_while_it_waits_for_the_database, .timeout = 30)
{
    pid_t child = spawn("postgresql://x@127.0.0.1:1/x", "1");

    sleep_ms(300);
    kill(child, SIGTERM);
    cr_expect(eq(int, wait_for(child), 0));
}

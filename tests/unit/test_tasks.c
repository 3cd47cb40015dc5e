/* test_tasks.c - no task is lost, and none is done twice. */
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
#include "libshared/task_admin.h"
#include "libshared/tasks.h"
#include "proto/envelope.h"
#include "proto/tasks.h"
#include "testdb.h"

#define CLIENT "0192f000-0000-7000-8000-00000000000a"
#define THING  "0192f000-0000-7000-8000-0000000000ff"

static struct db_pool *pool;
static struct err err;
static char holder[UUID_SIZE], other[UUID_SIZE]; /* instances that are alive */

static void must(int result)
{
    cr_assert(result >= 0, "%s", err.text);
}

static void sql(const char *text)
{
    must(db_run(pool, NULL, NULL, &err, text));
}

static void be_alive(char instance[UUID_SIZE])
{
    uuid_new(instance);
    must(db_run(pool, NULL, NULL, &err,
                "INSERT INTO mailboxes (instance, role, mailbox, events) VALUES ($1, 'delivery', '', '')",
                db_text(instance)));
}

static void open_database(void)
{
    pool = db_pool_new(testdb_url(), "leadwire_scheduler", 4, &err);
    cr_assert(pool != NULL, "%s", err.text);
    be_alive(holder);
    be_alive(other);
}

static void close_database(void)
{
    db_pool_destroy(&pool);
}

TestSuite(tasks, .init = open_database, .fini = close_database, .timeout = 60);

static int insert(const char *kind, const char *serial_key, const char *dedupe_key, int64_t delay_ms,
                  char ret_id[UUID_SIZE])
{
    struct db_tx *tx = db_begin(pool, NULL, &err);
    struct task_spec spec = {.kind = kind,
                             .client_id = CLIENT,
                             .trace_id = "trace",
                             .serial_key = serial_key,
                             .dedupe_key = dedupe_key,
                             .delay_ms = delay_ms};
    struct process_ai_response answer = {.conversation_id = THING};
    struct send_message send = {.message_id = THING};
    int n;

    spec.payload = strcmp(kind, TASK_process_ai_response) == 0 ? (const void *)&answer : &send;
    cr_assert(tx != NULL, "%s", err.text);
    must(n = task_insert(tx, NULL, &spec, ret_id, &err));
    must(db_commit(&tx, &err));
    return n;
}

static int claim_as(const char *instance, const char *role, const char *id, struct task *ret_task)
{
    int n = tasks_claim(pool, instance, role, &(struct task_ref){.client_id = CLIENT, .task_id = (char *)id}, 1,
                        ret_task, &err);

    must(n);
    return n;
}

static int claim(const char *id, struct task *ret_task)
{
    return claim_as(holder, "delivery", id, ret_task);
}

static struct task claimed(const char *id)
{
    struct task task;

    cr_assert(eq(int, claim(id, &task), 1));
    return task;
}

static struct task claimed_answer(const char *id)
{
    struct task task;

    cr_assert(eq(int, claim_as(holder, "orchestrator", id, &task), 1));
    return task;
}

static int complete(struct task *task)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, NULL, &err);

    return task_complete(tx, NULL, task, &err) < 0 ? -1 : db_commit(&tx, &err);
}

static int fail_with(struct task *task, enum err_kind kind, int retry_after_s)
{
    return task_fail(pool, NULL, task, &(struct err){.kind = kind, .retry_after_s = retry_after_s, .text = "it broke"},
                     &err);
}

/* Its deadline passes. */
static void expire(const char *id)
{
    must(db_run(pool, NULL, NULL, &err, "UPDATE tasks SET deadline_at = now() - interval '1 ms' WHERE task_id = $1",
                db_text(id)));
}

static void make_due(const char *id)
{
    must(db_run(pool, NULL, NULL, &err, "UPDATE tasks SET run_at = now() WHERE task_id = $1", db_text(id)));
}

static struct task_info look(const char *id)
{
    static struct arena *arena; /* of the test process */
    struct task_info info;

    if (!arena)
        arena = arena_new(1 << 20);
    cr_assert(eq(int, task_get(pool, CLIENT, id, arena, &info, &err), 0), "%s", err.text);
    return info;
}

static void expect_state(const char *id, const char *state, int attempt)
{
    struct task_info info = look(id);

    cr_expect(eq(str, (char *)info.state, (char *)state));
    cr_expect(eq(int, info.attempt, attempt));
}

/* ---- inserting ---- */

Test(tasks, a_task_is_inserted_with_its_lane)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    char lane[TASK_LANE_SIZE], id[UUID_SIZE];
    struct send_message send = {.message_id = THING};
    struct task_spec spec = {.kind = TASK_send_message_sms, .client_id = CLIENT, .payload = &send, .lane = lane};
    struct db_tx *tx = db_begin(pool, NULL, &err);

    task_lane("sms", "+15550100000", lane);
    cr_expect(eq(str, lane, "sms:+15550100000"));
    cr_assert(eq(int, task_insert(tx, NULL, &spec, id, &err), 1), "%s", err.text);
    spec.lane_units = 3;
    cr_assert(eq(int, task_insert(tx, NULL, &spec, NULL, &err), 1), "%s", err.text);
    spec.lane = NULL;
    cr_assert(eq(int, task_insert(tx, NULL, &spec, NULL, &err), 1), "%s", err.text);
    must(db_commit(&tx, &err));
    cr_assert(eq(int, db_run(pool, NULL, &rows, &err, "SELECT lane, lane_units FROM tasks ORDER BY task_id"), 3));
    cr_expect(eq(str, (char *)db_get(rows, 0, "lane"), lane));
    cr_expect(eq(i64, db_get_int(rows, 0, "lane_units"), 1));
    cr_expect(eq(i64, db_get_int(rows, 1, "lane_units"), 3));
    cr_expect(db_get(rows, 2, "lane") == NULL);
}

/* ---- claims ---- */

Test(tasks, a_claim_brings_the_task_with_its_payload)
{
    char id[UUID_SIZE];
    struct task task;

    cr_expect(eq(int, insert(TASK_send_message_sms, NULL, NULL, 0, id), 1));
    task = claimed(id);
    cr_expect(eq(str, task.task_id, id));
    cr_expect(eq(str, task.client_id, CLIENT));
    cr_expect(eq(str, task.trace_id, "trace"));
    cr_expect(eq(int, task.attempt, 1));
    cr_expect(gt(i64, task.token, 0));
    cr_expect(gt(i64, task.created_at_us, 1700000000000000));
    cr_expect(eq(str, (char *)task.kind->name, "send_message_sms"));
    cr_expect(eq(str, (char *)((const struct send_message *)task.payload)->message_id, THING));
    task_release(&task);
}

Test(tasks, a_second_copy_of_an_id_claims_nothing)
{
    char id[UUID_SIZE];
    struct task task, again[2];
    struct task_ref refs[2] = {{.client_id = CLIENT, .task_id = id}, {.client_id = CLIENT, .task_id = id}};

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    cr_assert(eq(int, tasks_claim(pool, holder, "delivery", refs, 2, again, &err), 1), "%s", err.text);
    cr_expect(eq(int, claim(id, &task), 0));
    cr_expect(eq(int, claim_as(other, "delivery", id, &task), 0));
    task_release(&again[0]);
}

Test(tasks, a_role_claims_only_its_own_kinds)
{
    char id[UUID_SIZE], unknown[UUID_SIZE];
    struct task task;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    cr_expect(eq(int, claim_as(holder, "orchestrator", id, &task), 0));
    insert(TASK_send_message_sms, NULL, NULL, 0, unknown);
    must(db_run(pool, NULL, NULL, &err, "UPDATE tasks SET kind = 'of_a_newer_version' WHERE task_id = $1",
                db_text(unknown)));
    cr_expect(eq(int, claim(unknown, &task), 0));
    expect_state(unknown, "ready", 0);
}

Test(tasks, a_delayed_task_is_not_claimed_before_its_time)
{
    char id[UUID_SIZE];
    struct task task;

    insert(TASK_send_message_sms, NULL, NULL, 60000, id);
    cr_expect(eq(int, claim(id, &task), 0));
    cr_expect(eq(int, tasks_claim_due(pool, holder, "delivery", 1, &task, &err), 0));
    make_due(id);
    task = claimed(id);
    task_release(&task);
}

Test(tasks, what_is_due_can_be_claimed_without_its_id)
{
    char first[UUID_SIZE], second[UUID_SIZE], third[UUID_SIZE];
    struct task tasks[2];

    insert(TASK_send_message_sms, NULL, NULL, 0, first);
    insert(TASK_send_message_sms, NULL, NULL, 0, second);
    insert(TASK_send_message_sms, NULL, NULL, 0, third);
    cr_assert(eq(int, tasks_claim_due(pool, holder, "delivery", 2, tasks, &err), 2));
    task_release(&tasks[1]);
    cr_assert(eq(int, tasks_claim_due(pool, holder, "delivery", 2, tasks + 1, &err), 1));
    cr_expect(eq(str, tasks[1].task_id, third));
    task_release(&tasks[0]);
    task_release(&tasks[1]);
}

Test(tasks, an_unreadable_payload_is_buried_and_the_others_go_on)
{
    char good[UUID_SIZE], bad[UUID_SIZE];
    struct task_ref refs[2] = {{.client_id = CLIENT, .task_id = bad}, {.client_id = CLIENT, .task_id = good}};
    struct task tasks[2];

    insert(TASK_send_message_sms, NULL, NULL, 0, good);
    insert(TASK_send_message_sms, NULL, NULL, 0, bad);
    must(db_run(pool, NULL, NULL, &err, "UPDATE task_payloads SET payload = '{\"message_id\": 5}' WHERE task_id = $1",
                db_text(bad)));
    cr_assert(eq(int, tasks_claim(pool, holder, "delivery", refs, 2, tasks, &err), 1));
    cr_expect(eq(str, tasks[0].task_id, good));
    expect_state(bad, "dead", 1);
    cr_expect(eq(str, (char *)look(bad).error_kind, "invalid"));
    task_release(&tasks[0]);
}

Test(tasks, a_task_of_a_stale_holder_is_orphaned)
{
    char id[UUID_SIZE];
    struct task stale, fresh;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    stale = claimed(id);
    cr_expect(eq(int, claim_as(other, "delivery", id, &fresh), 0));
    must(db_run(pool, NULL, NULL, &err,
                "UPDATE mailboxes SET refreshed_at = now() - interval '7 seconds' WHERE instance = $1",
                db_text(holder)));
    cr_assert(eq(int, claim_as(other, "delivery", id, &fresh), 1));
    cr_expect(eq(int, fresh.attempt, 2));
    cr_expect(eq(int, complete(&stale), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    task_release(&stale);
    task_release(&fresh);
}

Test(tasks, a_task_whose_holder_is_gone_is_orphaned)
{
    char id[UUID_SIZE];
    struct task task;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    task = claimed(id);
    task_release(&task);
    must(db_run(pool, NULL, NULL, &err, "DELETE FROM mailboxes WHERE instance = $1", db_text(holder)));
    cr_assert(eq(int, claim_as(other, "delivery", id, &task), 1));
    task_release(&task);
}

Test(tasks, the_last_attempt_is_not_followed_by_another)
{
    char id[UUID_SIZE];
    struct task task;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    must(db_run(pool, NULL, NULL, &err, "UPDATE tasks SET max_attempts = 1 WHERE task_id = $1", db_text(id)));
    task = claimed(id);
    task_release(&task);
    expire(id);
    cr_expect(eq(int, claim_as(other, "delivery", id, &task), 0));
}

/* ---- ending ---- */

Test(tasks, only_the_latest_attempt_may_complete)
{
    char id[UUID_SIZE];
    struct task stale, fresh;
    struct db_tx *tx;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    stale = claimed(id);
    expire(id);
    fresh = claimed(id);

    tx = db_begin(pool, NULL, &err);
    cr_expect(eq(int, task_still_ours(tx, &stale, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(int, task_still_ours(tx, &fresh, &err), 0));
    cr_expect(eq(int, task_postpone(tx, &stale, 0, "later", &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    db_rollback(&tx);
    cr_expect(eq(int, complete(&stale), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(int, fail_with(&stale, ERR_UNAVAILABLE, 0), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(not(stale.settled));

    cr_expect(eq(int, complete(&fresh), 0), "%s", err.text);
    cr_expect(fresh.settled);
    expect_state(id, "finished", 2);
    cr_expect(eq(int, complete(&fresh), -1));
    task_release(&stale);
    task_release(&fresh);
}

Test(tasks, a_completion_that_is_rolled_back_did_not_happen)
{
    char id[UUID_SIZE];
    struct task task;
    struct db_tx *tx;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    task = claimed(id);
    tx = db_begin(pool, NULL, &err);
    must(task_complete(tx, NULL, &task, &err));
    cr_expect(not(task.settled));
    db_rollback(&tx);
    cr_expect(not(task.settled));
    expect_state(id, "running", 1);
    task_release(&task);
}

Test(tasks, many_are_completed_at_once_without_those_that_are_lost)
{
    char ids[3][UUID_SIZE];
    struct task tasks[3];
    struct task *batch[3] = {&tasks[0], &tasks[1], &tasks[2]};

    for (int i = 0; i < 3; i++) {
        insert(TASK_send_message_sms, NULL, NULL, 0, ids[i]);
        tasks[i] = claimed(ids[i]);
    }
    tasks[1].token--;
    cr_assert(eq(int, tasks_complete_batch(pool, NULL, batch, 3, &err), 2), "%s", err.text);
    cr_expect(tasks[0].settled && !tasks[1].settled && tasks[2].settled);
    expect_state(ids[0], "finished", 1);
    expect_state(ids[1], "running", 1);
    for (int i = 0; i < 3; i++)
        task_release(&tasks[i]);
}

Test(tasks, a_failed_attempt_waits_for_its_backoff)
{
    char id[UUID_SIZE];
    struct task task;
    struct task_info info;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    task = claimed(id);
    must(fail_with(&task, ERR_UNAVAILABLE, 0));
    expect_state(id, "ready", 1);
    info = look(id);
    cr_expect(eq(str, (char *)info.error, "it broke"));
    cr_expect(eq(str, (char *)info.error_kind, "unavailable"));
    cr_expect(gt(i64, info.run_at_us - info.updated_at_us, 1500000)); /* 2 s - 20 % */
    cr_expect(lt(i64, info.run_at_us - info.updated_at_us, 2500000));
    cr_expect(eq(int, claim(id, &(struct task){0}), 0));
    cr_expect(eq(int, complete(&task), -1)); /* it was given up */
    cr_expect(eq(int, err.kind, ERR_CONFLICT));

    must(db_run(pool, NULL, NULL, &err, "UPDATE tasks SET attempt = 10 WHERE task_id = $1", db_text(id)));
    make_due(id);
    task_release(&task);
    task = claimed(id);
    must(fail_with(&task, ERR_UNAVAILABLE, 0));
    info = look(id);
    cr_expect(lt(i64, info.run_at_us - info.updated_at_us, (int64_t)1081 * 1000000)); /* 900 s + 20 % */
    task_release(&task);
}

Test(tasks, a_providers_retry_after_is_honoured)
{
    char id[UUID_SIZE];
    struct task task;
    struct task_info info;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    task = claimed(id);
    must(fail_with(&task, ERR_UNAVAILABLE, 120));
    info = look(id);
    cr_expect(ge(i64, info.run_at_us - info.updated_at_us, (int64_t)120 * 1000000));
    task_release(&task);
}

Test(tasks, what_no_retry_can_heal_is_dead_at_once)
{
    char id[UUID_SIZE];
    struct task task;
    struct err why = {.kind = ERR_DENIED, .provider_code = 21610, .text = "opted out \xff"};

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    task = claimed(id);
    must(task_fail(pool, NULL, &task, &why, &err));
    expect_state(id, "dead", 1);
    cr_expect(eq(str, (char *)look(id).error, "opted out ? (provider code 21610)"));
    task_release(&task);
}

Test(tasks, a_failed_last_attempt_is_dead_and_can_be_tried_again_by_hand)
{
    char id[UUID_SIZE];
    struct task task;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    must(db_run(pool, NULL, NULL, &err, "UPDATE tasks SET max_attempts = 1 WHERE task_id = $1", db_text(id)));
    task = claimed(id);
    cr_expect(eq(int, task_retry(pool, NULL, CLIENT, id, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    must(fail_with(&task, ERR_UNAVAILABLE, 0));
    expect_state(id, "dead", 1);
    task_release(&task);

    cr_expect(eq(int, task_retry(pool, NULL, THING, id, &err), -1)); /* another client's */
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    must(task_retry(pool, NULL, NULL, id, &err));
    task = claimed(id);
    cr_expect(eq(int, task.attempt, 1));
    task_release(&task);
}

Test(tasks, a_postponed_attempt_does_not_count)
{
    char id[UUID_SIZE];
    struct task task;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    must(db_run(pool, NULL, NULL, &err, "UPDATE tasks SET max_attempts = 2 WHERE task_id = $1", db_text(id)));
    for (int i = 0; i < 5; i++) {
        struct db_tx *tx = db_begin(pool, NULL, &err);

        task = claimed(id);
        cr_expect(eq(int, task.attempt, 1));
        must(task_postpone(tx, &task, 0, "quiet hours", &err));
        must(db_commit(&tx, &err));
        cr_expect(task.settled);
        task_release(&task);
        expect_state(id, "ready", 0);
    }
    task = claimed(id);
    must(complete(&task));
    cr_expect(look(id).error == NULL);
    task_release(&task);
}

Test(tasks, a_buried_task_is_dead_with_the_transaction)
{
    char id[UUID_SIZE];
    struct task task;
    struct db_tx *tx;
    struct err why = {.kind = ERR_INVALID, .text = "no such number"};

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    task = claimed(id);
    tx = db_begin(pool, NULL, &err);
    must(task_bury(tx, NULL, &task, &why, &err));
    db_rollback(&tx);
    expect_state(id, "running", 1);
    tx = db_begin(pool, NULL, &err);
    must(task_bury(tx, NULL, &task, &why, &err));
    must(db_commit(&tx, &err));
    expect_state(id, "dead", 1);
    cr_expect(task.settled);
    task_release(&task);
}

/* ---- dedupe and serial keys ---- */

Test(tasks, a_new_key_is_a_key_to_those_who_come_later)
{
    struct send_message send = {.message_id = THING};
    struct task_spec spec = {
        .kind = TASK_send_message_sms, .client_id = CLIENT, .payload = &send, .dedupe_key = "new", .new_key = true};
    char id[UUID_SIZE] = "", second[UUID_SIZE] = "";

    for (int i = 0; i < 2; i++) {
        struct db_tx *tx = db_begin(pool, NULL, &err);

        cr_expect(eq(int, task_insert(tx, NULL, &spec, i ? second : id, &err), 1), "sent ahead");
        cr_expect(eq(int, db_commit(&tx, &err), i ? -1 : 0));
    }
    cr_expect(eq(int, err.kind, ERR_CONFLICT), "it was not new");
    cr_expect(eq(int, insert(TASK_send_message_sms, NULL, "new", 0, second), 0));
    struct task task = claimed(id);
    cr_expect(eq(str, (char *)((const struct send_message *)task.payload)->message_id, THING));
    task_release(&task);
}

Test(tasks, a_dedupe_key_makes_one_task_also_after_it_has_finished)
{
    char id[UUID_SIZE] = "", second[UUID_SIZE] = "";
    struct task task;

    cr_expect(eq(int, insert(TASK_send_message_sms, NULL, "the key", 0, id), 1));
    cr_expect(eq(int, insert(TASK_send_message_sms, NULL, "the key", 0, second), 0));
    cr_expect(eq(str, second, ""));
    task = claimed(id);
    must(complete(&task));
    cr_expect(eq(int, insert(TASK_send_message_sms, NULL, "the key", 0, second), 0));
    cr_expect(eq(int, insert(TASK_send_message_sms, NULL, "another", 0, second), 1));
    task_release(&task);
}

Test(tasks, tasks_of_one_key_run_one_at_a_time_in_order)
{
    char ids[3][UUID_SIZE];
    struct task_ref refs[3];
    struct task task, none[3];

    for (int i = 0; i < 3; i++) {
        insert(TASK_send_message_sms, "conversation", NULL, 0, ids[i]);
        refs[2 - i] = (struct task_ref){.client_id = CLIENT, .task_id = ids[i]}; /* the youngest first */
    }
    for (int i = 0; i < 3; i++) {
        cr_assert(eq(int, tasks_claim(pool, holder, "delivery", refs, 3, &task, &err), 1), "%s", err.text);
        cr_expect(eq(str, task.task_id, ids[i]));
        cr_expect(eq(int, tasks_claim(pool, other, "delivery", refs, 3, none, &err), 0));
        cr_expect(eq(int, tasks_claim_due(pool, other, "delivery", 3, none, &err), 0));
        must(complete(&task));
        task_release(&task);
    }
}

Test(tasks, a_key_stays_closed_while_its_first_task_waits_and_opens_when_that_is_dead)
{
    char first[UUID_SIZE], second[UUID_SIZE];
    struct task task, none;

    insert(TASK_send_message_sms, "conversation", NULL, 0, first);
    insert(TASK_send_message_sms, "conversation", NULL, 0, second);
    task = claimed(first);
    must(fail_with(&task, ERR_UNAVAILABLE, 0));
    task_release(&task);
    cr_expect(eq(int, claim(second, &none), 0));
    make_due(first);
    task = claimed(first);
    must(fail_with(&task, ERR_INVALID, 0));
    task_release(&task);
    task = claimed(second);
    task_release(&task);
}

/* Two processes whose clocks differ made them: the second one's id sorts before the first one's. */
Test(tasks, an_orphan_goes_on_before_a_task_of_its_key_that_has_not_begun)
{
    static const char early[] = "00000000-0000-7000-8000-000000000001";
    char first[UUID_SIZE], second[UUID_SIZE];
    struct task task, none;

    insert(TASK_send_message_sms, "conversation", NULL, 0, first);
    task = claimed(first);
    task_release(&task);
    insert(TASK_send_message_sms, "conversation", NULL, 0, second);
    must(db_run(pool, NULL, NULL, &err, "UPDATE tasks SET task_id = $2 WHERE task_id = $1", db_text(second),
                db_text(early)));
    must(db_run(pool, NULL, NULL, &err, "UPDATE task_payloads SET task_id = $2 WHERE task_id = $1", db_text(second),
                db_text(early)));
    cr_expect(eq(int, claim(early, &none), 0));
    expire(first);
    cr_expect(eq(int, claim(early, &none), 0));
    cr_assert(eq(int, claim(first, &task), 1));
    must(complete(&task));
    task_release(&task);
    task = claimed(early);
    task_release(&task);
}

Test(tasks, an_outage_of_six_hours_does_not_exhaust_a_task)
{
    static const char *const kinds[] = {TASK_send_message_sms, TASK_bulk_ingest_faqs};

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const struct task_kind *kind = task_kind_find(kinds[i]);
        int64_t total_s = 0, wait_s = kind->backoff_s;

        for (int attempt = 1; attempt < kind->max_attempts; attempt++) {
            total_s += wait_s * 8 / 10; /* the shortest that jitter makes it */
            wait_s = wait_s * 2 < 900 ? wait_s * 2 : 900;
        }
        cr_expect(gt(i64, total_s, 9 * 3600), "%s", kinds[i]);
    }
}

struct racer {
    pthread_t thread;
    const char *instance;
    struct task_ref refs[40];
    struct task tasks[40];
    int claimed;
};

static void *race(void *arg)
{
    struct racer *self = arg;

    self->claimed = tasks_claim(pool, self->instance, "delivery", self->refs, 40, self->tasks, NULL);
    return NULL;
}

Test(tasks, claims_at_the_same_time_share_the_tasks)
{
    char ids[40][UUID_SIZE];
    struct racer racers[4] = {{.instance = holder}, {.instance = other}, {.instance = holder}, {.instance = other}};
    int total = 0;

    for (int i = 0; i < 40; i++) {
        char key[16];

        snprintf(key, sizeof key, "key %d", i / 2);
        insert(TASK_send_message_sms, key, NULL, 0, ids[i]);
        for (int r = 0; r < 4; r++)
            racers[r].refs[r % 2 ? i : 39 - i] = (struct task_ref){.client_id = CLIENT, .task_id = ids[i]};
    }
    for (int r = 0; r < 4; r++)
        cr_assert(pthread_create(&racers[r].thread, NULL, race, &racers[r]) == 0);
    for (int r = 0; r < 4; r++) {
        pthread_join(racers[r].thread, NULL);
        cr_expect(ge(int, racers[r].claimed, 0));
        total += racers[r].claimed;
        for (int i = 0; i < racers[r].claimed; i++)
            task_release(&racers[r].tasks[i]);
    }
    cr_expect(eq(int, total, 20)); /* the first of each key */
}

/* Claims x, z and y on a connection of its own: z fails because of another of its key, so that each is claimed alone.
 */
struct unlucky {
    pthread_t thread;
    struct db_pool *pool;
    char x[UUID_SIZE], z[UUID_SIZE], y[UUID_SIZE];
    struct task tasks[3];
    struct err why;
    int claimed;
};

static void *claim_three(void *arg)
{
    struct unlucky *self = arg;
    struct task_ref refs[3] = {{CLIENT, self->x}, {CLIENT, self->z}, {CLIENT, self->y}};

    self->claimed = tasks_claim(self->pool, holder, "delivery", refs, 3, self->tasks, &self->why);
    return NULL;
}

static void slow_down(struct db_pool *root, const char *task_id)
{
    struct db_tx *tx = db_begin(root, NULL, &err);
    char text[400];

    snprintf(text, sizeof text,
             "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
             " 'BEGIN PERFORM pg_sleep(1); RETURN NEW; END';"
             "CREATE OR REPLACE TRIGGER slow BEFORE UPDATE ON tasks FOR EACH ROW WHEN (NEW.task_id = '%s')"
             " EXECUTE FUNCTION slow()",
             task_id);
    cr_assert(tx != NULL, "%s", err.text);
    must(db_script(tx, text, &err));
    must(db_commit(&tx, &err));
}

static bool exists(struct db_pool *root, const char *query, const char *id)
{
    int n = db_run_args(root, NULL, NULL, &err, query, (struct db_arg[]){db_text(id)}, 1);

    must(n);
    return n > 0;
}

Test(tasks, a_claim_without_an_answer_is_told_even_if_others_had_one)
{
    struct dbproxy *proxy = dbproxy_new(testdb_url());
    struct unlucky unlucky = {.pool = db_pool_new(dbproxy_url(proxy), "leadwire_scheduler", 1, &err)};
    struct db_pool *root = db_pool_new(testdb_url(), NULL, 1, &err); /* who may see what others wait for */
    char rival[UUID_SIZE];
    struct db_tx *tx;
    struct task task;

    insert(TASK_send_message_sms, NULL, NULL, 0, unlucky.x);
    insert(TASK_send_message_sms, NULL, NULL, 0, unlucky.y);
    insert(TASK_send_message_sms, "key", NULL, 0, unlucky.z);
    insert(TASK_send_message_sms, "key", NULL, 0, rival);
    slow_down(root, unlucky.y);
    tx = db_begin(pool, NULL, &err);
    must(db_query(tx, NULL, &err, "UPDATE tasks SET state = 'running', instance = $2 WHERE task_id = $1",
                  db_text(rival), db_text(other)));
    cr_assert(pthread_create(&unlucky.thread, NULL, claim_three, &unlucky) == 0);
    while (!exists(root,
                   "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                   "   AND $1 <> ''",
                   rival))
        usleep(10000);
    must(db_commit(&tx, &err));
    while (!exists(root, "SELECT FROM tasks WHERE task_id = $1 AND state = 'running'", unlucky.x))
        usleep(10000);
    dbproxy_drop_next_answer(proxy);
    pthread_join(unlucky.thread, NULL);
    cr_expect(eq(int, unlucky.claimed, -1));
    cr_expect(eq(int, unlucky.why.kind, ERR_UNCERTAIN), "%s", unlucky.why.text);

    cr_expect(ge(int, tasks_give_back_except(pool, holder, NULL, 0, &err), 1));
    cr_assert(eq(int, claim_as(other, "delivery", unlucky.x, &task), 1));
    cr_expect(eq(int, task.attempt, 1));
    task_release(&task);
    db_pool_destroy(&unlucky.pool);
    db_pool_destroy(&root);
    dbproxy_destroy(proxy);
}

/* ---- answers: one ready at a time ---- */

Test(tasks, a_ready_answer_covers_the_next_message)
{
    char first[UUID_SIZE], second[UUID_SIZE] = "";
    struct task task;

    cr_expect(eq(int, insert(TASK_process_ai_response, "c", NULL, 0, first), 1));
    cr_expect(eq(int, insert(TASK_process_ai_response, "c", NULL, 0, second), 0));
    task = claimed_answer(first);
    cr_expect(eq(int, insert(TASK_process_ai_response, "c", NULL, 0, second), 1));
    cr_expect(eq(int, claim_as(other, "orchestrator", second, &(struct task){0}), 0));
    must(complete(&task));
    task_release(&task);
    task = claimed_answer(second);
    task_release(&task);
}

/* Otherwise the answer could be claimed, read the conversation without the new message, and leave it unanswered. */
Test(tasks, a_ready_answer_cannot_be_claimed_until_the_message_it_covers_is_visible)
{
    char id[UUID_SIZE];
    struct task task;
    struct db_tx *tx;
    struct task_spec spec = {.kind = TASK_process_ai_response,
                             .client_id = CLIENT,
                             .serial_key = "c",
                             .payload = &(struct process_ai_response){.conversation_id = THING}};

    insert(TASK_process_ai_response, "c", NULL, 0, id);
    tx = db_begin(pool, NULL, &err);
    cr_expect(eq(int, task_insert(tx, NULL, &spec, NULL, &err), 0));
    cr_expect(eq(int, claim_as(holder, "orchestrator", id, &task), 0));
    must(db_commit(&tx, &err));
    task = claimed_answer(id);
    task_release(&task);
}

Test(tasks, a_failed_answer_is_superseded_by_one_that_is_ready)
{
    char first[UUID_SIZE], second[UUID_SIZE];
    struct task task;

    insert(TASK_process_ai_response, "c", NULL, 0, first);
    task = claimed_answer(first);
    insert(TASK_process_ai_response, "c", NULL, 0, second);
    must(fail_with(&task, ERR_UNAVAILABLE, 0));
    expect_state(first, "finished", 1);
    cr_expect(strstr(look(first).error, "superseded") != NULL);
    task_release(&task);
    task = claimed_answer(second);
    task_release(&task);
}

Test(tasks, a_postponed_answer_is_superseded_by_one_that_is_ready)
{
    char first[UUID_SIZE], second[UUID_SIZE];
    struct task task;
    struct db_tx *tx;

    insert(TASK_process_ai_response, "c", NULL, 0, first);
    task = claimed_answer(first);
    insert(TASK_process_ai_response, "c", NULL, 0, second);
    tx = db_begin(pool, NULL, &err);
    must(task_postpone(tx, &task, 1000, "more may come", &err));
    must(db_commit(&tx, &err));
    cr_expect(task.settled);
    expect_state(first, "finished", 1);
    task_release(&task);
    task = claimed_answer(second);
    task_release(&task);
}

Test(tasks, a_dead_answer_is_not_retried_beside_one_that_is_ready)
{
    char first[UUID_SIZE], second[UUID_SIZE];
    struct task task;

    insert(TASK_process_ai_response, "c", NULL, 0, first);
    task = claimed_answer(first);
    must(fail_with(&task, ERR_INVALID, 0));
    insert(TASK_process_ai_response, "c", NULL, 0, second);
    cr_expect(eq(int, task_retry(pool, NULL, CLIENT, first, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    task_release(&task);
}

/* ---- for the operator ---- */

Test(tasks, lists_page_from_the_newest)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 20);
    char ids[3][UUID_SIZE];
    struct task_filter filter = {.client_id = CLIENT, .state = "ready", .limit = 2};
    struct task_info *items;
    struct task task;

    for (int i = 0; i < 3; i++)
        insert(TASK_send_message_sms, NULL, NULL, 0, ids[i]);
    cr_assert(eq(int, task_list(pool, &filter, arena, &items, &err), 2), "%s", err.text);
    cr_expect(eq(str, (char *)items[0].task_id, ids[2]));
    cr_expect(eq(str, (char *)items[0].trace_id, "trace"));
    filter.after = items[1].task_id;
    cr_assert(eq(int, task_list(pool, &filter, arena, &items, &err), 1));
    cr_expect(eq(str, (char *)items[0].task_id, ids[0]));

    filter = (struct task_filter){.kind = TASK_process_ai_response, .limit = 10};
    cr_expect(eq(int, task_list(pool, &filter, arena, &items, &err), 0));
    task = claimed(ids[1]);
    must(complete(&task));
    task_release(&task);
    filter = (struct task_filter){.state = "finished", .limit = 10};
    cr_assert(eq(int, task_list(pool, &filter, arena, &items, &err), 1));
    cr_expect(eq(str, (char *)items[0].state, "finished"));
    filter.limit = 0;
    cr_expect(eq(int, task_list(pool, &filter, arena, &items, &err), -1));
}

Test(tasks, connections_killed_between_claims_lose_nothing)
{
    char id[UUID_SIZE];
    struct task task;

    insert(TASK_send_message_sms, NULL, NULL, 0, id);
    {
        AUTO(db_pool_destroy) struct db_pool *killer = db_pool_new(testdb_url(), NULL, 1, &err);

        must(db_run(killer, NULL, NULL, &err,
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"));
    }
    task = claimed(id);
    sql("SELECT 1");
    must(complete(&task));
    task_release(&task);
}

/* test_task_lanes.c - tasks with a lane are begun in order and no faster than the lane's rate, by all claimers
 * together. Times are those of the database. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/task_sweep.h"
#include "libshared/tasks.h"
#include "proto/envelope.h"
#include "proto/tasks.h"
#include "testdb.h"

#define CLIENT "0192f000-0000-7000-8000-00000000000a"
#define THING  "0192f000-0000-7000-8000-0000000000ff"
#define LANE   "sms:+15550100000"
#define OTHER  "sms:+15550100001"
#define MANY   100

#define ONE_A_SECOND "{\"long_code\": 1}"
#define NO_LIMIT     "{\"long_code\": 0}"

static struct db_pool *pool, *root;
static struct err err;
static char holder[UUID_SIZE], other[UUID_SIZE];
static struct lane_news news; /* of the last claim */
static const char *rates;

static void must(int result)
{
    cr_assert(result >= 0, "%s", err.text);
}

static void sql(const char *text)
{
    must(db_run_args(root, NULL, NULL, &err, text, NULL, 0));
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
    root = db_pool_new(testdb_url(), NULL, 2, &err);
    pool = db_pool_new(testdb_url(), "leadwire_delivery", 4, &err);
    cr_assert(root && pool, "%s", err.text);
    be_alive(holder);
    be_alive(other);
    rates = ONE_A_SECOND;
}

static void close_database(void)
{
    db_pool_destroy(&pool);
    db_pool_destroy(&root);
}

TestSuite(task_lanes, .init = open_database, .fini = close_database, .timeout = 60);

/* ---- helpers ---- */

static void insert_spec(struct task_spec spec, char ret_id[UUID_SIZE])
{
    struct db_tx *tx = db_begin(pool, NULL, &err);

    spec.kind = spec.kind ? spec.kind : TASK_send_message_sms;
    spec.client_id = CLIENT;
    spec.payload = &(struct send_message){.message_id = THING};
    cr_assert(tx != NULL, "%s", err.text);
    must(task_insert(tx, NULL, &spec, ret_id, &err));
    must(db_commit(&tx, &err));
}

static void insert(const char *lane, char ret_id[UUID_SIZE])
{
    insert_spec((struct task_spec){.lane = lane}, ret_id);
}

/* n tasks in each of n_lanes lanes, sms:+1555020 and four digits. */
static void insert_backlog(int n_lanes, int n)
{
    must(db_run(root, NULL, NULL, &err,
                "WITH task AS ("
                "    INSERT INTO tasks (client_id, task_id, kind, role, max_attempts, deadline_s, lane)"
                "    SELECT $1, gen_random_uuid(), 'send_message_sms', 'delivery', 60, 90,"
                "           'sms:+1555020' || lpad(l::text, 4, '0')"
                "      FROM generate_series(1, $2::integer) l, generate_series(1, $3::integer)"
                "    RETURNING task_id)"
                "INSERT INTO task_payloads (client_id, task_id, payload)"
                "SELECT $1, task_id, jsonb_build_object('message_id', $1::text) FROM task",
                db_text(CLIENT), db_int(n_lanes), db_int(n)));
}

static int claim(struct lane_claim claim, struct task *ret_tasks)
{
    int n;

    claim.instance = claim.instance ? claim.instance : holder;
    claim.role = "delivery";
    claim.rates = rates;
    must(n = tasks_claim_lanes(pool, &claim, ret_tasks, &news, &err));
    return n;
}

/* Claims and lets go; how many there were. */
static int count_claimed(struct lane_claim what)
{
    struct task tasks[2 * MANY];
    int n = claim(what, tasks);

    for (int i = 0; i < n; i++)
        task_release(&tasks[i]);
    return n;
}

static int look(void)
{
    return count_claimed((struct lane_claim){.want = MANY, .look = true});
}

static int hear(const char *id)
{
    return count_claimed((struct lane_claim){.want = MANY,
                                             .heard = &(struct task_ref){.client_id = CLIENT, .task_id = (char *)id},
                                             .n_heard = 1});
}

static int claim_by_id(const char *instance, const char *id, struct task *ret_task)
{
    int n = tasks_claim(pool, instance, "delivery", &(struct task_ref){.client_id = CLIENT, .task_id = (char *)id}, 1,
                        ret_task, &err);

    must(n);
    return n;
}

static struct db_result *row(const char *query, const char *arg)
{
    struct db_result *rows = NULL;

    cr_assert(eq(int, db_run_args(root, NULL, &rows, &err, query, (struct db_arg[]){db_text(arg)}, 1), 1), "%s: %s",
              query, err.text);
    return rows;
}

static bool is_true(const char *query, const char *arg)
{
    AUTO(db_result_free) struct db_result *rows = row(query, arg);

    return db_get_bool(rows, 0, "is");
}

static bool lane_is(const char *lane, const char *class, const char *account)
{
    AUTO(db_result_free) struct db_result *rows = row("SELECT * FROM task_lanes WHERE lane = $1", lane);

    cr_expect(eq(str, (char *)db_get(rows, 0, "class"), (char *)class), "%s", lane);
    cr_expect(eq(str, (char *)db_get(rows, 0, "account"), (char *)account), "%s", lane);
    return !db_get_bool(rows, 0, "stale");
}

static void set_config(const char *json)
{
    must(db_run(root, NULL, NULL, &err,
                "INSERT INTO clients (client_id, name, config) VALUES ($1, 'Ada', $2::jsonb)"
                " ON CONFLICT (client_id) DO UPDATE SET config = excluded.config",
                db_text(CLIENT), db_text(json)));
}

static void wind_back(void)
{
    sql("UPDATE task_lanes SET next_at = next_at - interval '1 second', ready_at = ready_at - interval '1 second'");
}

static void complete(struct task *task)
{
    must(tasks_complete_batch(pool, NULL, &task, 1, &err));
    task_release(task);
}

/* ---- what is claimed ---- */

Test(task_lanes, a_claim_brings_the_task_with_its_payload)
{
    char id[UUID_SIZE];
    struct task task;
    struct task_ref ref = {.client_id = CLIENT, .task_id = id};

    insert_spec((struct task_spec){.lane = LANE, .trace_id = "trace"}, id);
    cr_assert(eq(int, claim((struct lane_claim){.want = 1, .heard = &ref, .n_heard = 1}, &task), 1));
    cr_expect(eq(str, task.task_id, id));
    cr_expect(eq(str, task.client_id, CLIENT));
    cr_expect(eq(str, task.trace_id, "trace"));
    cr_expect(eq(int, task.attempt, 1));
    cr_expect(gt(i64, task.token, 0));
    cr_expect(gt(i64, task.created_at_us, 1700000000000000));
    cr_expect(eq(str, (char *)((const struct send_message *)task.payload)->message_id, THING));
    cr_expect(not(news.missed));
    cr_expect(not(news.others));
    complete(&task);
}

Test(task_lanes, a_lane_keeps_the_order)
{
    char ids[4][UUID_SIZE];
    struct task tasks[4];

    rates = NO_LIMIT;
    for (int i = 0; i < 4; i++)
        insert(LANE, ids[i]);
    must(db_run(root, NULL, NULL, &err, "UPDATE tasks SET run_at = run_at - interval '1 hour' WHERE task_id = $1",
                db_text(ids[2])));
    cr_assert(eq(int, claim((struct lane_claim){.want = 2, .look = true}, tasks), 2));
    cr_expect(eq(str, tasks[0].task_id, ids[2]));
    cr_expect(eq(str, tasks[1].task_id, ids[0]));
    cr_assert(eq(int, claim((struct lane_claim){.want = 4}, tasks + 2), 2));
    cr_expect(eq(str, tasks[2].task_id, ids[1]));
    cr_expect(eq(str, tasks[3].task_id, ids[3]));
    for (int i = 0; i < 4; i++)
        task_release(&tasks[i]);
}

Test(task_lanes, tasks_of_a_serial_key_are_claimed_one_at_a_time)
{
    char ids[3][UUID_SIZE];
    struct task first, second;

    rates = NO_LIMIT;
    insert_spec((struct task_spec){.lane = LANE, .serial_key = "send:1"}, ids[0]);
    insert_spec((struct task_spec){.lane = LANE, .serial_key = "send:1"}, ids[1]);
    insert_spec((struct task_spec){.lane = LANE, .serial_key = "send:2"}, ids[2]);
    cr_assert(eq(int, claim((struct lane_claim){.want = 1, .look = true}, &first), 1));
    cr_expect(eq(str, first.task_id, ids[0]));
    cr_assert(eq(int, claim((struct lane_claim){.want = MANY}, &second), 1));
    cr_expect(eq(str, second.task_id, ids[2]));
    cr_expect(eq(int, look(), 0));
    cr_expect(eq(int, news.next_ms, 1000), "nothing is to be expected of a lane whose tasks wait for others");
    complete(&first);
    complete(&second);
    cr_expect(eq(int, hear(ids[1]), 1));
}

Test(task_lanes, a_newer_versions_kinds_stay_for_it)
{
    insert(LANE, (char[UUID_SIZE]){0});
    sql("UPDATE tasks SET kind = 'of_a_newer_version'");
    cr_expect(eq(int, look(), 0));
}

Test(task_lanes, other_claims_and_the_sweep_leave_ready_tasks_with_a_lane_alone)
{
    char id[UUID_SIZE];
    struct task_cursor cursor = {0};
    struct task_sweep_item items[2];
    struct task task;

    insert(LANE, id);
    sql("UPDATE tasks SET run_at = run_at - interval '1 minute', updated_at = updated_at - interval '2 minutes'");
    cr_expect(eq(int, claim_by_id(holder, id, &task), 0));
    cr_expect(eq(int, tasks_claim_due(pool, holder, "delivery", 1, &task, &err), 0));
    cr_expect(eq(int, task_sweep_page(root, &cursor, items, 2, &err), 0));
    cr_expect(eq(int, hear(id), 1));
}

Test(task_lanes, a_task_without_a_lane_is_left_to_the_other_claims)
{
    char id[UUID_SIZE];
    struct task task;

    insert(NULL, id);
    cr_expect(eq(int, hear(id), 0));
    cr_expect(news.others);
    cr_assert(eq(int, claim_by_id(holder, id, &task), 1));
    task_release(&task);
}

/* ---- the rate ---- */

Test(task_lanes, a_lane_of_one_a_second_gives_one_a_second)
{
    for (int i = 0; i < 3; i++)
        insert(LANE, (char[UUID_SIZE]){0});
    cr_expect(eq(int, look(), 1));
    cr_expect(gt(int, news.next_ms, 700));
    cr_expect(le(int, news.next_ms, 1000));
    cr_expect(eq(int, look(), 0));
    wind_back();
    cr_expect(eq(int, count_claimed((struct lane_claim){.want = MANY}), 1));
}

Test(task_lanes, what_was_not_used_is_not_saved_up)
{
    for (int i = 0; i < 30; i++)
        insert(LANE, (char[UUID_SIZE]){0});
    rates = "{\"long_code\": 20}";
    cr_expect(eq(int, look(), 3)); /* one now and two for the 100 ms of slack */
    sql("UPDATE task_lanes SET next_at = now() - interval '1 hour', ready_at = now()");
    cr_expect(le(int, count_claimed((struct lane_claim){.want = MANY}), 3));
}

Test(task_lanes, a_late_claim_does_not_lower_the_average)
{
    for (int i = 0; i < 2; i++)
        insert(LANE, (char[UUID_SIZE]){0});
    cr_expect(eq(int, look(), 1));
    sql("UPDATE task_lanes SET next_at = now() - interval '60 milliseconds', ready_at = now()");
    cr_expect(eq(int, count_claimed((struct lane_claim){.want = MANY}), 1));
    cr_expect(is_true("SELECT next_at - (SELECT max(updated_at) FROM tasks WHERE state = 'running')"
                      "       BETWEEN interval '0.9 seconds' AND interval '0.941 seconds' AS is"
                      "  FROM task_lanes WHERE lane = $1",
                      LANE));
}

Test(task_lanes, a_text_of_three_segments_takes_three_seconds)
{
    insert_spec((struct task_spec){.lane = LANE, .lane_units = 3}, NULL);
    insert(LANE, (char[UUID_SIZE]){0});
    cr_expect(eq(int, look(), 1));
    wind_back();
    wind_back();
    cr_expect(eq(int, look(), 0));
    wind_back();
    cr_expect(eq(int, look(), 1));
}

Test(task_lanes, without_a_limit_all_go_at_once)
{
    rates = NO_LIMIT;
    insert_backlog(1, 90);
    cr_expect(eq(int, look(), 90));
}

Test(task_lanes, a_lane_with_a_backlog_and_no_limit_does_not_hold_up_another)
{
    char id[UUID_SIZE];
    struct task task;
    int before = 0;

    rates = NO_LIMIT;
    insert_backlog(1, 20);
    insert(OTHER, id);
    cr_expect(eq(int, count_claimed((struct lane_claim){.look = true}), 0));
    for (; before < 20; before++) {
        bool found;

        cr_assert(eq(int, claim((struct lane_claim){.want = 1}, &task), 1));
        found = strcmp(task.task_id, id) == 0;
        task_release(&task);
        if (found)
            break;
    }
    cr_expect(le(int, before, 2));
}

struct claimer {
    pthread_t thread;
    const char *instance;
    int end_ms; /* from its beginning */
    int claims, tasks;
};

/* As the dispatcher does. */
static void *claim_for_a_while(void *arg)
{
    struct claimer *self = arg;
    struct task tasks[MANY];
    struct err problem = {0};
    struct lane_news told = {0};

    for (int ms = 0; ms < self->end_ms;) {
        struct lane_claim what = {.instance = self->instance,
                                  .role = "delivery",
                                  .rates = "{\"long_code\": 5}",
                                  .want = MANY,
                                  .look = self->claims == 0};
        int n = tasks_claim_lanes(pool, &what, tasks, &told, &problem);

        cr_assert(ge(int, n, 0), "%s", problem.text);
        for (int i = 0; i < n; i++)
            task_release(&tasks[i]);
        self->claims++;
        self->tasks += n;
        usleep((useconds_t)(told.next_ms < 5 ? 5 : told.next_ms) * 1000);
        ms += told.next_ms < 5 ? 5 : told.next_ms;
    }
    return NULL;
}

Test(task_lanes, two_claimers_keep_the_rate_of_each_lane_together)
{
    struct claimer claimers[2] = {{.instance = holder, .end_ms = 2000}, {.instance = other, .end_ms = 2000}};

    insert_backlog(60, 30);
    for (int i = 0; i < 2; i++)
        cr_assert(pthread_create(&claimers[i].thread, NULL, claim_for_a_while, &claimers[i]) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(claimers[i].thread, NULL);

    /* updated_at is when it was claimed. Never faster than 5 a second, but for the slack. */
    cr_expect(
        is_true("SELECT bool_and(t - first >= (nth - 1) * interval '200 milliseconds' - interval '101 milliseconds')"
                "       AND $1 <> '' AS is FROM ("
                "    SELECT updated_at AS t, min(updated_at) OVER (PARTITION BY lane) AS first,"
                "           row_number() OVER (PARTITION BY lane ORDER BY updated_at) AS nth"
                "      FROM tasks WHERE state = 'running') claimed",
                "?"));
    /* And not much slower: how long it lasted is measured, as the machine may be busy. */
    cr_expect(is_true("SELECT min(n) >= floor(5 * lasted_s * 0.9) AND count(*) = 60 AND $1 <> '' AS is FROM ("
                      "    SELECT count(*) AS n, (SELECT extract(epoch FROM max(updated_at) - min(updated_at))"
                      "                             FROM tasks WHERE state = 'running') AS lasted_s"
                      "      FROM tasks WHERE state = 'running' GROUP BY lane) lanes GROUP BY lasted_s",
                      "?"));
    cr_expect(is_true("SELECT count(*) = $1::bigint AS is FROM tasks WHERE state = 'running' AND attempt = 1", ({
                          static char total[16];
                          snprintf(total, sizeof total, "%d", claimers[0].tasks + claimers[1].tasks);
                          total;
                      })));
}

/* ---- whose lane it is ---- */

Test(task_lanes, the_sender_tells_the_class)
{
    static const char *const classes[][2] = {
        {"sms:+15550100000", "long_code"},
        {"sms:+447700900123", "long_code"},
        {"sms:+18005550100", "toll_free"},
        {"sms:+18335550100", "toll_free"},
        {"sms:+18445550100", "toll_free"},
        {"sms:+18555550100", "toll_free"},
        {"sms:+18665550100", "toll_free"},
        {"sms:+18775550100", "toll_free"},
        {"sms:+18885550100", "toll_free"},
        {"sms:+18995550100", "long_code"},
        {"sms:+180055501001", "long_code"},
        {"sms:12345", "short_code"},
        {"sms:123456", "short_code"},
        {"sms:+1234567", "long_code"},
        {"voice:+18005550100", "voice"},
        {"whatsapp:+18005550100", "whatsapp"},
        {"sms:MG00112233445566778899aabbccddeeff", "service"},
    };

    for (size_t i = 0; i < COUNT_OF(classes); i++)
        insert(classes[i][0], (char[UUID_SIZE]){0});
    look();
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        cr_expect(lane_is(classes[i][0], classes[i][1], "twilio"));
}

Test(task_lanes, the_settings_name_the_rate_of_each_class)
{
    struct config config = {.long_code_per_s = 1,
                            .toll_free_per_s = 10,
                            .short_code_per_s = 100,
                            .service_per_s = 11,
                            .whatsapp_per_s = 80,
                            .calls_per_s = 2};
    char text[LANE_RATES_SIZE];

    lane_rates(&config, text);
    cr_expect(is_true("SELECT $1::jsonb = '{\"long_code\": 1, \"toll_free\": 10, \"short_code\": 100, \"service\": 11,"
                      "                      \"whatsapp\": 80, \"voice\": 2}'::jsonb AS is",
                      text));
}

Test(task_lanes, a_client_has_its_own_rate_and_account)
{
    set_config("{\"twilio_account_sid\": \"AC1\", \"twilio_messages_per_second\": 20}");
    for (int i = 0; i < 10; i++)
        insert(LANE, (char[UUID_SIZE]){0});
    insert("voice:+15550100000", (char[UUID_SIZE]){0});
    rates = "{\"long_code\": 1, \"voice\": 1}";
    cr_expect(eq(int, look(), 4)); /* three texts, as at 20 a second, and a call */
    cr_expect(lane_is(LANE, "long_code", "twilio:" CLIENT));
    cr_expect(is_true("SELECT per_second IS NULL AS is FROM task_lanes WHERE lane = $1", "voice:+15550100000"));
}

Test(task_lanes, a_stale_lane_reads_the_clients_configuration_again)
{
    set_config("{}");
    for (int i = 0; i < 3; i++)
        insert(LANE, (char[UUID_SIZE]){0});
    cr_expect(eq(int, look(), 1));
    cr_expect(lane_is(LANE, "long_code", "twilio"));
    set_config("{\"twilio_account_sid\": \"AC1\", \"twilio_messages_per_second\": 2}");
    sql("UPDATE task_lanes SET stale = true");
    wind_back();
    cr_expect(eq(int, look(), 1));
    cr_expect(lane_is(LANE, "long_code", "twilio:" CLIENT));
    cr_expect(is_true("SELECT per_second = 2 AS is FROM task_lanes WHERE lane = $1", LANE));
    cr_expect(le(int, news.next_ms, 500));
}

Test(task_lanes, no_lane_of_a_paused_account_gives_anything_until_it_goes_on)
{
    char id[UUID_SIZE];

    insert("sms:+15550100009", (char[UUID_SIZE]){0});
    cr_expect(eq(int, look(), 1));
    sql("INSERT INTO provider_accounts (account, paused_until) VALUES ('twilio', now() + interval '1 minute')");
    insert(LANE, id);
    cr_expect(eq(int, hear(id), 0));
    cr_expect(eq(int, look(), 0));
    cr_expect(eq(int, news.next_ms, 1000));
    sql("UPDATE provider_accounts SET paused_until = now() + interval '400 milliseconds'");
    cr_expect(eq(int, look(), 0));
    cr_expect(le(int, news.next_ms, 400));
    sql("UPDATE provider_accounts SET paused_until = 'infinity'");
    cr_expect(eq(int, look(), 0));
    sql("UPDATE provider_accounts SET paused_until = '-infinity'");
    cr_expect(eq(int, look(), 1));
}

Test(task_lanes, a_pause_holds_its_own_account_alone)
{
    insert(LANE, (char[UUID_SIZE]){0});
    sql("INSERT INTO provider_accounts (account, paused_until) VALUES ('twilio:" CLIENT "', 'infinity')");
    cr_expect(eq(int, look(), 1));
}

/* What the former owner left in the lane is the first, and its account may never be let in again. */
Test(task_lanes, a_number_that_has_moved_does_not_wait_for_its_former_owners_account)
{
    set_config("{\"twilio_account_sid\": \"AC1\"}");
    insert(LANE, (char[UUID_SIZE]){0});
    cr_expect(eq(int, look(), 1));
    sql("INSERT INTO provider_accounts (account, paused_until) VALUES ('twilio:" CLIENT "', 'infinity')");
    insert(LANE, (char[UUID_SIZE]){0});
    wind_back();
    cr_expect(eq(int, look(), 0));
    sql("INSERT INTO clients (client_id, name) VALUES ('" THING "', 'the new owner')");
    sql("INSERT INTO client_numbers (client_id, channel, number) VALUES ('" THING "', 'sms', substr('" LANE "', 5))");
    sql("UPDATE task_lanes SET stale = true");
    cr_expect(le(int, look(), 1)); /* reads it again */
    cr_expect(lane_is(LANE, "long_code", "twilio"));
    wind_back();
    look();
    cr_expect(is_true("SELECT NOT EXISTS (SELECT FROM tasks WHERE lane = $1 AND state = 'ready') AS is", LANE));
}

/* ---- when to come back ---- */

Test(task_lanes, it_is_told_when_the_next_can_begin)
{
    char ids[2][UUID_SIZE];

    cr_expect(eq(int, look(), 0));
    cr_expect(eq(int, news.next_ms, 1000));
    insert_spec((struct task_spec){.lane = LANE, .delay_ms = 60000}, ids[0]);
    insert_spec((struct task_spec){.lane = OTHER, .delay_ms = 60000}, ids[1]);
    must(db_run(root, NULL, NULL, &err, "UPDATE tasks SET run_at = now() + interval '300 ms' WHERE task_id = $1",
                db_text(ids[0])));
    cr_expect(eq(int, look(), 0));
    cr_expect(gt(int, news.next_ms, 0));
    cr_expect(le(int, news.next_ms, 300));
    usleep(310000);
    cr_expect(eq(int, count_claimed((struct lane_claim){.want = MANY}), 1), "without a look: its time is known");
    cr_expect(eq(int, news.next_ms, 1000));
}

Test(task_lanes, a_retry_waits_in_its_lane)
{
    char id[UUID_SIZE];
    struct task task;

    insert(LANE, id);
    cr_assert(eq(int, claim((struct lane_claim){.want = 1, .look = true}, &task), 1));
    must(task_fail(pool, NULL, &task, &(struct err){.kind = ERR_UNAVAILABLE, .text = "it broke"}, &err));
    task_release(&task);
    must(db_run(root, NULL, NULL, &err, "UPDATE tasks SET run_at = now() + interval '1.2 s' WHERE task_id = $1",
                db_text(id)));
    cr_expect(eq(int, look(), 0));
    usleep(300000);
    cr_expect(eq(int, count_claimed((struct lane_claim){.want = MANY}), 0));
    cr_expect(lt(int, news.next_ms, 1000));
    usleep(950000);
    cr_assert(eq(int, claim((struct lane_claim){.want = 1}, &task), 1));
    cr_expect(eq(int, task.attempt, 2));
    task_release(&task);
}

Test(task_lanes, a_task_whose_push_was_lost_is_found_by_a_look)
{
    char id[UUID_SIZE];

    insert(LANE, id);
    cr_expect(eq(int, count_claimed((struct lane_claim){.want = MANY}), 0));
    cr_expect(eq(int, look(), 1));
    insert(OTHER, id);
    cr_expect(eq(int, hear(id), 1));
    sql("UPDATE task_lanes SET next_at = '-infinity'");
    insert(OTHER, id);
    cr_expect(eq(int, count_claimed((struct lane_claim){.want = MANY}), 0));
    cr_expect(eq(int, look(), 1));
}

Test(task_lanes, what_is_heard_while_nobody_is_free_is_remembered)
{
    char id[UUID_SIZE];

    insert(LANE, id);
    cr_expect(eq(int,
                 count_claimed((struct lane_claim){.heard = &(struct task_ref){.client_id = CLIENT, .task_id = id},
                                                   .n_heard = 1}),
                 0));
    cr_expect(eq(int, news.next_ms, 0));
    cr_expect(eq(int, count_claimed((struct lane_claim){.want = 1}), 1));
}

Test(task_lanes, a_lane_in_anothers_hands_is_passed_over_without_waiting)
{
    struct db_tx *tx;
    char ids[3][UUID_SIZE];

    insert(LANE, ids[0]);
    cr_expect(eq(int, look(), 1));
    insert(LANE, ids[1]);
    insert(OTHER, ids[2]);
    sql("UPDATE task_lanes SET next_at = '-infinity'");
    tx = db_begin(root, NULL, &err);
    must(db_query(tx, NULL, &err, "SELECT FROM task_lanes WHERE lane = $1 FOR UPDATE", db_text(LANE)));
    cr_expect(eq(int, hear(ids[1]), 0));
    cr_expect(news.missed);
    cr_expect(eq(int, look(), 1));
    cr_expect(news.missed);
    must(db_commit(&tx, &err));
    cr_expect(eq(int, look(), 1));
    cr_expect(not(news.missed));
}

Test(task_lanes, a_task_may_leave_its_lane_and_come_back)
{
    char id[UUID_SIZE];
    struct task task, stale;
    struct db_tx *tx;

    insert_spec((struct task_spec){.lane = LANE, .lane_units = 2}, id);
    cr_assert(eq(int, claim((struct lane_claim){.want = 1, .look = true}, &task), 1));
    stale = task;
    stale.token++;
    tx = db_begin(pool, NULL, &err);
    cr_expect(eq(int, task_set_lane(tx, &stale, NULL, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    must(task_set_lane(tx, &task, NULL, &err));
    must(task_postpone(tx, &task, 0, "a look", &err));
    must(db_commit(&tx, &err));
    task_release(&task);
    cr_expect(eq(int, look(), 0));
    cr_assert(eq(int, claim_by_id(holder, id, &task), 1));

    tx = db_begin(pool, NULL, &err);
    must(task_set_lane(tx, &task, LANE, &err));
    must(task_postpone(tx, &task, 0, "again", &err));
    must(db_commit(&tx, &err));
    task_release(&task);
    cr_expect(eq(int, look(), 0));
    wind_back();
    cr_expect(eq(int, look(), 0)); /* two units */
    wind_back();
    cr_expect(eq(int, look(), 1));
}

/* ---- when a holder dies ---- */

Test(task_lanes, an_orphan_is_claimed_by_its_id_and_does_not_pay_again)
{
    char id[UUID_SIZE], behind[UUID_SIZE];
    struct task task;
    struct task_cursor cursor = {0};
    struct task_sweep_item item;

    insert(LANE, id);
    insert(LANE, behind);
    cr_assert(eq(int, claim((struct lane_claim){.want = 1, .look = true}, &task), 1));
    task_release(&task); /* killed between claim and work */
    must(db_run(pool, NULL, NULL, &err, "DELETE FROM mailboxes WHERE instance = $1", db_text(holder)));
    cr_assert(eq(int, task_sweep_page(root, &cursor, &item, 1, &err), 1));
    cr_expect(eq(str, item.task_id, id));
    cr_expect(eq(int,
                 count_claimed((struct lane_claim){.instance = other,
                                                   .want = MANY,
                                                   .heard = &(struct task_ref){.client_id = CLIENT, .task_id = id},
                                                   .n_heard = 1}),
                 0));
    cr_expect(news.others);
    cr_assert(eq(int, claim_by_id(other, id, &task), 1));
    cr_expect(eq(int, task.attempt, 2));
    complete(&task);
    cr_expect(is_true("SELECT next_at - now() BETWEEN interval '0' AND interval '1 second' AS is"
                      "  FROM task_lanes WHERE lane = $1",
                      LANE));
    wind_back();
    cr_expect(eq(int, look(), 1));
}

Test(task_lanes, what_was_given_back_goes_on_elsewhere_without_paying_again)
{
    char id[UUID_SIZE];
    struct task task;

    insert(LANE, id);
    cr_assert(eq(int, claim((struct lane_claim){.want = 1, .look = true}, &task), 1));
    cr_assert(eq(int, tasks_give_back(pool, holder, &task.token, 1, &err), 1));
    task_release(&task);
    cr_expect(eq(int, look(), 0));
    cr_assert(eq(int, claim_by_id(other, id, &task), 1));
    cr_expect(eq(int, task.attempt, 1));
    task_release(&task);
}

Test(task_lanes, a_claim_without_an_answer_is_given_back)
{
    char id[UUID_SIZE];
    struct task task;

    insert(LANE, id);
    cr_assert(eq(int, claim((struct lane_claim){.want = 1, .look = true}, &task), 1));
    task_release(&task);
    cr_expect(eq(int, tasks_give_back_except(pool, holder, NULL, 0, &err), 1));
    cr_assert(eq(int, claim_by_id(other, id, &task), 1));
    task_release(&task);
}

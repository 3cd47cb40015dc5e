/* What turns cost: kept with each turn, and beside those of which nothing came; added up once, by the client's days. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/httpd.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/turn/turn_replay.h"
#include "services/scheduler/scheduler.h"
#include "tests/unit/testdb.h"

static struct db_pool *admin, *pool, *scheduler_pool;
static struct arena *arena;
static struct err err;
static struct config config;
static struct httpd *server;
static struct orchestrator state;
static struct worker orchestrator, scheduler;
static char client[UUID_SIZE], lead[UUID_SIZE], conversation[UUID_SIZE];

/* ---- the model's side ---- */

static const char *says, *stops;
static atomic_int calls;

static void answer_as_told(void *arg, struct exchange *x)
{
    char text[1024];

    (void)arg;
    atomic_fetch_add(&calls, 1);
    snprintf(
        text, sizeof text,
        "{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"stop_reason\":\"%s\",\"usage\":{\"input_tokens\":1000,"
        "\"output_tokens\":200,\"cache_read_input_tokens\":3000,\"cache_creation_input_tokens\":400}}",
        says, stops);
    exchange_reply(x, 200, "application/json", text, strlen(text), NULL);
}

/* ---- the database's ---- */

static void sql(const char *statement)
{
    cr_assert_geq(db_run(admin, DB_EVERY_CLIENT, NULL, &err, statement, db_text(client)), 0, "%s", err.text);
}

static const char *one(const char *statement)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert_geq(db_run(admin, DB_EVERY_CLIENT, &rows, &err, statement, db_text(client)), 0, "%s", err.text);
    return db_result_count(rows) > 0 && db_get(rows, 0, "v") ? arena_strdup(arena, db_get(rows, 0, "v")) : "";
}

static void lead_writes(const char *body)
{
    char id[UUID_SIZE];

    uuid_new(id);
    cr_assert(
        db_run(admin, DB_EVERY_CLIENT, NULL, &err,
               "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
               "                      from_address, to_address, body, state)"
               " VALUES ($1, $2, $3, $4, 'in', 'lead', 'sms', '+15550001111', '+15550002222', $5, 'received')",
               db_text(client), db_text(id), db_text(conversation), db_text(lead), db_text(body)) == 1,
        "%s", err.text);
}

/* Answers the lead; superseded: another has taken the task meanwhile. */
static int take_turn(bool superseded)
{
    char instance[UUID_SIZE], task_id[UUID_SIZE];
    struct task_ref ref = {.client_id = client, .task_id = task_id};
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, client, &err);
    struct task task = {0};
    int rc;

    cr_assert_geq(task_insert(tx, NULL,
                              &(struct task_spec){.kind = TASK_process_ai_response,
                                                  .client_id = client,
                                                  .payload = &(struct process_ai_response){conversation},
                                                  .serial_key = conversation},
                              task_id, &err),
                  0, "%s", err.text);
    cr_assert_eq(db_commit(&tx, &err), 0);
    uuid_new(instance);
    cr_assert(db_run(admin, NULL, NULL, &err,
                     "INSERT INTO mailboxes (instance, role, mailbox, events) VALUES ($1, 'orchestrator', '', '')",
                     db_text(instance)) == 1);
    cr_assert_eq(tasks_claim(pool, instance, "orchestrator", &ref, 1, &task, &err), 1, "%s", err.text);
    task.token -= superseded;
    rc = process_ai_response(&orchestrator, &task, &err);
    task_release(&task);
    return rc;
}

static void add_up(void)
{
    struct task task = {0};

    cr_assert_eq(on_update_token_usage(&scheduler, &task, &err), 0, "%s", err.text);
}

static void set_up(void)
{
    static char model_url[64];
    const char *url = testdb_url();

    arena = arena_new(16 << 20);
    admin = db_pool_new(url, NULL, 2, &err);
    pool = db_pool_new(url, "leadwire_orchestrator", 3, &err);
    scheduler_pool = db_pool_new(url, "leadwire_scheduler", 2, &err);
    cr_assert(arena && admin && pool && scheduler_pool && http_global_init(&err) == 0);
    server = httpd_new(&(struct httpd_options){.bind_address = "127.0.0.1",
                                               .threads = 1,
                                               .max_body = 1 << 20,
                                               .max_connections = 16,
                                               .handler = answer_as_told},
                       &err);
    state = (struct orchestrator){.http = http_new(&err)};
    cr_assert(server && state.http, "%s", err.text);
    snprintf(model_url, sizeof model_url, "http://127.0.0.1:%d", httpd_port(server));
    config = (struct config){.agent_patience_s = 20,
                             .history_tokens = 12000,
                             .usage_every_s = 60,
                             .anthropic_api_key = "sk-test",
                             .anthropic_base_url = model_url,
                             .anthropic_model = "claude-sonnet-5-5"};
    orchestrator = (struct worker){.config = &config, .db = pool, .state = &state};
    scheduler = (struct worker){.config = &config, .db = scheduler_pool};
    says = "We will be glad to help.";
    stops = "end_turn";
    calls = 0;
    uuid_new(client);
    uuid_new(lead);
    uuid_new(conversation);
    sql("INSERT INTO clients (client_id, name, timezone) VALUES ($1, 'Acme', 'America/New_York')");
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, '+15550001111')", db_text(client),
                     db_text(lead)) == 1);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address,"
                     " our_address) VALUES ($1, $2, $3, 'sms', '+15550001111', '+15550002222')",
                     db_text(client), db_text(conversation), db_text(lead)) == 1);
}

static void tear_down(void)
{
    http_destroy(&state.http);
    httpd_destroy(&server);
    db_pool_destroy(&scheduler_pool);
    db_pool_destroy(&pool);
    db_pool_destroy(&admin);
    arena_destroy(&arena);
}

TestSuite(usage, .init = set_up, .fini = tear_down, .timeout = 60);

/* One call of the model above: 1000 * 2 + 200 * 10 + 3000 * 2 * 0.05 + 400 * 2 * 1.25 micro-USD. */
#define CALL_COST 5300

#define TURN                                                                                             \
    "SELECT concat_ws(' ', agent, coalesce(model, '-'), input_tokens, output_tokens, cache_read_tokens," \
    "                 cache_write_tokens, cost_micro_usd) AS v"                                          \
    "  FROM turns WHERE client_id = $1 ORDER BY created_at DESC LIMIT 1"
#define PENDING                                                                                        \
    "SELECT string_agg(concat_ws(' ', model, scripted, fallback, unused, input_tokens, output_tokens," \
    "                            cache_read_tokens, cache_write_tokens, cost_micro_usd), ';') AS v"    \
    "  FROM token_usage_pending WHERE client_id = $1"
#define DAYS                                                                                                 \
    "SELECT string_agg(concat_ws(' ', day, model, turns, scripted_turns, fallbacks, unused, input_tokens,"   \
    "                            output_tokens, cache_read_tokens, cache_write_tokens, cost_micro_usd), ';'" \
    "                  ORDER BY day, model) AS v FROM token_usage WHERE client_id = $1"

/* ---- a turn ---- */

Test(usage, a_turn_keeps_each_kind_of_token_and_what_they_cost)
{
    lead_writes("Hello");
    cr_assert_eq(take_turn(false), 0, "%s", err.text);
    cr_expect_str_eq(one(TURN), "claude claude-sonnet-5-5 1000 200 3000 400 5300");
    cr_expect_str_eq(one(PENDING), "claude-sonnet-5-5 f f f 1000 200 3000 400 5300");
    cr_expect_str_eq(one("SELECT record->'tokens'->>'cache_read' AS v FROM turns WHERE client_id = $1"), "3000");
}

Test(usage, a_turn_that_asks_no_model_costs_nothing)
{
    config.anthropic_api_key = NULL;
    lead_writes("Hello");
    cr_assert_eq(take_turn(false), 0, "%s", err.text);
    cr_expect_str_eq(one(TURN), "scripted - 0 0 0 0 0");
    cr_expect_str_eq(one(PENDING), "none t f f 0 0 0 0 0");
}

Test(usage, an_answer_that_is_of_no_use_is_paid_all_the_same)
{
    stops = "max_tokens";
    lead_writes("Hello");
    cr_assert_eq(take_turn(false), 0, "%s", err.text);
    cr_expect_str_eq(one(TURN), arena_printf(arena, "scripted claude-sonnet-5-5 %d %d %d %d %d", 1000 * calls,
                                             200 * calls, 3000 * calls, 400 * calls, CALL_COST * calls));
    cr_expect_str_eq(one("SELECT concat_ws(' ', scripted, fallback, unused) AS v FROM token_usage_pending"
                         " WHERE client_id = $1"),
                     "t t f");
}

Test(usage, a_repair_is_paid_with_its_turn)
{
    says = "It costs $777.";
    lead_writes("Hello");
    cr_assert_eq(take_turn(false), 0, "%s", err.text);
    cr_expect_eq(calls, 2);
    cr_expect_str_eq(one("SELECT cost_micro_usd AS v FROM turns WHERE client_id = $1"), "10600");
}

Test(usage, a_turn_that_is_not_committed_is_paid_and_counts_as_unused)
{
    lead_writes("Hello");
    cr_expect_eq(take_turn(true), -1);
    cr_expect_eq(err.kind, ERR_CONFLICT);
    cr_expect_str_eq(one(TURN), "");
    cr_expect_str_eq(one(PENDING), "claude-sonnet-5-5 f f t 1000 200 3000 400 5300");
    add_up();
    cr_expect_str_eq(one("SELECT concat_ws(' ', turns, unused, cost_micro_usd) AS v FROM token_usage"
                         " WHERE client_id = $1"),
                     "0 1 5300");

    /* One that asked no model has cost nothing. */
    config.anthropic_api_key = NULL;
    sql("DELETE FROM tasks WHERE client_id = $1");
    cr_expect_eq(take_turn(true), -1);
    cr_expect_str_eq(one(PENDING), "");
}

Test(usage, an_erased_lead_has_cost_what_it_has_cost)
{
    lead_writes("Hello");
    cr_assert_eq(take_turn(false), 0, "%s", err.text);
    cr_expect_str_eq(one("SELECT outcome AS v FROM leads l, erase_lead(l.client_id, l.lead_id) WHERE client_id = $1"),
                     "erased");
    cr_expect_str_eq(one("SELECT count(*) AS v FROM turns WHERE client_id = $1"), "0");
    cr_expect_str_eq(one("SELECT concat_ws(' ', input_tokens, output_tokens) AS v FROM erased_counts"
                         " WHERE client_id = $1"),
                     "4400 200");
    add_up();
    cr_expect_str_eq(one("SELECT concat_ws(' ', turns, cost_micro_usd) AS v FROM token_usage WHERE client_id = $1"),
                     "1 5300");
}

/* ---- adding up ---- */

static void pending(const char *at)
{
    char id[UUID_SIZE];

    uuid_new(id);
    cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                        "INSERT INTO token_usage_pending (client_id, turn_id, at, model, cost_micro_usd)"
                        " VALUES ($1, $2, $3, 'm', 1)",
                        db_text(client), db_text(id), db_text(at)),
                 1, "%s", err.text);
}

Test(usage, each_turn_is_added_once_however_often_it_is_added_up)
{
    for (int i = 0; i < 3; i++) {
        lead_writes("Hello");
        cr_assert_eq(take_turn(false), 0, "%s", err.text);
    }
    add_up();
    for (int i = 0; i < 2; i++) {
        cr_expect_str_eq(one("SELECT concat_ws(' ', turns, scripted_turns, fallbacks, unused, input_tokens,"
                             " output_tokens, cache_read_tokens, cache_write_tokens, cost_micro_usd) AS v"
                             "  FROM token_usage WHERE client_id = $1 AND model = 'claude-sonnet-5-5'"
                             "   AND day = (now() AT TIME ZONE 'America/New_York')::date"),
                         "3 0 0 0 3000 600 9000 1200 15900");
        add_up();
    }
    cr_expect_str_eq(one(PENDING), "");
}

Test(usage, a_turn_that_commits_late_is_added_by_the_next)
{
    struct db_tx *late = db_begin(admin, DB_EVERY_CLIENT, &err);
    const char *day = "SELECT turns AS v FROM token_usage WHERE client_id = $1";

    cr_assert(late);
    cr_assert_eq(db_query(late, NULL, &err,
                          "INSERT INTO token_usage_pending (client_id, turn_id, at, model) VALUES"
                          " ($1, gen_random_uuid(), '2026-11-10 12:00Z', 'm')",
                          db_text(client)),
                 1);
    pending("2026-11-10 13:00Z");
    add_up();
    cr_expect_str_eq(one(day), "1");
    cr_assert_eq(db_commit(&late, &err), 0);
    add_up();
    cr_expect_str_eq(one(day), "2");
}

Test(usage, what_is_not_committed_is_added_again)
{
    struct db_tx *dies = db_begin(scheduler_pool, DB_EVERY_CLIENT, &err);

    pending("2026-11-10 13:00Z");
    cr_assert(dies && db_query(dies, NULL, &err, "DELETE FROM token_usage_pending") > 0, "%s", err.text);
    db_rollback(&dies);
    add_up();
    cr_expect_str_eq(one(DAYS), "2026-11-10 m 1 0 0 0 0 0 0 0 1");
}

Test(usage, a_day_is_the_clients_own_and_may_have_23_or_25_hours)
{
    static const char *const times[] = {"2026-03-08 04:59Z", "2026-03-08 05:00Z", "2026-03-09 03:59Z",
                                        "2026-03-09 04:00Z", "2026-11-01 03:59Z", "2026-11-01 04:00Z",
                                        "2026-11-02 04:59Z", "2026-11-02 05:00Z"};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        pending(times[i]);
    add_up();
    cr_expect_str_eq(one("SELECT string_agg(day || ' ' || turns, ', ' ORDER BY day) AS v FROM token_usage"
                         " WHERE client_id = $1"),
                     "2026-03-07 1, 2026-03-08 2, 2026-03-09 1, 2026-10-31 1, 2026-11-01 2, 2026-11-02 1");

    /* Where the client moves, what was added stays where it was. */
    sql("UPDATE clients SET timezone = 'Asia/Tokyo' WHERE client_id = $1");
    pending("2026-11-02 15:00Z");
    add_up();
    cr_expect_str_eq(one("SELECT string_agg(day || ' ' || turns, ', ' ORDER BY day) AS v FROM token_usage"
                         " WHERE client_id = $1 AND day > '2026-11-01'"),
                     "2026-11-02 1, 2026-11-03 1");
}

Test(usage, more_than_one_page_is_added_up_at_once_and_each_client_apart)
{
    cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                        "INSERT INTO token_usage_pending (client_id, turn_id, at, model, cost_micro_usd)"
                        " SELECT $1, gen_random_uuid(), '2026-11-10 12:00Z', 'm', 2 FROM generate_series(1, 12000)",
                        db_text(client)),
                 12000);
    sql("INSERT INTO clients (client_id, name) SELECT gen_random_uuid(), 'other ' || $1::text");
    sql("INSERT INTO token_usage_pending (client_id, turn_id, at, model, cost_micro_usd)"
        " SELECT client_id, gen_random_uuid(), '2026-11-10 12:00Z', 'm', 7 FROM clients WHERE name = 'other ' || "
        "$1::text");
    add_up();
    cr_expect_str_eq(one(DAYS), "2026-11-10 m 12000 0 0 0 0 0 0 0 24000");
    cr_expect_str_eq(one("SELECT concat_ws(' ', turns, cost_micro_usd) AS v FROM token_usage"
                         "  JOIN clients USING (client_id) WHERE name = 'other ' || $1::text"),
                     "1 7");
}

static void *add_up_too(void *arg)
{
    struct err why = {0};

    *(int *)arg = on_update_token_usage(&scheduler, &(struct task){0}, &why);
    return NULL;
}

/* One that was taken for dead may still be at it. */
Test(usage, two_that_add_up_at_once_count_nothing_twice)
{
    pthread_t threads[2];
    int rc[2];

    cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                        "INSERT INTO token_usage_pending (client_id, turn_id, at, model, cost_micro_usd)"
                        " SELECT $1, gen_random_uuid(), '2026-11-10 12:00Z', 'm', 2 FROM generate_series(1, 12000)",
                        db_text(client)),
                 12000);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, add_up_too, &rc[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect(rc[0] == 0 && rc[1] == 0);
    add_up();
    cr_expect_str_eq(one(DAYS), "2026-11-10 m 12000 0 0 0 0 0 0 0 24000");
}

Test(usage, it_is_fired_once_a_period)
{
    for (int i = 0; i < 3; i++)
        cr_assert_eq(usage_fire(&scheduler, &err), 0, "%s", err.text);
    cr_expect_leq(atoi(one("SELECT count(*) AS v FROM tasks WHERE kind = 'update_token_usage' AND $1 <> ''")), 2);
    cr_expect_geq(atoi(one("SELECT count(*) AS v FROM tasks WHERE kind = 'update_token_usage' AND $1 <> ''")), 1);
}

/* ---- the month's budget ---- */

/* What the model has cost on a day of this month (months: in an earlier or later one). */
static void spend(int64_t micro_usd, int months)
{
    cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                        "INSERT INTO token_usage AS u (client_id, day, model, cost_micro_usd)"
                        " SELECT $1, (now() AT TIME ZONE timezone + make_interval(months => $3))::date, 'm', $2"
                        "   FROM clients WHERE client_id = $1"
                        " ON CONFLICT ON CONSTRAINT token_usage_pkey DO UPDATE"
                        "    SET cost_micro_usd = u.cost_micro_usd + excluded.cost_micro_usd",
                        db_text(client), db_int(micro_usd), db_int(months)),
                 1, "%s", err.text);
}

static void allow(const char *usd)
{
    cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                        "UPDATE clients SET config = jsonb_build_object('monthly_budget_usd', $2::numeric)"
                        " WHERE client_id = $1",
                        db_text(client), db_text(usd)),
                 1, "%s", err.text);
}

static const char *who_answers(void)
{
    lead_writes("Hello");
    cr_assert_eq(take_turn(false), 0, "%s", err.text);
    return one("SELECT concat_ws(' ', agent, record->'fallback'->>'kind') AS v FROM turns WHERE client_id = $1"
               " ORDER BY created_at DESC LIMIT 1");
}

Test(usage, from_the_whole_budget_on_the_scripted_agent_answers)
{
    allow("0.02");
    spend(20000 - 2 * CALL_COST - 1, 0);
    cr_expect_str_eq(who_answers(), "claude");
    /* What is not added up yet counts as well. */
    cr_expect_str_eq(who_answers(), "claude");
    cr_expect_str_eq(one("SELECT record->'input'->>'month_spent' AS v FROM turns WHERE client_id = $1"
                         " ORDER BY created_at DESC LIMIT 1"),
                     "14699");
    cr_expect_str_eq(who_answers(), "claude");
    cr_expect_str_eq(who_answers(), "scripted budget");
    add_up();
    cr_expect_str_eq(who_answers(), "scripted budget");
    cr_expect_eq(calls, 3);
    cr_expect_str_eq(one("SELECT count(*) AS v FROM messages WHERE client_id = $1 AND author = 'agent'"), "5");

    allow("0.04");
    cr_expect_str_eq(who_answers(), "claude");
}

Test(usage, that_the_budget_was_spent_is_decided_again_from_the_record)
{
    struct replayed_turn again = {0};
    const char *record;

    allow("0.02");
    spend(20000, 0);
    cr_expect_str_eq(who_answers(), "scripted budget");
    record = one("SELECT record::text AS v FROM turns WHERE client_id = $1");
    cr_assert_eq(turn_replay(record, strlen(record), NULL, arena, &again, &err), 0, "%s", err.text);
    cr_expect_str_eq(again.outcome, "same");
}

Test(usage, another_months_cost_is_not_this_months)
{
    allow("0.01");
    spend(50000, -1);
    spend(50000, 1);
    cr_expect_str_eq(who_answers(), "claude");
    spend(50000, 0);
    cr_expect_str_eq(who_answers(), "scripted budget");
}

Test(usage, a_budget_of_nothing_never_asks_the_model_and_no_budget_always_does)
{
    spend(5000000000, 0);
    cr_expect_str_eq(who_answers(), "claude");
    allow("0");
    cr_expect_str_eq(who_answers(), "scripted budget");
    cr_expect_eq(calls, 1);
    add_up();
    cr_expect_str_eq(one("SELECT count(*) AS v FROM notices WHERE client_id = $1"), "0");
}

#define NOTICES                                                                                                  \
    "SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '-') AS v FROM notices"                                \
    " WHERE client_id = $1 AND resolved_at IS NULL AND subject = to_char(now() AT TIME ZONE 'America/New_York'," \
    "                                                                    'YYYY-MM')"
#define TOLD "SELECT concat_ws(' ', state, warned, exhausted) AS v FROM budget_states WHERE client_id = $1"

Test(usage, a_notice_is_open_while_the_budget_is_nearly_or_all_spent)
{
    allow("10");
    spend(7999999, 0);
    add_up();
    cr_expect_str_eq(one(NOTICES), "-");
    spend(1, 0);
    for (int i = 0; i < 2; i++) {
        add_up();
        cr_expect_str_eq(one(NOTICES), "budget_warning");
        cr_expect_str_eq(one(TOLD), "warning t f");
    }
    cr_expect_str_eq(one("SELECT count AS v FROM notices WHERE client_id = $1"), "1");
    spend(2000000, 0);
    add_up();
    cr_expect_str_eq(one(NOTICES), "budget_exhausted");
    cr_expect_str_eq(one(TOLD), "exhausted t t");
    cr_expect(strstr(one("SELECT text AS v FROM notices WHERE client_id = $1 AND resolved_at IS NULL"),
                     "USD 10.00 of the 10.00"));

    /* Raised, it is over; in the same month the events are not repeated, but a notice tells again. */
    allow("20");
    add_up();
    cr_expect_str_eq(one(NOTICES), "-");
    cr_expect_str_eq(one(TOLD), "ok t t");
    spend(10000000, 0);
    add_up();
    cr_expect_str_eq(one(NOTICES), "budget_exhausted");
    sql("UPDATE clients SET config = '{}' WHERE client_id = $1");
    add_up();
    cr_expect_str_eq(one(NOTICES), "-");
}

Test(usage, what_a_person_has_seen_to_is_not_raised_again)
{
    allow("10");
    spend(9000000, 0);
    add_up();
    sql("UPDATE notices SET resolved_at = now() WHERE client_id = $1");
    add_up();
    cr_expect_str_eq(one(NOTICES), "-");
}

Test(usage, a_new_month_begins_anew)
{
    allow("10");
    spend(12000000, 0);
    add_up();
    cr_expect_str_eq(one(NOTICES), "budget_exhausted");

    /* A month later all of it is a month old. */
    sql("UPDATE token_usage SET day = day - interval '1 month' WHERE client_id = $1");
    sql("UPDATE budget_states SET month = month - interval '1 month' WHERE client_id = $1");
    sql("UPDATE notices SET subject = to_char(to_date(subject, 'YYYY-MM') - interval '1 month', 'YYYY-MM')"
        " WHERE client_id = $1");
    cr_expect_str_eq(who_answers(), "claude");
    add_up();
    cr_expect_str_eq(one("SELECT count(*) AS v FROM notices WHERE client_id = $1 AND resolved_at IS NULL"), "0");
    cr_expect_str_eq(one(TOLD), "ok f f");
    spend(12000000, 0);
    add_up();
    cr_expect_str_eq(one(NOTICES), "budget_exhausted");
    cr_expect_str_eq(one(TOLD), "exhausted t t");
}

/* ---- the request ---- */

static int ask(const char *as, const char *from, const char *to, struct usage *ret_usage)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, as ? as : DB_EVERY_CLIENT, &err);
    struct get_usage request = {.client_id = client, .from = from, .to = to};
    struct call call = {.client_id = as, .request = &request, .reply = ret_usage, .arena = arena, .tx = tx};

    err = (struct err){0};
    cr_assert(tx);
    *ret_usage = (struct usage){0};
    return on_get_usage(&orchestrator, &call, &err);
}

Test(usage, the_request_tells_days_models_and_the_budget)
{
    struct usage usage;

    sql("INSERT INTO token_usage (client_id, day, model, turns, scripted_turns, input_tokens, cost_micro_usd) VALUES"
        " ($1, '2026-03-01', 'a', 3, 0, 10, 5), ($1, '2026-03-01', 'none', 2, 2, 0, 0),"
        " ($1, '2026-03-02', 'b', 1, 0, 7, 9), ($1, '2026-03-03', 'b', 1, 0, 7, 9)");
    pending("2026-03-02 06:00Z");
    cr_assert_eq(ask(client, "2026-03-01", "2026-03-02", &usage), 0, "%s", err.text);
    cr_expect_str_eq(usage.timezone, "America/New_York");
    cr_expect_str_eq(usage.from, "2026-03-01");
    cr_expect_str_eq(usage.to, "2026-03-02");
    cr_expect_eq(usage.totals->turns, 7);
    cr_expect_eq(usage.totals->cost_micro_usd, 15);
    cr_assert_eq(usage.n_days, 2);
    cr_expect_str_eq(usage.days[0].day, "2026-03-01");
    cr_expect_eq(usage.days[0].turns, 5);
    cr_expect_eq(usage.days[0].scripted_turns, 2);
    cr_expect_eq(usage.days[0].input_tokens, 10);
    cr_expect_eq(usage.days[1].turns, 2, "with what is not added up yet");
    cr_assert_eq(usage.n_models, 4);
    cr_expect_str_eq(usage.models[0].model, "b");
    cr_expect_str_eq(usage.models[3].model, "none");
    cr_expect_str_eq(usage.state, "none");
    cr_expect_eq(usage.budget_micro_usd, 0);
    cr_expect_eq(usage.spent_micro_usd, 0);

    allow("0.5");
    spend(400000, 0);
    cr_assert_eq(ask(NULL, NULL, NULL, &usage), 0, "%s", err.text);
    cr_expect_str_eq(usage.state, "warning");
    cr_expect_eq(usage.budget_micro_usd, 500000);
    cr_expect_eq(usage.spent_micro_usd, 400000);
    cr_expect_eq(usage.n_days, 1);
    cr_expect_str_eq(usage.from, one("SELECT to_char(now() AT TIME ZONE 'America/New_York', 'YYYY-MM-01') AS v"
                                     " WHERE $1 <> ''"));
    cr_assert_eq(ask(NULL, "2020-01-01", "2020-12-31", &usage), 0, "%s", err.text);
    cr_expect_eq(usage.n_days, 0);
    cr_expect_eq(usage.totals->turns, 0);
}

Test(usage, wrong_days_are_refused_and_another_clients_are_not_shown)
{
    static const struct {
        const char *from, *to, *field;
    } wrong[] = {{"2026-02-30", NULL, "from"},         {"yesterday!", NULL, "from"},
                 {"2026-3-01", NULL, "from"},          {NULL, "2026-13-01", "to"},
                 {"2026-03-02", "2026-03-01", "from"}, {"2025-01-01", "2026-01-02", "from"},
                 {"0001-01-01", NULL, "from"}};
    char other[UUID_SIZE];
    struct usage usage;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(ask(client, wrong[i].from, wrong[i].to, &usage), -1, "%s", wrong[i].from);
        cr_expect_eq(err.kind, ERR_INVALID);
        cr_expect_str_eq(err.field, wrong[i].field);
    }
    cr_expect_eq(ask(client, "2025-01-01", "2026-01-01", &usage), 0, "%s", err.text);
    uuid_new(other);
    cr_expect_eq(ask(other, NULL, NULL, &usage), -1);
    cr_expect_eq(err.kind, ERR_NOT_FOUND);
}

/* Leads that do not answer are written to again: when, how often, and what ends it. Against a database, with the rights
 * of the orchestrator's role; time passes by moving what the database knows back. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/sms_segments.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/later/follow_up_plan.h"
#include "services/orchestrator/later/follow_up_text.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/reply_channel.h"
#include "tests/unit/testdb.h"

#define WAITING                                                                                     \
    "SELECT string_agg(concat_ws(' ', p.payload ->> 'reason', coalesce(p.payload ->> 'step', '1')," \
    "       round(extract(epoch FROM t.run_at - now()) / 3600)), ', ' ORDER BY t.task_id) AS v"     \
    "  FROM tasks t JOIN task_payloads p USING (client_id, task_id)"                                \
    " WHERE t.client_id = $1 AND t.kind = 'follow_up'"
#define ENDED \
    "SELECT error AS v FROM finished_tasks WHERE client_id = $1 AND kind = 'follow_up' ORDER BY task_id DESC LIMIT 1"
#define WRITTEN                                                                                           \
    "SELECT string_agg(concat_ws(' ', author, purpose, follow_up), ', ' ORDER BY seq) AS v FROM messages" \
    " WHERE client_id = $1 AND follow_up IS NOT NULL"
#define LAST_TEXT "SELECT body AS v FROM messages WHERE client_id = $1 AND direction = 'out' ORDER BY seq DESC LIMIT 1"

static struct db_pool *admin, *pool;
static struct arena *arena;
static struct err err;
static struct config config;
static struct worker worker;
static char client[UUID_SIZE], lead[UUID_SIZE], conversation[UUID_SIZE];

static int ask(request_fn *run, const void *request, void *reply)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, DB_EVERY_CLIENT, &err);
    struct call call = {.request = request, .reply = reply, .arena = arena, .tx = tx};

    memset(&err, 0, sizeof err);
    cr_assert(tx != NULL);
    if (run(&worker, &call, &err) < 0)
        return -1;
    return db_commit(&tx, &err);
}

static int run_sql(const char *sql)
{
    int n = db_run(admin, DB_EVERY_CLIENT, NULL, &err, sql, db_text(client));

    cr_assert(ge(int, n, 0), "%s", err.text);
    return n;
}

/* "": NULL, or no row. */
static const char *one(const char *sql)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *value;

    cr_assert(ge(int, db_run(admin, DB_EVERY_CLIENT, &rows, &err, sql, db_text(client)), 0), "%s", err.text);
    value = db_result_count(rows) > 0 ? db_get(rows, 0, "v") : NULL;
    return value ? arena_strdup(arena, value) : "";
}

static void configure(const char *patch)
{
    cr_assert(eq(int,
                 ask(on_update_client_config, &(struct update_client_config){.client_id = client, .config = patch},
                     &(struct client){0}),
                 0),
              "%s", err.text);
}

static void set_up(void)
{
    const char *url = testdb_url();
    struct client made = {0};

    arena = arena_new(16 << 20);
    admin = db_pool_new(url, NULL, 2, &err);
    pool = db_pool_new(url, "leadwire_orchestrator", 3, &err);
    cr_assert(arena && admin && pool);
    config = (struct config){.master_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                             .agent_patience_s = 20,
                             .history_tokens = 12000};
    worker = (struct worker){.config = &config, .db = pool};
    uuid_new(lead);
    uuid_new(conversation);
    cr_assert(eq(int, ask(on_create_client, &(struct create_client){.name = "Acme", .config = "{}"}, &made), 0));
    snprintf(client, sizeof client, "%s", made.client_id);
    /* At any hour, so that the tests may run at any hour. */
    configure("{\"follow_up_after_hours\":[1,24,72],\"allowed_hours\":\"00:00-24:00\",\"agent\":\"scripted\"}");
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, '+15550001111')", db_text(client),
                     db_text(lead)) == 1);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address,"
                     " our_address) VALUES ($1, $2, $3, 'sms', '+15550001111', '+15550002222')",
                     db_text(client), db_text(conversation), db_text(lead)) == 1);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO client_numbers (channel, number, client_id) VALUES ('sms', '+15550002222', $1)"
                     "    ON CONFLICT (channel, number) DO UPDATE SET client_id = excluded.client_id",
                     db_text(client)) == 1,
              "%s", err.text);
}

static void tear_down(void)
{
    db_pool_destroy(&pool);
    db_pool_destroy(&admin);
    arena_destroy(&arena);
}

TestSuite(orchestrator_follow_up, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- what happens ---- */

static void lead_writes(const char *body)
{
    char id[UUID_SIZE];

    uuid_new(id);
    cr_assert(
        db_run(admin, DB_EVERY_CLIENT, NULL, &err,
               "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
               "                      from_address, to_address, body, state)"
               " SELECT client_id, $2, conversation_id, lead_id, 'in', 'lead', channel, lead_address, our_address, $3,"
               "        'received'"
               "   FROM conversations WHERE client_id = $1",
               db_text(client), db_text(id), db_text(body)) == 1,
        "%s", err.text);
}

static void run_task(const char *task_id, task_fn *handler)
{
    char instance[UUID_SIZE];
    struct task_ref ref = {.client_id = client, .task_id = task_id};
    struct task task = {0};

    uuid_new(instance);
    cr_assert(db_run(admin, NULL, NULL, &err,
                     "INSERT INTO mailboxes (instance, role, mailbox, events) VALUES ($1, 'orchestrator', '', '')",
                     db_text(instance)) == 1);
    cr_assert(eq(int, tasks_claim(pool, instance, "orchestrator", &ref, 1, &task, &err), 1), "%s", err.text);
    memset(&err, 0, sizeof err);
    cr_assert(eq(int, handler(&worker, &task, &err), 0), "%s", err.text);
    if (!task.settled)
        cr_assert(eq(int, tasks_complete_batch(pool, NULL, (struct task *[]){&task}, 1, &err), 1), "%s", err.text);
    task_release(&task);
}

/* The lead writes, is answered, and the answer is sent. */
static void exchange(const char *body)
{
    char task_id[UUID_SIZE];
    AUTO(db_rollback) struct db_tx *tx = NULL;

    lead_writes(body);
    tx = db_begin(pool, client, &err);
    cr_assert(tx != NULL);
    cr_assert(eq(int,
                 task_insert(tx, NULL,
                             &(struct task_spec){.kind = TASK_process_ai_response,
                                                 .client_id = client,
                                                 .payload = &(struct process_ai_response){conversation},
                                                 .serial_key = conversation},
                             task_id, &err),
                 1),
              "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0));
    run_task(task_id, process_ai_response);
    run_sql("UPDATE messages SET state = 'sent', sent_at = now() WHERE client_id = $1 AND state = 'queued'");
}

static void sent(void)
{
    run_sql("UPDATE messages SET state = 'sent', sent_at = now() WHERE client_id = $1 AND state = 'queued'");
}

static void hours_pass(int hours)
{
    cr_assert(ge(int,
                 db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                        "WITH m AS (UPDATE messages SET sent_at = sent_at - make_interval(hours => $2),"
                        "                  created_at = created_at - make_interval(hours => $2) WHERE client_id = $1)"
                        "UPDATE tasks SET run_at = run_at - make_interval(hours => $2) WHERE client_id = $1",
                        db_text(client), db_int(hours)),
                 0),
              "%s", err.text);
}

/* Runs the follow-up that is due; false if none is. */
static bool due(void)
{
    const char *task_id = one("SELECT task_id AS v FROM tasks WHERE client_id = $1 AND kind = 'follow_up'"
                              "   AND state = 'ready' AND run_at <= now() + interval '1 second'");

    if (!*task_id)
        return false;
    run_sql("UPDATE tasks SET run_at = now() WHERE client_id = $1 AND kind = 'follow_up'");
    run_task(task_id, on_follow_up);
    return true;
}

#define EXPECT_ONE(sql, wanted) cr_expect(eq(str, (char *)one(sql), (char *)(wanted)))

/* ---- after silence ---- */

Test(orchestrator_follow_up, a_lead_that_does_not_answer_is_written_to_at_each_step_and_then_left_alone)
{
    exchange("I need a new boiler, how much is it?");
    EXPECT_ONE(WAITING, "silence 1 1");
    cr_expect(not(due()), "not before its time");
    hours_pass(1);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:1");
    cr_expect(strstr(one(LAST_TEXT), "Acme") != NULL);
    EXPECT_ONE(WAITING, "silence 2 23");
    sent();
    hours_pass(23);
    cr_assert(due());
    EXPECT_ONE(WAITING, "silence 3 48");
    sent();
    hours_pass(48);
    cr_assert(due());
    sent();
    EXPECT_ONE(WRITTEN, "agent started silence:1, agent started silence:2, agent started silence:3");
    EXPECT_ONE(WAITING, "");
    EXPECT_ONE("SELECT count(DISTINCT body) AS v FROM messages WHERE client_id = $1 AND follow_up IS NOT NULL", "3");
}

Test(orchestrator_follow_up, by_default_there_is_none)
{
    configure("{\"follow_up_after_hours\":null}");
    exchange("I need a new boiler");
    EXPECT_ONE(WAITING, "");
    configure("{\"follow_up_after_hours\":[]}");
    exchange("And a new tap");
    EXPECT_ONE(WAITING, "");
}

Test(orchestrator_follow_up, an_answer_begins_a_new_chain_in_place_of_the_old_one)
{
    exchange("I need a new boiler");
    hours_pass(1);
    cr_assert(due());
    sent();
    EXPECT_ONE(WAITING, "silence 2 23");
    exchange("It leaks a bit");
    EXPECT_ONE(WAITING, "silence 1 1");
    EXPECT_ONE(
        "SELECT error AS v FROM finished_tasks WHERE client_id = $1 AND kind = 'follow_up' AND error IS NOT NULL",
        "void: the lead has written");
}

Test(orchestrator_follow_up, a_text_that_arrives_between_makes_it_void)
{
    exchange("I need a new boiler");
    hours_pass(1);
    lead_writes("Are you still there?");
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE(ENDED, "void: the lead has written");
    EXPECT_ONE(WAITING, "");
}

Test(orchestrator_follow_up, an_opt_out_ends_what_waits_at_once)
{
    exchange("I need a new boiler");
    cr_assert(eq(int,
                 ask(on_opt_out_lead, &(struct opt_out_lead){.lead_id = lead, .reason = "asked by phone"},
                     &(struct lead){0}),
                 0),
              "%s", err.text);
    EXPECT_ONE(WAITING, "");
    EXPECT_ONE(ENDED, "void: the lead has opted out");
}

Test(orchestrator_follow_up, a_person_who_writes_ends_what_waits_at_once)
{
    exchange("I need a new boiler");
    cr_assert(
        eq(int,
           ask(on_create_message,
               &(struct create_message){.client_id = client, .conversation_id = conversation, .body = "Joe here."},
               &(struct created_message){0}),
           0),
        "%s", err.text);
    EXPECT_ONE(WAITING, "");
    EXPECT_ONE(ENDED, "void: a person writes or has taken over");
}

Test(orchestrator_follow_up, a_takeover_ends_what_waits_and_what_runs)
{
    exchange("I need a new boiler");
    run_sql("UPDATE tasks SET state = 'running', token = 5 WHERE client_id = $1 AND kind = 'follow_up'");
    run_sql("UPDATE conversations SET state = 'taken_over', epoch = epoch + 1 WHERE client_id = $1");
    EXPECT_ONE(WAITING, "");
    EXPECT_ONE(ENDED, "void: a person writes or has taken over");
}

Test(orchestrator_follow_up, who_wants_none_any_more_has_none_that_waits)
{
    exchange("I need a new boiler");
    configure("{\"follow_up_after_hours\":[2]}");
    EXPECT_ONE(WAITING, "silence 1 1");
    hours_pass(1);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE(WAITING, "silence 1 1");
    configure("{\"follow_up_after_hours\":null}");
    EXPECT_ONE(WAITING, "");
    EXPECT_ONE(ENDED, "void: the client wants no follow-ups any more");
}

Test(orchestrator_follow_up, who_is_handed_over_or_wants_nothing_or_takes_leave_is_left_alone)
{
    static const char *const texts[] = {"No thanks, not interested", "I want to talk to a person"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        exchange(texts[i]);
        EXPECT_ONE(WAITING, "");
    }
}

Test(orchestrator_follow_up, who_thanks_and_is_asked_nothing_is_left_alone)
{
    exchange("ok thanks");
    EXPECT_ONE(WAITING, "");
    exchange("I need a new boiler");
    EXPECT_ONE(WAITING, "silence 1 1");
    exchange("Great, thank you!");
    EXPECT_ONE(WAITING, "");
}

Test(orchestrator_follow_up, the_time_counts_from_the_answer_that_was_really_sent)
{
    exchange("I need a new boiler");
    run_sql("UPDATE messages SET state = 'queued', sent_at = NULL WHERE client_id = $1 AND direction = 'out'");
    hours_pass(1);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE(
        "SELECT state || ' ' || attempt || ' ' || error AS v FROM tasks WHERE client_id = $1 AND kind = 'follow_up'",
        "ready 0 it waits for what was written before it to be sent");
    sent(); /* now, two hours late */
    hours_pass(0);
    run_sql("UPDATE tasks SET run_at = now() WHERE client_id = $1 AND kind = 'follow_up'");
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE(WAITING, "silence 1 1");
}

Test(orchestrator_follow_up, an_answer_that_did_not_reach_the_lead_has_no_follow_up)
{
    exchange("I need a new boiler");
    run_sql("UPDATE messages SET state = 'undelivered' WHERE client_id = $1 AND direction = 'out'");
    hours_pass(1);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE(ENDED, "void: our answer did not reach the lead");
}

Test(orchestrator_follow_up, two_never_go_together_after_an_outage)
{
    exchange("I need a new boiler");
    hours_pass(20); /* nothing ran */
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:1");
    EXPECT_ONE(WAITING, "silence 2 23");
    /* The first is still on its way when the second is due: it counts from the moment it is sent. */
    hours_pass(23);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:1");
    sent();
    run_sql("UPDATE tasks SET run_at = now() WHERE client_id = $1 AND kind = 'follow_up'");
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:1");
    EXPECT_ONE(WAITING, "silence 2 23");
}

Test(orchestrator_follow_up, what_is_a_day_late_is_left_out_and_the_next_step_keeps_its_time)
{
    exchange("I need a new boiler");
    hours_pass(30);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE(ENDED, "not sent: it is too late for it");
    EXPECT_ONE(WAITING, "silence 2 0");
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:2");
    EXPECT_ONE(WAITING, "silence 3 48");
    sent();
    hours_pass(200);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:2");
    EXPECT_ONE(WAITING, "");
}

Test(orchestrator_follow_up, it_waits_for_the_hours_in_which_the_lead_may_be_written_to)
{
    exchange("I need a new boiler");
    /* Where it is between 02:00 and 04:00 now. */
    cr_assert(eq(int,
                 run_sql("UPDATE leads SET timezone = 'Etc/GMT' || to_char("
                         "   (CASE WHEN h > 14 THEN h - 24 ELSE h END)::int, 'FMSG00') FROM"
                         " (SELECT extract(hour FROM now() AT TIME ZONE 'UTC') - 3 AS h) n WHERE client_id = $1"),
                 1));
    run_sql("UPDATE leads SET timezone = regexp_replace(timezone, '([+-])0', '\\1') WHERE client_id = $1");
    configure("{\"allowed_hours\":\"08:00-20:00\"}");
    hours_pass(1);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE("SELECT error AS v FROM tasks WHERE client_id = $1 AND kind = 'follow_up'",
               "it waits for the hours in which the lead may be written to");
    cr_expect(eq(str,
                 (char *)one("SELECT (run_at - now() BETWEEN interval '3 hours' AND interval '6 hours')::text AS v"
                             "  FROM tasks WHERE client_id = $1 AND kind = 'follow_up'"),
                 "true"),
              "%s %s", one("SELECT timezone AS v FROM leads WHERE client_id = $1"),
              one("SELECT (run_at - now())::text AS v FROM tasks WHERE client_id = $1 AND kind = 'follow_up'"));
    configure("{\"allowed_hours\":\"00:00-24:00\"}");
    cr_assert(due(), "other hours count at once");
    EXPECT_ONE(WRITTEN, "agent started silence:1");
}

Test(orchestrator_follow_up, another_zone_of_the_client_counts_at_once)
{
    exchange("I need a new boiler");
    cr_assert(eq(int,
                 run_sql("UPDATE tasks SET run_at = now() + interval '9 hours', error_kind = 'postponed'"
                         " WHERE client_id = $1 AND kind = 'follow_up'"),
                 1));
    cr_assert(eq(int,
                 ask(on_update_client, &(struct update_client){.client_id = client, .timezone = "Asia/Tokyo"},
                     &(struct client){0}),
                 0));
    EXPECT_ONE(WAITING, "silence 1 0");
}

Test(orchestrator_follow_up, by_whatsapp_it_is_not_sent_once_only_a_template_may_be)
{
    run_sql("UPDATE conversations SET channel = 'whatsapp' WHERE client_id = $1");
    run_sql("INSERT INTO client_numbers (channel, number, client_id) VALUES ('whatsapp', '+15550002222', $1)"
            "    ON CONFLICT (channel, number) DO UPDATE SET client_id = excluded.client_id");
    exchange("I need a new boiler");
    hours_pass(1);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:1");
    sent();
    hours_pass(24);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:1");
    EXPECT_ONE(ENDED,
               "not sent: the lead has not written by WhatsApp for 24 hours, so that only a template may be sent");
    EXPECT_ONE(WAITING, "");
}

Test(orchestrator_follow_up, by_whatsapp_it_is_a_template_once_only_that_may_be_sent)
{
    run_sql("UPDATE conversations SET channel = 'whatsapp' WHERE client_id = $1");
    run_sql("INSERT INTO client_numbers (channel, number, client_id) VALUES ('whatsapp', '+15550002222', $1)"
            "    ON CONFLICT (channel, number) DO UPDATE SET client_id = excluded.client_id");
    run_sql("UPDATE leads SET name = 'Ada Lovelace' WHERE client_id = $1");
    configure("{\"whatsapp_follow_up_content_sid\":\"HX0123456789abcdef0123456789abcdef\"}");
    exchange("I need a new boiler");
    hours_pass(1);
    cr_assert(due());
    EXPECT_ONE("SELECT (content_sid IS NULL)::text AS v FROM messages WHERE client_id = $1 AND follow_up IS NOT NULL",
               "true");
    sent();
    hours_pass(24);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started silence:1, agent started silence:2");
    EXPECT_ONE("SELECT content_sid || (content_variables ->> '1') || (content_variables ->> '2') || body AS v"
               "  FROM messages WHERE client_id = $1 AND follow_up = 'silence:2'",
               "HX0123456789abcdef0123456789abcdefAdaAcme");
}

Test(orchestrator_follow_up, who_left_its_number_in_a_form_is_followed_up_only_with_a_consent)
{
    exchange("I need a new boiler");
    run_sql("UPDATE messages SET channel = 'form' WHERE client_id = $1 AND direction = 'in'");
    hours_pass(1);
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE(ENDED, "void: the lead has not written itself, and has not consented");
}

Test(orchestrator_follow_up, it_is_part_of_what_the_next_turn_sees)
{
    exchange("I need a new boiler");
    hours_pass(1);
    cr_assert(due());
    sent();
    exchange("Sorry, I was busy. It is urgent");
    EXPECT_ONE("SELECT record::jsonb #>> '{input,history,2,body}' AS v FROM turns WHERE client_id = $1"
               " ORDER BY created_at DESC LIMIT 1",
               one("SELECT body AS v FROM messages WHERE client_id = $1 AND follow_up IS NOT NULL"));
}

Test(orchestrator_follow_up, erasing_the_lead_takes_it_along_and_an_export_shows_it)
{
    struct export_page page = {0};
    struct erased_lead erased = {0};
    bool found = false;

    exchange("I need a new boiler");
    cr_assert(eq(int, ask(on_export_lead, &(struct export_lead){.lead_id = lead, .limit = 50}, &page), 0), "%s",
              err.text);
    for (size_t i = 0; i < page.n_items; i++)
        found |=
            page.items[i].data && strstr(page.items[i].data, "\"follow_up\"") && strstr(page.items[i].data, "silence");
    cr_expect(found);
    cr_assert(eq(int, ask(on_erase_lead, &(struct erase_lead){.lead_id = lead}, &erased), 0), "%s", err.text);
    EXPECT_ONE(WAITING, "");
    EXPECT_ONE("SELECT count(*) AS v FROM task_payloads WHERE client_id = $1", "0");
}

/* ---- as the lead has asked ---- */

#define ASKED                                                                                                  \
    "SELECT to_char(t.run_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' ' || (p.payload ->> 'words') AS v" \
    "  FROM tasks t JOIN task_payloads p USING (client_id, task_id) WHERE t.client_id = $1 AND t.kind = 'follow_up'"
#define TOMORROW_AT_17 "(((now() AT TIME ZONE 'UTC')::date + 1) || ' 17:00')"

static void wanted_time_comes(void)
{
    run_sql("UPDATE task_payloads SET payload = payload || jsonb_build_object('write_at',"
            "       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) WHERE client_id = $1"
            "   AND payload ? 'write_at'");
    run_sql("UPDATE tasks SET run_at = now() WHERE client_id = $1 AND kind = 'follow_up'");
}

Test(orchestrator_follow_up, who_asks_to_be_written_to_tomorrow_is_told_so_and_is_written_to_then)
{
    configure("{\"follow_up_after_hours\":null}"); /* it needs no setting */
    exchange("I'm at work, text me tomorrow at 5");
    EXPECT_ONE(LAST_TEXT, "Acme: All right. We'll write to you here tomorrow at 5:00 pm.");
    EXPECT_ONE(ASKED, arena_printf(arena, "%s I'm at work, text me tomorrow at 5",
                                   one("SELECT " TOMORROW_AT_17 " AS v FROM clients WHERE client_id = $1")));
    wanted_time_comes();
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "agent started asked");
    EXPECT_ONE(LAST_TEXT, "Acme here. You asked us to write to you today. How can we help?");
    EXPECT_ONE(WAITING, "");
}

Test(orchestrator_follow_up, a_wish_replaces_what_silence_would_bring_and_survives_small_talk)
{
    exchange("I need a new boiler");
    EXPECT_ONE(WAITING, "silence 1 1");
    exchange("Text me tomorrow at 5 please");
    EXPECT_ONE("SELECT count(*) || (array_agg(p.payload ->> 'reason'))[1] AS v FROM tasks t"
               "  JOIN task_payloads p USING (client_id, task_id) WHERE t.client_id = $1 AND t.kind = 'follow_up'",
               "1asked");
    exchange("ok thanks");
    EXPECT_ONE("SELECT p.payload ->> 'reason' AS v FROM tasks t JOIN task_payloads p USING (client_id, task_id)"
               " WHERE t.client_id = $1 AND t.kind = 'follow_up'",
               "asked");
    exchange("What are your hours?");
    EXPECT_ONE("SELECT p.payload ->> 'reason' AS v FROM tasks t JOIN task_payloads p USING (client_id, task_id)"
               " WHERE t.client_id = $1 AND t.kind = 'follow_up'",
               "asked");
}

/* What code adds counts in the limit as the answer does: in characters, and in segments. */
Test(orchestrator_follow_up, what_is_promised_fits_into_the_limit)
{
    static const struct {
        const char *text, *config, *sentence, *told;
    } cases[] = {{"Text me tomorrow at 5", "{}", "We repair boilers of all makes. ", "tomorrow at 5:00 pm"},
                 {"Text me tomorrow at 5", "{\"reply_max_chars\":160}", "We repair boilers of all makes. ",
                  "tomorrow at 5:00 pm"},
                 {"Text me tomorrow at 5", "{}", "نصلح الغلايات من كل الأنواع. ", "tomorrow"},
                 {"Call me tomorrow at 5", "{\"reply_max_chars\":160}", "We repair boilers of all makes. ",
                  "colleague"},
                 {"اتصل بي غدا الساعة 5", "{}", "نصلح الغلايات من كل الأنواع. ", ""}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decision_message message = {.seq = 1, .author = "lead", .body = cases[i].text};
        struct decision_lead who = {.score = "COLD"};
        struct decision_input in = {.now = INT64_C(1795428000000000),
                                    .local_time = "Monday 2026-11-23 10:00",
                                    .client_name = "Acme",
                                    .timezone = "UTC",
                                    .config = cases[i].config,
                                    .state = "open",
                                    .channel = "sms",
                                    .lead = &who,
                                    .unanswered = &message,
                                    .n_unanswered = 1};
        struct reply_limit limit = reply_limit(&in);
        struct decision_output out = decision_start(&in, "claude");
        AUTO(buf_free) struct buf reply = {0};

        do
            buf_puts(&reply, cases[i].sentence);
        while (utf8_count(reply.data) < 300);
        out.reply = reply_within(arena, reply.data, &limit);
        cr_assert(eq(int, follow_up_plan(arena, &in, &out), 0));
        cr_expect(reply_fits(out.reply, &limit), "%zu: %d segments of %d, %zu characters of %zu: %s", i,
                  sms_segments(out.reply), limit.segments, utf8_count(out.reply), limit.chars, out.reply);
        cr_expect(strstr(out.reply, cases[i].told) != NULL, "%s", out.reply);
    }
}

Test(orchestrator_follow_up, another_wish_replaces_the_first)
{
    exchange("Text me tomorrow at 5 please");
    exchange("Actually, text me in 3 days");
    EXPECT_ONE("SELECT string_agg(p.payload ->> 'words', ', ') AS v FROM tasks t"
               "  JOIN task_payloads p USING (client_id, task_id) WHERE t.client_id = $1 AND t.kind = 'follow_up'",
               "Actually, text me in 3 days");
}

Test(orchestrator_follow_up, a_wish_ends_with_an_appointment_a_refusal_or_its_withdrawal)
{
    static const char *const ends[] = {"I want to book an appointment for Friday", "Not interested anymore, sorry",
                                       "no need to text me tomorrow"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        run_sql("UPDATE conversations SET state = 'open' WHERE client_id = $1");
        configure("{\"follow_up_after_hours\":null}");
        exchange("Text me tomorrow at 5 please");
        cr_expect(ne(str, (char *)one(ASKED), ""));
        exchange(ends[i]);
        cr_expect(eq(str, (char *)one(ASKED), ""), "%s", ends[i]);
    }
}

Test(orchestrator_follow_up, who_writes_at_that_moment_is_answered_first)
{
    exchange("Text me tomorrow at 5 please");
    wanted_time_comes();
    lead_writes("Hello?");
    cr_assert(due());
    EXPECT_ONE(WRITTEN, "");
    EXPECT_ONE("SELECT error AS v FROM tasks WHERE client_id = $1 AND kind = 'follow_up'",
               "it waits for the lead's message to be answered");
}

Test(orchestrator_follow_up, by_whatsapp_a_person_is_called_where_we_may_not_write_first_then)
{
    run_sql("UPDATE conversations SET channel = 'whatsapp' WHERE client_id = $1");
    exchange("Text me in 3 days");
    EXPECT_ONE(WAITING, "");
    EXPECT_ONE(
        "SELECT state || (escalation_reason LIKE 'wants to be called or written to on %: Text me in 3 days') AS v"
        "  FROM conversations WHERE client_id = $1",
        "escalatedtrue");
    cr_expect(strstr(one(LAST_TEXT), "colleague") != NULL, "%s", one(LAST_TEXT));
}

Test(orchestrator_follow_up, a_call_is_a_persons_to_make)
{
    exchange("Give me a call tomorrow at 5");
    EXPECT_ONE(WAITING, "");
    EXPECT_ONE("SELECT state || ' ' || escalation_reason AS v FROM conversations WHERE client_id = $1",
               arena_printf(arena, "escalated wants to be called or written to on %s: Give me a call tomorrow at 5",
                            one("SELECT " TOMORROW_AT_17 " AS v FROM clients WHERE client_id = $1")));
    cr_expect(strstr(one(LAST_TEXT), "colleague") != NULL, "%s", one(LAST_TEXT));
}

Test(orchestrator_follow_up, the_leads_own_zone_counts_where_it_is_known)
{
    run_sql("UPDATE leads SET timezone = 'Asia/Tokyo' WHERE client_id = $1");
    exchange("Text me tomorrow at 5");
    EXPECT_ONE("SELECT to_char(run_at AT TIME ZONE 'Asia/Tokyo', 'HH24:MI') ||"
               "       ((run_at AT TIME ZONE 'Asia/Tokyo')::date - (now() AT TIME ZONE 'Asia/Tokyo')::date) AS v"
               "  FROM tasks WHERE client_id = $1 AND kind = 'follow_up'",
               "17:001");
}

/* ---- words ---- */

Test(follow_up_text, the_clients_own_words_name_the_lead_where_its_name_is_one)
{
    static const char *const texts[] = {"Hi {name}, still looking?", "{name}, may we help?", "All {name} {name}!"};
    struct arena *a = arena_new(1 << 16);
    static const struct {
        int step;
        const char *name, *wanted;
    } cases[] = {
        {1, "Ada", "Hi Ada, still looking?"},
        {1, NULL, "Hi, still looking?"},
        {1, "http://x.example", "Hi, still looking?"},
        {1, "", "Hi, still looking?"},
        {2, "Ada", "Ada, may we help?"},
        {2, NULL, "may we help?"},
        {3, "Ada", "All Ada Ada!"},
        {3, NULL, "All!"},
        {1, "{name}", "Hi, still looking?"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(eq(str, (char *)follow_up_text(a, texts, 3, cases[i].step, LANGUAGE_ENGLISH, "Acme", cases[i].name),
                     (char *)cases[i].wanted));
    arena_destroy(&a);
}

Test(follow_up_text, ours_name_the_business_differ_and_fit_into_two_segments)
{
    struct arena *a = arena_new(1 << 16);

    for (int language = LANGUAGE_ENGLISH; language <= LANGUAGE_ARABIC; language++)
        for (int step = 1; step <= 5; step++) {
            const char *text = follow_up_text(a, NULL, 0, step, (enum language)language, "Acme", "Ada");

            cr_expect(strstr(text, "Acme") != NULL, "%s", text);
            cr_expect(lt(sz, strlen(text), 240), "%s", text);
            for (int before = 1; before < step; before++)
                cr_expect(ne(str, (char *)text,
                             (char *)follow_up_text(a, NULL, 0, before, (enum language)language, "Acme", NULL)));
        }
    arena_destroy(&a);
}

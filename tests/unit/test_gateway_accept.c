/* test_gateway_accept.c - what accept_inbound stores, and what it leaves alone. Needs a database. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gatewayfix.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/gateway/accept_store.h"

TestSuite(accept, .init = gw_open, .fini = gw_close, .timeout = 120);

static void open_together(void)
{
    gw_open();
    gw_together = true;
}

TestSuite(accept_together, .init = open_together, .fini = gw_close, .timeout = 120);

/* What comes together is stored by other statements than what comes alone, see migrations/0173. */
#define ALONE_AND_TOGETHER(name) \
    static void name(void);      \
    Test(accept, name)           \
    {                            \
        name();                  \
    }                            \
    Test(accept_together, name)  \
    {                            \
        name();                  \
    }                            \
    static void name(void)

ALONE_AND_TOGETHER(a_first_text_makes_lead_conversation_message_and_task)
{
    struct stored stored = gw_store_one(gw_text("SM1", "What does it cost? \"x\" \\ {a,b} NULL"));

    cr_expect_eq(stored.outcome, ACCEPT_STORED);
    cr_expect_str_eq(stored.client_id, gw_client);
    cr_expect(stored.due);
    cr_expect(uuid_is_valid(stored.task_id));
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1"), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM conversations WHERE client_id = $1 AND state = 'open'"), 1);
    cr_expect_eq(gw_ask(
                     "SELECT count(*) AS n FROM messages WHERE client_id = $1 AND direction = 'in' AND author = 'lead'"
                     " AND state = 'received' AND trace_id = 'trace-1'"
                     " AND body = 'What does it cost? \"x\" \\ {a,b} NULL'"),
                 1);
    cr_expect_eq(
        gw_ask("SELECT count(*) AS n FROM tasks t JOIN task_payloads p USING (client_id, task_id)"
               "  JOIN conversations c ON c.client_id = t.client_id AND c.conversation_id::text = t.serial_key"
               " WHERE t.client_id = $1 AND t.kind = 'process_ai_response' AND t.role = 'orchestrator'"
               "   AND t.state = 'ready' AND p.trace_id = 'trace-1'"
               "   AND p.payload->>'conversation_id' = t.serial_key AND t.max_attempts = 20 AND t.deadline_s = 120"),
        1);
}

ALONE_AND_TOGETHER(the_same_sid_again_changes_nothing)
{
    struct stored first = gw_store_one(gw_text("SM1", "Hi"));
    struct stored again = gw_store_one(gw_text("SM1", "Hi"));

    cr_expect_eq(again.outcome, ACCEPT_DUPLICATE);
    cr_expect_str_eq(again.message_id, first.message_id);
    cr_expect_str_eq(again.conversation_id, first.conversation_id);
    cr_expect_str_eq(again.task_id, "");
    cr_expect_not(again.due);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1"), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM tasks WHERE client_id = $1"), 1);
}

Test(accept, the_same_sid_twice_in_a_batch_is_stored_once)
{
    struct inbound items[] = {gw_text("SM1", "Hi"), gw_text("SM1", "Hi")};
    struct stored stored[2];

    gw_store(items, 2, stored);
    cr_expect_eq(stored[0].outcome, ACCEPT_STORED);
    cr_expect_eq(stored[1].outcome, ACCEPT_DUPLICATE);
    cr_expect_str_eq(stored[1].message_id, stored[0].message_id);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1"), 1);
}

Test(accept, two_texts_of_a_lead_in_a_batch_share_conversation_and_task_and_keep_their_order)
{
    struct inbound items[] = {gw_text("SM1", "one"), gw_text("SM2", "two"), gw_text("SM3", "three")};
    struct stored stored[3];

    gw_store(items, 3, stored);
    cr_expect_eq(stored[2].outcome, ACCEPT_STORED);
    cr_expect_str_eq(stored[1].conversation_id, stored[0].conversation_id);
    cr_expect_str_eq(stored[2].lead_id, stored[0].lead_id);
    cr_expect_str_eq(stored[1].task_id, stored[0].task_id);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1"), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM tasks WHERE client_id = $1"), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM task_payloads WHERE client_id = $1"), 1);
    cr_expect_eq(gw_ask("SELECT (string_agg(body, ',' ORDER BY seq) = 'one,two,three')::int AS n FROM messages"
                        " WHERE client_id = $1"),
                 1);
}

Test(accept, a_number_of_nobody_stores_nothing_and_harms_no_other)
{
    struct inbound items[] = {gw_text("SM1", "one"), gw_text("SM2", "two")};
    struct stored stored[2];

    items[0].to = "+19999999999";
    gw_store(items, 2, stored);
    cr_expect_eq(stored[0].outcome, ACCEPT_UNKNOWN_NUMBER);
    cr_expect_str_eq(stored[0].client_id, "");
    cr_expect_eq(stored[1].outcome, ACCEPT_STORED);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1"), 1);
}

ALONE_AND_TOGETHER(a_held_text_is_not_due_and_a_second_one_extends_the_wait)
{
    struct inbound held = gw_text("SM1", "Hi"), second = gw_text("SM2", "I have a leak");
    struct stored first, again;

    held.hold_ms = 500;
    second.hold_ms = 1000;
    first = gw_store_one(held);
    cr_expect_not(first.due);
    cr_expect_eq(gw_ask("SELECT (run_at = created_at + interval '500 ms')::int AS n FROM tasks WHERE client_id = $1"),
                 1);
    again = gw_store_one(second);
    cr_expect_not(again.due);
    cr_expect_str_eq(again.task_id, first.task_id);
    cr_expect_eq(gw_ask("SELECT (run_at = updated_at + interval '1 second')::int AS n FROM tasks WHERE client_id = $1"),
                 1);
}

ALONE_AND_TOGETHER(a_complete_text_ends_the_wait)
{
    struct inbound held = gw_text("SM1", "Hi"), complete = gw_text("SM2", "How much is a new boiler?");

    held.hold_ms = 2000;
    complete.hold_ms = 0;
    cr_expect_not(gw_store_one(held).due);
    gw_change("UPDATE messages SET created_at = created_at - interval '1 second' WHERE client_id = $1");
    cr_expect(gw_store_one(complete).due);
}

ALONE_AND_TOGETHER(a_complete_text_right_behind_another_waits_as_long_again)
{
    struct inbound one = gw_text("SM1", "I have a leak."), two = gw_text("SM2", "How much is a new boiler?");

    one.hold_ms = two.hold_ms = 0;
    cr_expect(gw_store_one(one).due);
    gw_change("UPDATE messages SET created_at = created_at - interval '200 ms' WHERE client_id = $1");
    cr_expect_not(gw_store_one(two).due);
    cr_expect_eq(gw_ask(
                     "SELECT (run_at - updated_at BETWEEN interval '0.3 s' AND interval '1.5 s')::int AS n FROM tasks"
                     " WHERE client_id = $1"),
                 1);
}

ALONE_AND_TOGETHER(who_writes_slowly_is_waited_for_longer)
{
    struct inbound first = gw_text("SM1", "so my boiler"), second = gw_text("SM2", "it makes noises"),
                   third = gw_text("SM3", "quite loud");

    first.hold_ms = second.hold_ms = third.hold_ms = 1000;
    gw_store_one(first);
    gw_change("UPDATE messages SET created_at = created_at - interval '1 second' WHERE client_id = $1");
    gw_store_one(second);
    cr_expect_eq(gw_ask("SELECT (run_at - updated_at BETWEEN interval '1.5 s' AND interval '2 s')::int AS n FROM tasks"
                        " WHERE client_id = $1"),
                 1);
    /* Four seconds from the first, however it goes on. */
    gw_change("UPDATE messages SET created_at = created_at - interval '2.5 seconds' WHERE client_id = $1");
    gw_store_one(third);
    cr_expect_eq(gw_ask("SELECT (run_at - updated_at BETWEEN interval '0 s' AND interval '0.5 s')::int AS n FROM tasks"
                        " WHERE client_id = $1"),
                 1);
}

ALONE_AND_TOGETHER(a_text_after_our_answer_begins_anew)
{
    struct inbound first = gw_text("SM1", "so my boiler"), second = gw_text("SM2", "tomorrow");

    first.hold_ms = 1000;
    second.hold_ms = 2000;
    gw_store_one(first);
    gw_change("UPDATE messages SET created_at = created_at - interval '2 seconds' WHERE client_id = $1");
    gw_change("UPDATE conversations SET answered_seq = 1000 WHERE client_id = $1");
    gw_change("DELETE FROM tasks WHERE client_id = $1");
    gw_store_one(second);
    cr_expect_eq(gw_ask("SELECT (run_at = created_at + interval '1 second')::int AS n FROM tasks WHERE client_id = $1"),
                 1);
}

ALONE_AND_TOGETHER(a_burst_never_waits_longer_than_four_seconds)
{
    struct inbound second = gw_text("SM2", "and"), third = gw_text("SM3", "hello?");
    struct stored stored;

    second.hold_ms = third.hold_ms = 1000;
    gw_store_one(gw_text("SM1", "Hi"));
    gw_change("UPDATE tasks SET created_at = now() - interval '3500 ms' WHERE client_id = $1");
    stored = gw_store_one(second);
    cr_expect_not(stored.due);
    cr_expect_eq(gw_ask(
                     "SELECT (run_at = created_at + interval '4 seconds')::int AS n FROM tasks WHERE client_id = $1"),
                 1);
    gw_change("UPDATE tasks SET created_at = now() - interval '1 hour' WHERE client_id = $1");
    stored = gw_store_one(third);
    cr_expect(stored.due);
}

ALONE_AND_TOGETHER(a_task_that_waits_because_it_failed_keeps_its_time)
{
    struct stored stored;

    gw_store_one(gw_text("SM1", "Hi"));
    gw_change("UPDATE tasks SET attempt = 2, run_at = '2100-01-01' WHERE client_id = $1");
    stored = gw_store_one(gw_text("SM2", "hello?"));
    cr_expect_not(stored.due);
    cr_expect_eq(gw_ask("SELECT (run_at = '2100-01-01')::int AS n FROM tasks WHERE client_id = $1"), 1);
}

ALONE_AND_TOGETHER(a_text_while_an_answer_is_written_gets_a_task_of_its_own)
{
    struct stored first = gw_store_one(gw_text("SM1", "Hi")), second, third;

    gw_change("UPDATE tasks SET state = 'running' WHERE client_id = $1");
    second = gw_store_one(gw_text("SM2", "One more thing"));
    third = gw_store_one(gw_text("SM3", "And another"));
    cr_expect_str_neq(second.task_id, first.task_id);
    cr_expect_str_eq(third.task_id, second.task_id);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND state = 'ready'"), 1);
}

Test(accept, stop_opts_the_lead_out_and_is_not_answered)
{
    struct inbound stop = gw_text("SM2", "STOP"), again = gw_text("SM3", "stop");
    struct stored stored;

    stop.consent = again.consent = "out";
    stop.answered = again.answered = true;
    gw_store_one(gw_text("SM1", "Hi"));
    gw_change("DELETE FROM tasks WHERE client_id = $1");
    stored = gw_store_one(stop);
    cr_expect_eq(stored.outcome, ACCEPT_STORED);
    cr_expect(stored.opted_out);
    cr_expect_str_eq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND opted_out_at IS NOT NULL"
                        " AND opted_out_channel = 'sms' AND opted_out_words = 'STOP'"),
                 1);
    stored = gw_store_one(again);
    cr_expect_not(stored.opted_out);
    stored = gw_store_one(gw_text("SM4", "What does it cost?"));
    cr_expect_eq(stored.outcome, ACCEPT_STORED);
    cr_expect_str_eq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM tasks WHERE client_id = $1"), 0);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1"), 4);
}

Test(accept, start_opts_in_again_and_yes_of_anybody_else_is_an_answer)
{
    struct inbound yes = gw_text("SM1", "YES"), stop = gw_text("SM2", "STOP"), start = gw_text("SM3", "START");
    struct stored stored;

    yes.consent = "yes";
    start.consent = "in";
    stop.consent = "out";
    yes.answered = start.answered = stop.answered = true;
    stored = gw_store_one(yes);
    cr_expect_str_neq(stored.task_id, "");
    gw_change("DELETE FROM tasks WHERE client_id = $1");
    gw_store_one(stop);
    stored = gw_store_one(start);
    cr_expect_str_eq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND opted_out_at IS NULL"
                        " AND opted_out_words IS NULL"),
                 1);
    stored = gw_store_one(gw_text("SM4", "What does it cost?"));
    cr_expect_str_neq(stored.task_id, "");
}

/* ---- two gateways: what the other one stores of the same lead is not committed yet ---- */

struct second {
    pthread_t thread;
    struct inbound in;
    struct stored stored;
    atomic_bool done;
};

static void *store_second(void *arg)
{
    struct second *self = arg;

    self->stored = gw_store_one(self->in);
    self->done = true;
    return NULL;
}

/* Stores in while tx, which has changed something, is open; tx is committed when the second waits for it. */
static struct stored store_beside(struct db_tx *tx, struct inbound in)
{
    struct second second = {.in = in};
    struct err err = {0};

    cr_assert_eq(pthread_create(&second.thread, NULL, store_second, &second), 0);
    while (!second.done && gw_ask("SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
                                  "   AND wait_event_type = 'Lock' AND $1::uuid IS NOT NULL") == 0)
        usleep(10000);
    cr_assert_eq(db_commit(&tx, &err), 0, "%s", err.text);
    pthread_join(second.thread, NULL);
    return second.stored;
}

static struct db_tx *change_uncommitted(const char *sql)
{
    struct err err = {0};
    struct db_tx *tx = db_begin(gw_root, DB_EVERY_CLIENT, &err);

    cr_assert(tx && db_query_args(tx, NULL, &err, sql, (struct db_arg[]){db_text(gw_client)}, 1) == 1, "%s", err.text);
    return tx;
}

Test(accept, a_text_right_after_start_is_answered)
{
    struct inbound stop = gw_text("SM1", "STOP");
    struct stored stored;

    stop.consent = "out";
    stop.answered = true;
    gw_store_one(stop);
    stored = store_beside(change_uncommitted("UPDATE leads SET opted_out_at = NULL WHERE client_id = $1"),
                          gw_text("SM3", "What does it cost?"));
    cr_expect_eq(stored.outcome, ACCEPT_STORED);
    cr_expect_str_neq(stored.task_id, "");
}

/* Twilio repeats the webhook to a second gateway, which is slow; the first one meanwhile stores it and START after it.
 */
Test(accept, a_stop_that_is_repeated_late_does_not_undo_the_start_after_it)
{
    struct inbound stop = gw_text("SM2", "STOP");
    struct db_tx *tx;
    struct err err = {0};
    struct stored stored;

    stop.consent = "out";
    gw_store_one(gw_text("SM1", "Hi"));
    tx = change_uncommitted("UPDATE leads SET opted_out_at = NULL WHERE client_id = $1");
    cr_assert_eq(db_query_args(tx, NULL, &err,
                               "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction,"
                               "                      author, channel, from_address, to_address, body, state,"
                               "                      provider_sid)"
                               "SELECT client_id, gen_random_uuid(), conversation_id, lead_id, direction, author,"
                               "       channel, from_address, to_address, 'STOP', state, 'SM2'"
                               "  FROM messages WHERE client_id = $1 AND provider_sid = 'SM1'",
                               (struct db_arg[]){db_text(gw_client)}, 1),
                 1, "%s", err.text);
    stored = store_beside(tx, stop);
    cr_expect_eq(stored.outcome, ACCEPT_DUPLICATE);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND opted_out_at IS NOT NULL"), 0);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1 AND purpose = 'consent'"), 0);
}

Test(accept, a_start_right_after_stop_opts_in)
{
    struct inbound start = gw_text("SM3", "START");
    struct stored stored;

    start.consent = "in";
    start.answered = true;
    gw_store_one(gw_text("SM1", "Hi"));
    gw_change("DELETE FROM tasks WHERE client_id = $1");
    stored = store_beside(change_uncommitted("UPDATE leads SET opted_out_at = now() WHERE client_id = $1"), start);
    cr_expect_eq(stored.outcome, ACCEPT_STORED);
    cr_expect_str_eq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND opted_out_at IS NULL"), 1);
}

ALONE_AND_TOGETHER(where_a_person_writes_the_agent_gets_no_task)
{
    struct stored stored;

    gw_store_one(gw_text("SM1", "Hi"));
    gw_change("DELETE FROM tasks WHERE client_id = $1");
    gw_change("UPDATE conversations SET state = 'taken_over' WHERE client_id = $1");
    stored = gw_store_one(gw_text("SM2", "Are you there?"));
    cr_expect_eq(stored.outcome, ACCEPT_STORED);
    cr_expect_str_eq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM conversations WHERE client_id = $1 AND state = 'taken_over'"), 1);
}

ALONE_AND_TOGETHER(a_closed_conversation_opens_again)
{
    struct stored stored;

    gw_store_one(gw_text("SM1", "Hi"));
    gw_change("DELETE FROM tasks WHERE client_id = $1");
    gw_change("UPDATE conversations SET state = 'closed' WHERE client_id = $1");
    stored = gw_store_one(gw_text("SM2", "Are you there?"));
    cr_expect_str_neq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM conversations WHERE client_id = $1 AND state = 'open'"), 1);
}

Test(accept, one_that_the_database_refuses_stores_nothing_of_its_batch)
{
    struct inbound items[] = {gw_text("SM1", "one"), gw_text("SM2", "two")};
    struct inbound *pointers[] = {&items[0], &items[1]};
    struct stored stored[2];
    struct err err = {0};

    items[1].hold_ms = (int64_t)1 << 40; /* out of the range of integer */
    cr_expect_eq(accept_store(gw_gateway, GW_ACCOUNT, GW_BURST_MS, pointers, 2, stored, &err), -1);
    cr_expect_eq(err.kind, ERR_INVALID, "%s", err.text);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1"), 0);
}

Test(accept, the_gateways_role_may_read_no_table_of_a_tenant)
{
    static const char *const forbidden[] = {"SELECT FROM leads",     "SELECT FROM messages",
                                            "SELECT FROM tasks",     "SELECT FROM clients",
                                            "SELECT FROM turns",     "DELETE FROM api_keys",
                                            "SELECT FROM documents", "SELECT FROM client_numbers"};

    for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
        struct err err = {0};

        cr_expect_eq(db_run(gw_gateway, DB_EVERY_CLIENT, NULL, &err, forbidden[i]), -1, "%s", forbidden[i]);
        cr_expect_not_null(strstr(err.text, "42501"), "%s", err.text);
    }
}

Test(accept, no_other_role_may_call_it)
{
    struct err err = {0};

    cr_expect_eq(db_run(gw_root, NULL, NULL, &err,
                        "SELECT 1 / (NOT has_function_privilege('leadwire_service', p.oid, 'EXECUTE') AND NOT"
                        " has_function_privilege('leadwire_delivery', p.oid, 'EXECUTE'))::int"
                        "  FROM pg_proc p WHERE proname = 'accept_inbound'"),
                 1, "%s", err.text);
}

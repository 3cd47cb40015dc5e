/* test_gateway_consents.c - STOP, START and HELP: what is recorded, and what the lead is told. Needs a database. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "gatewayfix.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/gateway/consents.h"

TestSuite(consents, .init = gw_open, .fini = gw_close, .timeout = 120);

/* What the words mean, as the webhook has it. */
static struct inbound said(struct inbound in)
{
    inbound_read_consent(&in, NULL);
    return in;
}

static int64_t confirmations(void)
{
    return gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1 AND purpose = 'consent'");
}

/* How many of them say this. */
static int64_t saying(const char *pattern)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert_eq(db_run(gw_root, NULL, &rows, &err,
                        "SELECT count(*) AS n FROM messages"
                        " WHERE client_id = $1 AND purpose = 'consent' AND body LIKE $2",
                        db_text(gw_client), db_text(pattern)),
                 1, "%s", err.text);
    return db_get_int(rows, 0, "n");
}

static int64_t opted_out(void)
{
    return gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND opted_out_at IS NOT NULL");
}

Test(consents, twilio_answers_keywords_by_sms_so_we_do_not)
{
    struct stored stored = gw_store_one(said(gw_text("SM1", "STOP")));

    cr_expect(stored.opted_out);
    cr_expect_str_eq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1 AND kind = 'out' AND channel = 'sms'"
                        " AND words = 'STOP' AND message_id IS NOT NULL"),
                 1);
    stored = gw_store_one(said(gw_text("SM2", "START")));
    cr_expect(stored.opted_in);
    cr_expect_str_eq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1 AND kind = 'in'"), 1);
    cr_expect_eq(confirmations(), 0);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM tasks WHERE client_id = $1"), 0);
}

Test(consents, by_whatsapp_each_is_confirmed_once)
{
    struct stored stored = gw_store_one(said(gw_whatsapp("SM1", "Stop.")));

    cr_expect(stored.opted_out && stored.confirms && stored.due);
    cr_expect_eq(
        gw_ask("SELECT count(*) AS n FROM messages m JOIN tasks t ON t.client_id = m.client_id"
               "  JOIN task_payloads p ON p.client_id = t.client_id AND p.task_id = t.task_id"
               "  JOIN task_dedupe d ON d.client_id = t.client_id AND d.task_id = t.task_id"
               "  JOIN conversations c ON c.client_id = m.client_id AND c.conversation_id = m.conversation_id"
               " WHERE m.client_id = $1 AND m.direction = 'out' AND m.author = 'system' AND m.purpose = 'consent'"
               "   AND m.channel = 'whatsapp' AND m.state = 'queued' AND m.epoch = c.epoch AND m.trace_id = 'trace-1'"
               "   AND m.from_address = c.our_address AND m.to_address = c.lead_address"
               "   AND m.body LIKE 'Rapid Plumbing: you will get no more messages%'"
               "   AND t.kind = 'send_message_whatsapp' AND t.role = 'delivery' AND t.state = 'ready'"
               "   AND t.max_attempts = 60 AND t.deadline_s = 90 AND t.run_at <= now()"
               "   AND t.serial_key = 'send:' || m.conversation_id AND t.lane = 'whatsapp:' || m.from_address"
               "   AND t.lane_units = 1 AND d.dedupe_key = 'send:' || m.message_id"
               "   AND p.payload->>'message_id' = m.message_id::text AND p.trace_id = 'trace-1'"),
        1);

    stored = gw_store_one(said(gw_whatsapp("SM2", "STOP")));
    cr_expect_not(stored.opted_out || stored.due);
    cr_expect_eq(confirmations(), 1, "a second STOP is recorded, but not confirmed again");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1 AND kind = 'out'"), 2);

    stored = gw_store_one(said(gw_whatsapp("SM3", "START")));
    cr_expect(stored.opted_in && stored.confirms);
    cr_expect_eq(saying("Rapid Plumbing: you will get messages%"), 1);
    cr_expect_eq(opted_out(), 0);
}

Test(consents, free_wording_opts_out_and_we_confirm_it_in_its_language)
{
    struct stored stored = gw_store_one(said(gw_text("SM1", "Please don't text me anymore")));

    cr_expect(stored.opted_out && stored.confirms && stored.due);
    cr_expect_eq(saying("Rapid Plumbing: you will get no more messages%"), 1);
    gw_change("UPDATE leads SET opted_out_at = NULL WHERE client_id = $1");
    stored = gw_store_one(said(gw_text("SM2", "por favor no me escriban más")));
    cr_expect(stored.opted_out && stored.confirms);
    cr_expect_eq(saying("Rapid Plumbing: ya no le enviaremos%"), 1);
    gw_change("UPDATE leads SET opted_out_at = NULL WHERE client_id = $1");
    stored = gw_store_one(said(gw_text("SM3", "توقف")));
    cr_expect(stored.opted_out && stored.confirms, "no keyword of Twilio's");
    cr_expect_eq(saying("%لن نرسل إليك%"), 1);
    gw_change("UPDATE leads SET opted_out_at = NULL WHERE client_id = $1");
    stored = gw_store_one(said(gw_text("SM4", "Can you stop by tomorrow at 5?")));
    cr_expect_not(stored.opted_out);
    cr_expect_str_neq(stored.task_id, "");
}

Test(consents, a_stop_that_comes_twice_is_confirmed_once)
{
    struct stored stored;

    gw_store_one(said(gw_whatsapp("SM1", "STOP")));
    stored = gw_store_one(said(gw_whatsapp("SM1", "STOP")));
    cr_expect_eq(stored.outcome, ACCEPT_DUPLICATE);
    cr_expect_not(stored.due);
    cr_expect_eq(confirmations(), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1"), 1);
}

Test(consents, the_clients_own_words_are_used)
{
    struct inbound stop = gw_text("SM1", "please no more texts"), start = gw_text("SM2", "text me again");

    gw_change(
        "UPDATE clients SET config = '{\"opt_out_confirmation\": \"Bye.\", \"opt_in_confirmation\": \"Hello again.\","
        " \"help_text\": \"Call 555.\"}' WHERE client_id = $1");
    stop.consent = "out";
    start.consent = "yes";
    gw_store_one(stop);
    gw_store_one(start);
    gw_store_one(said(gw_text("SM3", "HELP")));
    cr_expect_eq(saying("Bye."), 1);
    cr_expect_eq(saying("Hello again."), 1);
    cr_expect_eq(saying("Call 555."), 1);
    cr_expect_eq(confirmations(), 3);
}

Test(consents, else_the_lead_is_told_in_its_own_language)
{
    struct inbound spanish = gw_text("SM1", "no me escriban mas"), arabic = gw_text("SM2", "توقف");

    spanish.consent = "out";
    spanish.language = "es";
    gw_store_one(spanish);
    cr_expect_eq(saying("Rapid Plumbing: ya no le enviaremos%"), 1);
    cr_expect_eq(gw_ask("SELECT lane_units AS n FROM tasks WHERE client_id = $1"), 1);
    gw_change("UPDATE leads SET opted_out_at = NULL WHERE client_id = $1");
    gw_change("DELETE FROM tasks WHERE client_id = $1");
    gw_change("UPDATE clients SET name = repeat('x', 100) WHERE client_id = $1");
    arabic.consent = "out";
    arabic.language = "ar";
    gw_store_one(arabic);
    cr_expect_eq(saying("xxx%لن نرسل إليك%"), 1);
    cr_expect_eq(gw_ask("SELECT lane_units AS n FROM tasks WHERE client_id = $1"), 3);
}

Test(consents, help_is_answered_whoever_asks_and_changes_nothing)
{
    struct inbound done = said(gw_text("SM3", "HELP"));
    struct stored stored = gw_store_one(said(gw_text("SM1", "help")));

    cr_expect(stored.confirms && stored.due);
    cr_expect_not(stored.opted_out || stored.opted_in);
    cr_expect_eq(saying("Rapid Plumbing: reply with your question%"), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND kind = 'process_ai_response'"), 0);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM conversations c JOIN messages m USING (client_id, conversation_id)"
                        " WHERE c.client_id = $1 AND m.direction = 'in' AND c.answered_seq = m.seq"),
                 1);

    gw_change("UPDATE leads SET opted_out_at = now() WHERE client_id = $1");
    stored = gw_store_one(said(gw_whatsapp("SM2", "INFO")));
    cr_expect(stored.confirms);
    cr_expect_eq(opted_out(), 1);
    cr_expect_eq(confirmations(), 2);

    inbound_read_consent(&done, "HELP");
    stored = gw_store_one(done);
    cr_expect_str_eq(stored.task_id, "", "Twilio has answered it");
    cr_expect_eq(confirmations(), 2);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1 AND kind = 'help'"), 3);
}

Test(consents, what_was_asked_before_help_is_still_answered)
{
    struct stored question = gw_store_one(gw_text("SM1", "What does it cost?"));

    gw_store_one(said(gw_text("SM2", "HELP")));
    cr_expect_str_neq(question.task_id, "");
    cr_expect_eq(gw_ask("SELECT answered_seq AS n FROM conversations WHERE client_id = $1"), 0);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND kind = 'process_ai_response'"), 1);
}

Test(consents, a_start_of_somebody_who_gets_messages_is_twilios_by_sms_and_the_agents_by_whatsapp)
{
    struct stored stored = gw_store_one(said(gw_text("SM1", "Start")));

    cr_expect_str_eq(stored.task_id, "");
    stored = gw_store_one(said(gw_whatsapp("SM2", "Start")));
    cr_expect_str_neq(stored.task_id, "");
    cr_expect_not(stored.confirms);
    cr_expect_eq(confirmations(), 0);
}

Test(consents, yes_opts_in_only_who_has_opted_out)
{
    struct stored stored = gw_store_one(said(gw_text("SM1", "Yes")));

    cr_expect_str_neq(stored.task_id, "");
    cr_expect_not(stored.confirms);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1"), 0);
    gw_change("UPDATE leads SET opted_out_at = now() WHERE client_id = $1");
    stored = gw_store_one(said(gw_whatsapp("SM2", "yes!")));
    cr_expect(stored.opted_in && stored.confirms);
    cr_expect_eq(opted_out(), 0);
}

Test(consents, what_twilio_says_counts_whatever_the_words)
{
    struct inbound in = gw_text("SM1", "arret");
    struct stored stored;

    inbound_read_consent(&in, "STOP");
    stored = gw_store_one(in);
    cr_expect(stored.opted_out);
    cr_expect_eq(confirmations(), 0);
    in = gw_text("SM2", "hola");
    inbound_read_consent(&in, "start");
    stored = gw_store_one(in);
    cr_expect(stored.opted_in);
    cr_expect_eq(confirmations(), 0);
    in = gw_text("SM3", "What does it cost?");
    inbound_read_consent(&in, "SOMETHING");
    stored = gw_store_one(in);
    cr_expect_str_neq(stored.task_id, "");
}

Test(consents, a_person_who_writes_leaves_the_confirmation_its_epoch)
{
    gw_store_one(gw_whatsapp("SM1", "Hi"));
    gw_change("UPDATE conversations SET state = 'taken_over', epoch = 7 WHERE client_id = $1");
    gw_store_one(said(gw_whatsapp("SM2", "STOP")));
    cr_expect_eq(gw_ask("SELECT epoch AS n FROM messages WHERE client_id = $1 AND purpose = 'consent'"), 7);
}

/* ---- two STOPs at once, in two gateways ---- */

static void *store_stop(void *sid)
{
    struct inbound in = said(gw_whatsapp(sid, "STOP")), *pointer = &in;
    struct stored stored;
    struct err err = {0};

    cr_expect_eq(accept_store(gw_root, GW_ACCOUNT, GW_BURST_MS, &pointer, 1, &stored, &err), 0, "%s", err.text);
    return NULL;
}

Test(consents, two_stops_at_once_are_confirmed_once)
{
    pthread_t threads[2];
    char *sids[] = {"SM2", "SM3"};

    gw_store_one(gw_whatsapp("SM1", "Hi"));
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, store_stop, sids[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(confirmations(), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1"), 2);
}

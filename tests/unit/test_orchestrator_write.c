/* What the orchestrator has sent: a person's messages, alerts, the first message. Against a database, with the rights
 * of its role. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/orchestrator/handlers.h"
#include "tests/unit/testdb.h"

#define OURS   "+15550002222"
#define LEAD   "+15550001111"
#define BOSS   "+15550009999"
#define WA     "+15550003333"
#define HX_SID "HX0123456789abcdef0123456789abcdef"

static struct db_pool *admin, *pool;
static struct arena *arena;
static struct err err;
static struct config config;
static struct worker worker;
static char client[UUID_SIZE];

static int ask(request_fn *run, const char *client_id, const void *request, void *reply)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, client_id ? client_id : DB_EVERY_CLIENT, &err);
    struct call call = {.client_id = client_id, .request = request, .reply = reply, .arena = arena, .tx = tx};

    memset(&err, 0, sizeof err);
    cr_assert(tx);
    if (run(&worker, &call, &err) < 0)
        return -1;
    return db_commit(&tx, &err);
}

static const char *one(const char *sql)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run(admin, DB_EVERY_CLIENT, &rows, &err, sql, db_text(client)) >= 0, "%s", err.text);
    return db_result_count(rows) > 0 ? arena_strdup(arena, db_get(rows, 0, "v")) : NULL;
}

static void configure(const char *patch)
{
    struct client got = {0};

    cr_assert_eq(ask(on_update_client_config, client,
                     &(struct update_client_config){.client_id = client, .config = patch}, &got),
                 0, "%s", err.text);
}

static int write_to(struct create_message request, struct created_message *ret_created)
{
    *ret_created = (struct created_message){0};
    request.client_id = client;
    return ask(on_create_message, client, &request, ret_created);
}

/* A text of the lead, stored so many minutes ago. */
static void lead_writes(const char *conversation_id, const char *channel, const char *body, int minutes_ago)
{
    char id[UUID_SIZE];

    uuid_new(id);
    cr_assert(
        db_run(admin, DB_EVERY_CLIENT, NULL, &err,
               "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
               "                      from_address, to_address, body, state, created_at)"
               " SELECT $1, $2, conversation_id, lead_id, 'in', 'lead', $4, lead_address, our_address, $5,"
               "        'received', now() - make_interval(mins => $6)"
               "   FROM conversations WHERE conversation_id = $3",
               db_text(client), db_text(id), db_text(conversation_id), db_text(channel), db_text(body),
               db_int(minutes_ago)) == 1,
        "%s", err.text);
}

/* A conversation without messages of ours. */
static const char *new_conversation(const char *channel)
{
    const char *of_channel = arena_printf(arena,
                                          "SELECT conversation_id AS v FROM conversations WHERE client_id = $1"
                                          " AND channel = '%s'",
                                          channel);

    cr_assert(
        db_run(admin, DB_EVERY_CLIENT, NULL, &err,
               "WITH lead AS (INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, gen_random_uuid(), $2)"
               "              ON CONFLICT ON CONSTRAINT leads_phone DO UPDATE SET phone = excluded.phone"
               "              RETURNING lead_id)"
               " INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)"
               " SELECT $1, gen_random_uuid(), lead_id, $3, $2, $4 FROM lead",
               db_text(client), db_text(LEAD), db_text(channel), db_text(strcmp(channel, "sms") == 0 ? OURS : WA)) == 1,
        "%s", err.text);
    return one(of_channel);
}

static void answer(const char *conversation_id)
{
    char instance[UUID_SIZE], task_id[UUID_SIZE];
    struct task_ref ref = {.client_id = client, .task_id = task_id};
    struct task task = {0};
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, client, &err);

    cr_assert_geq(task_insert(tx, NULL,
                              &(struct task_spec){.kind = TASK_process_ai_response,
                                                  .client_id = client,
                                                  .payload = &(struct process_ai_response){conversation_id},
                                                  .serial_key = conversation_id},
                              task_id, &err),
                  0, "%s", err.text);
    cr_assert_eq(db_commit(&tx, &err), 0);
    uuid_new(instance);
    cr_assert(db_run(admin, NULL, NULL, &err,
                     "INSERT INTO mailboxes (instance, role, mailbox, events) VALUES ($1, 'orchestrator', '', '')",
                     db_text(instance)) == 1);
    cr_assert_eq(tasks_claim(pool, instance, "orchestrator", &ref, 1, &task, &err), 1, "%s", err.text);
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    if (!task.settled)
        cr_assert_eq(tasks_complete_batch(pool, NULL, (struct task *[]){&task}, 1, &err), 1, "%s", err.text);
    task_release(&task);
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
    cr_assert_eq(ask(on_create_client, NULL, &(struct create_client){.name = "Acme", .config = "{}"}, &made), 0);
    snprintf(client, sizeof client, "%s", made.client_id);
    configure("{\"twilio_phone_number\":\"" OURS "\",\"twilio_whatsapp_number\":\"" WA "\"}");
}

static void tear_down(void)
{
    db_pool_destroy(&pool);
    db_pool_destroy(&admin);
    arena_destroy(&arena);
}

TestSuite(orchestrator_write, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- a person's message ---- */

#define OUTBOUND                                                                                                       \
    "SELECT concat_ws(' ', m.author, m.purpose, m.channel, m.from_address, m.to_address, m.epoch, m.segments, t.kind," \
    "                 t.lane, t.lane_units, m.body) AS v"                                                              \
    "  FROM messages m JOIN task_payloads p ON p.payload->>'message_id' = m.message_id::text"                          \
    "  JOIN tasks t ON t.task_id = p.task_id WHERE m.client_id = $1 AND m.direction = 'out' ORDER BY m.seq DESC "      \
    "LIMIT 1"

Test(orchestrator_write, to_a_new_number_lead_and_conversation_are_made)
{
    struct created_message created, again;

    cr_assert_eq(write_to((struct create_message){.to = LEAD, .body = "Hi, Ada here."}, &created), 0, "%s", err.text);
    cr_expect_str_eq(one(OUTBOUND),
                     "human started sms " OURS " " LEAD " 2 1 send_message_sms sms:" OURS " 1 Acme: Hi, Ada here.");
    cr_expect_str_eq(one("SELECT phone AS v FROM leads WHERE client_id = $1"), LEAD);
    cr_expect_str_eq(one("SELECT task_id AS v FROM tasks WHERE client_id = $1"), created.task_id);

    /* The second finds them, and introduces nobody. */
    cr_assert_eq(write_to((struct create_message){.to = LEAD, .body = "Are you there?"}, &again), 0, "%s", err.text);
    cr_expect_str_eq(again.conversation_id, created.conversation_id);
    cr_expect_str_eq(again.lead_id, created.lead_id);
    cr_expect_str_neq(again.message_id, created.message_id);
    cr_expect_str_eq(one(OUTBOUND),
                     "human started sms " OURS " " LEAD " 3 1 send_message_sms sms:" OURS " 1 Are you there?");
}

Test(orchestrator_write, within_the_hour_it_is_a_reply)
{
    const char *conversation = new_conversation("sms");
    struct created_message created;

    lead_writes(conversation, "sms", "hello?", 70);
    cr_assert_eq(write_to((struct create_message){.conversation_id = conversation, .body = "Hi"}, &created), 0);
    cr_expect(strstr(one(OUTBOUND), "human started "), "%s", one(OUTBOUND));
    lead_writes(conversation, "sms", "hello!", 50);
    cr_assert_eq(write_to((struct create_message){.conversation_id = conversation, .body = "Hi"}, &created), 0);
    cr_expect(strstr(one(OUTBOUND), "human reply "), "%s", one(OUTBOUND));
}

Test(orchestrator_write, what_a_person_writes_answers_and_outdates_the_agent)
{
    const char *conversation = new_conversation("sms");
    struct created_message created;

    lead_writes(conversation, "sms", "When are you open?", 0);
    cr_assert_eq(write_to((struct create_message){.conversation_id = conversation, .body = "At 8."}, &created), 0);
    answer(conversation);
    cr_expect_str_eq(one("SELECT count(*) AS v FROM messages WHERE client_id = $1 AND author = 'agent'"), "0");
    cr_expect_str_eq(one("SELECT epoch::text AS v FROM conversations WHERE client_id = $1"), "2");

    /* What the lead writes next is the agent's again, and it sees what was said. */
    lead_writes(conversation, "sms", "Thanks!", 0);
    answer(conversation);
    cr_expect_str_eq(one("SELECT epoch::text AS v FROM messages WHERE client_id = $1 AND author = 'agent'"), "2");
    cr_expect_str_eq(one("SELECT string_agg(h->>'author', ' ') AS v FROM turns,"
                         " json_array_elements(record->'input'->'history') AS h WHERE client_id = $1"),
                     "lead human");
}

Test(orchestrator_write, a_persons_second_message_leaves_the_first_one_to_be_sent)
{
    const char *conversation = new_conversation("sms");
    struct create_message request = {.conversation_id = conversation, .body = "Hi"};
    struct created_message created;

    lead_writes(conversation, "sms", "When are you open?", 0);
    answer(conversation);
    cr_assert_eq(write_to(request, &created), 0, "%s", err.text);
    cr_assert_eq(write_to(request, &created), 0, "%s", err.text);
    cr_expect_str_eq(one("SELECT string_agg(m.author || ' ' || (m.epoch < c.epoch), ', ' ORDER BY m.seq) AS v"
                         "  FROM messages m JOIN conversations c USING (client_id, conversation_id)"
                         " WHERE m.client_id = $1 AND direction = 'out'"),
                     "agent true, human false, human false");
}

Test(orchestrator_write, what_waits_for_the_leads_hours_holds_up_no_answer)
{
    const char *conversation = new_conversation("sms");
    struct created_message created;

    cr_assert_eq(write_to((struct create_message){.conversation_id = conversation, .body = "Hi"}, &created), 0);
    lead_writes(conversation, "sms", "When are you open?", 0);
    answer(conversation);
    cr_expect_str_eq(one("SELECT count(DISTINCT serial_key) AS v FROM tasks WHERE client_id = $1 AND"
                         " kind = 'send_message_sms'"),
                     "2");
}

Test(orchestrator_write, by_whatsapp_free_text_needs_the_window_and_a_template_none)
{
    const char *conversation = new_conversation("whatsapp");
    struct create_message text = {.conversation_id = conversation, .body = "Hi"};
    struct create_message template = {.conversation_id = conversation,
                                      .content_sid = HX_SID,
                                      .content_variables = "{\"1\":\"Ada\"}"};
    struct created_message created;

    cr_expect_eq(write_to(text, &created), -1);
    cr_expect_eq(err.kind, ERR_CONFLICT);
    cr_expect_str_eq(err.field, "body");
    cr_expect(strstr(err.text, "content_sid"), "%s", err.text);
    cr_assert_eq(write_to(template, &created), 0, "%s", err.text);
    cr_expect_str_eq(one("SELECT content_sid || content_variables || purpose || body AS v FROM messages"
                         " WHERE client_id = $1"),
                     HX_SID "{\"1\": \"Ada\"}started");
    cr_expect_str_eq(one("SELECT kind || ' ' || lane AS v FROM tasks WHERE client_id = $1"),
                     "send_message_whatsapp whatsapp:" WA);
    lead_writes(conversation, "whatsapp", "hi", 25 * 60);
    cr_expect_eq(write_to(text, &created), -1);
    lead_writes(conversation, "whatsapp", "hi", 23 * 60);
    cr_expect_eq(write_to(text, &created), 0, "%s", err.text);
}

Test(orchestrator_write, what_cannot_be_sent_is_refused_and_named)
{
    char long_body[1602];
    struct created_message created;
    const char *conversation = new_conversation("sms");
    const struct {
        struct create_message request;
        const char *field;
    } cases[] = {
        {{.body = "Hi"}, "to"},
        {{.to = "5551234", .body = "Hi"}, "to"},
        {{.to = LEAD}, "body"},
        {{.to = LEAD, .body = " \n"}, "body"},
        {{.to = LEAD, .body = long_body}, "body"},
        {{.to = LEAD, .body = "Hi", .content_sid = HX_SID}, "body"},
        {{.to = LEAD, .body = "Hi", .content_variables = "{}"}, "content_variables"},
        {{.to = LEAD, .channel = "whatsapp", .content_sid = HX_SID, .content_variables = "[]"}, "content_variables"},
        {{.to = LEAD, .channel = "whatsapp", .content_sid = HX_SID, .content_variables = "{\"1\":\"\"}"},
         "content_variables"},
        {{.to = LEAD, .channel = "whatsapp", .content_sid = HX_SID, .content_variables = "{\"1\":1}"},
         "content_variables"},
        {{.to = LEAD, .channel = "whatsapp", .content_sid = "HX0123456789abcdef0123456789abcdeg"}, "content_sid"},
        {{.to = LEAD, .content_sid = HX_SID}, "content_sid"},
        {{.conversation_id = conversation, .channel = "whatsapp", .body = "Hi"}, "channel"},
        {{.conversation_id = conversation, .to = "+15550001112", .body = "Hi"}, "to"},
        {{.conversation_id = "0193a000-0000-7000-8000-000000000009", .body = "Hi"}, "conversation_id"},
    };

    memset(long_body, 'x', sizeof long_body - 1);
    long_body[sizeof long_body - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect_eq(write_to(cases[i].request, &created), -1, "%zu", i);
        cr_expect_str_eq(err.field, cases[i].field, "%zu: %s %s", i, err.field, err.text);
    }
    cr_expect_str_eq(one("SELECT count(*) AS v FROM messages WHERE client_id = $1"), "0");
}

Test(orchestrator_write, who_has_opted_out_is_not_written_to_and_nothing_is_made)
{
    struct created_message created;
    const char *conversation = new_conversation("sms");

    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, "UPDATE leads SET opted_out_at = now() WHERE client_id = $1",
                     db_text(client)) == 1);
    cr_expect_eq(write_to((struct create_message){.conversation_id = conversation, .body = "Hi"}, &created), -1);
    cr_expect_eq(err.kind, ERR_CONFLICT);
    cr_expect(strstr(err.text, "opted out"), "%s", err.text);
    cr_expect_eq(write_to((struct create_message){.to = LEAD, .body = "Hi"}, &created), -1);
    cr_expect_eq(err.kind, ERR_CONFLICT);
    cr_expect_str_eq(one("SELECT epoch::text AS v FROM conversations WHERE client_id = $1"), "1");
    cr_expect_str_eq(one("SELECT count(*) AS v FROM tasks WHERE client_id = $1"), "0");
}

Test(orchestrator_write, the_sender_is_the_number_that_the_lead_knows_while_it_is_ours)
{
    struct created_message created;
    struct create_message request = {.to = LEAD, .body = "Hi Acme"};

    cr_assert_eq(write_to(request, &created), 0);
    configure("{\"twilio_phone_number\":\"+15550002223\",\"twilio_phone_numbers\":[\"" OURS "\"]}");
    cr_assert_eq(write_to(request, &created), 0);
    cr_expect(strstr(one(OUTBOUND), "sms " OURS " "), "%s", one(OUTBOUND));
    configure("{\"twilio_phone_numbers\":null}");
    cr_assert_eq(write_to(request, &created), 0);
    cr_expect(strstr(one(OUTBOUND), "sms +15550002223 "), "%s", one(OUTBOUND));
    configure("{\"twilio_phone_number\":null,"
              "\"twilio_messaging_service_sid\":\"MG0123456789abcdef0123456789abcdef\"}");
    cr_assert_eq(write_to(request, &created), 0);
    cr_expect(strstr(one(OUTBOUND), "sms:MG0123456789abcdef0123456789abcdef"), "%s", one(OUTBOUND));
    configure("{\"twilio_messaging_service_sid\":null}");
    cr_expect_eq(write_to(request, &created), -1);
    cr_expect_str_eq(err.field, "twilio_phone_number");
    configure("{\"twilio_whatsapp_number\":null}");
    cr_expect_eq(write_to((struct create_message){.to = LEAD, .channel = "whatsapp", .content_sid = HX_SID}, &created),
                 -1);
    cr_expect_str_eq(err.field, "twilio_whatsapp_number");
}

Test(orchestrator_write, a_persons_words_are_not_cut_for_the_first_message)
{
    char body[1601];
    struct created_message created;

    configure("{\"first_message_opt_out_line\":\"Reply STOP to opt out.\"}");
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    cr_expect_eq(write_to((struct create_message){.to = LEAD, .body = body}, &created), -1);
    cr_expect(strstr(err.text, "1571 characters"), "%s", err.text);
    body[1571] = '\0';
    cr_assert_eq(write_to((struct create_message){.to = LEAD, .body = body}, &created), 0, "%s", err.text);
    cr_expect_str_eq(one("SELECT length(body) || right(body, 22) AS v FROM messages WHERE client_id = $1"),
                     "1600Reply STOP to opt out.");
}

/* ---- the agent's ---- */

Test(orchestrator_write, the_first_answer_names_the_business_and_the_second_does_not)
{
    const char *conversation = new_conversation("whatsapp");

    configure("{\"first_message_opt_out_line\":\"Reply STOP to opt out.\"}");
    lead_writes(conversation, "whatsapp", "Do you repair boats?", 0);
    answer(conversation);
    cr_expect(strstr(one(OUTBOUND), "agent reply whatsapp " WA " " LEAD " 1 1 send_message_whatsapp whatsapp:" WA
                                    " 1 Acme: I don't have"),
              "%s", one(OUTBOUND));
    cr_expect(strstr(one(OUTBOUND), "\nReply STOP to opt out."), "%s", one(OUTBOUND));
    cr_expect_str_eq(one("SELECT (record->'input'->>'first_message') || (record->'output'->>'reply' = m.body) AS v"
                         "  FROM turns JOIN messages m USING (client_id, turn_id) WHERE client_id = $1"),
                     "truetrue");
    lead_writes(conversation, "whatsapp", "hm", 0);
    answer(conversation);
    cr_expect_not(strstr(one(OUTBOUND), "Acme"), "%s", one(OUTBOUND));
    cr_expect_not(strstr(one(OUTBOUND), "STOP"), "%s", one(OUTBOUND));
}

#define ALERTS                                                                                       \
    "SELECT string_agg(channel || ' ' || to_address || ' ' || from_address, ', ' ORDER BY seq) AS v" \
    "  FROM messages WHERE client_id = $1 AND purpose = 'alert'"

Test(orchestrator_write, a_hot_lead_is_told_once_by_text_and_call)
{
    const char *conversation = new_conversation("sms");
    const char *text;

    configure("{\"hot_lead_sms_number\":\"" BOSS "\",\"alert_call\":\"on\"}");
    lead_writes(conversation, "sms", "I'm Ada. My boiler burst, I need a new boiler today, it is an emergency!", 0);
    answer(conversation);
    cr_expect_str_eq(one(ALERTS), "sms " BOSS " " OURS ", voice " BOSS " " OURS);
    cr_expect_str_eq(one("SELECT string_agg(kind || ' ' || lane || coalesce(serial_key, ''), ', ' ORDER BY kind) AS v"
                         "  FROM tasks WHERE client_id = $1 AND kind <> 'send_message_sms'"),
                     "make_alert_call voice:" OURS ", send_sms_alert sms:" OURS);
    text = one("SELECT body AS v FROM messages WHERE client_id = $1 AND purpose = 'alert' AND channel = 'sms'");
    cr_expect(strstr(text, "Acme: hot lead. ") && strstr(text, LEAD) && strstr(text, "Urgency: high") &&
                  strstr(text, "Last words: I'm Ada. My boiler burst"),
              "%s", text);
    text = one("SELECT body AS v FROM messages WHERE client_id = $1 AND channel = 'voice'");
    cr_expect(strstr(text, "Number: 1 5 5 5 0 0 0 1 1 1 1."), "%s", text);

    /* Hot again, and written to again: nothing is told twice, and the agent sees nothing of it. */
    lead_writes(conversation, "sms", "It is urgent, the boiler!", 0);
    answer(conversation);
    cr_expect_str_eq(one(ALERTS), "sms " BOSS " " OURS ", voice " BOSS " " OURS);
    cr_expect_str_eq(one("SELECT string_agg(h->>'author', ' ') AS v FROM (SELECT record FROM turns"
                         "  WHERE client_id = $1 ORDER BY created_at DESC LIMIT 1) t,"
                         " json_array_elements(record->'input'->'history') AS h"),
                     "lead agent");
}

Test(orchestrator_write, the_call_about_a_hot_lead_speaks_the_clients_language)
{
    const char *conversation = new_conversation("sms");
    const char *text;

    configure("{\"hot_lead_sms_number\":\"" BOSS "\",\"alert_call\":\"on\",\"language\":\"es\"}");
    lead_writes(conversation, "sms", "I'm Ada. My boiler burst, I need a new boiler today, it is an emergency!", 0);
    answer(conversation);
    text = one("SELECT body AS v FROM messages WHERE client_id = $1 AND channel = 'voice'");
    cr_expect(strncmp(text, "Cliente muy interesado para Acme. Nombre: Ada. ", 47) == 0 &&
                  strstr(text, "Número: 1 5 5 5 0 0 0 1 1 1 1. Últimas palabras: I'm Ada."),
              "%s", text);
}

/* Moves the lead's last alert back in time. */
static void alerted_before(const char *interval)
{
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "UPDATE leads SET hot_alerted_at = now() - $2::interval WHERE client_id = $1", db_text(client),
                     db_text(interval)) == 1,
              "%s", err.text);
}

#define HISTORY                                                                                           \
    "SELECT string_agg(score_before || ' ' || score || CASE WHEN alerted THEN ' told' ELSE '' END, ', ' " \
    "                  ORDER BY change) AS v FROM lead_scores WHERE client_id = $1"

Test(orchestrator_write, a_lead_that_cools_down_and_is_hot_again_is_told_again_only_behind_the_clients_window)
{
    const char *conversation = new_conversation("sms");
    static const char hot[] = "We need a new boiler today, it is urgent",
                      cold[] = "Never mind, we don't need it anymore";

    configure("{\"hot_lead_sms_number\":\"" BOSS "\",\"alert_again_after_hours\":2}");
    lead_writes(conversation, "sms", hot, 0);
    answer(conversation);
    lead_writes(conversation, "sms", cold, 0);
    answer(conversation);
    alerted_before("119 minutes");
    lead_writes(conversation, "sms", hot, 0);
    answer(conversation);
    cr_expect_str_eq(one(ALERTS), "sms " BOSS " " OURS, "within the window");
    lead_writes(conversation, "sms", cold, 0);
    answer(conversation);
    alerted_before("121 minutes");
    lead_writes(conversation, "sms", hot, 0);
    answer(conversation);
    cr_expect_str_eq(one(ALERTS), "sms " BOSS " " OURS ", sms " BOSS " " OURS, "behind it");
    alerted_before("1 year");
    lead_writes(conversation, "sms", "It is urgent!", 0);
    answer(conversation);
    cr_expect_str_eq(one(ALERTS), "sms " BOSS " " OURS ", sms " BOSS " " OURS, "it has been hot all the time");
    cr_expect_str_eq(one(HISTORY), "COLD HOT told, HOT COLD, COLD HOT, HOT COLD, COLD HOT told");
}

Test(orchestrator_write, what_is_known_of_a_lead_stands_with_the_words_that_told_it)
{
    const char *conversation = new_conversation("sms");
    const char *text;

    lead_writes(conversation, "sms", "Hi. I need a new boiler.", 0);
    answer(conversation);
    lead_writes(conversation, "sms", "Budget is max $500, my mail is Ada@Example.com", 0);
    answer(conversation);
    cr_expect_str_eq(one("SELECT string_agg(key || ': ' || (value->>'words'), ' | ' ORDER BY key) AS v"
                         "  FROM leads, jsonb_each(evidence) WHERE client_id = $1"),
                     "budget_range: Budget is max $500, my mail is Ada@Example.com | "
                     "email: Budget is max $500, my mail is Ada@Example.com | service_interest: I need a new boiler.");
    cr_expect_str_eq(one("SELECT string_agg(m.body, ' | ' ORDER BY m.seq) AS v"
                         "  FROM leads l JOIN messages m USING (client_id)"
                         " WHERE l.client_id = $1 AND m.seq IN ((l.evidence->'service_interest'->>'seq')::bigint,"
                         "                                      (l.evidence->'email'->>'seq')::bigint)"),
                     "Hi. I need a new boiler. | Budget is max $500, my mail is Ada@Example.com");
    cr_expect_str_eq(one("SELECT email || ' ' || budget_range AS v FROM leads WHERE client_id = $1"),
                     "ada@example.com up to $500");
    text = one("SELECT record->'output'->'evidence'->'budget_range'->>'words' AS v FROM turns WHERE client_id = $1"
               " ORDER BY created_at DESC LIMIT 1");
    cr_expect_str_eq(text, "Budget is max $500, my mail is Ada@Example.com");
    text = one("SELECT reason || ' / ' || (evidence->'service_interest'->>'words') AS v FROM lead_scores"
               " WHERE client_id = $1");
    cr_expect_str_eq(text, "service: new boiler / I need a new boiler.");
}

Test(orchestrator_write, an_address_that_another_lead_has_is_not_taken_from_it)
{
    const char *conversation = new_conversation("sms");
    char other[UUID_SIZE];

    uuid_new(other);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO leads (client_id, lead_id, email) VALUES ($1, $2, 'ada@example.com')",
                     db_text(client), db_text(other)) == 1);
    lead_writes(conversation, "sms", "My mail is ada@example.com", 0);
    answer(conversation);
    cr_expect_str_eq(one("SELECT count(*) AS v FROM leads WHERE client_id = $1 AND email = 'ada@example.com'"), "1");
    cr_expect_str_eq(one("SELECT count(*) AS v FROM turns WHERE client_id = $1"), "1");
}

Test(orchestrator_write, scores_follow_the_clients_rules)
{
    const char *conversation = new_conversation("sms");

    configure("{\"qualification_rules\":{\"hot\":[[\"service\",\"enough_budget\"]],\"min_budget\":1000}}");
    lead_writes(conversation, "sms", "We need a new boiler today, it is urgent. Budget $900", 0);
    answer(conversation);
    cr_expect_str_eq(one("SELECT score AS v FROM leads WHERE client_id = $1"), "WARM");
    lead_writes(conversation, "sms", "ok we can spend $1,200", 0);
    answer(conversation);
    cr_expect_str_eq(one("SELECT score AS v FROM leads WHERE client_id = $1"), "HOT");
}

#define CAUSES_SQL                                                                                     \
    "SELECT string_agg(cause || CASE WHEN alerted THEN '!' ELSE '' END, ' ' ORDER BY created_at) AS v" \
    "  FROM conversation_events WHERE client_id = $1 AND kind = 'escalated'"

static void release(const char *conversation)
{
    struct conversation got = {0};

    /* What is still queued would have answered nothing. */
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "UPDATE messages SET state = 'sent' WHERE client_id = $1 AND state = 'queued'",
                     db_text(client)) >= 0);
    cr_assert_eq(ask(on_take_over_conversation, client,
                     &(struct take_over_conversation){.conversation_id = conversation}, &got),
                 0, "%s", err.text);
    cr_assert_str_eq(got.state, "taken_over");
    cr_assert_eq(ask(on_release_conversation, client, &(struct release_conversation){.conversation_id = conversation},
                     &got),
                 0, "%s", err.text);
    cr_assert_str_eq(got.state, "open");
}

Test(orchestrator_write, who_wants_a_person_is_told_once_until_a_person_has_been_there)
{
    const char *conversation = new_conversation("sms");
    const char *text;

    configure("{\"hot_lead_sms_number\":\"" BOSS "\",\"alert_call\":\"on\"}");
    for (int i = 0; i < 2; i++) {
        lead_writes(conversation, "sms", "Can I talk to a person please", 0);
        answer(conversation);
        cr_expect_str_eq(one(ALERTS), "sms " BOSS " " OURS);
    }
    text = one("SELECT body AS v FROM messages WHERE client_id = $1 AND purpose = 'alert'");
    cr_expect(strstr(text, "Acme: a lead needs a person. ") && strstr(text, "Why: asks for a person"), "%s", text);
    release(conversation);
    lead_writes(conversation, "sms", "Can I talk to a person please", 0);
    answer(conversation);
    cr_expect_str_eq(one(ALERTS), "sms " BOSS " " OURS ", sms " BOSS " " OURS);
    cr_expect_str_eq(one(CAUSES_SQL), "human! human!");
}

Test(orchestrator_write, a_graver_cause_is_told_though_a_person_was_called_before)
{
    static const char *const texts[] = {"Do you service boats?",
                                        "What about trains?",
                                        "And planes?",
                                        "This is ridiculous, worst service ever",
                                        "What a joke of a company",
                                        "You will hear from my lawyer",
                                        "my lawyer will contact you too",
                                        "What about ships?"};
    static const char *const causes[] = {"",
                                         "unknown!",
                                         "unknown!",
                                         "unknown! anger!",
                                         "unknown! anger!",
                                         "unknown! anger! legal!",
                                         "unknown! anger! legal!",
                                         "unknown! anger! legal!"};
    const char *conversation = new_conversation("sms");

    configure("{\"hot_lead_sms_number\":\"" BOSS "\"}");
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        lead_writes(conversation, "sms", texts[i], 0);
        answer(conversation);
        cr_expect_str_eq(one(CAUSES_SQL) ? one(CAUSES_SQL) : "", causes[i], "%s", texts[i]);
    }
    cr_expect_str_eq(one("SELECT count(*)::text AS v FROM messages WHERE client_id = $1 AND purpose = 'alert'"), "3");
    cr_expect_str_eq(one("SELECT state || ' ' || escalation_reason AS v FROM conversations WHERE client_id = $1"),
                     "escalated threatens legal steps");
    /* What a day ago was told is told again. */
    cr_assert(
        db_run(admin, DB_EVERY_CLIENT, NULL, &err,
               "UPDATE conversation_events SET created_at = created_at - interval '25 hours' WHERE client_id = $1",
               db_text(client)) == 3);
    lead_writes(conversation, "sms", "I am going to sue you", 0);
    answer(conversation);
    cr_expect_str_eq(one("SELECT count(*)::text AS v FROM messages WHERE client_id = $1 AND purpose = 'alert'"), "4");
}

Test(orchestrator_write, alerts_are_in_the_clients_language_and_the_lead_is_told_in_its_own)
{
    const char *conversation = new_conversation("sms"), *text;

    configure("{\"hot_lead_sms_number\":\"" BOSS "\",\"language\":\"es\"}");
    lead_writes(conversation, "sms", "أريد التحدث مع موظف", 0);
    answer(conversation);
    text = one("SELECT body AS v FROM messages WHERE client_id = $1 AND purpose = 'alert'");
    cr_expect(strstr(text, "un cliente necesita una persona") && strstr(text, "Motivo: pide hablar con una persona"),
              "%s", text);
    text = one("SELECT body AS v FROM messages WHERE client_id = $1 AND author = 'agent'");
    cr_expect(strstr(text, "سأحيل رسالتك إلى أحد الزملاء"), "%s", text);
}

#define OUR_ANSWERS "SELECT count(*)::text AS v FROM messages WHERE client_id = $1 AND author = 'agent'"

Test(orchestrator_write, a_machine_that_answers_us_is_not_answered_for_ever)
{
    const char *conversation = new_conversation("sms");
    char text[100];

    configure("{\"hot_lead_sms_number\":\"" BOSS "\"}");
    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof text, "I am away until 1%d:00 and will answer then.", i);
        lead_writes(conversation, "sms", text, 0);
        answer(conversation);
    }
    cr_expect_str_eq(one(OUR_ANSWERS), "3");
    cr_expect_str_eq(one(CAUSES_SQL), "loop!");
    cr_expect_str_eq(one("SELECT kind || ' ' || subject || ' ' || count AS v FROM notices WHERE client_id = $1"),
                     "loop_stopped " LEAD " 1");
    cr_expect_str_eq(one(ALERTS), "sms " BOSS " " OURS);
    /* Nothing waits, and who writes something else is answered. */
    lead_writes(conversation, "sms", "Sorry, that was my phone. Do you repair boilers?", 0);
    answer(conversation);
    cr_expect_str_eq(one(OUR_ANSWERS), "4");
}

Test(orchestrator_write, two_machines_with_much_to_say_stop_after_thirty_answers_in_ten_minutes)
{
    static const char *const words[] = {"north", "south", "east", "west", "up", "down"};
    const char *conversation = new_conversation("sms");
    char text[100];

    for (int i = 0; i < 33; i++) {
        snprintf(text, sizeof text, "My %s wall faces %s and %s.", words[i % 6], words[i / 6], words[(i + i / 6) % 6]);
        lead_writes(conversation, "sms", text, 0);
        answer(conversation);
    }
    cr_expect_str_eq(one(OUR_ANSWERS), "30");
    cr_expect_str_eq(one(CAUSES_SQL), "loop");
}

Test(orchestrator_write, a_person_who_writes_fast_is_answered)
{
    static const char *const texts[] = {"hi",
                                        "ok",
                                        "ok",
                                        "ok",
                                        "ok",
                                        "yes",
                                        "yes",
                                        "yes",
                                        "yes",
                                        "no",
                                        "no",
                                        "no",
                                        "no",
                                        "how much is it?",
                                        "how much is it?",
                                        "ok",
                                        "fine",
                                        "so?",
                                        "and?",
                                        "ok",
                                        "thanks",
                                        "ok",
                                        "bye",
                                        "bye"};
    const char *conversation = new_conversation("sms");
    char wanted[16];

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        lead_writes(conversation, "sms", texts[i], 0);
        answer(conversation);
    }
    snprintf(wanted, sizeof wanted, "%zu", COUNT_OF(texts));
    cr_expect_str_eq(one(OUR_ANSWERS), wanted);
}

Test(orchestrator_write, an_alert_without_a_sender_is_a_notice)
{
    const char *conversation = new_conversation("whatsapp");

    configure("{\"twilio_phone_number\":null,\"hot_lead_sms_number\":\"" BOSS "\"}");
    lead_writes(conversation, "whatsapp", "I need a new boiler today, it is an emergency!", 0);
    answer(conversation);
    cr_expect_null(one(ALERTS));
    cr_expect_str_eq(one("SELECT kind || ' ' || subject AS v FROM notices WHERE client_id = $1"),
                     "alert_not_sent " BOSS);
    cr_expect_str_eq(one("SELECT count(*) AS v FROM messages WHERE client_id = $1 AND author = 'agent'"), "1");
}

/* What is sent for each kind of message, and what is recorded of what Twilio answers, with a real database and a fake
 * Twilio. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/delivery/delivery.h"
#include "services/delivery/templates.h"
#include "services/delivery/twilio.h"
#include "tests/unit/fake_twilio.h"
#include "tests/unit/testdb.h"

#define SERVICE_SID "MG0123456789abcdef0123456789abcdef"

static struct fake_twilio fake;
static struct db_pool *admin;
static struct config config = {.public_url = "https://leads.example.com",
                               .twilio_account_sid = "AC0123456789abcdef0123456789abcdef",
                               .twilio_auth_token = "token"};
static struct delivery delivery;
static struct worker worker = {.config = &config, .state = &delivery};
static struct err err;
static char client[UUID_SIZE], lead[UUID_SIZE], conversation[UUID_SIZE], message[UUID_SIZE], task_id[UUID_SIZE];
static char instance[UUID_SIZE];

#define ADMIN(...) cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, __VA_ARGS__) >= 0, "%s", err.text)

static void insert_rows(void)
{
    uuid_new(client);
    uuid_new(lead);
    uuid_new(conversation);
    uuid_new(message);
    ADMIN("INSERT INTO clients (client_id, name) VALUES ($1, 'c')", db_text(client));
    ADMIN("INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, '+15550001111')", db_text(client),
          db_text(lead));
    ADMIN("INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)"
          " VALUES ($1, $2, $3, 'sms', '+15550001111', '+15550002222')",
          db_text(client), db_text(conversation), db_text(lead));
    ADMIN("INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
          "                      from_address, to_address, body, state)"
          " VALUES ($1, $2, $3, $4, 'out', 'agent', 'sms', '+15550002222', '+15550001111', 'hello', 'queued')",
          db_text(client), db_text(message), db_text(conversation), db_text(lead));
}

static void open_all(void)
{
    const char *url = testdb_url();
    struct bus_options options = {.role = "delivery", .bind_address = "127.0.0.1"};

    fake_twilio_start(&fake);
    uuid_new(instance);
    cr_assert(http_global_init(&err) == 0);
    admin = db_pool_new(url, NULL, 2, &err);
    worker.db = db_pool_new(url, "leadwire_delivery", 2, &err);
    worker.bus = bus_new(&options, &err);
    delivery.twilio = twilio_new(fake.url, &err);
    cr_assert(admin && worker.db && worker.bus && delivery.twilio, "%s", err.text);
    cr_assert(look_schedule_parse("5,15,60", &delivery.looks, &err) == 0);
    templates_forget();
    insert_rows();
}

static void close_all(void)
{
    twilio_destroy(&delivery.twilio);
    bus_destroy(&worker.bus);
    db_pool_destroy(&worker.db);
    db_pool_destroy(&admin);
    fake_twilio_stop(&fake);
}

TestSuite(delivery_kinds, .init = open_all, .fini = close_all, .timeout = 60);

#define SET_MESSAGE(assignments) ADMIN("UPDATE messages SET " assignments " WHERE client_id = $1", db_text(client))
#define SET_CONFIG(json)         ADMIN("UPDATE clients SET config = $2 WHERE client_id = $1", db_text(client), db_text(json))

static void insert_task(const char *kind)
{
    struct send_message payload = {.message_id = message};
    struct task_spec spec = {.kind = kind, .client_id = client, .payload = &payload};
    AUTO(db_rollback) struct db_tx *tx = db_begin(worker.db, client, &err);

    cr_assert(tx && task_insert(tx, NULL, &spec, task_id, &err) == 1 && db_commit(&tx, &err) == 0, "%s", err.text);
}

/* Claims the task as a process would and runs it once. */
static int claim_and_send(bool is_kept)
{
    struct task_ref ref = {.client_id = client, .task_id = task_id};
    struct task task;
    int rc;

    err = (struct err){0};
    cr_assert(tasks_claim(worker.db, instance, "delivery", &ref, 1, &task, &err) == 1, "%s", err.text);
    rc = on_send_message(&worker, &task, &err);
    if (rc < 0)
        cr_assert(is_kept == false || task_fail(worker.db, worker.bus, &task, &err, NULL) == 0);
    else
        cr_assert(task.settled);
    task_release(&task);
    return rc;
}

static int run_task(void)
{
    return claim_and_send(true);
}

/* The task is another one's before it is over. */
static int try_task(void)
{
    return claim_and_send(false);
}

static int send_as(const char *kind)
{
    insert_task(kind);
    return run_task();
}

static void after(int seconds)
{
    ADMIN("UPDATE messages SET sending_at = now() - make_interval(secs => $2::integer) WHERE client_id = $1",
          db_text(client), db_int(seconds));
    ADMIN("UPDATE tasks SET run_at = now() WHERE client_id = $1", db_text(client));
}

static char *look_up(const char *sql)
{
    static char text[600];
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run_args(admin, DB_EVERY_CLIENT, &rows, &err, sql, (struct db_arg[]){db_text(client)}, 1) >= 0, "%s",
              err.text);
    snprintf(text, sizeof text, "%s",
             db_result_count(rows) == 0 ? "none"
             : db_get(rows, 0, "v")     ? db_get(rows, 0, "v")
                                        : "null");
    return text;
}

#define OUT_(column)  look_up("SELECT " column " AS v FROM messages WHERE client_id = $1")
#define LEAD_(column) look_up("SELECT " column " AS v FROM leads WHERE client_id = $1")
#define TASK_(column) look_up("SELECT " column " AS v FROM tasks WHERE client_id = $1")
#define NOTICES                                                                               \
    look_up("SELECT string_agg(kind || '/' || subject || '/' || code, ' ') AS v FROM notices" \
            " WHERE client_id = $1")
#define CONSENT_ROWS                                                                            \
    look_up("SELECT string_agg(kind || '/' || channel || '/' || words, ' ') AS v FROM consents" \
            " WHERE client_id = $1")

static bool asked(const char *text)
{
    return strstr(fake.last, text) != NULL;
}

/* ---- what is sent ---- */

Test(delivery_kinds, a_text_keeps_the_number_of_its_segments)
{
    SET_MESSAGE("body = repeat('a', 161)");
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, OUT_("segments"), "2"));
}

Test(delivery_kinds, a_messaging_service_chooses_the_sender)
{
    SET_CONFIG("{\"twilio_messaging_service_sid\":\"" SERVICE_SID "\"}");
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\",\"num_segments\":\"0\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(asked("MessagingServiceSid=" SERVICE_SID));
    cr_expect(asked("From=") == false);
    cr_expect(eq(str, OUT_("segments"), "1"), "as we count them");
    cr_expect(eq(str, OUT_("messaging_service_sid"), SERVICE_SID));
}

static void lead_wrote_by_whatsapp(void)
{
    SET_MESSAGE("channel = 'whatsapp'");
    ADMIN("UPDATE conversations SET channel = 'whatsapp' WHERE client_id = $1", db_text(client));
    ADMIN("INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
          "                      from_address, to_address, body, state)"
          " VALUES ($1, gen_random_uuid(), $2, $3, 'in', 'lead', 'whatsapp', '+15550001111', '+15550002222', 'hi',"
          "         'received')",
          db_text(client), db_text(conversation), db_text(lead));
}

#define OUT(column) look_up("SELECT " column " AS v FROM messages WHERE client_id = $1 AND direction = 'out'")

Test(delivery_kinds, whatsapp_goes_between_whatsapp_addresses)
{
    lead_wrote_by_whatsapp();
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, send_as(TASK_send_message_whatsapp), 0));
    cr_expect(asked("To=whatsapp%3A%2B15550001111"));
    cr_expect(asked("From=whatsapp%3A%2B15550002222"));
    cr_expect(eq(str, OUT("state"), "sent"));
    cr_expect(eq(str, OUT("segments"), "null"));
}

Test(delivery_kinds, outside_whatsapps_window_nothing_is_tried_and_it_is_told)
{
    SET_MESSAGE("channel = 'whatsapp'");
    cr_expect(eq(int, send_as(TASK_send_message_whatsapp), 0));
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, OUT_("state || error_code"), "failed63016"));
    cr_expect(strstr(TASK_("error"), "63016") != NULL);
    cr_expect(eq(str, TASK_("state"), "dead"));
}

Test(delivery_kinds, a_template_without_one_of_its_values_is_not_sent)
{
    SET_MESSAGE("channel = 'whatsapp', content_sid = 'HX0123456789abcdef0123456789abcdef',"
                " content_variables = '{\"2\":\"x\"}', body = ''");
    fake_twilio_answer(&fake, 200,
                       "{\"sid\":\"HX0123456789abcdef0123456789abcdef\",\"variables\":{\"1\":\"Ada\"},"
                       "\"types\":{\"twilio/text\":{\"body\":\"Hello {{1}}\"}}}");
    fake_twilio_answer(&fake, 200, "{\"whatsapp\":{\"status\":\"approved\"}}");
    cr_expect(eq(int, send_as(TASK_send_message_whatsapp), 0));
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, OUT_("state || error_code"), "failed63028"));
    cr_expect(eq(str, NOTICES, "template_refused/HX0123456789abcdef0123456789abcdef/63028"));
}

/* ---- calls ---- */

static void make_call(void)
{
    SET_MESSAGE("channel = 'voice', purpose = 'alert', to_address = '+15550003333', body = 'Ada <hot> & ready'");
    ADMIN("UPDATE leads SET opted_out_at = now() WHERE client_id = $1", db_text(client));
}

Test(delivery_kinds, an_alert_call_says_its_text_and_waits_for_a_key)
{
    make_call();
    fake_twilio_answer(&fake, 201, "{\"sid\":\"CA1\"}");
    cr_expect(eq(int, send_as(TASK_make_alert_call), 0));
    cr_expect(asked("/Calls.json "));
    cr_expect(asked("To=%2B15550003333&From=%2B15550002222&Twiml="));
    cr_expect(asked("Ada%20%26lt%3Bhot%26gt%3B%20%26amp%3B%20ready") ||
              asked("Ada+%26lt%3Bhot%26gt%3B+%26amp%3B+ready"));
    cr_expect(asked("%2Fapi%2Fv1%2Fwebhooks%2Ftwilio%2Fvoice"));
    cr_expect(eq(str, OUT_("state || provider_sid"), "sentCA1"));
}

Test(delivery_kinds, an_alert_call_speaks_the_clients_language)
{
    make_call();
    SET_CONFIG("{\"language\":\"es-MX\"}");
    fake_twilio_answer(&fake, 201, "{\"sid\":\"CA1\"}");
    cr_expect(eq(int, send_as(TASK_make_alert_call), 0));
    cr_expect(asked("Polly.Mia"));
    cr_expect(asked("Pulse"));
    cr_expect(asked("Press") == false);
}

Test(delivery_kinds, or_lets_twilio_ask_the_gateway_for_it)
{
    make_call();
    SET_CONFIG("{\"alert_call_twiml\":\"url\"}");
    fake_twilio_answer(&fake, 201, "{\"sid\":\"CA1\"}");
    cr_expect(eq(int, send_as(TASK_make_alert_call), 0));
    cr_expect(asked("&Url=https%3A%2F%2Fleads.example.com%2Fapi%2Fv1%2Fwebhooks%2Ftwilio%2Fvoice"));
    cr_expect(asked("Twiml=") == false);
}

Test(delivery_kinds, an_uncertain_call_is_never_repeated_nor_looked_for)
{
    make_call();
    fake_twilio_answer(&fake, 0, " ");
    cr_expect(eq(int, send_as(TASK_make_alert_call), 0));
    cr_expect(eq(str, OUT_("state"), "uncertain"));
    for (int look = 0; look < 3; look++) {
        cr_expect(eq(str, TASK_("state"), "ready"));
        after(100);
        cr_expect(eq(int, run_task(), 0));
    }
    cr_expect(eq(str, TASK_("state"), "dead"), "a person decides");
    cr_expect(eq(str, OUT_("state"), "uncertain"));
    cr_expect(eq(int, fake.n_posts, 1));
    cr_expect(eq(int, fake.n_gets, 0));
}

/* ---- what Twilio answers ---- */

Test(delivery_kinds, an_opt_out_that_twilio_tells_leaves_its_proof)
{
    fake_twilio_answer(&fake, 400, "{\"code\":21610,\"message\":\"unsubscribed\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, LEAD_("opted_out_channel || ' ' || opted_out_words"), "sms Twilio 21610"));
    cr_expect(eq(str, CONSENT_ROWS, "out/sms/Twilio 21610"));
    cr_expect(eq(str, NOTICES, "null"), "one recipient is nobody's fault");
}

Test(delivery_kinds, an_alert_that_its_recipient_opted_out_of_says_nothing_about_the_lead)
{
    SET_MESSAGE("purpose = 'alert', to_address = '+15550003333'");
    fake_twilio_answer(&fake, 400, "{\"code\":21610,\"message\":\"unsubscribed\"}");
    cr_expect(eq(int, send_as(TASK_send_sms_alert), 0));
    cr_expect(eq(str, OUT_("state"), "failed"));
    cr_expect(eq(str, LEAD_("opted_out_at"), "null"));
    cr_expect(eq(str, CONSENT_ROWS, "null"));
    cr_expect(eq(str, NOTICES, "alert_not_sent/+15550003333/21610"), "but the client's people are told of nothing");
}

Test(delivery_kinds, a_landline_is_remembered)
{
    fake_twilio_answer(&fake, 400, "{\"code\":21614,\"message\":\"not a mobile\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, LEAD_("phone_line_type"), "landline"));
}

Test(delivery_kinds, what_a_lookup_knows_counts_more)
{
    ADMIN("UPDATE leads SET phone_line_type = 'mobile' WHERE client_id = $1", db_text(client));
    fake_twilio_answer(&fake, 400, "{\"code\":30006,\"message\":\"landline or unreachable\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, LEAD_("phone_line_type"), "mobile"));
}

Test(delivery_kinds, a_number_that_cannot_send_is_told_to_a_person)
{
    fake_twilio_answer(&fake, 400, "{\"code\":21606,\"message\":\"not yours\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, NOTICES, "sender_refused/+15550002222/21606"));
    cr_expect(eq(str, TASK_("state"), "dead"));
}

Test(delivery_kinds, a_client_without_a_number_is_told_so)
{
    SET_MESSAGE("from_address = ''");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, OUT_("state || error_code"), "failed21603"));
    cr_expect(eq(str, NOTICES, "sender_refused/sms/21603"));
}

Test(delivery_kinds, one_bad_recipient_is_no_notice)
{
    SET_MESSAGE("to_address = '12'");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, OUT_("state || error_code"), "failed21211"));
    cr_expect(eq(str, NOTICES, "null"));
}

Test(delivery_kinds, refused_credentials_pause_the_account)
{
    fake_twilio_answer(&fake, 401, "{\"code\":20003,\"message\":\"Authenticate\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, OUT_("state || error_code"), "failed20003"));
    cr_expect(eq(str,
                 look_up("SELECT reason || (paused_until > now()) AS v FROM provider_accounts"
                         " WHERE account = 'twilio' AND $1 <> ''"),
                 "credentialstrue"));
}

/* ---- what is waited for, and looked for ---- */

Test(delivery_kinds, what_we_start_waits_in_its_task)
{
    SET_MESSAGE("purpose = 'started'");
    ADMIN("UPDATE leads SET timezone = 'Etc/UTC' WHERE client_id = $1", db_text(client));
    ADMIN("UPDATE clients SET config = jsonb_build_object('allowed_hours', (SELECT to_char(at, 'HH24:MI') || '-'"
          " || to_char(at + interval '1 hour', 'HH24:MI') FROM (SELECT (now() AT TIME ZONE 'UTC') + interval '2 hours'"
          " AS at) t)) WHERE client_id = $1",
          db_text(client));
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, OUT_("state"), "queued"));
    cr_expect(eq(str, TASK_("state || ' ' || attempt"), "ready 0"), "it is no failure");
    cr_expect(
        eq(str, TASK_("run_at > now() + interval '118 minutes' AND run_at <= now() + interval '120 minutes'"), "t"));
}

Test(delivery_kinds, what_went_through_another_account_is_not_thought_lost)
{
    insert_task(TASK_send_message_sms);
    SET_MESSAGE("state = 'sending', send_attempt = 1, account_sid = 'ACother'");
    for (int look = 0; look < 3; look++) {
        after(100);
        cr_expect(eq(int, run_task(), 0));
    }
    cr_expect(eq(str, OUT_("state"), "uncertain"));
    cr_expect(eq(str, OUT_("looks_listed"), "0"));
    cr_expect(strstr(OUT_("error_text"), "another Twilio account") != NULL);
    cr_expect(eq(int, fake.n_posts + fake.n_gets, 0));
}

/* ---- what changes between the intent and the send ---- */

static void say_stop(void *arg)
{
    struct err problem;

    (void)arg;
    db_run(admin, DB_EVERY_CLIENT, NULL, &problem, "UPDATE leads SET opted_out_at = now() WHERE client_id = $1",
           db_text(client));
    usleep(350000);
}

static void take_over(void *arg)
{
    struct err problem;

    (void)arg;
    db_run(admin, DB_EVERY_CLIENT, NULL, &problem, "UPDATE tasks SET token = token + 1 WHERE client_id = $1",
           db_text(client));
    usleep(350000);
}

static void wait_a_little(void *arg)
{
    (void)arg;
    usleep(350000);
}

/* A new number is looked up between the intent and the send, which takes a while. */
static void look_up_meanwhile(void (*what)(void *arg))
{
    SET_MESSAGE("purpose = 'started'");
    SET_CONFIG("{\"lookup_new_numbers\":\"on\",\"allowed_hours\":\"00:00-24:00\"}");
    fake.on_request = what;
    fake_twilio_answer(&fake, 200,
                       "{\"phone_number\":\"+15550001111\",\"valid\":true,\"country_code\":\"US\","
                       "\"line_type_intelligence\":{\"type\":\"mobile\"}}");
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    insert_task(TASK_send_message_sms);
}

Test(delivery_kinds, a_stop_that_comes_during_the_lookup_counts)
{
    look_up_meanwhile(say_stop);
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(int, fake.n_gets, 1));
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, OUT_("state || ' ' || send_attempt"), "queued 0"));
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, OUT_("state"), "dropped"));
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_kinds, who_stood_still_so_long_that_another_one_has_the_task_does_not_send)
{
    look_up_meanwhile(take_over);
    cr_expect(eq(int, try_task(), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, OUT_("state"), "sending"), "the other one's to look after");
}

Test(delivery_kinds, what_may_still_go_after_a_long_lookup_is_sent)
{
    look_up_meanwhile(wait_a_little);
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(int, fake.n_posts, 1));
    cr_expect(eq(str, OUT_("state || ' ' || send_attempt"), "sent 1"));
}

static void say_start(void *arg)
{
    struct err problem;

    (void)arg;
    db_run(admin, DB_EVERY_CLIENT, NULL, &problem,
           "INSERT INTO consents (client_id, lead_id, kind, channel, words) VALUES ($1, $2, 'in', 'sms', 'START')",
           db_text(client), db_text(lead));
}

Test(delivery_kinds, a_start_that_comes_during_the_send_counts_more_than_twilios_refusal)
{
    fake.on_request = say_start;
    fake_twilio_answer(&fake, 400, "{\"code\":21610,\"message\":\"unsubscribed\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, OUT_("state || ' ' || error_code"), "failed 21610"));
    cr_expect(eq(str, LEAD_("opted_out_at"), "null"));
}

/* ---- what was sent with another account than is configured now ---- */

Test(delivery_kinds, what_went_through_the_environments_account_is_looked_for_there)
{
    insert_task(TASK_send_message_sms);
    SET_MESSAGE("state = 'sending', send_attempt = 1, account_sid = 'AC0123456789abcdef0123456789abcdef'");
    SET_CONFIG("{\"twilio_account_sid\":\"AC1\",\"twilio_auth_token\":\"sealed\"}");
    fake_twilio_answer(&fake, 200, "{\"messages\":[]}");
    after(100);
    cr_expect(eq(int, run_task(), 0));
    cr_expect(strstr(fake.last, "/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json") != NULL);
    cr_expect(eq(str, OUT_("looks_listed"), "1"));
}

/* Its conversation would wait for it. */
Test(delivery_kinds, what_cannot_be_looked_for_any_more_is_left_to_a_person_after_the_last_look)
{
    insert_task(TASK_send_message_sms);
    SET_MESSAGE("state = 'sending', send_attempt = 1, account_sid = 'ACother'");
    for (int look = 0; look < 3; look++) {
        after(100);
        cr_expect(eq(int, run_task(), 0));
    }
    cr_expect(eq(str, TASK_("state"), "dead"));
    cr_expect(eq(str, OUT_("state"), "uncertain"));
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, look_up("SELECT kind || '/' || subject AS v FROM notices WHERE client_id = $1"),
                 "message_uncertain/+15550002222"));
}

/* ---- consents ---- */

Test(delivery_kinds, a_start_is_not_confirmed_to_who_has_said_stop_since)
{
    SET_MESSAGE("purpose = 'consent', created_at = now() - interval '1 minute'");
    ADMIN("UPDATE leads SET opted_out_at = now() WHERE client_id = $1", db_text(client));
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, OUT_("state"), "dropped"));
}

Test(delivery_kinds, an_opt_out_is_confirmed_and_help_is_answered_after_it)
{
    SET_MESSAGE("purpose = 'consent'");
    ADMIN("UPDATE leads SET opted_out_at = (SELECT created_at FROM messages WHERE client_id = $1) WHERE client_id = $1",
          db_text(client));
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, send_as(TASK_send_message_sms), 0));
    cr_expect(eq(str, OUT_("state"), "sent"));
}

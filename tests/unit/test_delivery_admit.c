/* Whether a message may be sent now: each rule, and what happens to many at a time; and that they were sent. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "services/delivery/admit.h"
#include "services/delivery/outcome.h"
#include "services/delivery/settle.h"
#include "tests/unit/testdb.h"

static struct db_pool *admin; /* as the owner */
static struct config config = {.twilio_account_sid = "AC0"};
static struct worker worker = {.config = &config};
static struct err err;
static char client[UUID_SIZE], lead[UUID_SIZE], conversation[UUID_SIZE], message[UUID_SIZE];
static struct task task;

#define ADMIN(...) cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, __VA_ARGS__) >= 0, "%s", err.text)

/* A message with a task that runs, as if this process had claimed it. */
static void add(char id[UUID_SIZE], struct task *ret_task)
{
    uuid_new(id);
    *ret_task = (struct task){.kind = task_kind_find("send_message_sms"), .attempt = 1, .token = 7, .max_attempts = 5};
    ret_task->arena = arena_new(1 << 20);
    snprintf(ret_task->client_id, sizeof ret_task->client_id, "%s", client);
    uuid_new(ret_task->task_id);
    ADMIN("INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
          "                      from_address, to_address, body, state)"
          " VALUES ($1, $2, $3, $4, 'out', 'agent', 'sms', '+15550002222', '+15550001111', 'hello', 'queued')",
          db_text(client), db_text(id), db_text(conversation), db_text(lead));
    ADMIN("INSERT INTO tasks (client_id, task_id, kind, role, state, max_attempts, deadline_s, token, attempt)"
          " VALUES ($1, $2, 'send_message_sms', 'delivery', 'running', 5, 90, 7, 1)",
          db_text(client), db_text(ret_task->task_id));
}

static void open_all(void)
{
    const char *url = testdb_url();
    struct bus_options options = {.role = "delivery", .bind_address = "127.0.0.1"};

    admin = db_pool_new(url, NULL, 2, &err);
    worker.db = db_pool_new(url, "leadwire_delivery", 4, &err);
    worker.bus = bus_new(&options, &err);
    cr_assert(admin && worker.db && worker.bus, "%s", err.text);
    uuid_new(client);
    uuid_new(lead);
    uuid_new(conversation);
    ADMIN("INSERT INTO clients (client_id, name) VALUES ($1, 'c')", db_text(client));
    ADMIN("INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, '+15550001111')", db_text(client),
          db_text(lead));
    ADMIN("INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)"
          " VALUES ($1, $2, $3, 'sms', '+15550001111', '+15550002222')",
          db_text(client), db_text(conversation), db_text(lead));
    add(message, &task);
}

static void close_all(void)
{
    arena_destroy(&task.arena);
    bus_destroy(&worker.bus);
    db_pool_destroy(&worker.db);
    db_pool_destroy(&admin);
}

TestSuite(delivery_admit, .init = open_all, .fini = close_all, .timeout = 60);

#define SET_MESSAGE(assignments)                                                                           \
    ADMIN("UPDATE messages SET " assignments " WHERE client_id = $1 AND message_id = $2", db_text(client), \
          db_text(message))
#define SET_LEAD(assignments) \
    ADMIN("UPDATE leads SET " assignments " WHERE client_id = $1 AND lead_id = $2", db_text(client), db_text(lead))
#define SET_CONFIG(json) ADMIN("UPDATE clients SET config = $2 WHERE client_id = $1", db_text(client), db_text(json))

static struct admission admission;

static void expect_decision(enum decision wanted)
{
    err = (struct err){0};
    cr_assert(admit(&worker, &task, message, &admission, &err) == 0, "%s", err.text);
    cr_expect(admission.decision == wanted, "decision %d, code %d, %s", admission.decision, admission.code,
              admission.reason);
}

static void expect_refusal(int code)
{
    expect_decision(ADMIT_REFUSE);
    cr_expect(eq(int, admission.code, code));
    cr_expect(eq(str, (char *)admission.message.state, "queued"), "no intent");
}

static const char *look_up(const char *sql, const char *id)
{
    static char text[300];
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run_args(admin, DB_EVERY_CLIENT, &rows, &err, sql, (struct db_arg[]){db_text(client), db_text(id)},
                          2) >= 0,
              "%s", err.text);
    snprintf(text, sizeof text, "%s", db_result_count(rows) == 0 ? "none" : db_get(rows, 0, "v"));
    return text;
}

#define MSG(column)                                                                  \
    (char *)look_up("SELECT coalesce((" column ")::text, 'null') AS v FROM messages" \
                    " WHERE client_id = $1 AND message_id = $2",                     \
                    message)

/* ---- what is to be sent ---- */

Test(delivery_admit, the_intent_is_committed_and_tells_all_that_the_send_needs)
{
    expect_decision(ADMIT_SEND);
    cr_expect(eq(str, (char *)admission.message.state, "sending"));
    cr_expect(eq(str, (char *)admission.message.message_id, message));
    cr_expect(eq(str, (char *)admission.message.conversation_id, conversation));
    cr_expect(eq(str, (char *)admission.message.lead_id, lead));
    cr_expect(eq(str, (char *)admission.message.channel, "sms"));
    cr_expect(eq(str, (char *)admission.message.purpose, "reply"));
    cr_expect(eq(str, (char *)admission.message.from, "+15550002222"));
    cr_expect(eq(str, (char *)admission.message.to, "+15550001111"));
    cr_expect(eq(str, (char *)admission.message.body, "hello"));
    cr_expect(eq(str, (char *)admission.message.account_sid, "AC0"));
    cr_expect(eq(str, (char *)admission.call_twiml, "inline"));
    cr_expect(eq(int, admission.message.send_attempt, 1));
    cr_expect(admission.message.sending_at_us > 0 && admission.message.elapsed_ms < 60000);
    cr_expect(admission.client_account_sid == NULL && admission.message.messaging_service_sid == NULL);
    cr_expect(admission.lookup == false);
    cr_expect(eq(str, MSG("state"), "sending"));
    cr_expect(eq(str, MSG("account_sid"), "AC0"));
}

Test(delivery_admit, only_one_of_two_runs_gets_the_intent)
{
    expect_decision(ADMIT_SEND);
    expect_decision(ADMIT_LOOK);
    cr_expect(eq(str, MSG("send_attempt"), "1"));
    SET_MESSAGE("state = 'uncertain'");
    expect_decision(ADMIT_LOOK);
    SET_MESSAGE("state = 'delivered'");
    expect_decision(ADMIT_SETTLED);
}

Test(delivery_admit, a_run_that_is_no_longer_ours_sends_nothing)
{
    task.token = 8;
    expect_decision(ADMIT_LOST);
    cr_expect(eq(str, MSG("state"), "queued"));
}

Test(delivery_admit, a_message_that_is_not_there_is_told)
{
    char unknown[UUID_SIZE];

    uuid_new(unknown);
    cr_expect(eq(int, admit(&worker, &task, unknown, &admission, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    ADMIN("UPDATE messages SET direction = 'in' WHERE client_id = $1", db_text(client));
    cr_expect(eq(int, admit(&worker, &task, message, &admission, &err), -1), "an inbound one is none");
}

Test(delivery_admit, what_failed_unsent_goes_when_its_task_runs_again)
{
    SET_MESSAGE("state = 'failed', error_code = 20003, error_text = 'x'");
    expect_decision(ADMIT_SEND);
    cr_expect(eq(str, MSG("error_code"), "null"));
    SET_MESSAGE("state = 'failed', provider_sid = 'SM1'");
    expect_decision(ADMIT_SETTLED);
}

Test(delivery_admit, the_clients_own_account_and_service_are_told)
{
    SET_CONFIG("{\"twilio_account_sid\":\"AC1\",\"twilio_auth_token\":\"sealed\","
               "\"twilio_messaging_service_sid\":\"MG0123456789abcdef0123456789abcdef\",\"alert_call_twiml\":\"url\"}");
    expect_decision(ADMIT_SEND);
    cr_expect(eq(str, (char *)admission.client_account_sid, "AC1"));
    cr_expect(eq(str, (char *)admission.client_auth_token, "sealed"));
    cr_expect(eq(str, (char *)admission.message.account_sid, "AC1"));
    cr_expect(eq(str, (char *)admission.message.messaging_service_sid, "MG0123456789abcdef0123456789abcdef"));
    cr_expect(eq(str, (char *)admission.call_twiml, "url"));
    /* Whatever is configured later, it is looked for where it was sent. */
    SET_CONFIG("{}");
    expect_decision(ADMIT_LOOK);
    cr_expect(eq(str, (char *)admission.message.account_sid, "AC1"));
    cr_expect(eq(str, (char *)admission.message.messaging_service_sid, "MG0123456789abcdef0123456789abcdef"));
}

/* What is said of a message, but for its id and the time. In a buffer of the caller. */
static void tell(const char *sql, const char *id, const struct task *its_task, char out[1200])
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run_args(admin, DB_EVERY_CLIENT, &rows, &err, sql,
                          (struct db_arg[]){db_text(client), db_text(its_task->task_id), db_text(id)}, 3) == 1,
              "%s", err.text);
    snprintf(out, 1200, "%s", db_get(rows, 0, "v"));
}

#define TELL(function)                                                                                    \
    "SELECT (to_jsonb(a) - ARRAY['message_id', 'sending_at_us', 'elapsed_ms'])::text AS v FROM " function \
    "(ARRAY[$1::uuid], ARRAY[$2::uuid], ARRAY[7::bigint], ARRAY[$3::uuid], 'AC0') a"

/* Nearly all replies are admitted by a short statement: it says of them what the one that weighs all rules says. */
Test(delivery_admit, a_reply_is_admitted_as_by_all_rules)
{
    static const char *const configs[] = {
        "{}", "{\"twilio_account_sid\":\"\",\"twilio_messaging_service_sid\":\"\"}",
        "{\"twilio_account_sid\":\"AC1\",\"twilio_auth_token\":\"sealed\",\"alert_call_twiml\":\"url\","
        "\"lookup_new_numbers\":\"on\",\"twilio_messaging_service_sid\":\"MG0123456789abcdef0123456789abcdef\"}"};
    char other[UUID_SIZE], short_way[1200], all_rules[1200];

    for (size_t i = 0; i < COUNT_OF(configs); i++) {
        SET_CONFIG(configs[i]);
        arena_destroy(&task.arena);
        add(message, &task);
        tell(TELL("admit_sends"), message, &task, short_way);
        arena_destroy(&task.arena);
        add(other, &task);
        tell(TELL("admit_sends_by_all_rules"), other, &task, all_rules);
        cr_expect(eq(str, short_way, all_rules));
        cr_expect(strstr(all_rules, "\"decision\": \"send\"") != NULL, "%s", all_rules);
    }
}

/* ---- what must not go ---- */

Test(delivery_admit, who_opted_out_is_not_texted)
{
    SET_LEAD("opted_out_at = now()");
    expect_decision(ADMIT_DROP);
    cr_expect(eq(str, (char *)admission.reason, "the lead has opted out"));
    cr_expect(eq(str, MSG("state"), "queued"));
    SET_MESSAGE("state = 'failed'");
    expect_decision(ADMIT_DROP);
}

Test(delivery_admit, a_draft_from_before_a_person_took_over_is_dropped)
{
    ADMIN("UPDATE conversations SET epoch = 2 WHERE client_id = $1", db_text(client));
    expect_decision(ADMIT_DROP);
    cr_expect(strstr(admission.reason, "a person took over") != NULL);
    SET_MESSAGE("epoch = 2");
    expect_decision(ADMIT_SEND);
}

static void lead_writes_now(void)
{
    char id[UUID_SIZE];

    uuid_new(id);
    ADMIN("INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
          "                      from_address, to_address, body, state)"
          " VALUES ($1, $2, $3, $4, 'in', 'lead', 'sms', '+15550001111', '+15550002222', 'hi', 'received')",
          db_text(client), db_text(id), db_text(conversation), db_text(lead));
}

Test(delivery_admit, a_follow_up_is_dropped_once_the_lead_has_written)
{
    SET_MESSAGE("purpose = 'started', follow_up = 'silence:1'");
    SET_CONFIG("{\"allowed_hours\":\"00:00-24:00\"}");
    lead_writes_now();
    expect_decision(ADMIT_DROP);
    cr_expect(eq(str, (char *)admission.reason, "the lead has written since"));
    cr_assert(eq(int, outcome_dropped(&worker, &task, &admission.message, &err), 0), "%s", err.text);
    cr_expect(eq(str,
                 (char *)look_up("SELECT state || ': ' || error_text AS v FROM messages WHERE client_id = $1 AND"
                                 " message_id = $2",
                                 message),
                 "dropped: the lead has written since"));
}

Test(delivery_admit, a_reply_goes_where_the_lead_has_written_since)
{
    lead_writes_now();
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, what_a_person_wrote_is_no_draft)
{
    /* It was under way, and comes back unsent, when the person wrote again and so raised the epoch. */
    SET_MESSAGE("author = 'human'");
    ADMIN("UPDATE conversations SET epoch = 2 WHERE client_id = $1", db_text(client));
    expect_decision(ADMIT_SEND);
    SET_MESSAGE("state = 'queued'");
    SET_LEAD("opted_out_at = now()");
    expect_decision(ADMIT_DROP);
}

Test(delivery_admit, the_clients_own_people_are_told_of_whoever_opted_out)
{
    SET_LEAD("opted_out_at = now()");
    ADMIN("UPDATE conversations SET epoch = 2 WHERE client_id = $1", db_text(client));
    SET_MESSAGE("purpose = 'alert', to_address = '+15550003333'");
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, the_confirmation_of_an_opt_out_goes)
{
    SET_LEAD("opted_out_at = now()");
    SET_MESSAGE("purpose = 'consent'");
    expect_decision(ADMIT_SEND);
}

static pthread_t asking;

static void *ask(void *arg)
{
    struct err ignored;

    *(int *)arg = admit(&worker, &task, message, &admission, &ignored);
    return NULL;
}

static bool somebody_waits(void)
{
    return strcmp(look_up("SELECT count(*) AS v FROM pg_stat_activity WHERE datname = current_database()"
                          "   AND wait_event_type = 'Lock' AND $1 <> $2",
                          message),
                  "0") != 0;
}

Test(delivery_admit, a_stop_that_comes_while_the_claim_waits_for_the_message_counts)
{
    AUTO(db_rollback) struct db_tx *other = db_begin(admin, DB_EVERY_CLIENT, &err);
    int rc = -1;

    cr_assert(db_query(other, NULL, &err, "SELECT FROM messages WHERE client_id = $1 FOR UPDATE", db_text(client)) ==
              1);
    cr_assert(pthread_create(&asking, NULL, ask, &rc) == 0);
    while (!somebody_waits())
        usleep(10000);
    SET_LEAD("opted_out_at = now()");
    cr_assert(db_commit(&other, &err) == 0);
    pthread_join(asking, NULL);
    cr_expect(eq(int, rc, 0));
    cr_expect(admission.decision == ADMIT_DROP, "decision %d", admission.decision);
    cr_expect(eq(str, MSG("state"), "queued"));
}

/* ---- what cannot go ---- */

Test(delivery_admit, what_twilio_would_refuse_is_refused_with_its_code)
{
    SET_MESSAGE("to_address = '5550001111'");
    expect_refusal(21211);
    SET_MESSAGE("to_address = '+0550001111'");
    expect_refusal(21211);
    SET_MESSAGE("to_address = '+15550001111', from_address = ''");
    expect_refusal(21603);
    SET_MESSAGE("from_address = 'somebody'");
    expect_refusal(21606);
    SET_MESSAGE("from_address = '+15550002222', body = ''");
    expect_refusal(21602);
    SET_MESSAGE("body = repeat('\u00e4', 1601)");
    expect_refusal(21617);
    SET_MESSAGE("body = repeat('\u00e4', 1600)");
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, a_short_code_or_a_messaging_service_sends_too)
{
    SET_MESSAGE("from_address = '12345'");
    expect_decision(ADMIT_SEND);
    SET_MESSAGE("state = 'queued', from_address = 'MG0123456789abcdef0123456789abcdef'");
    expect_decision(ADMIT_SEND);
    cr_expect(eq(str, (char *)admission.message.messaging_service_sid, "MG0123456789abcdef0123456789abcdef"));
    SET_MESSAGE("state = 'queued', from_address = ''");
    SET_CONFIG("{\"twilio_messaging_service_sid\":\"MG0123456789abcdef0123456789abcdef\"}");
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, a_landline_and_a_number_that_does_not_exist_are_not_texted)
{
    SET_LEAD("phone_line_type = 'landline', phone_valid = true");
    expect_refusal(30006);
    SET_LEAD("phone_line_type = NULL, phone_valid = false");
    expect_refusal(21211);
    SET_MESSAGE("purpose = 'alert'");
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, a_landline_is_called)
{
    SET_LEAD("phone_line_type = 'landline'");
    SET_MESSAGE("channel = 'voice'");
    expect_decision(ADMIT_SEND);
}

/* The number is another client's by now. */
static void move_number(const char *channel, const char *number)
{
    char other[UUID_SIZE];

    uuid_new(other);
    ADMIN("INSERT INTO clients (client_id, name) VALUES ($1, 'other')", db_text(other));
    ADMIN("INSERT INTO client_numbers (client_id, channel, number) VALUES ($1, $2, $3)", db_text(other),
          db_text(channel), db_text(number));
}

Test(delivery_admit, nothing_goes_in_another_clients_name)
{
    move_number("sms", "+15550002222");
    expect_refusal(21606);
    SET_MESSAGE("channel = 'voice'");
    expect_refusal(21606);
    SET_MESSAGE("channel = 'whatsapp', purpose = 'alert'");
    expect_decision(ADMIT_SEND);
    SET_MESSAGE("state = 'queued'");
    move_number("whatsapp", "+15550002222");
    expect_refusal(63007);
}

Test(delivery_admit, nothing_goes_through_another_clients_messaging_service)
{
    move_number("sms", "MG0123456789abcdef0123456789abcdef");
    SET_MESSAGE("from_address = 'MG0123456789abcdef0123456789abcdef'");
    expect_refusal(21606);
}

/* Twilio chooses the sender: the number says only where the conversation began. */
Test(delivery_admit, the_number_does_not_count_where_a_messaging_service_sends)
{
    move_number("sms", "+15550002222");
    SET_CONFIG("{\"twilio_messaging_service_sid\":\"MG0123456789abcdef0123456789abcdef\"}");
    expect_decision(ADMIT_SEND);
}

/* ---- WhatsApp ---- */

/* The lead wrote by WhatsApp then. */
static void wrote(const char *when)
{
    char other[UUID_SIZE], in[UUID_SIZE];

    uuid_new(other);
    uuid_new(in);
    ADMIN("UPDATE messages SET channel = 'whatsapp' WHERE client_id = $1", db_text(client));
    ADMIN("INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)"
          " VALUES ($1, $2, $3, 'whatsapp', '+15550001111', '+15550002222')",
          db_text(client), db_text(other), db_text(lead));
    ADMIN("INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
          "                      from_address, to_address, body, state, created_at)"
          " VALUES ($1, $2, $3, $4, 'in', 'lead', 'whatsapp', '+15550001111', '+15550002222', 'hi', 'received',"
          "         now() - $5::interval)",
          db_text(client), db_text(in), db_text(other), db_text(lead), db_text(when));
}

Test(delivery_admit, free_text_by_whatsapp_goes_within_24_hours)
{
    wrote("23:59:00");
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, and_not_after)
{
    wrote("24:00:00");
    expect_refusal(63016);
}

Test(delivery_admit, nor_to_a_lead_who_never_wrote_there)
{
    SET_MESSAGE("channel = 'whatsapp'");
    expect_refusal(63016);
}

Test(delivery_admit, a_template_goes_at_any_time)
{
    wrote("48:00:00");
    SET_MESSAGE("content_sid = 'HX1', content_variables = '{\"1\":\"Ada\"}', body = ''");
    expect_decision(ADMIT_SEND);
    cr_expect(eq(str, (char *)admission.message.content_sid, "HX1"));
    cr_expect(eq(str, (char *)admission.message.content_variables, "{\"1\": \"Ada\"}"));
}

/* The edge itself: within one transaction now() stands still. */
Test(delivery_admit, exactly_24_hours_are_over)
{
    static const struct {
        const char *ago, *decision;
    } cases[] = {{"24:00:00", "refuse"}, {"23:59:59.999999", "send"}};

    wrote("1 hour");
    for (size_t i = 0; i < 2; i++) {
        AUTO(db_rollback) struct db_tx *tx = db_begin(admin, DB_EVERY_CLIENT, &err);
        AUTO(db_result_free) struct db_result *rows = NULL;

        cr_assert(db_query(tx, NULL, &err,
                           "UPDATE messages SET created_at = now() - $2::interval"
                           " WHERE client_id = $1 AND direction = 'in'",
                           db_text(client), db_text(cases[i].ago)) == 1);
        cr_assert(db_query(tx, &rows, &err,
                           "SELECT decision FROM admit_sends(ARRAY[$1::uuid], ARRAY[$2::uuid], ARRAY[7::bigint],"
                           "                                 ARRAY[$3::uuid], 'AC')",
                           db_text(client), db_text(task.task_id), db_text(message)) == 1,
                  "%s", err.text);
        cr_expect(eq(str, (char *)db_get(rows, 0, "decision"), (char *)cases[i].decision));
    }
}

/* ---- what waits ---- */

/* Allowed hours that begin in an hour, or have begun an hour ago, in UTC. */
static void allow_hours(const char *sql)
{
    ADMIN(
        "UPDATE clients SET config = jsonb_build_object('allowed_hours', (SELECT to_char(at, 'HH24:MI') || '-'"
        " || to_char(at + interval '2 hours', 'HH24:MI') FROM (SELECT now() AT TIME ZONE 'UTC' + $2::interval AS at) t"
        ")) WHERE client_id = $1",
        db_text(client), db_text(sql));
    SET_LEAD("timezone = 'Etc/UTC'");
}

Test(delivery_admit, what_we_start_waits_for_the_leads_allowed_hours)
{
    SET_MESSAGE("purpose = 'started'");
    allow_hours("1 hour");
    expect_decision(ADMIT_WAIT);
    cr_expect(admission.wait_ms > 58 * 60 * 1000 && admission.wait_ms <= 60 * 60 * 1000, "%ld",
              (long)admission.wait_ms);
    cr_expect(strstr(admission.reason, "hours") != NULL);
    cr_expect(eq(str, MSG("state"), "queued"));
    /* When the moment has come it is computed again. */
    allow_hours("-1 hour");
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, who_just_wrote_is_answered_at_any_hour)
{
    allow_hours("1 hour");
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, an_alert_does_not_wait)
{
    allow_hours("1 hour");
    SET_MESSAGE("purpose = 'alert'");
    expect_decision(ADMIT_SEND);
}

Test(delivery_admit, hours_that_cannot_be_read_are_the_usual_ones)
{
    SET_LEAD("timezone = 'Etc/UTC'");
    SET_MESSAGE("purpose = 'started'");
    SET_CONFIG("{\"allowed_hours\":\"25:00-9\"}");
    cr_expect(admit(&worker, &task, message, &admission, &err) == 0, "%s", err.text);
    cr_expect(admission.decision == ADMIT_SEND || admission.decision == ADMIT_WAIT);
    cr_expect(eq(str,
                 (char *)look_up("SELECT message_allowed_at('+1', 'Etc/UTC', NULL, '25:00-9', '2026-05-01 07:00Z')"
                                 " = '2026-05-01 08:00Z' AS v WHERE $1 <> $2",
                                 message),
                 "t"));
}

static void *wait_for_hours(void *arg)
{
    struct err problem = {0};

    *(int *)arg = outcome_waits(&worker, &task, &admission.message, admission.wait_ms, admission.reason, &problem);
    return NULL;
}

static const char *task_is_due(void)
{
    return look_up("SELECT run_at <= clock_timestamp() AS v FROM tasks WHERE client_id = $1 AND task_id = $2",
                   task.task_id);
}

/* Who changes the hours wakes what waits; what does not wait yet must see them. */
Test(delivery_admit, hours_that_change_between_the_judgement_and_the_wait_count)
{
    SET_MESSAGE("purpose = 'started'");
    allow_hours("1 hour");
    expect_decision(ADMIT_WAIT);
    allow_hours("-1 hour");
    cr_assert(outcome_waits(&worker, &task, &admission.message, admission.wait_ms, admission.reason, &err) == 0, "%s",
              err.text);
    cr_expect(eq(str, (char *)task_is_due(), "t"));
}

Test(delivery_admit, hours_that_are_being_changed_when_the_wait_begins_are_waited_for)
{
    AUTO(db_rollback) struct db_tx *other = db_begin(admin, DB_EVERY_CLIENT, &err);
    int rc = -1;

    SET_MESSAGE("purpose = 'started'");
    allow_hours("1 hour");
    expect_decision(ADMIT_WAIT);
    cr_assert(db_query(other, NULL, &err,
                       "UPDATE clients SET config = '{\"allowed_hours\":\"00:00-24:00\"}'"
                       " WHERE client_id = $1",
                       db_text(client)) == 1);
    cr_assert(pthread_create(&asking, NULL, wait_for_hours, &rc) == 0);
    while (!somebody_waits() &&
           strcmp(look_up("SELECT state AS v FROM tasks WHERE client_id = $1 AND task_id = $2", task.task_id),
                  "running") == 0)
        usleep(10000);
    cr_assert(db_commit(&other, &err) == 0);
    pthread_join(asking, NULL);
    cr_expect(eq(int, rc, 0));
    cr_expect(eq(str, (char *)task_is_due(), "t"));
}

Test(delivery_admit, a_paused_account_is_waited_for)
{
    ADMIN("INSERT INTO provider_accounts (account, paused_until) VALUES ('twilio', now() + interval '1 minute')");
    expect_decision(ADMIT_WAIT);
    cr_expect(admission.wait_ms > 50000 && admission.wait_ms <= 60000);
    SET_CONFIG("{\"twilio_account_sid\":\"AC1\",\"twilio_auth_token\":\"sealed\"}");
    expect_decision(ADMIT_SEND);
    ADMIN("DELETE FROM provider_accounts");
}

/* Nobody knows when it will end: who had been claimed before the pause asks again soon. */
Test(delivery_admit, an_account_that_is_paused_until_it_is_mended_is_asked_for_each_minute)
{
    ADMIN("INSERT INTO provider_accounts (account, paused_until, reason) VALUES ('twilio', 'infinity', 'credentials')");
    expect_decision(ADMIT_WAIT);
    cr_expect(admission.wait_ms > 0 && admission.wait_ms <= 60000, "%ld", (long)admission.wait_ms);
    ADMIN("UPDATE provider_accounts SET paused_until = now() + interval '1 hour', reason = 'rate'");
    expect_decision(ADMIT_WAIT);
    cr_expect(admission.wait_ms > 0 && admission.wait_ms <= 60000, "%ld", (long)admission.wait_ms);
    ADMIN("DELETE FROM provider_accounts");
}

Test(delivery_admit, a_new_number_is_looked_up_where_the_client_wants_it)
{
    SET_MESSAGE("purpose = 'started'");
    SET_CONFIG("{\"lookup_new_numbers\":\"on\",\"allowed_hours\":\"00:00-24:00\"}");
    expect_decision(ADMIT_SEND);
    cr_expect(admission.lookup == true);
    SET_MESSAGE("state = 'queued'");
    SET_LEAD("phone_looked_up_at = now()");
    expect_decision(ADMIT_SEND);
    cr_expect(admission.lookup == false);
}

/* ---- many ---- */

#define MANY 40

struct sender {
    pthread_t thread;
    char message[UUID_SIZE], sid[UUID_SIZE];
    struct task task;
    struct admission admission;
    struct settlement settlement;
    struct err err;
    int rc;
};

static struct sender senders[MANY];

static void *admit_one(void *arg)
{
    struct sender *self = arg;

    self->rc = admit(&worker, &self->task, self->message, &self->admission, &self->err);
    return NULL;
}

static void *settle_one(void *arg)
{
    struct sender *self = arg;

    self->settlement =
        (struct settlement){.task = &self->task, .message_id = self->message, .sid = self->sid, .segments = 2};
    self->rc = settle_sent(&worker, &self->settlement, &self->err);
    return NULL;
}

static void all_do(void *(*fn)(void *))
{
    for (int i = 0; i < MANY; i++) {
        senders[i].err = (struct err){0};
        cr_assert(pthread_create(&senders[i].thread, NULL, fn, &senders[i]) == 0);
    }
    for (int i = 0; i < MANY; i++)
        pthread_join(senders[i].thread, NULL);
}

static void add_many(void)
{
    for (int i = 0; i < MANY; i++) {
        add(senders[i].message, &senders[i].task);
        snprintf(senders[i].sid, sizeof senders[i].sid, "SM%d", i);
    }
}

static void release_many(void)
{
    for (int i = 0; i < MANY; i++)
        arena_destroy(&senders[i].task.arena);
}

Test(delivery_admit, each_of_many_gets_its_own_answer)
{
    add_many();
    ADMIN("UPDATE messages SET to_address = 'nowhere' WHERE client_id = $1 AND message_id = $2", db_text(client),
          db_text(senders[7].message));
    ADMIN("UPDATE tasks SET token = 9 WHERE client_id = $1 AND task_id = $2", db_text(client),
          db_text(senders[8].task.task_id));
    ADMIN("DELETE FROM messages WHERE client_id = $1 AND message_id = $2", db_text(client),
          db_text(senders[9].message));
    all_do(admit_one);
    for (int i = 0; i < MANY; i++) {
        if (i == 9) {
            cr_expect(eq(int, senders[i].err.kind, ERR_NOT_FOUND));
            continue;
        }
        cr_expect(eq(int, senders[i].rc, 0));
        cr_expect(eq(int, senders[i].admission.decision, i == 7 ? ADMIT_REFUSE : i == 8 ? ADMIT_LOST : ADMIT_SEND));
        cr_expect(eq(str, (char *)senders[i].admission.message.message_id, senders[i].message));
    }
    release_many();
}

Test(delivery_admit, each_of_many_is_settled_once_and_one_that_fails_fails_alone)
{
    add_many();
    all_do(admit_one);
    snprintf(senders[3].sid, sizeof senders[3].sid, "SMtwice");
    ADMIN("UPDATE messages SET state = 'sent', provider_sid = 'SMtwice' WHERE client_id = $1 AND message_id = $2",
          db_text(client), db_text(message));
    ADMIN("UPDATE tasks SET token = 9 WHERE client_id = $1 AND task_id = $2", db_text(client),
          db_text(senders[4].task.task_id));
    ADMIN("UPDATE messages SET state = 'delivered', provider_sid = 'SM5' WHERE client_id = $1 AND message_id = $2",
          db_text(client), db_text(senders[5].message));
    all_do(settle_one);
    for (int i = 0; i < MANY; i++) {
        if (i == 3) {
            cr_expect(eq(int, senders[i].rc, -1), "another message has its sid");
            cr_expect(eq(int, senders[i].err.kind, ERR_CONFLICT));
            cr_expect(senders[i].task.settled == false);
            continue;
        }
        cr_expect(eq(int, senders[i].rc, 0));
        cr_expect(senders[i].settlement.ours == (i != 4), "the task of %d", i);
        cr_expect(senders[i].settlement.changed == (i != 5), "the message of %d", i);
        cr_expect(senders[i].task.settled == (i != 4));
    }
    cr_expect(eq(str,
                 (char *)look_up("SELECT count(*) || ' ' || sum(segments) AS v FROM messages"
                                 " WHERE client_id = $1 AND state = 'sent' AND provider_sid <> 'SMtwice' AND $2 <> ''",
                                 message),
                 "38 76"));
    cr_expect(eq(str,
                 (char *)look_up("SELECT provider_sid AS v FROM messages WHERE client_id = $1 AND message_id = $2",
                                 senders[4].message),
                 "SM4"),
              "kept, though another process has the task");
    cr_expect(eq(str,
                 (char *)look_up("SELECT count(*) AS v FROM finished_tasks WHERE client_id = $1 AND $2 <> ''", message),
                 "38"));
    release_many();
}

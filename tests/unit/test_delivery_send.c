/* A message's whole way through delivery, with a real database and a fake Twilio. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/service.h"
#include "libshared/task_admin.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/delivery/delivery.h"
#include "services/delivery/twilio.h"
#include "tests/unit/fake_twilio.h"
#include "tests/unit/testdb.h"

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
    struct send_message payload = {.message_id = message};
    struct task_spec spec = {.kind = TASK_send_message_sms, .client_id = client, .payload = &payload};
    AUTO(db_rollback) struct db_tx *tx = NULL;

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
    tx = db_begin(worker.db, client, &err);
    cr_assert(tx && task_insert(tx, NULL, &spec, task_id, &err) == 1 && db_commit(&tx, &err) == 0, "%s", err.text);
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

TestSuite(delivery_send, .init = open_all, .fini = close_all, .timeout = 60);

/* Claims the task as a process would and runs it once. What service.c does with a failure is done too. */
static int run_task(void)
{
    struct task_ref ref = {.client_id = client, .task_id = task_id};
    struct lane_claim in_lane = {.instance = instance,
                                 .role = "delivery",
                                 .rates = "{\"long_code\": 0, \"whatsapp\": 0, \"voice\": 0}",
                                 .want = 1,
                                 .heard = &ref,
                                 .n_heard = 1};
    struct lane_news news;
    struct task task;
    int rc;

    err = (struct err){0};
    rc = tasks_claim_lanes(worker.db, &in_lane, &task, &news, &err);
    if (rc == 0)
        rc = tasks_claim(worker.db, instance, "delivery", &ref, 1, &task, &err);
    cr_assert(rc == 1, "%s", err.text);
    rc = on_send_message(&worker, &task, &err);
    if (rc < 0)
        cr_assert(task_fail(worker.db, worker.bus, &task, &err, NULL) == 0 || err.kind == ERR_CONFLICT);
    else
        cr_assert(task.settled);
    task_release(&task);
    return rc;
}

/* As if that many seconds had passed since the intent and the task had come due. */
static void after(int seconds)
{
    ADMIN("UPDATE messages SET sending_at = now() - make_interval(secs => $3::integer)"
          " WHERE client_id = $1 AND message_id = $2",
          db_text(client), db_text(message), db_int(seconds));
    ADMIN("UPDATE tasks SET run_at = now() WHERE client_id = $1 AND task_id = $2", db_text(client), db_text(task_id));
}

/* As if the pause of the account were over. */
static void resume_account(void)
{
    ADMIN("UPDATE provider_accounts SET paused_until = now()");
}

static const char *look_up(const char *sql)
{
    static char text[300];
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run_args(admin, DB_EVERY_CLIENT, &rows, &err, sql,
                          (struct db_arg[]){db_text(client), db_text(message), db_text(task_id)}, 3) >= 0,
              "%s", err.text);
    snprintf(text, sizeof text, "%s",
             db_result_count(rows) == 0 ? "none"
             : db_get(rows, 0, "v")     ? db_get(rows, 0, "v")
                                        : "null");
    return text;
}

#define MSG(column) \
    (char *)look_up("SELECT " column " AS v FROM messages WHERE client_id = $1 AND message_id = $2 AND $3 <> ''")
#define TSK(column) \
    (char *)look_up("SELECT " column " AS v FROM tasks WHERE client_id = $1 AND task_id = $3::uuid AND $2 <> ''")

static int twilio_behind_s; /* how far Twilio's clock is behind ours */

static const char *twilio_now(void)
{
    static char text[64];
    time_t now = time(NULL) - twilio_behind_s;
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    return text;
}

/* As if the process had been thought dead while it waited for Twilio, and another one had claimed its task. */
static void take_task_away(void *arg)
{
    struct err ignored;

    db_run(arg, DB_EVERY_CLIENT, NULL, &ignored,
           "UPDATE tasks SET token = token + 1 WHERE client_id = $1 AND task_id = $2", db_text(client),
           db_text(task_id));
}

static void list_nothing(void)
{
    fake_twilio_answer(&fake, 200, "{\"messages\":[],\"next_page_uri\":null}");
}

static void list_it(const char *sid, const char *body, const char *next)
{
    fake_twilio_answer(&fake, 200,
                       "{\"messages\":[{\"direction\":\"outbound-api\",\"from\":\"+15550002222\","
                       "\"to\":\"+15550001111\",\"body\":\"%s\",\"date_created\":\"%s\",\"date_sent\":null,"
                       "\"sid\":\"%s\",\"status\":\"queued\"}],\"next_page_uri\":%s}",
                       body, twilio_now(), sid, next);
}

Test(delivery_send, an_accepted_message_is_sent_once)
{
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "sent"));
    cr_expect(eq(str, MSG("provider_sid"), "SM1"));
    cr_expect(eq(str, TSK("state"), "none"));
    cr_expect(eq(int, fake.n_posts, 1));
}

Test(delivery_send, twilio_gets_the_message_and_where_to_report)
{
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    run_task();
    cr_expect(strstr(fake.last, "POST /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json ") != NULL);
    cr_expect(strstr(fake.last, "Authorization: Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjp0b2tlbg==") !=
              NULL);
    cr_expect(strstr(fake.last, "To=%2B15550001111&From=%2B15550002222&Body=hello&StatusCallback=https%3A%2F%2F"
                                "leads.example.com%2Fapi%2Fv1%2Fwebhooks%2Ftwilio%2Fstatus%3Fclient_id%3D") != NULL);
    cr_expect(strstr(fake.last, message) != NULL);
}

Test(delivery_send, a_refused_message_has_failed_for_good)
{
    fake_twilio_answer(&fake, 400, "{\"code\":21211,\"message\":\"Invalid 'To' Phone Number\"}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "failed"));
    cr_expect(eq(str, MSG("error_code"), "21211"));
    cr_expect(eq(str, TSK("state"), "dead"));
    cr_expect(strstr(TSK("error"), "21211") != NULL);
}

Test(delivery_send, what_twilio_would_refuse_is_not_sent_to_it)
{
    ADMIN("UPDATE messages SET to_address = '5550001111' WHERE client_id = $1", db_text(client));
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "failed"));
    cr_expect(eq(str, MSG("error_code"), "21211"));
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_send, a_text_has_at_most_1600_characters)
{
    ADMIN("UPDATE messages SET body = repeat('\u00e4', 1600) WHERE client_id = $1", db_text(client));
    fake_twilio_answer(&fake, 429, "{\"code\":20429}");
    cr_expect(eq(int, run_task(), -1));
    cr_expect(eq(int, fake.n_posts, 1), "1600 are sent");
    ADMIN("UPDATE messages SET body = repeat('x', 1601) WHERE client_id = $1", db_text(client));
    after(0);
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("error_code"), "21617"));
    cr_expect(eq(int, fake.n_posts, 1));
}

Test(delivery_send, too_many_requests_are_tried_again_as_twilio_says)
{
    fake_twilio_answer(&fake, 429, "{\"code\":20429,\"message\":\"Too Many Requests\"}");
    cr_expect(eq(int, run_task(), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, err.retry_after_s, 3));
    cr_expect(eq(str, MSG("state"), "queued"));
    cr_expect(eq(str, MSG("send_attempt"), "0"));
    cr_expect(eq(str, TSK("state"), "ready"));
    after(0);
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "queued"));
    cr_expect(eq(int, fake.n_posts, 1), "the account is paused");
    after(0);
    resume_account();
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "sent"));
}

Test(delivery_send, where_nobody_listens_nothing_was_sent)
{
    twilio_destroy(&delivery.twilio);
    delivery.twilio = twilio_new("http://127.0.0.1:1", &err);
    cr_expect(eq(int, run_task(), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(str, MSG("state"), "queued"));
    cr_expect(eq(str, MSG("send_attempt"), "0"));
}

/* The next attempt is the last. */
static void spend_attempts(void)
{
    ADMIN("UPDATE tasks SET attempt = max_attempts - 1 WHERE client_id = $1", db_text(client));
}

Test(delivery_send, a_message_that_twilio_did_not_take_to_the_last_has_failed)
{
    fake_twilio_answer(&fake, 429, "{\"code\":20429,\"message\":\"Too Many Requests\"}");
    spend_attempts();
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "failed"));
    cr_expect(eq(str, MSG("error_code"), "20429"));
    cr_expect(strstr(MSG("error_text"), "Too Many Requests") != NULL);
    cr_expect(eq(str, TSK("state"), "dead"));
    cr_expect(strstr(TSK("error"), "20429") != NULL);
}

Test(delivery_send, a_message_that_never_reached_twilio_has_failed)
{
    twilio_destroy(&delivery.twilio);
    delivery.twilio = twilio_new("http://127.0.0.1:1", &err);
    spend_attempts();
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "failed"));
    cr_expect(eq(str, MSG("error_code"), "null"));
    cr_expect(strstr(MSG("error_text"), "http: ") != NULL);
    cr_expect(eq(str, TSK("state"), "dead"));
}

Test(delivery_send, what_was_refused_is_sent_when_a_person_tries_it_again)
{
    fake_twilio_answer(&fake, 401, "{\"code\":20003,\"message\":\"Authenticate\"}");
    cr_assert(eq(int, run_task(), 0));
    cr_assert(eq(str, MSG("state"), "failed"));
    resume_account();
    cr_assert(task_retry(admin, NULL, client, task_id, &err) == 0, "%s", err.text);
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "sent"));
    cr_expect(eq(str, MSG("error_code"), "null"));
    cr_expect(eq(str, TSK("state"), "none"));
    cr_expect(eq(int, fake.n_posts, 2));
}

Test(delivery_send, what_was_refused_is_not_sent_again_to_a_lead_who_opted_out)
{
    fake_twilio_answer(&fake, 400, "{\"code\":21606}");
    cr_assert(eq(int, run_task(), 0));
    ADMIN("UPDATE leads SET opted_out_at = now() WHERE client_id = $1", db_text(client));
    cr_assert(task_retry(admin, NULL, client, task_id, &err) == 0, "%s", err.text);
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "dropped"));
    cr_expect(eq(int, fake.n_posts, 1));
}

Test(delivery_send, what_twilio_took_and_could_not_deliver_is_not_sent_again)
{
    ADMIN("UPDATE messages SET state = 'failed', provider_sid = 'SM1' WHERE client_id = $1", db_text(client));
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "failed"));
    cr_expect(eq(str, TSK("state"), "none"));
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_send, a_lead_who_opted_out_is_not_texted)
{
    ADMIN("UPDATE leads SET opted_out_at = now() WHERE client_id = $1", db_text(client));
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "dropped"));
    cr_expect(eq(str, TSK("state"), "none"));
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_send, a_settled_message_is_not_sent_again)
{
    ADMIN("UPDATE messages SET state = 'delivered' WHERE client_id = $1", db_text(client));
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, TSK("state"), "none"));
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_send, a_cut_connection_is_uncertain_and_never_repeated_blindly)
{
    fake_twilio_answer(&fake, 0, " ");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "uncertain"));
    cr_expect(eq(str, TSK("state"), "ready"));
    cr_expect(eq(str, TSK("run_at > now() + interval '3 s' AND run_at < now() + interval '6 s'"), "t"));
    cr_expect(eq(int, fake.n_posts, 1));
}

Test(delivery_send, an_uncertain_message_that_twilio_lists_is_adopted)
{
    fake_twilio_answer(&fake, 500, "{}");
    cr_assert(eq(int, run_task(), 0));
    after(6);
    list_it("SMother", "another", "\"/2010-04-01/next\"");
    list_it("SM1", "hello", "null");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "sent"));
    cr_expect(eq(str, MSG("provider_sid"), "SM1"));
    cr_expect(eq(str, TSK("state"), "none"));
    cr_expect(eq(int, fake.n_posts, 1));
    cr_expect(strstr(fake.last, "GET /2010-04-01/next ") == fake.last, "the second page was asked for");
}

Test(delivery_send, a_clock_that_is_minutes_ahead_of_twilios_hides_no_message)
{
    twilio_behind_s = 200;
    fake_twilio_answer(&fake, 500, "{}");
    cr_assert(eq(int, run_task(), 0));
    after(6);
    list_it("SM1", "hello", "null");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "sent"));
    cr_expect(eq(str, MSG("provider_sid"), "SM1"));
}

Test(delivery_send, an_intent_without_an_outcome_is_asked_for_not_sent)
{
    ADMIN("UPDATE messages SET state = 'sending', send_attempt = 1 WHERE client_id = $1", db_text(client));
    after(6);
    list_it("SM1", "hello", "null");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "sent"));
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_send, before_the_first_look_is_due_it_waits)
{
    ADMIN("UPDATE messages SET state = 'sending', send_attempt = 1 WHERE client_id = $1", db_text(client));
    after(0);
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "uncertain"));
    cr_expect(eq(str, MSG("looks"), "0"));
    cr_expect(eq(int, fake.n_gets, 0));
}

/* Three looks at a listing without the message. */
static void look_in_vain(void)
{
    for (int i = 0; i < 3; i++) {
        after(100);
        list_nothing();
        cr_assert(eq(int, run_task(), 0));
    }
}

/* Where one call in ten is lost, so are two in a row, and of 5,000 texts one five times. */
Test(delivery_send, what_twilio_never_had_is_sent_again_up_to_seven_times)
{
    for (int sends = 1; sends <= 8; sends++) {
        fake_twilio_answer(&fake, 0, " ");
        cr_assert(eq(int, run_task(), 0));
        cr_expect(eq(int, fake.n_posts, sends));
        cr_expect(eq(str, MSG("state"), "uncertain"));
        look_in_vain();
        cr_expect(eq(str, MSG("state"), sends < 8 ? "queued" : "uncertain"));
        if (sends < 8)
            after(0);
    }
    cr_expect(eq(str, TSK("state"), "dead"));
    cr_expect(eq(int, fake.n_posts, 8));
}

static void look_without_answer(int seconds)
{
    after(seconds);
    fake_twilio_answer(&fake, 503, "{}");
    cr_assert(eq(int, run_task(), 0));
}

/* An outage that is longer than all looks: what was uncertain at its beginning is settled when it is over. */
Test(delivery_send, twilio_is_asked_until_it_answers)
{
    fake_twilio_answer(&fake, 503, "{}");
    cr_assert(eq(int, run_task(), 0));
    for (int i = 0; i < 6; i++)
        look_without_answer(6 * 3600 + i);
    cr_expect(eq(str, MSG("state"), "uncertain"));
    cr_expect(eq(str, TSK("state"), "ready"));
    cr_expect(eq(str, TSK("run_at BETWEEN now() + interval '50 s' AND now() + interval '70 s'"), "t"));
    for (int i = 0; i < 2; i++) {
        after(7 * 3600);
        list_nothing();
        cr_assert(eq(int, run_task(), 0));
    }
    cr_expect(eq(str, MSG("state"), "queued"));
    after(0);
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "sent"));
    cr_expect(eq(int, fake.n_posts, 2));
}

Test(delivery_send, one_listing_between_failures_settles_nothing)
{
    fake_twilio_answer(&fake, 0, " ");
    cr_assert(eq(int, run_task(), 0));
    for (int i = 0; i < 4; i++) {
        after(100);
        list_nothing();
        cr_assert(eq(int, run_task(), 0));
        cr_expect(eq(str, MSG("state"), "uncertain"));
        if (i < 3)
            look_without_answer(100);
    }
    cr_expect(eq(str, TSK("state"), "ready"));
    cr_expect(eq(int, fake.n_posts, 1));
}

Test(delivery_send, after_a_day_without_listings_a_person_decides)
{
    fake_twilio_answer(&fake, 0, " ");
    cr_assert(eq(int, run_task(), 0));
    for (int i = 0; i < 2; i++)
        look_without_answer(86400);
    after(86400);
    list_nothing();
    cr_assert(eq(int, run_task(), 0));
    cr_expect(eq(str, TSK("state"), "dead"));
    cr_expect(eq(str, MSG("state"), "uncertain"));
    cr_expect(eq(int, fake.n_posts, 1));
}

Test(delivery_send, a_message_that_may_be_ours_with_another_text_is_not_doubled)
{
    fake_twilio_answer(&fake, 0, " ");
    cr_assert(eq(int, run_task(), 0));
    for (int i = 0; i < 3; i++) {
        after(50 + i * 10);
        list_it("SM1", "Trial account: hello", "null");
        cr_assert(eq(int, run_task(), 0));
    }
    cr_expect(eq(str, TSK("state"), "dead"));
    cr_expect(eq(int, fake.n_posts, 1));
}

Test(delivery_send, an_answer_counts_even_if_the_task_is_another_processes_by_now)
{
    fake.on_request_arg = admin;
    fake.on_request = take_task_away;
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, run_task(), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(str, MSG("state"), "sent"));
    cr_expect(eq(str, TSK("state"), "running"));
}

Test(delivery_send, a_callback_settles_an_uncertain_message)
{
    fake_twilio_answer(&fake, 0, " ");
    cr_assert(eq(int, run_task(), 0));
    ADMIN("SELECT accept_message_status($1, $2, $3, $3, false, 'SM9', 'delivered', NULL, NULL)", db_text(client),
          db_text(message), db_text(config.twilio_account_sid));
    after(100);
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "delivered"));
    cr_expect(eq(str, MSG("provider_sid"), "SM9"));
    cr_expect(eq(str, TSK("state"), "none"));
    cr_expect(eq(int, fake.n_gets, 0));
    cr_expect(eq(int, fake.n_posts, 1));
}

/* Sends through accounts that do not let us in, and of templates: what becomes of the message, and who is told. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/seal.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/delivery/delivery.h"
#include "services/delivery/templates.h"
#include "services/delivery/twilio.h"
#include "tests/unit/fake_twilio.h"
#include "tests/unit/testdb.h"

#define KEY     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define CONTENT "HXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

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
    templates_forget();
    twilio_destroy(&delivery.twilio);
    bus_destroy(&worker.bus);
    db_pool_destroy(&worker.db);
    db_pool_destroy(&admin);
    fake_twilio_stop(&fake);
}

TestSuite(delivery_accounts, .init = open_all, .fini = close_all, .timeout = 60);

/* Claims the task as a process would and runs it once. What service.c does with a failure is done too. */
static int run_task(void)
{
    struct task_ref ref = {.client_id = client, .task_id = task_id};
    struct task task;
    int rc;

    err = (struct err){0};
    cr_assert(tasks_claim(worker.db, instance, "delivery", &ref, 1, &task, &err) == 1, "%s", err.text);
    rc = on_send_message(&worker, &task, &err);
    if (rc < 0)
        cr_assert(task_fail(worker.db, worker.bus, &task, &err, NULL) == 0 || err.kind == ERR_CONFLICT);
    else
        cr_assert(task.settled);
    task_release(&task);
    return rc;
}

static const char *look_up(const char *sql)
{
    static char texts[4][300];
    static int next;
    char *text = texts[next++ % 4];
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run_args(admin, DB_EVERY_CLIENT, &rows, &err, sql,
                          (struct db_arg[]){db_text(client), db_text(message), db_text(task_id)}, 3) >= 0,
              "%s", err.text);
    snprintf(text, sizeof texts[0], "%s",
             db_result_count(rows) == 0 ? "none"
             : db_get(rows, 0, "v")     ? db_get(rows, 0, "v")
                                        : "null");
    return text;
}

#define MSG(column) \
    (char *)look_up("SELECT " column " AS v FROM messages WHERE client_id = $1 AND message_id = $2 AND $3 <> ''")
#define TSK(column) \
    (char *)look_up("SELECT " column " AS v FROM tasks WHERE client_id = $1 AND task_id = $3::uuid AND $2 <> ''")
#define TOLD(column) (char *)look_up("SELECT " column " AS v FROM notices WHERE $1 <> '' AND $2 <> '' AND $3 <> ''")
#define ACCOUNT(column) \
    (char *)look_up("SELECT " column " AS v FROM provider_accounts WHERE $1 <> '' AND $2 <> '' AND $3 <> ''")

/* ---- accounts ---- */

static void give_own_account(const char *key)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(4096);
    const char *context = arena_printf(arena, "%s/twilio_auth_token", client);

    ADMIN("UPDATE clients SET config = jsonb_build_object('twilio_account_sid', 'ACown', 'twilio_auth_token', $2::text)"
          " WHERE client_id = $1",
          db_text(client), db_text(seal(key, context, "secret", arena, &err)));
}

Test(delivery_accounts, a_clients_own_account_sends_its_messages)
{
    config.master_key = KEY;
    give_own_account(KEY);
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\",\"num_segments\":\"1\"}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state"), "sent"));
    cr_expect(strstr(fake.last, "POST /2010-04-01/Accounts/ACown/Messages.json ") == fake.last);
    cr_expect(strstr(fake.last, "Authorization: Basic QUNvd246c2VjcmV0") != NULL);
}

Test(delivery_accounts, refused_credentials_end_the_message_and_pause_the_account)
{
    fake_twilio_answer(&fake, 401, "{\"code\":20003,\"message\":\"Authenticate\"}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state || ' ' || error_code"), "failed 20003"));
    cr_expect(eq(str, TSK("state"), "dead"));
    cr_expect(eq(str, ACCOUNT("account || ' ' || reason || ' ' || paused_until"), "twilio credentials infinity"));
    cr_expect(eq(str, TOLD("kind || ' ' || client_id"), "account_refused 00000000-0000-0000-0000-000000000000"));
}

/* As without the token: see the tests of account_open. */
static void expect_that_it_cannot_be_unsealed(const char *remedy)
{
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state || ' ' || error_code"), "failed 20003"));
    cr_expect(strstr(MSG("error_text"), remedy) != NULL);
    cr_expect(eq(str, TSK("state"), "dead"));
    cr_expect(eq(str, ACCOUNT("reason || ' ' || paused_until"), "credentials infinity"));
    cr_expect(eq(str, TOLD("kind || ' ' || subject"), "account_refused ACown"));
    cr_expect(eq(str, TOLD("client_id"), client));
    cr_expect(strstr(TOLD("remedy"), remedy) != NULL);
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_accounts, without_the_master_key_a_person_is_told_to_set_it)
{
    config.master_key = NULL;
    give_own_account(KEY);
    expect_that_it_cannot_be_unsealed("LEADWIRE_MASTER_KEY is not set");
}

Test(delivery_accounts, with_another_master_key_a_person_is_told_so)
{
    config.master_key = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    give_own_account(KEY);
    expect_that_it_cannot_be_unsealed("LEADWIRE_MASTER_KEY is another one");
}

Test(delivery_accounts, a_limit_pauses_the_account_and_the_message_waits)
{
    fake_twilio_answer(&fake, 429, "{\"code\":20429}");
    cr_expect(eq(int, run_task(), -1));
    cr_expect(eq(str, MSG("state"), "queued"));
    cr_expect(eq(str, ACCOUNT("reason || ' ' || (paused_until > now() + interval '1 second')"), "rate true"));
    cr_expect(eq(str, TOLD("count(*)"), "0"));
}

/* ---- templates ---- */

static void make_it_a_template(const char *variables)
{
    ADMIN("UPDATE messages SET channel = 'whatsapp', body = '', content_sid = $2, content_variables = $3::jsonb"
          " WHERE client_id = $1",
          db_text(client), db_text(CONTENT), db_text(variables));
}

static void answer_template(const char *body)
{
    fake_twilio_answer(&fake, 200, "{\"variables\":{\"1\":\"Ada\"},\"types\":{\"twilio/text\":{\"body\":\"%s\"}}}",
                       body);
    fake_twilio_answer(&fake, 404, "{\"code\":20404}"); /* never handed in for approval */
}

Test(delivery_accounts, a_template_leaves_what_the_lead_reads)
{
    make_it_a_template("{\"1\": \"Bo\"}");
    answer_template("Hi {{1}}");
    fake_twilio_answer(&fake, 201, "{\"sid\":\"SM1\"}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state || ' ' || body"), "sent Hi Bo"));
    cr_expect(strstr(fake.last, "&ContentSid=" CONTENT "&ContentVariables=%7B%221%22%3A%20%22Bo%22%7D") != NULL);
    cr_expect(strstr(fake.last, "&Body=") == NULL);
}

Test(delivery_accounts, what_the_lead_reads_is_known_before_it_is_sent)
{
    make_it_a_template("{\"1\": \"Bo\"}");
    answer_template("Hi {{1}}");
    fake_twilio_answer(&fake, 0, "-");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state || ' ' || body"), "uncertain Hi Bo"));
}

Test(delivery_accounts, a_template_without_a_value_is_not_sent_and_a_person_is_told)
{
    make_it_a_template("{}");
    answer_template("Hi {{1}}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state || ' ' || error_code"), "failed 63028"));
    cr_expect(eq(str, TOLD("kind || ' ' || subject"), "template_refused " CONTENT));
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_accounts, an_unknown_template_is_final)
{
    make_it_a_template("{}");
    fake_twilio_answer(&fake, 404, "{\"code\":20404}");
    cr_expect(eq(int, run_task(), 0));
    cr_expect(eq(str, MSG("state || ' ' || error_code"), "failed 20404"));
    cr_expect(eq(str, TSK("state"), "dead"));
    cr_expect(eq(int, fake.n_posts, 0));
}

Test(delivery_accounts, a_template_that_cannot_be_asked_for_waits)
{
    make_it_a_template("{\"1\": \"Bo\"}");
    fake_twilio_answer(&fake, 503, "{}");
    cr_expect(eq(int, run_task(), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(str, MSG("state"), "queued"));
    cr_expect(eq(int, fake.n_posts, 0));
}

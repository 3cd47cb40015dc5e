/* Accounts that are left alone for a while: limits, refused credentials, and the probe that ends it. */
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
#include "services/delivery/account.h"
#include "services/delivery/breaker.h"
#include "services/delivery/delivery.h"
#include "services/delivery/twilio.h"
#include "tests/unit/fake_twilio.h"
#include "tests/unit/testdb.h"

#define KEY       "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define REFUSAL   "{\"code\":20003,\"message\":\"Authenticate\"}"

static struct fake_twilio fake;
static struct db_pool *admin;
static struct config config = {.twilio_account_sid = "ACenvironment", .twilio_auth_token = "token", .master_key = KEY};
static struct delivery delivery;
static struct worker worker = {.config = &config, .state = &delivery};
static struct arena *arena;
static struct err err;
static char client[UUID_SIZE], instance[UUID_SIZE], own_key[ACCOUNT_KEY_SIZE];
static const struct err refusal = {.kind = ERR_DENIED,
                                   .provider_code = TWILIO_NOT_AUTHENTICATED,
                                   .text = "Twilio answers 401"};

#define ADMIN(...) cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, __VA_ARGS__) >= 0, "%s", err.text)

static void open_all(void)
{
    const char *url = testdb_url();
    struct bus_options options = {.role = "delivery", .bind_address = "127.0.0.1"};

    fake_twilio_start(&fake);
    uuid_new(instance);
    uuid_new(client);
    snprintf(own_key, sizeof own_key, "twilio:%s", client);
    cr_assert(http_global_init(&err) == 0);
    admin = db_pool_new(url, NULL, 2, &err);
    worker.db = db_pool_new(url, "leadwire_delivery", 2, &err);
    worker.bus = bus_new(&options, &err);
    delivery.twilio = twilio_new(fake.url, &err);
    arena = arena_new(1 << 20);
    cr_assert(admin && worker.db && worker.bus && delivery.twilio && arena, "%s", err.text);
    ADMIN("INSERT INTO clients (client_id, name) VALUES ($1, 'c')", db_text(client));
}

static void close_all(void)
{
    arena_destroy(&arena);
    twilio_destroy(&delivery.twilio);
    bus_destroy(&worker.bus);
    db_pool_destroy(&worker.db);
    db_pool_destroy(&admin);
    fake_twilio_stop(&fake);
}

TestSuite(delivery_breaker, .init = open_all, .fini = close_all, .timeout = 60);

static const char *value(const char *sql)
{
    static char texts[4][300];
    static int next;
    char *text = texts[next++ % 4];
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run_args(admin, DB_EVERY_CLIENT, &rows, &err, sql, NULL, 0) >= 0, "%s", err.text);
    snprintf(text, sizeof texts[0], "%s",
             db_result_count(rows) == 0 ? "none"
             : db_get(rows, 0, "v")     ? db_get(rows, 0, "v")
                                        : "null");
    return text;
}
#define VALUE(columns, from) (char *)value("SELECT " columns " AS v FROM " from)
#define ACCOUNT(columns)     VALUE(columns, "provider_accounts")
#define PAUSE                ACCOUNT("round(extract(epoch FROM paused_until - now())) || ' ' || reason || ' ' || failures")
#define TASKS                VALUE("count(*)", "tasks WHERE kind = 'probe_account' AND state <> 'dead'")
#define PROBE_IN             VALUE("coalesce(round(extract(epoch FROM min(run_at) - now())), -1)", "tasks") /* seconds */
#define OPEN_NOTICES         VALUE("count(*)", "notices WHERE resolved_at IS NULL")

static struct twilio_account environment(void)
{
    struct twilio_account account;

    account_of_environment(&config, &account);
    return account;
}

/* Gives the client an account of its own. */
static void set_token(const char *token)
{
    const char *context = arena_printf(arena, "%s/twilio_auth_token", client);

    ADMIN("UPDATE clients SET config = jsonb_build_object('twilio_account_sid', 'ACown', 'twilio_auth_token', $2::text)"
          " WHERE client_id = $1",
          db_text(client), db_text(seal(KEY, context, token, arena, &err)));
}

static int load(struct twilio_account *account)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(worker.db, client, &err);

    err = (struct err){0};
    return account_load(tx, &config, client, arena, account, &err);
}

static struct twilio_account own(void)
{
    struct twilio_account account;

    cr_assert(load(&account) == 0, "%s", err.text);
    return account;
}

static void pass(int seconds)
{
    ADMIN("UPDATE provider_accounts SET paused_until = paused_until - make_interval(secs => $1::integer),"
          " updated_at = updated_at - make_interval(secs => $1::integer)",
          db_int(seconds));
}

/* Runs the probe as a process would, as if its time had come. */
static int run_probe(void)
{
    struct task task;
    int rc;

    ADMIN("UPDATE tasks SET run_at = now()");
    err = (struct err){0};
    cr_assert(tasks_claim_due(worker.db, instance, "delivery", 1, &task, &err) == 1, "%s", err.text);
    rc = on_probe_account(&worker, &task, &err);
    cr_assert(rc == 0, "%s", err.text);
    task_release(&task);
    return rc;
}

/* ---- limits ---- */

Test(delivery_breaker, a_limit_pauses_for_as_long_as_twilio_says)
{
    struct twilio_account account = environment();

    cr_expect(eq(int, breaker_limited(&worker, &account, 7, &err), 0));
    cr_expect(eq(str, PAUSE, "7 rate 1"));
    cr_expect(eq(str, ACCOUNT("account || ' ' || coalesce(client_id::text, 'none')"), "twilio none"));
    breaker_limited(&worker, &account, 3, &err);
    cr_expect(eq(str, PAUSE, "7 rate 1"), "of the same moment, and no shorter");
    breaker_limited(&worker, &account, 1000000, &err);
    cr_expect(eq(str, PAUSE, "3600 rate 1"));
}

Test(delivery_breaker, without_a_word_of_twilios_each_pause_is_longer)
{
    static const char *const pauses[] = {"1 rate 1",  "2 rate 2",  "4 rate 3",  "8 rate 4",
                                         "16 rate 5", "32 rate 6", "60 rate 7", "60 rate 8"};
    struct twilio_account account = environment();

    for (size_t i = 0; i < COUNT_OF(pauses); i++) {
        breaker_limited(&worker, &account, 0, &err);
        cr_expect(eq(str, PAUSE, (char *)pauses[i]));
        pass(61);
    }
    pass(601);
    breaker_limited(&worker, &account, 0, &err);
    cr_expect(eq(str, PAUSE, "1 rate 1"), "after ten quiet minutes");
}

static void sleep_over(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

Test(delivery_breaker, a_success_after_the_pause_begins_anew)
{
    struct twilio_account account = environment();

    breaker_limited(&worker, &account, 0, &err);
    breaker_succeeded(&worker, &account);
    cr_expect(eq(str, ACCOUNT("failures"), "1"), "what was under way at the time says nothing");
    sleep_over(1100);
    breaker_succeeded(&worker, &account);
    cr_expect(eq(str, ACCOUNT("failures"), "0"));
    ADMIN("UPDATE provider_accounts SET failures = 5");
    breaker_succeeded(&worker, &account);
    cr_expect(eq(str, ACCOUNT("failures"), "5"), "written once, not with each send");
}

/* ---- credentials ---- */

Test(delivery_breaker, refused_credentials_pause_the_account_and_tell_once)
{
    struct twilio_account account = environment();

    for (int i = 0; i < 3; i++)
        cr_expect(eq(int, breaker_refused(&worker, &account, &refusal, &err), 0), "%s", err.text);
    cr_expect(eq(str, ACCOUNT("paused_until || ' ' || reason"), "infinity credentials"));
    cr_expect(eq(str, TASKS, "1"));
    cr_expect(eq(str, PROBE_IN, "30"));
    cr_expect(eq(str, VALUE("kind || ' ' || subject || ' ' || code || ' ' || count", "notices"),
                 "account_refused ACenvironment 20003 3"));
    cr_expect(eq(str, VALUE("client_id", "notices"), (char *)UUID_NIL));
    breaker_limited(&worker, &account, 5, &err);
    cr_expect(eq(str, ACCOUNT("paused_until || ' ' || reason"), "infinity credentials"), "a limit does not end it");
}

Test(delivery_breaker, the_probe_waits_longer_each_time_and_ends_the_pause)
{
    static const char *const waits[] = {"60", "120", "240", "480", "900", "900"};
    struct twilio_account account = environment();

    breaker_refused(&worker, &account, &refusal, &err);
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        fake_twilio_answer(&fake, 401, REFUSAL);
        run_probe();
        cr_expect(eq(str, PROBE_IN, (char *)waits[i]));
    }
    fake_twilio_answer(&fake, 500, "{}");
    run_probe();
    cr_expect(eq(str, PROBE_IN, "900"), "nothing is known");
    cr_expect(eq(str, OPEN_NOTICES, "1"));

    fake_twilio_answer(&fake, 200, "{\"messages\":[]}");
    run_probe();
    cr_expect(strstr(fake.last, "GET /2010-04-01/Accounts/ACenvironment/Messages.json?PageSize=1 ") != NULL);
    cr_expect(eq(int, fake.n_posts, 0));
    cr_expect(eq(str, ACCOUNT("1"), "none"));
    cr_expect(eq(str, TASKS, "0"));
    cr_expect(eq(str, OPEN_NOTICES, "0"));

    breaker_refused(&worker, &account, &refusal, &err);
    cr_expect(eq(str, TASKS, "1"), "and again");
    cr_expect(eq(str, OPEN_NOTICES, "1"));
}

Test(delivery_breaker, a_clients_own_account_is_its_own_affair)
{
    struct twilio_account account;

    set_token("secret");
    account = own();
    cr_expect(eq(str, (char *)account.key, own_key));
    cr_expect(eq(str, (char *)account.sid, "ACown"));
    cr_expect(eq(str, (char *)account.token, "secret"));
    breaker_refused(&worker, &account, &refusal, &err);
    cr_expect(eq(str, ACCOUNT("account"), own_key));
    cr_expect(eq(str, VALUE("client_id", "notices"), client));
    cr_expect(eq(str, VALUE("client_id", "tasks"), client));
    fake_twilio_answer(&fake, 200, "{\"messages\":[]}");
    run_probe();
    cr_expect(strstr(fake.last, "GET /2010-04-01/Accounts/ACown/") != NULL);
    cr_expect(strstr(fake.last, "Authorization: Basic QUNvd246c2VjcmV0") != NULL);
    cr_expect(eq(str, ACCOUNT("1"), "none"));
    cr_expect(eq(str, OPEN_NOTICES, "0"));
}

Test(delivery_breaker, other_credentials_are_tried_at_once)
{
    struct twilio_account account;

    set_token("wrong");
    account = own();
    breaker_refused(&worker, &account, &refusal, &err);
    set_token("right");
    ADMIN("SELECT provider_account_changed($1)", db_text(client));
    cr_expect(eq(str, ACCOUNT("1"), "none"));
    cr_expect(eq(str, PROBE_IN, "0"));
    breaker_refused(&worker, &account, &refusal, &err);
    cr_expect(eq(str, ACCOUNT("1"), "none"), "what was asked with the former ones says nothing");
    fake_twilio_answer(&fake, 200, "{\"messages\":[]}");
    run_probe();
    cr_expect(eq(str, OPEN_NOTICES, "0"));
    cr_expect(eq(str, TASKS, "0"));
}

Test(delivery_breaker, other_credentials_that_are_refused_too_pause_again)
{
    struct twilio_account account;

    set_token("wrong");
    account = own();
    breaker_refused(&worker, &account, &refusal, &err);
    set_token("wrong, too");
    ADMIN("SELECT provider_account_changed($1)", db_text(client));
    fake_twilio_answer(&fake, 401, REFUSAL);
    run_probe();
    cr_expect(eq(str, ACCOUNT("paused_until || ' ' || reason"), "infinity credentials"));
    cr_expect(eq(str, TASKS, "1"));
    cr_expect(eq(str, OPEN_NOTICES, "1"));
}

static void change_token_now(void *arg)
{
    (void)arg;
    set_token("right");
}

Test(delivery_breaker, credentials_that_change_while_they_are_asked_about_are_asked_about_again)
{
    struct twilio_account account;

    set_token("wrong");
    account = own();
    breaker_refused(&worker, &account, &refusal, &err);
    fake.on_request = change_token_now;
    fake_twilio_answer(&fake, 200, "{\"messages\":[]}");
    run_probe();
    cr_expect(eq(str, ACCOUNT("reason"), "credentials"));
    cr_expect(eq(str, PROBE_IN, "0"));
}

Test(delivery_breaker, an_account_that_is_nobodys_any_more_is_forgotten)
{
    struct twilio_account account;

    set_token("wrong");
    account = own();
    breaker_refused(&worker, &account, &refusal, &err);
    ADMIN("UPDATE clients SET config = '{}'");
    run_probe();
    cr_expect(eq(int, fake.n_gets, 0));
    cr_expect(eq(str, ACCOUNT("1"), "none"));
    cr_expect(eq(str, TASKS, "0"));
    cr_expect(eq(str, OPEN_NOTICES, "0"));
}

Test(delivery_breaker, another_token_in_the_environment_ends_the_pause)
{
    struct twilio_account account = environment();

    breaker_refused(&worker, &account, &refusal, &err);
    cr_expect(eq(int, breaker_start(&worker, &err), 0));
    cr_expect(eq(str, ACCOUNT("reason"), "credentials"), "the same as before");
    cr_expect(eq(str, PROBE_IN, "30"));
    config.twilio_auth_token = "another";
    cr_expect(eq(int, breaker_start(&worker, &err), 0));
    cr_expect(eq(str, ACCOUNT("1"), "none"));
    cr_expect(eq(str, PROBE_IN, "0"));
    fake_twilio_answer(&fake, 200, "{\"messages\":[]}");
    run_probe();
    cr_expect(eq(str, OPEN_NOTICES, "0"));
}

Test(delivery_breaker, a_paused_account_without_a_probe_gets_one)
{
    struct twilio_account account = environment();

    breaker_refused(&worker, &account, &refusal, &err);
    ADMIN("UPDATE tasks SET state = 'dead'");
    cr_expect(eq(int, breaker_start(&worker, &err), 0));
    cr_expect(eq(str, TASKS, "1"));
    cr_expect(eq(int, breaker_start(&worker, &err), 0));
    cr_expect(eq(str, TASKS, "1"));
}

/* ---- tokens that cannot be unsealed ---- */

Test(delivery_breaker, a_token_that_cannot_be_unsealed_says_what_to_set)
{
    struct twilio_account account;

    set_token("secret");
    config.master_key = NULL;
    cr_expect(eq(int, load(&account), -1));
    cr_expect(eq(int, err.kind, ERR_DENIED));
    cr_expect(strstr(err.text, "LEADWIRE_MASTER_KEY is not set") != NULL);
    config.master_key = OTHER_KEY;
    cr_expect(eq(int, load(&account), -1));
    cr_expect(eq(int, err.kind, ERR_DENIED));
    cr_expect(strstr(err.text, "LEADWIRE_MASTER_KEY is another one") != NULL);
    cr_expect(strstr(err.text, "secret") == NULL);
    config.master_key = KEY;
    ADMIN("UPDATE clients SET config = config - 'twilio_auth_token'");
    cr_expect(eq(int, load(&account), -1));
    cr_expect(strstr(err.text, "without a twilio_auth_token") != NULL);
}

Test(delivery_breaker, a_token_that_cannot_be_unsealed_pauses_until_it_can)
{
    struct twilio_account account = {.key = own_key, .sid = "ACown", .token = ""};
    struct twilio_account ignored;
    struct err why;

    set_token("secret");
    config.master_key = OTHER_KEY;
    load(&ignored);
    why = err;
    cr_expect(eq(int, breaker_refused(&worker, &account, &why, &err), 0), "%s", err.text);
    cr_expect(eq(str, ACCOUNT("reason"), "credentials"));
    cr_expect(strstr(VALUE("remedy", "notices"), "LEADWIRE_MASTER_KEY") != NULL);
    run_probe();
    cr_expect(eq(int, fake.n_gets, 0));
    cr_expect(eq(str, PROBE_IN, "60"));
    config.master_key = KEY;
    fake_twilio_answer(&fake, 200, "{\"messages\":[]}");
    run_probe();
    cr_expect(eq(str, ACCOUNT("1"), "none"));
    cr_expect(eq(str, OPEN_NOTICES, "0"));
}

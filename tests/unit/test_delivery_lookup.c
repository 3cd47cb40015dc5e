/* Looking up phone numbers: on request, and before the first text to a lead. */
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
#include "libshared/service.h"
#include "libshared/uuid.h"
#include "proto/envelope.h"
#include "proto/messages.h"
#include "services/delivery/account.h"
#include "services/delivery/delivery.h"
#include "services/delivery/lookup.h"
#include "services/delivery/twilio.h"
#include "tests/unit/fake_twilio.h"
#include "tests/unit/testdb.h"

#define PHONE "+14159929960"

static struct fake_twilio fake;
static struct db_pool *admin;
static struct config config = {.twilio_account_sid = "AC1", .twilio_auth_token = "token"};
static struct delivery delivery;
static struct worker worker = {.config = &config, .state = &delivery};
static struct arena *arena;
static struct err err;
static char client[UUID_SIZE], lead[UUID_SIZE], conversation[UUID_SIZE];

#define ADMIN(...) cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, __VA_ARGS__) >= 0, "%s", err.text)

static void open_all(void)
{
    const char *url = testdb_url();
    struct bus_options options = {.role = "delivery", .bind_address = "127.0.0.1"};

    fake_twilio_start(&fake);
    uuid_new(client);
    uuid_new(lead);
    uuid_new(conversation);
    cr_assert(http_global_init(&err) == 0);
    admin = db_pool_new(url, NULL, 2, &err);
    worker.db = db_pool_new(url, "leadwire_delivery", 2, &err);
    worker.bus = bus_new(&options, &err);
    delivery.twilio = twilio_new(fake.url, &err);
    arena = arena_new(1 << 20);
    cr_assert(admin && worker.db && worker.bus && delivery.twilio && arena, "%s", err.text);
    ADMIN("INSERT INTO clients (client_id, name, config) VALUES ($1, 'c', '{\"lookup_new_numbers\":\"on\"}')",
          db_text(client));
    ADMIN("INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, $3)", db_text(client), db_text(lead),
          db_text(PHONE));
    ADMIN("INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)"
          " VALUES ($1, $2, $3, 'sms', $4, '+15550002222')",
          db_text(client), db_text(conversation), db_text(lead), db_text(PHONE));
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

TestSuite(delivery_lookup, .init = open_all, .fini = close_all, .timeout = 60);

static void answer(const char *valid, const char *country, const char *line, const char *errors)
{
    fake_twilio_answer(&fake, 200,
                       "{\"calling_country_code\":null,\"country_code\":%s,\"phone_number\":\"" PHONE
                       "\",\"valid\":%s,\"validation_errors\":%s,\"line_type_intelligence\":%s}",
                       country, valid, errors, line);
}

#define LINE(type) "{\"error_code\":null,\"carrier_name\":\"Twilio - SMS/MMS-SVR\",\"type\":\"" type "\"}"

/* Sends the request as service.c does; 0 with *ret_reply, or -1. */
static int ask(const char *client_id, const char *phone, struct phone_lookup *ret_reply)
{
    struct lookup_phone request = {.client_id = client_id, .phone = phone};
    struct envelope env = {0};
    struct call call = {.env = &env, .client_id = client, .request = &request, .reply = ret_reply, .arena = arena};
    int rc;

    *ret_reply = (struct phone_lookup){0};
    err = (struct err){0};
    rc = on_lookup_phone(&worker, &call, &err);
    if (rc == 0)
        cr_assert(call.tx && db_commit(&call.tx, &err) == 0, "%s", err.text);
    else if (call.tx)
        db_rollback(&call.tx);
    return rc;
}

static const char *kept(void)
{
    static char text[200];
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run(admin, DB_EVERY_CLIENT, &rows, &err,
                     "SELECT concat_ws(' ', phone_valid, phone_country, phone_line_type,"
                     "                 phone_looked_up_at > now() - interval '1 minute') AS v"
                     "  FROM leads WHERE client_id = $1",
                     db_text(client)) == 1);
    snprintf(text, sizeof text, "%s", db_get(rows, 0, "v"));
    return text;
}
#define KEPT (char *)kept()

/* ---- on request ---- */

Test(delivery_lookup, what_twilio_knows_is_answered_and_kept_with_the_lead)
{
    struct phone_lookup reply;

    answer("true", "\"US\"", LINE("nonFixedVoip"), "null");
    cr_assert(eq(int, ask(client, PHONE, &reply), 0), "%s", err.text);
    cr_expect(strstr(fake.last, "GET /v2/PhoneNumbers/%2B14159929960?Fields=line_type_intelligence ") != NULL);
    cr_expect(eq(str, (char *)reply.phone, PHONE));
    cr_expect(reply.valid);
    cr_expect(eq(str, (char *)reply.country, "US"));
    cr_expect(eq(str, (char *)reply.line_type, "nonFixedVoip"));
    cr_expect(eq(str, (char *)reply.carrier, "Twilio - SMS/MMS-SVR"));
    cr_expect(eq(str, (char *)reply.lead_id, lead));
    cr_expect(reply.validation_errors == NULL);
    cr_expect(eq(str, KEPT, "t US nonFixedVoip t"));
}

Test(delivery_lookup, a_number_that_cannot_exist_is_an_answer)
{
    struct phone_lookup reply;

    answer("false", "null", "null", "[\"TOO_LONG\"]");
    cr_assert(eq(int, ask(client, PHONE, &reply), 0), "%s", err.text);
    cr_expect(not(reply.valid));
    cr_expect(eq(str, (char *)reply.validation_errors, "[\"TOO_LONG\"]"));
    cr_expect(reply.country == NULL && reply.line_type == NULL);
    cr_expect(eq(str, KEPT, "f t"));
}

Test(delivery_lookup, a_number_of_no_lead_is_kept_nowhere)
{
    struct phone_lookup reply;

    answer("true", "\"US\"", LINE("mobile"), "null");
    cr_assert(eq(int, ask(client, "+14155550000", &reply), 0), "%s", err.text);
    cr_expect(reply.lead_id == NULL);
    cr_expect(eq(str, KEPT, ""));
}

Test(delivery_lookup, what_is_no_number_is_refused_by_name)
{
    static const char *const wrong[] = {"4159929960", "+", "+1415992996000000", "+1 415 992 9960", "+0123456789", "x"};
    struct phone_lookup reply;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_expect(eq(int, ask(client, wrong[i], &reply), -1));
        cr_expect(eq(int, err.kind, ERR_INVALID));
        cr_expect(eq(str, err.field, "phone"));
    }
    cr_expect(eq(int, fake.n_gets, 0));
}

Test(delivery_lookup, another_clients_account_is_not_used)
{
    struct phone_lookup reply;
    char other[UUID_SIZE];

    uuid_new(other);
    cr_expect(eq(int, ask(other, PHONE, &reply), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(int, fake.n_gets, 0));
}

Test(delivery_lookup, what_twilio_does_not_answer_is_unavailable)
{
    struct phone_lookup reply;

    fake_twilio_answer(&fake, 500, "{}");
    cr_expect(eq(int, ask(client, PHONE, &reply), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    fake_twilio_answer(&fake, 0, "-");
    cr_expect(eq(int, ask(client, PHONE, &reply), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE), "cut off: asking again does no harm");
    fake_twilio_answer(&fake, 200, "{\"valid\":\"yes\"}");
    cr_expect(eq(int, ask(client, PHONE, &reply), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    fake_twilio_answer(&fake, 401, "{\"code\":20003}");
    cr_expect(eq(int, ask(client, PHONE, &reply), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE), "the asker is not to blame");
    cr_expect(eq(str, KEPT, ""));
}

/* ---- before the first text ---- */

static int before_text(void)
{
    struct twilio_account account;

    account_of_environment(&config, &account);
    err = (struct err){0};
    return lookup_before_text(&worker, &account, client, lead, &err);
}

Test(delivery_lookup, a_new_mobile_is_looked_up_once_and_texted)
{
    answer("true", "\"US\"", LINE("mobile"), "null");
    cr_expect(eq(int, before_text(), 0), "%s", err.text);
    cr_expect(eq(str, KEPT, "t US mobile t"));
    cr_expect(eq(int, before_text(), 0));
    cr_expect(eq(int, fake.n_gets, 1));
}

Test(delivery_lookup, a_landline_is_never_texted)
{
    answer("true", "\"US\"", LINE("landline"), "null");
    for (int i = 0; i < 2; i++) {
        cr_expect(eq(int, before_text(), -1));
        cr_expect(eq(int, err.kind, ERR_INVALID));
        cr_expect(eq(int, err.provider_code, 30006));
    }
    cr_expect(eq(int, fake.n_gets, 1));
}

Test(delivery_lookup, a_number_that_cannot_exist_is_never_texted)
{
    answer("false", "null", "null", "[\"TOO_SHORT\"]");
    for (int i = 0; i < 2; i++) {
        cr_expect(eq(int, before_text(), -1));
        cr_expect(eq(int, err.provider_code, 21211));
    }
    cr_expect(eq(int, fake.n_gets, 1));
}

Test(delivery_lookup, nobody_is_looked_up_without_the_clients_wish)
{
    ADMIN("UPDATE clients SET config = '{}' WHERE client_id = $1", db_text(client));
    cr_expect(eq(int, before_text(), 0));
    ADMIN("UPDATE clients SET config = '{\"lookup_new_numbers\":\"off\"}' WHERE client_id = $1", db_text(client));
    cr_expect(eq(int, before_text(), 0));
    cr_expect(eq(int, fake.n_gets, 0));
}

static void write_in(const char *channel)
{
    ADMIN("INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
          "                      from_address, to_address, body, state)"
          " VALUES ($1, gen_random_uuid(), $2, $3, 'in', 'lead', $4, $5, '+15550002222', 'hello', 'received')",
          db_text(client), db_text(conversation), db_text(lead), db_text(channel), db_text(PHONE));
}

Test(delivery_lookup, who_has_written_need_not_be_looked_up)
{
    write_in("form");
    answer("true", "\"US\"", LINE("mobile"), "null");
    cr_expect(eq(int, before_text(), 0));
    cr_expect(eq(int, fake.n_gets, 1), "a form says nothing about the number");
    ADMIN("UPDATE leads SET phone_looked_up_at = NULL WHERE client_id = $1", db_text(client));
    write_in("sms");
    cr_expect(eq(int, before_text(), 0));
    cr_expect(eq(int, fake.n_gets, 1));
}

Test(delivery_lookup, without_an_answer_it_is_tried_later)
{
    fake_twilio_answer(&fake, 429, "{}");
    cr_expect(eq(int, before_text(), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, err.retry_after_s, 3));
    cr_expect(eq(str, KEPT, ""));
}

Test(delivery_lookup, an_account_that_may_not_look_up_texts_all_the_same)
{
    fake_twilio_answer(&fake, 403, "{\"code\":20008,\"message\":\"not enabled\"}");
    cr_expect(eq(int, before_text(), 0));
    cr_expect(eq(str, KEPT, ""));
}

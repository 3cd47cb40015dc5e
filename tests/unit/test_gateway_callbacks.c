/* test_gateway_callbacks.c - status callbacks in any order, and what an alert call says. Needs a database. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gatewayfix.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"

#define OWN "AC00000000000000000000000000000002"

static char message[UUID_SIZE], call[UUID_SIZE];

static void insert(const char *id, const char *channel, const char *purpose, const char *state)
{
    struct err err = {0};

    cr_assert_eq(db_run(gw_root, NULL, NULL, &err,
                        "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author,"
                        "                      channel, from_address, to_address, body, state, purpose)"
                        "SELECT client_id, $2, conversation_id, lead_id, 'out', 'agent', $3, $4, $5, 'A hot lead', $6,"
                        "       $7"
                        "  FROM conversations WHERE client_id = $1 AND channel = 'sms'",
                        db_text(gw_client), db_text(id), db_text(channel), db_text(gw_number),
                        db_text(strcmp(purpose, "alert") == 0 ? "+15550007777" : gw_lead), db_text(state),
                        db_text(purpose)),
                 1, "%s", err.text);
}

static void open_messages(void)
{
    gw_open();
    uuid_new(message);
    uuid_new(call);
    gw_store_one(gw_text("SM1", "Hi"));
    insert(message, "sms", "reply", "sending");
    insert(call, "voice", "alert", "sending");
}

TestSuite(callbacks, .init = open_messages, .fini = gw_close, .timeout = 120);

/* What the gateway's role makes of a callback; the outcome. */
static const char *callback_of(const char *id, const char *account, bool is_call, const char *status, int code)
{
    static char outcome[32];
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert_eq(db_run(gw_gateway, NULL, &rows, &err,
                        "SELECT outcome FROM accept_message_status($1, $2, $3, $4, $5, 'SM9', $6, $7::integer, 'why')",
                        db_text(gw_client), db_text(id), db_text(account), db_text(GW_ACCOUNT), db_bool(is_call),
                        db_text(status), db_int(code)),
                 1, "%s", err.text);
    snprintf(outcome, sizeof outcome, "%s", db_get(rows, 0, "outcome"));
    return outcome;
}

static const char *callback(const char *status, int code)
{
    return callback_of(message, GW_ACCOUNT, false, status, code);
}

static const char *state_of(const char *id)
{
    static char state[32];
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert_eq(db_run(gw_root, NULL, &rows, &err,
                        "SELECT state FROM messages WHERE client_id = $1 AND message_id = $2", db_text(gw_client),
                        db_text(id)),
                 1, "%s", err.text);
    snprintf(state, sizeof state, "%s", db_get(rows, 0, "state"));
    return state;
}

static void set_state(const char *state)
{
    struct err err = {0};

    cr_assert_eq(db_run(gw_root, NULL, NULL, &err,
                        "UPDATE messages SET state = $3, error_code = NULL, error_text = NULL"
                        " WHERE client_id = $1 AND message_id = $2",
                        db_text(gw_client), db_text(message), db_text(state)),
                 1, "%s", err.text);
}

/* Calls of each permutation of n statuses, some repeated; the end must be the same. */
static void expect_end(const char **statuses, size_t n, const char *wanted, size_t at)
{
    if (at == n) {
        set_state("sending");
        for (size_t i = 0; i < n; i++)
            for (size_t times = 0; times <= i % 2; times++)
                callback(statuses[i], strcmp(wanted, "undelivered") == 0 ? 30003 : 0);
        cr_expect_str_eq(state_of(message), wanted, "%s %s %s ...", statuses[0], statuses[1], statuses[2]);
        return;
    }
    for (size_t i = at; i < n; i++) {
        const char *first = statuses[at];

        statuses[at] = statuses[i];
        statuses[i] = first;
        expect_end(statuses, n, wanted, at + 1);
        statuses[i] = statuses[at];
        statuses[at] = first;
    }
}

Test(callbacks, the_end_does_not_depend_on_their_order)
{
    const char *read[] = {"queued", "sent", "delivered", "read"};
    const char *lost[] = {"queued", "sending", "sent", "undelivered"};

    expect_end(read, COUNT_OF(read), "read", 0);
    expect_end(lost, COUNT_OF(lost), "undelivered", 0);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1 AND error_code = 30003"
                        " AND error_text = 'why' AND provider_sid = 'SM9'"),
                 1);
}

Test(callbacks, delivered_corrects_what_we_took_for_failed)
{
    set_state("failed");
    cr_expect_str_eq(callback("sent", 0), "unchanged");
    cr_expect_str_eq(callback("delivered", 0), "changed");
    cr_expect_str_eq(callback("failed", 30008), "unchanged");
    cr_expect_str_eq(state_of(message), "delivered");
}

static void *call_late(void *arg)
{
    snprintf(arg, 32, "%s", callback("sent", 0));
    return NULL;
}

/* It is read before its row is locked: what has happened to it meanwhile counts. */
Test(callbacks, one_that_is_overtaken_while_it_waits_changes_nothing)
{
    char outcome[32] = "";
    pthread_t thread;
    struct err err = {0};
    AUTO(db_rollback) struct db_tx *tx = db_begin(gw_root, gw_client, &err);

    cr_assert_eq(db_query(tx, NULL, &err,
                          "UPDATE messages SET state = 'failed' WHERE client_id = $1 AND message_id = $2",
                          db_text(gw_client), db_text(message)),
                 1, "%s", err.text);
    cr_assert_eq(pthread_create(&thread, NULL, call_late, outcome), 0);
    for (int i = 0; i < 500 && gw_ask("SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"
                                      " AND wait_event_type = 'Lock' AND $1::uuid IS NOT NULL") == 0;
         i++)
        usleep(10000);
    cr_assert_eq(db_commit(&tx, &err), 0, "%s", err.text);
    pthread_join(thread, NULL);
    cr_expect_str_eq(outcome, "unchanged");
    cr_expect_str_eq(state_of(message), "failed");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1 AND provider_sid = 'SM9'"), 1,
                 "what it was sent as is kept all the same");
}

Test(callbacks, one_before_our_own_answer_settles_the_message)
{
    set_state("uncertain");
    cr_expect_str_eq(callback("sent", 0), "changed");
    cr_expect_str_eq(callback("sent", 0), "unchanged");
    cr_expect_str_eq(callback("nonsense", 0), "ignored");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1 AND sent_at IS NOT NULL"), 1);
}

Test(callbacks, a_call_is_told_by_its_own_words)
{
    cr_expect_str_eq(callback_of(call, GW_ACCOUNT, true, "ringing", 0), "changed");
    cr_expect_str_eq(state_of(call), "sent");
    cr_expect_str_eq(callback_of(call, GW_ACCOUNT, true, "busy", 0), "changed");
    cr_expect_str_eq(callback_of(call, GW_ACCOUNT, true, "initiated", 0), "unchanged");
    cr_expect_str_eq(state_of(call), "undelivered");
    cr_expect_str_eq(callback_of(call, GW_ACCOUNT, true, "completed", 0), "changed");
    cr_expect_str_eq(state_of(call), "delivered");
    cr_expect_str_eq(callback_of(call, GW_ACCOUNT, false, "read", 0), "unknown", "it is no message");
    cr_expect_str_eq(callback_of(message, GW_ACCOUNT, true, "completed", 0), "unknown", "it is no call");
}

Test(callbacks, what_twilio_says_of_an_opt_out_is_kept)
{
    cr_expect_str_eq(callback("undelivered", 21610), "changed");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND opted_out_at IS NOT NULL"), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1 AND kind = 'out'"
                        " AND words = 'Twilio 21610' AND message_id IS NULL AND channel = 'sms'"),
                 1);
}

Test(callbacks, of_an_alert_it_says_nothing_about_the_lead)
{
    char alert[UUID_SIZE];

    uuid_new(alert);
    insert(alert, "sms", "alert", "sending");
    cr_expect_str_eq(callback_of(alert, GW_ACCOUNT, false, "undelivered", 21610), "changed");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND opted_out_at IS NOT NULL"), 0);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM consents WHERE client_id = $1"), 0);
}

Test(callbacks, a_landline_is_noted_unless_it_has_texted_us)
{
    cr_expect_str_eq(callback("undelivered", 30006), "changed");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND phone_line_type IS NOT NULL"), 0);
    gw_change("DELETE FROM messages WHERE client_id = $1 AND direction = 'in'");
    set_state("sending");
    cr_expect_str_eq(callback("undelivered", 30006), "changed");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND phone_line_type = 'landline'"), 1);
}

Test(callbacks, those_of_another_account_change_nothing)
{
    cr_expect_str_eq(callback_of(message, OWN, false, "delivered", 0), "wrong_account");
    gw_change("UPDATE clients SET config = '{\"twilio_account_sid\": \"" OWN "\"}' WHERE client_id = $1");
    cr_expect_str_eq(callback("delivered", 0), "wrong_account");
    cr_expect_str_eq(state_of(message), "sending");
    cr_expect_str_eq(callback_of(message, OWN, false, "delivered", 0), "changed");
}

Test(callbacks, nobody_elses_message_is_found)
{
    char other[UUID_SIZE];

    uuid_new(other);
    cr_expect_str_eq(callback_of(other, GW_ACCOUNT, false, "delivered", 0), "unknown");
    snprintf(gw_client, sizeof gw_client, "%s", other);
    cr_expect_str_eq(callback("delivered", 0), "unknown");
}

/* ---- alert calls ---- */

static int read_call(const char *client, const char *id, const char *account, struct db_result **ret_rows)
{
    struct err err = {0};
    int n = db_run(gw_gateway, NULL, ret_rows, &err,
                   "SELECT ours, body, our_number, lead_phone FROM alert_call($1, $2, $3, $4)", db_text(client),
                   db_text(id), db_text(account), db_text(GW_ACCOUNT));

    cr_assert_geq(n, 0, "%s", err.text);
    return n;
}

Test(callbacks, a_call_knows_what_to_say_and_whom_to_connect)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert_eq(read_call(gw_client, call, GW_ACCOUNT, &rows), 1);
    cr_expect(db_get_bool(rows, 0, "ours"));
    cr_expect_str_eq(db_get(rows, 0, "body"), "A hot lead");
    cr_expect_str_eq(db_get(rows, 0, "our_number"), gw_number);
    cr_expect_str_eq(db_get(rows, 0, "lead_phone"), gw_lead);
}

Test(callbacks, a_text_or_another_clients_call_is_none)
{
    AUTO(db_result_free) struct db_result *rows = NULL, *other = NULL, *account = NULL;
    char stranger[UUID_SIZE];

    uuid_new(stranger);
    cr_expect_eq(read_call(gw_client, message, GW_ACCOUNT, &rows), 0);
    cr_expect_eq(read_call(stranger, call, GW_ACCOUNT, &other), 0);
    cr_assert_eq(read_call(gw_client, call, OWN, &account), 1);
    cr_expect_not(db_get_bool(account, 0, "ours"));
    cr_expect_null(db_get(account, 0, "body"));
    cr_expect_null(db_get(account, 0, "lead_phone"));
}

/* In the order in which they came, also of one message; each is told apart by its place. */
Test(callbacks, those_that_come_together_are_taken_one_after_the_other)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};
    static const struct {
        int item;
        const char *outcome;
    } wanted[] = {{1, "changed"}, {2, "unknown"}, {3, "changed"}, {4, "unchanged"}, {5, "wrong_account"}};

    cr_assert_eq(db_run(gw_gateway, NULL, &rows, &err,
                        "SELECT item, outcome, state FROM accept_message_statuses("
                        "    ARRAY[$1, $1, $1, $1, $1]::uuid[], ARRAY[$2, $3, $2, $2, $2]::uuid[],"
                        "    ARRAY[$4, $4, $4, $4, 'AC2'], $4, '{f,f,f,f,f}', '{SM9,SM8,SM9,SM9,SM9}',"
                        "    '{sent,sent,read,delivered,failed}', '{0,0,0,0,0}', '{NULL,NULL,NULL,NULL,NULL}')"
                        " ORDER BY item",
                        db_text(gw_client), db_text(message), db_text(call), db_text(GW_ACCOUNT)),
                 5, "%s", err.text);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(db_get_int(rows, i, "item"), wanted[i].item);
        cr_expect_str_eq(db_get(rows, i, "outcome"), wanted[i].outcome, "%d: %s", i, db_get(rows, i, "outcome"));
    }
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1 AND state = 'read'"
                        "   AND provider_sid = 'SM9' AND direction = 'out'"),
                 1);
}

Test(callbacks, a_message_has_none_but_a_known_state)
{
    static const char *const wrong[] = {"", "sent ", "sent\n", "unsent", "SENT", "sent|read"};
    struct err err = {0};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_eq(db_run(gw_root, NULL, NULL, &err, "UPDATE messages SET state = $2 WHERE message_id = $1",
                            db_text(message), db_text(wrong[i])),
                     -1, "%s", wrong[i]);
    cr_expect_eq(db_run(gw_root, NULL, NULL, &err, "UPDATE messages SET state = 'sent' WHERE message_id = $1",
                        db_text(message)),
                 1);
}

Test(callbacks, no_other_role_may_call_them)
{
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM pg_proc p, unnest('{leadwire_service,leadwire_delivery,"
                        "leadwire_orchestrator,leadwire_knowledge}'::text[]) AS role"
                        " WHERE proname IN ('accept_message_status', 'accept_message_statuses', 'alert_call', "
                        "'client_twilio_accounts')"
                        "   AND has_function_privilege(role, p.oid, 'EXECUTE') AND $1::uuid IS NOT NULL"),
                 0);
}

/* What was sent before the client had an account of its own is told of by the one that it went through. */
Test(callbacks, the_account_that_a_message_went_through_tells_of_it)
{
    gw_change("UPDATE messages SET account_sid = '" GW_ACCOUNT "' WHERE client_id = $1 AND direction = 'out'");
    gw_change("UPDATE clients SET config = '{\"twilio_account_sid\": \"" OWN "\"}' WHERE client_id = $1");
    cr_expect_str_eq(callback_of(message, OWN, false, "delivered", 0), "wrong_account");
    cr_expect_str_eq(callback_of(message, GW_ACCOUNT, false, "delivered", 0), "changed");
    cr_expect_str_eq(callback_of(call, GW_ACCOUNT, true, "completed", 0), "changed");
    gw_change("UPDATE messages SET account_sid = '" OWN "' WHERE client_id = $1 AND direction = 'out'");
    gw_change("UPDATE clients SET config = '{}' WHERE client_id = $1");
    cr_expect_str_eq(callback_of(message, GW_ACCOUNT, false, "read", 0), "wrong_account");
    cr_expect_str_eq(callback_of(message, OWN, false, "read", 0), "changed");
}

Test(callbacks, an_opt_out_that_twilio_tells_of_late_does_not_undo_the_start_after_the_send)
{
    gw_change("UPDATE messages SET sending_at = now() - interval '1 minute' WHERE client_id = $1"
              "   AND direction = 'out'");
    gw_change("INSERT INTO consents (client_id, lead_id, kind, channel, words)"
              " SELECT client_id, lead_id, 'in', 'sms', 'START' FROM leads WHERE client_id = $1");
    cr_expect_str_eq(callback("undelivered", 21610), "changed");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND opted_out_at IS NOT NULL"), 0);
}

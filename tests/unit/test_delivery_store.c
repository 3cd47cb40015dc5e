/* The outbound messages in the database: what may become what, and what may not. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/delivery/message_store.h"
#include "services/delivery/twilio.h"
#include "tests/unit/testdb.h"

static struct db_pool *admin;    /* as the owner */
static struct db_pool *delivery; /* with delivery's rights */
static struct db_pool *gateway;  /* with the gateway's */
static struct arena *arena;
static struct err err;
static char client[UUID_SIZE], lead[UUID_SIZE], conversation[UUID_SIZE], message[UUID_SIZE];

static void run(const char *sql, const char *a, const char *b)
{
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, sql, db_text(a), db_text(b)) >= 0, "%s", err.text);
}

static void add_message(char id[UUID_SIZE], const char *state)
{
    uuid_new(id);
    cr_assert(
        db_run(admin, DB_EVERY_CLIENT, NULL, &err,
               "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
               "                      from_address, to_address, body, state)"
               " VALUES ($1, $2, $3, $4, 'out', 'agent', 'sms', '+15550002222', '+15550001111', 'hello', $5)",
               db_text(client), db_text(id), db_text(conversation), db_text(lead), db_text(state)) == 1,
        "%s", err.text);
}

static void open_database(void)
{
    const char *url = testdb_url();

    admin = db_pool_new(url, NULL, 2, &err);
    delivery = db_pool_new(url, "leadwire_delivery", 2, &err);
    gateway = db_pool_new(url, "leadwire_gateway", 2, &err);
    arena = arena_new(1 << 20);
    cr_assert(admin && delivery && gateway && arena);
    uuid_new(client);
    uuid_new(lead);
    uuid_new(conversation);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, "INSERT INTO clients (client_id, name) VALUES ($1, 'c')",
                     db_text(client)) == 1,
              "%s", err.text);
    run("INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, '+15550001111')", client, lead);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address,"
                     "                           our_address)"
                     " VALUES ($1, $2, $3, 'sms', '+15550001111', '+15550002222')",
                     db_text(client), db_text(conversation), db_text(lead)) == 1);
    add_message(message, "queued");
}

static void close_database(void)
{
    arena_destroy(&arena);
    db_pool_destroy(&gateway);
    db_pool_destroy(&delivery);
    db_pool_destroy(&admin);
}

TestSuite(delivery_store, .init = open_database, .fini = close_database, .timeout = 60);

/* The message as it is stored, read with delivery's rights. */
static struct outbound stored(const char *id)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct outbound found = {0};

    cr_assert(db_run(delivery, client, &rows, &err,
                     "SELECT *, (extract(epoch FROM sending_at) * 1000000)::bigint AS sending_at_us FROM messages"
                     " WHERE client_id = $1 AND message_id = $2",
                     db_text(client), db_text(id)) == 1 &&
                  message_from_row(rows, 0, arena, &found, &err) == 0,
              "%s", err.text);
    return found;
}

/* The intent of a send, as an attempt of a task commits it: 1, or 0 if admit_sends does not want it. */
static int intend(const char *id)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    char task[UUID_SIZE];

    uuid_new(task);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO tasks (client_id, task_id, kind, role, state, max_attempts, deadline_s, token)"
                     " VALUES ($1, $2, 'send_message_sms', 'delivery', 'running', 5, 90, 7)",
                     db_text(client), db_text(task)) == 1);
    cr_assert(db_run(delivery, NULL, &rows, &err,
                     "SELECT decision FROM admit_sends(ARRAY[$1::uuid], ARRAY[$2::uuid], ARRAY[7::bigint],"
                     "                                 ARRAY[$3::uuid], 'AC1')",
                     db_text(client), db_text(task), db_text(id)) == 1,
              "%s", err.text);
    return strcmp(db_get(rows, 0, "decision"), "send") == 0;
}

#define IN_TX(call)                                                            \
    ({                                                                         \
        AUTO(db_rollback) struct db_tx *tx = db_begin(delivery, client, &err); \
        int n_ = tx ? (call) : -1;                                             \
        if (n_ >= 0 && db_commit(&tx, &err) < 0)                               \
            n_ = -1;                                                           \
        n_;                                                                    \
    })

#define expect_state(id, wanted) cr_expect(eq(str, (char *)stored(id).state, wanted))

/* What a status callback does, with the gateway's rights. */
static const char *callback(const char *id, const char *sid, const char *status, int code)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(
        db_run(gateway, NULL, &rows, &err,
               "SELECT outcome FROM accept_message_status($1, $2, 'AC1', 'AC1', false, $3, $4, $5::integer, 'why')",
               db_text(client), db_text(id), db_text(sid), db_text(status), db_int(code)) == 1,
        "%s", err.text);
    return arena_strdup(arena, db_get(rows, 0, "outcome"));
}

Test(delivery_store, the_intent_is_counted_and_timed)
{
    struct outbound found;

    cr_expect(eq(int, intend(message), 1));
    found = stored(message);
    cr_expect(eq(str, (char *)found.state, "sending"));
    cr_expect(eq(int, found.send_attempt, 1));
    cr_expect(found.sending_at_us > 0);
    cr_expect(eq(int, intend(message), 0), "only once");
}

Test(delivery_store, who_opted_out_is_not_texted)
{
    run("UPDATE leads SET opted_out_at = now() WHERE client_id = $1 AND lead_id = $2", client, lead);
    cr_expect(eq(int, intend(message), 0));
    cr_expect(eq(int, IN_TX(message_drop(tx, client, message, &err)), 1));
    expect_state(message, "dropped");
}

Test(delivery_store, a_draft_of_an_older_epoch_is_dropped)
{
    run("UPDATE conversations SET epoch = 2 WHERE client_id = $1 AND conversation_id = $2", client, conversation);
    cr_expect(eq(int, intend(message), 0));
    cr_expect(eq(int, IN_TX(message_drop(tx, client, message, &err)), 1));
    expect_state(message, "dropped");
}

Test(delivery_store, what_may_be_sent_is_not_dropped)
{
    cr_expect(eq(int, IN_TX(message_drop(tx, client, message, &err)), 0));
    expect_state(message, "queued");
}

Test(delivery_store, an_attempt_that_never_left_does_not_count)
{
    cr_assert(eq(int, intend(message), 1));
    cr_expect(eq(int, IN_TX(message_take_back(tx, client, message, &err)), 1));
    cr_expect(eq(int, stored(message).send_attempt, 0));
    expect_state(message, "queued");
}

Test(delivery_store, an_attempt_that_was_lost_counts)
{
    cr_assert(eq(int, intend(message), 1));
    cr_assert(eq(int, IN_TX(message_doubt(tx, client, message, &err)), 1));
    cr_expect(eq(int, IN_TX(message_send_again(tx, client, message, &err)), 1));
    expect_state(message, "queued");
    cr_expect(eq(int, stored(message).send_attempt, 1));
    cr_expect(eq(int, intend(message), 1));
    cr_expect(eq(int, stored(message).send_attempt, 2));
}

Test(delivery_store, a_look_without_a_listing_breaks_the_row_of_listings)
{
    cr_assert(eq(int, intend(message), 1));
    cr_expect(eq(int, IN_TX(message_looked(tx, client, message, true, "not there", &err)), 1));
    cr_expect(eq(int, stored(message).looks_listed, 1));
    cr_expect(eq(int, IN_TX(message_looked(tx, client, message, false, "503", &err)), 1));
    cr_expect(eq(int, stored(message).looks_listed, 0));
    cr_expect(eq(int, stored(message).looks, 2));
    expect_state(message, "uncertain");
    cr_assert(eq(int, IN_TX(message_send_again(tx, client, message, &err)), 1));
    cr_assert(eq(int, intend(message), 1));
    cr_expect(eq(int, stored(message).looks, 0), "a new attempt is looked for anew");
}

Test(delivery_store, the_answer_does_not_move_back_what_a_callback_moved_on)
{
    cr_assert(eq(int, intend(message), 1));
    cr_expect(eq(str, (char *)callback(message, "SM1", "delivered", 0), "changed"));
    cr_expect(eq(int, IN_TX(message_sent(tx, client, message, "SM1", &err)), 0));
    cr_expect(eq(int, IN_TX(message_doubt(tx, client, message, &err)), 0));
    cr_expect(eq(int, IN_TX(message_looked(tx, client, message, true, "", &err)), 0));
    cr_expect(eq(int, IN_TX(message_send_again(tx, client, message, &err)), 0));
    cr_expect(eq(int, IN_TX(message_take_back(tx, client, message, &err)), 0));
    expect_state(message, "delivered");
}

Test(delivery_store, one_sid_is_one_message)
{
    char other[UUID_SIZE];

    add_message(other, "queued");
    cr_assert(eq(int, IN_TX(message_sent(tx, client, message, "SM1", &err)), 1));
    cr_expect(eq(int, IN_TX(message_sent(tx, client, other, "SM1", &err)), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    expect_state(other, "queued");
}

Test(delivery_store, sids_of_other_messages_are_no_matches)
{
    struct twilio_matches matches = {.n = 3, .items = {{.sid = "SM1"}, {.sid = "SM2"}, {.sid = "SM3"}}};
    char other[UUID_SIZE];

    add_message(other, "queued");
    cr_assert(eq(int, IN_TX(message_sent(tx, client, other, "SM2", &err)), 1));
    cr_assert(eq(int, IN_TX(message_sent(tx, client, message, "SM3", &err)), 1));
    cr_assert(eq(int, IN_TX(message_keep_unclaimed(tx, client, message, arena, &matches, &err)), 0));
    cr_assert(eq(sz, matches.n, 2));
    cr_expect(eq(str, matches.items[0].sid, "SM1"));
    cr_expect(eq(str, matches.items[1].sid, "SM3"), "its own");
}

Test(delivery_store, a_refusal_is_kept_with_twilios_code)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(eq(int, intend(message), 1));
    cr_expect(eq(int, IN_TX(message_refuse(tx, client, message, 21211, "no such number", &err)), 1));
    cr_assert(db_run(admin, DB_EVERY_CLIENT, &rows, &err,
                     "SELECT m.state, m.error_code, m.error_text, l.opted_out_at IS NULL AS in FROM messages m"
                     " JOIN leads l USING (client_id, lead_id) WHERE m.client_id = $1 AND m.message_id = $2",
                     db_text(client), db_text(message)) == 1);
    cr_expect(eq(str, (char *)db_get(rows, 0, "state"), "failed"));
    cr_expect(eq(i64, db_get_int(rows, 0, "error_code"), 21211));
    cr_expect(eq(str, (char *)db_get(rows, 0, "error_text"), "no such number"));
    cr_expect(db_get_bool(rows, 0, "in"));
}

static bool lead_is_opted_out(void)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run(admin, DB_EVERY_CLIENT, &rows, &err,
                     "SELECT opted_out_at IS NOT NULL AS out FROM leads WHERE client_id = $1 AND lead_id = $2",
                     db_text(client), db_text(lead)) == 1);
    return db_get_bool(rows, 0, "out");
}

Test(delivery_store, twilios_opt_out_opts_the_lead_out)
{
    cr_assert(eq(int, intend(message), 1));
    cr_expect(eq(int, IN_TX(message_refuse(tx, client, message, TWILIO_OPTED_OUT, "stop", &err)), 1));
    cr_expect(lead_is_opted_out());
}

Test(delivery_store, an_opt_out_in_a_callback_opts_the_lead_out_too)
{
    cr_expect(eq(str, (char *)callback(message, "SM1", "failed", TWILIO_OPTED_OUT), "changed"));
    cr_expect(lead_is_opted_out());
}

Test(delivery_store, callbacks_only_move_forward)
{
    cr_assert(eq(int, IN_TX(message_sent(tx, client, message, "SM1", &err)), 1));
    cr_expect(eq(str, (char *)callback(message, "SM1", "queued", 0), "unchanged"));
    cr_expect(eq(str, (char *)callback(message, "SM1", "delivered", 0), "changed"));
    cr_expect(eq(str, (char *)callback(message, "SM1", "sent", 0), "unchanged"));
    cr_expect(eq(str, (char *)callback(message, "SM1", "delivered", 0), "unchanged"));
    expect_state(message, "delivered");
    cr_expect(eq(str, (char *)callback(message, "SM1", "read", 0), "changed"));
    cr_expect(eq(str, (char *)callback(message, "SM1", "delivered", 0), "unchanged"));
    expect_state(message, "read");
}

Test(delivery_store, a_callback_settles_what_was_uncertain)
{
    cr_assert(eq(int, intend(message), 1));
    cr_assert(eq(int, IN_TX(message_doubt(tx, client, message, &err)), 1));
    cr_expect(eq(str, (char *)callback(message, "SM1", "queued", 0), "changed"));
    expect_state(message, "sent");
    cr_expect(eq(str, (char *)stored(message).provider_sid, "SM1"));
}

Test(delivery_store, a_callback_stops_the_second_send)
{
    cr_assert(eq(int, intend(message), 1));
    cr_assert(eq(int, IN_TX(message_send_again(tx, client, message, &err)), 1));
    cr_expect(eq(str, (char *)callback(message, "SM1", "sent", 0), "changed"));
    cr_expect(eq(int, intend(message), 0));
    expect_state(message, "sent");
}

Test(delivery_store, callbacks_for_nothing_of_ours_change_nothing)
{
    char unknown[UUID_SIZE];

    uuid_new(unknown);
    cr_expect(eq(str, (char *)callback(unknown, "SM1", "sent", 0), "unknown"));
    cr_expect(eq(str, (char *)callback(message, "SM1", "whatever", 0), "ignored"));
    cr_expect(eq(str, (char *)callback(message, NULL, NULL, 0), "ignored"));
    expect_state(message, "queued");
}

Test(delivery_store, another_clients_message_is_not_there)
{
    char other[UUID_SIZE];
    AUTO(db_rollback) struct db_tx *tx = NULL;

    uuid_new(other);
    tx = db_begin(delivery, other, &err);
    cr_expect(eq(int, message_sent(tx, client, message, "SM1", &err), 0), "row-level security");
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM messages WHERE message_id = $1", db_text(message)), 0));
}

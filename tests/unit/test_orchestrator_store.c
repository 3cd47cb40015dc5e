/* The orchestrator's requests and its turn against a database, with the rights that its role has. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static struct db_pool *admin, *pool;
static struct arena *arena;
static struct err err;
static struct config config;
static struct worker worker;
static char client[UUID_SIZE], lead[UUID_SIZE], conversation[UUID_SIZE], task_id[UUID_SIZE];
static int phone = 1000000;

/* Runs a request handler as the service does. client_id NULL: an administrator. */
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

static struct client create(const char *config_json)
{
    struct client made = {0};

    cr_assert_eq(ask(on_create_client, NULL, &(struct create_client){.name = "Acme", .config = config_json}, &made), 0,
                 "%s", err.text);
    return made;
}

static const char *new_number(void)
{
    return arena_printf(arena, "+1555%d", phone++);
}

static struct db_result *query(const char *sql, const char *argument)
{
    struct db_result *rows = NULL;

    cr_assert(db_run(admin, DB_EVERY_CLIENT, &rows, &err, sql, db_text(argument)) >= 0, "%s", err.text);
    return rows;
}

static const char *one(const char *sql, const char *argument)
{
    AUTO(db_result_free) struct db_result *rows = query(sql, argument);

    return db_result_count(rows) > 0 ? arena_strdup(arena, db_get(rows, 0, "v")) : NULL;
}

static void lead_writes(const char *body)
{
    char id[UUID_SIZE];

    uuid_new(id);
    cr_assert(
        db_run(admin, DB_EVERY_CLIENT, NULL, &err,
               "INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
               "                      from_address, to_address, body, state)"
               " VALUES ($1, $2, $3, $4, 'in', 'lead', 'sms', '+15550001111', '+15550002222', $5, 'received')",
               db_text(client), db_text(id), db_text(conversation), db_text(lead), db_text(body)) == 1,
        "%s", err.text);
}

static void set_up(void)
{
    const char *url = testdb_url();

    arena = arena_new(16 << 20);
    admin = db_pool_new(url, NULL, 2, &err);
    pool = db_pool_new(url, "leadwire_orchestrator", 3, &err);
    cr_assert(arena && admin && pool);
    config = (struct config){.master_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                             .agent_patience_s = 20,
                             .history_tokens = 12000};
    worker = (struct worker){.config = &config, .db = pool};
    snprintf(client, sizeof client, "%s", create("{}").client_id);
    uuid_new(lead);
    uuid_new(conversation);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, '+15550001111')", db_text(client),
                     db_text(lead)) == 1);
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address,"
                     " our_address) VALUES ($1, $2, $3, 'sms', '+15550001111', '+15550002222')",
                     db_text(client), db_text(conversation), db_text(lead)) == 1);
}

static void tear_down(void)
{
    db_pool_destroy(&pool);
    db_pool_destroy(&admin);
    arena_destroy(&arena);
}

TestSuite(orchestrator_store, .init = set_up, .fini = tear_down, .timeout = 60);

Test(orchestrator_store, a_client_is_created_shown_and_changed)
{
    struct client made = create("{\"greeting\":\"Hi\",\"calcom_api_key\":\"cal_secret\"}"), changed = {0};

    cr_expect_str_eq(made.timezone, "UTC");
    cr_expect_eq(made.config_version, 1);
    cr_expect_not(strstr(made.config, "cal_secret"));
    cr_expect(strstr(made.config, "********"));
    cr_expect_not(
        strstr(one("SELECT config::text AS v FROM clients WHERE client_id = $1", made.client_id), "cal_secret"));
    cr_assert_eq(ask(on_update_client, NULL,
                     &(struct update_client){.client_id = made.client_id, .timezone = "America/New_York"}, &changed),
                 0, "%s", err.text);
    cr_expect_str_eq(changed.timezone, "America/New_York");
    cr_expect_str_eq(changed.name, "Acme");
    cr_assert_eq(ask(on_update_client_config, made.client_id,
                     &(struct update_client_config){.client_id = made.client_id, .config = "{\"greeting\":null}"},
                     &changed),
                 0, "%s", err.text);
    cr_expect_eq(changed.config_version, 2);
    cr_expect_not(strstr(changed.config, "greeting"));
    cr_expect(strstr(changed.config, "********"));
}

Test(orchestrator_store, an_unknown_time_zone_is_refused)
{
    struct client made = {0};

    cr_expect_eq(ask(on_create_client, NULL, &(struct create_client){.name = "A", .timezone = "Mars/Olympus"}, &made),
                 -1);
    cr_expect_str_eq(err.field, "timezone");
    cr_expect_eq(ask(on_update_client, NULL, &(struct update_client){.client_id = client, .timezone = "utc+25"}, &made),
                 -1);
    cr_expect_eq(err.kind, ERR_INVALID);
}

Test(orchestrator_store, a_clients_key_sees_no_other_client_and_creates_none)
{
    struct client other = create("{}"), got = {0};
    struct client_page page = {0};

    cr_expect_eq(ask(on_get_client, client, &(struct get_client){.client_id = other.client_id}, &got), -1);
    cr_expect_eq(err.kind, ERR_NOT_FOUND);
    cr_expect_eq(ask(on_update_client, client, &(struct update_client){.client_id = other.client_id, .name = "x"},
                     &got),
                 -1);
    cr_expect_eq(err.kind, ERR_NOT_FOUND);
    cr_assert_eq(ask(on_list_clients, client, &(struct list_clients){.limit = 50}, &page), 0);
    cr_assert_eq(page.n_items, 1);
    cr_expect_str_eq(page.items[0].client_id, client);
    cr_expect_eq(ask(on_create_client, client, &(struct create_client){.name = "mine"}, &got), -1);
    cr_expect_eq(err.kind, ERR_DENIED);
}

Test(orchestrator_store, a_number_belongs_to_one_client)
{
    const char *number = new_number();
    const char *patch = arena_printf(arena, "{\"twilio_phone_number\":\"%s\"}", number);
    struct client owner = create(patch), got = {0};

    cr_expect_eq(ask(on_update_client_config, NULL,
                     &(struct update_client_config){.client_id = client, .config = patch}, &got),
                 -1);
    cr_expect_eq(err.kind, ERR_CONFLICT);
    cr_expect_str_eq(err.field, "twilio_phone_number");
    cr_expect_eq(ask(on_create_client, NULL, &(struct create_client){.name = "B", .config = patch}, &got), -1);
    cr_expect_eq(err.kind, ERR_CONFLICT);

    /* Let go of, it is free for another. */
    cr_assert_eq(ask(on_update_client_config, NULL,
                     &(struct update_client_config){.client_id = owner.client_id,
                                                    .config = "{\"twilio_phone_number\":null}"},
                     &got),
                 0, "%s", err.text);
    cr_expect_eq(ask(on_update_client_config, NULL,
                     &(struct update_client_config){.client_id = client, .config = patch}, &got),
                 0, "%s", err.text);
    cr_expect_str_eq(one("SELECT client_id AS v FROM client_numbers WHERE number = $1", number), client);
}

Test(orchestrator_store, all_numbers_of_a_client_are_its_own_with_the_account_that_they_are_in)
{
    const char *a = new_number(), *b = new_number(), *c = new_number(), *w = new_number();
    struct client owner = create(arena_printf(arena,
                                              "{\"twilio_phone_number\":\"%s\",\"twilio_phone_numbers\":[\"%s\"],"
                                              "\"twilio_whatsapp_number\":\"%s\","
                                              "\"twilio_account_sid\":\"AC0123456789abcdef0123456789abcdef\","
                                              "\"twilio_auth_token\":\"secret\"}",
                                              a, b, w)),
                  got = {0};
    const char *numbers = "SELECT string_agg(channel || number || coalesce(account_sid, '-'), ' ' ORDER BY number) AS v"
                          "  FROM client_numbers WHERE client_id = $1";
    const char *sid = "AC0123456789abcdef0123456789abcdef";

    cr_expect_str_eq(one(numbers, owner.client_id),
                     arena_printf(arena, "sms%s%s sms%s%s whatsapp%s%s", a, sid, b, sid, w, sid));

    /* Another's number is refused under the key that it stands in, and nothing of the change is kept. */
    cr_expect_eq(ask(on_update_client_config, client,
                     &(struct update_client_config){
                         .client_id = client,
                         .config = arena_printf(arena, "{\"twilio_phone_numbers\":[\"%s\",\"%s\"]}", c, b)},
                     &got),
                 -1);
    cr_expect_eq(err.kind, ERR_CONFLICT);
    cr_expect_str_eq(err.field, "twilio_phone_numbers");
    cr_expect(strstr(err.text, b), "%s", err.text);
    cr_expect_eq(one(numbers, client), NULL);

    /* Numbers go and come, and change the account. */
    cr_assert_eq(ask(on_update_client_config, owner.client_id,
                     &(struct update_client_config){
                         .client_id = owner.client_id,
                         .config = arena_printf(arena,
                                                "{\"twilio_phone_numbers\":[\"%s\"],\"twilio_whatsapp_number\":null,"
                                                "\"twilio_account_sid\":null,\"twilio_auth_token\":null}",
                                                c)},
                     &got),
                 0, "%s", err.text);
    cr_expect_str_eq(one(numbers, owner.client_id), arena_printf(arena, "sms%s- sms%s-", a, c));
}

Test(orchestrator_store, what_sends_reads_a_changed_configuration_again)
{
    const char *number = new_number();
    struct client got = {0};
    const char *account = arena_printf(arena, "twilio:%s", client);

    cr_assert_eq(db_run(admin, NULL, NULL, &err,
                        "INSERT INTO task_lanes (lane, role, client_id, account, class)"
                        " VALUES ('sms:' || $1, 'delivery', $2, 'twilio', 'long_code'),"
                        "        ('sms:MG' || $2, 'delivery', $2, 'twilio', 'service')",
                        db_text(number), db_text(client)),
                 2, "%s", err.text);
    cr_assert_eq(db_run(admin, NULL, NULL, &err, "INSERT INTO provider_accounts (account, client_id) VALUES ($1, $2)",
                        db_text(account), db_text(client)),
                 1, "%s", err.text);

    cr_assert_eq(ask(on_update_client_config, NULL,
                     &(struct update_client_config){.client_id = client, .config = "{\"greeting\":\"Hi\"}"}, &got),
                 0, "%s", err.text);
    cr_expect_str_eq(one("SELECT count(*) AS v FROM task_lanes WHERE client_id = $1 AND stale", client), "0");
    cr_assert_eq(
        ask(on_update_client_config, NULL,
            &(struct update_client_config){.client_id = client, .config = "{\"twilio_messages_per_second\":5}"}, &got),
        0, "%s", err.text);
    cr_expect_str_eq(one("SELECT count(*) AS v FROM task_lanes WHERE client_id = $1 AND stale", client), "2");
    cr_expect_str_eq(one("SELECT count(*) AS v FROM provider_accounts WHERE account = $1", account), "1");
    cr_assert_eq(
        ask(on_update_client_config, NULL,
            &(struct update_client_config){.client_id = client,
                                           .config = "{\"twilio_account_sid\":\"AC0123456789abcdef0123456789abcdef\","
                                                     "\"twilio_auth_token\":\"right\"}"},
            &got),
        0, "%s", err.text);
    cr_expect_str_eq(one("SELECT count(*) AS v FROM provider_accounts WHERE account = $1", account), "0");

    /* A number that comes from another client is that client's lane no more. */
    cr_assert_eq(db_run(admin, NULL, NULL, &err, "UPDATE task_lanes SET stale = false WHERE client_id = $1",
                        db_text(client)),
                 2);
    create(arena_printf(arena, "{\"twilio_phone_number\":\"%s\"}", number));
    cr_expect_str_eq(one("SELECT stale::text AS v FROM task_lanes WHERE lane = 'sms:' || $1", number), "true");
}

Test(orchestrator_store, pages_of_clients_follow_each_other_without_gap_or_repeat)
{
    const char *after = client; /* behind what other tests left */
    size_t n = 0;

    for (int i = 0; i < 5; i++)
        create("{}");
    for (;;) {
        struct client_page page = {0};

        cr_assert_eq(ask(on_list_clients, NULL, &(struct list_clients){.limit = 2, .after = after}, &page), 0);
        for (size_t i = 0; i < page.n_items; i++)
            cr_expect_gt(strcmp(page.items[i].client_id, i ? page.items[i - 1].client_id : after), 0);
        n += page.n_items;
        if (!(after = page.next_after))
            break;
    }
    cr_expect_geq(n, 5);
    cr_expect_eq(ask(on_list_clients, NULL, &(struct list_clients){.limit = 2, .after = "x"}, &(struct client_page){0}),
                 -1);
    cr_expect_str_eq(err.field, "after");
}

Test(orchestrator_store, conversations_and_messages_are_listed_in_pages_and_only_to_their_client)
{
    struct conversation_page conversations = {0};
    struct message_page page = {0}, rest = {0};
    struct conversation got = {0};
    struct message message = {0};
    struct client other = create("{}");

    lead_writes("one");
    lead_writes("two");
    lead_writes("three");
    cr_assert_eq(ask(on_list_conversations, NULL, &(struct list_conversations){.client_id = client, .limit = 1},
                     &conversations),
                 0, "%s", err.text);
    cr_assert_eq(conversations.n_items, 1);
    cr_expect_str_eq(conversations.items[0].score, "COLD");
    cr_expect_null(conversations.next_after);
    cr_assert_eq(ask(on_list_messages, client, &(struct list_messages){.conversation_id = conversation, .limit = 2},
                     &page),
                 0, "%s", err.text);
    cr_assert_eq(page.n_items, 2);
    cr_expect_str_eq(page.items[0].body, "one");
    cr_assert(page.next_after);
    cr_assert_eq(ask(on_list_messages, client,
                     &(struct list_messages){.conversation_id = conversation, .limit = 2, .after = page.next_after},
                     &rest),
                 0);
    cr_assert_eq(rest.n_items, 1);
    cr_expect_str_eq(rest.items[0].body, "three");
    cr_expect_null(rest.next_after);
    cr_assert_eq(ask(on_get_message, client, &(struct get_message){.message_id = page.items[1].message_id}, &message),
                 0);
    cr_expect_str_eq(message.body, "two");

    cr_expect_eq(ask(on_get_conversation, other.client_id, &(struct get_conversation){.conversation_id = conversation},
                     &got),
                 -1);
    cr_expect_eq(err.kind, ERR_NOT_FOUND);
    cr_expect_eq(ask(on_get_message, other.client_id, &(struct get_message){.message_id = page.items[1].message_id},
                     &message),
                 -1);
    cr_expect_eq(err.kind, ERR_NOT_FOUND);
    cr_expect_eq(ask(on_list_messages, other.client_id,
                     &(struct list_messages){.conversation_id = conversation, .limit = 2}, &rest),
                 -1);
    cr_expect_eq(ask(on_list_messages, client,
                     &(struct list_messages){.conversation_id = conversation, .limit = 2, .after = "-1"}, &rest),
                 -1);
    cr_expect_eq(ask(on_list_conversations, NULL, &(struct list_conversations){.limit = 1, .after = "1.x"},
                     &conversations),
                 -1);
    cr_expect_str_eq(err.field, "after");
}

Test(orchestrator_store, pages_of_conversations_go_from_the_last_changed_to_the_first)
{
    const char *after = NULL;
    int n = 0;

    for (int i = 0; i < 4; i++) {
        char other_lead[UUID_SIZE], id[UUID_SIZE];

        uuid_new(other_lead);
        uuid_new(id);
        db_run(admin, DB_EVERY_CLIENT, NULL, &err, "INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, $3)",
               db_text(client), db_text(other_lead), db_text(new_number()));
        cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                         "INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address,"
                         " our_address) VALUES ($1, $2, $3, 'sms', '+15550001112', '+15550002222')",
                         db_text(client), db_text(id), db_text(other_lead)) == 1);
    }
    do {
        struct conversation_page page = {0};

        cr_assert_eq(ask(on_list_conversations, client,
                         &(struct list_conversations){.client_id = client, .limit = 2, .after = after}, &page),
                     0, "%s", err.text);
        n += (int)page.n_items;
        after = page.next_after;
    } while (after && n < 20);
    cr_expect_eq(n, 5);
}

/* ---- the turn ---- */

static struct task claim(void)
{
    struct task task = {0};
    char instance[UUID_SIZE];
    struct task_ref ref;
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, client, &err);

    cr_assert_geq(task_insert(tx, NULL,
                              &(struct task_spec){.kind = TASK_process_ai_response,
                                                  .client_id = client,
                                                  .trace_id = "trace-1",
                                                  .payload = &(struct process_ai_response){conversation},
                                                  .serial_key = conversation},
                              task_id, &err),
                  0, "%s", err.text);
    cr_assert_eq(db_commit(&tx, &err), 0);
    uuid_new(instance);
    ref = (struct task_ref){.client_id = client, .task_id = task_id};
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                     "INSERT INTO mailboxes (instance, role, mailbox, events) VALUES ($1, 'orchestrator', '', '')",
                     db_text(instance)) == 1);
    cr_assert_eq(tasks_claim(pool, instance, "orchestrator", &ref, 1, &task, &err), 1, "%s", err.text);
    return task;
}

static long count(const char *sql)
{
    return strtol(one(sql, conversation), NULL, 10);
}

#define REPLIES "SELECT count(*) AS v FROM messages WHERE conversation_id = $1 AND direction = 'out'"

/* A text that arrives while another is being answered: it has a task of its own, which waits. */
static void lead_writes_more(const char *body)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;

    lead_writes(body);
    tx = db_begin(pool, client, &err);
    cr_assert_eq(task_insert(tx, NULL,
                             &(struct task_spec){.kind = TASK_process_ai_response,
                                                 .client_id = client,
                                                 .payload = &(struct process_ai_response){conversation},
                                                 .serial_key = conversation},
                             NULL, &err),
                 1, "%s", err.text);
    cr_assert_eq(db_commit(&tx, &err), 0);
}

Test(orchestrator_store, a_turn_that_a_further_text_overtakes_leaves_the_answer_to_the_next)
{
    struct task task;

    lead_writes("I need a new boiler.");
    task = claim();
    lead_writes_more("Can you come tomorrow?");
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect_not(task.settled, "it ends as one that had nothing to do");
    cr_expect_eq(count(REPLIES), 0);
    cr_expect_eq(count("SELECT answered_seq AS v FROM conversations WHERE conversation_id = $1"), 0);
    task_release(&task);

    cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err, "DELETE FROM tasks WHERE client_id = $1", db_text(client)),
                 2);
    task = claim();
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect_eq(count(REPLIES), 1);
    cr_expect_str_eq(one("SELECT jsonb_array_length(record::jsonb #> '{input,unanswered}') AS v FROM turns"
                         " WHERE conversation_id = $1",
                         conversation),
                     "2");
    task_release(&task);
}

Test(orchestrator_store, after_four_seconds_no_further_text_overtakes_a_turn)
{
    struct task task;

    lead_writes("I need a new boiler.");
    cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                        "UPDATE messages SET created_at = now() - interval '4 seconds' WHERE client_id = $1",
                        db_text(client)),
                 1);
    task = claim();
    lead_writes_more("Can you come tomorrow?");
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect(task.settled);
    cr_expect_eq(count(REPLIES), 1);
    task_release(&task);
}

Test(orchestrator_store, a_turn_commits_reply_lead_record_and_the_task_that_sends)
{
    struct task task;

    lead_writes("Hi, I need a new boiler asap");
    lead_writes("it is an emergency!");
    task = claim();
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect(task.settled);
    cr_expect_eq(count(REPLIES), 1);
    cr_expect_str_eq(one("SELECT score AS v FROM leads l JOIN conversations c USING (client_id, lead_id)"
                         " WHERE conversation_id = $1 AND hot_at IS NOT NULL",
                         conversation),
                     "HOT");
    cr_expect_str_eq(one("SELECT m.state || ' ' || m.from_address || ' ' || m.to_address || ' ' || m.epoch || ' '"
                         "       || m.trace_id AS v"
                         "  FROM messages m JOIN turns t USING (client_id, turn_id)"
                         " WHERE m.conversation_id = $1 AND direction = 'out'",
                         conversation),
                     "queued +15550002222 +15550001111 1 trace-1");
    cr_expect_eq(count("SELECT count(*) AS v FROM tasks t JOIN task_payloads p USING (client_id, task_id)"
                       "  JOIN messages m ON m.message_id = (p.payload->>'message_id')::uuid"
                       " WHERE kind = 'send_message_sms' AND m.conversation_id = $1::uuid AND t.state = 'ready'"
                       "   AND serial_key = 'send:' || $1::text"),
                 1, "the send");
    cr_expect_eq(count("SELECT count(*) AS v FROM conversations c WHERE conversation_id = $1 AND answered_seq ="
                       " (SELECT max(seq) FROM messages m WHERE m.conversation_id = c.conversation_id"
                       "     AND direction = 'in')"),
                 1);
    cr_expect_str_eq(one("SELECT (record->'input'->'unanswered'->1->>'body') || ' '"
                         "       || (record->'input'->>'search_error') || ' ' || (record->'output'->>'agent')"
                         "       || ' ' || (record->'times_us'->>'agent' IS NOT NULL) AS v"
                         "  FROM turns WHERE conversation_id = $1",
                         conversation),
                     "it is an emergency! there is no bus scripted true");
    task_release(&task);
}

Test(orchestrator_store, what_has_been_answered_is_not_answered_again)
{
    struct task task;

    lead_writes("Hello");
    task = claim();
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    task_release(&task);
    task = claim();
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect_eq(count(REPLIES), 1);
    task_release(&task);
}

Test(orchestrator_store, what_the_lead_never_got_is_no_part_of_the_conversation)
{
    static const char *const states[] = {"failed", "undelivered", "dropped", "uncertain"};

    for (size_t i = 0; i < 4; i++) {
        struct task task;

        lead_writes("Hello");
        task = claim();
        cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
        task_release(&task);
        cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err,
                            "UPDATE messages SET state = $2 WHERE conversation_id = $1 AND state = 'queued'",
                            db_text(conversation), db_text(states[i])),
                     1);
    }
    lead_writes("Hello?");
    struct task task = claim();
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect_str_eq(one("SELECT string_agg(h->>'author', ' ') AS v FROM (SELECT record FROM turns"
                         "  WHERE conversation_id = $1 ORDER BY created_at DESC LIMIT 1) t,"
                         " json_array_elements(record->'input'->'history') AS h",
                         conversation),
                     "lead lead lead lead agent");
    task_release(&task);
}

Test(orchestrator_store, an_attempt_that_is_no_longer_ours_leaves_nothing)
{
    struct task task;

    lead_writes("Hello");
    task = claim();
    task.token--;
    cr_expect_eq(process_ai_response(&worker, &task, &err), -1);
    cr_expect_eq(err.kind, ERR_CONFLICT);
    cr_expect_eq(count(REPLIES), 0);
    cr_expect_eq(count("SELECT count(*) AS v FROM turns WHERE conversation_id = $1"), 0);
    task_release(&task);
}

Test(orchestrator_store, a_lead_that_has_opted_out_is_not_answered)
{
    struct task task;

    lead_writes("hello?");
    cr_assert_eq(db_run(admin, DB_EVERY_CLIENT, NULL, &err, "UPDATE leads SET opted_out_at = now() WHERE lead_id = $1",
                        db_text(lead)),
                 1, "%s", err.text);
    task = claim();
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect_eq(count(REPLIES), 0);
    task_release(&task);
}

Test(orchestrator_store, a_lead_that_has_taken_its_opting_out_back_is_answered)
{
    struct task task;

    lead_writes("Please don't text me again");
    lead_writes("START");
    lead_writes("Hello");
    task = claim();
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect_eq(count(REPLIES), 1);
    task_release(&task);
}

struct answering {
    pthread_t thread;
    struct task *task;
    struct err why;
    int rc;
    atomic_bool done;
};

static void *answer(void *arg)
{
    struct answering *self = arg;

    self->rc = process_ai_response(&worker, self->task, &self->why);
    self->done = true;
    return NULL;
}

/* The gateway locks the lead and then the conversation. */
Test(orchestrator_store, a_stop_while_an_answer_is_committed_wins_without_a_deadlock)
{
    struct answering answering = {0};
    struct db_tx *stop;
    struct task task;

    lead_writes("Hello");
    task = claim();
    answering.task = &task;
    stop = db_begin(admin, DB_EVERY_CLIENT, &err);
    cr_assert(stop && db_query(stop, NULL, &err, "UPDATE leads SET opted_out_at = now() WHERE lead_id = $1",
                               db_text(lead)) == 1);
    cr_assert_eq(pthread_create(&answering.thread, NULL, answer, &answering), 0);
    while (!answering.done && count("SELECT count(*) AS v FROM pg_stat_activity WHERE datname = current_database()"
                                    "   AND wait_event_type = 'Lock' AND $1 <> ''") == 0)
        usleep(10000);
    cr_assert_eq(db_query(stop, NULL, &err,
                          "UPDATE conversations SET answered_seq ="
                          "       (SELECT max(seq) + 1 FROM messages WHERE conversation_id = $1::uuid)"
                          " WHERE conversation_id = $1::uuid",
                          db_text(conversation)),
                 1, "%s", err.text);
    cr_assert_eq(db_commit(&stop, &err), 0, "%s", err.text);
    pthread_join(answering.thread, NULL);
    cr_expect_eq(answering.rc, 0, "%s", answering.why.text);
    cr_expect_eq(count(REPLIES), 0);
    cr_expect_eq(count("SELECT count(*) AS v FROM turns WHERE conversation_id = $1"), 0);
    task_release(&task);
}

Test(orchestrator_store, a_conversation_that_a_person_has_taken_over_stays_silent)
{
    struct task task;

    lead_writes("Hello");
    db_run(admin, DB_EVERY_CLIENT, NULL, &err,
           "UPDATE conversations SET state = 'taken_over' WHERE conversation_id = $1", db_text(conversation));
    task = claim();
    cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
    cr_expect_eq(count(REPLIES), 0);
    task_release(&task);
}

Test(orchestrator_store, two_misses_escalate_and_an_escalated_conversation_does_not_escalate_again)
{
    static const char *const questions[] = {"Do you service boats?", "What about trains?", "And planes?"};

    for (int i = 0; i < 3; i++) {
        struct task task;

        lead_writes(questions[i]);
        task = claim();
        cr_assert_eq(process_ai_response(&worker, &task, &err), 0, "%s", err.text);
        cr_expect_str_eq(one("SELECT state AS v FROM conversations WHERE conversation_id = $1", conversation),
                         i == 0 ? "open" : "escalated");
        task_release(&task);
    }
    cr_expect_eq(count(REPLIES), 3);
    cr_expect_eq(count("SELECT count(*) AS v FROM turns WHERE conversation_id = $1 AND record->'output'->>'escalate' ="
                       " 'true'"),
                 1);
}

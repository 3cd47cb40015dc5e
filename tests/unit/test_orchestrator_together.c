/* Turns that are decided at the same time, against a database, with the rights that the orchestrator's role has. */
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

#define TURNS 6

/* One lead with a text that is not answered yet, and the task that is to answer it. */
struct answering {
    pthread_t thread;
    char client[UUID_SIZE], lead[UUID_SIZE], conversation[UUID_SIZE];
    struct task task;
    struct err why;
    int rc;
};

static struct db_pool *admin, *pool;
static struct arena *arena;
static struct err err;
static struct config config;
static struct worker worker;
static char clients[2][UUID_SIZE], instance[UUID_SIZE];
static struct answering answerings[TURNS];

static void change(const char *sql, const char *a, const char *b, const char *c, const char *d)
{
    cr_assert(db_run(admin, DB_EVERY_CLIENT, NULL, &err, sql, db_text(a), db_text(b), db_text(c), db_text(d)) == 1,
              "%s", err.text);
}

static const char *one(const char *sql, const char *argument)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    cr_assert(db_run(admin, DB_EVERY_CLIENT, &rows, &err, sql, db_text(argument)) == 1, "%s", err.text);
    return arena_strdup(arena, db_get(rows, 0, "v"));
}

static void claim(struct answering *self, const char *serial_key)
{
    char task_id[UUID_SIZE];
    struct task_ref ref = {.client_id = self->client, .task_id = task_id};
    struct db_tx *tx = db_begin(pool, self->client, &err);

    cr_assert_eq(task_insert(tx, NULL,
                             &(struct task_spec){.kind = TASK_process_ai_response,
                                                 .client_id = self->client,
                                                 .trace_id = "trace-1",
                                                 .payload = &(struct process_ai_response){self->conversation},
                                                 .serial_key = serial_key},
                             task_id, &err),
                 1, "%s", err.text);
    cr_assert_eq(db_commit(&tx, &err), 0);
    cr_assert_eq(tasks_claim(pool, instance, "orchestrator", &ref, 1, &self->task, &err), 1, "%s", err.text);
}

static void lead_writes(struct answering *self, int i)
{
    const char *number = arena_printf(arena, "+1555000%04d", i);
    char id[UUID_SIZE];

    memcpy(self->client, clients[i % 2], UUID_SIZE);
    uuid_new(self->lead);
    uuid_new(self->conversation);
    uuid_new(id);
    change("INSERT INTO leads (client_id, lead_id, phone, name) VALUES ($1, $2, $3, $4)", self->client, self->lead,
           number, NULL);
    change("INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)"
           "VALUES ($1, $2, $3, 'sms', $4, '+15550002222')",
           self->client, self->conversation, self->lead, number);
    change("INSERT INTO messages (client_id, message_id, conversation_id, lead_id, direction, author, channel,"
           "                      from_address, to_address, body, state)"
           " SELECT c.client_id, $2::uuid, c.conversation_id, c.lead_id, 'in', 'lead', 'sms', c.lead_address, "
           "c.our_address,"
           "        $3, 'received'"
           "   FROM conversations c WHERE c.conversation_id = $1::uuid AND $4::text IS NULL",
           self->conversation, id, arena_printf(arena, "Hello, this is about house %d", i), NULL);
}

static void set_up(void)
{
    const char *url = testdb_url();

    arena = arena_new(16 << 20);
    admin = db_pool_new(url, NULL, 3, &err);
    pool = db_pool_new(url, "leadwire_orchestrator", TURNS + 2, &err);
    cr_assert(arena && admin && pool);
    config = (struct config){.master_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                             .agent_patience_s = 20,
                             .history_tokens = 12000};
    worker = (struct worker){.config = &config, .db = pool};
    uuid_new(instance);
    change("INSERT INTO mailboxes (instance, role, mailbox, events) VALUES ($1, $2, $3, $4)", instance, "orchestrator",
           "", "");
    for (int i = 0; i < 2; i++) {
        uuid_new(clients[i]);
        change("INSERT INTO clients (client_id, name, timezone, config) VALUES ($1, $2, $3, $4::jsonb)", clients[i],
               "Acme", "UTC", "{}");
    }
    for (int i = 0; i < TURNS; i++) {
        answerings[i] = (struct answering){0};
        lead_writes(&answerings[i], i);
        claim(&answerings[i], answerings[i].conversation);
    }
}

static void tear_down(void)
{
    for (int i = 0; i < TURNS; i++)
        task_release(&answerings[i].task);
    db_pool_destroy(&pool);
    db_pool_destroy(&admin);
    arena_destroy(&arena);
}

static void *answer(void *arg)
{
    struct answering *self = arg;

    self->rc = process_ai_response(&worker, &self->task, &self->why);
    return NULL;
}

static void begin(struct answering *self)
{
    cr_assert_eq(pthread_create(&self->thread, NULL, answer, self), 0);
}

/* The first of them is stored, and waits; what comes meanwhile is stored together. */
static void answer_together(struct answering *first, struct answering *others, size_t n_others)
{
    struct db_tx *hold = db_begin(admin, DB_EVERY_CLIENT, &err);

    cr_assert(hold && db_query(hold, NULL, &err, "LOCK TABLE task_dedupe IN EXCLUSIVE MODE") >= 0, "%s", err.text);
    begin(first);
    while (strcmp(one("SELECT count(*) AS v FROM pg_stat_activity WHERE datname = current_database()"
                      "   AND wait_event_type = 'Lock' AND $1 <> ''",
                      "-"),
                  "0") == 0)
        usleep(10000);
    for (size_t i = 0; i < n_others; i++)
        begin(&others[i]);
    usleep(200000); /* should they come too late, they are stored one after another: with the same result */
    cr_assert_eq(db_commit(&hold, &err), 0, "%s", err.text);
    pthread_join(first->thread, NULL);
    for (size_t i = 0; i < n_others; i++)
        pthread_join(others[i].thread, NULL);
}

static void expect_answered_once(const struct answering *self)
{
    cr_expect_eq(self->rc, 0, "%s", self->why.text);
    cr_expect(self->task.settled);
    cr_expect_str_eq(one("SELECT count(*) || ' ' || min(m.state || ' ' || m.author || ' ' || m.trace_id) || ' '"
                         "       || bool_and(m.to_address = c.lead_address AND m.lead_id = c.lead_id"
                         "                   AND t.record->'input'->'unanswered'->0->>'body'"
                         "                       = (SELECT i.body FROM messages i WHERE i.direction = 'in'"
                         "                             AND i.conversation_id = c.conversation_id)) AS v"
                         "  FROM messages m JOIN conversations c USING (client_id, conversation_id)"
                         "  JOIN turns t USING (client_id, conversation_id, turn_id)"
                         " WHERE c.conversation_id = $1 AND m.direction = 'out'",
                         self->conversation),
                     "1 queued agent trace-1 true");
    cr_expect_str_eq(one("SELECT count(*) || ' ' || min(t.client_id::text) AS v FROM tasks t"
                         "  JOIN task_payloads p USING (client_id, task_id)"
                         "  JOIN task_dedupe d USING (client_id, task_id)"
                         "  JOIN messages m ON m.client_id = t.client_id"
                         "                 AND m.message_id = (p.payload->>'message_id')::uuid"
                         " WHERE m.conversation_id = $1::uuid AND t.kind = 'send_message_sms' AND t.state = 'ready'"
                         "   AND t.serial_key = 'send:' || $1::text AND t.lane = 'sms:+15550002222'"
                         "   AND d.dedupe_key = 'send:' || m.message_id",
                         self->conversation),
                     arena_printf(arena, "1 %s", self->client));
    cr_expect_str_eq(one("SELECT count(*) AS v FROM finished_tasks WHERE task_id = $1", self->task.task_id), "1");
    cr_expect_str_eq(one("SELECT count(*) AS v FROM tasks WHERE task_id = $1", self->task.task_id), "0");
    cr_expect_str_eq(one("SELECT answered_seq = (SELECT max(seq) FROM messages m WHERE m.direction = 'in'"
                         "                          AND m.conversation_id = c.conversation_id) AS v"
                         "  FROM conversations c WHERE conversation_id = $1",
                         self->conversation),
                     "t");
}

TestSuite(orchestrator_together, .init = set_up, .fini = tear_down, .timeout = 60);

Test(orchestrator_together, turns_of_several_clients_are_stored_each_as_its_own)
{
    answer_together(&answerings[0], &answerings[1], TURNS - 1);
    for (int i = 0; i < TURNS; i++)
        expect_answered_once(&answerings[i]);
}

Test(orchestrator_together, one_that_was_overtaken_leaves_the_others_alone)
{
    answerings[2].task.token--;
    answer_together(&answerings[0], &answerings[1], TURNS - 1);
    cr_expect_eq(answerings[2].rc, -1);
    cr_expect_eq(answerings[2].why.kind, ERR_CONFLICT);
    cr_expect_str_eq(one("SELECT count(*) AS v FROM turns WHERE conversation_id = $1", answerings[2].conversation),
                     "0");
    cr_expect_str_eq(one("SELECT answered_seq AS v FROM conversations WHERE conversation_id = $1",
                         answerings[2].conversation),
                     "0");
    for (int i = 0; i < TURNS; i++)
        if (i != 2)
            expect_answered_once(&answerings[i]);
}

Test(orchestrator_together, two_turns_of_one_conversation_give_one_answer)
{
    struct answering *one_of_two = &answerings[1], *other = &answerings[2];

    task_release(&other->task);
    memcpy(other->client, one_of_two->client, UUID_SIZE);
    memcpy(other->conversation, one_of_two->conversation, UUID_SIZE);
    claim(other, NULL);
    answer_together(&answerings[0], &answerings[1], 3);
    cr_expect(one_of_two->task.settled != other->task.settled, "one of them");
    cr_expect_str_eq(one("SELECT count(*) AS v FROM messages WHERE conversation_id = $1 AND direction = 'out'",
                         other->conversation),
                     "1");
    cr_expect_str_eq(one("SELECT count(*) AS v FROM turns WHERE conversation_id = $1", other->conversation), "1");
    expect_answered_once(&answerings[0]);
    expect_answered_once(&answerings[3]);
}

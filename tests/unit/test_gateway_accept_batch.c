/* test_gateway_accept_batch.c - texts that are stored together leave what the same texts leave one by one. Needs a
 * database. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatewayfix.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/gateway/accept_store.h"

#define LEADS   6
#define BATCHES 60
#define MOST    8 /* texts of a batch */

static char other_client[UUID_SIZE], other_number[16];

static void open_two(void)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    gw_open();
    uuid_new(other_client);
    snprintf(other_number, sizeof other_number, "+3%.9s", gw_number + 2);
    cr_assert_geq(db_run(gw_root, NULL, NULL, &err,
                         "INSERT INTO clients (client_id, name) VALUES ($1, 'Rapid Plumbing')", db_text(other_client)),
                  0, "%s", err.text);
    cr_assert_eq(db_run(gw_root, NULL, NULL, &err,
                        "INSERT INTO client_numbers VALUES ($1, 'sms', $2), ($1, 'whatsapp', $2)",
                        db_text(other_client), db_text(other_number)),
                 2, "%s", err.text);
}

TestSuite(accept_batch, .init = open_two, .fini = gw_close, .timeout = 120);

static const char *pick(const char *const *of, size_t n)
{
    return of[(size_t)rand() % n];
}

struct cells {
    char from[LEADS][32], sid[MOST][40];
};

/* What leads write: mostly questions, sometimes STOP and its kin, sometimes a sid that was there before. */
static struct inbound some_text(struct cells *cells, size_t i, int *sids)
{
    static const char *const consents[] = {"", "", "", "", "", "", "", "out", "in", "yes", "help"};
    static const char *const channels[] = {"sms", "sms", "sms", "whatsapp"};
    static const char *const names[] = {NULL, NULL, "Tom"};
    struct inbound in = gw_text(cells->sid[i], "How much is a \"new\" boiler, {a} \\ or NULL?");

    snprintf(cells->sid[i], sizeof cells->sid[i], "SM%d", rand() % 10 == 0 && *sids > 0 ? rand() % *sids : (*sids)++);
    in.from = cells->from[rand() % LEADS];
    in.channel = pick(channels, COUNT_OF(channels));
    in.consent = pick(consents, COUNT_OF(consents));
    in.name = pick(names, COUNT_OF(names));
    in.media = rand() % 5 == 0 ? "[{\"url\": \"https://x/1\", \"content_type\": \"image/png\"}]" : NULL;
    in.answered = rand() % 3 == 0;
    in.account = rand() % 20 == 0 ? "ACdifferent" : in.account;
    in.to = rand() % 20 == 0 ? "+19999999999" : gw_number;
    return in;
}

/* What happens between texts. */
static void something(int which)
{
    static const char *const changes[] = {
        "UPDATE conversations SET state = 'closed' WHERE client_id IN ($1, $2) AND lead_address LIKE '%1'",
        "UPDATE conversations SET state = 'taken_over' WHERE client_id IN ($1, $2) AND lead_address LIKE '%2'",
        "UPDATE conversations SET state = 'open' WHERE client_id IN ($1, $2) AND state = 'taken_over'",
        "UPDATE conversations c SET answered_seq = (SELECT max(seq) FROM messages m WHERE m.client_id = c.client_id"
        " AND m.conversation_id = c.conversation_id) WHERE client_id IN ($1, $2)",
        "UPDATE messages SET created_at = created_at - interval '10 seconds' WHERE client_id IN ($1, $2)",
        "UPDATE tasks SET state = 'running' WHERE client_id IN ($1, $2) AND state = 'ready'"
        " AND kind = 'process_ai_response' AND NOT EXISTS (SELECT FROM tasks o WHERE o.client_id = tasks.client_id"
        " AND o.serial_key = tasks.serial_key AND o.state = 'running')",
        "DELETE FROM tasks WHERE client_id IN ($1, $2) AND state = 'running'",
    };
    struct err err = {0};

    if ((size_t)which >= COUNT_OF(changes))
        return;
    cr_assert_geq(db_run(gw_root, NULL, NULL, &err, changes[which], db_text(gw_client), db_text(other_client)), 0, "%s",
                  err.text);
}

static void expect_same(const struct stored *a, const struct stored *b, const char *sid)
{
    cr_expect_eq(a->outcome, b->outcome, "%s: %d, alone %d", sid, (int)a->outcome, (int)b->outcome);
    cr_expect_eq(a->confirms, b->confirms, "%s", sid);
    cr_expect_eq(a->opted_out, b->opted_out, "%s", sid);
    cr_expect_eq(a->opted_in, b->opted_in, "%s", sid);
    cr_expect_eq(*a->task_id == 0, *b->task_id == 0, "%s: task '%s', alone '%s'", sid, a->task_id, b->task_id);
    cr_expect_eq(*a->message_id == 0, *b->message_id == 0, "%s", sid);
    cr_expect_eq(*a->conversation_id == 0, *b->conversation_id == 0, "%s", sid);
    cr_expect_eq(*a->lead_id == 0, *b->lead_id == 0, "%s", sid);
}

/* Everything that was stored for a client, without ids and times. How long an answer waits is test_gateway_accept.c's.
 */
static char *left(const char *client)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert_eq(
        db_run(
            gw_root, NULL, &rows, &err,
            "SELECT concat_ws(E'\\n',"
            " (SELECT string_agg(concat_ws('|', l.phone, l.name, l.opted_out_at IS NOT NULL, l.opted_out_words), ' '"
            "                    ORDER BY l.phone) FROM leads l WHERE l.client_id = $1),"
            " (SELECT string_agg(concat_ws('|', c.channel, c.lead_address, c.state, c.epoch,"
            "                              (SELECT count(*) FROM messages m WHERE m.client_id = $1"
            "                                  AND m.conversation_id = c.conversation_id AND m.seq <= c.answered_seq)),"
            "                    ' ' ORDER BY c.channel, c.lead_address) FROM conversations c WHERE c.client_id = $1),"
            " (SELECT string_agg(t.texts, ' ' ORDER BY t.texts) FROM (SELECT concat_ws('|', min(c.lead_address), "
            "min(c.channel),"
            "      string_agg(concat_ws('|', m.direction, m.author, m.purpose, m.state, m.body, m.media::text,"
            "                           m.provider_sid, m.trace_id), ' ' ORDER BY m.seq)) AS texts"
            "      FROM messages m JOIN conversations c USING (client_id, conversation_id) WHERE m.client_id = $1 "
            "GROUP BY m.conversation_id) t),"
            " (SELECT string_agg(t.task, ' ' ORDER BY t.task) FROM (SELECT concat_ws('|', t.kind, t.role, t.state,"
            "      t.max_attempts, t.deadline_s, p.trace_id, c.lead_address, c.channel,"
            "      (p.payload->>'conversation_id') = t.serial_key) AS task"
            "      FROM tasks t LEFT JOIN task_payloads p USING (client_id, task_id)"
            "      LEFT JOIN conversations c ON c.client_id = $1 AND t.serial_key LIKE '%' || c.conversation_id"
            "     WHERE t.client_id = $1) t),"
            " (SELECT string_agg(concat_ws('|', s.kind, s.channel, l.phone), ' ' ORDER BY s.kind, s.channel, l.phone)"
            "    FROM consents s JOIN leads l USING (client_id, lead_id) WHERE s.client_id = $1)) AS said",
            db_text(client)),
        1, "%s", err.text);
    return strdup(db_get(rows, 0, "said"));
}

Test(accept_batch, what_is_stored_together_is_as_one_by_one)
{
    struct cells cells;
    int sids = 0;
    char *together, *alone;

    srand(7);
    for (int i = 0; i < LEADS; i++)
        snprintf(cells.from[i], sizeof cells.from[i], "%s%d", gw_lead, i);
    for (int batch = 0; batch < BATCHES; batch++) {
        struct inbound items[MOST];
        struct stored stored[MOST];
        size_t n = 1 + (size_t)rand() % MOST;

        for (size_t i = 0; i < n; i++)
            items[i] = some_text(&cells, i, &sids);
        gw_store(items, n, stored);
        for (size_t i = 0; i < n; i++) {
            if (strcmp(items[i].to, gw_number) == 0)
                items[i].to = other_number;
            struct stored one = gw_store_one(items[i]);
            expect_same(&stored[i], &one, items[i].sid);
        }
        something(rand() % 12);
    }
    together = left(gw_client);
    alone = left(other_client);
    cr_expect_str_eq(together, alone);
    cr_expect_gt(strlen(together), 1000);
    free(together);
    free(alone);
}

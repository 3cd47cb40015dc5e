/* why.c - see why.h. */
#include "services/orchestrator/api/why.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/twilio_codes.h"
#include "services/orchestrator/api/conversation_store.h"

static int64_t time_of(const struct db_result *rows, const char *column)
{
    const char *text = db_get(rows, 0, column);
    int64_t us = 0;

    return text && clock_parse(text, &us) == 0 ? us : 0;
}

/* ---- what became of it ---- */

static int by_time(const void *a, const void *b)
{
    int64_t left = ((const struct why_moment *)a)->at, right = ((const struct why_moment *)b)->at;

    return left < right ? -1 : left > right;
}

static struct why_moment *moments(const struct db_result *rows, struct arena *arena, size_t *ret_n)
{
    static const struct {
        const char *event, *column;
    } known[] = {{"stored", "created_at"}, {"sending", "sending_at"}, {"sent", "sent_at"}, {"changed", "changed_at"}};
    struct why_moment *list = arena_calloc(arena, COUNT_OF(known), sizeof *list);
    size_t n = 0;

    for (size_t i = 0; list && i < COUNT_OF(known); i++)
        if (db_get(rows, 0, known[i].column))
            list[n++] = (struct why_moment){.event = known[i].event, .at = time_of(rows, known[i].column)};
    if (list)
        qsort(list, n, sizeof *list, by_time);
    *ret_n = n;
    return list;
}

static const char *who_wrote(const struct message *message, bool has_turn)
{
    if (strcmp(message->direction, "in") == 0)
        return "the lead wrote it";
    if (message->purpose && strcmp(message->purpose, "consent") == 0)
        return "the system wrote it: it confirms STOP, START or HELP";
    if (message->purpose && strcmp(message->purpose, "alert") == 0)
        return "the system wrote it: it tells the client's own people";
    if (strcmp(message->author, "human") == 0)
        return "a person wrote it";
    if (message->follow_up && !has_turn)
        return strcmp(message->follow_up, "asked") == 0 ? "the agent wrote it: the lead had asked to be written to then"
                                                        : "the agent wrote it: the lead had not answered";
    if (has_turn)
        return "the agent decided to write it";
    return strcmp(message->author, "agent") == 0 ? "the agent wrote it; its decision is not kept any more"
                                                 : "the system wrote it";
}

/* A message of ours, or of a form whose answer waits for the lead's hours; its task while it waits, and its account
 * while that is paused. A task whose hour has come waits for its turn: behind another of its conversation, or in its
 * lane. */
static int load_fate(struct db_tx *tx, const struct message *message, struct arena *arena, struct message_why *ret,
                     struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(
            tx, &rows, err,
            "SELECT m.created_at, m.sending_at, m.sent_at, m.send_attempt, m.looks, k.task_id IS NOT NULL AS waits,"
            "       CASE WHEN m.state IN ('uncertain', 'delivered', 'undelivered', 'read', 'failed', 'dropped')"
            "            THEN m.updated_at END AS changed_at,"
            "       CASE WHEN isfinite(u.until) AND u.until > now() THEN u.until END AS waits_until,"
            "       CASE WHEN a.reason = 'credentials' THEN 'its Twilio account, which refuses our credentials: "
            "see the notices'"
            "            WHEN a.reason = 'rate' THEN 'its Twilio account, which limits us'"
            "            WHEN m.direction = 'in' THEN coalesce(k.error, 'its answer')"
            "            WHEN m.state = 'uncertain' THEN concat_ws(': ', 'Twilio is asked what became of it', k.error)"
            "            WHEN k.run_at > now() THEN coalesce(k.error, 'its time')"
            "            ELSE 'its turn: another message of the conversation or its number goes first' END AS "
            "waits_for"
            "  FROM messages m"
            "  LEFT JOIN task_dedupe d ON d.client_id = m.client_id AND d.dedupe_key = 'send:' || m.message_id"
            "  LEFT JOIN tasks k ON k.client_id = m.client_id AND k.state = 'ready'"
            "       AND ((k.task_id = d.task_id AND m.state IN ('queued', 'sending', 'uncertain'))"
            "            OR (m.channel = 'form' AND k.kind = 'generate_greeting'"
            "                AND k.serial_key IN ('greet:' || m.conversation_id, 'started:' || m.conversation_id)))"
            "  LEFT JOIN task_lanes l ON l.lane = k.lane"
            "  LEFT JOIN provider_accounts a ON a.account = l.account AND a.paused_until > now()"
            "                                AND k.task_id IS NOT NULL"
            "  CROSS JOIN LATERAL (SELECT greatest(k.run_at, a.paused_until) AS until) AS u"
            " WHERE m.client_id = $1 AND m.message_id = $2 LIMIT 1",
            db_text(message->client_id), db_text(message->message_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "message_id", "there is no such message");
    if (!(ret->moments = moments(rows, arena, &ret->n_moments)))
        return err_set(err, ERR_INTERNAL, "why: out of memory");
    ret->attempts = db_get_int(rows, 0, "send_attempt");
    ret->looks = db_get_int(rows, 0, "looks");
    if (message->error_code)
        ret->remedy = twilio_remedy((int)message->error_code);
    if (db_get_bool(rows, 0, "waits")) {
        ret->waits_for = arena_strdup(arena, db_get(rows, 0, "waits_for"));
        ret->waits_until = time_of(rows, "waits_until");
    }
    return 0;
}

/* ---- the decision ---- */

static const char *find_message(void *arg, int64_t seq)
{
    const struct db_result *rows = arg;

    for (int i = 0; i < db_result_count(rows); i++)
        if (db_get_int(rows, i, "seq") == seq)
            return db_get(rows, i, "message_id");
    return NULL;
}

/* Evidence may have been told in another conversation of the lead. The ids are copied into arena with the texts. */
static int put_message_ids(struct db_tx *tx, const struct message *message, struct turn_why *turn, struct arena *arena,
                           struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "WITH told AS (SELECT DISTINCT (value ->> 'seq')::bigint AS seq FROM ("
                 "                     SELECT value FROM jsonb_each(coalesce($3::jsonb, '{}'))"
                 "                     UNION ALL SELECT value FROM jsonb_each(coalesce($4::jsonb, '{}'))) AS e"
                 "               WHERE jsonb_typeof(value) = 'object' AND jsonb_typeof(value -> 'seq') = 'number')"
                 "SELECT m.seq, m.message_id FROM conversations c"
                 "  JOIN conversations o ON o.client_id = c.client_id AND o.lead_id = c.lead_id"
                 "  JOIN messages m ON m.client_id = o.client_id AND m.conversation_id = o.conversation_id"
                 " WHERE c.client_id = $1 AND c.conversation_id = $2"
                 "   AND (m.seq IN (SELECT seq FROM told)"
                 "        OR m.conversation_id = $2 AND m.seq BETWEEN $5 AND $6)",
                 db_text(message->client_id), db_text(message->conversation_id),
                 db_text(turn->before ? turn->before->evidence : NULL),
                 db_text(turn->after ? turn->after->evidence : NULL),
                 db_int(turn->n_history   ? turn->history[0].seq
                        : turn->n_answers ? turn->answers[0].seq
                                          : 0),
                 db_int(turn->n_answers ? turn->answers[turn->n_answers - 1].seq : 0)) < 0 ||
        why_put_message_ids(turn, find_message, rows, arena, err) < 0)
        return -1;
    for (size_t i = 0; i < turn->n_history; i++)
        turn->history[i].message_id = arena_strdup(arena, turn->history[i].message_id);
    for (size_t i = 0; i < turn->n_answers; i++)
        turn->answers[i].message_id = arena_strdup(arena, turn->answers[i].message_id);
    return 0;
}

static int load_turn(struct db_tx *tx, const struct message *message, struct arena *arena, struct turn_why **ret,
                     struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct turn_why *turn;
    int n;

    if (!message->turn_id)
        return 0;
    n = db_query(tx, &rows, err,
                 "SELECT agent, cost_micro_usd, created_at, record FROM turns WHERE client_id = $1 AND turn_id = $2",
                 db_text(message->client_id), db_text(message->turn_id));
    if (n <= 0)
        return n;
    if (!(turn = arena_alloc(arena, sizeof *turn)))
        return err_set(err, ERR_INTERNAL, "why: out of memory");
    *turn = (struct turn_why){.turn_id = message->turn_id,
                              .agent = arena_strdup(arena, db_get(rows, 0, "agent")),
                              .cost_micro_usd = db_get_int(rows, 0, "cost_micro_usd"),
                              .created_at = time_of(rows, "created_at")};
    if (why_read_record(db_get(rows, 0, "record"), arena, turn, err) < 0 ||
        (!turn->damaged && put_message_ids(tx, message, turn, arena, err) < 0))
        return -1;
    *ret = turn;
    return 0;
}

int why_message(struct db_tx *tx, const char *message_id, struct arena *arena, struct message_why *ret, struct err *err)
{
    struct message *message = arena_alloc(arena, sizeof *message);

    *ret = (struct message_why){.message = message};
    if (!message)
        return err_set(err, ERR_INTERNAL, "why: out of memory");
    if (message_store_get(tx, message_id, arena, message, err) < 0 || load_fate(tx, message, arena, ret, err) < 0 ||
        load_turn(tx, message, arena, &ret->turn, err) < 0)
        return -1;
    ret->written = who_wrote(message, ret->turn != NULL);
    return 0;
}

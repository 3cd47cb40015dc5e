/* timeline_store.c - see timeline_store.h. */
#include "services/orchestrator/api/timeline_store.h"

#include <inttypes.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/page.h"
#include "libshared/text.h"
#include "proto/conversations.h"
#include "proto/leads.h"
#include "services/orchestrator/api/cursor.h"

/* Each part: at, rank (the order of what has the same time), kind, id, text, data. $1 client, $2 conversation. */
#define MESSAGES                                                                                                  \
    "SELECT m.created_at AS at, 1 AS rank, 'message' AS kind, m.message_id AS id, m.body AS text,"                \
    "       jsonb_strip_nulls(jsonb_build_object('direction', m.direction, 'author', m.author, 'state', m.state," \
    "           'purpose', CASE m.direction WHEN 'out' THEN m.purpose END, 'seq', m.seq, 'sent_at', m.sent_at,"   \
    "           'error', m.error_text, 'turn_id', m.turn_id)) AS data"                                            \
    "  FROM messages m WHERE m.client_id = $1 AND m.conversation_id = $2"

#define TURNS                                                                                                   \
    "SELECT t.created_at, 0, 'turn', t.turn_id, t.record->'output'->>'score_reason',"                           \
    "       jsonb_strip_nulls(jsonb_build_object('agent', t.agent, 'model', t.model,"                           \
    "           'score', t.record->'output'->>'score', 'intent', t.record->'output'->>'intent',"                \
    "           'fallback', t.record->'fallback'->>'error', 'misses', t.misses,"                                \
    "           'waited_ms', (t.record->>'waited_ms')::bigint, 'times_us', t.record->'times_us',"               \
    "           'guards', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('guard', g->>'guard',"         \
    "                             'outcome', g->>'outcome'))) FROM json_array_elements(t.record->'guards') g)," \
    "           'input_tokens', t.input_tokens, 'output_tokens', t.output_tokens,"                              \
    "           'cost_micro_usd', t.cost_micro_usd, 'task_id', t.task_id))"                                     \
    "  FROM turns t WHERE t.client_id = $1 AND t.conversation_id = $2"

#define TASKS                                                                                            \
    "SELECT coalesce(k.created_at, f.created_at), 2, 'task', i.task_id, coalesce(k.error, f.error),"     \
    "       jsonb_strip_nulls(jsonb_build_object('kind', coalesce(k.kind, f.kind),"                      \
    "           'state', coalesce(k.state, 'finished'), 'attempts', coalesce(k.attempt, f.attempt),"     \
    "           'run_at', CASE k.state WHEN 'ready' THEN k.run_at END, 'finished_at', f.finished_at))"   \
    "  FROM (SELECT d.task_id FROM messages m JOIN task_dedupe d"                                        \
    "               ON d.client_id = $1 AND d.dedupe_key = 'send:' || m.message_id"                      \
    "         WHERE m.client_id = $1 AND m.conversation_id = $2"                                         \
    "        UNION SELECT t.task_id FROM turns t WHERE t.client_id = $1 AND t.conversation_id = $2"      \
    "        UNION SELECT w.task_id FROM tasks w WHERE w.client_id = $1 AND w.serial_key IN"             \
    "                     ($2::text, 'send:' || $2::text, 'started:' || $2::text, 'greet:' || $2::text," \
    "                      'follow_up:' || $2::text)) i"                                                 \
    "  LEFT JOIN tasks k ON k.client_id = $1 AND k.task_id = i.task_id"                                  \
    "  LEFT JOIN finished_tasks f ON f.client_id = $1 AND f.task_id = i.task_id"                         \
    " WHERE k.task_id IS NOT NULL OR f.task_id IS NOT NULL"

#define SCORES                                                                                          \
    "SELECT s.created_at, 3, 'score', s.turn_id, s.reason,"                                             \
    "       jsonb_build_object('score_before', s.score_before, 'score', s.score, 'alerted', s.alerted)" \
    "  FROM lead_scores s WHERE s.client_id = $1 AND s.lead_id = $3 AND s.conversation_id = $2"

#define CONSENTS                                                                                                   \
    "SELECT s.created_at, 4, 'consent', s.consent_id, s.words,"                                                    \
    "       jsonb_strip_nulls(jsonb_build_object('consent', s.kind, 'channel', s.channel, 'asked_by', s.asked_by," \
    "                                            'message_id', s.message_id))"                                     \
    "  FROM consents s WHERE s.client_id = $1 AND s.lead_id = $3 AND s.channel IN ($4, 'api')"

#define EVENTS                                                                                      \
    "SELECT e.created_at, 5, 'event', e.event_id, e.reason,"                                        \
    "       jsonb_strip_nulls(jsonb_build_object('event', e.kind, 'who', e.who, 'cause', e.cause,"  \
    "           'alerted', CASE e.kind WHEN 'escalated' THEN e.alerted END, 'turn_id', e.turn_id))" \
    "  FROM conversation_events e WHERE e.client_id = $1 AND e.conversation_id = $2"

#define NOTICES                                                                                           \
    "SELECT n.created_at, 6, 'notice', n.notice_id, n.text,"                                              \
    "       jsonb_strip_nulls(jsonb_build_object('notice', n.kind, 'count', n.count, 'remedy', n.remedy," \
    "                                            'resolved_at', n.resolved_at))"                          \
    "  FROM notices n WHERE n.client_id = $1 AND n.subject = $5"

#define PLACE "((extract(epoch FROM at) * 1000000)::bigint * 10 + rank)"

int timeline_store_list(struct db_tx *tx, const struct conversation *conversation, const struct list_timeline *request,
                        struct arena *arena, struct timeline_page *ret_page, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct cursor after;
    int n, last;

    if (cursor_read(request->after, arena, &after, err) < 0 ||
        (n = db_query(tx, &rows, err,
                      "SELECT at, kind, id, text, data, " PLACE " AS place FROM (" MESSAGES " UNION ALL " TURNS
                      " UNION ALL " TASKS " UNION ALL " SCORES " UNION ALL " CONSENTS " UNION ALL " EVENTS
                      " UNION ALL " NOTICES ") everything"
                      " WHERE ($6::text IS NULL OR kind = $6)"
                      "   AND ($8::uuid IS NULL OR (" PLACE ", id) > ($7::bigint, $8::uuid))"
                      " ORDER BY place, id LIMIT $9::bigint + 1",
                      db_text(conversation->client_id), db_text(conversation->conversation_id),
                      db_text(conversation->lead_id), db_text(conversation->channel),
                      db_text(conversation->lead_address), db_text(request->kind), db_int(after.value),
                      db_text(after.id), db_int(request->limit))) < 0 ||
        !(ret_page->items = page_from_rows(&timeline_item_type, rows, request->limit, arena, &ret_page->n_items, err)))
        return -1;
    if (ret_page->n_items == (size_t)n)
        return 0;
    last = (int)ret_page->n_items - 1;
    return cursor_make(db_get_int(rows, last, "place"), ret_page->items[last].id, arena, &ret_page->next_after, err);
}

/* Evidence names the message by its seq; whoever asks wants its id. of: the evidence. */
#define WITH_MESSAGES(of)                                                                                       \
    "(SELECT coalesce(jsonb_object_agg(e.key, e.value || jsonb_strip_nulls(jsonb_build_object('message_id',"    \
    "             (SELECT m.message_id FROM conversations c JOIN messages m USING (client_id, conversation_id)" \
    "               WHERE c.client_id = $1 AND c.lead_id = $2 AND m.seq = (e.value->>'seq')::bigint)))), '{}')" \
    "   FROM jsonb_each(" of ") e)"

int score_store_list(struct db_tx *tx, const struct lead *lead, const struct list_scores *request, struct arena *arena,
                     struct score_page *ret_page, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL, *now = NULL;
    int64_t after = 0;
    int n;

    if (request->after && !text_to_int(request->after, 1, INT64_C(1000000000000000), &after))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of a page");
    n = db_query(tx, &rows, err,
                 "SELECT s.change, s.conversation_id, s.turn_id, s.score_before, s.score, s.reason, s.alerted,"
                 "       s.created_at, " WITH_MESSAGES(
                     "s.evidence") " AS evidence"
                                   "  FROM lead_scores s"
                                   " WHERE s.client_id = $1 AND s.lead_id = $2 AND ($3::bigint = 0 OR s.change < $3)"
                                   " ORDER BY s.change DESC LIMIT $4::bigint + 1",
                 db_text(lead->client_id), db_text(lead->lead_id), db_int(after), db_int(request->limit));

    if (n < 0 ||
        !(ret_page->items = page_from_rows(&score_change_type, rows, request->limit, arena, &ret_page->n_items, err)) ||
        db_query(tx, &now, err,
                 "SELECT " WITH_MESSAGES("l.evidence") " AS evidence FROM leads l"
                                                       " WHERE l.client_id = $1 AND l.lead_id = $2",
                 db_text(lead->client_id), db_text(lead->lead_id)) < 0)
        return -1;
    if (db_result_count(now) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "lead_id", "there is no such lead");
    ret_page->score = lead->score;
    ret_page->evidence = arena_strdup(arena, db_get(now, 0, "evidence"));
    if (ret_page->n_items < (size_t)n)
        ret_page->next_after = arena_printf(arena, "%" PRId64, ret_page->items[ret_page->n_items - 1].change);
    if (!ret_page->evidence || (ret_page->n_items < (size_t)n && !ret_page->next_after))
        return err_set(err, ERR_INTERNAL, "scores: out of memory");
    return 0;
}

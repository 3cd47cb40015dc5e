/* greeting_store.c - see greeting_store.h. */
#include "services/orchestrator/greeting/greeting_store.h"

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/orchestrator/turn/turn.h"

int greeting_store_terms(struct db_tx *tx, const struct turn *turn, struct greeting_terms *ret_terms, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(
            tx, &rows, err,
            "SELECT coalesce(i.created_at > now() - interval '1 hour', false) AS recent,"
            "       coalesce(i.created_at > now() - interval '24 hours', false) AS window_open,"
            "       EXISTS (SELECT FROM messages m"
            "                WHERE m.client_id = c.client_id AND m.conversation_id = c.conversation_id"
            "                  AND m.direction = 'out' AND m.content_sid IS NOT NULL"
            "                  AND m.state NOT IN ('dropped', 'failed', 'undelivered')"
            "                  AND m.seq > greatest(c.answered_seq, i.seq)) AS template_sent,"
            "       (SELECT count(*) FROM conversations o JOIN messages m USING (client_id, conversation_id)"
            "         WHERE o.client_id = c.client_id AND o.lead_id = c.lead_id AND m.direction = 'out'"
            "           AND m.author = 'agent' AND m.follow_up IS NULL AND m.state <> 'dropped'"
            "           AND m.created_at > now() - interval '24 hours'"
            "           AND NOT EXISTS (SELECT FROM conversations w JOIN messages t USING (client_id, conversation_id)"
            "                            WHERE w.client_id = c.client_id AND w.lead_id = c.lead_id AND t.direction = "
            "'in'"
            "                              AND t.channel <> 'form' AND t.seq > m.seq)) AS written,"
            "       EXISTS (SELECT FROM conversations o JOIN messages m USING (client_id, conversation_id)"
            "                WHERE o.client_id = c.client_id AND o.lead_id = c.lead_id AND m.direction = 'in'"
            "                  AND m.form ->> 'no_texts' = 'true'"
            "                  AND NOT EXISTS (SELECT FROM conversations w JOIN messages t USING (client_id, "
            "conversation_id)"
            "                                   WHERE w.client_id = c.client_id AND w.lead_id = c.lead_id"
            "                                     AND t.direction = 'in' AND t.channel <> 'form'"
            "                                     AND t.seq > m.seq)) AS refused,"
            "       ceil(extract(epoch FROM message_allowed_at(c.lead_address, l.timezone, k.timezone,"
            "                                                  k.config ->> 'allowed_hours', now()) - now()) * 1000)"
            "           ::bigint AS wait_ms"
            "  FROM conversations c"
            "  JOIN leads l USING (client_id, lead_id)"
            "  JOIN clients k USING (client_id)"
            "  LEFT JOIN LATERAL (SELECT m.created_at, m.seq FROM messages m"
            "                      WHERE m.client_id = c.client_id AND m.conversation_id = c.conversation_id"
            "                        AND m.direction = 'in' AND m.channel <> 'form'"
            "                      ORDER BY m.seq DESC LIMIT 1) i ON true"
            " WHERE c.client_id = $1 AND c.conversation_id = $2",
            db_text(turn->client_id), db_text(turn->conversation_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "the conversation is gone");
    *ret_terms = (struct greeting_terms){.recent = db_get_bool(rows, 0, "recent"),
                                         .window_open = db_get_bool(rows, 0, "window_open"),
                                         .template_sent = db_get_bool(rows, 0, "template_sent"),
                                         .written = db_get_int(rows, 0, "written"),
                                         .refused = db_get_bool(rows, 0, "refused"),
                                         .wait_ms = db_get_int(rows, 0, "wait_ms")};
    return 0;
}

int greeting_store_wrote_more(struct db_tx *tx, const struct turn *turn, struct err *err)
{
    if (db_query(tx, NULL, err,
                 "SELECT FROM conversations WHERE client_id = $1 AND conversation_id = $2 FOR NO KEY UPDATE",
                 db_text(turn->client_id), db_text(turn->conversation_id)) < 0)
        return -1;
    return db_query(tx, NULL, err,
                    "SELECT FROM messages WHERE client_id = $1 AND conversation_id = $2 AND direction = 'in'"
                    "                       AND seq > $3 LIMIT 1",
                    db_text(turn->client_id), db_text(turn->conversation_id), db_int(turn->last_seq));
}

int greeting_store_wait(struct db_tx *tx, const struct turn *turn, int64_t *ret_wait_ms, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT hours_wait_ms($1, c.lead_address, l.timezone) AS wait_ms"
                 "  FROM conversations c JOIN leads l USING (client_id, lead_id)"
                 " WHERE c.client_id = $1 AND c.conversation_id = $2",
                 db_text(turn->client_id), db_text(turn->conversation_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "the conversation is gone");
    *ret_wait_ms = db_get_int(rows, 0, "wait_ms");
    return 0;
}

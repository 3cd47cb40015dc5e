/* message_store.c - see message_store.h. */
#include "services/delivery/message_store.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"
#include "services/delivery/twilio.h"

/* A copy; NULL stays NULL. */
static const char *take(const struct db_result *rows, int row, const char *column, struct arena *arena, bool *failed)
{
    const char *value = db_get(rows, row, column), *copy = arena_strdup(arena, value);

    *failed |= value && !copy;
    return copy;
}

int message_from_row(const struct db_result *rows, int row, struct arena *arena, struct outbound *ret_message,
                     struct err *err)
{
    bool failed = false;
    struct outbound message = {
        .message_id = take(rows, row, "message_id", arena, &failed),
        .conversation_id = take(rows, row, "conversation_id", arena, &failed),
        .lead_id = take(rows, row, "lead_id", arena, &failed),
        .channel = take(rows, row, "channel", arena, &failed),
        .purpose = take(rows, row, "purpose", arena, &failed),
        .from = take(rows, row, "from_address", arena, &failed),
        .to = take(rows, row, "to_address", arena, &failed),
        .body = take(rows, row, "body", arena, &failed),
        .content_sid = take(rows, row, "content_sid", arena, &failed),
        .content_variables = take(rows, row, "content_variables", arena, &failed),
        .state = take(rows, row, "state", arena, &failed),
        .provider_sid = take(rows, row, "provider_sid", arena, &failed),
        .send_attempt = (int)db_get_int(rows, row, "send_attempt"),
        .looks = (int)db_get_int(rows, row, "looks"),
        .looks_listed = (int)db_get_int(rows, row, "looks_listed"),
        .sending_at_us = db_get_int(rows, row, "sending_at_us"),
        .elapsed_ms = db_get_int(rows, row, "elapsed_ms"),
        .account_sid = take(rows, row, "account_sid", arena, &failed),
        .messaging_service_sid = take(rows, row, "messaging_service_sid", arena, &failed),
    };

    if (failed)
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    *ret_message = message;
    return 0;
}

int message_drop(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages m"
                    "   SET state = 'dropped', updated_at = now(),"
                    "       error_text = CASE WHEN l.opted_out_at IS NOT NULL THEN 'the lead has opted out'"
                    "                         WHEN m.epoch < c.epoch THEN 'a person took over after it was drafted'"
                    "                         ELSE 'the lead has written since' END"
                    "  FROM conversations c"
                    "  JOIN leads l ON l.client_id = c.client_id AND l.lead_id = c.lead_id"
                    " WHERE m.client_id = $1 AND m.message_id = $2 AND m.state = 'queued'"
                    "   AND c.client_id = m.client_id AND c.conversation_id = m.conversation_id"
                    "   AND (l.opted_out_at IS NOT NULL OR (m.epoch < c.epoch AND m.author <> 'human')"
                    "        OR (m.follow_up IS NOT NULL AND lead_wrote_since(m.client_id, m.lead_id, m.seq)))",
                    db_text(client_id), db_text(message_id));
}

int message_drop_overtaken(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages m"
                    "   SET state = 'dropped', updated_at = now(), error_text = 'the lead has opted out since'"
                    "  FROM leads l"
                    " WHERE m.client_id = $1 AND m.message_id = $2 AND m.state = 'sending' AND m.purpose = 'consent'"
                    "   AND l.client_id = m.client_id AND l.lead_id = m.lead_id AND l.opted_out_at > m.created_at",
                    db_text(client_id), db_text(message_id));
}

int message_take_back(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages"
                    "   SET state = 'queued', send_attempt = send_attempt - 1, sending_at = NULL, updated_at = now()"
                    " WHERE client_id = $1 AND message_id = $2 AND state = 'sending'",
                    db_text(client_id), db_text(message_id));
}

int message_confirm(struct db_pool *pool, const struct task *task, const struct outbound *message, struct err *err)
{
    return db_run(pool, task->client_id, NULL, err,
                  "UPDATE messages m SET sending_at = clock_timestamp(), updated_at = now()"
                  " WHERE m.client_id = $1 AND m.message_id = $2 AND m.state = 'sending' AND m.send_attempt = $3"
                  "   AND EXISTS (SELECT FROM tasks t"
                  "                WHERE t.client_id = m.client_id AND t.task_id = $4 AND t.token = $5)"
                  "   AND (m.purpose IN ('alert', 'consent') OR NOT EXISTS ("
                  "        SELECT FROM conversations c"
                  "          JOIN leads l ON l.client_id = c.client_id AND l.lead_id = c.lead_id"
                  "         WHERE c.client_id = m.client_id AND c.conversation_id = m.conversation_id"
                  "           AND (l.opted_out_at IS NOT NULL OR (m.epoch < c.epoch AND m.author <> 'human'))))",
                  db_text(task->client_id), db_text(message->message_id), db_int(message->send_attempt),
                  db_text(task->task_id), db_int(task->token));
}

int message_hours_wait(struct db_tx *tx, const char *client_id, const char *message_id, int64_t *ret_wait_ms,
                       struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT hours_wait_ms($1, m.to_address, l.timezone) AS wait_ms"
                 "  FROM messages m LEFT JOIN leads l USING (client_id, lead_id)"
                 " WHERE m.client_id = $1 AND m.message_id = $2",
                 db_text(client_id), db_text(message_id)) < 0)
        return -1;
    *ret_wait_ms = db_result_count(rows) > 0 ? db_get_int(rows, 0, "wait_ms") : 0;
    return 0;
}

int message_call_language(struct db_pool *pool, const char *client_id, struct arena *arena, const char **ret_language,
                          struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_run(pool, client_id, &rows, err, "SELECT config->>'language' AS language FROM clients WHERE client_id = $1",
               db_text(client_id)) < 0)
        return -1;
    *ret_language = db_result_count(rows) > 0 ? arena_strdup(arena, db_get(rows, 0, "language")) : NULL;
    return 0;
}

int message_requeue(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages SET state = 'queued', error_code = NULL, error_text = NULL, updated_at = now()"
                    " WHERE client_id = $1 AND message_id = $2 AND state = 'failed' AND provider_sid IS NULL",
                    db_text(client_id), db_text(message_id));
}

int message_doubt(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages SET state = 'uncertain', updated_at = now()"
                    " WHERE client_id = $1 AND message_id = $2 AND state = 'sending'",
                    db_text(client_id), db_text(message_id));
}

int message_sent(struct db_tx *tx, const char *client_id, const char *message_id, const char *sid, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages"
                    "   SET state = 'sent', provider_sid = $3, sent_at = now(), error_code = NULL, error_text = NULL,"
                    "       updated_at = now()"
                    " WHERE client_id = $1 AND message_id = $2 AND state IN ('queued', 'sending', 'uncertain')",
                    db_text(client_id), db_text(message_id), db_text(sid));
}

/* The lead has said STOP to the number itself: only Twilio knows when and in which words. What it has said to us since
 * the send counts more. */
static int opt_out(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "WITH told AS ("
                    "    SELECT m.client_id, m.lead_id, m.channel FROM messages m"
                    "     WHERE m.client_id = $1 AND m.message_id = $2 AND m.purpose <> 'alert'"
                    "       AND NOT EXISTS (SELECT FROM consents s"
                    "                        WHERE s.client_id = m.client_id AND s.lead_id = m.lead_id"
                    "                          AND s.kind = 'in' AND s.created_at > m.sending_at)"
                    "), opted_out AS ("
                    "    UPDATE leads l SET opted_out_at = now(), opted_out_channel = t.channel,"
                    "           opted_out_words = 'Twilio 21610', updated_at = now()"
                    "      FROM told t WHERE l.client_id = t.client_id AND l.lead_id = t.lead_id"
                    "       AND l.opted_out_at IS NULL"
                    "    RETURNING l.client_id, l.lead_id, t.channel"
                    ")"
                    "INSERT INTO consents (client_id, lead_id, kind, channel, words)"
                    " SELECT client_id, lead_id, 'out', channel, 'Twilio 21610' FROM opted_out",
                    db_text(client_id), db_text(message_id));
}

/* What a lookup has found out counts more: Twilio's code may also mean a carrier that cannot be reached now. */
static int note_landline(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE leads l SET phone_line_type = 'landline', updated_at = now() FROM messages m"
                    " WHERE m.client_id = $1 AND m.message_id = $2 AND m.channel = 'sms' AND m.purpose <> 'alert'"
                    "   AND l.client_id = m.client_id AND l.lead_id = m.lead_id AND l.phone = m.to_address"
                    "   AND l.phone_line_type IS NULL",
                    db_text(client_id), db_text(message_id));
}

int message_refuse(struct db_tx *tx, const char *client_id, const char *message_id, int code, const char *text,
                   struct err *err)
{
    int n = db_query(tx, NULL, err,
                     "UPDATE messages SET state = 'failed', error_code = nullif($3::integer, 0), error_text = $4,"
                     "       updated_at = now()"
                     " WHERE client_id = $1 AND message_id = $2 AND state IN ('queued', 'sending')",
                     db_text(client_id), db_text(message_id), db_int(code), db_text(text));

    if (n != 1)
        return n;
    if (code == TWILIO_OPTED_OUT && opt_out(tx, client_id, message_id, err) < 0)
        return -1;
    if ((code == TWILIO_LANDLINE || code == TWILIO_NOT_MOBILE) && note_landline(tx, client_id, message_id, err) < 0)
        return -1;
    return n;
}

int message_looked(struct db_tx *tx, const char *client_id, const char *message_id, bool listed, const char *text,
                   struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages"
                    "   SET state = 'uncertain', looks = looks + 1,"
                    "       looks_listed = CASE WHEN $3::boolean THEN looks_listed + 1 ELSE 0 END,"
                    "       error_text = $4, updated_at = now()"
                    " WHERE client_id = $1 AND message_id = $2 AND state IN ('sending', 'uncertain')",
                    db_text(client_id), db_text(message_id), db_bool(listed), db_text(text));
}

int message_send_again(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages SET state = 'queued', updated_at = now()"
                    " WHERE client_id = $1 AND message_id = $2 AND state IN ('sending', 'uncertain')",
                    db_text(client_id), db_text(message_id));
}

int message_keep_body(struct db_pool *pool, const char *client_id, const char *message_id, const char *body,
                      struct err *err)
{
    return db_run(pool, client_id, NULL, err,
                  "UPDATE messages SET body = $3, updated_at = now() WHERE client_id = $1 AND message_id = $2",
                  db_text(client_id), db_text(message_id), db_text(body)) < 0
               ? -1
               : 0;
}

int message_keep_unclaimed(struct db_tx *tx, const char *client_id, const char *message_id, struct arena *arena,
                           struct twilio_matches *matches, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *sids[TWILIO_MATCHES_MAX];
    struct twilio_matches kept = {0};
    const char *array;
    int claimed;

    for (size_t i = 0; i < matches->n; i++)
        sids[i] = matches->items[i].sid;
    if (!(array = db_array(arena, sids, matches->n)))
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    claimed = db_query(tx, &rows, err,
                       "SELECT provider_sid FROM messages"
                       " WHERE client_id = $1 AND provider_sid = ANY($3::text[]) AND message_id <> $2",
                       db_text(client_id), db_text(message_id), db_text(array));
    if (claimed < 0)
        return -1;
    for (size_t i = 0; i < matches->n; i++) {
        int row = 0;

        while (row < claimed && strcmp(db_get(rows, row, "provider_sid"), matches->items[i].sid) != 0)
            row++;
        if (row == claimed)
            kept.items[kept.n++] = matches->items[i];
    }
    *matches = kept;
    return 0;
}

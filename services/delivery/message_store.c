/* message_store.c - see message_store.h. */
#include "services/delivery/message_store.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/delivery/twilio.h"

int message_load(struct db_tx *tx, const char *client_id, const char *message_id, struct arena *arena,
                 struct outbound *ret_message, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(tx, &rows, err,
                     "SELECT message_id, conversation_id, lead_id, channel, from_address, to_address, body, state,"
                     "       provider_sid, send_attempt, looks, looks_listed,"
                     "       (extract(epoch FROM sending_at) * 1000000)::bigint AS sending_at_us,"
                     "       greatest((extract(epoch FROM clock_timestamp() - sending_at) * 1000)::bigint, 0)"
                     "           AS elapsed_ms"
                     "  FROM messages"
                     " WHERE client_id = $1 AND message_id = $2 AND direction = 'out'",
                     db_text(client_id), db_text(message_id));

    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no outbound message %s", message_id);

    struct outbound message = {
        .message_id = arena_strdup(arena, db_get(rows, 0, "message_id")),
        .conversation_id = arena_strdup(arena, db_get(rows, 0, "conversation_id")),
        .lead_id = arena_strdup(arena, db_get(rows, 0, "lead_id")),
        .channel = arena_strdup(arena, db_get(rows, 0, "channel")),
        .from = arena_strdup(arena, db_get(rows, 0, "from_address")),
        .to = arena_strdup(arena, db_get(rows, 0, "to_address")),
        .body = arena_strdup(arena, db_get(rows, 0, "body")),
        .state = arena_strdup(arena, db_get(rows, 0, "state")),
        .provider_sid = arena_strdup(arena, db_get(rows, 0, "provider_sid")),
        .send_attempt = (int)db_get_int(rows, 0, "send_attempt"),
        .looks = (int)db_get_int(rows, 0, "looks"),
        .looks_listed = (int)db_get_int(rows, 0, "looks_listed"),
        .sending_at_us = db_get_int(rows, 0, "sending_at_us"),
        .elapsed_ms = db_get_int(rows, 0, "elapsed_ms"),
    };
    if (!message.message_id || !message.conversation_id || !message.lead_id || !message.channel || !message.from ||
        !message.to || !message.body || !message.state)
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    *ret_message = message;
    return 0;
}

int message_intend(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages m"
                    "   SET state = 'sending', send_attempt = m.send_attempt + 1, sending_at = clock_timestamp(),"
                    "       looks = 0, looks_listed = 0, updated_at = now()"
                    "  FROM conversations c"
                    "  JOIN leads l ON l.client_id = c.client_id AND l.lead_id = c.lead_id"
                    " WHERE m.client_id = $1 AND m.message_id = $2 AND m.state = 'queued' AND m.direction = 'out'"
                    "   AND c.client_id = m.client_id AND c.conversation_id = m.conversation_id"
                    "   AND l.opted_out_at IS NULL AND m.epoch >= c.epoch",
                    db_text(client_id), db_text(message_id));
}

int message_drop(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE messages m"
                    "   SET state = 'dropped', updated_at = now(),"
                    "       error_text = CASE WHEN l.opted_out_at IS NOT NULL THEN 'the lead has opted out'"
                    "                         ELSE 'a person took over after it was drafted' END"
                    "  FROM conversations c"
                    "  JOIN leads l ON l.client_id = c.client_id AND l.lead_id = c.lead_id"
                    " WHERE m.client_id = $1 AND m.message_id = $2 AND m.state = 'queued'"
                    "   AND c.client_id = m.client_id AND c.conversation_id = m.conversation_id"
                    "   AND (l.opted_out_at IS NOT NULL OR m.epoch < c.epoch)",
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

int message_refuse(struct db_tx *tx, const char *client_id, const char *message_id, int code, const char *text,
                   struct err *err)
{
    int n = db_query(tx, NULL, err,
                     "UPDATE messages SET state = 'failed', error_code = nullif($3::integer, 0), error_text = $4,"
                     "       updated_at = now()"
                     " WHERE client_id = $1 AND message_id = $2 AND state IN ('queued', 'sending')",
                     db_text(client_id), db_text(message_id), db_int(code), db_text(text));

    if (n != 1 || code != TWILIO_OPTED_OUT)
        return n;
    if (db_query(tx, NULL, err,
                 "UPDATE leads SET opted_out_at = now(), opted_out_channel = 'sms', opted_out_words = 'Twilio 21610',"
                 "       updated_at = now()"
                 " WHERE client_id = $1 AND opted_out_at IS NULL"
                 "   AND lead_id = (SELECT lead_id FROM messages WHERE client_id = $1 AND message_id = $2)",
                 db_text(client_id), db_text(message_id)) < 0)
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

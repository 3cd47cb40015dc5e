/* writing_store.c - see writing_store.h. */
#include "services/orchestrator/api/writing_store.h"

#include <stdio.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"

int writing_find(struct db_tx *tx, const char *client_id, const char *conversation_id, struct arena *arena,
                 struct writing *ret_writing, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT c.client_id, c.conversation_id, c.lead_id, c.channel, c.our_address,"
                 "       coalesce(l.phone, c.lead_address) AS lead_address," /* its phone may have been changed */
                 "       k.name AS client_name, k.config, l.opted_out_at IS NOT NULL AS opted_out,"
                 "       EXISTS (SELECT FROM client_numbers n WHERE n.client_id = c.client_id"
                 "                  AND n.channel = c.channel AND n.number = c.our_address) AS our_address_is_ours,"
                 "       EXISTS (SELECT FROM client_numbers n WHERE n.client_id = c.client_id"
                 "                  AND n.number = c.lead_address) AS lead_is_us,"
                 "       NOT EXISTS (SELECT FROM conversations o JOIN messages m USING (client_id, conversation_id)"
                 "                    WHERE o.client_id = c.client_id AND o.lead_id = c.lead_id"
                 "                      AND m.direction = 'out' AND m.purpose IN ('reply', 'started')"
                 "                      AND m.state NOT IN ('dropped', 'failed', 'undelivered')) AS first_message,"
                 "       i.created_at > now() - interval '1 hour' AS recent,"
                 "       i.created_at > now() - interval '24 hours' AS window_open"
                 "  FROM conversations c"
                 "  JOIN leads l USING (client_id, lead_id)"
                 "  JOIN clients k USING (client_id)"
                 "  LEFT JOIN LATERAL (SELECT m.created_at FROM messages m"
                 "                      WHERE m.client_id = c.client_id AND m.conversation_id = c.conversation_id"
                 "                        AND m.direction = 'in' AND m.channel <> 'form'"
                 "                      ORDER BY m.seq DESC LIMIT 1) i ON true"
                 " WHERE c.conversation_id = $1 AND ($2::uuid IS NULL OR c.client_id = $2::uuid)"
                 "   FOR NO KEY UPDATE OF l",
                 db_text(conversation_id), db_text(client_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "conversation_id", "there is no such conversation");
    *ret_writing = (struct writing){
        .client_id = arena_strdup(arena, db_get(rows, 0, "client_id")),
        .conversation_id = arena_strdup(arena, db_get(rows, 0, "conversation_id")),
        .lead_id = arena_strdup(arena, db_get(rows, 0, "lead_id")),
        .channel = arena_strdup(arena, db_get(rows, 0, "channel")),
        .lead_address = arena_strdup(arena, db_get(rows, 0, "lead_address")),
        .our_address = arena_strdup(arena, db_get(rows, 0, "our_address")),
        .client_name = arena_strdup(arena, db_get(rows, 0, "client_name")),
        .config = arena_strdup(arena, db_get(rows, 0, "config")),
        .our_address_is_ours = db_get_bool(rows, 0, "our_address_is_ours"),
        .lead_is_us = db_get_bool(rows, 0, "lead_is_us"),
        .opted_out = db_get_bool(rows, 0, "opted_out"),
        .first_message = db_get_bool(rows, 0, "first_message"),
        .recent = db_get_bool(rows, 0, "recent"),
        .window_open = db_get_bool(rows, 0, "window_open"),
    };
    return ret_writing->config ? 0 : err_set(err, ERR_INTERNAL, "a message: out of memory");
}

/* The lead before the conversation, as the gateway does it. */
int writing_open(struct db_tx *tx, const char *client_id, const char *channel, const char *phone,
                 const char *our_address, char ret_conversation_id[UUID_SIZE], struct err *err)
{
    AUTO(db_result_free) struct db_result *lead = NULL, *conversation = NULL;
    char lead_id[UUID_SIZE], conversation_id[UUID_SIZE];

    uuid_new(lead_id);
    uuid_new(conversation_id);
    if (db_query(tx, &lead, err,
                 "INSERT INTO leads (client_id, lead_id, phone) VALUES ($1, $2, $3)"
                 "    ON CONFLICT ON CONSTRAINT leads_phone DO UPDATE SET phone = excluded.phone"
                 " RETURNING lead_id",
                 db_text(client_id), db_text(lead_id), db_text(phone)) < 0 ||
        db_query(tx, &conversation, err,
                 "INSERT INTO conversations (client_id, conversation_id, lead_id, channel, lead_address, our_address)"
                 "VALUES ($1, $2, $3, $4, $5, $6)"
                 "    ON CONFLICT ON CONSTRAINT conversations_lead_channel DO UPDATE SET updated_at = now()"
                 " RETURNING conversation_id",
                 db_text(client_id), db_text(conversation_id), db_text(db_get(lead, 0, "lead_id")), db_text(channel),
                 db_text(phone), db_text(our_address)) < 0)
        return -1;
    snprintf(ret_conversation_id, UUID_SIZE, "%s", db_get(conversation, 0, "conversation_id"));
    return 0;
}

int64_t writing_raise_epoch(struct db_tx *tx, const struct writing *writing, const char *our_address, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "UPDATE conversations c"
                 "   SET epoch = epoch + 1, our_address = $3, lead_address = $4, updated_at = now(),"
                 "       state = CASE state WHEN 'closed' THEN 'open' ELSE state END,"
                 "       answered_seq = greatest(answered_seq, (SELECT max(m.seq) FROM messages m"
                 "                       WHERE m.client_id = c.client_id AND m.conversation_id = c.conversation_id))"
                 " WHERE client_id = $1 AND conversation_id = $2"
                 " RETURNING epoch",
                 db_text(writing->client_id), db_text(writing->conversation_id), db_text(our_address),
                 db_text(writing->lead_address)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_CONFLICT, "the conversation is gone");
    if (db_query(tx, NULL, err,
                 "UPDATE messages SET epoch = $3, updated_at = now()"
                 " WHERE client_id = $1 AND conversation_id = $2 AND author = 'human' AND state = 'queued'",
                 db_text(writing->client_id), db_text(writing->conversation_id), db_text(db_get(rows, 0, "epoch"))) < 0)
        return -1;
    return db_get_int(rows, 0, "epoch");
}

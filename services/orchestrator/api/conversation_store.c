/* conversation_store.c - see conversation_store.h. */
#include "services/orchestrator/api/conversation_store.h"

#include <inttypes.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/page.h"
#include "libshared/text.h"
#include "libshared/twilio_codes.h"
#include "libshared/uuid.h"
#include "proto/conversations.h"
#include "services/orchestrator/api/cursor.h"

#define CONVERSATION_COLUMNS                                                                                 \
    "c.client_id, c.conversation_id, c.lead_id, c.channel, c.lead_address, c.our_address, c.state,"          \
    " c.escalation_reason, c.taken_over_by, c.taken_over_at, l.score, l.score_reason, l.name AS lead_name, " \
    "l.service_interest, l.urgency,"                                                                         \
    " l.budget_range, l.timeline, l.opted_out_at, c.created_at, c.updated_at"

#define MESSAGE_COLUMNS                                                                                        \
    "client_id, message_id, seq, conversation_id, direction, author, channel, from_address, to_address, body," \
    " state, provider_sid, error_code, error_text, CASE direction WHEN 'out' THEN purpose END AS purpose,"     \
    " follow_up, content_sid, content_variables, media, form - 'content_hash' AS form, segments, turn_id, "    \
    "created_at, sent_at"

int conversation_store_get(struct db_tx *tx, const char *conversation_id, struct arena *arena,
                           struct conversation *ret_conversation, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT " CONVERSATION_COLUMNS "  FROM conversations c JOIN leads l USING (client_id, lead_id)"
                 " WHERE c.conversation_id = $1",
                 db_text(conversation_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "conversation_id", "there is no such conversation");
    return codec_from_row(&conversation_type, rows, 0, arena, ret_conversation, err);
}

int conversation_store_list(struct db_tx *tx, const struct list_conversations *request, struct arena *arena,
                            struct conversation_page *ret_page, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct conversation *last;
    struct cursor before;
    int n;

    if (cursor_read(request->after, arena, &before, err) < 0 ||
        (n = db_query(tx, &rows, err,
                      "SELECT " CONVERSATION_COLUMNS "  FROM conversations c JOIN leads l USING (client_id, lead_id)"
                      " WHERE ($1::uuid IS NULL OR c.client_id = $1::uuid)"
                      "   AND ($2::text IS NULL OR c.state = $2::text)"
                      "   AND ($3::text IS NULL OR c.lead_address = $3::text)"
                      "   AND ($5::uuid IS NULL OR (c.updated_at, c.conversation_id)"
                      "        < ('epoch'::timestamptz + $4::bigint * interval '1 microsecond', $5::uuid))"
                      " ORDER BY c.updated_at DESC, c.conversation_id DESC"
                      " LIMIT $6::bigint + 1",
                      db_text(request->client_id), db_text(request->state), db_text(request->lead_address),
                      db_int(before.value), db_text(before.id), db_int(request->limit))) < 0 ||
        !(ret_page->items = page_from_rows(&conversation_type, rows, request->limit, arena, &ret_page->n_items, err)))
        return -1;
    if (ret_page->n_items == (size_t)n)
        return 0;
    last = &ret_page->items[ret_page->n_items - 1];
    return cursor_make(last->updated_at, last->conversation_id, arena, &ret_page->next_after, err);
}

/* ---- whose it is ---- */

int conversation_store_take_over(struct db_tx *tx, const struct conversation *conversation, const char *who,
                                 const char *reason, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    char event_id[UUID_SIZE];

    uuid_new(event_id);
    if (db_query(tx, &rows, err, "SELECT take_over_conversation($1, $2, $3, $4, $5) AS changed",
                 db_text(conversation->client_id), db_text(conversation->conversation_id), db_text(event_id),
                 db_text(who), db_text(reason)) < 0)
        return -1;
    return db_get_bool(rows, 0, "changed");
}

int conversation_store_release(struct db_tx *tx, const struct conversation *conversation, const char *who,
                               const char *note, bool *ret_unanswered, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    char event_id[UUID_SIZE];

    uuid_new(event_id);
    if (db_query(tx, &rows, err, "SELECT changed, unanswered FROM release_conversation($1, $2, $3, $4, $5)",
                 db_text(conversation->client_id), db_text(conversation->conversation_id), db_text(event_id),
                 db_text(who), db_text(note)) < 0)
        return -1;
    *ret_unanswered = db_get_bool(rows, 0, "unanswered");
    return db_get_bool(rows, 0, "changed");
}

int conversation_store_close(struct db_tx *tx, const struct conversation *conversation, const char *who,
                             const char *reason, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    char event_id[UUID_SIZE];

    uuid_new(event_id);
    if (db_query(tx, &rows, err, "SELECT close_conversation($1, $2, $3, $4, $5) AS changed",
                 db_text(conversation->client_id), db_text(conversation->conversation_id), db_text(event_id),
                 db_text(who), db_text(reason)) < 0)
        return -1;
    return db_get_bool(rows, 0, "changed");
}

/* A callback that tells a code need not tell it in words. */
static void put_words(struct message *message)
{
    if (message->error_code && (!message->error_text || !*message->error_text))
        message->error_text = twilio_code_text((int)message->error_code);
}

int message_store_get(struct db_tx *tx, const char *message_id, struct arena *arena, struct message *ret_message,
                      struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err, "SELECT " MESSAGE_COLUMNS " FROM messages WHERE message_id = $1",
                 db_text(message_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "message_id", "there is no such message");
    if (codec_from_row(&message_type, rows, 0, arena, ret_message, err) < 0)
        return -1;
    put_words(ret_message);
    return 0;
}

int message_store_list(struct db_tx *tx, const struct conversation *conversation, const struct list_messages *request,
                       struct arena *arena, struct message_page *ret_page, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int64_t after_seq = -1;
    int n;

    if (request->after && !text_to_int(request->after, 0, INT64_C(1000000000000000), &after_seq))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of a page");
    if ((n = db_query(tx, &rows, err,
                      "SELECT " MESSAGE_COLUMNS "  FROM messages"
                      " WHERE client_id = $1 AND conversation_id = $2 AND seq > $3"
                      " ORDER BY seq"
                      " LIMIT $4::bigint + 1",
                      db_text(conversation->client_id), db_text(conversation->conversation_id), db_int(after_seq),
                      db_int(request->limit))) < 0 ||
        !(ret_page->items = page_from_rows(&message_type, rows, request->limit, arena, &ret_page->n_items, err)))
        return -1;
    for (size_t i = 0; i < ret_page->n_items; i++)
        put_words(&ret_page->items[i]);
    if (ret_page->n_items == (size_t)n)
        return 0;
    ret_page->next_after = arena_printf(arena, "%" PRId64, ret_page->items[ret_page->n_items - 1].seq);
    return ret_page->next_after ? 0 : err_set(err, ERR_INTERNAL, "messages: out of memory");
}

/* turns.c - the requests that explain a message, show a turn, and decide it again. */
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "proto/turns.h"
#include "services/orchestrator/api/turns.h"
#include "services/orchestrator/api/why.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/turn/turn_history.h"
#include "services/orchestrator/turn/turn_replay.h"

int on_explain_message(struct worker *self, struct call *call, struct err *err)
{
    const struct explain_message *request = call->request;

    (void)self;
    return why_message(call->tx, request->message_id, call->arena, call->reply, err);
}

int on_get_turn(struct worker *self, struct call *call, struct err *err)
{
    const struct get_turn *request = call->request;
    AUTO(db_result_free) struct db_result *rows = NULL;

    (void)self;
    if (db_query(
            call->tx, &rows, err,
            "SELECT t.client_id, t.turn_id, t.conversation_id, t.agent, t.created_at,"
            "       (SELECT m.message_id FROM messages m WHERE m.client_id = t.client_id"
            "           AND m.conversation_id = t.conversation_id AND m.turn_id = t.turn_id LIMIT 1) AS message_id,"
            "       CASE WHEN octet_length(t.record::text) <= 700000 THEN t.record::text END AS record"
            "  FROM turns t WHERE t.turn_id = $1",
            db_text(request->turn_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "turn_id", "there is no such turn");
    return codec_from_row(&turn_record_type, rows, 0, call->arena, call->reply, err);
}

/* The turns before, of one client. */
struct turns_before {
    struct db_tx *tx;
    const char *client_id;
};

static int load_exchanges(void *arg, struct decision_input *in, struct arena *arena, struct err *err)
{
    const struct turns_before *before = arg;

    return turn_history_exchanges(before->tx, before->client_id, in, arena, err);
}

int turns_replay(struct db_tx *tx, const char *turn_id, struct arena *arena, struct replayed_turn *ret, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct turns_before before = {.tx = tx};
    const char *record;

    if (db_query(
            tx, &rows, err,
            "SELECT t.client_id, t.turn_id, t.conversation_id, c.lead_id, t.agent, t.created_at, 'cannot' AS outcome,"
            "       '-' AS code_now, t.record"
            "  FROM turns t JOIN conversations c USING (client_id, conversation_id) WHERE t.turn_id = $1",
            db_text(turn_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "turn_id", "there is no such turn");
    if (codec_from_row(&replayed_turn_type, rows, 0, arena, ret, err) < 0)
        return -1;
    record = db_get(rows, 0, "record");
    before.client_id = db_get(rows, 0, "client_id");
    return turn_replay(record, strlen(record), &(struct replay_exchanges){load_exchanges, &before}, arena, ret, err);
}

int on_replay_turn(struct worker *self, struct call *call, struct err *err)
{
    const struct replay_turn *request = call->request;

    (void)self;
    return turns_replay(call->tx, request->turn_id, call->arena, call->reply, err);
}

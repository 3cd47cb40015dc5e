/* follow_up_store.c - see follow_up_store.h. */
#include "services/orchestrator/later/follow_up_store.h"

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/tasks.h"
#include "services/orchestrator/turn/turn.h"

/* The zone that a lead's own time is told in. */
#define LEAD_ZONE "coalesce((leadwire_zone(l.timezone))[1], k.timezone)"

/* Since the moment, in milliseconds. */
#define AGE_MS(moment) "coalesce((extract(epoch FROM now() - " moment ") * 1000)::bigint, 0)"

static int lock_conversation(struct db_tx *tx, const char *client_id, const char *conversation_id, struct err *err)
{
    return db_query(tx, NULL, err, "SELECT lock_conversation($1, $2)", db_text(client_id), db_text(conversation_id)) < 0
               ? -1
               : 0;
}

/* In a statement of its own: it sees all that was committed before the locks were had. */
static int read_state(struct db_tx *tx, const struct follow_up *wanted, struct arena *arena,
                      struct follow_up_state *state, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(
            tx, &rows, err,
            "SELECT c.state, c.epoch, l.name, lead_wrote_since($1, c.lead_id, $3::bigint) AS wrote_since,"
            "       EXISTS (SELECT FROM messages m WHERE m.client_id = $1 AND m.conversation_id = $2"
            "                  AND m.direction = 'in' AND m.seq > c.answered_seq) AS unanswered,"
            "       EXISTS (SELECT FROM messages m WHERE m.client_id = $1 AND m.conversation_id = $2"
            "                  AND m.direction = 'in' AND m.channel <> 'form')"
            "       OR EXISTS (SELECT FROM consents s WHERE s.client_id = $1 AND s.lead_id = c.lead_id"
            "                     AND s.kind NOT IN ('out', 'help')) AS may_be_written_to,"
            "       a.state AS answer_state, " AGE_MS(
                "a.sent_at") " AS answer_age_ms,"
                             "       p.state AS previous_state, " AGE_MS(
                                 "p.sent_at") " AS previous_age_ms,"
                                              "       " AGE_MS(
                                                  "($6::timestamp AT TIME ZONE " LEAD_ZONE
                                                  ")") " AS asked_age_ms,"
                                                       "       ($6::timestamp)::date = (now() AT TIME ZONE " LEAD_ZONE
                                                       ")::date AS asked_today,"
                                                       "       hours_wait_ms($1, coalesce(l.phone, c.lead_address), "
                                                       "l.timezone) AS allowed_in_ms"
                                                       "  FROM conversations c"
                                                       "  JOIN leads l USING (client_id, lead_id)"
                                                       "  JOIN clients k USING (client_id)"
                                                       "  LEFT JOIN messages a ON a.client_id = $1 AND a.message_id = "
                                                       "$4::uuid"
                                                       "  LEFT JOIN messages p ON p.client_id = $1 AND p.message_id = "
                                                       "$5::uuid"
                                                       " WHERE c.client_id = $1 AND c.conversation_id = $2",
            db_text(state->writing.client_id), db_text(wanted->conversation_id), db_int(wanted->after_seq),
            db_text(wanted->answer_id), db_text(wanted->previous_id), db_text(wanted->write_at)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "the conversation is gone");
    state->state = arena_strdup(arena, db_get(rows, 0, "state"));
    state->epoch = db_get_int(rows, 0, "epoch");
    state->lead_name = arena_strdup(arena, db_get(rows, 0, "name"));
    state->wrote_since = db_get_bool(rows, 0, "wrote_since");
    state->unanswered = db_get_bool(rows, 0, "unanswered");
    state->may_be_written_to = db_get_bool(rows, 0, "may_be_written_to");
    state->answer_state = arena_strdup(arena, db_get(rows, 0, "answer_state"));
    state->answer_age_ms = db_get_int(rows, 0, "answer_age_ms");
    state->previous_state = arena_strdup(arena, db_get(rows, 0, "previous_state"));
    state->previous_age_ms = db_get_int(rows, 0, "previous_age_ms");
    state->asked_age_ms = db_get_int(rows, 0, "asked_age_ms");
    state->asked_today = db_get_bool(rows, 0, "asked_today");
    state->allowed_in_ms = db_get_int(rows, 0, "allowed_in_ms");
    return state->state ? 0 : err_set(err, ERR_INTERNAL, "a follow-up: out of memory");
}

int follow_up_store_load(struct db_tx *tx, const char *client_id, const struct follow_up *wanted, struct arena *arena,
                         struct follow_up_state *ret_state, struct err *err)
{
    struct follow_up_state state = {0};

    if (writing_find(tx, client_id, wanted->conversation_id, arena, &state.writing, err) < 0 ||
        lock_conversation(tx, client_id, wanted->conversation_id, err) < 0 ||
        read_state(tx, wanted, arena, &state, err) < 0)
        return -1;
    *ret_state = state;
    return 0;
}

int follow_up_store_cancel(struct db_tx *tx, const char *client_id, const char *lead_id, const char *conversation_id,
                           const char *why, struct err *err)
{
    return db_query(tx, NULL, err, "SELECT cancel_follow_ups($1, $2, $3, $4)", db_text(client_id), db_text(lead_id),
                    db_text(conversation_id), db_text(why)) < 0
               ? -1
               : 0;
}

int follow_up_store_refused(struct db_tx *tx, const struct turn *turn, struct err *err)
{
    if (lock_conversation(tx, turn->client_id, turn->conversation_id, err) < 0)
        return -1;
    if (db_query(tx, NULL, err,
                 "UPDATE messages m SET state = 'dropped', updated_at = now(),"
                 "       error_text = 'the lead asks not to be texted'"
                 "  FROM conversations c"
                 " WHERE c.client_id = $1 AND c.lead_id = $2 AND m.client_id = $1"
                 "   AND m.conversation_id = c.conversation_id AND m.direction = 'out' AND m.purpose = 'started'"
                 "   AND m.author = 'agent' AND m.state = 'queued'",
                 db_text(turn->client_id), db_text(turn->lead_id)) < 0)
        return -1;
    return follow_up_store_cancel(tx, turn->client_id, turn->lead_id, NULL, "void: the lead asks not to be texted",
                                  err);
}

int follow_up_store_delay(struct db_tx *tx, const struct turn *turn, const char *write_at, int64_t *ret_ms,
                          struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT ceil(extract(epoch FROM message_allowed_at("
                 "           $3, l.timezone, k.timezone, k.config->>'allowed_hours',"
                 "           greatest($4::timestamp AT TIME ZONE " LEAD_ZONE ", now())) - now()) * 1000)::bigint AS ms"
                 "  FROM leads l JOIN clients k USING (client_id)"
                 " WHERE l.client_id = $1 AND l.lead_id = $2",
                 db_text(turn->client_id), db_text(turn->lead_id), db_text(turn->lead_address), db_text(write_at)) < 0)
        return -1;
    *ret_ms = db_result_count(rows) > 0 ? db_get_int(rows, 0, "ms") : 0;
    return 0;
}

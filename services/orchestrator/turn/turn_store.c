/* turn_store.c - see turn_store.h. */
#include "services/orchestrator/turn/turn_store.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "proto/client_keys.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/greeting/form_note.h"
#include "services/orchestrator/scripted/person_asks.h"
#include "services/orchestrator/turn/loop.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_history.h"

#define BURST_MAX_US 4000000 /* as the gateway waits at most, see accept_inbound */

static int64_t get_time(const struct db_result *rows, int row, const char *column)
{
    const char *text = db_get(rows, row, column);
    int64_t us = 0;

    return text && clock_parse(text, &us) == 0 ? us : 0;
}

static const char *copy(const struct db_result *rows, const char *column, struct arena *arena)
{
    return arena_strdup(arena, db_get(rows, 0, column));
}

/* Words between spaces, at most 32 of them; NULL has none. */
static const char **split(const char *words, struct arena *arena, size_t *ret_n)
{
    const char **parts = words ? arena_calloc(arena, 32, sizeof *parts) : NULL;

    for (*ret_n = 0; parts && *words && *ret_n < 32; words += strspn(words, " ")) {
        size_t len = strcspn(words, " ");

        if (!(parts[*ret_n] = arena_strndup(arena, words, len)))
            break;
        ++*ret_n;
        words += len;
    }
    return parts;
}

static void read_lead(const struct db_result *rows, struct arena *arena, struct decision_lead *lead)
{
    lead->score = copy(rows, "score", arena);
    lead->score_reason = copy(rows, "score_reason", arena);
    lead->name = copy(rows, "lead_name", arena);
    lead->service_interest = copy(rows, "service_interest", arena);
    lead->urgency = copy(rows, "urgency", arena);
    lead->budget_range = copy(rows, "budget_range", arena);
    lead->timeline = copy(rows, "timeline", arena);
    lead->email = copy(rows, "email", arena);
    lead->evidence = copy(rows, "evidence", arena);
    lead->was_hot = db_get_bool(rows, 0, "was_hot");
}

#define TEXT_OF_(x) #x
#define TEXT_OF(x)  TEXT_OF_(x)

/* Why a person was called, within the client's hours. What few conversations have is asked of functions, see
 * migrations/0171. */
#define ESCALATIONS                                             \
    "CASE WHEN c.state = 'escalated' THEN"                      \
    " conversation_escalations(c.client_id, c.conversation_id," \
    "     coalesce((k.config->>'alert_again_after_hours')::integer, " TEXT_OF(CLIENT_ALERT_AGAIN_DEFAULT) ")) END"

/* Conversation, lead and client. $1: client, $2: conversation. */
#define LOAD_CONVERSATION                                                                                    \
    "SELECT c.lead_id, c.channel, c.lead_address, c.our_address, c.state, c.epoch, c.answered_seq,"          \
    "       c.read_seq, c.handover_note, " ESCALATIONS " AS escalations,"                                    \
    "       l.name AS lead_name, l.score, l.score_reason, l.service_interest, l.urgency, l.budget_range,"    \
    "       l.timeline, l.email, l.evidence, l.hot_at IS NOT NULL AS was_hot, l.opted_out_at IS NOT NULL "   \
    "AS opted_out,"                                                                                          \
    "       EXISTS (SELECT FROM messages m"                                                                  \
    "                WHERE m.client_id = c.client_id AND m.conversation_id = c.conversation_id"              \
    "                  AND m.direction = 'out' AND m.purpose = 'started' AND m.author = 'agent'"             \
    "                  AND m.state = 'queued' AND m.turn_id IS NOT NULL) AS greeting_waits,"                 \
    "       NOT EXISTS (SELECT FROM conversations o JOIN messages m USING (client_id, conversation_id)"      \
    "                    WHERE o.client_id = c.client_id AND o.lead_id = c.lead_id"                          \
    "                      AND m.direction = 'out' AND m.purpose IN ('reply', 'started')"                    \
    "                      AND m.state NOT IN ('dropped', 'failed', 'undelivered')"                          \
    "                      AND (m.state <> 'queued' OR m.purpose <> 'started')) AS first_message,"           \
    "       CASE WHEN k.config ? 'monthly_budget_usd'"                                                       \
    "            THEN client_month_spent(c.client_id) END AS month_spent,"                                   \
    "       k.name AS client_name, k.timezone, k.config, k.config_version, now() AS now,"                    \
    "       to_char(now() AT TIME ZONE k.timezone, 'FMDay YYYY-MM-DD HH24:MI') AS local_time,"               \
    "       z.zone AS lead_timezone,"                                                                        \
    "       to_char(now() AT TIME ZONE z.zone, 'FMDay YYYY-MM-DD HH24:MI') AS lead_local_time,"              \
    "       f.task_id IS NOT NULL AS follow_up_waits,"                                                       \
    "       CASE WHEN f.task_id IS NOT NULL THEN follow_up_write_at(c.client_id, f.task_id) END AS write_at" \
    "  FROM conversations c"                                                                                 \
    "  JOIN leads l USING (client_id, lead_id)"                                                              \
    "  JOIN clients k USING (client_id)"                                                                     \
    " CROSS JOIN LATERAL (SELECT (leadwire_zone(l.timezone))[1] AS zone) z"                                  \
    "  LEFT JOIN LATERAL (SELECT t.task_id FROM tasks t"                                                     \
    "                      WHERE t.client_id = c.client_id AND t.state <> 'dead'"                            \
    "                        AND t.serial_key = 'follow_up:' || c.conversation_id"                           \
    "                      LIMIT 1) f ON true"                                                               \
    " WHERE c.client_id = $1 AND c.conversation_id = $2"

static int read_conversation(const struct db_result *rows, struct arena *arena, struct turn *turn, struct err *err)
{
    struct decision_input *in = &turn->in;

    if (db_result_count(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "the conversation is gone");
    turn->lead_id = copy(rows, "lead_id", arena);
    turn->channel = copy(rows, "channel", arena);
    turn->lead_address = copy(rows, "lead_address", arena);
    turn->our_address = copy(rows, "our_address", arena);
    turn->epoch = db_get_int(rows, 0, "epoch");
    turn->opted_out = db_get_bool(rows, 0, "opted_out");
    turn->follow_up_waits = db_get_bool(rows, 0, "follow_up_waits");
    turn->greeting_waits = db_get_bool(rows, 0, "greeting_waits");
    turn->stored_config = copy(rows, "config", arena);
    read_lead(rows, arena, &turn->lead);
    *in = (struct decision_input){
        .now = get_time(rows, 0, "now"),
        .local_time = copy(rows, "local_time", arena),
        .client_name = copy(rows, "client_name", arena),
        .timezone = copy(rows, "timezone", arena),
        .channel = turn->channel,
        .config_version = db_get_int(rows, 0, "config_version"),
        .state = copy(rows, "state", arena),
        .lead_timezone = copy(rows, "lead_timezone", arena),
        .lead_local_time = copy(rows, "lead_local_time", arena),
        .write_at = copy(rows, "write_at", arena),
        .lead = &turn->lead,
        .first_message = db_get_bool(rows, 0, "first_message"),
        .read_seq = db_get_int(rows, 0, "read_seq"),
        .handover_note = copy(rows, "handover_note", arena),
        .month_spent = db_get_int(rows, 0, "month_spent"),
    };
    in->escalations = split(db_get(rows, 0, "escalations"), arena, &in->n_escalations);
    turn->answered_seq = db_get_int(rows, 0, "answered_seq");
    if (!turn->stored_config || !(in->config = client_config_show(turn->stored_config, arena, err)))
        return -1;
    return 0;
}

#define LOAD_UNANSWERED                                                                                \
    "SELECT seq, author, body, media, form, created_at, turn_id"                                       \
    "  FROM messages"                                                                                  \
    " WHERE client_id = $1 AND conversation_id = $2 AND direction = 'in' AND seq > " TURN_ANSWERED_SEQ \
    " ORDER BY seq DESC"                                                                               \
    " LIMIT $3"

/* Rows newest first. Where a form asks nothing, there is nothing to answer: the lead is greeted. */
static int read_forms(const struct db_result *rows, struct arena *arena, struct turn *turn, struct err *err)
{
    int n = db_result_count(rows);
    bool asks = false, texted = false;

    turn->only_forms = n > 0;
    for (int i = 0; i < n; i++) {
        const char *form = db_get(rows, i, "form");

        turn->only_forms = turn->only_forms && form;
        asks = asks || text_has_word(db_get(rows, i, "body"));
        texted = texted || !form;
        turn->refuses_texts = turn->refuses_texts || (!texted && form_refuses_texts(form));
        if (form && (i == 0 || turn->over_bound))
            turn->over_bound = form_over_bound(form);
        if (form && !turn->form && !(turn->form = arena_strdup(arena, form)))
            return err_set(err, ERR_INTERNAL, "turn: out of memory");
    }
    turn->in.greet = turn->only_forms && !asks;
    turn->in.form_language = turn->form ? form_language(turn->form, arena) : NULL;
    return 0;
}

static int read_unanswered(const struct db_result *rows, struct arena *arena, struct turn *turn, struct err *err)
{
    int n = db_result_count(rows);

    if (!(turn->in.unanswered = turn_messages(rows, arena)))
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    turn->in.n_unanswered = (size_t)n;
    turn->last_seq = n > 0 ? turn->in.unanswered[n - 1].seq : turn->answered_seq;
    if (n > 0 && turn->in.now > turn->in.unanswered[0].created_at)
        turn->waited_ms = (turn->in.now - turn->in.unanswered[0].created_at) / 1000;
    return read_forms(rows, arena, turn, err);
}

/* What the turn before left for this one. */
#define LOAD_LAST_TURN                               \
    "SELECT misses, asked, history_from"             \
    "  FROM turns"                                   \
    " WHERE client_id = $1 AND conversation_id = $2" \
    " ORDER BY created_at DESC"                      \
    " LIMIT 1"

/* Only counted where there may be many: where the history is long and recent. */
static int load_recent_answers(struct db_pool *pool, struct turn *turn, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct decision_input *in = &turn->in;

    if (in->n_history < LOOP_HISTORY_MIN || in->history[0].created_at < in->now - LOOP_ANSWERS_WINDOW_US)
        return 0;
    if (db_run(pool, turn->client_id, &rows, err,
               "SELECT count(*) AS n"
               "  FROM (SELECT author, created_at FROM messages"
               "         WHERE client_id = $1 AND conversation_id = $2 ORDER BY seq DESC LIMIT $3) m"
               " WHERE m.author = 'agent' AND m.created_at > now() - $4::bigint * interval '1 microsecond'",
               db_text(turn->client_id), db_text(turn->conversation_id), db_int(4 * LOOP_ANSWERS_MAX),
               db_int(LOOP_ANSWERS_WINDOW_US)) < 0)
        return -1;
    in->recent_answers = db_get_int(rows, 0, "n");
    return 0;
}

/* Where a person has written last, what our agent asked for before is beside the point. */
static void heed_person(struct arena *arena, struct decision_input *in)
{
    size_t i = in->n_history;

    while (i > 0 && strcmp(in->history[i - 1].author, "lead") == 0)
        i--;
    if (i == 0 || strcmp(in->history[i - 1].author, "human") != 0)
        return;
    in->misses = 0;
    in->asked = person_asks(arena, in->history[i - 1].body);
}

static int read_turn(const struct db_ask asks[5], struct arena *arena, struct turn *turn, size_t window_tokens,
                     struct err *err)
{
    if (read_conversation(asks[0].rows, arena, turn, err) < 0 || read_unanswered(asks[1].rows, arena, turn, err) < 0)
        return -1;
    if (db_result_count(asks[2].rows) > 0) {
        turn->in.misses = db_get_int(asks[2].rows, 0, "misses");
        turn->in.asked = copy(asks[2].rows, "asked", arena);
        turn->history_from = db_get_int(asks[2].rows, 0, "history_from");
    }
    if (turn_history_read(asks[3].rows, asks[4].rows, arena, turn, window_tokens, err) < 0)
        return -1;
    heed_person(arena, &turn->in);
    return 0;
}

int turn_store_load(struct db_pool *pool, const char *client_id, const char *conversation_id, struct arena *arena,
                    size_t window_tokens, struct turn *ret_turn, struct err *err)
{
    struct db_arg client = db_text(client_id), conversation = db_text(conversation_id);
    struct db_ask asks[] = {
        DB_ASK(LOAD_CONVERSATION, client, conversation),
        DB_ASK(LOAD_UNANSWERED, client, conversation, db_int(DECISION_UNANSWERED_MAX)),
        DB_ASK(LOAD_LAST_TURN, client, conversation),
        DB_ASK(TURN_HISTORY_MESSAGES, client, conversation, db_int(DECISION_HISTORY_MAX + 1)),
        DB_ASK(TURN_HISTORY_EXCHANGES, client, conversation, db_int(turn_history_bytes(window_tokens)),
               db_int(DECISION_EXCHANGES_MAX)),
    };
    int rc;

    *ret_turn = (struct turn){.client_id = client_id, .conversation_id = conversation_id, .purpose = "reply"};
    uuid_new(ret_turn->turn_id);
    uuid_new(ret_turn->message_id);
    if (db_run_together(pool, client_id, asks, COUNT_OF(asks), err) < 0)
        return -1;
    rc = read_turn(asks, arena, ret_turn, window_tokens, err);
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        db_result_free(&asks[i].rows);
    return rc < 0 ? -1 : load_recent_answers(pool, ret_turn, err);
}

/* The conversation is locked before its messages, as who erases a lead does it. */
int turn_store_take_back(struct db_tx *tx, const struct turn *turn, struct err *err)
{
    if (db_query(tx, NULL, err,
                 "SELECT FROM conversations WHERE client_id = $1 AND conversation_id = $2 FOR NO KEY UPDATE",
                 db_text(turn->client_id), db_text(turn->conversation_id)) < 0 ||
        db_query(tx, NULL, err,
                 "WITH taken AS ("
                 "    UPDATE messages SET state = 'dropped', updated_at = now(),"
                 "           error_text = 'the lead wrote before it was sent: the answer to that covers it'"
                 "     WHERE client_id = $1 AND conversation_id = $2 AND direction = 'out' AND purpose = 'started'"
                 "       AND author = 'agent' AND state = 'queued' AND turn_id IS NOT NULL"
                 "    RETURNING answers_after)"
                 "UPDATE conversations SET answered_seq = least(answered_seq, (SELECT min(answers_after) FROM taken))"
                 " WHERE client_id = $1 AND conversation_id = $2",
                 db_text(turn->client_id), db_text(turn->conversation_id)) < 0)
        return -1;
    return 0;
}

/* Another turn has answered a part of what this one answers. */
static int check_partly(struct db_tx *tx, const struct turn *turn, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(tx, &rows, err,
                     "SELECT FROM conversations WHERE client_id = $1 AND conversation_id = $2 AND answered_seq < $3"
                     "                            AND epoch = $4 AND answered_seq <> $5",
                     db_text(turn->client_id), db_text(turn->conversation_id), db_int(turn->last_seq),
                     db_int(turn->epoch), db_int(turn->answered_seq));

    return n > 0 ? err_set(err, ERR_CONFLICT, "a part of the messages has been answered by another turn") : n;
}

int64_t turn_store_burst_ends_us(const struct turn *turn)
{
    return turn->in.n_unanswered > 0 ? turn->in.unanswered[0].created_at + BURST_MAX_US : 0;
}

int turn_store_answered_send(struct db_tx *tx, const struct turn *turn, struct db_result **ret_rows, struct err *err)
{
    return db_send_for(tx, ret_rows, err,
                       "UPDATE conversations"
                       "   SET answered_seq = $3, read_seq = $3,"
                       "       state = CASE WHEN state = 'open' AND $4::boolean THEN 'escalated' ELSE state END,"
                       "       escalation_reason = CASE WHEN $4::boolean THEN $5 ELSE escalation_reason END,"
                       "       updated_at = now()"
                       " WHERE client_id = $1 AND conversation_id = $2 AND answered_seq = $7 AND epoch = $6"
                       "   AND NOT (clock_timestamp() < 'epoch'::timestamptz + $8::bigint * interval '1 microsecond'"
                       "            AND EXISTS (SELECT FROM tasks t WHERE t.client_id = $1 AND t.serial_key = $9"
                       "                           AND t.kind = 'process_ai_response' AND t.state = 'ready'"
                       "                           AND t.attempt = 0))"
                       "RETURNING conversation_id",
                       db_text(turn->client_id), db_text(turn->conversation_id), db_int(turn->last_seq),
                       db_bool(turn->out.escalate), db_text(turn->out.escalation_reason), db_int(turn->epoch),
                       db_int(turn->answered_seq), db_int(turn_store_burst_ends_us(turn)),
                       db_text(turn->conversation_id));
}

int turn_store_answered_read(struct db_tx *tx, const struct turn *turn, const struct db_result *rows, struct err *err)
{
    return db_result_count(rows) == 0 ? check_partly(tx, turn, err) : 1;
}

int turn_store_answered(struct db_tx *tx, const struct turn *turn, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (turn_store_answered_send(tx, turn, &rows, err) < 0 || db_read(tx, err) < 0)
        return -1;
    return turn_store_answered_read(tx, turn, rows, err);
}

int turn_store_escalation(struct db_tx *tx, const struct turn *turn, bool alerted, struct err *err)
{
    char event_id[UUID_SIZE];

    uuid_new(event_id);
    return db_send(
        tx, err,
        "INSERT INTO conversation_events (client_id, conversation_id, event_id, kind, cause, reason, alerted,"
        "                                 turn_id, epoch)"
        "VALUES ($1, $2, $3, 'escalated', $4, $5, $6, $7, $8)",
        db_text(turn->client_id), db_text(turn->conversation_id), db_text(event_id), db_text(turn->out.cause),
        db_text(turn->out.escalation_reason), db_bool(alerted), db_text(turn->record ? turn->turn_id : NULL),
        db_int(turn->epoch));
}

/* An address that another lead has is not taken from it. The row is locked by old: of two turns of one lead, in two
 * conversations, the second sees what the first has made of it. */
int turn_store_lead_send(struct db_tx *tx, const struct turn *turn, int alert_again_after_hours,
                         struct db_result **ret_rows, struct err *err)
{
    const struct decision_output *out = &turn->out;

    return db_send_for(
        tx, ret_rows, err,
        "WITH old AS ("
        "    SELECT score, $3 = 'HOT' AND score <> 'HOT'"
        "                  AND (hot_alerted_at IS NULL OR hot_alerted_at <= now() - make_interval(hours => $4))"
        "                  AS alert"
        "      FROM leads WHERE client_id = $1 AND lead_id = $2 FOR UPDATE),"
        " new AS ("
        "    UPDATE leads l"
        "       SET score = $3, score_reason = $5, name = $6, service_interest = $7, urgency = $8,"
        "           budget_range = $9, timeline = $10, evidence = coalesce($11, l.evidence),"
        "           email = CASE WHEN $12::text IS NULL"
        "                          OR EXISTS (SELECT FROM leads o WHERE o.client_id = $1 AND o.email = $12"
        "                                                           AND o.lead_id <> $2)"
        "                        THEN l.email ELSE $12 END,"
        "           hot_at = CASE WHEN $3 = 'HOT' THEN coalesce(hot_at, now()) ELSE hot_at END,"
        "           hot_alerted_at = CASE WHEN old.alert THEN now() ELSE hot_alerted_at END,"
        "           updated_at = now()"
        "      FROM old"
        "     WHERE l.client_id = $1 AND l.lead_id = $2"
        "    RETURNING old.score AS score_before, old.alert, l.evidence, hot_at IS NOT DISTINCT FROM now() AS "
        "first),"
        " history AS ("
        "    INSERT INTO lead_scores (client_id, lead_id, conversation_id, turn_id, score_before, score, reason,"
        "                             evidence, alerted)"
        "    SELECT $1, $2, $13::uuid, $14::uuid, score_before, $3, $5, evidence, alert FROM new WHERE "
        "score_before <> $3)"
        "SELECT score_before <> $3 AS changed, alert, first FROM new",
        db_text(turn->client_id), db_text(turn->lead_id), db_text(out->score), db_int(alert_again_after_hours),
        db_text(out->score_reason), db_text(out->name), db_text(out->service_interest), db_text(out->urgency),
        db_text(out->budget_range), db_text(out->timeline), db_text(out->evidence), db_text(out->email),
        db_text(turn->conversation_id), db_text(turn->turn_id));
}

int turn_store_lead_read(const struct db_result *rows, struct lead_change *ret_change, struct err *err)
{
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_NOT_FOUND, "the lead is gone");
    *ret_change = (struct lead_change){.score_changed = db_get_bool(rows, 0, "changed"),
                                       .alert = db_get_bool(rows, 0, "alert"),
                                       .first_hot = db_get_bool(rows, 0, "first")};
    return 0;
}

int64_t turn_store_saw_seq(const struct turn *turn)
{
    const struct decision_input *in = &turn->in;
    int64_t before = in->n_history > 0 ? in->history[in->n_history - 1].seq : 0;

    return before > turn->last_seq ? before : turn->last_seq;
}

/* With what it adds to the client's usage. */
int turn_store_record(struct db_tx *tx, const struct turn *turn, const char *task_id, struct err *err)
{
    return db_send(
        tx, err,
        "WITH used AS ("
        "    INSERT INTO token_usage_pending (client_id, turn_id, model, scripted, fallback, input_tokens,"
        "                                     output_tokens, cache_read_tokens, cache_write_tokens,"
        "                                     cost_micro_usd)"
        "    VALUES ($1, $2, coalesce($9, 'none'), $5 = 'scripted', $15, $10, $11, $12, $13, $14))"
        "INSERT INTO turns (client_id, turn_id, conversation_id, task_id, agent, misses, asked, record, model,"
        "                   input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_micro_usd,"
        "                   exchange, saw_seq, answers_from, answers_to, history_from)"
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $16, $17, $18,"
        "        $19, $20)",
        db_text(turn->client_id), db_text(turn->turn_id), db_text(turn->conversation_id), db_text(task_id),
        db_text(turn->out.agent), db_int(turn->out.misses), db_text(turn->out.asked), db_text(turn->record),
        db_text(turn->model), db_int(turn->tokens.input), db_int(turn->tokens.output), db_int(turn->tokens.cache_read),
        db_int(turn->tokens.cache_write), db_int(turn->cost_micro_usd), db_bool(turn->fallback),
        db_text(turn->exchange), db_int(turn_store_saw_seq(turn)), db_int(turn->in.unanswered[0].seq),
        db_int(turn->last_seq), db_int(turn->history_from));
}

int turn_store_erased(struct db_pool *pool, const struct task *task, const char *conversation_id, struct err *err)
{
    int n = db_run(pool, task->client_id, NULL, err,
                   "SELECT WHERE NOT EXISTS (SELECT FROM conversations WHERE client_id = $1 AND conversation_id = $2)"
                   "         AND NOT EXISTS (SELECT FROM tasks WHERE client_id = $1 AND task_id = $3)",
                   db_text(task->client_id), db_text(conversation_id), db_text(task->task_id));

    return n < 0 ? -1 : n > 0;
}

/* turn_history.c - see turn_history.h. */
#include "services/orchestrator/turn/turn_history.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/orchestrator/claude/prompt.h"
#include "services/orchestrator/greeting/form_note.h"
#include "services/orchestrator/turn/media_note.h"
#include "services/orchestrator/turn/turn.h"

#define BYTES_PER_TOKEN_MAX 4 /* of prompt_tokens: more bytes than this a token are over the window anyway */

struct decision_message *turn_messages(const struct db_result *rows, struct arena *arena)
{
    int n = db_result_count(rows);
    struct decision_message *messages = arena_calloc(arena, (size_t)n, sizeof *messages);

    for (int i = 0; messages && i < n; i++) {
        struct decision_message *m = &messages[n - 1 - i];
        const char *created_at = db_get(rows, i, "created_at");

        m->seq = db_get_int(rows, i, "seq");
        m->author = arena_strdup(arena, db_get(rows, i, "author"));
        m->body = arena_strdup(arena, db_get(rows, i, "body"));
        m->note = db_get(rows, i, "form") ? form_note(db_get(rows, i, "form"), arena)
                                          : media_note(db_get(rows, i, "media"), arena);
        m->turn_id = arena_strdup(arena, db_get(rows, i, "turn_id"));
        if (!created_at || clock_parse(created_at, &m->created_at) < 0)
            m->created_at = 0;
        if (!m->author || !m->body)
            return NULL;
    }
    return messages;
}

/* ---- loading ---- */

int64_t turn_history_bytes(size_t window_tokens)
{
    return (int64_t)window_tokens * BYTES_PER_TOKEN_MAX + DECISION_EXCHANGE_MAX;
}

/* Newest first into oldest first. */
static struct decision_exchange *read_exchanges(const struct db_result *rows, struct arena *arena)
{
    int n = db_result_count(rows);
    struct decision_exchange *exchanges = arena_calloc(arena, (size_t)n, sizeof *exchanges);

    for (int i = 0; exchanges && i < n; i++) {
        struct decision_exchange *e = &exchanges[n - 1 - i];

        *e = (struct decision_exchange){.turn_id = arena_strdup(arena, db_get(rows, i, "turn_id")),
                                        .saw_seq = db_get_int(rows, i, "saw_seq"),
                                        .answers_from = db_get_int(rows, i, "answers_from"),
                                        .answers_to = db_get_int(rows, i, "answers_to"),
                                        .messages = arena_strdup(arena, db_get(rows, i, "exchange"))};
        if (!e->turn_id || !e->messages)
            return NULL;
    }
    return exchanges;
}

int turn_history_read(const struct db_result *messages, const struct db_result *exchanges, struct arena *arena,
                      struct turn *turn, size_t window_tokens, struct err *err)
{
    struct decision_input *in = &turn->in;

    in->history = turn_messages(messages, arena);
    in->exchanges = read_exchanges(exchanges, arena);
    if (!in->history || !in->exchanges)
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    in->n_history = (size_t)db_result_count(messages);
    in->n_exchanges = (size_t)db_result_count(exchanges);
    if ((turn->history_from = turn_history_cut(in, window_tokens, turn->history_from, arena)) < 0)
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    return 0;
}

int turn_history_exchanges(struct db_tx *tx, const char *client_id, struct decision_input *in, struct arena *arena,
                           struct err *err)
{
    struct decision_exchange *exchanges = arena_calloc(arena, in->n_exchanges, sizeof *exchanges);

    if (!exchanges)
        return err_set(err, ERR_INTERNAL, "turn: out of memory");
    for (size_t i = 0; i < in->n_exchanges; i++) {
        AUTO(db_result_free) struct db_result *rows = NULL;

        exchanges[i] = in->exchanges[i];
        if (db_query(tx, &rows, err, "SELECT exchange FROM turns WHERE client_id = $1 AND turn_id = $2",
                     db_text(client_id), db_text(exchanges[i].turn_id)) < 0)
            return -1;
        if (db_result_count(rows) == 0 || !db_get(rows, 0, "exchange"))
            return err_set(err, ERR_NOT_FOUND, "turn %s, on which this one builds, is gone", exchanges[i].turn_id);
        if (!(exchanges[i].messages = arena_strdup(arena, db_get(rows, 0, "exchange"))))
            return err_set(err, ERR_INTERNAL, "turn: out of memory");
    }
    in->exchanges = exchanges;
    return 0;
}

/* ---- the window ---- */

/* The exchange that a message is part of, NULL if of none. */
static const struct decision_exchange *exchange_of(const struct decision_input *in, const struct decision_message *m)
{
    for (size_t i = 0; i < in->n_exchanges; i++) {
        const struct decision_exchange *e = &in->exchanges[i];

        if (m->turn_id ? strcmp(m->turn_id, e->turn_id) == 0
                       : strcmp(m->author, "lead") == 0 && m->seq >= e->answers_from && m->seq <= e->answers_to)
            return e;
    }
    return NULL;
}

static size_t tokens_of(const struct decision_message *m, const struct decision_exchange *exchange)
{
    if (exchange && !m->turn_id)
        return m->seq == exchange->answers_from ? prompt_tokens(exchange->messages) : 0;
    return prompt_tokens(m->body) + 10; /* with its fence */
}

static void leave_out(struct decision_input *in, size_t n_messages, int64_t from)
{
    size_t gone = 0;

    in->history += n_messages;
    in->n_history -= n_messages;
    while (gone < in->n_exchanges && in->exchanges[gone].answers_from < from)
        gone++;
    in->exchanges += gone;
    in->n_exchanges -= gone;
}

int64_t turn_history_cut(struct decision_input *in, size_t window_tokens, int64_t history_from, struct arena *arena)
{
    size_t *after = arena_calloc(arena, in->n_history + 1, sizeof *after); /* tokens from each message to the end */
    size_t at = in->n_history;
    int64_t from;

    if (!after)
        return -1;
    for (size_t i = in->n_history; i-- > 0;)
        after[i] = after[i + 1] + tokens_of(&in->history[i], exchange_of(in, &in->history[i]));
    if (after[0] <= window_tokens && in->n_history <= DECISION_HISTORY_MAX)
        return history_from;
    /* An exchange goes or stays as a whole. */
    for (size_t i = in->n_history;
         i-- > 0 && after[i] <= window_tokens / 2 && in->n_history - i <= DECISION_HISTORY_MAX / 2;) {
        const struct decision_exchange *exchange = exchange_of(in, &in->history[i]);

        if (!exchange || (!in->history[i].turn_id && in->history[i].seq == exchange->answers_from))
            at = i;
    }
    from = at < in->n_history ? in->history[at].seq : in->history[in->n_history - 1].seq + 1;
    leave_out(in, at, from);
    return from;
}

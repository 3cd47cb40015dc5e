/* turn_history.h - what a turn sees of the conversation before it: the messages, and what turns before have said to the
 * model and heard of it.
 *
 * All of it since history_from, which the turn before has left. Where that is more than the window (in tokens as
 * prompt_tokens counts them, or DECISION_HISTORY_MAX messages), the oldest goes until half of that is left, and
 * history_from moves up: so the prefix that the provider caches changes once in many turns, not with each. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct db_result;
struct db_tx;
struct decision_input;
struct decision_message;
struct err;
struct turn;

/* Rows (seq, author, body, media, form, created_at, turn_id) newest first into messages oldest first, in arena. NULL
 * when out of memory. */
struct decision_message *turn_messages(const struct db_result *rows, struct arena *arena);

/* Up to there the lead's texts are answered, and what is older than that is not shown. $1: client, $2: conversation. */
#define TURN_ANSWERED_SEQ "(SELECT answered_seq FROM conversations WHERE client_id = $1 AND conversation_id = $2)"
#define TURN_HISTORY_FROM                                                                            \
    "(SELECT coalesce((SELECT history_from FROM turns WHERE client_id = $1 AND conversation_id = $2" \
    " ORDER BY created_at DESC LIMIT 1), 0))"

/* What was exchanged, newest first; $3: how many. Neither an alert to the client's own people nor the confirmation of a
 * STOP is part of it. */
#define TURN_HISTORY_MESSAGES                                                                              \
    "SELECT seq, author, body, media, form, created_at, turn_id"                                           \
    "  FROM messages"                                                                                      \
    " WHERE client_id = $1 AND conversation_id = $2 AND state NOT IN ('dropped', 'failed', 'undelivered')" \
    "   AND (direction = 'out' OR seq <= " TURN_ANSWERED_SEQ ") AND purpose IN ('reply', 'started')"       \
    "   AND seq >= " TURN_HISTORY_FROM " ORDER BY seq DESC"                                                \
    " LIMIT $3"

/* With the model, newest first; $3: bytes of all of them, $4: how many. */
#define TURN_HISTORY_EXCHANGES                                                                          \
    "SELECT turn_id, saw_seq, answers_from, answers_to, exchange"                                       \
    "  FROM (SELECT turn_id, saw_seq, answers_from, answers_to, exchange, created_at,"                  \
    "               sum(octet_length(exchange)) OVER (ORDER BY created_at DESC, turn_id DESC) AS bytes" \
    "          FROM turns"                                                                              \
    "         WHERE client_id = $1 AND conversation_id = $2 AND exchange IS NOT NULL"                   \
    "           AND answers_from >= " TURN_HISTORY_FROM ") AS e"                                        \
    " WHERE bytes <= $3"                                                                                \
    " ORDER BY created_at DESC, turn_id DESC"                                                           \
    " LIMIT $4"

/* The bytes of exchanges that are worth reading: with more they are over the window anyway. */
int64_t turn_history_bytes(size_t window_tokens);

/* Fills turn->in.history and .exchanges from the rows of these two, and moves turn->history_from. */
int turn_history_read(const struct db_result *messages, const struct db_result *exchanges, struct arena *arena,
                      struct turn *turn, size_t window_tokens, struct err *err);

/* Cuts in->history and in->exchanges to the window. Returns the seq from which on there is something left;
 * history_from if nothing was cut. -1 when out of memory. */
int64_t turn_history_cut(struct decision_input *in, size_t window_tokens, int64_t history_from, struct arena *arena);

/* Fills the messages of in->exchanges, which a record does not hold, from the turns that they are kept with. -1 with
 * *err: ERR_NOT_FOUND if one of them is gone. */
int turn_history_exchanges(struct db_tx *tx, const char *client_id, struct decision_input *in, struct arena *arena,
                           struct err *err);

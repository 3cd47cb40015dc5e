/* turn_store.h - what a turn reads and writes, as SQL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db_pool;
struct db_result;
struct db_tx;
struct err;
struct task;
struct turn;

/* Client, lead, conversation, history (turn_history.h) and the unanswered messages, into arena. ERR_NOT_FOUND if the
 * conversation is gone. */
int turn_store_load(struct db_pool *pool, const char *client_id, const char *conversation_id, struct arena *arena,
                    size_t window_tokens, struct turn *ret_turn, struct err *err);

/* What we began and have not sent yet (turn->greeting_waits) is not sent any more, and what it answered is unanswered
 * again. What is being sent stays as it is. */
int turn_store_take_back(struct db_tx *tx, const struct turn *turn, struct err *err);

/* Marks the messages up to turn->last_seq as answered and sets the conversation's state. Returns 1, or 0 if the turn
 * was overtaken: another one was first, a person has written or taken over since it was loaded, or the lead has written
 * more within 4 s of the oldest text, for which a task of its own waits. -1 on failure, with ERR_CONFLICT where another
 * one has answered a part of them: then it is to be loaded again. */
int turn_store_answered(struct db_tx *tx, const struct turn *turn, struct err *err);

/* The same in two steps: sent ahead, see db_send_for, and when rows have been read, what they say. */
int turn_store_answered_send(struct db_tx *tx, const struct turn *turn, struct db_result **ret_rows, struct err *err);
int turn_store_answered_read(struct db_tx *tx, const struct turn *turn, const struct db_result *rows, struct err *err);

/* That a person was called; alerted: the client's people are told. */
int turn_store_escalation(struct db_tx *tx, const struct turn *turn, bool alerted, struct err *err);

/* What a turn has changed of its lead. */
struct lead_change {
    bool score_changed; /* there is a row of history */
    bool first_hot;     /* HOT for the first time of all */
    bool alert;         /* has become HOT, and the last alert, if there was one, is long enough ago */
};

/* Score, slots and their evidence, and the history of the score: sent ahead, see db_send_for, and when rows have been
 * read, what has changed. ERR_NOT_FOUND if the lead is gone. */
int turn_store_lead_send(struct db_tx *tx, const struct turn *turn, int alert_again_after_hours,
                         struct db_result **ret_rows, struct err *err);
int turn_store_lead_read(const struct db_result *rows, struct lead_change *ret_change, struct err *err);

/* The decision itself: sent ahead. */
int turn_store_record(struct db_tx *tx, const struct turn *turn, const char *task_id, struct err *err);

/* 1 if conversation and task are gone, as an erasure leaves them; 0 if not, -1 on failure. */
int turn_store_erased(struct db_pool *pool, const struct task *task, const char *conversation_id, struct err *err);

/* Until then, in microseconds since 1970, a text that comes while the turn is under way is answered together with it:
 * 4 s from the oldest one; 0: it answers none. */
int64_t turn_store_burst_ends_us(const struct turn *turn);

/* messages.seq of the newest message that the turn has seen. */
int64_t turn_store_saw_seq(const struct turn *turn);

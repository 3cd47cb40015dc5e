/* turn_store.h - what a turn reads and writes, as SQL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct db_tx;
struct err;
struct turn;

/* Client, lead, conversation, history and the unanswered messages, into arena. ERR_NOT_FOUND if the conversation is
 * gone. */
int turn_store_load(struct db_tx *tx, const char *client_id, const char *conversation_id, struct arena *arena,
                    struct turn *ret_turn, struct err *err);

/* Marks the messages up to turn->last_seq as answered and sets the conversation's state. ERR_CONFLICT if another turn
 * was first. */
int turn_store_answered(struct db_tx *tx, const struct turn *turn, struct err *err);

/* Score and slots. *ret_is_hot: the lead has become hot with this, for the first time. */
int turn_store_lead(struct db_tx *tx, const struct turn *turn, bool *ret_is_hot, struct err *err);

/* The decision itself. */
int turn_store_record(struct db_tx *tx, const struct turn *turn, const char *task_id, struct err *err);

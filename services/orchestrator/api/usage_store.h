/* usage_store.h - what the model was asked for, as it is counted: the table token_usage_pending, which
 * update_token_usage of the scheduler adds up.
 *
 * Counted is what the provider tells of each answer, whatever became of it: tool rounds, answers that are of no use,
 * repairs, and (unused) turns that were not committed, because another one was first or the task was lost. Not counted,
 * because nobody tells us: a call that timed out or broke off, an answer that is no message, and what a process that
 * dies had under way. */
#pragma once

struct arena;
struct db_pool;
struct db_tx;
struct err;
struct get_usage;
struct turn;
struct usage;

/* Keeps what a turn has cost that was not committed. Does nothing if it asked no model, or was committed all the same;
 * a failure is logged. */
void usage_store_unused(struct db_pool *pool, const struct turn *turn);

/* What is added up already and what is not yet, into arena. from and to are days. ERR_NOT_FOUND also for another
 * tenant's client, ERR_INVALID, err->field being from, for days in the wrong order or too many. */
int usage_store_get(struct db_tx *tx, const struct get_usage *request, struct arena *arena, struct usage *ret_usage,
                    struct err *err);

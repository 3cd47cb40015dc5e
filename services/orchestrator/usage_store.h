/* usage_store.h - what the model was asked for, as it is counted: the table token_usage_pending, which
 * update_token_usage of the scheduler adds up.
 *
 * Counted is what the provider tells of each answer, whatever became of it: tool rounds, answers that are of no use,
 * repairs, and (unused) turns that were not committed, because another one was first or the task was lost. Not counted,
 * because nobody tells us: a call that timed out or broke off, and what a process that dies had under way. */
#pragma once

struct db_pool;
struct turn;

/* Keeps what a turn has cost that was not committed. Does nothing if it asked no model, or was committed all the same;
 * a failure is logged. */
void usage_store_unused(struct db_pool *pool, const struct turn *turn);

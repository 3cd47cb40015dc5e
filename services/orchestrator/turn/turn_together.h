/* turn_together.h - storing what turns have decided, those that are ready at the same time by one statement. */
#pragma once

struct err;
struct lead_change;
struct task;
struct turn;
struct worker;

/* Stores the reply, lead, conversation, record, the task that sends, and the end of the turn's own, all or nothing,
 * where that is all there is to be stored and nothing is in the way. Returns 1 with task->settled and *ret_change; 0
 * where nothing was stored, and the turn is to be stored by itself, which also finds out why; -1 with *err:
 * ERR_UNAVAILABLE, ERR_UNCERTAIN. Blocks while others are stored. Thread-safe. */
int turn_commit_together(struct worker *self, struct task *task, const struct turn *turn,
                         struct lead_change *ret_change, struct err *err);

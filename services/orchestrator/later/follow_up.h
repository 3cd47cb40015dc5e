/* follow_up.h - writing to a lead again that does not answer, or that has asked for it.
 *
 * Which of them follows a reply is part of its decision (follow_up_plan.h). It is kept as a task in the reply's
 * transaction, one at a time for a conversation. When that runs it asks again, with the lead and the conversation
 * locked, whether the message is still wanted, and puts the message and the task of the next step with its own end. */
#pragma once

#include <stdbool.h>

struct arena;
struct bus;
struct db_tx;
struct err;
struct task;
struct turn;

/* Whether follow_up_put may have anything to do. arena: for what is looked at meanwhile. */
bool follow_up_may_change(const struct turn *turn, struct arena *arena);

/* With the transaction of a turn that has locked the lead: what waited before is ended unless the decision keeps it,
 * and what it wants is inserted. */
int follow_up_put(struct db_tx *tx, struct bus *bus, const struct turn *turn, const struct task *task, struct err *err);

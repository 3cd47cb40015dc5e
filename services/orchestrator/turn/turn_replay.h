/* turn_replay.h - deciding again, from a record, with the code of today.
 *
 * Nothing but the records is read: no provider, no knowledge base, no other table. What the model said is taken from
 * the record, also where today's prompt is another. */
#pragma once

#include <stddef.h>

#include "proto/turns.h"

struct arena;
struct decision_input;
struct err;

/* Brings the exchanges that a record names, which are kept with the turns before (turn_history.h). ERR_NOT_FOUND: one
 * of them is gone. */
struct replay_exchanges {
    int (*load)(void *arg, struct decision_input *in, struct arena *arena, struct err *err);
    void *arg;
};

/* Fills outcome and what explains it; turn_id, conversation_id, agent and created_at are the caller's. record: JSON,
 * len bytes. A record that is of an old version or damaged, or without its exchanges, is an outcome: "cannot".
 * exchanges may be NULL: those of the record are as if they had never been kept. -1 when out of memory, or when the
 * exchanges cannot be read now. */
int turn_replay(const char *record, size_t len, const struct replay_exchanges *exchanges, struct arena *arena,
                struct replayed_turn *ret, struct err *err);

/* turn_replay.h - deciding again, from a record, with the code of today.
 *
 * Nothing but the record is read: no provider, no knowledge base, no table. What the model said is taken from the
 * record, also where today's prompt is another. */
#pragma once

#include <stddef.h>

#include "proto/turns.h"

struct arena;
struct err;

/* Fills outcome and what explains it; turn_id, conversation_id, lead_id, agent and created_at are the caller's. record:
 * JSON, len bytes. A record that is of an old version or damaged is an outcome: "cannot". -1 only when out of memory.
 */
int turn_replay(const char *record, size_t len, struct arena *arena, struct replayed_turn *ret, struct err *err);

/* turns.h - a turn of the database, decided again. For the API and leadctl. */
#pragma once

#include "proto/turns.h"

struct arena;
struct db_tx;
struct err;

/* Changes nothing. ERR_NOT_FOUND also for another tenant's; what cannot be replayed is an outcome (turn_replay.h). */
int turns_replay(struct db_tx *tx, const char *turn_id, struct arena *arena, struct replayed_turn *ret,
                 struct err *err);

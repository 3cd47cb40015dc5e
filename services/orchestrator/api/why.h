/* why.h - why a message was written, and what became of it. One source for the API and for leadctl. */
#pragma once

#include <stddef.h>

#include "proto/turns.h"

struct arena;
struct db_tx;
struct err;

/* A message in the words of its row, its task and its turn, into arena. ERR_NOT_FOUND also for another tenant's. */
int why_message(struct db_tx *tx, const char *message_id, struct arena *arena, struct message_why *ret,
                struct err *err);

/* What a record tells, beside the texts' and evidence's message ids; ret already holds what the row tells. A record
 * that cannot be read is told in ret->damaged. -1 only when out of memory. */
int why_read_record(const char *record, struct arena *arena, struct turn_why *ret, struct err *err);

/* What is looked up by the order of arrival. NULL: it is not kept any more. */
typedef const char *why_message_id_fn(void *arg, int64_t seq);

/* Puts the ids of messages where the record has their seq. */
int why_put_message_ids(struct turn_why *turn, why_message_id_fn *find, void *arg, struct arena *arena,
                        struct err *err);

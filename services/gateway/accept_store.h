/* accept_store.h - the one statement that stores a batch (accept_inbound, migrations/0173). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/uuid.h"
#include "services/gateway/accept.h"

struct db_pool;

#define ACCEPT_BATCH_MAX 200

/* What became of one item. Ids are "" where there is none. */
struct stored {
    enum accept_outcome outcome; /* STORED, DUPLICATE, UNKNOWN_NUMBER or WRONG_ACCOUNT */
    char client_id[UUID_SIZE], lead_id[UUID_SIZE], conversation_id[UUID_SIZE], message_id[UUID_SIZE];
    char task_id[UUID_SIZE]; /* the task that answers it, new or already waiting, or confirms a consent */
    bool confirms;           /* it is a confirmation, for delivery; else an answer, for the orchestrator */
    bool due;                /* the task may run now */
    bool opted_out;          /* the lead has opted out with this message */
    bool opted_in;           /* it has opted in again */
};

/* Stores n (1 to ACCEPT_BATCH_MAX) items in the order of the array and commits. 0 and n of ret_stored, or -1: nothing
 * is stored, or with ERR_UNCERTAIN it may be. A second call with the same items is harmless. own_account: the
 * environment's, in which all numbers are that have none of their own. */
int accept_store(struct db_pool *pool, const char *own_account, int64_t burst_wait_ms, struct inbound *const *items,
                 size_t n, struct stored *ret_stored, struct err *err);

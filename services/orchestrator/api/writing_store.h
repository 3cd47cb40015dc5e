/* writing_store.h - what a person who writes to a lead finds: the lead, the conversation, and what may be sent there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libshared/uuid.h"

struct arena;
struct db_tx;
struct err;

/* Strings are in the arena. */
struct writing {
    const char *client_id, *conversation_id, *lead_id;
    const char *channel, *lead_address, *our_address;
    const char *client_name, *config; /* secrets sealed */
    bool our_address_is_ours;         /* still a number of the client's */
    bool lead_is_us;                  /* the lead's number is one of the client's own */
    bool opted_out;
    bool first_message; /* nothing has been written to this lead before */
    bool recent;        /* the lead has written here within the last hour */
    bool window_open;   /* the lead has written here within the last 24 hours */
};

/* Reads a conversation; its lead stays locked until the transaction ends, so that a STOP comes before or after.
 * client_id NULL: whatever client the transaction may see. ERR_NOT_FOUND also for another client's. */
int writing_find(struct db_tx *tx, const char *client_id, const char *conversation_id, struct arena *arena,
                 struct writing *ret_writing, struct err *err);

/* The conversation of a client with a number over a channel; lead and conversation are made if there are none. */
int writing_open(struct db_tx *tx, const char *client_id, const char *channel, const char *phone,
                 const char *our_address, char ret_conversation_id[UUID_SIZE], struct err *err);

/* A person writes in it, from our_address: what the agent drafted before is not sent any more, what a person wrote
 * before is, and what the lead has written before is answered. Returns the new epoch, or -1. */
int64_t writing_raise_epoch(struct db_tx *tx, const struct writing *writing, const char *our_address, struct err *err);

/* lookup_store.h - what is known of leads' numbers, in the database. */
#pragma once

#include <stdbool.h>

struct arena;
struct db_pool;
struct db_tx;
struct err;
struct twilio_phone;

struct known_phone {
    const char *phone; /* NULL: the lead has none */
    bool looked_up;    /* then valid and line_type say what was found */
    bool valid;
    const char *line_type; /* NULL: unknown */
    bool wanted;           /* it is to be looked up: the client wants it, and the lead has never written from it */
};

/* In arena. ERR_NOT_FOUND: there is no such lead. */
int lookup_store_load(struct db_pool *pool, const char *client_id, const char *lead_id, struct arena *arena,
                      struct known_phone *ret_known, struct err *err);

/* Keeps what was found with the client's lead of that number. *ret_lead_id: in arena; NULL if there is none. */
int lookup_store_keep(struct db_tx *tx, const char *client_id, const char *number, const struct twilio_phone *phone,
                      struct arena *arena, const char **ret_lead_id, struct err *err);

/* form_accept.h - what web forms send, stored before it is answered (accept_form, migrations/0070). */
#pragma once

#include <stdbool.h>

#include "libshared/uuid.h"
#include "services/gateway/submission.h"

struct arena;
struct db_pool;
struct err;

enum form_outcome {
    FORM_STORED,     /* committed */
    FORM_DUPLICATE,  /* the same was stored before */
    FORM_UNKNOWN,    /* it has been disabled meanwhile */
    FORM_TOO_MANY,   /* in this minute */
    FORM_OWN_NUMBER, /* the phone is the client's own */
};

/* From where it came, for the record of the consent. */
struct form_origin {
    const char *ip;            /* of the peer */
    const char *forwarded_for; /* as the peer told it; NULL: it did not */
    const char *page_url;      /* NULL: not known */
    const char *trace_id;
};

/* Ids are "" where there is none. */
struct form_stored {
    enum form_outcome outcome;
    char lead_id[UUID_SIZE], conversation_id[UUID_SIZE], message_id[UUID_SIZE], task_id[UUID_SIZE];
};

/* The form of a client that has this token. 1, 0 if there is none (or it is disabled), -1 on failure. Into arena. */
int form_find(struct db_pool *pool, const char *client_id, const char *token, struct arena *arena,
              struct form_terms *ret_terms, struct err *err);

/* Stores it and commits: once, however often it is called within 10 minutes. */
int form_accept(struct db_pool *pool, const char *client_id, const struct form_terms *terms,
                const struct submission *submission, const struct form_origin *origin, struct form_stored *ret_stored,
                struct err *err);

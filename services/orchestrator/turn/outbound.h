/* outbound.h - what we write to a lead, or to the client's own people: a row of messages and the task that sends it. */
#pragma once

#include <stdint.h>

#include "libshared/uuid.h"

struct bus;
struct db_tx;
struct err;

struct outbound {
    const char *client_id, *conversation_id, *lead_id;
    const char *message_id;
    const char *purpose;           /* reply, started, alert: see migrations/0030 */
    const char *author;            /* agent, human, system */
    const char *channel;           /* sms, whatsapp; voice: a call, body is what is said */
    const char *from, *to;         /* from: a number, or the SID of a messaging service */
    const char *body;              /* "" with a template */
    const char *content_sid;       /* of a WhatsApp template; NULL: none */
    const char *content_variables; /* JSON; NULL: none */
    const char *follow_up;         /* which: see migrations/0063; NULL: it is none */
    const char *turn_id;           /* NULL: nobody decided, a person wrote it */
    const char *trace_id;
    const char *once;             /* a dedupe key: where the same was put before, nothing is; NULL: by message_id */
    const int64_t *answers_after; /* of a reply to a lead: conversations.answered_seq before it; NULL: it is none */
    int64_t epoch;                /* of the conversation: what is older when it is to be sent is dropped */
};

/* Inserts both with the caller's transaction; after the commit the task is pushed to delivery (bus may be NULL: then
 * the sweep finds it). Returns 1, or 0 if once was there already: then there is no message; -1 on failure.
 * ret_task_id may be NULL. */
int outbound_put(struct db_tx *tx, struct bus *bus, const struct outbound *message, char ret_task_id[UUID_SIZE],
                 struct err *err);

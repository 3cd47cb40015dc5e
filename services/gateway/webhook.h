/* webhook.h - a call of Twilio's, from its arrival to its answer: who signed it, what it says. */
#pragma once

#include <stdbool.h>

#include "libshared/form.h"
#include "services/gateway/accept.h"

struct arena;
struct err;
struct job;
struct worker;

#define WEBHOOK_SID_MAX 64

/* Lives in its arena. */
struct webhook {
    struct inbound in; /* first: accept.h gives it back */
    struct job *job;
    struct arena *arena;
    struct form form;    /* its parameters: of the body, or of the address for a GET */
    const char *account; /* through which it came, and which has signed it */
    const char *signers; /* whose token that was, see struct inbound; NULL: the environment's */

    void (*then)(struct webhook *self);
    void (*run)(struct worker *worker, struct webhook *self);
};

/* Reads the parameters and checks who signed them, then calls then, in this thread or in a worker's; it owns the
 * webhook. What is not signed is answered 403 here. */
void webhook_begin(struct job *job, void (*then)(struct webhook *self));

/* Goes on in a worker thread. */
void webhook_submit(struct webhook *self, void (*run)(struct worker *worker, struct webhook *self));

void webhook_free(struct webhook **self_p);

/* The answer to a webhook whose signature is not the right one: no more is told. */
void webhook_refuse(struct job *job);

/* The ids that we put into the address: of a client and its message. -1 and *err name the one at fault. */
int webhook_read_ids(struct webhook *self, const char **ret_client_id, const char **ret_message_id, struct err *err);

/* Whether it can be an id of Twilio's. NULL is none. */
bool webhook_sid_valid(const char *sid);

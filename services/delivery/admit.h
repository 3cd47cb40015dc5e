/* admit.h - whether a message may be sent now: what admit_sends of migrations/0127 decides, for all workers that ask at
 * the same time in one statement. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libshared/group.h"
#include "services/delivery/message_store.h"

struct err;
struct task;
struct worker;

enum decision {
    ADMIT_SEND,    /* the intent is committed: it is to be sent now */
    ADMIT_LOOK,    /* an earlier intent has no outcome */
    ADMIT_SETTLED, /* there is nothing to do */
    ADMIT_DROP,    /* it must not go any more, see reason */
    ADMIT_REFUSE,  /* it cannot go: code is what Twilio would answer */
    ADMIT_WAIT,    /* not before wait_ms from now, see reason */
    ADMIT_LOST,    /* the task is no longer ours */
};

struct admission {
    struct group_item item; /* admit.c's, as are the two that follow */
    struct task *task;
    const char *wanted_id;

    /* The rest is filled; texts are in the task's arena. */
    enum decision decision;
    int code;
    const char *reason; /* NULL: none */
    int64_t wait_ms;
    bool lookup;                    /* the recipient's number is to be looked up before */
    const char *client_account_sid; /* the client's own account; NULL: the environment's */
    const char *client_auth_token;  /* sealed; NULL: none */
    const char *call_twiml;         /* how a call is told what to say: "inline" or "url" */
    struct outbound message;
};

/* Blocks until it is decided. Of a message that does not exist ERR_NOT_FOUND. After any other failure the intent may
 * have been committed: the next run of the task finds out. */
int admit(struct worker *self, struct task *task, const char *message_id, struct admission *ret_admission,
          struct err *err);

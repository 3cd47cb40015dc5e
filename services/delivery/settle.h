/* settle.h - that messages were accepted by Twilio: for all workers that have one at the same time in one transaction,
 * at once. */
#pragma once

#include <stdbool.h>

#include "libshared/group.h"

struct err;
struct task;
struct worker;

struct settlement {
    struct group_item item; /* settle.c's */
    struct task *task;
    const char *message_id, *sid;
    int segments; /* as billed; 0: not known */

    /* Filled. */
    bool ours;    /* the task was still ours, and is completed */
    bool changed; /* false: a status callback has brought the message further before */
};

/* Blocks until it is committed: the message is sent (-> sent, with its sid) and the task completed. The sid is kept
 * even where another process holds the task by now: it must not send the message again. ERR_CONFLICT if another message
 * of the client has the sid. */
int settle_sent(struct worker *self, struct settlement *settlement, struct err *err);

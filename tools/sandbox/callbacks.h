/* callbacks.h - the way of an accepted message: queued (of a service), sent, delivered, and who is told. */
#pragma once

#include "tools/sandbox/box.h"
#include "tools/sandbox/ledger.h"

/* Lets the message go its way, 20 ms a step, and posts each step to status_callback unless that is NULL. fails_with:
 * the code with which it ends, failed or (3xxxx) undelivered; 0: it is delivered, or what a fault says. */
void callbacks_follow(struct sandbox *self, const char *sid, const struct accepted *message,
                      const char *status_callback, int fails_with);

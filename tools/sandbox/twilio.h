/* twilio.h - Twilio's APIs, once it is known whose account asks. */
#pragma once

#include "tools/sandbox/accounts.h"
#include "tools/sandbox/box.h"

void box_messages_create(struct sandbox *self, struct exchange *x, const struct account *account,
                         struct answer *answer);
void box_messages_list(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer);
/* name: "SM....json". */
void box_messages_fetch(struct sandbox *self, const char *name, const struct account *account, struct answer *answer);

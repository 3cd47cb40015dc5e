/* twilio.h - Twilio's APIs, once it is known whose account asks. */
#pragma once

#include "tools/sandbox/accounts.h"
#include "tools/sandbox/box.h"

void box_messages_create(struct sandbox *self, struct exchange *x, const struct account *account,
                         struct answer *answer);
void box_messages_list(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer);
/* name: "SM....json". */
void box_messages_fetch(struct sandbox *self, const char *name, const struct account *account, struct answer *answer);

void box_calls_create(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer);
void box_calls_list(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer);
/* name: "CA....json". */
void box_calls_fetch(struct sandbox *self, const char *name, const struct account *account, struct answer *answer);

/* The paths below /v1/Content. */
void box_content(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer);
/* The paths below /v2/PhoneNumbers/. */
void box_lookups(struct sandbox *self, struct exchange *x, struct answer *answer);

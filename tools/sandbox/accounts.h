/* accounts.h - Twilio's accounts: who may come in, and what each owns. Thread-safe.
 *
 * An account that owns neither numbers nor messaging services may send from any number that no other account owns,
 * and through any service. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define ACCOUNT_SID_SIZE 35
#define TOKEN_SIZE       129
#define ADDRESS_SIZE     64 /* "whatsapp:+15550100000", "MG..." */

struct accounts;
struct err;

/* A copy. */
struct account {
    char sid[ACCOUNT_SID_SIZE], token[TOKEN_SIZE];
};

struct accounts *accounts_new(void);
void accounts_destroy(struct accounts **self_p);

/* From the command line: "SID:TOKEN" or "SID:TOKEN:+15550100000,+15550100001". The first is the one that owns what
 * nobody else does. ERR_INVALID tells what is wrong. */
int accounts_add(struct accounts *self, const char *text, struct err *err);
/* What was added so far is what accounts_reset comes back to. */
void accounts_keep(struct accounts *self);
void accounts_reset(struct accounts *self);

/* Reads {"account_sid", "auth_token"?, "numbers"?, "services"?: {"MG...": [numbers]}, "refuse"?}: a new account, or
 * what is to change of one. Numbers and services are added to those that are there. */
int accounts_put(struct accounts *self, const json_t *json, struct err *err);
json_t *accounts_list(struct accounts *self);

/* Whether Twilio knows them and does not refuse them now. authorization: the header, may be NULL. */
bool accounts_authenticate(struct accounts *self, const char *authorization, struct account *ret);

/* Whose the number ("whatsapp:" before it or not) or the service is; else the first account. */
void accounts_owner(struct accounts *self, const char *address, struct account *ret);
bool accounts_get(struct accounts *self, const char *sid, struct account *ret);

/* Whether the account may send from it. */
bool accounts_may_send(struct accounts *self, const char *account_sid, const char *from);

/* The number with which a service sends to somebody: always the same. With from: whether that is one of its numbers.
 * False: there is no such service, or no such number in it. */
bool accounts_service_sender(struct accounts *self, const char *account_sid, const char *service_sid, const char *from,
                             const char *to, char ret[ADDRESS_SIZE]);

/* The service that a number belongs to. */
bool accounts_service_of(struct accounts *self, const char *number, char ret[ADDRESS_SIZE]);

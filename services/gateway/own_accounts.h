/* own_accounts.h - the Twilio accounts that clients have of their own, and whether one of them signed a webhook.
 *
 * The tokens of all of them are kept in memory (some 200 bytes a client) for
 * 30 s. Where that does not suffice (an account that is not among them, a
 * signature that does not fit: a token may have been changed) they are read
 * anew, but at most once a second, whoever asks: so a flood of wrong webhooks
 * costs one statement a second. Thread-safe. */
#pragma once

#include <stdbool.h>

struct own_accounts;
struct arena;
struct db_pool;
struct err;
struct twilio_request;

/* master_key unseals the tokens; NULL: there are none that can be used. pool must outlive it. Nothing is read yet. */
struct own_accounts *own_accounts_new(struct db_pool *pool, const char *master_key, struct err *err);
void own_accounts_destroy(struct own_accounts **self_p);

/* The clients whose account this is and whose token signed the request, as a PostgreSQL array ("{id,id}"): several may
 * share an account. NULL: none of those known. In arena. *ret_current tells whether what is known is new enough to
 * decide by; if not, and there is nobody, own_accounts_read is to be called. Never blocks. */
const char *own_accounts_signers(struct own_accounts *self, const char *account_sid,
                                 const struct twilio_request *request, const char *signature, struct arena *arena,
                                 bool *ret_current);

/* Reads them anew unless somebody has within the last second. Blocks: for a worker thread. */
int own_accounts_read(struct own_accounts *self, struct err *err);

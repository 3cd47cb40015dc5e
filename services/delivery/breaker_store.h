/* breaker_store.h - the rows of provider_accounts. All return -1 with *err on failure. */
#pragma once

#include <stdint.h>

struct db_pool;
struct db_result;
struct db_tx;
struct err;

/* Pauses an account because of a limit, for retry_after_s or, if that is 0, for longer with each pause. One that came
 * while the account was paused already is of the same moment and makes the next one no longer. *ret_pause_ms: how long
 * it is paused from now. */
int breaker_store_limit(struct db_pool *pool, const char *account, int retry_after_s, int64_t *ret_pause_ms,
                        struct err *err);

/* Something was accepted after the pause. */
int breaker_store_unlimit(struct db_pool *pool, const char *account, struct err *err);

/* Pauses an account because of its credentials, until they or others are let in. Locks its row. */
int breaker_store_refuse(struct db_tx *tx, const char *account, const char *fingerprint, struct err *err);

/* They were refused once more; fingerprint NULL: nobody knows. Returns how often they have been before, while it
 * waits. */
int breaker_store_still_refused(struct db_tx *tx, const char *account, const char *fingerprint, struct err *err);

/* Its credentials were let in: ends a pause because of them. */
int breaker_store_let_in(struct db_tx *tx, const char *account, struct err *err);

/* There is no such account any more. */
int breaker_store_forget(struct db_tx *tx, const char *account, struct err *err);

/* Whether a probe of the client's account (NULL: of the environment's) waits or runs. */
int breaker_store_has_probe(struct db_tx *tx, const char *client_id, const char *serial_key, struct err *err);

/* Ends the account's pause if it is because of other credentials, and has its probe run now. */
int breaker_store_start(struct db_pool *pool, const char *account, const char *fingerprint, const char *serial_key,
                        struct err *err);

/* The accounts that are paused because of their credentials and have no probe, as rows with account. */
int breaker_store_list_unprobed(struct db_pool *pool, const char *serial_key, struct db_result **ret_rows,
                                struct err *err);

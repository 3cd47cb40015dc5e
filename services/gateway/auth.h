/* auth.h - bearer keys: an administrator's, or one client's.
 *
 * A key is known by its SHA-256 (table api_keys). What the database said is
 * believed for 1 s, so a revoked key dies within that time. Thread-safe. */
#pragma once

struct auth;
struct caller;
struct db_pool;
struct err;

/* The pool must outlive it. NULL and *err when out of memory. */
struct auth *auth_new(struct db_pool *pool, struct err *err);
void auth_destroy(struct auth **self_p);

/* Who calls. authorization is the header, NULL if there was none; remote the peer's address. Returns 0, or the HTTP
 * status of the refusal with *err:
 * 401  no key, or none that is valid
 * 429  too many wrong keys from that address within this second
 * 503  the database cannot be asked */
int auth_check(struct auth *self, const char *authorization, const char *remote, struct caller *ret_caller,
               struct err *err);

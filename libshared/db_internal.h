/* db_internal.h - what db*.c and migrate.c share; nobody else includes it.
 *
 * A db_conn is one connection with the statements prepared on it. It belongs to
 * one thread at a time. No wait on it is without end: a server that does not
 * answer in time (frozen, or behind a dead network) counts as a broken connection. */
#pragma once

#include <libpq-fe.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/db.h"
#include "libshared/err.h"

#define DB_BEGIN_MS       5000  /* longest wait for the answer to BEGIN and the like */
#define DB_ANSWER_MS      20000 /* to a statement: above the server's own statement_timeout of 15 s */
#define DB_LEASE_MS       5000  /* longest wait for a free connection */
#define DB_DOWN_MS        250   /* callers fail at once for so long after a failed connect */
#define DB_ARGS_MAX       64
#define DB_STATEMENTS_MAX 256 /* prepared on one connection; more are run unprepared */
#define DB_SENT_MAX       16  /* statements of a transaction whose answers are read later */

/* Whose rows row-level security shows in this transaction. $1: a client, DB_EVERY_CLIENT, or nothing. */
extern const char db_set_client_sql[];

struct db_statement {
    const char *address; /* of the literal: how it is found */
    char *sql;           /* a copy: shows a caller who passes a changing buffer */
    char name[16];
};

struct db_conn {
    PGconn *pg;
    struct db_statement statements[DB_STATEMENTS_MAX];
    size_t n_statements;
    unsigned names_given; /* names are never used again, so a stale one cannot be mistaken */
    struct db_conn *next; /* in the pool's list of idle ones */
};

/* ---- db_conn.c ---- */

/* ERR_INVALID, without showing it, if the connection string cannot be understood. */
int db_url_check(const char *url, struct err *err);

/* Connects (at most 5 s a host) and makes the session as we want it. ERR_UNAVAILABLE; never shows the password. */
struct db_conn *db_conn_open(const char *url, const char *set_role, struct err *err);
void db_conn_close(struct db_conn **self_p);

/* Whether nothing says that the connection has died: one poll, no round trip. */
bool db_conn_is_alive(struct db_conn *self);

/* Runs ';'-separated SQL without arguments. 0, or -1 and *err. timeout_ms 0: as long as it takes. */
int db_conn_exec(struct db_conn *self, const char *sql, int timeout_ms, struct err *err);

/* Runs one statement, prepared if possible. NULL and *err on failure; *ret_stale tells that the prepared statement
 * was unknown or outdated: it is forgotten, and can be run again outside of the failed transaction. */
PGresult *db_conn_query(struct db_conn *self, const char *sql, const struct db_arg *args, size_t n_args,
                        bool *ret_stale, struct err *err);

/* Runs statements in a transaction of their own in which row-level security shows client_id's rows, all in one round
 * trip. 0 and an answer to each in ret_answers; -1 and none on failure. *ret_stale as above. */
int db_conn_query_as(struct db_conn *self, const char *client_id, const struct db_ask *asks, size_t n,
                     PGresult **ret_answers, bool *ret_stale, struct err *err);

/* Makes it known to the server, in a round trip of its own unless it is already. 1; 0 where there is no room for more;
 * -1 and *err. */
int db_conn_prepare(struct db_conn *self, const char *sql, struct err *err);

/* Sends one statement of a transaction and does not wait for its answer. 1; 0 where it is not prepared yet, and
 * nothing was sent; -1 and *err. Nothing else may be done on the connection until the answers are read. */
int db_conn_send(struct db_conn *self, const char *sql, const struct db_arg *args, size_t n_args, struct err *err);

/* Reads the answers to the n statements sent, 1 to DB_SENT_MAX. 0; -1, *err and no answers where one of them has
 * failed; those behind it were not run. *ret_stale as above. */
int db_conn_read_sent(struct db_conn *self, size_t n, PGresult **ret_answers, bool *ret_stale, struct err *err);

/* Forgets what was prepared; the server is told with DEALLOCATE ALL by the caller. */
void db_conn_forget(struct db_conn *self);

/* ---- db_error.c ---- */

/* Fills *err from a failed result (NULL: the connection's own error). Always returns -1. */
int db_error(PGconn *pg, const PGresult *result, struct err *err);

/* ---- db_pool.c ---- */

/* A connection to use, not known to be dead; *ret_fresh tells that it was opened just now. */
struct db_conn *db_pool_lease(struct db_pool *self, bool *ret_fresh, struct err *err);

/* Closes a broken one and opens another in its place. On failure the lease has ended. */
struct db_conn *db_pool_replace(struct db_pool *self, struct db_conn *broken, struct err *err);

/* Ends the lease; a connection that is broken or within a transaction is closed. */
void db_pool_return(struct db_pool *self, struct db_conn *conn);

/* ---- db_result.c ---- */

/* Takes result over. NULL and *err when out of memory (result is cleared then). */
struct db_result *db_result_new(PGresult *result, struct err *err);

/* Rows returned or changed. */
int db_result_rows(const PGresult *result);

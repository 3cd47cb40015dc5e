/* db.h - PostgreSQL.
 *
 * A pool of connections for a process. A connection is leased for the few
 * statements that need it and never held while a provider is awaited. SQL stays
 * literal at its call site, with typed arguments:
 *
 *     AUTO(db_rollback) struct db_tx *tx = db_begin(pool, client_id, err);
 *     AUTO(db_result_free) struct db_result *rows = NULL;
 *
 *     if (!tx || db_query(tx, &rows, err, "SELECT body FROM messages WHERE client_id = $1 AND message_id = $2",
 *                         db_text(client_id), db_text(message_id)) < 0)
 *         return -1;
 *     ...
 *     return db_commit(&tx, err);
 *
 * Statements are prepared once per connection, known by the address of their
 * text: it must be a literal. After a reconnect they are prepared again.
 *
 * Errors: ERR_UNAVAILABLE when there is no database (after a failed connect the
 * next callers fail at once for 250 ms instead of queueing up), on deadlock,
 * serialization failure and timeouts; ERR_CONFLICT for a unique violation
 * (err->field holds the constraint's name); ERR_INVALID for other constraint and
 * data errors; ERR_UNCERTAIN from db_commit alone, when the connection broke
 * before the answer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db_pool;
struct db_result;
struct db_tx;
struct err;

struct db_arg {
    const char *text; /* NULL is SQL NULL */
    char number[32];  /* where text is NULL and number is not empty, number is meant */
    int binary_len;   /* not 0: text points to so many bytes in the binary form of the parameter's type */
};

struct db_arg db_text(const char *text); /* also uuid, timestamptz, jsonb ... in text form */
struct db_arg db_int(int64_t value);
struct db_arg db_float(double value);
struct db_arg db_bool(bool value);
struct db_arg db_binary(const void *bytes, size_t len); /* as the type's own receive function reads it; not copied */

/* '{"a","b"}', each element quoted; for = ANY($1) and unnest($1::text[]). In arena. NULL elements are NULL. */
const char *db_array(struct arena *arena, const char *const *items, size_t n);

/* ---- the pool: thread-safe ---- */

/* Connects lazily, to at most max_connections. With set_role the connection does SET ROLE to it, so that the database
 * grants only what this service needs; NULL keeps the login's own rights. */
struct db_pool *db_pool_new(const char *database_url, const char *set_role, int max_connections, struct err *err);
void db_pool_destroy(struct db_pool **self_p);

/* ---- transactions: one thread at a time ---- */

/* As client_id: every client's rows are visible, where the role may. For the scheduler and for administrators. */
#define DB_EVERY_CLIENT "*"

/* Leases a connection for a transaction in which row-level security shows client_id's rows alone; it begins with the
 * first statement. client_id NULL: no tenant's rows. Waits at most 5 s for a free connection. NULL and *err on failure.
 */
struct db_tx *db_begin(struct db_pool *pool, const char *client_id, struct err *err);

/* Changes whose rows are seen from here on. */
int db_set_client(struct db_tx *tx, const char *client_id, struct err *err);

/* Runs one statement. ret_rows may be NULL. Returns the number of rows returned or changed, or -1. */
#define db_query(tx, ret_rows, err, sql, ...)                                                                  \
    db_query_args((tx), (ret_rows), (err), (sql), (struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){.text = NULL}}, \
                  sizeof((struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){.text = NULL}}) / sizeof(struct db_arg) - 1)
int db_query_args(struct db_tx *tx, struct db_result **ret_rows, struct err *err, const char *sql,
                  const struct db_arg *args, size_t n_args);

/* One statement of which nobody needs the result: it goes to the server together with the next db_query, or with the
 * commit, and fails there. Saves a round trip. -1 where an earlier one has failed. */
#define db_send(tx, err, sql, ...) db_send_for((tx), NULL, (err), (sql)__VA_OPT__(, ) __VA_ARGS__)

/* The same for a statement of which the result is needed, but not yet: it is in *ret_rows, for the caller to free, once
 * the answers have been read, by db_read or the next db_query. Until then ret_rows must live, unless the transaction is
 * ended; *ret_rows stays as it is where a statement has failed. */
#define db_send_for(tx, ret_rows, err, sql, ...)                                                                  \
    db_send_for_args((tx), (ret_rows), (err), (sql), (struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){.text = NULL}}, \
                     sizeof((struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){.text = NULL}}) / sizeof(struct db_arg) - 1)
int db_send_for_args(struct db_tx *tx, struct db_result **ret_rows, struct err *err, const char *sql,
                     const struct db_arg *args, size_t n_args);

/* Reads the answers to all that was sent. -1 and *err where a statement has failed. */
int db_read(struct db_tx *tx, struct err *err);

/* Calls fn(arg, true) after the commit, or fn(arg, false) when the transaction ends without (also when the commit is
 * uncertain); once, in the order of registration. fn frees arg. */
int db_after(struct db_tx *tx, void (*fn)(void *arg, bool committed), void *arg, struct err *err);

/* Gives the transaction ms from now on, where the server would end it after 30 s (PostgreSQL 17 and later). For work
 * that is many short statements: each still has its 15 s. */
int db_allow_ms(struct db_tx *tx, int64_t ms, struct err *err);

/* A place to come back to after a statement that may fail: db_rollback_to_savepoint undoes what was done since, and the
 * transaction goes on. One at a time; a second call moves it. */
int db_savepoint(struct db_tx *tx, struct err *err);
int db_rollback_to_savepoint(struct db_tx *tx, struct err *err);

/* Commits, gives the connection back and sets *tx_p to NULL, also on failure. */
int db_commit(struct db_tx **tx_p, struct err *err);

/* Rolls back, gives the connection back, sets *tx_p to NULL. Does nothing if it is NULL already. */
void db_rollback(struct db_tx **tx_p);

/* One statement in a transaction of its own, in one round trip. ERR_UNCERTAIN when the connection broke before the
 * answer: it may have been committed. */
#define db_run(pool, client_id, ret_rows, err, sql, ...)                     \
    db_run_args((pool), (client_id), (ret_rows), (err), (sql),               \
                (struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){.text = NULL}}, \
                sizeof((struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){.text = NULL}}) / sizeof(struct db_arg) - 1)
int db_run_args(struct db_pool *pool, const char *client_id, struct db_result **ret_rows, struct err *err,
                const char *sql, const struct db_arg *args, size_t n_args);

/* One of several statements that go together; made by DB_ASK. */
struct db_ask {
    const char *sql;
    const struct db_arg *args; /* as long-lived as the block around it */
    size_t n_args;
    struct db_result *rows; /* NULL until it was answered; the caller frees it */
};

#define DB_ASK(literal, ...)                                                                                           \
    ((struct db_ask){.sql = (literal),                                                                                 \
                     .args = (struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){.text = NULL}},                              \
                     .n_args =                                                                                         \
                         sizeof((struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){.text = NULL}}) / sizeof(struct db_arg) - \
                         1})

#define DB_ASK_MAX 8

/* As db_run, for up to DB_ASK_MAX statements that do not need each other's results: all in one transaction and one
 * round trip. On failure none has rows. */
int db_run_together(struct db_pool *pool, const char *client_id, struct db_ask *asks, size_t n, struct err *err);

/* Several statements separated by ';', without arguments: for migrations. */
int db_script(struct db_tx *tx, const char *sql, struct err *err);

/* ---- results ---- */

void db_result_free(struct db_result **self_p);
int db_result_count(const struct db_result *self);

/* NULL for SQL NULL and for a column that is not there. Valid until the result is freed. */
const char *db_get(const struct db_result *self, int row, const char *column);
int64_t db_get_int(const struct db_result *self, int row, const char *column); /* 0 for NULL */
double db_get_float(const struct db_result *self, int row, const char *column);
bool db_get_bool(const struct db_result *self, int row, const char *column);

/* ---- listening: a connection of its own ---- */

struct db_listener;

/* LISTEN on channel. Connects lazily. */
struct db_listener *db_listener_new(const char *database_url, const char *channel, struct err *err);
void db_listener_destroy(struct db_listener **self_p);

/* Waits up to timeout_ms. 1: something was notified, or the connection is new and notifications may have been missed;
 * 0: nothing; -1: no connection (waits out the timeout all the same). */
int db_listener_wait(struct db_listener *self, int timeout_ms, struct err *err);

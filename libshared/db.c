/* db.c - transactions.
 *
 * BEGIN and the setting that row-level security reads go in one round trip. A
 * pooled connection that turns out to be dead at BEGIN is replaced and BEGIN is
 * sent once more, so that a restarted database costs its first callers nothing. */
#include "libshared/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db_internal.h"
#include "libshared/failpoint.h"
#include "libshared/uuid.h"

struct hook {
    void (*fn)(void *arg, bool committed);
    void *arg;
    struct hook *next;
};

struct db_tx {
    struct db_pool *pool;
    struct db_conn *conn;
    char client_id[UUID_SIZE]; /* "": none */
    bool used;                 /* a statement has run: the transaction cannot be begun again unnoticed */
    size_t n_sent;             /* statements whose answers are still to be read */
    struct err failed;         /* of the statement that made the server abandon the transaction */
    struct hook *hooks, **last_hook;
};

/* What follows from it is interpolated into SQL, hence checked to the letter. */
static int check_client(const char *client_id, struct err *err)
{
    if (client_id && strcmp(client_id, DB_EVERY_CLIENT) != 0 && !uuid_is_valid(client_id))
        return err_set(err, ERR_INVALID, "client_id is not a UUID");
    return 0;
}

static int begin(struct db_tx *tx, const char *before, struct err *err)
{
    char sql[200];

    if (*tx->client_id)
        snprintf(sql, sizeof sql, "%sBEGIN; SET LOCAL leadwire.client_id = '%s'", before, tx->client_id);
    else
        snprintf(sql, sizeof sql, "%sBEGIN", before);
    return db_conn_exec(tx->conn, sql, DB_BEGIN_MS, err);
}

static void run_hooks(struct db_tx *tx, bool committed)
{
    while (tx->hooks) {
        struct hook *hook = tx->hooks;

        tx->hooks = hook->next;
        hook->fn(hook->arg, committed);
        free(hook);
    }
}

/* Gives the connection back first, so that a hook may use the pool. */
static void end(struct db_tx **tx_p, bool committed)
{
    struct db_tx *tx = *tx_p;

    *tx_p = NULL;
    if (tx->conn)
        db_pool_return(tx->pool, tx->conn);
    run_hooks(tx, committed);
    free(tx);
}

struct db_tx *db_begin(struct db_pool *pool, const char *client_id, struct err *err)
{
    struct db_tx *tx;
    bool fresh;

    if (check_client(client_id, err) < 0)
        return NULL;
    if (!(tx = calloc(1, sizeof *tx))) {
        err_set(err, ERR_INTERNAL, "database: out of memory");
        return NULL;
    }
    tx->pool = pool;
    tx->last_hook = &tx->hooks;
    snprintf(tx->client_id, sizeof tx->client_id, "%s", client_id ? client_id : "");

    tx->conn = db_pool_lease(pool, &fresh, err);
    if (tx->conn && begin(tx, "", err) < 0) {
        bool broken = PQstatus(tx->conn->pg) != CONNECTION_OK;

        if (broken && !fresh && (tx->conn = db_pool_replace(pool, tx->conn, err)) && begin(tx, "", err) == 0)
            return tx;
        end(&tx, false);
        return NULL;
    }
    if (!tx->conn)
        end(&tx, false);
    return tx;
}

int db_set_client(struct db_tx *tx, const char *client_id, struct err *err)
{
    if (check_client(client_id, err) < 0 || db_query(tx, NULL, err, "SELECT set_config('leadwire.client_id', $1, true)",
                                                     db_text(client_id ? client_id : "")) < 0)
        return -1;
    snprintf(tx->client_id, sizeof tx->client_id, "%s", client_id ? client_id : "");
    return 0;
}

/* The statement's failure has ended the transaction on the server: nothing more can be done in it. */
static int fail(struct db_tx *tx, const struct err *problem, struct err *err)
{
    tx->failed = *problem;
    if (err)
        *err = *problem;
    return -1;
}

/* What was prepared is forgotten, so that the caller's next attempt works. */
static void forget_prepared(struct db_tx *tx, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "database: a prepared statement was outdated, try again");
    db_conn_exec(tx->conn, "ROLLBACK; DEALLOCATE ALL", DB_BEGIN_MS, NULL);
}

/* Reads the answers to all that was sent. That to the last one; NULL and *err where one of them has failed. */
static PGresult *read_sent(struct db_tx *tx, struct err *err)
{
    bool stale;
    PGresult *answer = db_conn_read_sent(tx->conn, tx->n_sent, &stale, err);

    tx->n_sent = 0;
    if (!answer && stale)
        forget_prepared(tx, err);
    return answer;
}

/* Before what cannot go together with what was sent. */
static int drain(struct db_tx *tx, struct err *err)
{
    struct err problem = {0};
    PGresult *answer;

    if (tx->n_sent == 0)
        return 0;
    if (!(answer = read_sent(tx, &problem)))
        return fail(tx, &problem, err);
    PQclear(answer);
    return 0;
}

/* Runs it once more in a new transaction where nothing has been done in this one yet. */
static PGresult *run_again(struct db_tx *tx, const char *sql, const struct db_arg *args, size_t n_args, struct err *err)
{
    bool stale;

    if (tx->used) {
        forget_prepared(tx, err);
        return NULL;
    }
    if (begin(tx, "ROLLBACK; DEALLOCATE ALL; ", err) < 0)
        return NULL;
    return db_conn_query(tx->conn, sql, args, n_args, &stale, err);
}

int db_send_args(struct db_tx *tx, struct err *err, const char *sql, const struct db_arg *args, size_t n_args)
{
    struct err problem = {0};
    int sent;

    if (tx->failed.kind != ERR_NONE) {
        if (err)
            *err = tx->failed;
        return -1;
    }
    if (tx->n_sent == DB_SENT_MAX && drain(tx, err) < 0)
        return -1;
    if ((sent = db_conn_send(tx->conn, sql, args, n_args, &problem)) < 0)
        return fail(tx, &problem, err);
    if (sent == 0)
        return db_query_args(tx, NULL, err, sql, args, n_args) < 0 ? -1 : 0;
    tx->used = true;
    tx->n_sent++;
    return 0;
}

/* Together with what was sent before it, where there is anything. */
static PGresult *query(struct db_tx *tx, const char *sql, const struct db_arg *args, size_t n_args, struct err *err)
{
    PGresult *answer;
    bool stale;
    int sent;

    if (tx->n_sent > 0) {
        if ((sent = db_conn_send(tx->conn, sql, args, n_args, err)) < 0)
            return NULL;
        if (sent > 0) {
            tx->n_sent++;
            return read_sent(tx, err);
        }
        if (drain(tx, err) < 0)
            return NULL;
    }
    answer = db_conn_query(tx->conn, sql, args, n_args, &stale, err);
    return !answer && stale ? run_again(tx, sql, args, n_args, err) : answer;
}

int db_query_args(struct db_tx *tx, struct db_result **ret_rows, struct err *err, const char *sql,
                  const struct db_arg *args, size_t n_args)
{
    struct err problem = {0};
    struct db_result *result;
    PGresult *answer;
    int rows;

    if (tx->failed.kind != ERR_NONE) {
        if (err)
            *err = tx->failed;
        return -1;
    }
    if (!(answer = query(tx, sql, args, n_args, &problem)))
        return fail(tx, &problem, err);
    tx->used = true;
    rows = db_result_rows(answer);
    if (!ret_rows) {
        PQclear(answer);
        return rows;
    }
    if (!(result = db_result_new(answer, err)))
        return -1;
    *ret_rows = result;
    return rows;
}

int db_script(struct db_tx *tx, const char *sql, struct err *err)
{
    struct err problem = {0};

    drain(tx, NULL);
    if (tx->failed.kind != ERR_NONE) {
        if (err)
            *err = tx->failed;
        return -1;
    }
    tx->used = true;
    if (db_conn_exec(tx->conn, sql, 0, &problem) < 0)
        return fail(tx, &problem, err);
    return 0;
}

/* Only a clock that is off can be set anew. */
int db_allow_ms(struct db_tx *tx, int64_t ms, struct err *err)
{
    static const char sql[] = "SELECT set_config('transaction_timeout', $1, true)"
                              " WHERE current_setting('server_version_num')::integer >= 170000";

    return db_query(tx, NULL, err, sql, db_text("0")) < 0 || db_query(tx, NULL, err, sql, db_int(ms)) < 0 ? -1 : 0;
}

int db_savepoint(struct db_tx *tx, struct err *err)
{
    return db_script(tx, "SAVEPOINT leadwire", err);
}

int db_rollback_to_savepoint(struct db_tx *tx, struct err *err)
{
    drain(tx, NULL);
    tx->failed = (struct err){0};
    return db_script(tx, "ROLLBACK TO SAVEPOINT leadwire", err);
}

int db_after(struct db_tx *tx, void (*fn)(void *arg, bool committed), void *arg, struct err *err)
{
    struct hook *hook = calloc(1, sizeof *hook);

    if (!hook) {
        fn(arg, false);
        return err_set(err, ERR_INTERNAL, "database: out of memory");
    }
    *hook = (struct hook){.fn = fn, .arg = arg};
    *tx->last_hook = hook;
    tx->last_hook = &hook->next;
    return 0;
}

int db_commit(struct db_tx **tx_p, struct err *err)
{
    struct db_tx *tx = *tx_p;
    struct err problem = {0};

    drain(tx, NULL);
    if (tx->failed.kind != ERR_NONE) {
        problem = tx->failed;
        db_rollback(tx_p);
        if (err)
            *err = problem;
        return -1;
    }
    /* A connection that died before COMMIT was sent has certainly not committed. */
    if (!db_conn_is_alive(tx->conn)) {
        end(tx_p, false);
        return err_set(err, ERR_UNAVAILABLE, "database: the connection was lost before the commit");
    }
    failpoint("db.before_commit");
    if (db_conn_exec(tx->conn, "COMMIT", DB_ANSWER_MS, &problem) < 0) {
        if (PQstatus(tx->conn->pg) != CONNECTION_OK)
            err_set(&problem, ERR_UNCERTAIN, "database: the connection was lost during the commit");
        end(tx_p, false);
        if (err)
            *err = problem;
        return -1;
    }
    failpoint("db.after_commit");
    end(tx_p, true);
    return 0;
}

void db_rollback(struct db_tx **tx_p)
{
    if (!*tx_p)
        return;
    drain(*tx_p, NULL);
    if (PQstatus((*tx_p)->conn->pg) == CONNECTION_OK)
        db_conn_exec((*tx_p)->conn, "ROLLBACK", DB_BEGIN_MS, NULL);
    end(tx_p, false);
}

/* Asks once more where what was prepared is outdated. */
static int ask(struct db_pool *pool, struct db_conn *conn, const char *client_id, const struct db_ask *asks, size_t n,
               PGresult **ret_answers, struct err *err)
{
    bool stale;
    int rc;

    for (int attempt = 0;; attempt++) {
        if (client_id) {
            rc = db_conn_query_as(conn, client_id, asks, n, ret_answers, &stale, err);
        } else {
            ret_answers[0] = db_conn_query(conn, asks[0].sql, asks[0].args, asks[0].n_args, &stale, err);
            rc = ret_answers[0] ? 0 : -1;
        }
        if (rc == 0 || !stale || attempt > 0 || db_conn_exec(conn, "DEALLOCATE ALL", DB_BEGIN_MS, err) < 0)
            break;
    }
    if (rc < 0 && PQstatus(conn->pg) != CONNECTION_OK)
        err_set(err, ERR_UNCERTAIN, "database: the connection was lost before the answer");
    db_pool_return(pool, conn);
    return rc;
}

int db_run_together(struct db_pool *pool, const char *client_id, struct db_ask *asks, size_t n, struct err *err)
{
    PGresult *answers[DB_ASK_MAX];
    struct db_conn *conn;
    bool fresh;
    int rc = 0;

    if (n > DB_ASK_MAX || !client_id)
        return err_set(err, ERR_INTERNAL, "database: too many statements at once, or of no client");
    if (check_client(client_id, err) < 0 || !(conn = db_pool_lease(pool, &fresh, err)) ||
        ask(pool, conn, client_id, asks, n, answers, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!(asks[i].rows = db_result_new(answers[i], err)))
            rc = -1;
    for (size_t i = 0; rc < 0 && i < n; i++) {
        db_result_free(&asks[i].rows);
    }
    return rc;
}

int db_run_args(struct db_pool *pool, const char *client_id, struct db_result **ret_rows, struct err *err,
                const char *sql, const struct db_arg *args, size_t n_args)
{
    const struct db_ask one = {.sql = sql, .args = args, .n_args = n_args};
    struct db_result *result;
    struct db_conn *conn;
    PGresult *answer;
    bool fresh;
    int rows;

    if (check_client(client_id, err) < 0 || !(conn = db_pool_lease(pool, &fresh, err)) ||
        ask(pool, conn, client_id, &one, 1, &answer, err) < 0)
        return -1;
    rows = db_result_rows(answer);
    if (!ret_rows) {
        PQclear(answer);
        return rows;
    }
    if (!(result = db_result_new(answer, err)))
        return -1;
    *ret_rows = result;
    return rows;
}

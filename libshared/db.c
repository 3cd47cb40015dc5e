/* db.c - transactions.
 *
 * BEGIN and the setting that row-level security reads go to the server together
 * with the first statement. Where that is a db_query and the pooled connection
 * turns out to be dead, both are sent once more on another, so that a restarted
 * database costs its first callers nothing. */
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
    bool fresh;                /* the connection was opened for it */
    bool begun;
    size_t n_sent;                          /* statements whose answers are still to be read */
    struct db_result **wanted[DB_SENT_MAX]; /* by each of them; NULL: nobody needs its result */
    struct err failed;                      /* of the statement that made the server abandon the transaction */
    struct hook *hooks, **last_hook;
};

/* What follows from it is interpolated into SQL, hence checked to the letter. */
static int check_client(const char *client_id, struct err *err)
{
    if (client_id && strcmp(client_id, DB_EVERY_CLIENT) != 0 && !uuid_is_valid(client_id))
        return err_set(err, ERR_INVALID, "client_id is not a UUID");
    return 0;
}

static int begin(struct db_tx *tx, struct err *err)
{
    char sql[200] = "BEGIN";

    if (*tx->client_id)
        snprintf(sql, sizeof sql, "BEGIN; SET LOCAL leadwire.client_id = '%s'", tx->client_id);
    if (db_conn_exec(tx->conn, sql, DB_BEGIN_MS, err) < 0)
        return -1;
    tx->begun = true;
    return 0;
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

    if (check_client(client_id, err) < 0)
        return NULL;
    if (!(tx = calloc(1, sizeof *tx))) {
        err_set(err, ERR_INTERNAL, "database: out of memory");
        return NULL;
    }
    tx->pool = pool;
    tx->last_hook = &tx->hooks;
    snprintf(tx->client_id, sizeof tx->client_id, "%s", client_id ? client_id : "");
    if (!(tx->conn = db_pool_lease(pool, &tx->fresh, err)))
        end(&tx, false);
    return tx;
}

int db_set_client(struct db_tx *tx, const char *client_id, struct err *err)
{
    if (check_client(client_id, err) < 0 ||
        db_query(tx, NULL, err, db_set_client_sql, db_text(client_id ? client_id : "")) < 0)
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

static int check_failed(const struct db_tx *tx, struct err *err)
{
    if (tx->failed.kind == ERR_NONE)
        return 0;
    if (err)
        *err = tx->failed;
    return -1;
}

/* ---- what is sent ahead ---- */

/* 1; 0 where it is not prepared, and nothing was sent; -1 and *err. */
static int send_one(struct db_tx *tx, struct db_result **ret_rows, const char *sql, const struct db_arg *args,
                    size_t n_args, struct err *err)
{
    int sent = db_conn_send(tx->conn, sql, args, n_args, err);

    if (sent > 0)
        tx->wanted[tx->n_sent++] = ret_rows;
    return sent;
}

/* Gives each answer to who wants it; that to the last one to the caller. NULL and *err where one of the statements has
 * failed. */
static PGresult *read_sent(struct db_tx *tx, bool *ret_stale, struct err *err)
{
    PGresult *answers[DB_SENT_MAX];
    size_t n = tx->n_sent;
    int rc;

    tx->n_sent = 0;
    if (db_conn_read_sent(tx->conn, n, answers, ret_stale, err) < 0)
        return NULL;
    rc = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        if (!tx->wanted[i] || rc < 0)
            PQclear(answers[i]);
        else if (!(*tx->wanted[i] = db_result_new(answers[i], err)))
            rc = -1;
    }
    if (rc == 0)
        return answers[n - 1];
    PQclear(answers[n - 1]);
    return NULL;
}

/* What was prepared is forgotten, so that the caller's next attempt works. */
static void forget_prepared(struct db_tx *tx, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "database: a prepared statement was outdated, try again");
    db_conn_exec(tx->conn, "ROLLBACK; DEALLOCATE ALL", DB_BEGIN_MS, NULL);
}

/* Before what cannot go together with what was sent. */
static int drain(struct db_tx *tx, struct err *err)
{
    struct db_result **last = tx->n_sent > 0 ? tx->wanted[tx->n_sent - 1] : NULL;
    struct err problem = {0};
    PGresult *answer;
    bool stale;

    if (tx->n_sent == 0)
        return 0;
    if (!(answer = read_sent(tx, &stale, &problem))) {
        if (stale)
            forget_prepared(tx, &problem);
        return fail(tx, &problem, err);
    }
    if (!last)
        PQclear(answer);
    else if (!(*last = db_result_new(answer, &problem)))
        return fail(tx, &problem, err);
    return 0;
}

/* At the end of the transaction: who wanted a result may be gone. */
static void drain_unwanted(struct db_tx *tx)
{
    memset(tx->wanted, 0, sizeof tx->wanted);
    drain(tx, NULL);
}

int db_read(struct db_tx *tx, struct err *err)
{
    return check_failed(tx, err) < 0 || drain(tx, err) < 0 ? -1 : 0;
}

/* BEGIN, to go together with the first statement. */
static int send_begin(struct db_tx *tx, struct err *err)
{
    static const char begin_sql[] = "BEGIN";
    const struct db_arg client = db_text(tx->client_id);
    int room = db_conn_prepare(tx->conn, begin_sql, err);

    if (room > 0 && *tx->client_id)
        room = db_conn_prepare(tx->conn, db_set_client_sql, err);
    if (room < 0)
        return -1;
    if (room == 0)
        return begin(tx, err);
    tx->begun = true;
    return send_one(tx, NULL, begin_sql, NULL, 0, err) < 0 ||
                   (*tx->client_id && send_one(tx, NULL, db_set_client_sql, &client, 1, err) < 0)
               ? -1
               : 0;
}

int db_send_for_args(struct db_tx *tx, struct db_result **ret_rows, struct err *err, const char *sql,
                     const struct db_arg *args, size_t n_args)
{
    struct err problem = {0};
    int sent;

    if (check_failed(tx, err) < 0 || (tx->n_sent == DB_SENT_MAX - 1 && drain(tx, err) < 0))
        return -1;
    if ((!tx->begun && send_begin(tx, &problem) < 0) ||
        (sent = send_one(tx, ret_rows, sql, args, n_args, &problem)) < 0)
        return fail(tx, &problem, err);
    return sent == 0 && db_query_args(tx, ret_rows, err, sql, args, n_args) < 0 ? -1 : 0;
}

/* ---- one statement ---- */

/* Together with what was sent before it, or alone where it cannot be prepared. */
static PGresult *ask_in(struct db_tx *tx, const char *sql, const struct db_arg *args, size_t n_args, bool *ret_stale,
                        struct err *err)
{
    int sent = tx->n_sent > 0 ? send_one(tx, NULL, sql, args, n_args, err) : 0;

    *ret_stale = false;
    if (sent < 0)
        return NULL;
    if (sent > 0)
        return read_sent(tx, ret_stale, err);
    return drain(tx, err) < 0 ? NULL : db_conn_query(tx->conn, sql, args, n_args, ret_stale, err);
}

/* The transaction begins with it: nothing is lost where it must be begun once more, because the connection was dead or
 * what was prepared is outdated. */
static PGresult *ask_first(struct db_tx *tx, const char *sql, const struct db_arg *args, size_t n_args, struct err *err)
{
    PGresult *answer;
    bool stale = false, forgotten = false;

    for (;;) {
        answer = db_conn_prepare(tx->conn, sql, err) < 0 || send_begin(tx, err) < 0
                     ? NULL
                     : ask_in(tx, sql, args, n_args, &stale, err);
        if (answer)
            return answer;
        if (PQstatus(tx->conn->pg) != CONNECTION_OK && !tx->fresh) {
            tx->fresh = true;
            if (!(tx->conn = db_pool_replace(tx->pool, tx->conn, err)))
                return NULL;
        } else if (!stale || forgotten || db_conn_exec(tx->conn, "ROLLBACK; DEALLOCATE ALL", DB_BEGIN_MS, err) < 0) {
            return NULL;
        } else {
            forgotten = true;
        }
        tx->failed = (struct err){0};
        tx->n_sent = 0;
        tx->begun = stale = false;
    }
}

static PGresult *query(struct db_tx *tx, const char *sql, const struct db_arg *args, size_t n_args, struct err *err)
{
    PGresult *answer;
    bool stale;

    if (!tx->begun)
        return ask_first(tx, sql, args, n_args, err);
    if (!(answer = ask_in(tx, sql, args, n_args, &stale, err)) && stale)
        forget_prepared(tx, err);
    return answer;
}

int db_query_args(struct db_tx *tx, struct db_result **ret_rows, struct err *err, const char *sql,
                  const struct db_arg *args, size_t n_args)
{
    struct err problem = {0};
    struct db_result *result;
    PGresult *answer;
    int rows;

    if (check_failed(tx, err) < 0)
        return -1;
    if (!(answer = query(tx, sql, args, n_args, &problem)))
        return fail(tx, &problem, err);
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

    if (db_read(tx, err) < 0)
        return -1;
    if ((!tx->begun && begin(tx, &problem) < 0) || db_conn_exec(tx->conn, sql, 0, &problem) < 0)
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
    drain_unwanted(tx);
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

    drain_unwanted(tx);
    if (check_failed(tx, err) < 0) {
        db_rollback(tx_p);
        return -1;
    }
    if (!tx->begun) {
        end(tx_p, true);
        return 0;
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
    struct db_tx *tx = *tx_p;

    if (!tx)
        return;
    drain_unwanted(tx);
    if (tx->begun && tx->conn && PQstatus(tx->conn->pg) == CONNECTION_OK)
        db_conn_exec(tx->conn, "ROLLBACK", DB_BEGIN_MS, NULL);
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

/* db_session.c - see db_session.h. */
#include "libshared/db_session.h"

#include <stdlib.h>

#include "libshared/auto.h"
#include "libshared/db_internal.h"

struct db_session {
    struct db_conn *conn;
};

struct db_session *db_session_open(const char *database_url, struct err *err)
{
    AUTO(db_session_close) struct db_session *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "database: out of memory");
        return NULL;
    }
    if (!(self->conn = db_conn_open(database_url, NULL, err)) ||
        db_conn_exec(self->conn, "SET statement_timeout = 0; SET lock_timeout = 0", DB_BEGIN_MS, err) < 0)
        return NULL;
    if (PQserverVersion(self->conn->pg) >= 170000 &&
        db_conn_exec(self->conn, "SET transaction_timeout = 0", DB_BEGIN_MS, err) < 0)
        return NULL;
    return TAKE(self);
}

void db_session_close(struct db_session **self_p)
{
    struct db_session *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    db_conn_close(&self->conn);
    free(self);
}

int db_session_run(struct db_session *self, const char *sql, int timeout_ms, struct err *err)
{
    return db_conn_exec(self->conn, sql, timeout_ms, err);
}

int db_session_query(struct db_session *self, struct db_result **ret_rows, struct err *err, const char *sql,
                     const struct db_arg *args, size_t n_args)
{
    PGresult *answer;
    struct db_result *rows;
    bool stale;

    if (!(answer = db_conn_query(self->conn, sql, args, n_args, &stale, err)) || !(rows = db_result_new(answer, err)))
        return -1;
    *ret_rows = rows;
    return db_result_count(rows);
}

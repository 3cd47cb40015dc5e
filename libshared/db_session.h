/* db_session.h - statements that need no transaction around them and the rights of the tables' owner: CREATE INDEX
 * CONCURRENTLY and its like. Everything else goes through the pool (db.h).
 *
 * One connection of its own, as the login of DATABASE_URL without SET ROLE, without the server's limits of time. One
 * thread at a time. */
#pragma once

#include <stddef.h>

#include "libshared/db.h"

struct db_session;

struct db_session *db_session_open(const char *database_url, struct err *err);
void db_session_close(struct db_session **self_p);

/* Runs one statement, for at most timeout_ms. When the time is over the connection is given up; the server may go on.
 */
int db_session_run(struct db_session *self, const char *sql, int timeout_ms, struct err *err);

/* Asks one statement with arguments, for at most 20 s. */
int db_session_query(struct db_session *self, struct db_result **ret_rows, struct err *err, const char *sql,
                     const struct db_arg *args, size_t n_args);

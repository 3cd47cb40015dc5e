/* migrate.h - brings a database's schema up to date. */
#pragma once

struct err;

/* Applies the files NNNN_name.sql of dir that the database does not have yet, in order, each in a transaction of its
 * own, and records them with their SHA-256 in schema_migrations. A second run does nothing; two runs at the same time
 * wait for each other. 0, or -1 and *err:
 * ERR_INVALID      the server is older than PostgreSQL 15 or has no pgvector; or the text names a file that was changed
 *                  after it had been applied, is missing, or is older than what has been applied; or its SQL fails
 * ERR_UNAVAILABLE  no database, or a lock could not be had: nothing of the file named was applied */
int migrate_run(const char *database_url, const char *dir, struct err *err);

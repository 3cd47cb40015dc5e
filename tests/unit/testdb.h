/* testdb.h - a database for unit tests. */
#pragma once

/* The URL of a migrated database whose tables are empty. It is this test process's alone; a later one uses it again, so
 * a test must not leave tables, types or functions behind. Skips the test where LEADWIRE_TEST_DATABASE_URL (of a login
 * that may create databases) is unset; ends it as failed where the database cannot be made. */
const char *testdb_url(void);

/* The same, but newly made and dropped when the process ends: for tests that change the schema or count on an unused
 * one. Takes some 0.3 s. */
const char *testdb_fresh_url(void);

/* A new, empty database beside it, dropped at the same time. At most 8. */
const char *testdb_empty_url(void);

/* The migrations folder of the source tree. */
const char *testdb_migrations(void);

/* testdb.h - a database for unit tests. */
#pragma once

/* The URL of a freshly migrated database of this test process, dropped when the process ends. Skips the test where
 * LEADWIRE_TEST_DATABASE_URL is unset (a superuser's, or like that of scripts/postgres one with CREATEDB and CREATEROLE
 * on a server whose template1 has the extensions); ends it as failed where the database cannot be made. */
const char *testdb_url(void);

/* A new, empty database beside it, dropped at the same time. At most 8. */
const char *testdb_empty_url(void);

/* The migrations folder of the source tree. */
const char *testdb_migrations(void);

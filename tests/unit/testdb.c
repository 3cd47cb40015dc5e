/* testdb.c - see testdb.h. */
#include "testdb.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/migrate.h"
#include "libshared/uuid.h"

#define PREFIX        "leadwire_test_"
#define DATABASES_MAX 8

static char names[DATABASES_MAX][64];
static char urls[DATABASES_MAX][1024];
static size_t n_databases;

static void be_quiet(void *arg, const char *notice)
{
    (void)arg;
    (void)notice;
}

static PGconn *admin(void)
{
    const char *url = getenv("LEADWIRE_TEST_DATABASE_URL");
    PGconn *pg;

    if (!url || !*url)
        cr_skip_test("LEADWIRE_TEST_DATABASE_URL is not set: no database to test with");
    pg = PQconnectdb(url);
    cr_assert(PQstatus(pg) == CONNECTION_OK, "%s", PQerrorMessage(pg));
    PQsetNoticeProcessor(pg, be_quiet, NULL);
    return pg;
}

static void run(PGconn *pg, const char *sql)
{
    PQclear(PQexec(pg, sql));
}

static void drop_all(void)
{
    PGconn *pg = PQconnectdb(getenv("LEADWIRE_TEST_DATABASE_URL"));
    char sql[200];

    for (size_t i = 0; i < n_databases; i++) {
        snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", names[i]);
        run(pg, sql);
    }
    PQfinish(pg);
}

/* Of test processes that were killed more than 10 minutes ago: the name tells when. */
static void drop_leftovers(PGconn *pg)
{
    PGresult *rows = PQexec(pg, "SELECT datname, split_part(datname, '_', 3) FROM pg_database "
                                "WHERE datname LIKE '" PREFIX "%'");
    char sql[200];

    for (int i = 0; i < PQntuples(rows); i++) {
        if (strtoll(PQgetvalue(rows, i, 1), NULL, 10) > (long long)time(NULL) - 600)
            continue;
        snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", PQgetvalue(rows, i, 0));
        run(pg, sql);
    }
    PQclear(rows);
}

/* The last dbname of a connection string with parameters wins, and a URI takes them after a question mark. */
static void make_url(char *out, size_t size, const char *base, const char *name)
{
    if (strstr(base, "://"))
        snprintf(out, size, "%s%cdbname=%s", base, strchr(base, '?') ? '&' : '?', name);
    else
        snprintf(out, size, "%s dbname=%s", base, name);
}

const char *testdb_empty_url(void)
{
    PGconn *pg = admin();
    char id[UUID_SIZE], sql[200];
    char *name = names[n_databases];
    PGresult *made;

    cr_assert(n_databases < DATABASES_MAX);
    if (n_databases == 0) {
        drop_leftovers(pg);
        atexit(drop_all);
    }
    uuid_new(id);
    snprintf(name, sizeof names[0], PREFIX "%lld_%d_%.12s", (long long)time(NULL), (int)getpid(), id + 24);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    made = PQexec(pg, sql);
    cr_assert(PQresultStatus(made) == PGRES_COMMAND_OK, "%s", PQerrorMessage(pg));
    PQclear(made);
    PQfinish(pg);
    make_url(urls[n_databases], sizeof urls[0], getenv("LEADWIRE_TEST_DATABASE_URL"), name);
    return urls[n_databases++];
}

const char *testdb_url(void)
{
    static const char *url;
    struct err err = {0};

    if (url)
        return url;
    log_init("test", "error");
    url = testdb_empty_url();
    cr_assert(migrate_run(url, testdb_migrations(), &err) == 0, "%s", err.text);
    return url;
}

const char *testdb_migrations(void)
{
    return LEADWIRE_SOURCE_DIR "/migrations";
}

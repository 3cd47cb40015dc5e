/* testdb.c - see testdb.h. */
#include "testdb.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/migrate.h"
#include "libshared/seal.h"
#include "libshared/uuid.h"

#define PREFIX        "leadwire_test_"
#define DATABASES_MAX 8
#define SLOTS         64

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

/* Of other migrations than today's; one that is in use stays. */
static void drop_outdated(PGconn *pg, const char *print)
{
    char sql[300];
    PGresult *rows;

    snprintf(sql, sizeof sql,
             "SELECT datname FROM pg_database WHERE datname LIKE 'leadwire_unit_%%' AND datname NOT LIKE "
             "'leadwire_unit_%s_%%'",
             print);
    rows = PQexec(pg, sql);
    for (int i = 0; i < PQntuples(rows); i++) {
        snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s", PQgetvalue(rows, i, 0));
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

const char *testdb_fresh_url(void)
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

/* ---- databases that are used again ---- */

/* Tells migrations from changed ones: 12 hex digits over the names and texts of the files. */
static void fingerprint(char out[13])
{
    struct dirent **files;
    char path[1024], hex[65];
    AUTO(buf_free) struct buf all = {0};
    int n = scandir(testdb_migrations(), &files, NULL, alphasort);

    cr_assert(n > 0);
    for (int i = 0; i < n; i++) {
        char piece[4096];
        size_t len;
        FILE *file;

        snprintf(path, sizeof path, "%s/%s", testdb_migrations(), files[i]->d_name);
        file = strstr(files[i]->d_name, ".sql") ? fopen(path, "r") : NULL;
        while (file && (len = fread(piece, 1, sizeof piece, file)) > 0)
            buf_append(&all, piece, len);
        if (file)
            fclose(file);
        buf_puts(&all, files[i]->d_name);
        free(files[i]);
    }
    free(files);
    sha256_hex(all.data, all.len, hex);
    snprintf(out, 13, "%.12s", hex);
}

/* Empties what an earlier test has left. What the migrations themselves filled stays. */
static const char clean[] =
    "DO $$ DECLARE name text; filled text := ''; has boolean;"
    " BEGIN"
    "  PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    "   WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid();"
    "  FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits"
    "              WHERE inhparent = 'finished_tasks'::regclass"
    "                AND inhrelid <> 'finished_tasks_default'::regclass LOOP"
    "   EXECUTE 'DROP TABLE ' || name;"
    "  END LOOP;"
    "  FOR name IN SELECT format('%I', relname) FROM pg_class"
    "              WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
    "                AND relname NOT IN ('schema_migrations', 'search_words', 'phone_zones') LOOP"
    "   EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO has;"
    "   IF has THEN filled := filled || ', ' || name; END IF;"
    "  END LOOP;"
    "  IF filled <> '' THEN EXECUTE 'TRUNCATE ' || substr(filled, 3) || ' RESTART IDENTITY CASCADE'; END IF;"
    " END $$";

static bool is_true(PGconn *pg, const char *sql)
{
    PGresult *rows = PQexec(pg, sql);
    bool yes = PQntuples(rows) == 1 && strcmp(PQgetvalue(rows, 0, 0), "t") == 0;

    PQclear(rows);
    return yes;
}

static void make_ready(const char *url, bool exists)
{
    struct err err = {0};
    PGconn *pg;
    PGresult *done;

    /* Also where it exists: whoever made it may have been killed half way. */
    cr_assert(migrate_run(url, testdb_migrations(), &err) == 0, "%s", err.text);
    if (!exists)
        return;
    pg = PQconnectdb(url);
    PQsetNoticeProcessor(pg, be_quiet, NULL);
    done = PQexec(pg, clean);
    cr_assert(PQresultStatus(done) == PGRES_COMMAND_OK, "%s", PQerrorMessage(pg));
    PQclear(done);
    PQfinish(pg);
}

const char *testdb_url(void)
{
    static char url[1024];
    static PGconn *pg; /* its session holds the lock while this process lives */
    char print[13], name[64], sql[200];
    bool exists;

    if (*url)
        return url;
    log_init("test", "error");
    pg = admin();
    fingerprint(print);
    for (int slot = 0;; slot++) {
        cr_assert(slot < SLOTS, "all databases for tests are in use");
        snprintf(name, sizeof name, "leadwire_unit_%s_%d", print, slot);
        snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(hashtextextended('%s', 0))", name);
        if (is_true(pg, sql))
            break;
    }
    snprintf(sql, sizeof sql, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '%s')", name);
    if (!(exists = is_true(pg, sql))) {
        drop_outdated(pg, print);
        snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
        run(pg, sql);
    }
    make_url(url, sizeof url, getenv("LEADWIRE_TEST_DATABASE_URL"), name);
    make_ready(url, exists);
    return url;
}

const char *testdb_migrations(void)
{
    return LEADWIRE_SOURCE_DIR "/migrations";
}

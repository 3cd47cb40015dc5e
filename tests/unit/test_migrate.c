/* test_migrate.c - the schema's past cannot be changed, and two runs do not meet. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/migrate.h"
#include "testdb.h"

static char dir[] = "/tmp/leadwire-migrate-XXXXXX";

static void make_dir(void)
{
    log_init("test", "error");
    cr_assert(mkdtemp(dir) != NULL);
}

static void remove_dir(void)
{
    char command[64];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_expect(eq(int, system(command), 0));
}

TestSuite(migrate, .init = make_dir, .fini = remove_dir, .timeout = 60);

static void write_file(const char *name, const char *sql)
{
    char path[128];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    out = fopen(path, "w");
    cr_assert(out != NULL);
    fputs(sql, out);
    fclose(out);
}

static void remove_file(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    cr_assert(unlink(path) == 0);
}

static int64_t count(const char *url, const char *sql)
{
    AUTO(db_pool_destroy) struct db_pool *pool = db_pool_new(url, NULL, 1, NULL);
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(db_run(pool, NULL, &rows, &err, sql) >= 0, "%s", err.text);
    return db_get_int(rows, 0, "n");
}

static void expect_refused(const char *url, const char *name)
{
    struct err err = {0};

    cr_expect(eq(int, migrate_run(url, dir, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(strstr(err.text, name) != NULL, "%s does not name %s", err.text, name);
}

Test(migrate, all_files_run_and_a_second_run_does_nothing)
{
    const char *url = testdb_empty_url();
    struct err err = {0};
    int64_t n;

    cr_assert(eq(int, migrate_run(url, testdb_migrations(), &err), 0), "%s", err.text);
    n = count(url, "SELECT count(*) AS n FROM schema_migrations");
    cr_expect(gt(i64, n, 3));
    cr_assert(eq(int, migrate_run(url, testdb_migrations(), &err), 0), "%s", err.text);
    cr_expect(eq(i64, count(url, "SELECT count(*) AS n FROM schema_migrations"), n));
}

Test(migrate, a_changed_file_is_refused_by_name)
{
    const char *url = testdb_empty_url();
    struct err err = {0};

    write_file("0001_one.sql", "CREATE TABLE one (a int)");
    cr_assert(eq(int, migrate_run(url, dir, &err), 0), "%s", err.text);
    write_file("0001_one.sql", "CREATE TABLE one (a bigint)");
    write_file("0002_two.sql", "CREATE TABLE two (a int)");
    expect_refused(url, "0001_one.sql");
    cr_expect(eq(i64, count(url, "SELECT count(to_regclass('two')) AS n"), 0));
}

Test(migrate, a_missing_file_is_refused_by_name)
{
    const char *url = testdb_empty_url();
    struct err err = {0};

    write_file("0001_one.sql", "CREATE TABLE one (a int)");
    write_file("0002_two.sql", "CREATE TABLE two (a int)");
    write_file("0003_three.sql", "CREATE TABLE three (a int)");
    cr_assert(eq(int, migrate_run(url, dir, &err), 0), "%s", err.text);
    remove_file("0002_two.sql");
    expect_refused(url, "0002_two.sql");
    write_file("0002_two.sql", "CREATE TABLE two (a int)");
    remove_file("0003_three.sql");
    expect_refused(url, "0003_three.sql");
}

Test(migrate, a_file_older_than_what_was_applied_is_refused_by_name)
{
    const char *url = testdb_empty_url();
    struct err err = {0};

    write_file("0002_two.sql", "CREATE TABLE two (a int)");
    cr_assert(eq(int, migrate_run(url, dir, &err), 0), "%s", err.text);
    write_file("0001_late.sql", "CREATE TABLE late (a int)");
    expect_refused(url, "0001_late.sql");
}

Test(migrate, a_file_that_fails_leaves_nothing_behind_and_names_itself)
{
    const char *url = testdb_empty_url();

    write_file("0001_one.sql", "CREATE TABLE one (a int)");
    write_file("0002_two.sql", "CREATE TABLE two (a int);\nSELECT 1 / 0;\n");
    expect_refused(url, "0002_two.sql");
    cr_expect(eq(i64, count(url, "SELECT count(to_regclass('two')) AS n"), 0));
    cr_expect(eq(i64, count(url, "SELECT max(version) AS n FROM schema_migrations"), 1));
}

static void *migrate_in_thread(void *url)
{
    struct err err = {0};

    if (migrate_run(url, testdb_migrations(), &err) == 0)
        return NULL;
    fprintf(stderr, "%s\n", err.text);
    return url;
}

Test(migrate, runs_at_the_same_time_are_safe)
{
    const char *url = testdb_empty_url();
    pthread_t threads[4];

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        cr_assert(pthread_create(&threads[i], NULL, migrate_in_thread, (void *)url) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *failed = NULL;

        pthread_join(threads[i], &failed);
        cr_expect(failed == NULL);
    }
    cr_expect(eq(i64, count(url, "SELECT count(*) - count(DISTINCT version) AS n FROM schema_migrations"), 0));
}

Test(migrate, without_a_database_it_says_so)
{
    struct err err = {0};

    cr_expect(eq(int, migrate_run("postgresql://u:secret-word@127.0.0.1:1/x", testdb_migrations(), &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(strstr(err.text, "secret-word") == NULL);
}

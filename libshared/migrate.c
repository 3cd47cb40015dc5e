/* migrate.c - see migrate.h. One session holds an advisory lock from reading what is applied to the last file. */
#include "libshared/migrate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/db_internal.h"
#include "libshared/log.h"
#include "libshared/seal.h"

#define LOCK_KEY   "7013447201" /* of the advisory lock: any number that nobody else takes */
#define FILES_MAX  1000
#define FILE_BYTES (4 * 1024 * 1024)
#define NAME_SIZE  128

struct file {
    int version;
    char name[NAME_SIZE]; /* 0001_ground.sql */
    char checksum[65];
    char *sql;
    bool applied;
};

struct run {
    struct db_conn *conn;
    struct file *files; /* ordered by version */
    size_t n_files;
};

/* ---- the files ---- */

/* The number of NNNN_name.sql; 0 if the name is not of that form. */
static int version_of(const char *name)
{
    size_t len = strlen(name);
    int version = 0;

    if (len < 10 || len >= NAME_SIZE || strcmp(name + len - 4, ".sql") != 0 || name[4] != '_')
        return 0;
    for (int i = 0; i < 4; i++) {
        if (!isdigit((unsigned char)name[i]))
            return 0;
        version = version * 10 + (name[i] - '0');
    }
    return version;
}

static void close_file(FILE **file_p)
{
    if (*file_p)
        fclose(*file_p);
}

static int read_file(struct file *file, const char *dir, struct err *err)
{
    char path[1024], block[8192];
    AUTO(close_file) FILE *in = NULL;
    AUTO(buf_free) struct buf text = {0};
    size_t n;

    snprintf(path, sizeof path, "%s/%s", dir, file->name);
    if (!(in = fopen(path, "re")))
        return err_set(err, ERR_INVALID, "migrations: cannot read %s: %s", file->name, strerror(errno));
    while ((n = fread(block, 1, sizeof block, in)) > 0 && text.len <= FILE_BYTES)
        buf_append(&text, block, n);
    if (ferror(in) || text.len == 0 || text.len > FILE_BYTES || memchr(text.data, '\0', text.len))
        return err_set(err, ERR_INVALID, "migrations: %s is empty, too long or not text", file->name);
    if (text.failed)
        return err_set(err, ERR_INTERNAL, "migrations: out of memory");
    sha256_hex(text.data, text.len, file->checksum);
    file->sql = TAKE(text.data);
    return 0;
}

static int by_version(const void *a, const void *b)
{
    return ((const struct file *)a)->version - ((const struct file *)b)->version;
}

static void close_dir(DIR **dir_p)
{
    if (*dir_p)
        closedir(*dir_p);
}

static int read_files(struct run *self, const char *dir, struct err *err)
{
    AUTO(close_dir) DIR *entries = opendir(dir);

    if (!entries)
        return err_set(err, ERR_INVALID, "migrations: cannot open the folder %s: %s", dir, strerror(errno));
    if (!(self->files = calloc(FILES_MAX, sizeof *self->files)))
        return err_set(err, ERR_INTERNAL, "migrations: out of memory");
    for (struct dirent *entry; (entry = readdir(entries)) && self->n_files < FILES_MAX;) {
        struct file *file = &self->files[self->n_files];
        int version = version_of(entry->d_name);

        if (version == 0)
            continue;
        file->version = version;
        snprintf(file->name, sizeof file->name, "%.*s", NAME_SIZE - 1, entry->d_name);
        self->n_files++;
        if (read_file(file, dir, err) < 0)
            return -1;
    }
    if (self->n_files == 0)
        return err_set(err, ERR_INVALID, "migrations: the folder %s has no NNNN_name.sql files", dir);
    qsort(self->files, self->n_files, sizeof *self->files, by_version);
    for (size_t i = 1; i < self->n_files; i++)
        if (self->files[i].version == self->files[i - 1].version)
            return err_set(err, ERR_INVALID, "migrations: %s and %s have the same number", self->files[i - 1].name,
                           self->files[i].name);
    return 0;
}

static void finish(struct run *self)
{
    for (size_t i = 0; i < self->n_files; i++)
        free(self->files[i].sql);
    free(self->files);
    db_conn_close(&self->conn);
}

/* ---- the database ---- */

#define ask(conn, err, sql, ...)                                                     \
    ask_args((conn), (err), (sql), (struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){0}}, \
             sizeof((struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){0}}) / sizeof(struct db_arg) - 1)
static struct db_result *ask_args(struct db_conn *conn, struct err *err, const char *sql, const struct db_arg *args,
                                  size_t n_args)
{
    bool stale;
    PGresult *answer = db_conn_query(conn, sql, args, n_args, &stale, err);

    return answer ? db_result_new(answer, err) : NULL;
}

static int check_server(struct run *self, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int version = PQserverVersion(self->conn->pg);

    if (version < 150000)
        return err_set(err, ERR_INVALID, "PostgreSQL 15 or later is needed, the server is %d.%d", version / 10000,
                       version % 10000);
    if (!(rows = ask(self->conn, err, "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")))
        return -1;
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_INVALID, "PostgreSQL has no pgvector: install the package postgresql-%d-pgvector",
                       version / 10000);
    return 0;
}

static void warn_of_old_vector(struct run *self)
{
    AUTO(db_result_free)
    struct db_result *rows =
        ask(self->conn, NULL,
            "SELECT extversion, string_to_array(regexp_replace(extversion, '[^0-9.].*$', ''), '.')::int[] "
            "< ARRAY[0, 8, 6] AS is_old FROM pg_extension WHERE extname = 'vector'");

    if (rows && db_get_bool(rows, 0, "is_old"))
        log_warn("pgvector is older than 0.8.6: parallel HNSW builds stay off (CVE-2026-3172)",
                 log_str("version", db_get(rows, 0, "extversion")));
}

/* Another run may hold the lock for as long as its files take. */
static int lock(struct run *self, struct err *err)
{
    return db_conn_exec(self->conn,
                        "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
                        "SELECT pg_advisory_lock(" LOCK_KEY ");"
                        "SET lock_timeout = '30s';"
                        "CREATE TABLE IF NOT EXISTS schema_migrations ("
                        "    version    integer PRIMARY KEY,"
                        "    name       text NOT NULL,"
                        "    checksum   text NOT NULL," /* SHA-256 of the file */
                        "    applied_at timestamptz NOT NULL DEFAULT now())",
                        0, err);
}

static struct file *find(struct run *self, int version)
{
    for (size_t i = 0; i < self->n_files; i++)
        if (self->files[i].version == version)
            return &self->files[i];
    return NULL;
}

/* Marks what the database has; refuses a past that differs from the files. */
static int compare(struct run *self, struct err *err)
{
    AUTO(db_result_free)
    struct db_result *rows =
        ask(self->conn, err, "SELECT version, name, checksum FROM schema_migrations ORDER BY version");
    int newest = 0, newest_file = self->files[self->n_files - 1].version;

    if (!rows)
        return -1;
    for (int i = 0; i < db_result_count(rows); i++) {
        const char *name = db_get(rows, i, "name");
        struct file *file;

        newest = (int)db_get_int(rows, i, "version");
        if (newest > newest_file)
            return err_set(err, ERR_INVALID, "migrations: the database has %s, which is newer than these files", name);
        if (!(file = find(self, newest)))
            return err_set(err, ERR_INVALID, "migrations: the database has %s, but its file is missing", name);
        if (strcmp(file->checksum, db_get(rows, i, "checksum")) != 0)
            return err_set(err, ERR_INVALID, "migrations: %s was changed after it had been applied", file->name);
        file->applied = true;
    }
    for (size_t i = 0; i < self->n_files; i++)
        if (!self->files[i].applied && self->files[i].version < newest)
            return err_set(err, ERR_INVALID, "migrations: %s is older than what has been applied already",
                           self->files[i].name);
    return 0;
}

static int apply(struct run *self, const struct file *file, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int64_t start_ms = clock_mono_ms();
    struct err problem = {0};

    if (db_conn_exec(self->conn, "BEGIN", DB_BEGIN_MS, err) < 0)
        return -1;
    if (db_conn_exec(self->conn, file->sql, 0, &problem) < 0 ||
        !(rows =
              ask(self->conn, &problem, "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                  db_int(file->version), db_text(file->name), db_text(file->checksum))) ||
        db_conn_exec(self->conn, "COMMIT", 0, &problem) < 0) {
        db_conn_exec(self->conn, "ROLLBACK", DB_BEGIN_MS, NULL);
        return err_set(err, problem.kind == ERR_UNAVAILABLE ? ERR_UNAVAILABLE : ERR_INVALID, "migrations: %s: %s",
                       file->name, problem.text);
    }
    log_info("migration applied", log_str("file", file->name), log_int("ms", clock_mono_ms() - start_ms));
    return 0;
}

static int run_locked(struct run *self, struct err *err)
{
    size_t n_applied = 0;

    if (compare(self, err) < 0)
        return -1;
    for (size_t i = 0; i < self->n_files; i++) {
        if (self->files[i].applied)
            continue;
        if (apply(self, &self->files[i], err) < 0)
            return -1;
        n_applied++;
    }
    warn_of_old_vector(self);
    log_info("database schema is up to date", log_int("version", self->files[self->n_files - 1].version),
             log_int("applied", n_applied));
    return 0;
}

int migrate_run(const char *database_url, const char *dir, struct err *err)
{
    struct run run = {0};
    int result = -1;

    if (db_url_check(database_url, err) == 0 && read_files(&run, dir, err) == 0 &&
        (run.conn = db_conn_open(database_url, NULL, err)) && check_server(&run, err) == 0 && lock(&run, err) == 0)
        result = run_locked(&run, err);
    finish(&run);
    return result;
}

/* ctl.h - what the commands of leadctl share: arguments, the database, output. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/config.h"

struct arena;
struct buf;
struct db_pool;
struct db_result;
struct err;

#define CTL_WORDS_MAX 256 /* of a command line */

/* Behind "to_char(column": a time as 2026-11-22T10:00:00Z. */
#define CTL_UTC " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

struct ctl_option {
    const char *name;  /* without the dashes */
    const char *value; /* "" of a flag */
};

/* One run of leadctl. */
struct ctl {
    struct config config;
    struct arena *arena; /* for whatever lives as long as the command */
    struct db_pool *db;  /* by ctl_db */
    const char *args[CTL_WORDS_MAX];
    size_t n_args;
    struct ctl_option options[CTL_WORDS_MAX];
    size_t n_options;
    int exit_code; /* of a failure; 1 unless the usage is at fault: 2 */
};

/* 0, or -1 and *err: main prints it and ends with ctl->exit_code. */
typedef int ctl_fn(struct ctl *ctl, struct err *err);

struct ctl_command {
    const char *words;   /* "client create" */
    const char *options; /* "json name= once=": a '=' takes a value; each may be repeated */
    size_t min_args, max_args;
    const char *usage; /* behind the words */
    const char *doc;   /* one line */
    ctl_fn *run;
};

/* Sorts the words behind a command into arguments and options; "--name VALUE" and "--name=VALUE" are the same, "--"
 * ends the options. -1 and *err, exit code 2, for what the command does not take. */
int ctl_parse(struct ctl *ctl, const struct ctl_command *command, int argc, char *const *argv, struct err *err);

/* The last value of an option, "" of a flag; NULL if it is not there. */
const char *ctl_option(const struct ctl *ctl, const char *name);

/* Fills *err for a wrong use of the command; exit code 2. Always returns -1. */
int ctl_misuse(struct ctl *ctl, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* -1 and *err, exit code 2, unless text is a UUID. */
int ctl_check_uuid(struct ctl *ctl, const char *text, const char *what, struct err *err);

/* The database with the rights of DATABASE_URL's own user. NULL and *err. Made once. */
struct db_pool *ctl_db(struct ctl *ctl, struct err *err);

/* ---- output ---- */

enum ctl_type { CTL_TEXT, CTL_NUMBER, CTL_JSON };

struct ctl_column {
    const char *name; /* of the result's column, and in JSON */
    const char *head; /* above the printed column */
    enum ctl_type type;
};

/* A table that is filled cell by cell and printed aligned, or as a JSON array of objects. */
struct ctl_table;

/* columns ends with {0} and must outlive the table, as must the arena. */
struct ctl_table *ctl_table_new(const struct ctl_column *columns, struct arena *arena, struct err *err);
/* The next cell, row by row; NULL is empty, or null in JSON. Copied. */
void ctl_table_put(struct ctl_table *self, const char *text);
void ctl_table_put_int(struct ctl_table *self, int64_t value);
/* All rows of a result, by the names of the columns. */
void ctl_table_put_rows(struct ctl_table *self, const struct db_result *rows);
/* Appended to out. -1 when memory ran out on the way. */
int ctl_table_format(const struct ctl_table *self, bool json, struct buf *out);
/* To standard output. -1 and *err when memory ran out on the way. */
int ctl_table_print(const struct ctl_table *self, bool json, struct err *err);

/* "12 s", "3 min", "5 h", "2 d". */
#define CTL_AGE_SIZE 24
void ctl_age(int64_t seconds, char out[CTL_AGE_SIZE]);

/* ---- the commands ---- */

ctl_fn cmd_migrate;
ctl_fn cmd_client_create, cmd_client_list, cmd_client_keys;
ctl_fn cmd_key_create, cmd_key_list, cmd_key_revoke;
ctl_fn cmd_form_create, cmd_form_list, cmd_form_rotate, cmd_form_disable;
ctl_fn cmd_kb_list;
ctl_fn cmd_lead_list, cmd_lead_show, cmd_lead_opt_out, cmd_lead_opt_in, cmd_lead_export, cmd_lead_erase;
ctl_fn cmd_conversation_show, cmd_conversation_takeover, cmd_conversation_release, cmd_conversation_close;
ctl_fn cmd_chat;
ctl_fn cmd_tap;
ctl_fn cmd_task_list, cmd_task_show, cmd_task_retry;
ctl_fn cmd_notices, cmd_notices_resolve;
ctl_fn cmd_status;
ctl_fn cmd_usage;
ctl_fn cmd_why, cmd_replay;

/* accept_store.c - see accept_store.h. */
#include "services/gateway/accept_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"
#include "proto/tasks.h"

#define ARENA_MAX ((size_t)64 * 1024 * 1024)

/* The columns of a batch, as PostgreSQL arrays. */
enum column {
    CHANNELS,
    ACCOUNTS,
    SIGNERS,
    SENDERS,
    RECEIVERS,
    SERVICES,
    BODIES,
    MEDIA,
    NAMES,
    SIDS,
    TRACE_IDS,
    HOLDS_MS,
    CONSENTS,
    LANGUAGES,
    ANSWERED,
    LEAD_IDS,
    CONVERSATION_IDS,
    MESSAGE_IDS,
    CONFIRMATION_IDS,
    TASK_IDS,
    N_COLUMNS,
};

static const char *new_id(struct arena *arena)
{
    char id[UUID_SIZE];

    uuid_new(id);
    return arena_strdup(arena, id);
}

/* What the item says; NULL is SQL NULL. */
static const char *cell(enum column column, const struct inbound *in, struct arena *arena)
{
    switch (column) {
    case CHANNELS:
        return in->channel;
    case ACCOUNTS:
        return in->account;
    case SIGNERS:
        return in->signers;
    case SENDERS:
        return in->from;
    case RECEIVERS:
        return in->to;
    case SERVICES:
        return in->service;
    case BODIES:
        return in->body;
    case MEDIA:
        return in->media;
    case NAMES:
        return in->name;
    case SIDS:
        return in->sid;
    case TRACE_IDS:
        return in->trace_id;
    case HOLDS_MS:
        return arena_printf(arena, "%" PRId64, in->hold_ms);
    case CONSENTS:
        return in->consent;
    case LANGUAGES:
        return in->language;
    case ANSWERED:
        return in->answered ? "true" : "false";
    default:
        return NULL;
    }
}

/* cells has room for n. NULL: no memory. */
static const char *make_column(enum column column, struct inbound *const *items, size_t n, const char **cells,
                               struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        bool is_id = column >= LEAD_IDS;

        cells[i] = is_id ? new_id(arena) : cell(column, items[i], arena);
        if (!cells[i] && (is_id || column == HOLDS_MS))
            return NULL;
    }
    return db_array(arena, cells, n);
}

static int make_columns(struct inbound *const *items, size_t n, struct arena *arena, const char *columns[N_COLUMNS],
                        struct err *err)
{
    const char **cells = arena_calloc(arena, n, sizeof *cells);

    for (int column = 0; cells && column < N_COLUMNS; column++)
        if (!(columns[column] = make_column((enum column)column, items, n, cells, arena)))
            return err_set(err, ERR_UNAVAILABLE, "no memory for a batch of %zu messages", n);
    return cells ? 0 : err_set(err, ERR_UNAVAILABLE, "no memory for a batch of %zu messages", n);
}

static void copy_id(char out[UUID_SIZE], const char *id)
{
    snprintf(out, UUID_SIZE, "%s", id ? id : "");
}

static enum accept_outcome read_outcome(const char *name)
{
    return strcmp(name, "accepted") == 0        ? ACCEPT_STORED
           : strcmp(name, "duplicate") == 0     ? ACCEPT_DUPLICATE
           : strcmp(name, "wrong_account") == 0 ? ACCEPT_WRONG_ACCOUNT
                                                : ACCEPT_UNKNOWN_NUMBER;
}

static void read_row(const struct db_result *rows, int row, struct stored *out)
{
    const char *role = db_get(rows, row, "role");

    *out = (struct stored){.outcome = read_outcome(db_get(rows, row, "outcome")),
                           .confirms = role && strcmp(role, "delivery") == 0,
                           .due = db_get_bool(rows, row, "due"),
                           .opted_out = db_get_bool(rows, row, "opted_out"),
                           .opted_in = db_get_bool(rows, row, "opted_in")};
    copy_id(out->client_id, db_get(rows, row, "client_id"));
    copy_id(out->lead_id, db_get(rows, row, "lead_id"));
    copy_id(out->conversation_id, db_get(rows, row, "conversation_id"));
    copy_id(out->message_id, db_get(rows, row, "message_id"));
    copy_id(out->task_id, db_get(rows, row, "task_id"));
}

/* What a text was to be stored with is gone since it was read: stored again it makes a new lead. */
static bool lead_was_erased(const struct err *err)
{
    return err->kind == ERR_INVALID && strstr(err->text, "(23503)");
}

int accept_store(struct db_pool *pool, const char *own_account, int64_t burst_wait_ms, struct inbound *const *items,
                 size_t n, struct stored *ret_stored, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct task_kind *answer = task_kind_find(TASK_process_ai_response);
    const struct task_kind *send = task_kind_find(TASK_send_message_sms);
    const char *c[N_COLUMNS];
    int found;

    if (!arena)
        return err_set(err, ERR_UNAVAILABLE, "no memory for a batch of %zu messages", n);
    if (make_columns(items, n, arena, c, err) < 0)
        return -1;
    found = db_run(
        pool, NULL, &rows, err,
        "SELECT outcome, client_id, lead_id, conversation_id, message_id, task_id, role, due, opted_out, opted_in"
        "  FROM accept_inbound($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        "                      $8::text[], $9::text[], $10::text[], $11::text[], $12::integer[], $13::text[],"
        "                      $14::text[], $15::boolean[], $16::uuid[], $17::uuid[], $18::uuid[], $19::uuid[],"
        "                      $20::uuid[], $21, $22::integer, $23::integer, $24::integer, $25::integer, $26::integer)"
        " ORDER BY item",
        db_text(c[CHANNELS]), db_text(c[ACCOUNTS]), db_text(c[SIGNERS]), db_text(c[SENDERS]), db_text(c[RECEIVERS]),
        db_text(c[SERVICES]), db_text(c[BODIES]), db_text(c[MEDIA]), db_text(c[NAMES]), db_text(c[SIDS]),
        db_text(c[TRACE_IDS]), db_text(c[HOLDS_MS]), db_text(c[CONSENTS]), db_text(c[LANGUAGES]), db_text(c[ANSWERED]),
        db_text(c[LEAD_IDS]), db_text(c[CONVERSATION_IDS]), db_text(c[MESSAGE_IDS]), db_text(c[CONFIRMATION_IDS]),
        db_text(c[TASK_IDS]), db_text(own_account), db_int(burst_wait_ms), db_int(answer->max_attempts),
        db_int(answer->deadline_s), db_int(send->max_attempts), db_int(send->deadline_s));
    if (found < 0)
        return lead_was_erased(err) ? err_set(err, ERR_UNAVAILABLE, "the lead was erased while its text was stored")
                                    : -1;
    if ((size_t)found != n)
        return err_set(err, ERR_INTERNAL, "accept_inbound answered %d of %zu", found, n);
    for (int i = 0; i < found; i++)
        read_row(rows, i, &ret_stored[i]);
    return 0;
}

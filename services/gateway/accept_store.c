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
    SENDERS,
    RECEIVERS,
    BODIES,
    SIDS,
    TRACE_IDS,
    HOLDS_MS,
    OPTS,
    LEAD_IDS,
    CONVERSATION_IDS,
    MESSAGE_IDS,
    TASK_IDS,
    N_COLUMNS,
};

static const char *new_id(struct arena *arena)
{
    char id[UUID_SIZE];

    uuid_new(id);
    return arena_strdup(arena, id);
}

static const char *cell(enum column column, const struct inbound *in, struct arena *arena)
{
    switch (column) {
    case CHANNELS:
        return in->channel;
    case SENDERS:
        return in->from;
    case RECEIVERS:
        return in->to;
    case BODIES:
        return in->body;
    case SIDS:
        return in->sid;
    case TRACE_IDS:
        return in->trace_id;
    case HOLDS_MS:
        return arena_printf(arena, "%" PRId64, in->hold_ms);
    case OPTS:
        return in->opt;
    case LEAD_IDS:
    case CONVERSATION_IDS:
    case MESSAGE_IDS:
    case TASK_IDS:
    case N_COLUMNS:
        break;
    }
    return new_id(arena);
}

static int make_columns(struct inbound *const *items, size_t n, struct arena *arena, const char *columns[N_COLUMNS],
                        struct err *err)
{
    const char **cells = arena_calloc(arena, n, sizeof *cells);

    for (int column = 0; cells && column < N_COLUMNS; column++) {
        for (size_t i = 0; i < n; i++)
            if (!(cells[i] = cell((enum column)column, items[i], arena)))
                return err_set(err, ERR_UNAVAILABLE, "no memory for a batch of %zu messages", n);
        if (!(columns[column] = db_array(arena, cells, n)))
            return err_set(err, ERR_UNAVAILABLE, "no memory for a batch of %zu messages", n);
    }
    return cells ? 0 : err_set(err, ERR_UNAVAILABLE, "no memory for a batch of %zu messages", n);
}

static void copy_id(char out[UUID_SIZE], const char *id)
{
    snprintf(out, UUID_SIZE, "%s", id ? id : "");
}

static void read_row(const struct db_result *rows, int row, struct stored *out)
{
    const char *outcome = db_get(rows, row, "outcome");

    *out = (struct stored){.due = db_get_bool(rows, row, "due"), .opted_out = db_get_bool(rows, row, "opted_out")};
    out->outcome = strcmp(outcome, "accepted") == 0    ? ACCEPT_STORED
                   : strcmp(outcome, "duplicate") == 0 ? ACCEPT_DUPLICATE
                                                       : ACCEPT_UNKNOWN_NUMBER;
    copy_id(out->client_id, db_get(rows, row, "client_id"));
    copy_id(out->lead_id, db_get(rows, row, "lead_id"));
    copy_id(out->conversation_id, db_get(rows, row, "conversation_id"));
    copy_id(out->message_id, db_get(rows, row, "message_id"));
    copy_id(out->task_id, db_get(rows, row, "task_id"));
}

int accept_store(struct db_pool *pool, int64_t burst_wait_ms, struct inbound *const *items, size_t n,
                 struct stored *ret_stored, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct task_kind *kind = task_kind_find(TASK_process_ai_response);
    const char *c[N_COLUMNS];
    int found;

    if (!arena)
        return err_set(err, ERR_UNAVAILABLE, "no memory for a batch of %zu messages", n);
    if (make_columns(items, n, arena, c, err) < 0)
        return -1;
    found = db_run(pool, NULL, &rows, err,
                   "SELECT outcome, client_id, lead_id, conversation_id, message_id, task_id, due, opted_out"
                   "  FROM accept_inbound($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
                   "                      $7::integer[], $8::text[], $9::uuid[], $10::uuid[], $11::uuid[], $12::uuid[],"
                   "                      $13::integer, $14::integer, $15::integer)"
                   " ORDER BY item",
                   db_text(c[CHANNELS]), db_text(c[SENDERS]), db_text(c[RECEIVERS]), db_text(c[BODIES]),
                   db_text(c[SIDS]), db_text(c[TRACE_IDS]), db_text(c[HOLDS_MS]), db_text(c[OPTS]),
                   db_text(c[LEAD_IDS]), db_text(c[CONVERSATION_IDS]), db_text(c[MESSAGE_IDS]), db_text(c[TASK_IDS]),
                   db_int(burst_wait_ms), db_int(kind->max_attempts), db_int(kind->deadline_s));
    if (found < 0)
        return -1;
    if ((size_t)found != n)
        return err_set(err, ERR_INTERNAL, "accept_inbound answered %d of %zu", found, n);
    for (int i = 0; i < found; i++)
        read_row(rows, i, &ret_stored[i]);
    return 0;
}

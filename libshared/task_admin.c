/* task_admin.c - see task_admin.h. */
#include "libshared/task_admin.h"

#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks_internal.h"
#include "libshared/uuid.h"

/* Columns of struct task_info, of tasks t and of finished_tasks f. */
#define LIVE_COLUMNS                                                                                     \
    " t.task_id, t.client_id, t.kind, t.role, t.state, t.attempt, t.max_attempts, t.serial_key,"         \
    " t.instance, t.error_kind, t.error, (extract(epoch FROM t.run_at) * 1000000)::bigint AS run_at_us," \
    " (extract(epoch FROM t.created_at) * 1000000)::bigint AS created_at_us,"                            \
    " (extract(epoch FROM t.updated_at) * 1000000)::bigint AS updated_at_us"
#define FINISHED_COLUMNS                                                                          \
    " f.task_id, f.client_id, f.kind, f.role, 'finished' AS state, f.attempt, 0 AS max_attempts," \
    " f.serial_key, f.instance, NULL AS error_kind, f.error, 0::bigint AS run_at_us,"             \
    " (extract(epoch FROM f.created_at) * 1000000)::bigint AS created_at_us,"                     \
    " (extract(epoch FROM f.finished_at) * 1000000)::bigint AS updated_at_us"

static void read_row(const struct db_result *rows, int row, struct arena *arena, struct task_info *ret_item)
{
    *ret_item = (struct task_info){
        .task_id = arena_strdup(arena, db_get(rows, row, "task_id")),
        .client_id = arena_strdup(arena, db_get(rows, row, "client_id")),
        .kind = arena_strdup(arena, db_get(rows, row, "kind")),
        .role = arena_strdup(arena, db_get(rows, row, "role")),
        .state = arena_strdup(arena, db_get(rows, row, "state")),
        .attempt = (int)db_get_int(rows, row, "attempt"),
        .max_attempts = (int)db_get_int(rows, row, "max_attempts"),
        .run_at_us = db_get_int(rows, row, "run_at_us"),
        .created_at_us = db_get_int(rows, row, "created_at_us"),
        .updated_at_us = db_get_int(rows, row, "updated_at_us"),
        .serial_key = arena_strdup(arena, db_get(rows, row, "serial_key")),
        .instance = arena_strdup(arena, db_get(rows, row, "instance")),
        .trace_id = arena_strdup(arena, db_get(rows, row, "trace_id")),
        .error_kind = arena_strdup(arena, db_get(rows, row, "error_kind")),
        .error = arena_strdup(arena, db_get(rows, row, "error")),
        .payload = arena_strdup(arena, db_get(rows, row, "payload")),
    };
}

static int list_live(struct db_pool *pool, struct db_result **ret_rows, const struct task_filter *filter,
                     struct err *err)
{
    return db_run(pool, NULL, ret_rows, err,
                  "SELECT" LIVE_COLUMNS ", p.trace_id"
                  "  FROM (SELECT * FROM tasks"
                  "         WHERE ($1::uuid IS NULL OR client_id = $1::uuid) AND ($2::text IS NULL OR state = $2::text)"
                  "           AND ($3::text IS NULL OR kind = $3::text)"
                  "           AND ($4::uuid IS NULL OR task_id < $4::uuid)"
                  "         ORDER BY task_id DESC LIMIT $5::bigint) t"
                  "  LEFT JOIN task_payloads p ON p.client_id = t.client_id AND p.task_id = t.task_id"
                  " ORDER BY t.task_id DESC",
                  db_text(filter->client_id), db_text(filter->state), db_text(filter->kind), db_text(filter->after),
                  db_int(filter->limit));
}

static int list_finished(struct db_pool *pool, struct db_result **ret_rows, const struct task_filter *filter,
                         struct err *err)
{
    return db_run(pool, NULL, ret_rows, err,
                  "SELECT" FINISHED_COLUMNS ", p.trace_id"
                  "  FROM (SELECT * FROM finished_tasks"
                  "         WHERE ($1::uuid IS NULL OR client_id = $1::uuid) AND ($2::text IS NULL OR kind = $2::text)"
                  "           AND ($3::uuid IS NULL OR task_id < $3::uuid)"
                  "         ORDER BY task_id DESC LIMIT $4::bigint) f"
                  "  LEFT JOIN task_payloads p ON p.client_id = f.client_id AND p.task_id = f.task_id"
                  " ORDER BY f.task_id DESC",
                  db_text(filter->client_id), db_text(filter->kind), db_text(filter->after), db_int(filter->limit));
}

int task_list(struct db_pool *pool, const struct task_filter *filter, struct arena *arena, struct task_info **ret_items,
              struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    bool finished = filter->state && strcmp(filter->state, "finished") == 0;
    struct task_info *items;
    int n;

    if (filter->limit < 1 || filter->limit > 1000)
        return err_set_field(err, ERR_INVALID, "limit", "limit must be within 1 and 1000");
    if (filter->after && !uuid_is_valid(filter->after))
        return err_set_field(err, ERR_INVALID, "after", "after is not the id of a task");
    n = finished ? list_finished(pool, &rows, filter, err) : list_live(pool, &rows, filter, err);
    if (n < 0)
        return -1;
    if (!(items = arena_calloc(arena, (size_t)n, sizeof *items)))
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    for (int i = 0; i < n; i++)
        read_row(rows, i, arena, &items[i]);
    *ret_items = items;
    return n;
}

int task_get(struct db_pool *pool, const char *client_id, const char *task_id, struct arena *arena,
             struct task_info *ret_item, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n;

    if (!uuid_is_valid(task_id))
        return err_set_field(err, ERR_INVALID, "task_id", "task_id is not a UUID");
    n = db_run(pool, NULL, &rows, err,
               "SELECT found.*, p.trace_id, p.payload FROM ("
               "    SELECT" LIVE_COLUMNS " FROM tasks t WHERE t.task_id = $1::uuid"
               "       AND ($2::uuid IS NULL OR t.client_id = $2::uuid)"
               "    UNION ALL"
               "    SELECT" FINISHED_COLUMNS " FROM finished_tasks f WHERE f.task_id = $1::uuid"
               "       AND ($2::uuid IS NULL OR f.client_id = $2::uuid)"
               ") found LEFT JOIN task_payloads p ON p.client_id = found.client_id AND p.task_id = found.task_id"
               " LIMIT 1",
               db_text(task_id), db_text(client_id));
    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no task %s", task_id);
    read_row(rows, 0, arena, ret_item);
    return 0;
}

/* Why nothing was retried. Always returns -1. */
static int why_not(struct db_pool *pool, const char *client_id, const char *task_id, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_run(pool, NULL, &rows, err,
                   "SELECT state FROM tasks WHERE task_id = $1 AND ($2::uuid IS NULL OR client_id = $2::uuid)",
                   db_text(task_id), db_text(client_id));

    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no dead task %s", task_id);
    return err_set(err, ERR_CONFLICT, "the task is %s, not dead", db_get(rows, 0, "state"));
}

int task_retry(struct db_pool *pool, struct bus *bus, const char *client_id, const char *task_id, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct task_sweep_item item;
    struct err problem = {0};
    int n;

    if (!uuid_is_valid(task_id))
        return err_set_field(err, ERR_INVALID, "task_id", "task_id is not a UUID");
    n = db_run(pool, NULL, &rows, &problem,
               "UPDATE tasks SET state = 'ready', attempt = 0, run_at = now(), updated_at = now()"
               " WHERE task_id = $1 AND ($2::uuid IS NULL OR client_id = $2::uuid) AND state = 'dead'"
               " RETURNING client_id, task_id AS next_id, role AS next_role",
               db_text(task_id), db_text(client_id));
    if (n < 0 && task_is_superseded(&problem))
        return err_set(err, ERR_CONFLICT, "a newer task is about to answer this conversation");
    if (n < 0) {
        if (err)
            *err = problem;
        return -1;
    }
    if (n == 0)
        return why_not(pool, client_id, task_id, err);
    if (task_next_of_row(rows, 0, &item))
        task_sweep_push(bus, &item, 1);
    return 0;
}

/* task_complete.c - completing many tasks at once. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/tasks_internal.h"

/* $1 to $3: client ids, task ids, tokens. */
#define COMPLETE_MANY                                                                               \
    "WITH g AS ("                                                                                   \
    "    DELETE FROM tasks t"                                                                       \
    "     USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS d (client_id, task_id, token)"      \
    "     WHERE t.client_id = d.client_id AND t.task_id = d.task_id AND t.token = d.token"          \
    "    RETURNING t.*"                                                                             \
    "), kept AS ("                                                                                  \
    "    INSERT INTO finished_tasks"                                                                \
    "           (client_id, task_id, kind, role, attempt, serial_key, instance, error, created_at)" \
    "    SELECT client_id, task_id, kind, role, attempt, serial_key, instance,"                     \
    "           CASE WHEN error_kind <> 'postponed' THEN error END, created_at FROM g"              \
    ")"                                                                                             \
    "SELECT g.client_id, g.task_id, next_id, next_role FROM g" TASK_NEXT_OF_KEY

struct arrays {
    const char *clients, *ids, *tokens;
};

static int make_arrays(struct task *const *tasks, size_t n, struct arena *arena, struct arrays *ret, struct err *err)
{
    const char **clients = arena ? arena_calloc(arena, n, sizeof *clients) : NULL;
    const char **ids = arena ? arena_calloc(arena, n, sizeof *ids) : NULL;
    const char **tokens = arena ? arena_calloc(arena, n, sizeof *tokens) : NULL;

    if (!clients || !ids || !tokens)
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    for (size_t i = 0; i < n; i++) {
        clients[i] = tasks[i]->client_id;
        ids[i] = tasks[i]->task_id;
        tokens[i] = arena_printf(arena, "%lld", (long long)tasks[i]->token);
    }
    if (!(ret->clients = db_array(arena, clients, n)) || !(ret->ids = db_array(arena, ids, n)) ||
        !(ret->tokens = db_array(arena, tokens, n)))
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    return 0;
}

/* Which of them the row is about; n: none. */
static size_t find(struct task *const *tasks, size_t n, const struct db_result *rows, int row)
{
    size_t i = 0;

    while (i < n && strcmp(tasks[i]->task_id, db_get(rows, row, "task_id")) != 0)
        i++;
    return i;
}

int tasks_complete_within(struct db_tx *tx, struct bus *bus, struct task *const *tasks, size_t n, bool *ret_ours,
                          struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(8192 + n * 400);
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct task_sweep_item next;
    struct arrays arrays;

    failpoint("tasks.before_complete");
    memset(ret_ours, 0, n * sizeof *ret_ours);
    if (n == 0)
        return 0;
    if (make_arrays(tasks, n, arena, &arrays, err) < 0 ||
        db_query(tx, &rows, err, COMPLETE_MANY, db_text(arrays.clients), db_text(arrays.ids), db_text(arrays.tokens)) <
            0)
        return -1;
    for (int row = 0; row < db_result_count(rows); row++) {
        size_t i = find(tasks, n, rows, row);

        if (i == n)
            continue;
        ret_ours[i] = true;
        if (task_settled_after(tx, tasks[i], err) < 0 ||
            (task_next_of_row(rows, row, &next) && task_push_after(tx, bus, &next, err) < 0))
            return -1;
    }
    return 0;
}

int tasks_complete_batch(struct db_pool *pool, struct bus *bus, struct task *const *tasks, size_t n, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(8192 + n * 400);
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct task_sweep_item *next;
    struct arrays arrays;
    size_t n_next = 0;
    int n_done;

    if (n == 0)
        return 0;
    failpoint("tasks.before_complete");
    if (make_arrays(tasks, n, arena, &arrays, err) < 0 ||
        (n_done = db_run(pool, NULL, &rows, err, COMPLETE_MANY, db_text(arrays.clients), db_text(arrays.ids),
                         db_text(arrays.tokens))) < 0)
        return -1;
    for (int row = 0; row < n_done; row++) {
        size_t i = find(tasks, n, rows, row);

        if (i < n)
            tasks[i]->settled = true;
    }
    if ((size_t)n_done < n)
        log_warn("completions came too late", log_int("tasks", (int64_t)n - n_done));
    /* Without memory for it the sweep pushes them. */
    if (bus && n_done > 0 && (next = calloc((size_t)n_done, sizeof *next))) {
        for (int i = 0; i < n_done; i++)
            n_next += task_next_of_row(rows, i, &next[n_next]);
        task_sweep_push(bus, next, n_next);
        free(next);
    }
    return n_done;
}

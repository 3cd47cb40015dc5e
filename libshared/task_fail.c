/* task_fail.c - what becomes of a task whose attempt failed. */
#include <stdbool.h>
#include <stdio.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/tasks_internal.h"

#define BACKOFF_MAX_S     900
#define RETRY_AFTER_MAX_S 86400

/* Before jitter, which the database adds. */
static int backoff_s(const struct task *task)
{
    int64_t wait_s = task->kind->backoff_s;

    for (int i = 1; i < task->attempt && wait_s < BACKOFF_MAX_S; i++)
        wait_s *= 2;
    return wait_s < BACKOFF_MAX_S ? (int)wait_s : BACKOFF_MAX_S;
}

static int retry_after_s(const struct err *why)
{
    return why->retry_after_s < RETRY_AFTER_MAX_S ? why->retry_after_s : RETRY_AFTER_MAX_S;
}

/* Ready again, or dead. */
static int put_back(struct db_tx *tx, struct db_result **ret_rows, const struct task *task, const struct err *why,
                    const char *text, struct err *err)
{
    return db_query(
        tx, ret_rows, err,
        "WITH g AS ("
        "    UPDATE tasks SET"
        "           state = CASE WHEN $4::boolean AND attempt < max_attempts THEN 'ready' ELSE 'dead' END,"
        "           run_at = now() + greatest($5::float8 * (0.8 + 0.4 * random()), $6::float8)"
        "                    * interval '1 second',"
        "           token = 0, instance = NULL, deadline_at = NULL, error_kind = $7, error = $8, updated_at = now()"
        "     WHERE client_id = $1 AND task_id = $2 AND token = $3"
        "    RETURNING client_id, task_id, serial_key, state"
        ")"
        "SELECT g.client_id, g.state, next_id, next_role FROM g" TASK_NEXT_OF_KEY,
        db_text(task->client_id), db_text(task->task_id), db_int(task->token), db_bool(err_is_retryable(why)),
        db_int(backoff_s(task)), db_int(retry_after_s(why)), db_text(err_kind_name(why->kind)), db_text(text));
}

/* A newer answer task of the conversation is ready: it covers what this one could not do. */
static int supersede(struct db_tx **tx_p, struct bus *bus, const struct task *task, const char *text, struct err *err)
{
    char superseded[TASK_ERROR_SIZE + 80];

    snprintf(superseded, sizeof superseded, "superseded: a newer task answers the conversation; failed with: %s", text);
    if (db_rollback_to_savepoint(*tx_p, err) < 0 || task_finish(*tx_p, bus, task, superseded, err) < 0)
        return -1;
    return db_commit(tx_p, err);
}

int task_fail(struct db_pool *pool, struct bus *bus, const struct task *task, const struct err *why, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, NULL, err);
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err problem = {0};
    struct task_sweep_item next;
    char text[TASK_ERROR_SIZE];
    bool is_dead;

    task_error_text(why, text);
    if (!tx || db_savepoint(tx, err) < 0)
        return -1;
    if (put_back(tx, &rows, task, why, text, &problem) < 0) {
        if (task_is_superseded(&problem))
            return supersede(&tx, bus, task, text, err);
        if (err)
            *err = problem;
        return -1;
    }
    if (db_result_count(rows) == 0)
        return task_not_ours(task, err);
    is_dead = db_get(rows, 0, "state")[0] == 'd';
    if (is_dead && task_next_of_row(rows, 0, &next) && task_push_after(tx, bus, &next, err) < 0)
        return -1;
    if (db_commit(&tx, err) < 0)
        return -1;
    if (is_dead)
        task_announce_dead(bus, task->client_id, task->task_id, task->kind->name, task->attempt, text);
    return 0;
}

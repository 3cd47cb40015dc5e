/* task_claim.c - taking tasks to work on, and completing many at once. Those with a lane: task_lanes.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/tasks_internal.h"
#include "proto/envelope.h"

#define TASK_ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define KINDS_MAX        64

/* What a claim does with the rows (client_id, task_id) of free, which are locked. $1: instance.
 *
 * A claim need not be on disk before it counts: whatever is committed later in its name takes it along, and if the
 * server loses it in a crash, nobody's token fits any more. For the same reason the token is random: a sequence might
 * give the lost number again. */
#define CLAIM_FREE                                                                                        \
    ", lazily AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"                     \
    " UPDATE tasks t SET state = 'running', instance = $1::uuid, attempt = t.attempt + 1,"                \
    "        token = 1 + floor(random() * 9007199254740990)::bigint,"                                     \
    "        deadline_at = now() + make_interval(secs => t.deadline_s), updated_at = now()"               \
    "   FROM free LEFT JOIN task_payloads p ON p.client_id = free.client_id AND p.task_id = free.task_id" \
    "        CROSS JOIN lazily"                                                                           \
    "  WHERE t.client_id = free.client_id AND t.task_id = free.task_id"                                   \
    " RETURNING t.client_id, t.task_id, t.kind, t.attempt, t.max_attempts, t.token, p.trace_id,"          \
    "           p.payload, (extract(epoch FROM t.created_at) * 1000000)::bigint AS created_at_us"

const char *task_kinds_of(const char *role, struct arena *arena)
{
    const char *names[KINDS_MAX];
    const struct task_kind *kind;
    size_t n = 0;

    for (size_t i = 0; (kind = task_kind_at(i)) && n < KINDS_MAX; i++)
        if (strcmp(kind->role, role) == 0)
            names[n++] = kind->name;
    return db_array(arena, names, n);
}

int task_refs_arrays(const struct task_ref *refs, size_t n, struct arena *arena, const char **ret_clients,
                     const char **ret_tasks, struct err *err)
{
    const char **clients = arena_calloc(arena, n + 1, sizeof *clients);
    const char **tasks = arena_calloc(arena, n + 1, sizeof *tasks);

    for (size_t i = 0; clients && tasks && i < n; i++) {
        clients[i] = refs[i].client_id;
        tasks[i] = refs[i].task_id;
    }
    if (!clients || !tasks || !(*ret_clients = db_array(arena, clients, n)) ||
        !(*ret_tasks = db_array(arena, tasks, n)))
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    return 0;
}

/* The rows are found by primary key and nothing else: with conditions on state beside it the planner, as long as it
 * knows little of the table, takes an index over all that is ready. */
static int claim_refs(struct db_pool *pool, struct db_result **ret_rows, const char *instance, const char *role,
                      const struct task_ref *refs, size_t n, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(8192 + n * 256);
    const char *kinds = arena ? task_kinds_of(role, arena) : NULL;
    const char *client_array, *task_array;

    if (!kinds)
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    if (task_refs_arrays(refs, n, arena, &client_array, &task_array, err) < 0)
        return -1;
    return db_run(pool, NULL, ret_rows, err,
                  "WITH locked AS MATERIALIZED ("
                  "    SELECT t.* FROM ("
                  "        SELECT DISTINCT client_id, task_id FROM unnest($4::uuid[], $5::uuid[])"
                  "            AS r (client_id, task_id)) wanted"
                  "      JOIN tasks t USING (client_id, task_id)"
                  "       FOR UPDATE OF t SKIP LOCKED"
                  "), free AS MATERIALIZED ("
                  "    SELECT t.client_id, t.task_id FROM locked t"
                  "     WHERE t.role = $2 AND t.kind = ANY ($3::text[]) AND t.attempt < t.max_attempts"
                  "       AND ((t.state = 'ready' AND t.lane IS NULL AND t.run_at <= now()) OR " TASK_ORPHANED ")"
                  "       AND " TASK_FIRST_OF_KEY ")" CLAIM_FREE,
                  db_text(instance), db_text(role), db_text(kinds), db_text(client_array), db_text(task_array));
}

static int claim_due(struct db_pool *pool, struct db_result **ret_rows, const char *instance, const char *role,
                     size_t n, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(8192);
    const char *kinds = arena ? task_kinds_of(role, arena) : NULL;

    if (!kinds)
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    return db_run(pool, NULL, ret_rows, err,
                  "WITH free AS MATERIALIZED ("
                  "    SELECT t.client_id, t.task_id FROM tasks t"
                  "     WHERE t.role = $2 AND t.kind = ANY ($3::text[]) AND t.attempt < t.max_attempts"
                  "       AND t.state = 'ready' AND t.lane IS NULL AND t.run_at <= now() AND " TASK_FIRST_OF_KEY
                  "     ORDER BY t.run_at, t.task_id LIMIT $4::bigint"
                  "       FOR UPDATE OF t SKIP LOCKED"
                  ")" CLAIM_FREE,
                  db_text(instance), db_text(role), db_text(kinds), db_int((int64_t)n));
}

/* ---- rows to tasks ---- */

/* Its payload cannot be read, now or ever. */
static void bury_unreadable(struct db_pool *pool, const struct task *task, const struct err *why)
{
    struct err err = {0};
    char text[TASK_ERROR_SIZE];

    task_error_text(why, text);
    if (db_run(pool, NULL, NULL, &err,
               "UPDATE tasks SET state = 'dead', token = 0, instance = NULL, deadline_at = NULL, error_kind = $4,"
               "       error = $5, updated_at = now()"
               " WHERE client_id = $1 AND task_id = $2 AND token = $3",
               db_text(task->client_id), db_text(task->task_id), db_int(task->token), db_text(err_kind_name(why->kind)),
               db_text(text)) < 0)
        log_err(LOG_WARN, "task with an unreadable payload not buried", &err);
    else
        task_announce_dead(NULL, task->client_id, task->task_id, task->kind->name, task->attempt, text);
}

static int read_payload(struct task *task, const char *json, struct err *err)
{
    void *payload = NULL;

    if (!(task->arena = arena_new(TASK_ARENA_BYTES)) ||
        !(payload = arena_alloc(task->arena, task->kind->payload->size)))
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    if (!json)
        return err_set(err, ERR_INVALID, "the task has no payload");
    if (codec_from_json(task->kind->payload, json, strlen(json), task->arena, payload, err) < 0)
        return -1;
    task->payload = payload;
    return 0;
}

int task_take_rows(struct db_pool *pool, const struct db_result *rows, int n_rows, struct task *ret_tasks)
{
    int n = 0;

    for (int i = 0; i < n_rows; i++) {
        struct task *task = &ret_tasks[n];
        const char *trace_id = db_get(rows, i, "trace_id");
        struct err problem = {0};

        *task = (struct task){
            .kind = task_kind_find(db_get(rows, i, "kind")),
            .attempt = (int)db_get_int(rows, i, "attempt"),
            .max_attempts = (int)db_get_int(rows, i, "max_attempts"),
            .token = db_get_int(rows, i, "token"),
            .created_at_us = db_get_int(rows, i, "created_at_us"),
        };
        snprintf(task->client_id, sizeof task->client_id, "%s", db_get(rows, i, "client_id"));
        snprintf(task->task_id, sizeof task->task_id, "%s", db_get(rows, i, "task_id"));
        snprintf(task->trace_id, sizeof task->trace_id, "%s", trace_id ? trace_id : "");
        if (read_payload(task, db_get(rows, i, "payload"), &problem) == 0) {
            n++;
            continue;
        }
        if (problem.kind == ERR_INVALID)
            bury_unreadable(pool, task, &problem);
        else
            log_err(LOG_ERROR, "claimed task left to its deadline", &problem);
        task_release(task);
    }
    return n;
}

/* ---- claims ---- */

/* A task of the same key began to run since our look at the table: the rest must not suffer from it. */
static int claim_one_by_one(struct db_pool *pool, const char *instance, const char *role, const struct task_ref *refs,
                            size_t n, struct task *ret_tasks, struct err *err)
{
    int n_claimed = 0;

    for (size_t i = 0; i < n; i++) {
        AUTO(db_result_free) struct db_result *rows = NULL;
        struct err problem = {0};

        if (claim_refs(pool, &rows, instance, role, &refs[i], 1, &problem) >= 0) {
            n_claimed += task_take_rows(pool, rows, db_result_count(rows), ret_tasks + n_claimed);
        } else if (problem.kind != ERR_CONFLICT) {
            /* Whether this one is ours is not known: the caller gives back all that it does not hold. */
            for (int j = 0; j < n_claimed; j++)
                task_release(&ret_tasks[j]);
            if (err)
                *err = problem;
            return -1;
        }
    }
    return n_claimed;
}

int tasks_claim(struct db_pool *pool, const char *instance, const char *role, const struct task_ref *refs, size_t n,
                struct task *ret_tasks, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err problem = {0};
    int n_claimed;

    if (n == 0)
        return 0;
    failpoint("tasks.before_claim");
    if (claim_refs(pool, &rows, instance, role, refs, n, &problem) >= 0) {
        n_claimed = task_take_rows(pool, rows, db_result_count(rows), ret_tasks);
    } else if (problem.kind == ERR_CONFLICT && n > 1) {
        n_claimed = claim_one_by_one(pool, instance, role, refs, n, ret_tasks, err);
    } else if (problem.kind == ERR_CONFLICT) {
        n_claimed = 0;
    } else {
        if (err)
            *err = problem;
        return -1;
    }
    if (n_claimed > 0)
        failpoint("tasks.claimed");
    return n_claimed;
}

int tasks_claim_due(struct db_pool *pool, const char *instance, const char *role, size_t n, struct task *ret_tasks,
                    struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err problem = {0};

    if (n == 0)
        return 0;
    if (claim_due(pool, &rows, instance, role, n, &problem) >= 0)
        return task_take_rows(pool, rows, db_result_count(rows), ret_tasks);
    if (problem.kind == ERR_CONFLICT)
        return 0; /* the next look sees what was in the way */
    if (err)
        *err = problem;
    return -1;
}

/* tasks.c - inserting tasks and ending them within a transaction. Claims are in task_claim.c, failures in
 * task_fail.c. */
#include "libshared/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus.h"
#include "libshared/codec.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/tasks_internal.h"
#include "proto/tasks.h"

/* One that is ready already covers a new process_ai_response of its conversation. It is updated all the same: that
 * locks it until the commit, so that nobody can claim it and read the conversation before what is new there is visible.
 * Where it is claimed first, the conflict is gone and the new one is inserted. */
static int insert(struct db_tx *tx, struct db_result **ret_rows, const struct task_kind *kind,
                  const struct task_spec *spec, const char *task_id, const char *payload, struct err *err)
{
    return db_query(
        tx, ret_rows, err,
        "WITH fresh AS ("
        "    INSERT INTO task_dedupe (client_id, dedupe_key, task_id)"
        "    SELECT $1::uuid, $9::text, $2::uuid WHERE $9::text IS NOT NULL"
        "    ON CONFLICT DO NOTHING RETURNING task_id"
        "), task AS ("
        "    INSERT INTO tasks"
        "           (client_id, task_id, kind, role, max_attempts, deadline_s, serial_key, run_at, lane, lane_units)"
        "    SELECT $1::uuid, $2::uuid, $3, $4, $5::integer, $6::integer, $7,"
        "           now() + $8::bigint * interval '1 millisecond', $12, greatest($13::integer, 1)"
        "     WHERE $9::text IS NULL OR EXISTS (SELECT FROM fresh)"
        "    ON CONFLICT (client_id, serial_key) WHERE state = 'ready' AND kind = 'process_ai_response'"
        "    DO UPDATE SET updated_at = now()"
        "    RETURNING task_id, run_at <= now() AS due"
        "), payload AS ("
        "    INSERT INTO task_payloads (client_id, task_id, trace_id, payload)"
        "    SELECT $1::uuid, task_id, $10, $11::jsonb FROM task WHERE task_id = $2::uuid"
        ")"
        "SELECT task_id, due, task_id = $2::uuid AS is_new FROM task",
        db_text(spec->client_id ? spec->client_id : UUID_NIL), db_text(task_id), db_text(kind->name),
        db_text(kind->role), db_int(kind->max_attempts), db_int(kind->deadline_s), db_text(spec->serial_key),
        db_int(spec->delay_ms), db_text(spec->dedupe_key), db_text(spec->trace_id ? spec->trace_id : ""),
        db_text(payload), db_text(spec->lane), db_int(spec->lane_units));
}

/* What nothing can make unnecessary: plain statements, each of which costs less than a part of the one above. */
static int insert_new(struct db_tx *tx, const struct task_kind *kind, const struct task_spec *spec, const char *task_id,
                      const char *payload, struct err *err)
{
    struct db_arg client = db_text(spec->client_id ? spec->client_id : UUID_NIL), task = db_text(task_id);

    if (spec->dedupe_key &&
        db_send(tx, err, "INSERT INTO task_dedupe (client_id, dedupe_key, task_id) VALUES ($1, $2, $3)", client,
                db_text(spec->dedupe_key), task) < 0)
        return -1;
    if (db_send(
            tx, err,
            "INSERT INTO tasks"
            "       (client_id, task_id, kind, role, max_attempts, deadline_s, serial_key, run_at, lane, lane_units)"
            "VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::bigint * interval '1 millisecond', $9, $10)",
            client, task, db_text(kind->name), db_text(kind->role), db_int(kind->max_attempts),
            db_int(kind->deadline_s), db_text(spec->serial_key), db_int(spec->delay_ms), db_text(spec->lane),
            db_int(spec->lane_units > 1 ? spec->lane_units : 1)) < 0)
        return -1;
    return db_send(tx, err, "INSERT INTO task_payloads (client_id, task_id, trace_id, payload) VALUES ($1, $2, $3, $4)",
                   client, task, db_text(spec->trace_id ? spec->trace_id : ""), db_text(payload));
}

static bool is_surely_new(const struct task_spec *spec, const struct task_kind *kind)
{
    return (!spec->dedupe_key || spec->new_key) && strcmp(kind->name, TASK_process_ai_response) != 0;
}

int task_insert(struct db_tx *tx, struct bus *bus, const struct task_spec *spec, char ret_id[UUID_SIZE],
                struct err *err)
{
    const struct task_kind *kind = task_kind_find(spec->kind);
    AUTO(buf_free) struct buf payload = {0};
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct task_sweep_item item = {0};
    char task_id[UUID_SIZE];
    bool is_new, is_due;

    if (!kind)
        return err_set(err, ERR_INTERNAL, "tasks: there is no kind %s", spec->kind);
    if (codec_to_json(kind->payload, spec->payload, &payload, err) < 0)
        return -1;
    if (payload.failed)
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    uuid_new(task_id);
    if (is_surely_new(spec, kind)) {
        if (insert_new(tx, kind, spec, task_id, payload.data, err) < 0)
            return -1;
        is_new = true;
        is_due = spec->delay_ms <= 0;
    } else {
        if (insert(tx, &rows, kind, spec, task_id, payload.data, err) < 0)
            return -1;
        if (db_result_count(rows) == 0)
            return 0; /* the dedupe key was there */
        is_new = db_get_bool(rows, 0, "is_new");
        is_due = db_get_bool(rows, 0, "due");
    }
    snprintf(item.client_id, sizeof item.client_id, "%s", spec->client_id ? spec->client_id : UUID_NIL);
    snprintf(item.task_id, sizeof item.task_id, "%s", is_new ? task_id : db_get(rows, 0, "task_id"));
    snprintf(item.role, sizeof item.role, "%s", kind->role);
    /* Also one that was there: while it is locked here its own push finds nothing to claim. */
    if (is_due && task_push_after(tx, bus, &item, err) < 0)
        return -1;
    if (is_new && ret_id)
        memcpy(ret_id, task_id, sizeof task_id);
    return is_new ? 1 : 0;
}

/* ---- ending ---- */

int task_not_ours(const struct task *task, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "the task's attempt %d is no longer ours", task->attempt);
}

bool task_is_superseded(const struct err *err)
{
    return err->kind == ERR_CONFLICT && strcmp(err->field, "tasks_one_ready_answer") == 0;
}

static void settle_if_committed(void *arg, bool committed)
{
    struct task *task = arg;

    if (committed)
        task->settled = true;
}

int task_settled_after(struct db_tx *tx, struct task *task, struct err *err)
{
    return db_after(tx, settle_if_committed, task, err);
}

static int send_finish(struct db_tx *tx, const struct task *task, const char *superseded, struct db_result **ret_rows,
                       struct err *err)
{
    return db_send_for(tx, ret_rows, err,
                       "WITH g AS ("
                       "    DELETE FROM tasks WHERE client_id = $1 AND task_id = $2 AND token = $3"
                       "    RETURNING *"
                       "), kept AS ("
                       "    INSERT INTO finished_tasks"
                       "           (client_id, task_id, kind, role, attempt, serial_key, instance, error, created_at)"
                       "    SELECT client_id, task_id, kind, role, attempt, serial_key, instance,"
                       "           coalesce($4, CASE WHEN error_kind <> 'postponed' THEN error END),"
                       "           created_at FROM g"
                       ")"
                       "SELECT g.client_id, next_id, next_role FROM g" TASK_NEXT_OF_KEY,
                       db_text(task->client_id), db_text(task->task_id), db_int(task->token), db_text(superseded));
}

static int read_finish(struct db_tx *tx, struct bus *bus, const struct task *task, const struct db_result *rows,
                       struct err *err)
{
    struct task_sweep_item next;

    if (db_result_count(rows) == 0)
        return task_not_ours(task, err);
    return task_next_of_row(rows, 0, &next) ? task_push_after(tx, bus, &next, err) : 0;
}

int task_finish(struct db_tx *tx, struct bus *bus, const struct task *task, const char *superseded, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (send_finish(tx, task, superseded, &rows, err) < 0 || db_read(tx, err) < 0)
        return -1;
    return read_finish(tx, bus, task, rows, err);
}

int task_complete_send(struct db_tx *tx, const struct task *task, struct db_result **ret_rows, struct err *err)
{
    failpoint("tasks.before_complete");
    return send_finish(tx, task, NULL, ret_rows, err);
}

int task_complete_read(struct db_tx *tx, struct bus *bus, struct task *task, const struct db_result *rows,
                       struct err *err)
{
    return read_finish(tx, bus, task, rows, err) < 0 ? -1 : task_settled_after(tx, task, err);
}

int task_complete(struct db_tx *tx, struct bus *bus, struct task *task, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (task_complete_send(tx, task, &rows, err) < 0 || db_read(tx, err) < 0)
        return -1;
    return task_complete_read(tx, bus, task, rows, err);
}

int task_skip(struct db_tx *tx, struct bus *bus, struct task *task, const char *why, struct err *err)
{
    return task_finish(tx, bus, task, why, err) < 0 ? -1 : task_settled_after(tx, task, err);
}

int task_postpone(struct db_tx *tx, struct task *task, int64_t delay_ms, const char *why, struct err *err)
{
    struct err problem = {0};
    int n;

    if (db_savepoint(tx, err) < 0)
        return -1;
    n = db_query(tx, NULL, &problem,
                 "UPDATE tasks SET state = 'ready', token = 0, attempt = attempt - 1,"
                 "       run_at = now() + $4::bigint * interval '1 millisecond', instance = NULL, deadline_at = NULL,"
                 "       error_kind = 'postponed', error = $5, updated_at = now()"
                 " WHERE client_id = $1 AND task_id = $2 AND token = $3",
                 db_text(task->client_id), db_text(task->task_id), db_int(task->token), db_int(delay_ms), db_text(why));
    if (n == 0)
        return task_not_ours(task, err);
    if (n < 0) {
        if (!task_is_superseded(&problem)) {
            if (err)
                *err = problem;
            return -1;
        }
        if (db_rollback_to_savepoint(tx, err) < 0 ||
            task_finish(tx, NULL, task, "superseded: a newer task answers the conversation", err) < 0)
            return -1;
    }
    return task_settled_after(tx, task, err);
}

struct dead_event {
    struct bus *bus;
    char client_id[UUID_SIZE], task_id[UUID_SIZE];
    const char *kind;
    int attempt;
    char error[TASK_ERROR_SIZE];
};

static void announce_if_committed(void *arg, bool committed)
{
    struct dead_event *event = arg;

    if (committed)
        task_announce_dead(event->bus, event->client_id, event->task_id, event->kind, event->attempt, event->error);
    free(event);
}

int task_bury(struct db_tx *tx, struct bus *bus, struct task *task, const struct err *why, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct task_sweep_item next;
    struct dead_event *event;
    char text[TASK_ERROR_SIZE];

    task_error_text(why, text);
    if (db_query(tx, &rows, err,
                 "WITH g AS ("
                 "    UPDATE tasks SET state = 'dead', token = 0, instance = NULL, deadline_at = NULL, error_kind = "
                 "$4, error = $5,"
                 "           updated_at = now()"
                 "     WHERE client_id = $1 AND task_id = $2 AND token = $3"
                 "    RETURNING client_id, task_id, serial_key"
                 ")"
                 "SELECT g.client_id, next_id, next_role FROM g" TASK_NEXT_OF_KEY,
                 db_text(task->client_id), db_text(task->task_id), db_int(task->token),
                 db_text(err_kind_name(why->kind)), db_text(text)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return task_not_ours(task, err);
    if (task_next_of_row(rows, 0, &next) && task_push_after(tx, bus, &next, err) < 0)
        return -1;
    if (!(event = calloc(1, sizeof *event)))
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    *event = (struct dead_event){.bus = bus, .kind = task->kind->name, .attempt = task->attempt};
    memcpy(event->client_id, task->client_id, sizeof event->client_id);
    memcpy(event->task_id, task->task_id, sizeof event->task_id);
    memcpy(event->error, text, sizeof event->error);
    if (db_after(tx, announce_if_committed, event, err) < 0)
        return -1;
    return task_settled_after(tx, task, err);
}

int task_still_ours(struct db_tx *tx, const struct task *task, struct err *err)
{
    int n = db_query(tx, NULL, err,
                     "SELECT FROM tasks WHERE client_id = $1 AND task_id = $2 AND token = $3"
                     "   FOR UPDATE",
                     db_text(task->client_id), db_text(task->task_id), db_int(task->token));

    if (n < 0)
        return -1;
    return n > 0 ? 0 : task_not_ours(task, err);
}

void task_release(struct task *task)
{
    arena_destroy(&task->arena);
    task->payload = NULL;
}

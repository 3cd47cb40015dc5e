/* task_sweep.c - see task_sweep.h. */
#include "libshared/task_sweep.h"

#include <stdio.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks_internal.h"

#define CLEAN_PAGE 1000

/* Only roles that have somebody: to the others there is nobody to push to. Those who do tasks with lanes look through
 * the lanes themselves. */
static int read_page(struct db_pool *pool, struct db_result **ret_rows, const struct task_cursor *cursor, size_t limit,
                     struct err *err)
{
    return db_run(
        pool, NULL, ret_rows, err,
        "SELECT client_id, task_id, role, run_at FROM ("
        "    SELECT due.* FROM (SELECT DISTINCT role FROM mailboxes) r CROSS JOIN LATERAL ("
        "        SELECT t.client_id, t.task_id, t.role, t.run_at FROM tasks t"
        "         WHERE t.state = 'ready' AND t.lane IS NULL AND t.role = r.role AND t.attempt < t.max_attempts"
        "           AND (t.run_at, t.task_id) > ($1::timestamptz, $2::uuid) AND t.run_at <= now()"
        "           AND (t.run_at <= now() - interval '1 second' OR t.run_at > t.updated_at)"
        "           AND " TASK_FIRST_OF_KEY "         ORDER BY t.run_at, t.task_id LIMIT $3::bigint) due"
        "    UNION ALL"
        "    (SELECT t.client_id, t.task_id, t.role, t.run_at FROM tasks t"
        "      WHERE t.attempt < t.max_attempts AND (t.run_at, t.task_id) > ($1::timestamptz, $2::uuid)"
        "        AND " TASK_ORPHANED "      ORDER BY t.run_at, t.task_id LIMIT $3::bigint)"
        ") found ORDER BY run_at, task_id LIMIT $3::bigint",
        db_text(*cursor->run_at ? cursor->run_at : "-infinity"), db_text(*cursor->task_id ? cursor->task_id : UUID_NIL),
        db_int((int64_t)limit));
}

int task_sweep_page(struct db_pool *pool, struct task_cursor *cursor, struct task_sweep_item *items, size_t limit,
                    struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = read_page(pool, &rows, cursor, limit, err);

    for (int i = 0; i < n; i++) {
        items[i] = (struct task_sweep_item){0};
        snprintf(items[i].client_id, sizeof items[i].client_id, "%s", db_get(rows, i, "client_id"));
        snprintf(items[i].task_id, sizeof items[i].task_id, "%s", db_get(rows, i, "task_id"));
        snprintf(items[i].role, sizeof items[i].role, "%s", db_get(rows, i, "role"));
    }
    if (n > 0) {
        snprintf(cursor->run_at, sizeof cursor->run_at, "%s", db_get(rows, n - 1, "run_at"));
        snprintf(cursor->task_id, sizeof cursor->task_id, "%s", db_get(rows, n - 1, "task_id"));
    }
    return n;
}

int tasks_bury_exhausted(struct db_pool *pool, struct bus *bus, size_t limit, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct task_sweep_item next;
    int n = db_run(
        pool, NULL, &rows, err,
        "WITH spent AS MATERIALIZED ("
        "    SELECT t.client_id, t.task_id FROM tasks t"
        "     WHERE t.attempt >= t.max_attempts AND " TASK_ORPHANED "     LIMIT $1::bigint FOR UPDATE OF t SKIP LOCKED"
        "), g AS ("
        "    UPDATE tasks t SET state = 'dead', token = 0, instance = NULL, deadline_at = NULL, updated_at = now(),"
        "           error_kind = coalesce(t.error_kind, 'unavailable'),"
        "           error = coalesce(t.error, 'its process died or took too long in the last attempt')"
        "      FROM spent WHERE t.client_id = spent.client_id AND t.task_id = spent.task_id"
        "    RETURNING t.client_id, t.task_id, t.serial_key, t.kind, t.attempt, t.error"
        ")"
        "SELECT g.client_id, g.task_id, g.kind, g.attempt, g.error, next_id, next_role"
        "  FROM g" TASK_NEXT_OF_KEY,
        db_int((int64_t)limit));

    for (int i = 0; i < n; i++) {
        task_announce_dead(bus, db_get(rows, i, "client_id"), db_get(rows, i, "task_id"), db_get(rows, i, "kind"),
                           (int)db_get_int(rows, i, "attempt"), db_get(rows, i, "error"));
        if (task_next_of_row(rows, i, &next))
            task_sweep_push(bus, &next, 1);
    }
    return n;
}

int task_partitions_keep(struct db_pool *pool, int days_ahead, int keep_days, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_run(pool, NULL, &rows, err, "SELECT finished_tasks_keep($1::integer, $2::integer) AS changes",
               db_int(days_ahead), db_int(keep_days)) < 0)
        return -1;
    return (int)db_get_int(rows, 0, "changes");
}

/* ---- clean-up ---- */

typedef int delete_page(struct db_pool *pool, int keep_days, struct err *err);

static int delete_pages(delete_page *page, struct db_pool *pool, int keep_days, int limit, struct err *err)
{
    int total = 0, n;

    do {
        if ((n = page(pool, keep_days, err)) < 0)
            return -1;
        total += n;
    } while (n == CLEAN_PAGE && total < limit);
    return total;
}

static int delete_payloads(struct db_pool *pool, int keep_days, struct err *err)
{
    return db_run(pool, NULL, NULL, err,
                  "WITH old AS ("
                  "    SELECT p.client_id, p.task_id FROM task_payloads p"
                  "     WHERE p.created_at < now() - make_interval(days => $1::integer)"
                  "       AND NOT EXISTS (SELECT FROM tasks t WHERE t.client_id = p.client_id"
                  "                          AND t.task_id = p.task_id)"
                  "     ORDER BY p.created_at LIMIT $2::bigint"
                  ")"
                  "DELETE FROM task_payloads p USING old"
                  " WHERE p.client_id = old.client_id AND p.task_id = old.task_id",
                  db_int(keep_days), db_int(CLEAN_PAGE));
}

static int delete_progress(struct db_pool *pool, int keep_days, struct err *err)
{
    return db_run(pool, NULL, NULL, err,
                  "WITH old AS ("
                  "    SELECT p.client_id, p.task_id FROM task_progress p"
                  "     WHERE p.updated_at < now() - make_interval(days => $1::integer)"
                  "       AND NOT EXISTS (SELECT FROM tasks t WHERE t.client_id = p.client_id"
                  "                          AND t.task_id = p.task_id)"
                  "     ORDER BY p.updated_at LIMIT $2::bigint"
                  ")"
                  "DELETE FROM task_progress p USING old"
                  " WHERE p.client_id = old.client_id AND p.task_id = old.task_id",
                  db_int(keep_days), db_int(CLEAN_PAGE));
}

static int delete_dedupe(struct db_pool *pool, int keep_days, struct err *err)
{
    return db_run(pool, NULL, NULL, err,
                  "WITH old AS ("
                  "    SELECT client_id, dedupe_key FROM task_dedupe"
                  "     WHERE created_at < now() - make_interval(days => $1::integer)"
                  "     ORDER BY created_at LIMIT $2::bigint"
                  ")"
                  "DELETE FROM task_dedupe d USING old"
                  " WHERE d.client_id = old.client_id AND d.dedupe_key = old.dedupe_key",
                  db_int(keep_days), db_int(CLEAN_PAGE));
}

static int delete_idempotency(struct db_pool *pool, int keep_days, struct err *err)
{
    return db_run(pool, NULL, NULL, err,
                  "WITH old AS ("
                  "    SELECT client_id, key FROM idempotency_keys"
                  "     WHERE created_at < now() - make_interval(days => $1::integer)"
                  "     ORDER BY created_at LIMIT $2::bigint"
                  ")"
                  "DELETE FROM idempotency_keys k USING old WHERE k.client_id = old.client_id AND k.key = old.key",
                  db_int(keep_days), db_int(CLEAN_PAGE));
}

/* Who needs an upload puts all its parts anew, so one that is torn by the end of a page does no harm. */
static int delete_upload_parts(struct db_pool *pool, int keep_days, struct err *err)
{
    return db_run(pool, DB_EVERY_CLIENT, NULL, err,
                  "WITH old AS ("
                  "    SELECT p.client_id, p.upload_id, p.part FROM upload_parts p"
                  "     WHERE p.created_at < now() - make_interval(days => $1::integer)"
                  "       AND NOT EXISTS (SELECT FROM upload_parts young"
                  "                        WHERE young.client_id = p.client_id AND young.upload_id = p.upload_id"
                  "                          AND young.created_at >= now() - make_interval(days => $1::integer))"
                  "     ORDER BY p.created_at LIMIT $2::bigint"
                  ")"
                  "DELETE FROM upload_parts p USING old"
                  " WHERE p.client_id = old.client_id AND p.upload_id = old.upload_id AND p.part = old.part",
                  db_int(keep_days), db_int(CLEAN_PAGE));
}

int task_clean_payloads(struct db_pool *pool, int keep_days, int limit, struct err *err)
{
    return delete_pages(delete_payloads, pool, keep_days, limit, err);
}

int task_clean_dedupe(struct db_pool *pool, int keep_days, int limit, struct err *err)
{
    return delete_pages(delete_dedupe, pool, keep_days, limit, err);
}

int task_clean_idempotency(struct db_pool *pool, int keep_days, int limit, struct err *err)
{
    return delete_pages(delete_idempotency, pool, keep_days, limit, err);
}

int task_clean_progress(struct db_pool *pool, int keep_days, int limit, struct err *err)
{
    return delete_pages(delete_progress, pool, keep_days, limit, err);
}

int upload_clean(struct db_pool *pool, int keep_days, int limit, struct err *err)
{
    return delete_pages(delete_upload_parts, pool, keep_days, limit, err);
}

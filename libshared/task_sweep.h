/* task_sweep.h - the scheduler's view of tasks: what waits and is not being worked on, and what is over. */
#pragma once

#include <stddef.h>

#include "libshared/uuid.h"

struct bus;
struct db_pool;
struct err;

#define TASK_SWEEP_PAGE 500

struct task_sweep_item {
    char client_id[UUID_SIZE], task_id[UUID_SIZE];
    char role[32];
};

/* Where a sweep has come to; {0} is the beginning. */
struct task_cursor {
    char run_at[40];
    char task_id[UUID_SIZE];
};

/* The next page, oldest first, of tasks that should be pushed again:
 * - without a lane, ready and due for 1 s (it was pushed at its insert and nobody came), or at once if it was delayed;
 * - orphaned: its holder's registry row is stale or gone, or its deadline has passed.
 * Tasks behind another of their serial key, and those out of attempts, are left out. Returns how many of at most limit
 * were written to items and moves the cursor behind them; fewer than limit: this was the last page. -1 on failure. */
int task_sweep_page(struct db_pool *pool, struct task_cursor *cursor, struct task_sweep_item *items, size_t limit,
                    struct err *err);

/* Pushes them, role by role. */
void task_sweep_push(struct bus *bus, const struct task_sweep_item *items, size_t n);

/* Orphans whose last attempt is spent become dead, with an event each; at most limit. Returns how many, or -1.
 * bus may be NULL. */
int tasks_bury_exhausted(struct db_pool *pool, struct bus *bus, size_t limit, struct err *err);

/* Makes the day partitions of finished_tasks for today and the next days_ahead days, and drops those that ended more
 * than keep_days days ago. Waits 200 ms at most for a lock: what could not be had is done by the next call. */
int task_partitions_keep(struct db_pool *pool, int days_ahead, int keep_days, struct err *err);

/* Deletes, page by page until limit rows are gone, what is older than keep_days: payloads whose task lives no more,
 * progress of such tasks, dedupe keys, idempotency keys, uploads whose newest part is that old (a row is a part).
 * Returns how many rows went, or -1; limit or more: there may be others. */
int task_clean_payloads(struct db_pool *pool, int keep_days, int limit, struct err *err);
int task_clean_progress(struct db_pool *pool, int keep_days, int limit, struct err *err);
int task_clean_dedupe(struct db_pool *pool, int keep_days, int limit, struct err *err);
int task_clean_idempotency(struct db_pool *pool, int keep_days, int limit, struct err *err);
int upload_clean(struct db_pool *pool, int keep_days, int limit, struct err *err);

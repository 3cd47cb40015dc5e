/* cleanup.c - cleanup_old_data: once a day what nobody needs any more is deleted, page by page. */
#include <stdio.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "proto/messages.h"
#include "services/scheduler/scheduler.h"

enum {
    PAYLOAD_KEEP_DAYS = 7,
    DEDUPE_KEEP_DAYS = 30,
    IDEMPOTENCY_KEEP_DAYS = 7,
    UPLOAD_KEEP_DAYS = 1, /* used at once, or by a request that is repeated within a day */
    ROWS_AT_ONCE = 10000,
    PATIENCE_MS = 200 * 1000, /* below the task's deadline; tomorrow goes on where today ended */
};

int cleanup_fire(struct worker *worker, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(worker->db, NULL, err);
    struct empty nothing = {.ok = true};
    char now[CLOCK_TEXT_SIZE], slot[64];
    struct task_spec spec = {.kind = TASK_cleanup_old_data, .payload = &nothing, .dedupe_key = slot};

    if (!tx)
        return -1;
    clock_format(clock_wall_us(), now);
    snprintf(slot, sizeof slot, "cleanup_old_data:%.10s", now); /* the day, in UTC */
    if (task_insert(tx, worker->bus, &spec, NULL, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

typedef int clean_fn(struct db_pool *pool, int keep_days, int limit, struct err *err);

/* Returns how many rows went, or -1. */
static int64_t clean_all(clean_fn *clean, struct db_pool *pool, int keep_days, int64_t until_ms, struct err *err)
{
    int64_t total = 0;
    int n = ROWS_AT_ONCE;

    while (n >= ROWS_AT_ONCE && clock_mono_ms() < until_ms) {
        if ((n = clean(pool, keep_days, ROWS_AT_ONCE, err)) < 0)
            return -1;
        total += n;
    }
    return total;
}

/* A second run deletes what the first has left. */
int on_cleanup_old_data(struct worker *self, struct task *task, struct err *err)
{
    static const struct {
        const char *what;
        clean_fn *clean;
        int keep_days;
    } old[] = {
        {"payloads", task_clean_payloads, PAYLOAD_KEEP_DAYS},
        {"progress rows", task_clean_progress, PAYLOAD_KEEP_DAYS}, /* leave with the payload */
        {"dedupe keys", task_clean_dedupe, DEDUPE_KEEP_DAYS},
        {"idempotency keys", task_clean_idempotency, IDEMPOTENCY_KEEP_DAYS},
        {"uploads", upload_clean, UPLOAD_KEEP_DAYS},
    };
    int64_t until_ms = clock_mono_ms() + PATIENCE_MS, n;

    (void)task;
    for (size_t i = 0; i < COUNT_OF(old); i++) {
        if ((n = clean_all(old[i].clean, self->db, old[i].keep_days, until_ms, err)) < 0)
            return -1;
        log_info("old data deleted", log_str("what", old[i].what), log_int("rows", n));
    }
    return 0;
}

/* usage.c - update_token_usage: what turns have cost is added up per client, day and model, and budgets are looked at.
 */
#include <stdio.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "proto/messages.h"
#include "services/scheduler/scheduler.h"

enum {
    ROWS_AT_ONCE = 5000,
    PATIENCE_MS = 40 * 1000, /* below the task's deadline; the next task goes on where this one ended */
};

int usage_fire(struct worker *worker, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(worker->db, NULL, err);
    struct empty nothing = {.ok = true};
    char slot[64];
    struct task_spec spec = {.kind = TASK_update_token_usage,
                             .payload = &nothing,
                             .serial_key = "update_token_usage",
                             .dedupe_key = slot};

    if (!tx)
        return -1;
    snprintf(slot, sizeof slot, "update_token_usage:%lld",
             (long long)(clock_wall_us() / 1000000 / worker->config->usage_every_s));
    if (task_insert(tx, worker->bus, &spec, NULL, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* What is added up is deleted with it: it counts once, and what is committed late is found by the next. Returns how
 * many rows there were, or -1. */
static int add_some(struct db_pool *pool, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, DB_EVERY_CLIENT, err);
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n;

    if (!tx ||
        db_query(tx, &rows, err,
                 "WITH gone AS ("
                 "    DELETE FROM token_usage_pending"
                 "     WHERE ctid = ANY (ARRAY(SELECT ctid FROM token_usage_pending LIMIT $1))"
                 "    RETURNING *),"
                 " added AS ("
                 "    INSERT INTO token_usage AS u (client_id, day, model, turns, scripted_turns, fallbacks, unused,"
                 "                                  input_tokens, output_tokens, cache_read_tokens,"
                 "                                  cache_write_tokens, cost_micro_usd)"
                 "    SELECT g.client_id, (g.at AT TIME ZONE c.timezone)::date, g.model,"
                 "           count(*) FILTER (WHERE NOT g.unused), count(*) FILTER (WHERE g.scripted),"
                 "           count(*) FILTER (WHERE g.fallback), count(*) FILTER (WHERE g.unused),"
                 "           sum(g.input_tokens), sum(g.output_tokens), sum(g.cache_read_tokens),"
                 "           sum(g.cache_write_tokens), sum(g.cost_micro_usd)"
                 "      FROM gone g JOIN clients c USING (client_id)"
                 "     GROUP BY 1, 2, 3"
                 "     ORDER BY 1, 2, 3"
                 "    ON CONFLICT ON CONSTRAINT token_usage_pkey DO UPDATE"
                 "        SET turns = u.turns + excluded.turns,"
                 "            scripted_turns = u.scripted_turns + excluded.scripted_turns,"
                 "            fallbacks = u.fallbacks + excluded.fallbacks, unused = u.unused + excluded.unused,"
                 "            input_tokens = u.input_tokens + excluded.input_tokens,"
                 "            output_tokens = u.output_tokens + excluded.output_tokens,"
                 "            cache_read_tokens = u.cache_read_tokens + excluded.cache_read_tokens,"
                 "            cache_write_tokens = u.cache_write_tokens + excluded.cache_write_tokens,"
                 "            cost_micro_usd = u.cost_micro_usd + excluded.cost_micro_usd)"
                 "SELECT count(*) AS n FROM gone",
                 db_int(ROWS_AT_ONCE)) < 0)
        return -1;
    n = (int)db_get_int(rows, 0, "n");
    failpoint("scheduler.usage_added");
    return db_commit(&tx, err) < 0 ? -1 : n;
}

int on_update_token_usage(struct worker *self, struct task *task, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    int n = ROWS_AT_ONCE;

    (void)task;
    while (n >= ROWS_AT_ONCE && clock_mono_ms() < until_ms)
        if ((n = add_some(self->db, err)) < 0)
            return -1;
    return budgets_tell(self, err);
}

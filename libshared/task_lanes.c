/* task_lanes.c - claiming tasks that have a lane: what is decided is in migrations/0031. */
#include <inttypes.h>
#include <stdio.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/tasks_internal.h"
#include "proto/envelope.h"

void task_lane(const char *channel, const char *sender, char ret_lane[TASK_LANE_SIZE])
{
    snprintf(ret_lane, TASK_LANE_SIZE, "%s:%s", channel, sender);
}

int task_set_lane(struct db_tx *tx, const struct task *task, const char *lane, struct err *err)
{
    int n = db_query(tx, NULL, err, "UPDATE tasks SET lane = $4 WHERE client_id = $1 AND task_id = $2 AND token = $3",
                     db_text(task->client_id), db_text(task->task_id), db_int(task->token), db_text(lane));

    if (n < 0)
        return -1;
    return n > 0 ? 0 : task_not_ours(task, err);
}

void lane_rates(const struct config *config, char ret_rates[LANE_RATES_SIZE])
{
    snprintf(ret_rates, LANE_RATES_SIZE,
             "{\"long_code\": %" PRId64 ", \"toll_free\": %" PRId64 ", \"short_code\": %" PRId64
             ", \"service\": %" PRId64 ", \"whatsapp\": %" PRId64 ", \"voice\": %" PRId64 "}",
             config->long_code_per_s, config->toll_free_per_s, config->short_code_per_s, config->service_per_s,
             config->whatsapp_per_s, config->calls_per_s);
}

static int run(struct db_pool *pool, struct db_result **ret_rows, const struct lane_claim *claim, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(8192 + claim->n_heard * 256);
    const char *kinds = arena ? task_kinds_of(claim->role, arena) : NULL;
    const char *clients, *tasks;

    if (!kinds)
        return err_set(err, ERR_INTERNAL, "tasks: out of memory");
    if (task_refs_arrays(claim->heard, claim->n_heard, arena, &clients, &tasks, err) < 0)
        return -1;
    return db_run(pool, NULL, ret_rows, err,
                  "SELECT * FROM tasks_claim_lanes($1::uuid, $2, $3::text[], $4::integer, $5::jsonb, $6::uuid[],"
                  "                                $7::uuid[], $8::boolean)",
                  db_text(claim->instance), db_text(claim->role), db_text(kinds), db_int((int64_t)claim->want),
                  db_text(claim->rates), db_text(clients), db_text(tasks), db_bool(claim->look));
}

int tasks_claim_lanes(struct db_pool *pool, const struct lane_claim *claim, struct task *ret_tasks,
                      struct lane_news *ret_news, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err problem = {0};
    int last;

    failpoint("tasks.before_claim");
    if (run(pool, &rows, claim, &problem) < 0) {
        if (problem.kind == ERR_CONFLICT) {
            /* A task of the same key began to run since the look at the table: all that was heard is asked anew. */
            *ret_news = (struct lane_news){.missed = true, .others = true};
            return 0;
        }
        if (err)
            *err = problem;
        return -1;
    }
    last = db_result_count(rows) - 1;
    *ret_news = (struct lane_news){
        .next_ms = (int)db_get_int(rows, last, "next_ms"),
        .missed = db_get_bool(rows, last, "missed"),
        .others = db_get_bool(rows, last, "others"),
    };
    if (last > 0)
        failpoint("tasks.claimed");
    return task_take_rows(pool, rows, last, ret_tasks);
}

/* usage_store.c - see usage_store.h. */
#include "services/orchestrator/usage_store.h"

#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "services/orchestrator/turn.h"

void usage_store_unused(struct db_pool *pool, const struct turn *turn)
{
    struct err err = {0};

    if (!turn->model)
        return;
    if (db_run(pool, turn->client_id, NULL, &err,
               "INSERT INTO token_usage_pending (client_id, turn_id, model, unused, input_tokens, output_tokens,"
               "                                 cache_read_tokens, cache_write_tokens, cost_micro_usd)"
               "SELECT $1, $2, $3, true, $4, $5, $6, $7, $8"
               " WHERE NOT EXISTS (SELECT FROM turns WHERE client_id = $1 AND turn_id = $2)"
               "    ON CONFLICT DO NOTHING",
               db_text(turn->client_id), db_text(turn->turn_id), db_text(turn->model), db_int(turn->tokens.input),
               db_int(turn->tokens.output), db_int(turn->tokens.cache_read), db_int(turn->tokens.cache_write),
               db_int(turn->cost_micro_usd)) < 0)
        log_warn("what the model has cost for nothing is not counted", log_str("client_id", turn->client_id),
                 log_str("turn_id", turn->turn_id), log_int("cost_micro_usd", turn->cost_micro_usd),
                 log_str("error", err.text));
}

/* usage_store.c - see usage_store.h. */
#include "services/orchestrator/api/usage_store.h"

#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "proto/usage.h"
#include "services/orchestrator/turn/turn.h"

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

#define DAYS_MAX 366

int usage_store_get(struct db_tx *tx, const struct get_usage *request, struct arena *arena, struct usage *ret_usage,
                    struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(
            tx, &rows, err,
            "WITH span AS ("
            "    SELECT c.client_id, c.timezone, to_char(b.month, 'YYYY-MM') AS month, b.state,"
            "           b.budget AS budget_micro_usd, b.spent AS spent_micro_usd,"
            "           coalesce($2::date, b.month) AS first,"
            "           coalesce($3::date, (now() AT TIME ZONE c.timezone)::date) AS last"
            "      FROM clients c CROSS JOIN LATERAL client_budget(c.client_id) b WHERE c.client_id = $1),"
            " sums AS ("
            "    SELECT u.day, u.model, grouping(u.day, u.model) AS of," /* 3: all; 1: a day; 2: a model */
            "           coalesce(sum(turns), 0) AS turns, coalesce(sum(scripted_turns), 0) AS scripted_turns,"
            "           coalesce(sum(fallbacks), 0) AS fallbacks, coalesce(sum(unused), 0) AS unused,"
            "           coalesce(sum(input_tokens), 0) AS input_tokens,"
            "           coalesce(sum(output_tokens), 0) AS output_tokens,"
            "           coalesce(sum(cache_read_tokens), 0) AS cache_read_tokens,"
            "           coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens,"
            "           coalesce(sum(cost_micro_usd), 0) AS cost_micro_usd"
            "      FROM span JOIN usage_by_day u ON u.client_id = $1 AND u.day BETWEEN span.first AND span.last"
            "     WHERE span.last - span.first < $4"
            "     GROUP BY GROUPING SETS ((), (u.day), (u.model)))"
            "SELECT span.*, first AS \"from\", last AS \"to\", last - first AS days_more,"
            "       (SELECT to_jsonb(s) FROM sums s WHERE s.of = 3) AS totals,"
            "       (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.day), '[]') FROM sums s WHERE s.of = 1) AS days,"
            "       (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.cost_micro_usd DESC, s.model), '[]')"
            "          FROM (SELECT * FROM sums WHERE sums.of = 2 ORDER BY cost_micro_usd DESC, model LIMIT 100) s)"
            "           AS models"
            "  FROM span",
            db_text(request->client_id), db_text(request->from), db_text(request->to), db_int(DAYS_MAX)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "client_id", "there is no such client");
    if (db_get_int(rows, 0, "days_more") < 0)
        return err_set_field(err, ERR_INVALID, "from", "from must not be behind to");
    if (db_get_int(rows, 0, "days_more") >= DAYS_MAX)
        return err_set_field(err, ERR_INVALID, "from", "from must be less than %d days before to", DAYS_MAX);
    return codec_from_row(&usage_type, rows, 0, arena, ret_usage, err);
}

/* usage.c - leadctl usage: what the model has cost a client. */
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/day.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "tools/leadctl/ctl.h"

static const struct ctl_column usage_columns[] = {
    {"day", "DAY", CTL_TEXT},
    {"model", "MODEL", CTL_TEXT},
    {"turns", "TURNS", CTL_NUMBER},
    {"scripted_turns", "SCRIPTED", CTL_NUMBER},
    {"fallbacks", "FALLBACKS", CTL_NUMBER},
    {"unused", "UNUSED", CTL_NUMBER},
    {"input_tokens", "INPUT", CTL_NUMBER},
    {"output_tokens", "OUTPUT", CTL_NUMBER},
    {"cache_read_tokens", "CACHE READ", CTL_NUMBER},
    {"cache_write_tokens", "CACHE WRITE", CTL_NUMBER},
    {"cost_usd", "COST USD", CTL_NUMBER},
    {0},
};

static int print_budget(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT to_char(month, 'FMMonth YYYY') AS month, to_char(spent / 1e6, 'FM999999990.00') AS spent,"
               "       to_char(budget / 1e6, 'FM999999990.00') AS budget,"
               "       CASE state WHEN 'exhausted' THEN ': the scripted agent answers' WHEN 'warning' THEN ': 80 %'"
               "                  WHEN 'off' THEN ': the model is never asked' ELSE '' END AS state"
               "  FROM client_budget($1)",
               db_text(ctl->args[0])) < 0)
        return -1;
    printf("%s: USD %s", db_get(rows, 0, "month"), db_get(rows, 0, "spent"));
    if (db_get(rows, 0, "budget"))
        printf(" of %s%s", db_get(rows, 0, "budget"), db_get(rows, 0, "state"));
    puts("");
    return 0;
}

int cmd_usage(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *known = NULL, *rows = NULL;
    struct ctl_table *table = ctl_table_new(usage_columns, ctl->arena, err);
    const char *from = ctl_option(ctl, "from"), *to = ctl_option(ctl, "to");

    if (from && !day_is_valid(from))
        return ctl_misuse(ctl, err, "--from is a day, e.g. 2026-11-01");
    if (to && !day_is_valid(to))
        return ctl_misuse(ctl, err, "--to is a day, e.g. 2026-11-30");
    if (from && to && strcmp(from, to) > 0)
        return ctl_misuse(ctl, err, "--from must not be behind --to");
    if (!table || ctl_check_uuid(ctl, ctl->args[0], "CLIENT_ID", err) < 0 || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &known, err, "SELECT FROM clients WHERE client_id = $1",
               db_text(ctl->args[0])) < 0)
        return -1;
    if (db_result_count(known) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no client %s", ctl->args[0]);
    if (db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT u.day, u.model, sum(turns) AS turns, sum(scripted_turns) AS scripted_turns,"
               "       sum(fallbacks) AS fallbacks, sum(unused) AS unused, sum(input_tokens) AS input_tokens,"
               "       sum(output_tokens) AS output_tokens, sum(cache_read_tokens) AS cache_read_tokens,"
               "       sum(cache_write_tokens) AS cache_write_tokens,"
               "       to_char(sum(cost_micro_usd) / 1e6, 'FM999999990.000000') AS cost_usd"
               "  FROM client_budget($1) b"
               "  JOIN usage_by_day u ON u.client_id = $1 AND u.day >= coalesce($2::date, b.month)"
               "                     AND ($3::date IS NULL OR u.day <= $3::date)"
               " GROUP BY u.day, u.model ORDER BY u.day, u.model",
               db_text(ctl->args[0]), db_text(from), db_text(to)) < 0)
        return -1;
    ctl_table_put_rows(table, rows);
    if (ctl_table_print(table, ctl_option(ctl, "json"), err) < 0)
        return -1;
    return ctl_option(ctl, "json") ? 0 : print_budget(ctl, err);
}

/* status.c - leadctl status: who is alive, what work waits, what a person must see to. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/registry.h"
#include "tools/leadctl/ctl.h"

static const char *const roles[] = {"gateway", "orchestrator", "knowledge", "delivery", "scheduler"};

static const struct ctl_column alive_columns[] = {
    {"role", "ROLE", CTL_TEXT},
    {"instance", "INSTANCE", CTL_TEXT},
    {"mailbox", "MAILBOX", CTL_TEXT},
    {"pid", "PID", CTL_NUMBER},
    {"up", "UP", CTL_NUMBER},
    {"seen", "SEEN", CTL_TEXT},
    {"rss_kb", "RSS KB", CTL_NUMBER},
    {"tasks_done", "TASKS", CTL_NUMBER},
    {"tasks_failed", "FAILED", CTL_NUMBER},
    {"requests", "REQUESTS", CTL_NUMBER},
    {0},
};

static const struct ctl_column alive_json_columns[] = {
    {"role", "", CTL_TEXT},    {"instance", "", CTL_TEXT},
    {"mailbox", "", CTL_TEXT}, {"host", "", CTL_TEXT},
    {"pid", "", CTL_NUMBER},   {"version", "", CTL_TEXT},
    {"up_s", "", CTL_NUMBER},  {"alive", "", CTL_JSON},
    {"stats", "", CTL_JSON},   {0},
};

static const struct ctl_column work_columns[] = {
    {"role", "ROLE", CTL_TEXT},
    {"ready", "READY", CTL_NUMBER},
    {"later", "LATER", CTL_NUMBER},
    {"running", "RUNNING", CTL_NUMBER},
    {"dead", "DEAD", CTL_NUMBER},
    {"oldest", "OLDEST DUE", CTL_TEXT},
    {0},
};

static const struct ctl_column work_json_columns[] = {
    {"role", "", CTL_TEXT},
    {"ready", "", CTL_NUMBER},
    {"later", "", CTL_NUMBER},
    {"running", "", CTL_NUMBER},
    {"dead", "", CTL_NUMBER},
    {"oldest_s", "", CTL_NUMBER},
    {0},
};

static void put_stat(struct ctl_table *table, const json_t *stats, const char *name)
{
    const json_t *value = json_object_get(stats, name);

    if (json_is_integer(value))
        ctl_table_put_int(table, json_integer_value(value));
    else
        ctl_table_put(table, NULL);
}

static int print_alive(struct ctl *ctl, const struct db_result *rows, struct err *err)
{
    struct ctl_table *table = ctl_table_new(alive_columns, ctl->arena, err);

    if (!table)
        return -1;
    for (int row = 0; row < db_result_count(rows); row++) {
        json_t *stats = json_loads(db_get(rows, row, "stats"), 0, NULL);
        char up[CTL_AGE_SIZE];

        ctl_age(db_get_int(rows, row, "up_s"), up);
        ctl_table_put(table, db_get(rows, row, "role"));
        ctl_table_put(table, db_get(rows, row, "instance"));
        ctl_table_put(table, db_get(rows, row, "mailbox"));
        ctl_table_put(table, db_get(rows, row, "pid"));
        ctl_table_put(table, up);
        ctl_table_put(table, db_get_bool(rows, row, "alive") ? "now" : "stale");
        put_stat(table, stats, "rss_kb");
        put_stat(table, stats, "tasks_done");
        put_stat(table, stats, "tasks_failed");
        put_stat(table, stats, "requests");
        json_decref(stats);
    }
    return ctl_table_print(table, false, err);
}

static int print_work(struct ctl *ctl, const struct db_result *rows, struct err *err)
{
    struct ctl_table *table = ctl_table_new(work_columns, ctl->arena, err);

    if (!table)
        return -1;
    for (int row = 0; row < db_result_count(rows); row++) {
        char oldest[CTL_AGE_SIZE] = "";

        if (db_get(rows, row, "oldest_s"))
            ctl_age(db_get_int(rows, row, "oldest_s"), oldest);
        ctl_table_put(table, db_get(rows, row, "role"));
        ctl_table_put(table, db_get(rows, row, "ready"));
        ctl_table_put(table, db_get(rows, row, "later"));
        ctl_table_put(table, db_get(rows, row, "running"));
        ctl_table_put(table, db_get(rows, row, "dead"));
        ctl_table_put(table, oldest);
    }
    printf("\n");
    return ctl_table_print(table, false, err);
}

static void print_notices(int64_t open)
{
    if (open > 0)
        printf("\n%" PRId64 " open notice%s: leadctl notices\n", open, open == 1 ? "" : "s");
}

static int print_json(struct ctl *ctl, const struct db_result *alive, const struct db_result *work, int64_t notices,
                      struct err *err)
{
    struct ctl_table *processes = ctl_table_new(alive_json_columns, ctl->arena, err);
    struct ctl_table *tasks = ctl_table_new(work_json_columns, ctl->arena, err);

    if (!processes || !tasks)
        return -1;
    ctl_table_put_rows(processes, alive);
    ctl_table_put_rows(tasks, work);
    printf("{\"processes\": ");
    if (ctl_table_print(processes, true, err) < 0)
        return -1;
    printf(", \"tasks\": ");
    if (ctl_table_print(tasks, true, err) < 0)
        return -1;
    printf(", \"open_notices\": %" PRId64 "}\n", notices);
    return 0;
}

/* ERR_UNAVAILABLE naming the roles of which nobody is alive. */
static int check_roles(struct ctl *ctl, const struct db_result *rows, struct err *err)
{
    const char *missing = "";

    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        bool found = false;
        for (int row = 0; row < db_result_count(rows) && !found; row++)
            found = db_get_bool(rows, row, "alive") && strcmp(db_get(rows, row, "role"), roles[i]) == 0;
        if (!found && !(missing = arena_printf(ctl->arena, "%s%s%s", missing, *missing ? ", " : "", roles[i])))
            return err_set(err, ERR_INTERNAL, "out of memory");
    }
    return *missing ? err_set(err, ERR_UNAVAILABLE, "not alive: %s", missing) : 0;
}

/* Ready is what could be begun now. Later is what waits for its time, or behind an earlier task of its serial key: for
 * that, no process is late. */
#define WORK                                                                                                           \
    "SELECT role, count(*) FILTER (WHERE due) AS ready, count(*) FILTER (WHERE state = 'ready' AND NOT due) AS later," \
    "       count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'dead') AS dead,"     \
    "       extract(epoch FROM now() - min(run_at) FILTER (WHERE due))::bigint AS oldest_s"                            \
    "  FROM (SELECT t.role, t.state, t.run_at,"                                                                        \
    "               t.state = 'ready' AND t.run_at <= now()"                                                           \
    "               AND NOT EXISTS (SELECT FROM tasks e"                                                               \
    "                                WHERE e.client_id = t.client_id AND e.serial_key = t.serial_key"                  \
    "                                  AND e.task_id < t.task_id AND e.state <> 'dead') AS due"                        \
    "          FROM tasks t) AS w"                                                                                     \
    " GROUP BY role ORDER BY role"

int cmd_status(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *alive = NULL, *work = NULL, *notices = NULL;
    int64_t open;

    if (!ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &alive, err,
               "SELECT role, instance, mailbox, host, pid, version, stats,"
               "       extract(epoch FROM now() - started_at)::bigint AS up_s,"
               "       (refreshed_at > now() - make_interval(secs => $1))::text AS alive"
               "  FROM mailboxes ORDER BY role, started_at",
               db_int(REGISTRY_STALE_S)) < 0 ||
        db_run(ctl->db, DB_EVERY_CLIENT, &work, err, WORK) < 0 ||
        db_run(ctl->db, DB_EVERY_CLIENT, &notices, err,
               "SELECT count(*) AS open FROM notices WHERE resolved_at IS NULL") < 0)
        return -1;
    open = db_get_int(notices, 0, "open");
    if (ctl_option(ctl, "json") ? print_json(ctl, alive, work, open, err) < 0
                                : print_alive(ctl, alive, err) < 0 || print_work(ctl, work, err) < 0)
        return -1;
    if (!ctl_option(ctl, "json"))
        print_notices(open);
    return check_roles(ctl, alive, err);
}

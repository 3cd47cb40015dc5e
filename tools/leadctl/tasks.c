/* tasks.c - leadctl task list, task show, task retry. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/task_admin.h"
#include "libshared/text.h"
#include "tools/leadctl/ctl.h"

static const struct ctl_column task_columns[] = {
    {"task_id", "TASK", CTL_TEXT},       {"kind", "KIND", CTL_TEXT},
    {"state", "STATE", CTL_TEXT},        {"attempt", "TRY", CTL_NUMBER},
    {"max_attempts", "OF", CTL_NUMBER},  {"client_id", "CLIENT", CTL_TEXT},
    {"created_at", "CREATED", CTL_TEXT}, {"run_at", "DUE", CTL_TEXT},
    {"error", "ERROR", CTL_TEXT},        {0},
};

static bool is_state(const char *state)
{
    return strcmp(state, "ready") == 0 || strcmp(state, "running") == 0 || strcmp(state, "dead") == 0 ||
           strcmp(state, "finished") == 0;
}

int cmd_task_list(struct ctl *ctl, struct err *err)
{
    struct task_filter filter = {
        .client_id = ctl_option(ctl, "client"),
        .state = ctl_option(ctl, "state"),
        .kind = ctl_option(ctl, "kind"),
        .after = ctl_option(ctl, "after"),
        .limit = 50,
    };
    const char *limit = ctl_option(ctl, "limit");
    struct ctl_table *table = ctl_table_new(task_columns, ctl->arena, err);
    struct task_info *tasks = NULL;
    int64_t wanted = 50;
    int n;

    if (!table)
        return -1;
    if (filter.state && !is_state(filter.state))
        return ctl_misuse(ctl, err, "--state is one of ready, running, dead, finished");
    if (limit && !text_to_int(limit, 1, 1000, &wanted))
        return ctl_misuse(ctl, err, "--limit is a number from 1 to 1000");
    if ((filter.client_id && ctl_check_uuid(ctl, filter.client_id, "--client", err) < 0) ||
        (filter.after && ctl_check_uuid(ctl, filter.after, "--after", err) < 0) || !ctl_db(ctl, err))
        return -1;
    filter.limit = (int)wanted;
    if ((n = task_list(ctl->db, &filter, ctl->arena, &tasks, err)) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        char created[CLOCK_TEXT_SIZE], due[CLOCK_TEXT_SIZE];

        clock_format(tasks[i].created_at_us, created);
        clock_format(tasks[i].run_at_us, due);
        ctl_table_put(table, tasks[i].task_id);
        ctl_table_put(table, tasks[i].kind);
        ctl_table_put(table, tasks[i].state);
        ctl_table_put_int(table, tasks[i].attempt);
        ctl_table_put_int(table, tasks[i].max_attempts);
        ctl_table_put(table, tasks[i].client_id);
        ctl_table_put(table, created);
        ctl_table_put(table, tasks[i].run_at_us ? due : NULL);
        ctl_table_put(table, tasks[i].error);
    }
    return ctl_table_print(table, ctl_option(ctl, "json"), err);
}

static void put_text(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\n  \"%s\": ", name);
    buf_json_string(out, value);
}

static void put_time(struct buf *out, const char *name, int64_t us)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format(us, text);
    put_text(out, name, us ? text : NULL);
}

/* How far a task that counts is: chunks done, of all. */
static int put_progress(struct ctl *ctl, struct buf *out, const struct task_info *task, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n =
        db_run(ctl->db, NULL, &rows, err, "SELECT done, total FROM task_progress WHERE client_id = $1 AND task_id = $2",
               db_text(task->client_id), db_text(task->task_id));

    if (n > 0)
        buf_printf(out, ",\n  \"done\": %" PRId64 ",\n  \"total\": %" PRId64, db_get_int(rows, 0, "done"),
                   db_get_int(rows, 0, "total"));
    return n < 0 ? -1 : 0;
}

int cmd_task_show(struct ctl *ctl, struct err *err)
{
    AUTO(buf_free) struct buf out = {0};
    struct task_info task;

    if (ctl_check_uuid(ctl, ctl->args[0], "TASK_ID", err) < 0 || !ctl_db(ctl, err) ||
        task_get(ctl->db, NULL, ctl->args[0], ctl->arena, &task, err) < 0)
        return -1;
    buf_printf(&out, "{\n  \"task_id\": \"%s\"", task.task_id);
    put_text(&out, "client_id", task.client_id);
    put_text(&out, "kind", task.kind);
    put_text(&out, "role", task.role);
    put_text(&out, "state", task.state);
    buf_printf(&out, ",\n  \"attempt\": %d,\n  \"max_attempts\": %d", task.attempt, task.max_attempts);
    if (put_progress(ctl, &out, &task, err) < 0)
        return -1;
    put_time(&out, "run_at", task.run_at_us);
    put_time(&out, "created_at", task.created_at_us);
    put_time(&out, "updated_at", task.updated_at_us);
    put_text(&out, "serial_key", task.serial_key);
    put_text(&out, "instance", task.instance);
    put_text(&out, "trace_id", task.trace_id);
    put_text(&out, "error_kind", task.error_kind);
    put_text(&out, "error", task.error);
    buf_printf(&out, ",\n  \"payload\": %s\n}\n", task.payload ? task.payload : "null");
    if (out.failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    fputs(out.data, stdout);
    return 0;
}

/* The sweep finds it: leadctl has no mailbox to push from. */
int cmd_task_retry(struct ctl *ctl, struct err *err)
{
    if (ctl_check_uuid(ctl, ctl->args[0], "TASK_ID", err) < 0 || !ctl_db(ctl, err) ||
        task_retry(ctl->db, NULL, NULL, ctl->args[0], err) < 0)
        return -1;
    printf("%s is ready again\n", ctl->args[0]);
    return 0;
}

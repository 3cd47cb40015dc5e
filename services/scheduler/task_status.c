/* task_status.c - get_task: how far a task is, for the client whose task it is. */
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/task_admin.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/scheduler/scheduler.h"

#define ERROR_MAX 1000 /* bytes; see TASK_STATUS */

/* What its handler has counted; {0, 0} if it counts nothing, or its row is gone already. */
static int read_progress(struct db_pool *db, const struct task_info *task, struct task_status *reply, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_run(db, NULL, &rows, err, "SELECT done, total FROM task_progress WHERE client_id = $1 AND task_id = $2",
                   db_text(task->client_id), db_text(task->task_id));

    if (n <= 0)
        return n;
    reply->done = db_get_int(rows, 0, "done");
    reply->total = db_get_int(rows, 0, "total");
    if (strcmp(task->state, "finished") == 0) /* the last step is completed, not counted */
        reply->done = reply->total;
    return 0;
}

/* Any scheduler answers, whether it leads or not. */
int on_get_task(struct worker *self, struct call *call, struct err *err)
{
    const struct get_task *in = call->request;
    struct task_status *reply = call->reply;
    struct task_info task;

    if (task_get(self->db, call->client_id, in->task_id, call->arena, &task, err) < 0)
        return -1;
    *reply = (struct task_status){
        .task_id = task.task_id,
        .kind = task.kind,
        .state = task.state,
        .attempt = task.attempt,
        .max_attempts = task.max_attempts,
        .run_at = strcmp(task.state, "ready") == 0 ? task.run_at_us : 0,
        .created_at = task.created_at_us,
        .updated_at = task.updated_at_us,
    };
    if (task.error) {
        char *error = (char *)task.error; /* in our arena */

        error[utf8_cut(error, strlen(error), ERROR_MAX)] = '\0';
        reply->error = error;
    }
    return read_progress(self->db, &task, reply, err);
}

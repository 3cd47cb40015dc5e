/* scheduler - periodic tasks, retries, recovery of lost work. */
#include "libshared/service.h"
#include "proto/messages.h"
#include "services/scheduler/scheduler.h"

static int scheduler_start(struct worker *self, void **ret_service_state, struct err *err)
{
    *ret_service_state = leader_new(self, err);
    return *ret_service_state ? 0 : -1;
}

static void scheduler_stop(void *service_state)
{
    struct leader *leader = service_state;

    leader_destroy(&leader);
}

static const struct task_handler tasks[] = {
    {TASK_cleanup_old_data, on_cleanup_old_data},
    {TASK_update_token_usage, on_update_token_usage},
    {0},
};

static const struct request_handler requests[] = {
    {&get_task_type, &task_status_type, on_get_task, CALL_NO_TX},
    {0},
};

static const struct service scheduler = {
    .role = "scheduler",
    .doc = "brings tasks to their services when they are due or were lost, tells how far they are, and cleans up",
    .workers = 2, /* one may be cleaning up for minutes */
    .tasks = tasks,
    .requests = requests,
    .start = scheduler_start,
    .stop = scheduler_stop,
};

int main(int argc, char **argv)
{
    return service_main(&scheduler, argc, argv);
}

/* scheduler.h - the parts of the scheduler. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libshared/service.h"
#include "libshared/task_sweep.h"

/* ---- leader.c: the one scheduler of several that acts ---- */

struct leader;

/* Starts the thread that becomes the leader when it can, and then sweeps and fires what is periodic. */
struct leader *leader_new(struct worker *worker, struct err *err);
/* Ends the thread; another scheduler may lead at once. */
void leader_destroy(struct leader **self_p);

/* ---- sweep.c: tasks that wait and are not worked on are pushed again ---- */

struct sweep;

struct sweep *sweep_new(void);
void sweep_destroy(struct sweep **self_p);
/* Some pages more; begins anew after the last. -1 when the database is away. */
int sweep_some(struct sweep *self, struct worker *worker, struct err *err);

/* Forgets which tasks were pushed longer than SWEEP_REPEAT_MS ago; true if this one was not, and notes it. */
#define SWEEP_REPEAT_MS 2000
bool sweep_may_push(struct sweep *self, const char *task_id, int64_t now_ms);

/* ---- cleanup.c ---- */

/* Once per day, however often and by however many it is called. */
int cleanup_fire(struct worker *worker, struct err *err);
int on_cleanup_old_data(struct worker *self, struct task *task, struct err *err);

/* ---- usage.c ---- */

/* Once per usage_every_s, however often and by however many it is called. */
int usage_fire(struct worker *worker, struct err *err);
int on_update_token_usage(struct worker *self, struct task *task, struct err *err);

/* ---- budgets.c ---- */

/* Tells of each client whose month has come to another state of its budget than was told last. */
int budgets_tell(struct worker *self, struct err *err);

/* ---- task_status.c ---- */

request_fn on_get_task;

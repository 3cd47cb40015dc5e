/* service_claim.c - what the dispatcher claims: how much, when, and what becomes of an answer that was lost. */
#include <stdlib.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service_internal.h"
#include "proto/envelope.h"

enum { TOKENS_MEMORY = 64 * 1024 };

void claims_look_locked(struct process *self)
{
    self->look = true;
    self->lanes_look_ms = 0;
}

/* How many more tasks the workers could begin soon. A task that has a lane has its turn now: it is claimed for nobody
 * who is busy for long, or it would go out beside its lane's next one. */
static size_t wanted_locked(const struct process *self)
{
    int64_t prefetch = self->task_workers * (int64_t)PREFETCH_MS * 1000 / (self->task_us > 0 ? self->task_us : 1);
    int64_t least = self->service->lanes ? 0 : PREFETCH_MIN, want;

    if (self->draining || !self->service->tasks || self->parked.n >= PARKED_MAX)
        return 0;
    if (prefetch < least)
        prefetch = least;
    if (prefetch > CLAIM_MAX / 2)
        prefetch = CLAIM_MAX / 2;
    want = self->task_workers - self->n_tasks_running + prefetch - (int64_t)self->waiting.n;
    return want <= 0 ? 0 : want > CLAIM_MAX ? CLAIM_MAX : (size_t)want;
}

/* Claims what was heard of, of the lanes what has its turn, and where ids were missed whatever is due. -1 where one of
 * these failed; what the others gave is in ret_tasks all the same. */
static int claim_some(struct process *self, const struct claim_plan *plan, struct task *ret_tasks, size_t *ret_n,
                      struct err *err)
{
    const char *instance = self->main_slot.worker.instance, *role = self->service->role;
    struct task_ref refs[CLAIM_MAX];
    bool others = true;
    int n;

    *ret_n = 0;
    for (size_t i = 0; i < plan->n_refs; i++)
        refs[i] = (struct task_ref){.client_id = plan->refs[i].client_id, .task_id = plan->refs[i].task_id};
    if (plan->look) {
        if ((n = tasks_claim_due(self->db, instance, role, plan->want, ret_tasks, err)) < 0)
            return -1;
        *ret_n += (size_t)n;
    } else {
        dispatcher_pass(self, "before_claim");
    }
    if (plan->lanes) {
        n = lanes_claim(self, refs, plan->n_refs, plan->want - *ret_n, ret_tasks + *ret_n, &others, err);
        if (n < 0)
            return -1;
        *ret_n += (size_t)n;
    }
    if (plan->n_refs > 0 && others) {
        if ((n = tasks_claim(self->db, instance, role, refs, plan->n_refs, ret_tasks + *ret_n, err)) < 0)
            return -1;
        *ret_n += (size_t)n;
    }
    return 0;
}

static struct held *hold(struct task *task)
{
    struct held *held = calloc(1, sizeof *held);

    if (!held) {
        task_release(task);
        return NULL;
    }
    held->task = *task;
    held->claimed_ms = clock_mono_ms();
    return held;
}

/* 0, or -1 when the database is away. */
static int claim(struct process *self, const struct claim_plan *plan)
{
    struct task tasks[2 * CLAIM_MAX]; /* of the lanes and by id */
    struct worker_slot *roused;
    struct err err = {0};
    size_t n;
    int rc = claim_some(self, plan, tasks, &n, &err);

    self->claims++;
    if (n > 0)
        dispatcher_pass(self, "after_claim");
    if (rc < 0)
        log_err(LOG_WARN, "no tasks claimed", &err);
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < n; i++) {
        struct held *held = hold(&tasks[i]);

        if (held) {
            held_link_locked(self, held);
            held_append(&self->waiting, held);
        } else {
            self->claims_lost = true;
        }
    }
    workers_grow_locked(self);
    if (rc < 0) {
        self->claims_lost = true;
        claims_look_locked(self);
    } else if (plan->look) {
        self->look |= n >= plan->want; /* there may be more */
    } else if (plan->n_refs > 0) {
        self->look |= n == 0 && self->n_tasks_running == 0; /* idle: what else is there? */
    }
    roused = workers_rouse_locked(self);
    pthread_mutex_unlock(&self->lock);
    workers_signal(roused);
    return rc;
}

/* A claim whose answer was lost may have made tasks ours that nobody works on: they are given back. */
static int give_back_lost(struct process *self)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(TOKENS_MEMORY);
    struct err err = {0};
    int64_t *tokens;
    size_t n = 0;
    int rc;

    pthread_mutex_lock(&self->lock);
    for (struct held *held = self->newest; held; held = held->older)
        n++;
    if ((tokens = arena ? arena_calloc(arena, n + 1, sizeof *tokens) : NULL)) {
        n = 0;
        for (struct held *held = self->newest; held; held = held->older)
            tokens[n++] = held->task.token;
    }
    pthread_mutex_unlock(&self->lock);
    if (!tokens)
        return -1;
    rc = tasks_give_back_except(self->db, self->main_slot.worker.instance, tokens, n, &err);
    if (rc < 0)
        return -1;
    if (rc > 0)
        log_warn("claims without an answer were given back", log_int("tasks", rc));
    pthread_mutex_lock(&self->lock);
    self->claims_lost = false;
    claims_look_locked(self);
    pthread_mutex_unlock(&self->lock);
    return 0;
}

/* ---- when ---- */

static bool lanes_due_locked(const struct process *self, int64_t now_ms)
{
    return self->service->lanes && now_ms >= lanes_wake_locked(self);
}

bool claims_due_locked(const struct process *self, int64_t now_ms)
{
    return (self->look || ref_set_count(self->refs) > 0 || lanes_due_locked(self, now_ms)) && wanted_locked(self) > 0;
}

bool claims_wanted_locked(const struct process *self)
{
    return wanted_locked(self) > 0;
}

bool claims_room_locked(const struct process *self)
{
    return (self->dispatcher_full && claims_wanted_locked(self)) || claims_due_locked(self, clock_mono_ms());
}

int64_t claims_wake_locked(const struct process *self)
{
    return self->service->lanes && wanted_locked(self) > 0 ? lanes_wake_locked(self) : 0;
}

void claims_plan_locked(struct process *self, struct claim_plan *ret_plan)
{
    ret_plan->want = wanted_locked(self);
    ret_plan->find_lost = self->claims_lost && ret_plan->want > 0;
    ret_plan->look = self->look && ret_plan->want > 0;
    if (ret_plan->look)
        self->look = false;
    ret_plan->n_refs = ret_plan->look ? 0 : ref_set_take(self->refs, ret_plan->refs, ret_plan->want);
    ret_plan->lanes =
        self->service->lanes && ret_plan->want > 0 && (ret_plan->n_refs > 0 || lanes_due_locked(self, clock_mono_ms()));
}

int claims_run(struct process *self, const struct claim_plan *plan)
{
    bool away = plan->find_lost && give_back_lost(self) < 0;

    if (plan->look || plan->lanes || plan->n_refs > 0)
        away |= claim(self, plan) < 0;
    return away ? -1 : 0;
}

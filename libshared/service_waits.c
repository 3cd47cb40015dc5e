/* service_waits.c - places for tasks that wait long, see service_wait in service.h.
 *
 * A task that finds no place gives its thread back and is run again, from its start, when another's place becomes free.
 * It stays claimed meanwhile. So work that waits for nobody never stands behind work that does. */
#include "libshared/clock.h"
#include "libshared/service_internal.h"

static struct held *held_of(struct task *task)
{
    return (struct held *)((char *)task - offsetof(struct held, task));
}

int64_t service_task_left_ms(const struct worker *worker, const struct task *task)
{
    int64_t whole_ms = (int64_t)task->kind->deadline_s * 1000;

    /* Without a process it is a test's, just begun. */
    return worker->process ? held_of((struct task *)task)->claimed_ms + whole_ms - clock_mono_ms() : whole_ms;
}

static bool take_place_locked(struct process *self, struct held *held)
{
    if (!held->has_place && self->n_places_used < self->places) {
        self->n_places_used++;
        held->has_place = true;
    }
    return held->has_place;
}

bool service_wait(struct worker *worker, struct task *task)
{
    struct process *self = worker->process;
    struct held *held;
    bool may;

    if (!self || !self->places)
        return true;
    held = held_of(task);
    pthread_mutex_lock(&self->lock);
    may = take_place_locked(self, held) || self->draining; /* what is under way then is brought to its end */
    held->parked = !may;
    pthread_mutex_unlock(&self->lock);
    return may;
}

bool service_put_off(struct worker *worker, struct task *task)
{
    struct process *self = worker->process;
    struct held *held;
    bool none_free;

    if (!self || !self->places)
        return false;
    held = held_of(task);
    pthread_mutex_lock(&self->lock);
    none_free = !held->has_place && self->n_places_used >= self->places && !self->draining;
    held->parked = none_free;
    pthread_mutex_unlock(&self->lock);
    return none_free;
}

/* Its place goes to the one that has waited longest: true where there is one, for a worker to run. */
static bool pass_place_locked(struct process *self, struct held *held)
{
    struct held *next;

    if (!held->has_place)
        return false;
    held->has_place = false;
    self->n_places_used--;
    if (!(next = held_pop(&self->parked)))
        return false;
    take_place_locked(self, next);
    held_append(&self->waiting, next);
    workers_grow_locked(self);
    return true;
}

void service_waited(struct worker *worker, struct task *task)
{
    struct process *self = worker->process;
    struct worker_slot *roused = NULL;

    if (!self || !self->places)
        return;
    pthread_mutex_lock(&self->lock);
    if (pass_place_locked(self, held_of(task)))
        roused = workers_rouse_locked(self);
    pthread_mutex_unlock(&self->lock);
    workers_signal(roused);
}

bool waits_after_run(struct process *self, struct held *held)
{
    bool parked, to_dispatch;
    struct worker_slot *roused;

    pthread_mutex_lock(&self->lock);
    parked = held->parked;
    if (parked) {
        held->parked = false;
        self->n_tasks_running--;
        if (take_place_locked(self, held) || self->draining)
            held_append(&self->waiting, held);
        else
            held_append(&self->parked, held);
    } else {
        pass_place_locked(self, held);
    }
    workers_grow_locked(self);
    to_dispatch = parked && claims_room_locked(self); /* there is a worker for another */
    roused = workers_rouse_locked(self);
    pthread_mutex_unlock(&self->lock);
    if (to_dispatch)
        pthread_cond_broadcast(&self->dispatch);
    workers_signal(roused);
    return parked;
}

/* service_dispatch.c - the dispatcher: one thread that claims tasks for the workers (service_claim.c) and settles what
 * they finished.
 *
 * While one statement runs, the next batch gathers: so batches grow with the load and an idle process waits for none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/registry.h"
#include "libshared/service_internal.h"
#include "proto/envelope.h"

enum { THREAD_STACK = 1024 * 1024, HEAR_MEMORY = 64 * 1024 };

/* What the dispatcher does next; taken under the lock, done without it. */
struct round {
    struct held_list finished;
    struct claim_plan claim;
};

void dispatcher_pass(const struct process *self, const char *where)
{
    char name[64];

    snprintf(name, sizeof name, "%s.%s", self->service->role, where);
    failpoint(name);
}

/* ---- held tasks ---- */

void held_link_locked(struct process *self, struct held *held)
{
    held->older = self->newest;
    if (self->newest)
        self->newest->newer = held;
    self->newest = held;
}

static void release(struct process *self, struct held *held)
{
    pthread_mutex_lock(&self->lock);
    if (held->newer)
        held->newer->older = held->older;
    else
        self->newest = held->older;
    if (held->older)
        held->older->newer = held->newer;
    pthread_mutex_unlock(&self->lock);
    task_release(&held->task);
    free(held);
}

void dispatcher_finish(struct process *self, struct held *held)
{
    bool settled = held->task.settled, to_dispatch;
    struct worker_slot *roused;

    if (settled)
        self->tasks_done++;
    pthread_mutex_lock(&self->lock);
    self->n_tasks_running--;
    if (!settled)
        held_append(&self->finished, held);
    to_dispatch = !settled || claims_room_locked(self);
    roused = workers_rouse_locked(self); /* a task may run now that had to wait for this one's place */
    pthread_mutex_unlock(&self->lock);
    if (to_dispatch)
        pthread_cond_broadcast(&self->dispatch);
    workers_signal(roused);
    if (settled)
        release(self, held);
}

/* ---- hearing ---- */

void dispatcher_hear(struct process *self, const struct envelope *env)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(HEAR_MEMORY);
    struct tasks_ready ready;
    struct err err = {0};

    if (!arena || codec_unpack(&tasks_ready_type, env->body.data, env->body.len, arena, &ready, &err) < 0) {
        log_err(LOG_WARN, "hint dropped", &err);
        return;
    }
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < ready.n_refs && !self->draining; i++)
        if (!ref_set_add(self->refs, ready.refs[i].client_id, ready.refs[i].task_id))
            claims_look_locked(self);
    pthread_cond_broadcast(&self->dispatch);
    pthread_mutex_unlock(&self->lock);
}

/* ---- settling ---- */

static bool worth_retrying(const struct held *held, const struct err *err)
{
    int64_t held_s = (clock_mono_ms() - held->claimed_ms) / 1000;

    /* Past its deadline the task is somebody else's. */
    return (err->kind == ERR_UNAVAILABLE || err->kind == ERR_UNCERTAIN) && held_s < held->task.kind->deadline_s;
}

/* Ends with held released, or kept in *ret_again. */
static void settle_one(struct process *self, struct held *held, int rc, const struct err *err,
                       struct held_list *ret_again)
{
    if (rc < 0 && worth_retrying(held, err)) {
        held_append(ret_again, held);
        return;
    }
    if (rc < 0)
        log_warn("the outcome of a task was not written", log_str("task_id", held->task.task_id),
                 log_str("kind", held->task.kind->name), log_str("error_kind", err_kind_name(err->kind)),
                 log_str("error", err->text));
    else if (held->failed)
        self->tasks_failed++;
    else
        self->tasks_done++;
    if (held->failed)
        lanes_failed(self);
    release(self, held);
}

static void settle_done(struct process *self, struct held **batch, size_t n, struct held_list *ret_again)
{
    struct task *tasks[SETTLE_MAX];
    struct err err = {0};
    int rc;

    for (size_t i = 0; i < n; i++)
        tasks[i] = &batch[i]->task;
    dispatcher_pass(self, "before_complete");
    rc = tasks_complete_batch(self->db, self->bus, tasks, n, &err);
    for (size_t i = 0; i < n; i++)
        settle_one(self, batch[i], rc, &err, ret_again);
}

/* Writes the outcomes. What could not be written because there is no database comes back in *ret_again. */
static void settle(struct process *self, struct held_list *finished, struct held_list *ret_again)
{
    struct held *batch[SETTLE_MAX], *held;
    size_t n = 0;

    while ((held = held_pop(finished))) {
        struct err err = {0};

        if (held->failed) {
            int rc = task_fail(self->db, self->bus, &held->task, &held->why, &err);

            settle_one(self, held, rc, &err, ret_again);
        } else {
            batch[n++] = held;
        }
        if (n == SETTLE_MAX || (n > 0 && !finished->head)) {
            settle_done(self, batch, n, ret_again);
            n = 0;
        }
    }
}

/* ---- the thread ---- */

static void wait_locked(struct process *self, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

    if (until_ms)
        pthread_cond_timedwait(&self->dispatch, &self->lock, &until);
    else
        pthread_cond_wait(&self->dispatch, &self->lock);
}

/* Waits for something to do. False when the thread shall end. */
static bool next_round(struct process *self, int64_t pause_until_ms, struct round *round)
{
    bool more = true;

    pthread_mutex_lock(&self->lock);
    self->dispatcher_busy = false;
    pthread_cond_broadcast(&self->dispatch);
    for (;;) {
        int64_t now = clock_mono_ms();
        bool work = self->finished.n > 0 || claims_due_locked(self, now);

        if (self->dispatcher_ending && (self->finished.n == 0 || now >= self->dispatcher_end_ms)) {
            more = false;
            break;
        }
        if (work && now >= pause_until_ms)
            break;
        self->dispatcher_full = !claims_wanted_locked(self);
        wait_locked(self, work ? pause_until_ms : claims_wake_locked(self));
        self->dispatcher_full = false;
    }
    self->dispatcher_busy = more;
    round->finished = self->finished;
    self->finished = (struct held_list){0};
    claims_plan_locked(self, &round->claim);
    pthread_mutex_unlock(&self->lock);
    return more;
}

static void put_back(struct process *self, struct held_list *list)
{
    struct held *held;

    pthread_mutex_lock(&self->lock);
    while ((held = held_pop(list)))
        held_append(&self->finished, held);
    pthread_mutex_unlock(&self->lock);
}

static void *dispatcher_thread(void *arg)
{
    struct process *self = arg;
    struct round round;
    int64_t pause_until_ms = 0;

    while (next_round(self, pause_until_ms, &round)) {
        struct held_list again = {0};
        bool away;

        settle(self, &round.finished, &again);
        away = again.n > 0;
        put_back(self, &again);
        away |= claims_run(self, &round.claim) < 0;
        pause_until_ms = away ? clock_mono_ms() + RETRY_MS : 0;
    }
    put_back(self, &round.finished);
    return NULL;
}

/* ---- starting and ending ---- */

int dispatcher_start(struct process *self, struct err *err)
{
    pthread_attr_t attr;
    int rc;

    self->look = true; /* what waited while nobody was here */
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    rc = pthread_create(&self->dispatcher, &attr, dispatcher_thread, self);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        return err_set(err, ERR_INTERNAL, "dispatcher thread: %s", strerror(rc));
    self->dispatcher_runs = true;
    return 0;
}

static void push_to_others(struct process *self, const struct ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct task_ref ref = {.client_id = refs[i].client_id, .task_id = refs[i].task_id};

        bus_push_tasks(self->bus, self->service->role, &ref, 1);
    }
}

/* Takes what no worker has begun off the list, and gives it back in the table. */
static void give_back_waiting(struct process *self)
{
    int64_t tokens[2 * CLAIM_MAX + 2 * PARKED_MAX];
    struct ref refs[COUNT_OF(tokens)];
    struct held_list waiting;
    struct held *held;
    struct err err = {0};
    size_t n = 0;

    pthread_mutex_lock(&self->lock);
    while ((held = held_pop(&self->parked)))
        held_append(&self->waiting, held);
    waiting = self->waiting;
    self->waiting = (struct held_list){0};
    pthread_mutex_unlock(&self->lock);
    while ((held = held_pop(&waiting))) {
        if (n < COUNT_OF(tokens)) {
            tokens[n] = held->task.token;
            memcpy(refs[n].client_id, held->task.client_id, UUID_SIZE);
            memcpy(refs[n].task_id, held->task.task_id, UUID_SIZE);
            n++;
        }
        release(self, held);
    }
    if (n > 0 && tasks_give_back(self->db, self->main_slot.worker.instance, tokens, n, &err) < 0)
        log_err(LOG_WARN, "tasks not given back; the sweep will find them", &err);
    push_to_others(self, refs, n);
}

void dispatcher_drain(struct process *self)
{
    struct ref refs[CLAIM_MAX];
    size_t n;

    pthread_mutex_lock(&self->lock);
    self->draining = true;
    while (self->dispatcher_runs && self->dispatcher_busy)
        pthread_cond_wait(&self->dispatch, &self->lock);
    pthread_mutex_unlock(&self->lock);
    registry_drain(self->registry);
    give_back_waiting(self);
    do {
        pthread_mutex_lock(&self->lock);
        n = ref_set_take(self->refs, refs, COUNT_OF(refs));
        pthread_mutex_unlock(&self->lock);
        push_to_others(self, refs, n);
    } while (n > 0);
}

void dispatcher_end(struct process *self, int64_t end_ms)
{
    if (!self->dispatcher_runs)
        return;
    pthread_mutex_lock(&self->lock);
    self->dispatcher_ending = true;
    self->dispatcher_end_ms = end_ms;
    pthread_cond_broadcast(&self->dispatch);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->dispatcher, NULL);
    self->dispatcher_runs = false;
    for (struct held *held; (held = held_pop(&self->finished));)
        release(self, held);
}

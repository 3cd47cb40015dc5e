/* service_worker.c - the worker threads: each takes what is next, runs it, and tells how it went. */
#include <stdlib.h>
#include <string.h>

#include "libshared/clock.h"
#include "libshared/log.h"
#include "libshared/service_internal.h"

const struct task_handler *task_handler_find(const struct service *service, const char *kind)
{
    for (const struct task_handler *handler = service->tasks; handler && handler->kind; handler++)
        if (strcmp(handler->kind, kind) == 0)
            return handler;
    return NULL;
}

/* ---- lists ---- */

void held_append(struct held_list *list, struct held *held)
{
    held->next = NULL;
    if (list->tail)
        list->tail->next = held;
    else
        list->head = held;
    list->tail = held;
    list->n++;
}

struct held *held_pop(struct held_list *list)
{
    struct held *held = list->head;

    if (!held)
        return NULL;
    list->head = held->next;
    if (!list->head)
        list->tail = NULL;
    held->next = NULL;
    list->n--;
    return held;
}

/* ---- threads come as they are needed ---- */

static void *worker_thread(void *arg);

/* Another one, which counts as idle until it takes something. Returns 0 or an errno. */
static int start_one_locked(struct process *self)
{
    struct worker_slot *slot = &self->slots[self->n_slots_used];
    pthread_attr_t attr;
    int rc;

    *slot = self->main_slot;
    pthread_cond_init(&slot->woken, NULL);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, WORKER_STACK);
    rc = pthread_create(&slot->thread, &attr, worker_thread, slot);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
        self->n_slots_used++;
        self->n_idle++;
    } else {
        pthread_cond_destroy(&slot->woken);
    }
    return rc;
}

static size_t tasks_to_run_locked(const struct process *self)
{
    size_t places = (size_t)(self->task_workers - self->n_tasks_running);

    return self->waiting.n < places ? self->waiting.n : places;
}

void workers_grow_locked(struct process *self)
{
    size_t to_run = self->n_jobs + tasks_to_run_locked(self);

    if (!self->slots || self->ending)
        return;
    while (to_run > (size_t)self->n_idle && self->n_slots_used < self->n_workers && !self->no_more_threads) {
        int rc = start_one_locked(self);

        if (rc != 0) { /* the others do the work */
            self->no_more_threads = true;
            log_error("no more worker threads", log_int("threads", self->n_slots_used), log_str("error", strerror(rc)));
        }
    }
}

static struct worker_slot *rouse_one_locked(struct process *self)
{
    struct worker_slot *slot = self->asleep;

    if (slot) {
        self->asleep = slot->next;
        slot->asleep = false;
    }
    return slot;
}

struct worker_slot *workers_rouse_locked(struct process *self)
{
    return self->n_jobs + tasks_to_run_locked(self) > 0 ? rouse_one_locked(self) : NULL;
}

void workers_signal(struct worker_slot *slot)
{
    if (slot)
        pthread_cond_signal(&slot->woken);
}

static void sleep_locked(struct process *self, struct worker_slot *slot)
{
    slot->asleep = true;
    slot->next = self->asleep;
    self->asleep = slot;
    while (slot->asleep)
        pthread_cond_wait(&slot->woken, &self->lock);
}

bool worker_add_job(struct process *self, struct job *job)
{
    struct worker_slot *roused = NULL;
    bool added = false;

    pthread_mutex_lock(&self->lock);
    if (self->n_jobs < JOBS_MAX && !self->ending) {
        job->next = NULL;
        if (self->jobs_tail)
            self->jobs_tail->next = job;
        else
            self->jobs_head = job;
        self->jobs_tail = job;
        self->n_jobs++;
        added = true;
        workers_grow_locked(self);
        roused = workers_rouse_locked(self);
    }
    pthread_mutex_unlock(&self->lock);
    workers_signal(roused);
    return added;
}

bool service_submit(struct worker *self, void (*fn)(struct worker *self, void *arg), void *arg)
{
    struct job *job = calloc(1, sizeof *job);

    if (!job)
        return false;
    job->fn = fn;
    job->arg = arg;
    if (worker_add_job(self->process, job))
        return true;
    free(job);
    return false;
}

/* ---- running ---- */

static struct job *pop_job(struct process *self)
{
    struct job *job = self->jobs_head;

    self->jobs_head = job->next;
    if (!self->jobs_head)
        self->jobs_tail = NULL;
    self->n_jobs--;
    return job;
}

/* Waits for the next job or task; false when the thread shall end. Jobs and tasks take turns where both wait, and some
 * workers are kept free of tasks, which may take long, so that requests are always answered. */
static bool take_next(struct process *self, struct worker_slot *slot, struct job **ret_job, struct held **ret_held)
{
    bool task_may_run, ending;
    struct worker_slot *roused;

    *ret_job = NULL;
    *ret_held = NULL;
    pthread_mutex_lock(&self->lock);
    for (;;) {
        task_may_run = self->waiting.head && self->n_tasks_running < self->task_workers;
        if (self->jobs_head && (!task_may_run || self->task_was_last)) {
            *ret_job = pop_job(self);
            self->task_was_last = false;
            break;
        }
        if (task_may_run) {
            *ret_held = held_pop(&self->waiting);
            self->n_tasks_running++;
            self->task_was_last = true;
            break;
        }
        if (self->ending)
            break;
        sleep_locked(self, slot);
    }
    ending = !*ret_job && !*ret_held;
    self->n_busy += !ending;
    self->n_idle--;
    roused = workers_rouse_locked(self);
    pthread_mutex_unlock(&self->lock);
    workers_signal(roused);
    return !ending;
}

static void run_task(struct worker_slot *slot, struct held *held)
{
    struct process *self = slot->worker.process;
    const struct task_handler *handler = task_handler_find(self->service, held->task.kind->name);
    int64_t began_us = clock_mono_us(), took_us;
    int rc;

    log_set_trace(held->task.trace_id);
    if (handler)
        rc = handler->run(&slot->worker, &held->task, &held->why);
    else
        rc = err_set(&held->why, ERR_INTERNAL, "%s does not know tasks of the kind %s", self->service->role,
                     held->task.kind->name);
    if (waits_after_run(self, held)) {
        log_set_trace(NULL);
        return;
    }
    took_us = clock_mono_us() - began_us;
    held->failed = rc < 0 && !held->task.settled;
    if (rc < 0 && held->why.kind == ERR_NONE)
        err_set(&held->why, ERR_INTERNAL, "%s failed without saying why", held->task.kind->name);
    if (held->failed)
        log_write(LOG_WARN, "task failed",
                  (struct log_field[]){log_str("task_id", held->task.task_id),
                                       log_str("kind", held->task.kind->name),
                                       log_str("client_id", held->task.client_id),
                                       log_int("attempt", held->task.attempt),
                                       log_str("error_kind", err_kind_name(held->why.kind)),
                                       log_str("error", held->why.text),
                                       log_int("provider_code", held->why.provider_code),
                                       log_float("ms", (double)took_us / 1000.0),
                                       {0}});
    else
        log_debug("task done", log_str("task_id", held->task.task_id), log_str("kind", held->task.kind->name),
                  log_float("ms", (double)took_us / 1000.0));

    pthread_mutex_lock(&self->lock);
    self->task_us += (took_us - self->task_us) / 8;
    pthread_mutex_unlock(&self->lock);
    log_set_trace(NULL);
    dispatcher_finish(self, held);
}

/* One that cannot work is none: the next that is needed is tried again by another. */
static void report_start(struct process *self, bool failed)
{
    pthread_mutex_lock(&self->lock);
    self->n_workers_started++;
    self->n_workers_failed += failed;
    self->n_idle -= failed;
    pthread_cond_broadcast(&self->dispatch);
    pthread_mutex_unlock(&self->lock);
}

static void *worker_thread(void *arg)
{
    struct worker_slot *slot = arg;
    struct process *self = slot->worker.process;
    struct err err = {0};
    struct job *job;
    struct held *held;
    bool failed = self->service->worker_new && self->service->worker_new(&slot->worker, &err) < 0;

    if (failed)
        log_err(LOG_ERROR, "worker not started", &err);
    report_start(self, failed);
    while (!failed && take_next(self, slot, &job, &held)) {
        if (held)
            run_task(slot, held);
        else if (job->fn)
            job->fn(&slot->worker, job->arg);
        else
            request_run(slot, job);
        free(job);
        pthread_mutex_lock(&self->lock);
        self->n_busy--;
        self->n_idle++;
        pthread_mutex_unlock(&self->lock);
    }
    if (!failed && self->service->worker_destroy)
        self->service->worker_destroy(&slot->worker);
    return NULL;
}

/* ---- starting and ending ---- */

/* A few to begin with: what they cannot do, the others could not do either. */
int workers_start(struct process *self, struct err *err)
{
    struct worker_slot *slots = calloc((size_t)self->n_workers, sizeof *slots);
    int rc = 0;

    if (!slots)
        return err_set(err, ERR_INTERNAL, "out of memory");
    pthread_mutex_lock(&self->lock);
    self->slots = slots; /* what the service has started may have work for them already */
    while (self->n_slots_used < self->n_workers && self->n_slots_used < WORKERS_FIRST && rc == 0)
        rc = start_one_locked(self);
    while (self->n_workers_started < self->n_slots_used)
        pthread_cond_wait(&self->dispatch, &self->lock);
    pthread_mutex_unlock(&self->lock);
    if (rc != 0)
        return err_set(err, ERR_INTERNAL, "worker thread: %s", strerror(rc));
    return self->n_workers_failed ? err_set(err, ERR_INTERNAL, "%d of %d workers did not start", self->n_workers_failed,
                                            self->n_slots_used)
                                  : 0;
}

void workers_end(struct process *self)
{
    pthread_mutex_lock(&self->lock);
    self->ending = true; /* from here on no thread is made */
    for (struct worker_slot *slot; (slot = rouse_one_locked(self));)
        workers_signal(slot);
    pthread_mutex_unlock(&self->lock);
    for (int i = 0; self->slots && i < self->n_slots_used; i++)
        pthread_join(self->slots[i].thread, NULL);
}

void workers_free(struct process *self)
{
    for (int i = 0; self->slots && i < self->n_slots_used; i++)
        pthread_cond_destroy(&self->slots[i].woken);
    free(self->slots);
    self->slots = NULL;
}

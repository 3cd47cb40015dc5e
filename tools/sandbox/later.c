/* later.c - see later.h. A binary heap by due time. */
#include "tools/sandbox/later.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/http.h"

#define THREADS_MAX 16

struct job {
    int64_t due_us, order; /* order: what was added first goes first */
    later_fn *fn;
    void *arg;
};

struct later {
    pthread_mutex_t lock;
    pthread_cond_t idle, watch;
    bool watched; /* a thread sleeps in watch */
    struct job *heap;
    size_t n, cap;
    int64_t added;
    bool stopping;
    pthread_t threads[THREADS_MAX];
    struct http *clients[THREADS_MAX];
    int n_threads, n_clients, started;
};

static bool before(const struct job *a, const struct job *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void swap(struct job *a, struct job *b)
{
    struct job kept = *a;

    *a = *b;
    *b = kept;
}

static bool push(struct later *self, struct job job)
{
    size_t i = self->n;

    if (self->n == self->cap) {
        size_t cap = self->cap ? self->cap * 2 : 64;
        struct job *grown = realloc(self->heap, cap * sizeof *grown);

        if (!grown)
            return false;
        self->heap = grown;
        self->cap = cap;
    }
    self->heap[self->n++] = job;
    for (; i && before(&self->heap[i], &self->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&self->heap[i], &self->heap[(i - 1) / 2]);
    return true;
}

static struct job pop(struct later *self)
{
    struct job top = self->heap[0];
    size_t i = 0, least;

    self->heap[0] = self->heap[--self->n];
    for (;; i = least) {
        least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < self->n; child++)
            if (before(&self->heap[child], &self->heap[least]))
                least = child;
        if (least == i)
            return top;
        swap(&self->heap[i], &self->heap[least]);
    }
}

/* Sleeps until a thing comes that is due before all others, until whoever watches goes to work, or (as the one that
 * watches) until the next thing is due. Only one thread watches: the rest need not wake with it. */
static void nap(struct later *self)
{
    struct timespec until;

    if (!self->n || self->watched) {
        pthread_cond_wait(&self->idle, &self->lock);
        return;
    }
    until.tv_sec = (time_t)(self->heap[0].due_us / 1000000);
    until.tv_nsec = (long)(self->heap[0].due_us % 1000000) * 1000;
    self->watched = true;
    pthread_cond_timedwait(&self->watch, &self->lock, &until);
    self->watched = false;
}

/* Calls the thread that shall look at the heap: whoever watches, or else one that is idle. */
static void call(struct later *self)
{
    pthread_cond_signal(self->watched ? &self->watch : &self->idle);
}

/* Waits for the next thing that is due. False at the end. With the lock held. */
static bool next(struct later *self, struct job *ret)
{
    while (!self->stopping) {
        if (self->n && self->heap[0].due_us <= clock_mono_us()) {
            *ret = pop(self);
            if (self->n)
                call(self); /* somebody else is to see to the rest */
            return true;
        }
        nap(self);
    }
    return false;
}

static void *work(void *arg)
{
    struct later *self = arg;
    struct http *http;
    struct job job;

    pthread_mutex_lock(&self->lock);
    http = self->clients[self->started++];
    while (next(self, &job)) {
        pthread_mutex_unlock(&self->lock);
        job.fn(job.arg, http);
        pthread_mutex_lock(&self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

struct later *later_new(int threads, struct err *err)
{
    AUTO(later_destroy) struct later *self = calloc(1, sizeof *self);
    pthread_condattr_t monotonic;

    if (!self) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->idle, NULL);
    pthread_cond_init(&self->watch, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (; self->n_clients < threads && self->n_clients < THREADS_MAX; self->n_clients++)
        if (!(self->clients[self->n_clients] = http_new(err)))
            return NULL;
    for (; self->n_threads < self->n_clients; self->n_threads++)
        if (pthread_create(&self->threads[self->n_threads], NULL, work, self) != 0) {
            err_set(err, ERR_INTERNAL, "no thread");
            return NULL;
        }
    return TAKE(self);
}

void later_stop(struct later *self)
{
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_broadcast(&self->idle);
    pthread_cond_broadcast(&self->watch);
    pthread_mutex_unlock(&self->lock);
    for (; self->n_threads; self->n_threads--)
        pthread_join(self->threads[self->n_threads - 1], NULL);
    for (size_t i = 0; i < self->n; i++)
        self->heap[i].fn(self->heap[i].arg, NULL);
    self->n = 0;
}

void later_destroy(struct later **self_p)
{
    struct later *self = *self_p;

    if (!self)
        return;
    later_stop(self);
    for (int i = 0; i < self->n_clients; i++)
        http_destroy(&self->clients[i]);
    pthread_cond_destroy(&self->idle);
    pthread_cond_destroy(&self->watch);
    pthread_mutex_destroy(&self->lock);
    free(self->heap);
    free(self);
    *self_p = NULL;
}

void later_add(struct later *self, int64_t due_us, later_fn *fn, void *arg)
{
    bool added;

    pthread_mutex_lock(&self->lock);
    added = !self->stopping && push(self, (struct job){due_us, self->added++, fn, arg});
    if (added && self->heap[0].order == self->added - 1) /* before all others; else somebody is called already */
        call(self);
    pthread_mutex_unlock(&self->lock);
    if (!added)
        fn(arg, NULL);
}

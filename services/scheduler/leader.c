/* leader.c - of several schedulers one leads: the one whose session holds the advisory lock.
 *
 * The lock is asked for anew at each step, on a connection of its own: a session
 * that has it gets it again, and one that was lost and made anew gets it only if
 * nobody else has taken over. A leader that hangs loses its session, because the
 * server ends one that is idle for IDLE_S or whose host does not answer. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "services/scheduler/scheduler.h"

#define ROLE     "leadwire_scheduler"
#define LOCK_KEY 7013447202 /* any number that nobody else takes; the migrations have the one before */

enum {
    STEP_MS = 250,
    STANDBY_MS = 1000,
    /* After the database was away every process's registry row is old, until they have all refreshed it: nothing may be
     * called orphaned before. */
    GRACE_MS = 2000,
    HOUSEKEEPING_MS = 3600 * 1000,
    BURY_MS = 1000,
    BURY_LIMIT = 500,
    PARTITION_DAYS_AHEAD = 3,
    PARTITION_KEEP_DAYS = 30,
    THREAD_STACK = 1024 * 1024,
};

struct leader {
    struct worker *worker;
    struct db_pool *session; /* one connection: the lock is its session's */
    struct sweep *sweep;
    pthread_t thread;
    bool runs;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;

    /* the thread's own */
    bool leads, away;
    int64_t sweep_from_ms, bury_ms, usage_ms, housekeeping_ms;
};

/* 1 if the lock is ours, 0 if it is another's, -1 without a database. */
static int ask_for_lock(struct leader *self, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_run(self->session, NULL, &rows, err,
               "SELECT pg_try_advisory_lock($1) AS ours,"
               "       set_config('idle_session_timeout', '3s', false),"
               "       set_config('tcp_keepalives_idle', '1', false),"
               "       set_config('tcp_keepalives_interval', '1', false),"
               "       set_config('tcp_keepalives_count', '3', false),"
               "       set_config('tcp_user_timeout', '4000', false)",
               db_int(LOCK_KEY)) < 0)
        return -1;
    return db_get_bool(rows, 0, "ours");
}

/* What is due once in a while; a failure is tried again with the next step. */
static int housekeeping(struct leader *self, int64_t now, struct err *err)
{
    if (now >= self->bury_ms) {
        /* See migrations/0007 for the second. */
        if (tasks_bury_exhausted(self->worker->db, self->worker->bus, BURY_LIMIT, err) < 0 ||
            db_run(self->worker->db, NULL, NULL, err, "SELECT refresh_statistics()") < 0)
            return -1;
        self->bury_ms = now + BURY_MS;
    }
    if (now >= self->housekeeping_ms) {
        if (task_partitions_keep(self->worker->db, PARTITION_DAYS_AHEAD, PARTITION_KEEP_DAYS, err) < 0 ||
            cleanup_fire(self->worker, err) < 0)
            return -1;
        self->housekeeping_ms = now + HOUSEKEEPING_MS;
    }
    /* Behind the partitions: a task that ends while today's is made is not written down as ended. */
    if (now >= self->usage_ms) {
        if (usage_fire(self->worker, err) < 0)
            return -1;
        self->usage_ms = now + self->worker->config->usage_every_s * 1000;
    }
    return 0;
}

static int lead(struct leader *self, struct err *err)
{
    int64_t now = clock_mono_ms();

    if (!self->leads) {
        log_info("leading");
        self->leads = true;
        self->bury_ms = self->usage_ms = self->housekeeping_ms = 0;
    }
    if (now < self->sweep_from_ms)
        return 0;
    if (sweep_some(self->sweep, self->worker, err) < 0)
        return -1;
    return housekeeping(self, now, err);
}

/* Returns how long to wait before the next. */
static int step(struct leader *self)
{
    struct err err = {0};
    int rc = ask_for_lock(self, &err);

    if (rc == 0 && self->leads) {
        log_warn("another scheduler leads now");
        self->leads = false;
    }
    if (rc > 0)
        rc = lead(self, &err) < 0 ? -1 : 1;
    if (rc < 0) {
        if (!self->away)
            log_err(LOG_WARN, "scheduler: step failed", &err);
        self->sweep_from_ms = clock_mono_ms() + GRACE_MS;
    }
    self->away = rc < 0;
    return rc == 0 ? STANDBY_MS : STEP_MS;
}

static bool wait_for_next(struct leader *self, int ms)
{
    int64_t until_ms = clock_mono_ms() + ms * 4 / 5 + (int64_t)random() % (ms * 2 / 5); /* 20 % jitter */
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    bool stopping;

    pthread_mutex_lock(&self->lock);
    while (!self->stopping && pthread_cond_timedwait(&self->changed, &self->lock, &until) != ETIMEDOUT)
        ;
    stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return !stopping;
}

static void *leader_thread(void *arg)
{
    struct leader *self = arg;

    while (wait_for_next(self, step(self)))
        ;
    return NULL;
}

static int start_thread(struct leader *self, struct err *err)
{
    pthread_condattr_t monotonic;
    pthread_attr_t attr;
    int rc;

    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    rc = pthread_create(&self->thread, &attr, leader_thread, self);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        return err_set(err, ERR_INTERNAL, "scheduler: thread: %s", strerror(rc));
    self->runs = true;
    return 0;
}

struct leader *leader_new(struct worker *worker, struct err *err)
{
    AUTO(leader_destroy) struct leader *self = calloc(1, sizeof *self);

    if (!self || !(self->sweep = sweep_new())) {
        err_set(err, ERR_INTERNAL, "scheduler: out of memory");
        return NULL;
    }
    self->worker = worker;
    if (!(self->session = db_pool_new(worker->config->database_url, ROLE, 1, err)) || start_thread(self, err) < 0)
        return NULL;
    return TAKE(self);
}

void leader_destroy(struct leader **self_p)
{
    struct leader *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    if (self->runs) {
        pthread_mutex_lock(&self->lock);
        self->stopping = true;
        pthread_cond_signal(&self->changed);
        pthread_mutex_unlock(&self->lock);
        pthread_join(self->thread, NULL);
    }
    db_pool_destroy(&self->session); /* with its session the lock is free */
    sweep_destroy(&self->sweep);
    free(self);
}

/* db_pool.c - the connections of a process.
 *
 * A lease takes an idle connection, opens another while there are fewer than
 * the most allowed, or waits. After a failed connect the database counts as down:
 * everybody fails at once, except one caller every 250 ms who tries it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db_internal.h"

struct db_pool {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a connection came back, a place became free, or the database went down */
    char *url, *set_role;
    int most;
    int open;             /* leased, idle or being opened */
    struct db_conn *idle; /* the one used last comes first */
    bool down, probing;
    int64_t down_until_ms;
    struct err down_err;
};

struct db_pool *db_pool_new(const char *database_url, const char *set_role, int max_connections, struct err *err)
{
    AUTO(db_pool_destroy) struct db_pool *self = NULL;
    pthread_condattr_t monotonic;

    if (db_url_check(database_url, err) < 0)
        return NULL;
    if (!(self = calloc(1, sizeof *self))) {
        err_set(err, ERR_INTERNAL, "database: out of memory");
        return NULL;
    }
    pthread_mutex_init(&self->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    self->most = max_connections > 0 ? max_connections : 1;
    self->url = strdup(database_url);
    self->set_role = set_role ? strdup(set_role) : NULL;
    if (!self->url || (set_role && !self->set_role)) {
        err_set(err, ERR_INTERNAL, "database: out of memory");
        return NULL;
    }
    return TAKE(self);
}

void db_pool_destroy(struct db_pool **self_p)
{
    struct db_pool *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    while (self->idle) {
        struct db_conn *conn = self->idle;

        self->idle = conn->next;
        db_conn_close(&conn);
    }
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    free(self->url);
    free(self->set_role);
    free(self);
}

/* Whether the caller has to fail at once; otherwise it may connect, as the one prober if the database is down. */
static bool must_fail_fast(struct db_pool *self, struct err *err)
{
    if (!self->down)
        return false;
    if (self->probing || clock_mono_ms() < self->down_until_ms) {
        if (err)
            *err = self->down_err;
        return true;
    }
    self->probing = true;
    return false;
}

/* Opens a connection for a place that is counted already. Called and returns with the mutex held. */
static struct db_conn *open_locked(struct db_pool *self, struct err *err)
{
    struct err problem = {0};
    struct db_conn *conn;

    pthread_mutex_unlock(&self->mutex);
    conn = db_conn_open(self->url, self->set_role, &problem);
    pthread_mutex_lock(&self->mutex);
    self->probing = false;
    self->down = !conn;
    if (!conn) {
        self->open--;
        self->down_until_ms = clock_mono_ms() + DB_DOWN_MS;
        self->down_err = problem;
        if (err)
            *err = problem;
    }
    pthread_cond_broadcast(&self->changed);
    return conn;
}

static bool wait_until(struct db_pool *self, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};

    return pthread_cond_timedwait(&self->changed, &self->mutex, &until) != ETIMEDOUT;
}

static struct db_conn *lease_locked(struct db_pool *self, bool *ret_fresh, struct err *err)
{
    int64_t deadline_ms = clock_mono_ms() + DB_LEASE_MS;

    for (;;) {
        struct db_conn *conn = self->idle;

        *ret_fresh = false;
        if (conn) {
            self->idle = conn->next;
            conn->next = NULL;
            return conn;
        }
        if (self->open < self->most) {
            if (must_fail_fast(self, err))
                return NULL;
            self->open++;
            *ret_fresh = true;
            return open_locked(self, err);
        }
        if (self->down && clock_mono_ms() < self->down_until_ms) {
            if (err)
                *err = self->down_err;
            return NULL;
        }
        if (!wait_until(self, deadline_ms)) {
            err_set(err, ERR_UNAVAILABLE, "database: no free connection within %d s", DB_LEASE_MS / 1000);
            return NULL;
        }
    }
}

struct db_conn *db_pool_lease(struct db_pool *self, bool *ret_fresh, struct err *err)
{
    struct db_conn *conn;

    pthread_mutex_lock(&self->mutex);
    conn = lease_locked(self, ret_fresh, err);
    pthread_mutex_unlock(&self->mutex);
    return conn;
}

struct db_conn *db_pool_replace(struct db_pool *self, struct db_conn *broken, struct err *err)
{
    struct db_conn *conn = NULL;

    db_conn_close(&broken);
    pthread_mutex_lock(&self->mutex);
    if (must_fail_fast(self, err)) {
        self->open--;
        pthread_cond_signal(&self->changed);
    } else {
        conn = open_locked(self, err);
    }
    pthread_mutex_unlock(&self->mutex);
    return conn;
}

void db_pool_return(struct db_pool *self, struct db_conn *conn)
{
    bool usable = PQstatus(conn->pg) == CONNECTION_OK && PQtransactionStatus(conn->pg) == PQTRANS_IDLE;

    if (!usable)
        db_conn_close(&conn);
    pthread_mutex_lock(&self->mutex);
    if (usable) {
        conn->next = self->idle;
        self->idle = conn;
    } else {
        self->open--;
    }
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

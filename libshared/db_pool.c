/* db_pool.c - the connections of a process.
 *
 * A lease takes an idle connection, opens another while there are fewer than
 * the most allowed, or waits. After a failed connect the database counts as down:
 * every 250 ms one caller tries it, the others fail at once, unless a connection
 * that still lives may come back to them. */
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
    int opening;          /* of these */
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

/* Whether the caller may connect now: as the one prober if the database is down. */
static bool may_connect(struct db_pool *self)
{
    if (self->open >= self->most)
        return false;
    if (!self->down)
        return true;
    if (self->probing || clock_mono_ms() < self->down_until_ms)
        return false;
    self->probing = true;
    return true;
}

/* Opens a connection for a place that is counted already. Called and returns with the mutex held. */
static struct db_conn *open_locked(struct db_pool *self, struct err *err)
{
    struct err problem = {0};
    struct db_conn *conn;

    self->opening++;
    pthread_mutex_unlock(&self->mutex);
    conn = db_conn_open(self->url, self->set_role, &problem);
    pthread_mutex_lock(&self->mutex);
    self->opening--;
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

/* Until something changes, the time is over, or the database may be tried again. */
static void wait_for_change(struct db_pool *self, int64_t deadline_ms)
{
    int64_t until_ms = deadline_ms;
    struct timespec until;

    if (self->down && !self->probing && self->open < self->most && self->down_until_ms < until_ms)
        until_ms = self->down_until_ms;
    until = (struct timespec){.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_cond_timedwait(&self->changed, &self->mutex, &until);
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
        if (may_connect(self)) {
            self->open++;
            *ret_fresh = true;
            return open_locked(self, err);
        }
        if (self->down && self->open == self->opening) {
            if (err)
                *err = self->down_err;
            return NULL;
        }
        if (clock_mono_ms() >= deadline_ms) {
            err_set(err, ERR_UNAVAILABLE, "database: no free connection within %d s", DB_LEASE_MS / 1000);
            return NULL;
        }
        wait_for_change(self, deadline_ms);
    }
}

static void close_locked(struct db_pool *self, struct db_conn *conn)
{
    pthread_mutex_unlock(&self->mutex);
    db_conn_close(&conn);
    pthread_mutex_lock(&self->mutex);
    self->open--;
    pthread_cond_broadcast(&self->changed);
}

struct db_conn *db_pool_lease(struct db_pool *self, bool *ret_fresh, struct err *err)
{
    struct db_conn *conn;

    for (;;) {
        pthread_mutex_lock(&self->mutex);
        conn = lease_locked(self, ret_fresh, err);
        pthread_mutex_unlock(&self->mutex);
        if (!conn || *ret_fresh || db_conn_is_alive(conn))
            return conn;
        pthread_mutex_lock(&self->mutex); /* after a restart of the server all idle ones are dead */
        close_locked(self, conn);
        pthread_mutex_unlock(&self->mutex);
    }
}

struct db_conn *db_pool_replace(struct db_pool *self, struct db_conn *broken, struct err *err)
{
    struct db_conn *conn = NULL;

    pthread_mutex_lock(&self->mutex);
    close_locked(self, broken);
    if (may_connect(self)) {
        self->open++;
        conn = open_locked(self, err);
    } else {
        err_set(err, ERR_UNAVAILABLE, "database: the connection was lost");
    }
    pthread_mutex_unlock(&self->mutex);
    return conn;
}

void db_pool_return(struct db_pool *self, struct db_conn *conn)
{
    bool usable = PQstatus(conn->pg) == CONNECTION_OK && PQtransactionStatus(conn->pg) == PQTRANS_IDLE;

    pthread_mutex_lock(&self->mutex);
    if (usable) {
        conn->next = self->idle;
        self->idle = conn;
    } else {
        close_locked(self, conn);
    }
    pthread_mutex_unlock(&self->mutex);
    if (usable) /* not with the lock, for which the one that is woken would have to sleep again */
        pthread_cond_signal(&self->changed);
}

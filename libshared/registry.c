/* registry.c - see registry.h. */
#include "libshared/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"

#define CHANNEL "leadwire_registry"

enum {
    READ_MS = 5000,  /* the others are read this often even if nothing was notified */
    RETRY_MS = 250,  /* while the database is away */
    FORGET_S = 60,   /* a row as old as that is deleted, by whoever sees it */
    GRACE_MS = 6000, /* after the database was away everybody's row is old for a moment */
    PEERS_MAX = 1024,
    THREAD_STACK = 1024 * 1024,
};

struct registry {
    struct db_pool *pool;
    struct db_listener *listener;
    struct bus *bus;
    char *(*stats_json)(void *arg);
    void *arg;
    char host[64];
    pthread_t thread;
    bool runs;

    pthread_mutex_t lock; /* held for whatever writes the row, too */
    bool stopping, draining;

    /* the thread's own */
    bool away; /* the last attempt found no database */
    atomic_int_fast64_t grace_until_ms;
};

/* ---- our row ---- */

static int notify(struct db_tx *tx, struct err *err)
{
    return db_query(tx, NULL, err, "SELECT pg_notify('" CHANNEL "', '')") < 0 ? -1 : 0;
}

static int insert_row(struct registry *self, struct err *err)
{
    const struct bus_peer *me = bus_self(self->bus);
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->pool, NULL, err);

    if (!tx ||
        db_query(tx, NULL, err,
                 "INSERT INTO mailboxes (instance, role, mailbox, events, public_key, host, pid, version)"
                 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                 " ON CONFLICT (instance) DO UPDATE SET role = excluded.role, refreshed_at = now()",
                 db_text(me->instance), db_text(self->draining ? REGISTRY_DRAINING : me->role), db_text(me->mailbox),
                 db_text(me->events), db_text(me->public_key), db_text(self->host), db_int(getpid()),
                 db_text(LEADWIRE_VERSION)) < 0 ||
        notify(tx, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* Somebody has deleted the row if we were stopped for a minute, or the database is another: then it is made anew. */
static int refresh_row(struct registry *self, struct err *err)
{
    char *stats = self->stats_json ? self->stats_json(self->arg) : NULL;
    int n, rc = 0;

    pthread_mutex_lock(&self->lock);
    if (!self->stopping) {
        n = db_run(self->pool, NULL, NULL, err,
                   "UPDATE mailboxes SET refreshed_at = now(), stats = coalesce($2::jsonb, stats) WHERE instance = $1",
                   db_text(bus_self(self->bus)->instance), db_text(stats));
        rc = n == 0 ? insert_row(self, err) : n;
    }
    pthread_mutex_unlock(&self->lock);
    free(stats);
    return rc < 0 ? -1 : 0;
}

static void delete_row(struct registry *self)
{
    struct err err = {0};
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->pool, NULL, &err);

    if (!tx ||
        db_query(tx, NULL, &err, "DELETE FROM mailboxes WHERE instance = $1", db_text(bus_self(self->bus)->instance)) <
            0 ||
        notify(tx, &err) < 0 || db_commit(&tx, &err) < 0)
        log_err(LOG_WARN, "not deregistered; the row will be seen to be stale", &err);
}

/* ---- the others ---- */

static int forget_the_dead(struct registry *self, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->pool, NULL, err);
    int n;

    if (!tx ||
        (n = db_query(tx, NULL, err, "DELETE FROM mailboxes WHERE refreshed_at < now() - make_interval(secs => $1)",
                      db_int(FORGET_S))) < 0)
        return -1;
    if (n > 0 && notify(tx, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static void copy_column(char *out, size_t size, const struct db_result *rows, int row, const char *column)
{
    const char *text = db_get(rows, row, column);

    snprintf(out, size, "%s", text ? text : "");
}

static int read_peers(struct registry *self, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int stale_s = clock_mono_ms() < self->grace_until_ms ? FORGET_S : REGISTRY_STALE_S;
    struct bus_peer *peers;
    int n;

    n = db_run(self->pool, NULL, &rows, err,
               "SELECT instance, role, mailbox, events, public_key FROM mailboxes"
               " WHERE refreshed_at > now() - make_interval(secs => $1) ORDER BY instance LIMIT $2",
               db_int(stale_s), db_int(PEERS_MAX));
    if (n < 0)
        return -1;
    if (!(peers = calloc((size_t)n + 1, sizeof *peers)))
        return err_set(err, ERR_INTERNAL, "registry: out of memory");
    for (int i = 0; i < n; i++) {
        copy_column(peers[i].instance, sizeof peers[i].instance, rows, i, "instance");
        copy_column(peers[i].role, sizeof peers[i].role, rows, i, "role");
        copy_column(peers[i].mailbox, sizeof peers[i].mailbox, rows, i, "mailbox");
        copy_column(peers[i].events, sizeof peers[i].events, rows, i, "events");
        copy_column(peers[i].public_key, sizeof peers[i].public_key, rows, i, "public_key");
    }
    bus_set_peers(self->bus, peers, (size_t)n);
    free(peers);
    return 0;
}

/* ---- the thread ---- */

static bool is_stopping(struct registry *self)
{
    bool stopping;

    pthread_mutex_lock(&self->lock);
    stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping;
}

/* One line when the database goes and one when it is back. */
static void note(struct registry *self, int rc, const struct err *err)
{
    bool away = rc < 0;

    if (away && !self->away)
        log_err(LOG_WARN, "registry: no database; the known peers stay", err);
    if (!away && self->away) {
        log_info("registry: the database is back");
        self->grace_until_ms = clock_mono_ms() + GRACE_MS;
    }
    self->away = away;
}

static void *registry_thread(void *arg)
{
    struct registry *self = arg;
    int64_t refresh_ms = clock_mono_ms() + REGISTRY_REFRESH_MS, read_ms = 0;

    while (!is_stopping(self)) {
        int64_t now = clock_mono_ms(), next_ms = refresh_ms < read_ms ? refresh_ms : read_ms;
        struct err err = {0};
        bool told = db_listener_wait(self->listener, next_ms > now ? (int)(next_ms - now) : 0, NULL) == 1;

        now = clock_mono_ms();
        if (now >= refresh_ms) {
            note(self, refresh_row(self, &err), &err);
            refresh_ms = now + (self->away ? RETRY_MS : REGISTRY_REFRESH_MS);
        }
        if (now >= read_ms) {
            if (!self->away)
                forget_the_dead(self, NULL); /* somebody else's next time does, too */
            told = true;
            read_ms = now + (self->away ? RETRY_MS : READ_MS);
        }
        if (told && !self->away && read_peers(self, &err) < 0)
            log_err(LOG_WARN, "registry not read", &err);
    }
    return NULL;
}

static int register_now(struct registry *self, int wait_ms, struct err *err)
{
    int64_t end_ms = clock_mono_ms() + wait_ms;
    struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
    struct err why = {0};

    while (insert_row(self, &why) < 0 || read_peers(self, &why) < 0) {
        if (why.kind != ERR_UNAVAILABLE && why.kind != ERR_UNCERTAIN)
            return err_set(err, why.kind, "not registered: %s", why.text);
        if (clock_mono_ms() >= end_ms)
            return err_set(err, ERR_UNAVAILABLE, "not registered within %d ms: %s", wait_ms, why.text);
        nanosleep(&pause, NULL);
    }
    return 0;
}

struct registry *registry_new(const char *database_url, struct db_pool *pool, struct bus *bus, int wait_ms,
                              char *(*stats_json)(void *arg), void *arg, struct err *err)
{
    AUTO(registry_destroy) struct registry *self = calloc(1, sizeof *self);
    pthread_attr_t attr;
    int rc;

    if (!self) {
        err_set(err, ERR_INTERNAL, "registry: out of memory");
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    self->pool = pool;
    self->bus = bus;
    self->stats_json = stats_json;
    self->arg = arg;
    if (gethostname(self->host, sizeof self->host - 1) < 0)
        self->host[0] = '\0';
    if (!(self->listener = db_listener_new(database_url, CHANNEL, err)) || register_now(self, wait_ms, err) < 0)
        return NULL;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    rc = pthread_create(&self->thread, &attr, registry_thread, self);
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        delete_row(self);
        err_set(err, ERR_INTERNAL, "registry: thread: %s", strerror(rc));
        return NULL;
    }
    self->runs = true;
    return TAKE(self);
}

void registry_drain(struct registry *self)
{
    struct err err = {0};

    pthread_mutex_lock(&self->lock);
    self->draining = true;
    if (insert_row(self, &err) < 0)
        log_err(LOG_WARN, "registry: not marked as draining", &err);
    pthread_mutex_unlock(&self->lock);
    read_peers(self, NULL); /* so that we ourselves send nothing here either */
}

void registry_destroy(struct registry **self_p)
{
    struct registry *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    if (self->runs) {
        pthread_mutex_lock(&self->lock);
        self->stopping = true;
        pthread_mutex_unlock(&self->lock);
        /* The notification also wakes our own thread. */
        delete_row(self);
        pthread_join(self->thread, NULL);
    }
    db_listener_destroy(&self->listener);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

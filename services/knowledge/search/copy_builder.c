/* copy_builder.c - see copy_builder.h. */
#include "services/knowledge/search/copy_builder.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/uuid.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_cache.h"
#include "services/knowledge/search/copy_large.h"

enum {
    CLIENTS = 64, /* of more, those wait for whom there is no place: the database searches */
    REST_MS = 5000,
    REST_SHARE = 20,
    UNFIT_MS = 600000, /* after it was found not to fit */
    THREAD_STACK = 1024 * 1024,
};

struct wish {
    char client_id[UUID_SIZE]; /* "": the place is free */
    bool wanted;
    int64_t from_ms; /* not before */
};

struct copy_builder {
    struct db_pool *db;
    struct copy_cache *copies;
    size_t max_bytes;
    pthread_t thread;
    bool runs;
    atomic_bool stopping;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct wish wishes[CLIENTS];
};

/* ---- under the lock ---- */

/* The client's place, or else one whose client is not wanted and has rested longest. NULL: there is none. */
static struct wish *place_of(struct copy_builder *self, const char *client_id)
{
    struct wish *free_place = NULL;

    for (size_t i = 0; i < CLIENTS; i++) {
        struct wish *wish = &self->wishes[i];
        if (strcmp(wish->client_id, client_id) == 0)
            return wish;
        if (!wish->wanted && (!free_place || wish->from_ms < free_place->from_ms))
            free_place = wish;
    }
    if (free_place)
        *free_place = (struct wish){0};
    return free_place;
}

/* The one that may be built first. NULL: none is wanted. */
static struct wish *next_wish(struct copy_builder *self)
{
    struct wish *next = NULL;

    for (size_t i = 0; i < CLIENTS; i++)
        if (self->wishes[i].wanted && (!next || self->wishes[i].from_ms < next->from_ms))
            next = &self->wishes[i];
    return next;
}

/* Waits until something is wanted, the time has come (0: whenever that may be) or the end has. */
static void wait_until(struct copy_builder *self, int64_t mono_ms)
{
    struct timespec until = {.tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000};

    if (mono_ms)
        pthread_cond_timedwait(&self->changed, &self->lock, &until);
    else
        pthread_cond_wait(&self->changed, &self->lock);
}

/* False: it is to end. */
static bool take_wish(struct copy_builder *self, int64_t rest_until_ms, char ret_client_id[UUID_SIZE])
{
    while (!atomic_load(&self->stopping)) {
        struct wish *wish = next_wish(self);
        int64_t from_ms = wish && wish->from_ms > rest_until_ms ? wish->from_ms : rest_until_ms;

        if (wish && from_ms <= clock_mono_ms()) {
            wish->wanted = false;
            snprintf(ret_client_id, UUID_SIZE, "%s", wish->client_id);
            return true;
        }
        wait_until(self, wish ? from_ms : 0);
    }
    return false;
}

/* ---- the thread ---- */

/* A search that began before there was a copy may want one afterwards. */
static bool is_current(const struct copy_builder *self, const char *client_id)
{
    AUTO(copy_release) struct copy *copy = copy_cache_get(self->copies, client_id, clock_mono_ms());
    const char *asked;
    int64_t version;

    return copy && !copy->too_large && copy_check(self->db, client_id, NULL, NULL, NULL, &version, &asked, NULL) == 0 &&
           version == copy->version;
}

/* Returns how long the client rests; *ret_built: there is a copy now. */
static int64_t build(struct copy_builder *self, const char *client_id, bool *ret_built)
{
    int64_t begin_ms = clock_mono_ms(), ms;
    struct err err = {0};
    AUTO(copy_release) struct copy *copy = copy_read_large(self->db, client_id, self->max_bytes, &self->stopping, &err);

    ms = clock_mono_ms() - begin_ms;
    *ret_built = copy != NULL;
    if (copy) {
        copy_cache_put(self->copies, copy, clock_mono_ms());
        log_debug("a client's knowledge has been copied", log_str("client_id", client_id),
                  log_int("bytes", (int64_t)copy->bytes), log_int("ms", ms));
    } else if (err.kind == ERR_INVALID) {
        log_info("a client's knowledge is searched by the database alone", log_str("client_id", client_id),
                 log_str("because", err.text));
        return UNFIT_MS;
    } else if (err.kind != ERR_CONFLICT) {
        log_warn("a client's knowledge cannot be copied", log_str("client_id", client_id),
                 log_str("because", err.text));
    }
    return ms * REST_SHARE > REST_MS ? ms * REST_SHARE : REST_MS;
}

static void *builder_thread(void *arg)
{
    struct copy_builder *self = arg;
    int64_t rest_until_ms = 0;
    char client_id[UUID_SIZE];

    pthread_mutex_lock(&self->lock);
    while (take_wish(self, rest_until_ms, client_id)) {
        int64_t begin_ms = clock_mono_ms(), rest_ms;
        struct wish *wish;
        bool built;

        pthread_mutex_unlock(&self->lock);
        built = is_current(self, client_id);
        rest_ms = built ? 0 : build(self, client_id, &built);
        pthread_mutex_lock(&self->lock);
        rest_until_ms = 2 * clock_mono_ms() - begin_ms; /* it builds half of the time at most */
        if ((wish = place_of(self, client_id))) {
            snprintf(wish->client_id, sizeof wish->client_id, "%s", client_id);
            wish->from_ms = clock_mono_ms() + rest_ms;
            if (built) /* what was wanted meanwhile is there */
                wish->wanted = false;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

/* ---- */

static int start(struct copy_builder *self)
{
    pthread_attr_t attr;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    rc = pthread_create(&self->thread, &attr, builder_thread, self);
    pthread_attr_destroy(&attr);
    self->runs = rc == 0;
    return rc == 0 ? 0 : -1;
}

struct copy_builder *copy_builder_new(struct db_pool *db, struct copy_cache *copies, size_t max_bytes, struct err *err)
{
    struct copy_builder *self = calloc(1, sizeof *self);
    pthread_condattr_t attr;

    if (!self) {
        err_set(err, ERR_INTERNAL, "knowledge: out of memory");
        return NULL;
    }
    self->db = db;
    self->copies = copies;
    self->max_bytes = max_bytes;
    atomic_init(&self->stopping, false);
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (start(self) < 0) {
        err_set(err, ERR_INTERNAL, "knowledge: no thread can be started");
        copy_builder_destroy(&self);
    }
    return self;
}

void copy_builder_stop(struct copy_builder *self)
{
    pthread_mutex_lock(&self->lock);
    atomic_store(&self->stopping, true);
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (self->runs)
        pthread_join(self->thread, NULL);
    self->runs = false;
}

void copy_builder_destroy(struct copy_builder **self_p)
{
    struct copy_builder *self = *self_p;

    if (!self)
        return;
    copy_builder_stop(self);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

void copy_builder_want(struct copy_builder *self, const char *client_id)
{
    struct wish *wish;

    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    if ((wish = place_of(self, client_id)) && !wish->wanted) {
        snprintf(wish->client_id, sizeof wish->client_id, "%s", client_id);
        wish->wanted = true;
        pthread_cond_signal(&self->changed);
    }
    pthread_mutex_unlock(&self->lock);
}

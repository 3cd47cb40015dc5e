/* auth.c - see auth.h. */
#include "services/gateway/auth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "services/gateway/request.h"

#define CACHE_SLOTS    4096 /* a power of two; two keys of one slot only ask the database more often */
#define CACHE_MS       1000
#define ADDRESS_SLOTS  1024 /* a power of two; addresses of one slot share their limit */
#define FAILURES_MAX   20   /* per address and second */
#define KEY_LENGTH_MAX 256

struct cached_key {
    char hash[65];
    struct caller caller;
    int64_t until_ms;
};

struct failures {
    int64_t second;
    int n;
};

struct auth {
    struct db_pool *pool;
    pthread_mutex_t lock;
    struct cached_key keys[CACHE_SLOTS];
    struct failures failures[ADDRESS_SLOTS];
};

struct auth *auth_new(struct db_pool *pool, struct err *err)
{
    struct auth *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "no memory for the key cache");
        return NULL;
    }
    self->pool = pool;
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void auth_destroy(struct auth **self_p)
{
    if (!*self_p)
        return;
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

/* The key within "Bearer <key>"; NULL if there is none of a sane form. */
static const char *bearer_key(const char *authorization)
{
    const char *key;

    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    key = authorization + 7;
    key += strspn(key, " ");
    for (const char *p = key; *p; p++)
        if (*p < 0x21 || *p > 0x7e || p - key >= KEY_LENGTH_MAX)
            return NULL;
    return *key ? key : NULL;
}

/* Of a hash in hex: its first 12 bits. */
static struct cached_key *slot_of(struct auth *self, const char *hash)
{
    char first[4] = {hash[0], hash[1], hash[2], '\0'};

    return &self->keys[strtoul(first, NULL, 16) & (CACHE_SLOTS - 1)];
}

static bool cache_get(struct auth *self, const char *hash, int64_t now_ms, struct caller *ret_caller)
{
    struct cached_key *slot = slot_of(self, hash);
    bool found;

    pthread_mutex_lock(&self->lock);
    found = now_ms < slot->until_ms && strcmp(slot->hash, hash) == 0;
    if (found)
        *ret_caller = slot->caller;
    pthread_mutex_unlock(&self->lock);
    return found;
}

/* asked_ms: when the database was asked, so that an answer is not believed longer for being slow. */
static void cache_put(struct auth *self, const char *hash, int64_t asked_ms, const struct caller *caller)
{
    struct cached_key *slot = slot_of(self, hash);

    pthread_mutex_lock(&self->lock);
    snprintf(slot->hash, sizeof slot->hash, "%s", hash);
    slot->caller = *caller;
    slot->until_ms = asked_ms + CACHE_MS;
    pthread_mutex_unlock(&self->lock);
}

/* FNV-1a */
static struct failures *failures_of(struct auth *self, const char *remote)
{
    uint32_t hash = 2166136261u;

    for (const char *p = remote; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    return &self->failures[hash & (ADDRESS_SLOTS - 1)];
}

static void count_failure(struct auth *self, const char *remote, int64_t now_ms)
{
    struct failures *slot = failures_of(self, remote);

    pthread_mutex_lock(&self->lock);
    if (slot->second != now_ms / 1000)
        *slot = (struct failures){.second = now_ms / 1000};
    slot->n++;
    pthread_mutex_unlock(&self->lock);
}

static bool too_many_failures(struct auth *self, const char *remote, int64_t now_ms)
{
    struct failures *slot = failures_of(self, remote);
    bool result;

    pthread_mutex_lock(&self->lock);
    result = slot->second == now_ms / 1000 && slot->n >= FAILURES_MAX;
    pthread_mutex_unlock(&self->lock);
    return result;
}

/* 1 and *ret_caller, 0 if there is no such key that is valid, -1 on failure. */
static int look_up(struct auth *self, const char *hash, struct caller *ret_caller, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *client_id;
    int n = db_run(self->pool, NULL, &rows, err,
                   "SELECT client_id FROM api_keys WHERE hash = $1 AND revoked_at IS NULL", db_text(hash));

    if (n <= 0)
        return n;
    client_id = db_get(rows, 0, "client_id");
    *ret_caller = (struct caller){.admin = client_id == NULL};
    if (client_id)
        snprintf(ret_caller->client_id, sizeof ret_caller->client_id, "%s", client_id);
    return 1;
}

int auth_check(struct auth *self, const char *authorization, const char *remote, struct caller *ret_caller,
               struct err *err)
{
    const char *key = bearer_key(authorization);
    int64_t now_ms = clock_mono_ms();
    char hash[65];
    int found = 0;

    if (key) {
        sha256_hex(key, strlen(key), hash);
        if (cache_get(self, hash, now_ms, ret_caller))
            return 0;
    }
    if (too_many_failures(self, remote, now_ms)) {
        err_set(err, ERR_UNAVAILABLE, "too many requests without a valid key; wait a second");
        return 429;
    }
    if (key && (found = look_up(self, hash, ret_caller, err)) < 0)
        return 503;
    if (found == 0) {
        count_failure(self, remote, now_ms);
        err_set(err, ERR_DENIED, key ? "the key is not valid" : "a key is needed: Authorization: Bearer <key>");
        return 401;
    }
    cache_put(self, hash, now_ms, ret_caller);
    return 0;
}

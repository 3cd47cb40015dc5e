/* copy_cache.c - see copy_cache.h. A hash table with chains, its entries in a ring from the one asked for last to the
 * one not asked for longest. */
#include "services/knowledge/search/copy_cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/knowledge/search/copy.h"

#define CHAINS       1024
#define TOO_LARGE_MS 60000 /* so long it is believed */

struct entry {
    struct entry *next;          /* in its chain */
    struct entry *newer, *older; /* in the ring */
    struct copy *copy;
    long long put_ms;
};

struct copy_cache {
    pthread_mutex_t lock;
    size_t max_bytes, bytes;
    struct entry ring; /* ring.older: asked for last; ring.newer: not asked for longest */
    struct entry *chains[CHAINS];
};

struct copy_cache *copy_cache_new(size_t max_bytes)
{
    struct copy_cache *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    if (pthread_mutex_init(&self->lock, NULL) != 0) {
        free(self);
        return NULL;
    }
    self->max_bytes = max_bytes;
    self->ring.newer = self->ring.older = &self->ring;
    return self;
}

/* ---- under the lock ---- */

/* Clients' ids are given by us: nobody can write such that share a chain. */
static struct entry **place_of(struct copy_cache *self, const char *client_id)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    struct entry **at;

    for (const char *c = client_id; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    at = &self->chains[hash % CHAINS];
    while (*at && strcmp((*at)->copy->client_id, client_id) != 0)
        at = &(*at)->next;
    return at;
}

static void ring_remove(struct entry *entry)
{
    entry->newer->older = entry->older;
    entry->older->newer = entry->newer;
}

static void ring_add_newest(struct copy_cache *self, struct entry *entry)
{
    entry->newer = &self->ring;
    entry->older = self->ring.older;
    entry->older->newer = entry;
    self->ring.older = entry;
}

static void drop(struct copy_cache *self, const char *client_id)
{
    struct entry **at = place_of(self, client_id), *entry = *at;

    if (!entry)
        return;
    *at = entry->next;
    ring_remove(entry);
    self->bytes -= entry->copy->bytes;
    copy_release(&entry->copy);
    free(entry);
}

/* Whether the client's copy is of the same version, and only tells more. */
static bool is_known(struct copy_cache *self, const struct copy *copy)
{
    const struct entry *entry = *place_of(self, copy->client_id);

    return entry && copy->too_large && !entry->copy->too_large && entry->copy->version == copy->version;
}

static void put(struct copy_cache *self, struct copy *copy, struct entry *entry, long long now_ms)
{
    drop(self, copy->client_id);
    if (!entry)
        return;
    while (self->bytes + copy->bytes > self->max_bytes)
        drop(self, self->ring.newer->copy->client_id);
    *entry = (struct entry){.next = NULL, .copy = copy_hold(copy), .put_ms = now_ms};
    *place_of(self, copy->client_id) = entry;
    ring_add_newest(self, entry);
    self->bytes += copy->bytes;
}

/* ---- */

void copy_cache_destroy(struct copy_cache **self_p)
{
    struct copy_cache *self = *self_p;

    if (!self)
        return;
    while (self->ring.newer != &self->ring)
        drop(self, self->ring.newer->copy->client_id);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

struct copy *copy_cache_get(struct copy_cache *self, const char *client_id, long long now_ms)
{
    struct copy *found = NULL;
    struct entry *entry;

    pthread_mutex_lock(&self->lock);
    entry = *place_of(self, client_id);
    if (entry && !(entry->copy->too_large && now_ms - entry->put_ms > TOO_LARGE_MS)) {
        ring_remove(entry);
        ring_add_newest(self, entry);
        found = copy_hold(entry->copy);
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

void copy_cache_put(struct copy_cache *self, struct copy *copy, long long now_ms)
{
    struct entry *entry = copy->bytes > self->max_bytes ? NULL : calloc(1, sizeof *entry);

    pthread_mutex_lock(&self->lock);
    if (is_known(self, copy))
        free(entry);
    else
        put(self, copy, entry, now_ms);
    pthread_mutex_unlock(&self->lock);
}

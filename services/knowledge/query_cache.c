/* query_cache.c - see query_cache.h. A plain array: a few hundred short comparisons cost microseconds, and a miss costs
 * a call to the API. */
#include "services/knowledge/query_cache.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"

struct entry {
    char *model, *query, *vector; /* all NULL: free */
    uint64_t used;                /* when it was asked for last, in calls */
};

struct query_cache {
    pthread_mutex_t lock;
    uint64_t calls;
    long long paused_until_ms;
    size_t capacity;
    struct entry entries[];
};

static void entry_clear(struct entry *entry)
{
    free(entry->model);
    free(entry->query);
    free(entry->vector);
    *entry = (struct entry){0};
}

struct query_cache *query_cache_new(size_t capacity)
{
    struct query_cache *self = calloc(1, sizeof *self + capacity * sizeof self->entries[0]);

    if (!self)
        return NULL;
    if (pthread_mutex_init(&self->lock, NULL) != 0) {
        free(self);
        return NULL;
    }
    self->capacity = capacity;
    return self;
}

void query_cache_destroy(struct query_cache **self_p)
{
    struct query_cache *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < self->capacity; i++)
        entry_clear(&self->entries[i]);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

static struct entry *find(struct query_cache *self, const char *model, const char *query)
{
    for (size_t i = 0; i < self->capacity; i++) {
        struct entry *entry = &self->entries[i];
        if (entry->query && strcmp(entry->query, query) == 0 && strcmp(entry->model, model) == 0)
            return entry;
    }
    return NULL;
}

const char *query_cache_get(struct query_cache *self, const char *model, const char *query, struct arena *arena)
{
    const char *vector = NULL;
    struct entry *entry;

    pthread_mutex_lock(&self->lock);
    if ((entry = find(self, model, query))) {
        entry->used = ++self->calls;
        vector = arena_strdup(arena, entry->vector);
    }
    pthread_mutex_unlock(&self->lock);
    return vector;
}

void query_cache_put(struct query_cache *self, const char *model, const char *query, const char *vector)
{
    struct entry fresh = {.model = strdup(model), .query = strdup(query), .vector = strdup(vector)};
    struct entry *oldest = NULL;

    if (!fresh.model || !fresh.query || !fresh.vector) {
        entry_clear(&fresh);
        return;
    }
    pthread_mutex_lock(&self->lock);
    fresh.used = ++self->calls;
    if (!(oldest = find(self, model, query)))
        for (size_t i = 0; i < self->capacity; i++)
            if (!oldest || self->entries[i].used < oldest->used)
                oldest = &self->entries[i];
    if (oldest) {
        entry_clear(oldest);
        *oldest = fresh;
    } else {
        entry_clear(&fresh);
    }
    pthread_mutex_unlock(&self->lock);
}

void query_cache_pause(struct query_cache *self, long long now_ms)
{
    pthread_mutex_lock(&self->lock);
    self->paused_until_ms = now_ms + QUERY_CACHE_PAUSE_MS;
    pthread_mutex_unlock(&self->lock);
}

bool query_cache_paused(struct query_cache *self, long long now_ms)
{
    bool paused;

    pthread_mutex_lock(&self->lock);
    paused = now_ms < self->paused_until_ms;
    pthread_mutex_unlock(&self->lock);
    return paused;
}

/* query_cache.c - see query_cache.h. A hash table with chains, its entries in a ring from the one asked for last to the
 * one not asked for longest. The hash is keyed, so that nobody can write queries that share a chain. */
#include "services/knowledge/embedding/query_cache.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"

struct entry {
    struct entry *next;          /* in its chain */
    struct entry *newer, *older; /* in the ring */
    uint64_t hash;
    size_t len, key_len;
    bool cut;
    char *value; /* len bytes, behind the entry; behind them the key */
};

struct query_cache {
    pthread_mutex_t lock;
    long long paused_until_ms;
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    size_t max_entries, max_bytes, n_entries, n_bytes;
    struct entry ring; /* ring.older: asked for last; ring.newer: not asked for longest */
    size_t n_chains;
    struct entry *chains[];
};

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof *entry + entry->len + entry->key_len;
}

static char *entry_key(struct entry *entry)
{
    return entry->value + entry->len;
}

struct query_cache *query_cache_new(size_t max_entries, size_t max_bytes)
{
    struct query_cache *self = calloc(1, sizeof *self + max_entries * sizeof self->chains[0]);

    if (!self)
        return NULL;
    if (sodium_init() < 0 || pthread_mutex_init(&self->lock, NULL) != 0) {
        free(self);
        return NULL;
    }
    crypto_shorthash_keygen(self->hash_key);
    self->max_entries = self->n_chains = max_entries;
    self->max_bytes = max_bytes;
    self->ring.newer = self->ring.older = &self->ring;
    return self;
}

/* ---- under the lock ---- */

static void ring_remove(struct entry *entry)
{
    entry->newer->older = entry->older;
    entry->older->newer = entry->newer;
}

static void ring_add_newest(struct query_cache *self, struct entry *entry)
{
    entry->newer = &self->ring;
    entry->older = self->ring.older;
    entry->older->newer = entry;
    self->ring.older = entry;
}

static void drop(struct query_cache *self, struct entry *entry)
{
    struct entry **at = &self->chains[entry->hash % self->n_chains];

    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    ring_remove(entry);
    self->n_entries--;
    self->n_bytes -= entry_bytes(entry);
    free(entry);
}

static struct entry *find(struct query_cache *self, uint64_t hash, const char *key, size_t key_len)
{
    struct entry *entry = self->chains[hash % self->n_chains];

    while (entry && !(entry->hash == hash && entry->key_len == key_len && memcmp(entry_key(entry), key, key_len) == 0))
        entry = entry->next;
    return entry;
}

static void insert(struct query_cache *self, struct entry *fresh)
{
    struct entry *same = find(self, fresh->hash, entry_key(fresh), fresh->key_len);

    if (same)
        drop(self, same);
    while (self->n_entries > 0 &&
           (self->n_entries >= self->max_entries || self->n_bytes + entry_bytes(fresh) > self->max_bytes))
        drop(self, self->ring.newer);
    fresh->next = self->chains[fresh->hash % self->n_chains];
    self->chains[fresh->hash % self->n_chains] = fresh;
    ring_add_newest(self, fresh);
    self->n_entries++;
    self->n_bytes += entry_bytes(fresh);
}

/* ---- */

void query_cache_destroy(struct query_cache **self_p)
{
    struct query_cache *self = *self_p;

    if (!self)
        return;
    while (self->n_entries > 0)
        drop(self, self->ring.newer);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

/* What an entry is of: a query's vector by the model of that name, or what it asks in the language of that name. */
enum kind { OF_MODEL = 'm', OF_LANGUAGE = 'l' };

/* An entry with its key (the kind, the name, a NUL, the query) and room for len bytes; NULL when out of memory. */
static struct entry *entry_new(struct query_cache *self, enum kind kind, const char *name, const char *query,
                               size_t len)
{
    size_t name_len = strlen(name) + 1, query_len = strlen(query);
    struct entry *entry = calloc(1, sizeof *entry + len + 1 + name_len + query_len);
    unsigned char hash[crypto_shorthash_BYTES];

    if (!entry)
        return NULL;
    entry->value = (char *)(entry + 1);
    entry->len = len;
    entry->key_len = 1 + name_len + query_len;
    *entry_key(entry) = (char)kind;
    memcpy(entry_key(entry) + 1, name, name_len);
    memcpy(entry_key(entry) + 1 + name_len, query, query_len);
    crypto_shorthash(hash, (unsigned char *)entry_key(entry), entry->key_len, self->hash_key);
    memcpy(&entry->hash, hash, sizeof entry->hash);
    return entry;
}

/* A copy of what is there, in arena; NULL if it is not, or without memory. */
static void *get(struct query_cache *self, enum kind kind, const char *name, const char *query, struct arena *arena,
                 size_t *ret_len, bool *ret_cut)
{
    struct entry *asked = entry_new(self, kind, name, query, 0), *entry;
    void *value = NULL;

    if (!asked)
        return NULL;
    pthread_mutex_lock(&self->lock);
    if ((entry = find(self, asked->hash, entry_key(asked), asked->key_len))) {
        ring_remove(entry);
        ring_add_newest(self, entry);
        if ((value = arena_alloc(arena, entry->len))) {
            memcpy(value, entry->value, entry->len);
            *ret_len = entry->len;
            *ret_cut = entry->cut;
        }
    }
    pthread_mutex_unlock(&self->lock);
    free(asked);
    return value;
}

static void put(struct query_cache *self, enum kind kind, const char *name, const char *query, const void *value,
                size_t len, bool cut)
{
    struct entry *fresh = entry_new(self, kind, name, query, len);

    if (!fresh)
        return;
    if (entry_bytes(fresh) > self->max_bytes) {
        free(fresh);
        return;
    }
    memcpy(fresh->value, value, len);
    fresh->cut = cut;
    pthread_mutex_lock(&self->lock);
    insert(self, fresh);
    pthread_mutex_unlock(&self->lock);
}

bool query_cache_get(struct query_cache *self, const char *model, const char *query, struct arena *arena,
                     struct query_embedding *ret_embedding)
{
    bool cut = false;
    size_t len = 0;
    const float *values = get(self, OF_MODEL, model, query, arena, &len, &cut);

    if (values)
        *ret_embedding = (struct query_embedding){.dims = len / sizeof *values, .values = values, .cut = cut};
    return values != NULL;
}

void query_cache_put(struct query_cache *self, const char *model, const char *query,
                     const struct query_embedding *embedding)
{
    put(self, OF_MODEL, model, query, embedding->values, embedding->dims * sizeof embedding->values[0], embedding->cut);
}

const char *query_cache_get_asked(struct query_cache *self, const char *language, const char *query,
                                  struct arena *arena)
{
    bool cut;
    size_t len;

    return get(self, OF_LANGUAGE, language, query, arena, &len, &cut);
}

void query_cache_put_asked(struct query_cache *self, const char *language, const char *query, const char *asked)
{
    put(self, OF_LANGUAGE, language, query, asked, strlen(asked) + 1, false);
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

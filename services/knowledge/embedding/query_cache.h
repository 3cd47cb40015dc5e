/* query_cache.h - what was made of the queries asked last, for the whole process: their vectors, and what their words
 * ask. Thread-safe.
 *
 * It also remembers for a few seconds that the embeddings API failed, so that not every search waits for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct query_cache;

/* A query's vector by one model. */
struct query_embedding {
    size_t dims;
    const float *values;
    bool cut; /* the query was longer than what the model reads: it is the vector of its beginning */
};

/* Holds at most so many of them (at least 1) and so many bytes, keys counted in; the one not asked for longest leaves.
 * NULL when out of memory. */
struct query_cache *query_cache_new(size_t max_entries, size_t max_bytes);
void query_cache_destroy(struct query_cache **self_p);

/* False if it is not there, or there is no memory for the copy in arena. */
bool query_cache_get(struct query_cache *self, const char *model, const char *query, struct arena *arena,
                     struct query_embedding *ret_embedding);

/* Copies all. Without memory it keeps nothing. */
void query_cache_put(struct query_cache *self, const char *model, const char *query,
                     const struct query_embedding *embedding);

/* What a query asks in a language, as leadwire_query_words has it: which no change of what clients know can change.
 * NULL if it is not there, or there is no memory for the copy in arena. */
const char *query_cache_get_asked(struct query_cache *self, const char *language, const char *query,
                                  struct arena *arena);
void query_cache_put_asked(struct query_cache *self, const char *language, const char *query, const char *asked);

/* After a failure, now_ms on the monotonic clock: embedding is not to be tried for QUERY_CACHE_PAUSE_MS. */
#define QUERY_CACHE_PAUSE_MS 5000
void query_cache_pause(struct query_cache *self, long long now_ms);
bool query_cache_paused(struct query_cache *self, long long now_ms);

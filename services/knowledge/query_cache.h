/* query_cache.h - the vectors of the queries asked last, for the whole process. Thread-safe.
 *
 * It also remembers for a few seconds that the embeddings API failed, so that not every search waits for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct query_cache;

/* Holds at most that many vectors; the one not asked for longest leaves. */
struct query_cache *query_cache_new(size_t capacity);
void query_cache_destroy(struct query_cache **self_p);

/* The vector's text (see embed_to_text) in arena, or NULL if it is not there. */
const char *query_cache_get(struct query_cache *self, const char *model, const char *query, struct arena *arena);

/* Copies all. Without memory it keeps nothing. */
void query_cache_put(struct query_cache *self, const char *model, const char *query, const char *vector);

/* After a failure, now_ms on the monotonic clock: embedding is not to be tried for QUERY_CACHE_PAUSE_MS. */
#define QUERY_CACHE_PAUSE_MS 5000
void query_cache_pause(struct query_cache *self, long long now_ms);
bool query_cache_paused(struct query_cache *self, long long now_ms);

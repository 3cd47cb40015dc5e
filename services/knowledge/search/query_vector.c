/* query_vector.c - see query_vector.h. */
#include "services/knowledge/search/query_vector.h"

#include "libshared/arena.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/query_cache.h"
#include "services/knowledge/knowledge.h"

#define EMBED_TIMEOUT_MS 2000

/* A failure of the API is waited for once in a few seconds; the built-in model has none. */
static bool make(struct knowledge *state, const char *model, const char *query, struct arena *arena,
                 struct query_embedding *ret_embedding)
{
    struct embeddings made;
    struct err err = {0};
    bool cut = false;

    if (!embedder_has(state->embedder, model) ||
        (embedder_is_remote(state->embedder, model) && query_cache_paused(state->cache, clock_mono_ms())))
        return false;
    if (embedder_query(state->embedder, model, query, EMBED_TIMEOUT_MS, arena, &made, &cut, &err) < 0) {
        log_err(LOG_WARN, "the query has no vector: its words are searched alone", &err);
        if (err.kind != ERR_INVALID)
            query_cache_pause(state->cache, clock_mono_ms());
        return false;
    }
    if (!embed_has_direction(made.values, made.dims))
        return false;
    *ret_embedding = (struct query_embedding){.dims = made.dims, .values = made.values, .cut = cut};
    query_cache_put(state->cache, model, query, ret_embedding);
    return true;
}

bool query_vector(struct knowledge *state, const char *model, const char *query, struct arena *arena,
                  struct query_embedding *ret_embedding)
{
    return query_cache_get(state->cache, model, query, arena, ret_embedding) ||
           make(state, model, query, arena, ret_embedding);
}

/* The cache of queries' vectors: which leaves when, and what it never mixes up. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/knowledge/embedding/query_cache.h"

static struct arena *arena;

static void open_arena(void)
{
    arena = arena_new(1 << 26);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(query_cache, .init = open_arena, .fini = close_arena, .timeout = 30);

static void put(struct query_cache *cache, const char *model, const char *query, float value)
{
    const float values[] = {value, -value};

    query_cache_put(cache, model, query, &(struct query_embedding){.dims = 2, .values = values});
}

/* The first number, 0 if it is not there. */
static float get(struct query_cache *cache, const char *model, const char *query)
{
    struct query_embedding found;

    if (!query_cache_get(cache, model, query, arena, &found))
        return 0;
    cr_expect(eq(sz, found.dims, 2));
    cr_expect(eq(flt, found.values[1], -found.values[0]));
    return found.values[0];
}

Test(query_cache, the_query_not_asked_for_longest_leaves)
{
    AUTO(query_cache_destroy) struct query_cache *cache = query_cache_new(2, 1 << 20);

    put(cache, "m", "a", 1);
    put(cache, "m", "b", 2);
    cr_expect(eq(flt, get(cache, "m", "a"), 1));
    put(cache, "m", "c", 3);
    cr_expect(eq(flt, get(cache, "m", "b"), 0));
    cr_expect(eq(flt, get(cache, "m", "a"), 1));
    cr_expect(eq(flt, get(cache, "m", "c"), 3));
}

Test(query_cache, what_a_query_asks_is_not_its_vector)
{
    AUTO(query_cache_destroy) struct query_cache *cache = query_cache_new(3, 1 << 20);

    put(cache, "english", "a", 1);
    cr_expect(query_cache_get_asked(cache, "english", "a", arena) == NULL);
    query_cache_put_asked(cache, "english", "a", "asked");
    cr_expect(eq(str, (char *)query_cache_get_asked(cache, "english", "a", arena), "asked"));
    cr_expect(eq(flt, get(cache, "english", "a"), 1));
    cr_expect(query_cache_get_asked(cache, "arabic", "a", arena) == NULL);
    query_cache_put_asked(cache, "english", "a", "");
    cr_expect(eq(str, (char *)query_cache_get_asked(cache, "english", "a", arena), ""));
}

Test(query_cache, a_query_belongs_to_its_model)
{
    AUTO(query_cache_destroy) struct query_cache *cache = query_cache_new(8, 1 << 20);

    put(cache, "m", "xa", 1);
    put(cache, "mx", "a", 2);
    cr_expect(eq(flt, get(cache, "m", "xa"), 1));
    cr_expect(eq(flt, get(cache, "mx", "a"), 2));
    cr_expect(eq(flt, get(cache, "m", "a"), 0));
    cr_expect(eq(flt, get(cache, "other", "xa"), 0));
}

Test(query_cache, the_same_query_is_kept_once)
{
    AUTO(query_cache_destroy) struct query_cache *cache = query_cache_new(2, 1 << 20);

    put(cache, "m", "a", 1);
    put(cache, "m", "b", 2);
    put(cache, "m", "a", 3);
    cr_expect(eq(flt, get(cache, "m", "a"), 3));
    cr_expect(eq(flt, get(cache, "m", "b"), 2));
}

Test(query_cache, its_bytes_are_bounded)
{
    AUTO(query_cache_destroy) struct query_cache *cache = query_cache_new(1000, 16384);
    static float values[5000];
    int kept = 0;

    for (int i = 0; i < 1000; i++) {
        char query[32];
        snprintf(query, sizeof query, "query %d", i);
        put(cache, "m", query, (float)i + 1);
    }
    for (int i = 0; i < 1000; i++) {
        char query[32];
        snprintf(query, sizeof query, "query %d", i);
        kept += get(cache, "m", query) != 0;
    }
    cr_expect(kept > 50 && kept < 300, "%d", kept);
    cr_expect(eq(flt, get(cache, "m", "query 999"), 1000));

    /* What is larger than all of it is not kept, and sends nothing away. */
    query_cache_put(cache, "m", "large", &(struct query_embedding){.dims = 5000, .values = values});
    cr_expect(eq(flt, get(cache, "m", "query 999"), 1000));
}

Test(query_cache, that_a_query_was_cut_is_remembered)
{
    AUTO(query_cache_destroy) struct query_cache *cache = query_cache_new(4, 1 << 20);
    static const float values[] = {1};
    struct query_embedding found;

    query_cache_put(cache, "m", "long", &(struct query_embedding){.dims = 1, .values = values, .cut = true});
    cr_assert(query_cache_get(cache, "m", "long", arena, &found));
    cr_expect(found.cut);
}

static void *use(void *arg)
{
    struct query_cache *cache = arg;
    AUTO(arena_destroy) struct arena *own = arena_new(1 << 26);
    struct query_embedding found;

    for (int i = 0; i < 3000; i++) {
        float values[] = {(float)(i % 40)};
        char query[32];
        snprintf(query, sizeof query, "%d", i % 40);
        if (query_cache_get(cache, "m", query, own, &found) && found.values[0] != values[0])
            return arg;
        query_cache_put(cache, "m", query, &(struct query_embedding){.dims = 1, .values = values});
    }
    return NULL;
}

Test(query_cache, threads_share_it)
{
    AUTO(query_cache_destroy) struct query_cache *cache = query_cache_new(20, 1 << 20);
    pthread_t threads[4];
    void *wrong;

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, use, cache);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &wrong);
        cr_expect(eq(ptr, wrong, NULL));
    }
}

Test(query_cache, after_a_failure_embedding_pauses)
{
    AUTO(query_cache_destroy) struct query_cache *cache = query_cache_new(1, 1 << 20);

    cr_expect(not(query_cache_paused(cache, 1000)));
    query_cache_pause(cache, 1000);
    cr_expect(query_cache_paused(cache, 1000 + QUERY_CACHE_PAUSE_MS - 1));
    cr_expect(not(query_cache_paused(cache, 1000 + QUERY_CACHE_PAUSE_MS)));
}

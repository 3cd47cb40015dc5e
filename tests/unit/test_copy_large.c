/* The copy of what a large client knows: it answers no worse than the database, and no change leaves it in use. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/messages.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_builder.h"
#include "services/knowledge/search/copy_cache.h"
#include "services/knowledge/search/copy_large.h"
#include "tests/unit/copyfix.h"
#include "tests/unit/kbfix.h"

#define DIMS  40
#define BEST  5
#define ROOMY ((size_t)64 << 20)

TestSuite(copy_large, .init = kbfix_open, .fini = kbfix_close, .timeout = 180);

/* ---- the same answers ---- */

static void compare(const char *client, const char *kb_id, const char *query, const float *vector)
{
    const struct search_options options = {.each = BEST + 4, .hnsw_from = INT64_MAX};
    const struct query_vector of_model = {.model = KBFIX_MODEL, .dims = DIMS, .values = vector};
    AUTO(arena_destroy) struct arena *arena = arena_new(1 << 26);
    AUTO(copy_release) struct copy *copy = NULL;
    struct candidates found, copied;
    struct err err = {0};

    cr_assert(eq(int,
                 search_candidates(kbfix_worker.db, client, kb_id, query, &of_model, vector != NULL, &options, arena,
                                   &found, &err),
                 0),
              "%s", err.text);
    copied = copyfix_search_large(kbfix_worker.db, client, kb_id, query, &of_model, vector != NULL, options.each, arena,
                                  &copy);
    copyfix_expect_best(&found, &copied, BEST, options.each, query);
}

static float *random_vector(float values[DIMS])
{
    for (size_t i = 0; i < DIMS; i++)
        values[i] = (float)(rand() % 1000) / 500 - 1;
    return values;
}

static const char *last_question; /* of those that were added */

/* Three bases: one of all kinds, one without vectors, one in Spanish. */
static void fill(const char *kb_ids[4], int faqs)
{
    kb_ids[0] = kbfix_base(kbfix_a, "First", KBFIX_MODEL);
    kb_ids[1] = kbfix_base(kbfix_a, "Wordless", "");
    kb_ids[2] = kbfix_base(kbfix_a, "Spanish", KBFIX_MODEL);
    kb_ids[3] = NULL;
    kbfix_run("UPDATE knowledge_bases SET language = 'spanish' WHERE kb_id = $1", kb_ids[2]);
    for (int i = 0; i < faqs; i++) {
        last_question = copyfix_words(2 + rand() % 6, 5);
        kbfix_faq(kbfix_a, kb_ids[i % 3], last_question, i % 7 ? copyfix_words(4 + rand() % 20, 0) : "Yes.");
    }
    for (int i = 0; i < 4; i++)
        kbfix_document(kbfix_a, kb_ids[i % 3], copyfix_words(3, 0), 90);
    copyfix_embed(kbfix_a, DIMS);
}

Test(copy_large, it_answers_no_worse_than_the_database)
{
    const char *kb_ids[4];
    float vector[DIMS];

    srand(13);
    fill(kb_ids, 150);
    for (int i = 0; i < 60; i++)
        compare(kbfix_a, kb_ids[i % 4], copyfix_words(1 + rand() % 8, 25), i % 3 ? random_vector(vector) : NULL);
    compare(kbfix_a, NULL, last_question, NULL);
    compare(kbfix_a, NULL, "Hello there!", NULL);
    compare(kbfix_a, NULL, "Hello there!", random_vector(vector));
}

/* Nothing is asked but what says nothing: the question is found by its letters. */
Test(copy_large, the_question_itself_is_found)
{
    const char *kb_id = kbfix_base(kbfix_a, "First", "");

    kbfix_faq(kbfix_a, kb_id, "How are you?", "Fine.");
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    kbfix_document(kbfix_a, kb_id, "Heaters", 300);
    compare(kbfix_a, NULL, "how are YOU", NULL);
    compare(kbfix_a, kb_id, "Do you  repair boilers", NULL);
}

Test(copy_large, vectors_of_another_width_than_the_query_are_not_compared)
{
    const float vector[DIMS] = {1};
    const char *kb_id = kbfix_base(kbfix_a, "Narrow", KBFIX_MODEL);

    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    copyfix_embed(kbfix_a, DIMS / 2);
    compare(kbfix_a, kb_id, "boiler", vector);
}

Test(copy_large, a_base_without_anything_answers_nothing)
{
    compare(kbfix_a, kbfix_base(kbfix_a, "Empty", ""), "boilers", NULL);
    compare(kbfix_b, NULL, "boilers", NULL);
}

/* ---- reading ---- */

static void expect_unread(const char *client, size_t max_bytes, const atomic_bool *stopping, int kind)
{
    struct err err = {0};

    cr_expect(copy_read_large(kbfix_worker.db, client, max_bytes, stopping, &err) == NULL);
    cr_expect(eq(int, err.kind, kind), "%s", err.text);
}

Test(copy_large, it_holds_one_clients_chunks_and_all_of_them)
{
    AUTO(copy_release) struct copy *a = NULL, *b = NULL;
    struct err err = {0};

    kbfix_document(kbfix_a, kbfix_base(kbfix_a, "A", ""), "Heaters", 500);
    kbfix_document(kbfix_b, kbfix_base(kbfix_b, "B", ""), "Boilers", 251);
    a = copy_read_large(kbfix_worker.db, kbfix_a, ROOMY, NULL, &err);
    b = copy_read_large(kbfix_worker.db, kbfix_b, ROOMY, NULL, &err);
    cr_assert(a && b, "%s", err.text);
    cr_expect(eq(sz, a->bases[0].n_chunks, 500));
    cr_expect(eq(sz, b->bases[0].n_chunks, 251));
    for (size_t i = 0; i < 251; i++)
        cr_expect(strstr(b->bases[0].chunks[i].piece.body, "Boilers") != NULL);
}

Test(copy_large, what_does_not_fit_is_not_read)
{
    kbfix_document(kbfix_a, kbfix_base(kbfix_a, "A", ""), "Heaters", 500);
    expect_unread(kbfix_a, 1000, NULL, ERR_INVALID);
    expect_unread(kbfix_a, 150000, NULL, ERR_INVALID);
}

Test(copy_large, vectors_of_different_widths_have_no_index)
{
    const char *kb_id = kbfix_base(kbfix_a, "A", KBFIX_MODEL);

    kbfix_document(kbfix_a, kb_id, "Heaters", 5);
    copyfix_embed(kbfix_a, DIMS);
    kbfix_document(kbfix_a, kb_id, "Boilers", 5);
    copyfix_embed(kbfix_a, DIMS / 2);
    expect_unread(kbfix_a, ROOMY, NULL, ERR_INVALID);
}

Test(copy_large, reading_is_given_up_at_the_end_of_the_process)
{
    const atomic_bool stopping = true;

    kbfix_document(kbfix_a, kbfix_base(kbfix_a, "A", ""), "Heaters", 5);
    expect_unread(kbfix_a, ROOMY, &stopping, ERR_CONFLICT);
}

/* ---- the cache ---- */

Test(copy_large, that_it_is_too_large_does_not_push_out_the_copy)
{
    AUTO(copy_cache_destroy) struct copy_cache *cache = copy_cache_new(ROOMY);
    AUTO(copy_release) struct copy *too_large = NULL, *large = NULL, *found = NULL, *changed = NULL;
    const char *kb_id = kbfix_base(kbfix_a, "A", "");
    struct err err = {0};

    kbfix_document(kbfix_a, kb_id, "Heaters", COPY_CHUNKS_MAX + 1);
    too_large = copy_read(kbfix_worker.db, kbfix_a, &err);
    large = copy_read_large(kbfix_worker.db, kbfix_a, ROOMY, NULL, &err);
    cr_assert(too_large && large && too_large->too_large, "%s", err.text);
    copy_cache_put(cache, large, 0);
    copy_cache_put(cache, too_large, 0);
    found = copy_cache_get(cache, kbfix_a, 0);
    cr_expect(found == large);
    copy_release(&found);
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    changed = copy_read(kbfix_worker.db, kbfix_a, &err);
    copy_cache_put(cache, changed, 0);
    found = copy_cache_get(cache, kbfix_a, 0);
    cr_expect(found == changed);
}

/* ---- the builder ---- */

static struct copy *cached(void)
{
    const struct knowledge *state = kbfix_worker.state;

    return copy_cache_get(state->copies, kbfix_a, 0);
}

/* Waits until the cache has a copy that can be searched. */
static void wait_for_copy(void)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    for (int i = 0; i < 12000; i++) {
        AUTO(copy_release) struct copy *copy = cached();
        if (copy && !copy->too_large)
            return;
        nanosleep(&pause, NULL);
    }
    cr_assert(false, "there is no copy after a minute");
}

static const char *answer_to(const char *query)
{
    const struct search_knowledge in = {.query = query, .max_results = 3, .threshold = -1};
    struct search_result result = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_search_knowledge, kbfix_a, &in, &result, &err), 0), "%s", err.text);
    return result.n_passages ? result.passages[0].body : "";
}

#define EXPECT_ANSWER(text) cr_expect(eq(str, (char *)answer_to("Do you repair boilers?"), (text)))

Test(copy_large, searches_want_a_copy_and_are_never_behind)
{
    struct knowledge *state = kbfix_worker.state;
    const char *kb_id = kbfix_base(kbfix_a, "Large", "");
    struct err err = {0};

    state->builder = copy_builder_new(kbfix_worker.db, state->copies, ROOMY, &err);
    cr_assert(state->builder != NULL, "%s", err.text);
    kbfix_document(kbfix_a, kb_id, "Heaters", COPY_CHUNKS_MAX);
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    EXPECT_ANSWER("Yes.");
    wait_for_copy();
    EXPECT_ANSWER("Yes.");
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "No.");
    for (int i = 0; i < 5; i++)
        EXPECT_ANSWER("No.");
    wait_for_copy();
    EXPECT_ANSWER("No.");
    kbfix_run("DELETE FROM knowledge_bases WHERE kb_id = $1", kb_id);
    EXPECT_ANSWER("");
    copy_builder_destroy(&state->builder);
}

/* Searches go on wanting a copy while it is read: the one that is read is what they want. */
Test(copy_large, what_was_wanted_meanwhile_is_there)
{
    struct knowledge *state = kbfix_worker.state;
    const struct timespec longer_than_a_rest = {.tv_sec = 6};
    struct err err = {0};
    AUTO(copy_builder_destroy)
    struct copy_builder *builder = copy_builder_new(kbfix_worker.db, state->copies, ROOMY, &err);
    AUTO(copy_release) struct copy *copy = NULL, *later = NULL;

    cr_assert(builder != NULL, "%s", err.text);
    kbfix_document(kbfix_a, kbfix_base(kbfix_a, "A", ""), "Heaters", 5);
    do {
        copy_builder_want(builder, kbfix_a);
        copy = cached();
    } while (!copy);
    nanosleep(&longer_than_a_rest, NULL);
    later = cached();
    cr_expect(later == copy);
}

Test(copy_large, nothing_is_built_after_the_end)
{
    struct knowledge *state = kbfix_worker.state;
    struct err err = {0};
    AUTO(copy_builder_destroy)
    struct copy_builder *builder = copy_builder_new(kbfix_worker.db, state->copies, ROOMY, &err);
    struct copy *copy;

    cr_assert(builder != NULL, "%s", err.text);
    copy_builder_stop(builder);
    copy_builder_want(builder, kbfix_a);
    copy_builder_stop(builder);
    copy = cached();
    cr_expect(copy == NULL);
    copy_builder_want(NULL, kbfix_a);
}

/* One that rests is not forgotten among many others. */
Test(copy_large, more_clients_than_there_are_places_may_want_copies)
{
    struct knowledge *state = kbfix_worker.state;
    struct err err = {0};
    AUTO(copy_builder_destroy)
    struct copy_builder *builder = copy_builder_new(kbfix_worker.db, state->copies, ROOMY, &err);

    cr_assert(builder != NULL, "%s", err.text);
    kbfix_document(kbfix_a, kbfix_base(kbfix_a, "A", ""), "Heaters", 5);
    copy_builder_want(builder, kbfix_a);
    for (int i = 0; i < 200; i++) {
        char id[UUID_SIZE];
        uuid_new(id);
        copy_builder_want(builder, id);
    }
    wait_for_copy();
}

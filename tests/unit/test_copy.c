/* The copy of what a client knows: it answers as the database does, and no change leaves it in use. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/knowledge/embedding/half.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_cache.h"
#include "services/knowledge/search/slips.h"
#include "tests/unit/copyfix.h"
#include "tests/unit/kbfix.h"

#define DIMS 40

TestSuite(copy, .init = kbfix_open, .fini = kbfix_close, .timeout = 120);

/* ---- slips ---- */

static int slips_in_database(const char *a, const char *b)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, NULL, &rows, &err, "SELECT coalesce(leadwire_slips($1, $2), -1) AS n", db_text(a),
                        db_text(b)),
                 1),
              "%s", err.text);
    return (int)db_get_int(rows, 0, "n");
}

Test(copy, slips_are_those_of_the_database)
{
    static const char *const words[] = {"boiler",
                                        "boilers",
                                        "biolers",
                                        "bolier",
                                        "bpiler",
                                        "b",
                                        "boil",
                                        "fix",
                                        "emergncy",
                                        "emergency",
                                        "emrgncy",
                                        "guarantee",
                                        "garantee",
                                        "granatee",
                                        "whitening",
                                        "whitning",
                                        "whtinng",
                                        "مواعيد",
                                        "مواعبد",
                                        "موعيد",
                                        "niño",
                                        "nino",
                                        "niños",
                                        "señor",
                                        "senor",
                                        "sbñor",
                                        "",
                                        "aaaa",
                                        "aaab",
                                        "abbb",
                                        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        for (size_t j = 0; j < COUNT_OF(words); j++)
            cr_expect(eq(int, slips_between(words[i], words[j]), slips_in_database(words[i], words[j])), "%s %s",
                      words[i], words[j]);
}

Test(copy, random_slips_are_those_of_the_database)
{
    srand(7);
    for (int i = 0; i < 300; i++) {
        char a[16] = "", b[16] = "";
        for (int j = rand() % 12; j >= 0; j--) {
            strcat(a, (char[]){(char)('a' + rand() % 3), '\0'});
            if (rand() % 4)
                strcat(b, (char[]){rand() % 5 ? a[strlen(a) - 1] : (char)('a' + rand() % 3), '\0'});
        }
        cr_expect(eq(int, slips_between(a, b), slips_in_database(a, b)), "%s %s", a, b);
    }
}

/* ---- the same answers ---- */

static void compare(const char *client, const char *kb_id, const char *query, const float *vector)
{
    const struct search_options options = {.each = 9, .hnsw_from = INT64_MAX};
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
    copied =
        copyfix_search(kbfix_worker.db, client, kb_id, query, &of_model, vector != NULL, options.each, arena, &copy);
    copyfix_expect_all(&found, &copied, options.each, query);
}

Test(copy, it_answers_as_the_database_does)
{
    const char *kb_ids[] = {kbfix_base(kbfix_a, "First", KBFIX_MODEL), kbfix_base(kbfix_a, "Wordless", ""),
                            kbfix_base(kbfix_a, "Spanish", KBFIX_MODEL), NULL};

    srand(11);
    kbfix_run("UPDATE knowledge_bases SET language = 'spanish' WHERE kb_id = $1", kb_ids[2]);
    for (int i = 0; i < 90; i++)
        kbfix_faq(kbfix_a, kb_ids[i % 3], copyfix_words(2 + rand() % 6, 5), copyfix_words(4 + rand() % 20, 0));
    for (int i = 0; i < 4; i++)
        kbfix_document(kbfix_a, kb_ids[i % 3], copyfix_words(3, 0), 5);
    kbfix_faq(kbfix_b, kbfix_base(kbfix_b, "Other", KBFIX_MODEL), "Do you repair boilers?", "Never.");
    copyfix_embed(kbfix_a, DIMS);
    for (int i = 0; i < 60; i++) {
        float vector[DIMS];
        for (size_t j = 0; j < DIMS; j++)
            vector[j] = (float)(rand() % 1000) / 500 - 1;
        compare(kbfix_a, kb_ids[i % 4], copyfix_words(1 + rand() % 8, 25), i % 3 ? vector : NULL);
    }
    compare(kbfix_a, NULL, "Hello there!", NULL);
    compare(kbfix_b, NULL, "do you REPAIR boilers", NULL);
}

Test(copy, a_base_without_anything_and_a_client_without_bases_answer_nothing)
{
    compare(kbfix_b, NULL, "boilers", NULL);
    compare(kbfix_a, kbfix_base(kbfix_a, "Empty", ""), "boilers", NULL);
}

Test(copy, vectors_of_another_width_are_not_compared)
{
    const float vector[DIMS] = {1};
    const char *kb_id = kbfix_base(kbfix_a, "Narrow", KBFIX_MODEL);

    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    copyfix_embed(kbfix_a, DIMS / 2);
    compare(kbfix_a, kb_id, "boiler", vector);
}

/* ---- the version ---- */

static int64_t version_of(const char *client)
{
    struct err err = {0};
    const char *asked;
    int64_t version;

    cr_assert(eq(int, copy_check(kbfix_worker.db, client, NULL, NULL, kbfix_arena, &version, &asked, &err), 0), "%s",
              err.text);
    return version;
}

#define EXPECT_CHANGE(what)                                            \
    do {                                                               \
        int64_t before_ = version_of(kbfix_a);                         \
        what;                                                          \
        cr_expect(ne(i64, version_of(kbfix_a), before_), "%s", #what); \
    } while (0)

Test(copy, every_change_of_what_is_searched_changes_the_version)
{
    const char *kb_id, *document_id;

    EXPECT_CHANGE(kb_id = kbfix_base(kbfix_a, "FAQ", KBFIX_MODEL));
    EXPECT_CHANGE(kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes."));
    EXPECT_CHANGE(kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "No."));
    EXPECT_CHANGE(document_id = kbfix_document(kbfix_a, kb_id, "Boilers", 3));
    EXPECT_CHANGE(copyfix_embed(kbfix_a, DIMS));
    EXPECT_CHANGE(kbfix_run("UPDATE embeddings SET embedding = embedding + embedding WHERE client_id = $1", kbfix_a));
    EXPECT_CHANGE(kbfix_run("UPDATE documents SET title = 'Heaters' WHERE document_id = $1", document_id));
    EXPECT_CHANGE(kbfix_run("UPDATE knowledge_bases SET similarity_threshold = 0.5 WHERE kb_id = $1", kb_id));
    EXPECT_CHANGE(kbfix_run("UPDATE knowledge_bases SET language = 'spanish' WHERE kb_id = $1", kb_id));
    EXPECT_CHANGE(kbfix_run("UPDATE knowledge_bases SET embedding_model = '' WHERE kb_id = $1", kb_id));
    EXPECT_CHANGE(kbfix_run("DELETE FROM kb_words WHERE kb_id = $1", kb_id));
    EXPECT_CHANGE(kbfix_run("UPDATE chunks SET words = '' WHERE kb_id = $1", kb_id));
    EXPECT_CHANGE(kbfix_run("DELETE FROM embeddings WHERE client_id = $1", kbfix_a));
    EXPECT_CHANGE(kbfix_run("DELETE FROM documents WHERE document_id = $1", document_id));
    EXPECT_CHANGE(kbfix_run("DELETE FROM chunks WHERE kb_id = $1", kb_id));
    EXPECT_CHANGE(kbfix_run("DELETE FROM knowledge_bases WHERE kb_id = $1", kb_id));
    kbfix_base(kbfix_a, "FAQ", "");
    EXPECT_CHANGE(kbfix_run("DELETE FROM clients WHERE client_id = $1", kbfix_a));
}

Test(copy, a_change_of_one_client_is_no_change_of_another)
{
    const char *kb_id = kbfix_base(kbfix_b, "FAQ", "");
    int64_t before;

    kbfix_faq(kbfix_a, kbfix_base(kbfix_a, "FAQ", ""), "Do you repair boilers?", "Yes.");
    before = version_of(kbfix_a);
    kbfix_faq(kbfix_b, kb_id, "Do you repair boilers?", "No.");
    cr_expect(eq(i64, version_of(kbfix_a), before));
    cr_expect(ne(i64, version_of(kbfix_b), before));
}

/* A document's task does not wait for who changes knowledge. */
Test(copy, the_state_of_a_document_is_no_change)
{
    const char *document_id = kbfix_document(kbfix_a, kbfix_base(kbfix_a, "Texts", ""), "Boilers", 1);
    int64_t before = version_of(kbfix_a);

    kbfix_run("UPDATE documents SET state = 'updating', updated_at = now() WHERE document_id = $1", document_id);
    cr_expect(eq(i64, version_of(kbfix_a), before));
}

/* ---- searches ---- */

/* The body of the first passage, "" if there is none. */
static const char *answer_to(const char *client, const char *query)
{
    const struct search_knowledge in = {.query = query, .max_results = 3, .threshold = -1};
    struct search_result result = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_search_knowledge, client, &in, &result, &err), 0), "%s", err.text);
    return result.n_passages ? result.passages[0].body : "";
}

#define EXPECT_ANSWER(client, text) cr_expect(eq(str, (char *)answer_to((client), "Do you repair boilers?"), (text)))

Test(copy, the_next_search_knows_of_every_change)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "");
    struct err err = {0};
    struct clear_knowledge_base clear = {.kb_id = kb_id};
    struct removed removed = {0};

    EXPECT_ANSWER(kbfix_a, "");
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    EXPECT_ANSWER(kbfix_a, "Yes.");
    EXPECT_ANSWER(kbfix_a, "Yes.");
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "No.");
    EXPECT_ANSWER(kbfix_a, "No.");
    kbfix_run("DELETE FROM chunks WHERE kb_id = $1", kb_id);
    EXPECT_ANSWER(kbfix_a, "");
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Again.");
    EXPECT_ANSWER(kbfix_a, "Again.");
    cr_assert(eq(int, kbfix_call(on_clear_knowledge_base, kbfix_a, &clear, &removed, &err), 0), "%s", err.text);
    EXPECT_ANSWER(kbfix_a, "");
}

Test(copy, a_change_that_is_not_committed_is_not_known)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "");
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err err = {0};

    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    tx = db_begin(kbfix_worker.db, kbfix_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(gt(int, db_query(tx, NULL, &err, "DELETE FROM chunks WHERE client_id = $1", db_text(kbfix_a)), 0), "%s",
              err.text);
    EXPECT_ANSWER(kbfix_a, "Yes.");
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
    EXPECT_ANSWER(kbfix_a, "");
}

Test(copy, a_copy_is_one_clients_alone)
{
    struct err err = {0};
    struct search_knowledge in = {.query = "Do you repair boilers?", .max_results = 3, .threshold = -1};
    struct search_result result = {0};

    in.kb_id = kbfix_base(kbfix_a, "FAQ", "");
    kbfix_faq(kbfix_a, in.kb_id, "Do you repair boilers?", "Yes.");
    EXPECT_ANSWER(kbfix_a, "Yes.");
    EXPECT_ANSWER(kbfix_b, "");
    cr_expect(eq(int, kbfix_call(on_search_knowledge, kbfix_b, &in, &result, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(int, kbfix_call(on_search_knowledge, kbfix_a, &in, &result, &err), 0));
}

Test(copy, what_is_too_large_is_searched_by_the_database)
{
    const char *kb_id = kbfix_base(kbfix_a, "Large", "");
    struct err err = {0};
    AUTO(copy_release) struct copy *copy = NULL;

    kbfix_document(kbfix_a, kb_id, "Heaters", COPY_CHUNKS_MAX);
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    EXPECT_ANSWER(kbfix_a, "Yes.");
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "No.");
    EXPECT_ANSWER(kbfix_a, "No.");
    copy = copy_read(kbfix_worker.db, kbfix_a, &err);
    cr_assert(copy != NULL, "%s", err.text);
    cr_expect(copy->too_large);
    cr_expect(eq(sz, copy->n_bases, 0));
}

/* ---- the cache ---- */

static struct copy *read_copy(const char *client)
{
    struct err err = {0};
    struct copy *copy = copy_read(kbfix_worker.db, client, &err);

    cr_assert(copy != NULL, "%s", err.text);
    return copy;
}

static bool has(struct copy_cache *cache, const char *client, long long now_ms)
{
    AUTO(copy_release) struct copy *copy = copy_cache_get(cache, client, now_ms);

    return copy != NULL;
}

Test(copy, the_cache_keeps_what_fits_and_was_asked_for_last)
{
    AUTO(copy_release) struct copy *a = read_copy(kbfix_a), *b = NULL;
    AUTO(copy_cache_destroy) struct copy_cache *cache = copy_cache_new(a->bytes + a->bytes / 2);

    b = read_copy(kbfix_b);
    cr_expect(not(has(cache, kbfix_a, 0)));
    copy_cache_put(cache, a, 0);
    copy_cache_put(cache, a, 0);
    cr_expect(has(cache, kbfix_a, 0));
    copy_cache_put(cache, b, 0);
    cr_expect(has(cache, kbfix_b, 0));
    cr_expect(not(has(cache, kbfix_a, 0)));
    cr_expect(eq(int, atomic_load(&a->holders), 1));
    cr_expect(eq(str, a->client_id, kbfix_a));
}

Test(copy, what_was_too_large_is_looked_at_again_after_a_minute)
{
    AUTO(copy_cache_destroy) struct copy_cache *cache = copy_cache_new(1 << 20);
    AUTO(copy_release) struct copy *a = NULL;

    kbfix_document(kbfix_a, kbfix_base(kbfix_a, "Large", ""), "Heaters", COPY_CHUNKS_MAX + 1);
    a = read_copy(kbfix_a);
    cr_expect(a->too_large);
    copy_cache_put(cache, a, 1000);
    cr_expect(has(cache, kbfix_a, 30000));
    cr_expect(not(has(cache, kbfix_a, 62000)));
}

struct use {
    struct copy_cache *cache;
    struct copy *a, *b;
    int wrong;
};

static void *use_cache(void *arg)
{
    struct use *self = arg;

    for (int i = 0; i < 2000; i++) {
        AUTO(copy_release) struct copy *found = copy_cache_get(self->cache, i % 2 ? kbfix_a : kbfix_b, 0);
        self->wrong += found && strcmp(found->client_id, i % 2 ? kbfix_a : kbfix_b) != 0;
        if (i % 3 == 0)
            copy_cache_put(self->cache, i % 2 ? self->a : self->b, 0);
    }
    return NULL;
}

Test(copy, threads_share_the_cache)
{
    AUTO(copy_release) struct copy *a = read_copy(kbfix_a), *b = read_copy(kbfix_b);
    AUTO(copy_cache_destroy) struct copy_cache *cache = copy_cache_new(a->bytes + a->bytes / 2);
    struct use uses[4];
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        uses[i] = (struct use){cache, a, b, 0};
        cr_assert(eq(int, pthread_create(&threads[i], NULL, use_cache, &uses[i]), 0));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        cr_expect(eq(int, uses[i].wrong, 0));
    }
    cr_expect(eq(int, atomic_load(&a->holders) + atomic_load(&b->holders), 3));
}

/* ---- halves ---- */

Test(copy, halves_are_read_as_the_database_writes_them)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    static const float values[] = {0, -0.0f, 1, -1, 0.1f, -0.333f, 65504, 6e-8f, 3e-5f, 0.7071f};
    float halves[COUNT_OF(values)], rounded[COUNT_OF(values)];
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, NULL, &rows, &err,
                        "SELECT encode(halfvec_send('[0,-0,1,-1,0.1,-0.333,65504,6e-8,3e-5,0.7071]'), 'hex') AS hex"),
                 1),
              "%s", err.text);
    cr_assert(eq(sz, half_hex_dims(db_get(rows, 0, "hex")), COUNT_OF(values)));
    half_hex_decode(db_get(rows, 0, "hex"), COUNT_OF(values), halves);
    half_round(values, COUNT_OF(values), rounded);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        cr_expect(eq(flt, halves[i], rounded[i]));
        cr_expect(epsilon_eq(flt, halves[i], values[i], 1e-7f + 1e-3f * (values[i] < 0 ? -values[i] : values[i])));
    }
}

/* Search: letters are folded, words find their candidates among many, tenants stay apart, a client's HNSW index comes
 * and goes and finds what an exact search finds. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/knowledge/embedding/vector_index.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/search_store.h"
#include "tests/unit/kbfix.h"
#include "tests/unit/testdb.h"

#define DIMS 16

static struct config config;
static struct worker worker;

static void open_search(void)
{
    kbfix_open();
    config = *kbfix_worker.config;
    config.database_url = testdb_url();
    config.hnsw_min_vectors = 40;
    worker = kbfix_worker;
    worker.config = &config;
}

TestSuite(search, .init = open_search, .fini = kbfix_close, .timeout = 60);

static bool is_true(const char *sql, const char *arg)
{
    return kbfix_count(sql, arg) == 1;
}

static struct candidates look(const char *client, const char *kb_id, const char *query, const float *vector,
                              int64_t hnsw_from)
{
    const struct search_options options = {.each = 13, .hnsw_from = hnsw_from};
    const struct query_vector of_model = {.model = KBFIX_MODEL, .dims = DIMS, .values = vector};
    struct candidates found;
    struct err err = {0};

    cr_assert(eq(int,
                 search_candidates(kbfix_worker.db, client, kb_id, query, &of_model, vector != NULL, &options,
                                   kbfix_arena, &found, &err),
                 0),
              "%s", err.text);
    return found;
}

static const struct candidate *best_words(const struct candidates *found)
{
    const struct candidate *best = NULL;

    for (size_t i = 0; i < found->n; i++)
        if (!best || found->items[i].covered > best->covered)
            best = &found->items[i];
    return best;
}

static const struct candidate *nearest(const struct candidates *found)
{
    const struct candidate *best = NULL;

    for (size_t i = 0; i < found->n; i++)
        if (found->items[i].has_cosine && (!best || found->items[i].cosine > best->cosine))
            best = &found->items[i];
    return best;
}

/* ---- letters ---- */

Test(search, one_word_written_in_several_ways_is_one_word)
{
    static const char *const pairs[][2] = {
        {"أسعار", "اسعار"},   {"مدرسة", "مدرسه"}, {"مُوَاعِيد", "مواعيد"},
        {"مـــوعد", "موعد"},  {"علی", "علي"},     {"على", "علي"},
        {"کم", "كم"},         {"مسؤول", "مسوول"}, {"١٢٣٤٥٦٧٨٩٠", "1234567890"},
        {"۱۲۳", "123"},       {"ﻻ", "لا"},        {"\u200fكم\u200e", "كم"},
        {"Málaga", "Malaga"}, {"niño", "nino"},   {"don\u2019t", "don't"},
        {"ﬁx", "fix"},
    };

    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        AUTO(db_result_free) struct db_result *rows = NULL;
        struct err err = {0};
        cr_assert(eq(int,
                     db_run(kbfix_admin, NULL, &rows, &err, "SELECT leadwire_plain($1) AS a, leadwire_plain($2) AS b",
                            db_text(pairs[i][0]), db_text(pairs[i][1])),
                     1),
                  "%s", err.text);
        cr_expect(eq(str, (char *)db_get(rows, 0, "a"), (char *)db_get(rows, 0, "b")));
    }
}

Test(search, an_arabic_question_is_found_however_it_is_written)
{
    const char *kb_id = kbfix_base(kbfix_a, "Arabic", "");
    struct candidates found;

    kbfix_run("UPDATE knowledge_bases SET language = 'arabic' WHERE kb_id = $1", kb_id);
    kbfix_faq(kbfix_a, kb_id, "ما هي أوقات العمل؟", "من الساعة ٩ صباحًا إلى ٦ مساءً");
    kbfix_faq(kbfix_a, kb_id, "كم تكلفة تنظيف المكيف؟", "التنظيف ب ١٥٠ درهم");
    found = look(kbfix_a, kb_id, "ما هى اوقـات العمل", NULL, INT64_MAX);
    cr_assert(gt(sz, found.n, 0));
    cr_expect(best_words(&found)->exact);
    found = look(kbfix_a, kb_id, "تكلفه تنظيف مكيف", NULL, INT64_MAX);
    cr_assert(gt(sz, found.n, 0));
    cr_expect(eq(str, (char *)best_words(&found)->title, "كم تكلفة تنظيف المكيف؟"));
    found = look(kbfix_a, kb_id, "150 درهم", NULL, INT64_MAX);
    cr_assert(gt(sz, found.n, 0));
    cr_expect(eq(str, (char *)best_words(&found)->title, "كم تكلفة تنظيف المكيف؟"));
}

/* ---- words among many ---- */

/* n FAQs that all say the same words, and one other word each. */
static void fill(const char *client, const char *kb_id, int n)
{
    for (int i = 0; i < n; i++) {
        char question[100], answer[100];
        snprintf(question, sizeof question, "Does the boiler model zq%dx need a yearly service?", i);
        snprintf(answer, sizeof answer, "Boiler zq%dx wants its service in month %d.", i, i % 12);
        kbfix_faq(client, kb_id, question, answer);
    }
}

Test(search, a_rare_word_is_found_among_frequent_ones)
{
    const char *kb_id = kbfix_base(kbfix_a, "Boilers", "");
    struct candidates found;

    fill(kbfix_a, kb_id, 130);
    found = look(kbfix_a, kb_id, "boiler service zq77x", NULL, INT64_MAX);
    cr_assert(gt(sz, found.n, 0));
    cr_expect(strstr(best_words(&found)->title, "zq77x") != NULL, "%s", best_words(&found)->title);
    found = look(kbfix_a, kb_id, "boiler yearly service", NULL, INT64_MAX);
    cr_expect(gt(sz, found.n, 5), "where frequent words meet there are candidates, too");
    cr_expect(lt(sz, found.n, 60), "but not all of the base");
    found = look(kbfix_a, kb_id, "boyler srevice zq77x", NULL, INT64_MAX);
    cr_expect(strstr(best_words(&found)->title, "zq77x") != NULL, "%s", best_words(&found)->title);
}

Test(search, counts_follow_what_is_added_replaced_and_removed)
{
    static const char counts[] = "SELECT (SELECT units FROM kb_sizes WHERE kb_id = $1::uuid) * 100"
                                 "     + coalesce((SELECT units FROM kb_terms WHERE kb_id = $1::uuid"
                                 "                    AND lexeme = 'boiler'), 0) AS n";
    const char *kb_id = kbfix_base(kbfix_a, "Counts", "");

    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "All boilers.");
    kbfix_faq(kbfix_a, kb_id, "Do you sell pipes?", "No.");
    cr_expect(eq(i64, kbfix_count(counts, kb_id), 201));
    kbfix_faq(kbfix_a, kb_id, "Do you sell pipes?", "Only with a boiler.");
    cr_expect(eq(i64, kbfix_count(counts, kb_id), 202));
    kbfix_document(kbfix_a, kb_id, "Boiler", 3);
    cr_expect(eq(i64, kbfix_count(counts, kb_id), 505));
    kbfix_run("DELETE FROM documents WHERE kb_id = $1 AND kind = 'document'", kb_id);
    cr_expect(eq(i64, kbfix_count(counts, kb_id), 202));
    kbfix_run("DELETE FROM knowledge_bases WHERE kb_id = $1", kb_id);
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM kb_terms WHERE kb_id = $1", kb_id), 0));
}

/* Lexemes of the base whose count is another than what its chunks say, and 1 if its size is. */
#define MISCOUNTED                                                                                                     \
    "WITH said AS (SELECT lexeme, count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS units FROM chunks,"    \
    "                     unnest(tsvector_to_array(words)) AS lexeme WHERE kb_id = $1::uuid GROUP BY lexeme)"          \
    " SELECT (SELECT count(*) FROM said FULL JOIN (SELECT * FROM kb_terms WHERE kb_id = $1::uuid) AS t USING (lexeme)" \
    "          WHERE coalesce(said.units, 0) <> coalesce(t.units, 0))"                                                 \
    "     + (SELECT count(*) FROM (SELECT coalesce(sum(units), 0)::bigint AS units, coalesce(sum(chunks), 0)::bigint " \
    "AS chunks"                                                                                                        \
    "                                FROM kb_sizes WHERE kb_id = $1::uuid) AS size,"                                   \
    "               (SELECT count(DISTINCT leadwire_unit(part, document_id, chunk_id)) AS units, count(*) AS chunks"   \
    "                  FROM chunks WHERE kb_id = $1::uuid) AS counted WHERE size <> counted) AS n"

static void fill_mixed(const char *kb_id)
{
    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "All boilers.");
    kbfix_faq(kbfix_a, kb_id, "Do you sell pipes?", "No.");
    kbfix_document(kbfix_a, kb_id, "Boiler", 3);
    kbfix_document(kbfix_a, kb_id, "Pipes", 2);
    kbfix_faq(kbfix_a, kb_id, "Do you sell pipes?", "Only with a boiler.");
}

Test(search, counts_are_as_if_made_anew_also_for_a_base_that_was_emptied)
{
    const char *kb_id = kbfix_base(kbfix_a, "Counts", ""), *other = kbfix_base(kbfix_a, "Other", "");
    struct clear_knowledge_base clear = {.kb_id = kb_id};
    struct removed removed = {0};
    struct err err = {0};

    fill_mixed(kb_id);
    fill_mixed(other);
    cr_expect(eq(i64, kbfix_count(MISCOUNTED, kb_id), 0));
    kbfix_run("DELETE FROM chunks WHERE kb_id = $1 AND body LIKE 'Boiler %'", kb_id);
    cr_expect(eq(i64, kbfix_count(MISCOUNTED, kb_id), 0));
    cr_assert(eq(int, kbfix_call(on_clear_knowledge_base, kbfix_a, &clear, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, kbfix_count(MISCOUNTED, kb_id), 0));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM kb_words WHERE kb_id = $1", kb_id), 0));
    fill_mixed(kb_id);
    cr_expect(eq(i64, kbfix_count(MISCOUNTED, kb_id), 0));
    cr_expect(eq(i64, kbfix_count(MISCOUNTED, other), 0));
    /* One statement that empties one base and not the other. */
    kbfix_run("DELETE FROM chunks WHERE kb_id = $1 OR body LIKE 'Pipes %'", kb_id);
    cr_expect(eq(i64, kbfix_count(MISCOUNTED, kb_id), 0));
    cr_expect(eq(i64, kbfix_count(MISCOUNTED, other), 0));
    cr_expect(gt(i64, kbfix_count("SELECT count(*) AS n FROM kb_words WHERE kb_id = $1", other), 0));
}

/* ---- tenants ---- */

Test(search, another_clients_knowledge_cannot_be_asked_for)
{
    static const char asked[] =
        "SELECT count(*) AS n FROM leadwire_candidates($1, NULL, 'boilers', 5, '{}', '{}', 1000)";
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};
    const char *kb_id = kbfix_base(kbfix_a, "Mine", "");

    kbfix_faq(kbfix_a, kb_id, "Do you repair boilers?", "Yes.");
    cr_assert(eq(int, db_run(kbfix_worker.db, kbfix_a, &rows, &err, asked, db_text(kbfix_a)), 1), "%s", err.text);
    cr_expect(gt(i64, db_get_int(rows, 0, "n"), 1));
    cr_expect(eq(int, db_run(kbfix_worker.db, kbfix_b, NULL, &err, asked, db_text(kbfix_a)), -1));
    cr_expect(eq(int, db_run(kbfix_worker.db, NULL, NULL, &err, asked, db_text(kbfix_a)), -1));
    cr_expect(eq(int,
                 db_run(kbfix_worker.db, kbfix_a, NULL, &err,
                        "SELECT * FROM leadwire_near($1, $2, 'english', '{boyler}', '{1}')", db_text(kbfix_a),
                        db_text(kb_id)),
                 -1),
              "what does not check its client is not to be called");
    cr_expect(eq(int,
                 db_run(kbfix_worker.db, kbfix_a, NULL, &err,
                        "SELECT * FROM leadwire_nearest($1, 'm', 3, '[1,2,3]', 5)", db_text(kbfix_a)),
                 -1));
}

/* ---- the index ---- */

/* Gives all chunks of the client a vector of DIMS random numbers that have none. */
static void embed_randomly(const char *client)
{
    kbfix_run("INSERT INTO embeddings (client_id, model, text_hash, embedding)"
              " SELECT DISTINCT ON (text_hash) client_id, '" KBFIX_MODEL "', text_hash,"
              "        (SELECT array_agg(random() - 0.5) FROM generate_series(1, 16) WHERE chunk_id IS NOT NULL)"
              "          ::real[]::vector::halfvec"
              "   FROM chunks WHERE client_id = $1 ON CONFLICT DO NOTHING",
              client);
}

static void check_index(const char *client)
{
    struct err err = {0};
    AUTO(db_rollback) struct db_tx *tx = db_begin(worker.db, client, &err);

    cr_assert(tx != NULL, "%s", err.text);
    cr_assert(eq(int, vector_index_check(&worker, tx, client, KBFIX_MODEL, &err), 0), "%s", err.text);
    cr_assert(eq(int, db_commit(&tx, &err), 0), "%s", err.text);
}

static int64_t tasks(const char *client)
{
    return kbfix_count("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND kind = 'build_vector_index'", client);
}

static void run_task(const char *client)
{
    const struct build_vector_index payload = {.model = KBFIX_MODEL};
    struct task task = {.kind = task_kind_find("build_vector_index"), .payload = &payload, .arena = kbfix_arena};
    struct err err = {0};

    snprintf(task.client_id, sizeof task.client_id, "%s", client);
    cr_assert(eq(int, on_build_vector_index(&worker, &task, &err), 0), "%s", err.text);
}

static bool is_ready(const char *client)
{
    return is_true("SELECT count(*) AS n FROM vector_indexes v JOIN pg_class c ON c.relname = v.index_name"
                   "  JOIN pg_index i ON i.indexrelid = c.oid"
                   " WHERE v.client_id = $1 AND v.state = 'ready' AND i.indisvalid",
                   client);
}

static int64_t indexes(void)
{
    return kbfix_count("SELECT count(*) AS n FROM pg_class WHERE relname LIKE 'vectors\\_%' AND $1 = ''", "");
}

static int64_t index_functions(void)
{
    return kbfix_count("SELECT count(*) AS n FROM pg_proc WHERE proname LIKE 'vectors\\_%' AND $1 = ''", "");
}

Test(search, an_index_is_wanted_from_the_threshold_on_and_no_more_below_half_of_it)
{
    const char *kb_id = kbfix_base(kbfix_a, "Many", KBFIX_MODEL);

    kbfix_document(kbfix_a, kb_id, "Few", 30);
    embed_randomly(kbfix_a);
    check_index(kbfix_a);
    cr_expect(eq(i64, tasks(kbfix_a), 0));
    kbfix_document(kbfix_a, kb_id, "More", 30);
    embed_randomly(kbfix_a);
    check_index(kbfix_a);
    check_index(kbfix_a);
    cr_expect(eq(i64, tasks(kbfix_a), 1), "one task, however often it is looked");
    run_task(kbfix_a);
    cr_expect(is_ready(kbfix_a));
    run_task(kbfix_a);
    cr_expect(is_ready(kbfix_a), "a second run changes nothing");
    kbfix_run("DELETE FROM embeddings WHERE text_hash IN (SELECT text_hash FROM embeddings"
              " WHERE client_id = $1 ORDER BY text_hash LIMIT 30)",
              kbfix_a);
    check_index(kbfix_a);
    cr_expect(eq(i64, tasks(kbfix_a), 1), "between half and whole nothing changes");
    kbfix_run("DELETE FROM embeddings WHERE text_hash IN (SELECT text_hash FROM embeddings"
              " WHERE client_id = $1 ORDER BY text_hash LIMIT 15)",
              kbfix_a);
    check_index(kbfix_a);
    cr_expect(eq(i64, tasks(kbfix_a), 2));
    cr_expect(not(is_ready(kbfix_a)), "searches do without it from now on");
    run_task(kbfix_a);
    cr_expect(eq(i64, indexes(), 0));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM vector_indexes WHERE client_id = $1", kbfix_a), 0));
}

Test(search, an_index_goes_when_the_client_empties_its_bases)
{
    struct clear_knowledge_base clear = {.kb_id = kbfix_base(kbfix_a, "Many", KBFIX_MODEL)};
    struct removed removed = {0};
    struct err err = {0};

    kbfix_document(kbfix_a, clear.kb_id, "Much", 60);
    embed_randomly(kbfix_a);
    check_index(kbfix_a);
    run_task(kbfix_a);
    cr_expect(is_ready(kbfix_a));
    cr_assert(eq(int, kbfix_call(on_clear_knowledge_base, kbfix_a, &clear, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, tasks(kbfix_a), 2));
    run_task(kbfix_a);
    cr_expect(eq(i64, indexes(), 0));
    cr_expect(eq(i64, kbfix_count("SELECT count(*) AS n FROM vector_indexes WHERE client_id = $1", kbfix_a), 0));
}

Test(search, leftovers_of_a_broken_build_and_of_a_deleted_client_are_cleared)
{
    const char *kb_id = kbfix_base(kbfix_a, "Many", KBFIX_MODEL);

    kbfix_document(kbfix_a, kb_id, "Much", 60);
    embed_randomly(kbfix_a);
    check_index(kbfix_a);
    /* Of another width, as after the model's dimensions changed; and one that nobody knows. */
    kbfix_run("DO $$ DECLARE own text := (SELECT index_name FROM vector_indexes LIMIT 1); BEGIN"
              " EXECUTE format('CREATE INDEX %I ON embeddings USING hnsw ((embedding::halfvec(8)) halfvec_cosine_ops)"
              "  WHERE vector_dims(embedding) = 8', own);"
              " CREATE INDEX vectors_nobodys ON embeddings USING hnsw ((embedding::halfvec(9)) halfvec_cosine_ops)"
              "  WHERE vector_dims(embedding) = 9; END $$",
              NULL);
    run_task(kbfix_a);
    cr_expect(is_ready(kbfix_a));
    cr_expect(eq(i64, indexes(), 1));
    cr_expect(eq(i64, index_functions(), 1));
    kbfix_run("DELETE FROM clients WHERE client_id = $1", kbfix_a);
    run_task(kbfix_a);
    cr_expect(eq(i64, indexes(), 0));
    cr_expect(eq(i64, index_functions(), 0));
}

/* The share of searches, in all bases and in each, whose nearest by the index is the nearest. */
static double found_by_index(const char *large, const char *small)
{
    int right = 0, all = 0;

    for (int i = 0; i < 20; i++) {
        const char *const scopes[] = {NULL, large, small};
        float vector[DIMS];
        for (int j = 0; j < DIMS; j++)
            vector[j] = (float)((i * 31 + j * 17 + i * j * 7) % 23) - 11.0f;
        for (size_t j = 0; j < COUNT_OF(scopes); j++) {
            struct candidates exact = look(kbfix_a, scopes[j], "xyzzy", vector, INT64_MAX);
            struct candidates found = look(kbfix_a, scopes[j], "xyzzy", vector, 1);
            cr_assert(nearest(&exact) && nearest(&found));
            all++;
            right += strcmp(nearest(&exact)->chunk_id, nearest(&found)->chunk_id) == 0;
            for (size_t k = 0; scopes[j] && k < found.n; k++)
                cr_expect(eq(str, (char *)found.items[k].kb_id, (char *)scopes[j]));
        }
    }
    return (double)right / all;
}

Test(search, the_index_finds_what_an_exact_search_finds_in_all_bases_and_in_one)
{
    const char *large = kbfix_base(kbfix_a, "Large", KBFIX_MODEL), *small = kbfix_base(kbfix_a, "Small", KBFIX_MODEL);

    kbfix_document(kbfix_a, large, "Large", 300);
    kbfix_document(kbfix_a, small, "Small", 45);
    embed_randomly(kbfix_a);
    check_index(kbfix_a);
    run_task(kbfix_a);
    cr_assert(is_ready(kbfix_a));
    cr_expect(ge(dbl, found_by_index(large, small), 0.95));
    /* An index that a process of the version before has made has no function. */
    kbfix_run("DO $$ BEGIN EXECUTE (SELECT 'DROP FUNCTION ' || oid::regprocedure FROM pg_proc"
              " WHERE proname LIKE 'vectors\\_%'); END $$",
              NULL);
    cr_expect(ge(dbl, found_by_index(large, small), 0.95));
    kbfix_run("DELETE FROM clients WHERE client_id = $1", kbfix_a);
    run_task(kbfix_a);
}

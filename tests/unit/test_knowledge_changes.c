/* A base's settings are changed, and what they mean for what it holds; and what it holds is counted. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/messages.h"
#include "services/knowledge/knowledge.h"
#include "tests/unit/kbfix.h"

#define LARGE "text-embedding-3-large"

TestSuite(knowledge_changes, .init = kbfix_open, .fini = kbfix_close, .timeout = 60);

static struct knowledge_base change(struct update_knowledge_base in)
{
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_update_knowledge_base, kbfix_a, &in, &base, &err), 0), "%s", err.text);
    return base;
}

static void refused(struct update_knowledge_base in, enum err_kind kind, const char *field)
{
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_expect(eq(int, kbfix_call(on_update_knowledge_base, kbfix_a, &in, &base, &err), -1));
    cr_expect(eq(int, err.kind, kind), "%s", err.text);
    cr_expect(eq(str, err.field, (char *)field));
}

static int64_t tasks(void)
{
    return kbfix_count("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND kind = 'bulk_ingest_faqs'", kbfix_a);
}

static int64_t vectors(const char *model)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, &rows, &err,
                        "SELECT count(*) AS n FROM embeddings WHERE client_id = $1 AND model = $2", db_text(kbfix_a),
                        db_text(model)),
                 1));
    return db_get_int(rows, 0, "n");
}

/* ---- settings ---- */

Test(knowledge_changes, what_is_absent_stays_as_it_is)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);
    struct knowledge_base base =
        change((struct update_knowledge_base){.kb_id = kb_id, .description = "About us", .similarity_threshold = -1});

    cr_expect(eq(str, (char *)base.name, "One"));
    cr_expect(eq(str, (char *)base.description, "About us"));
    cr_expect(eq(dbl, base.similarity_threshold, 0.75));
    cr_expect(eq(str, (char *)base.language, "english"));
    cr_expect(eq(str, (char *)base.embedding_model, KBFIX_MODEL));
    base = change((struct update_knowledge_base){.kb_id = kb_id, .name = "Zwei", .similarity_threshold = 0});
    cr_expect(eq(str, (char *)base.name, "Zwei"));
    cr_expect(eq(str, (char *)base.description, "About us"));
    cr_expect(eq(dbl, base.similarity_threshold, 0));
    base = change((struct update_knowledge_base){.kb_id = kb_id, .description = "", .similarity_threshold = -1});
    cr_expect(eq(str, (char *)base.description, ""));
    cr_expect(gt(i64, base.updated_at, base.created_at));
}

Test(knowledge_changes, what_makes_no_sense_is_refused_and_changes_nothing)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);

    kbfix_base(kbfix_a, "Two", "");
    kbfix_base(kbfix_b, "Three", "");
    refused((struct update_knowledge_base){.kb_id = kb_id, .name = " ", .similarity_threshold = -1}, ERR_INVALID,
            "name");
    refused((struct update_knowledge_base){.kb_id = kb_id, .name = "Two", .similarity_threshold = -1}, ERR_CONFLICT,
            "name");
    refused((struct update_knowledge_base){.kb_id = kb_id, .similarity_threshold = -0.5}, ERR_INVALID,
            "similarity_threshold");
    refused((struct update_knowledge_base){.kb_id = kb_id, .language = "klingon", .similarity_threshold = -1},
            ERR_INVALID, "language");
    refused((struct update_knowledge_base){.kb_id = kb_id, .embedding_model = "a\nb", .similarity_threshold = -1},
            ERR_INVALID, "embedding_model");
    change((struct update_knowledge_base){.kb_id = kb_id, .name = "Three", .similarity_threshold = -1});
    change((struct update_knowledge_base){.kb_id = kb_id, .name = "Three", .similarity_threshold = -1});
}

/* ---- the model ---- */

Test(knowledge_changes, an_empty_base_changes_its_model_at_once)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);
    struct knowledge_base base =
        change((struct update_knowledge_base){.kb_id = kb_id, .embedding_model = LARGE, .similarity_threshold = -1});

    cr_expect(eq(str, (char *)base.embedding_model, LARGE));
    cr_expect(base.next_model == NULL);
    cr_expect(eq(i64, tasks(), 0));
}

Test(knowledge_changes, the_old_vectors_answer_until_the_task_has_made_the_new_ones)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);
    struct knowledge_base base;

    kbfix_document(kbfix_a, kb_id, "Text", 3);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    base = change((struct update_knowledge_base){.kb_id = kb_id, .embedding_model = LARGE, .similarity_threshold = -1});
    cr_expect(eq(str, (char *)base.embedding_model, KBFIX_MODEL));
    cr_assert(base.next_model != NULL);
    cr_expect(eq(str, (char *)base.next_model, LARGE));
    cr_expect(eq(i64, tasks(), 1));
    cr_expect(eq(i64, vectors(KBFIX_MODEL), 3));

    kbfix_embed(kbfix_a, LARGE); /* some are there already when it is changed back */
    base = change(
        (struct update_knowledge_base){.kb_id = kb_id, .embedding_model = KBFIX_MODEL, .similarity_threshold = -1});
    cr_expect(eq(str, (char *)base.embedding_model, KBFIX_MODEL));
    cr_expect(base.next_model == NULL);
    cr_expect(eq(i64, vectors(KBFIX_MODEL), 3));
    cr_expect(eq(i64, vectors(LARGE), 0));
    cr_expect(eq(i64, tasks(), 1));
}

Test(knowledge_changes, no_model_drops_the_vectors_at_once)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL), *other = kbfix_base(kbfix_a, "Two", KBFIX_MODEL);
    struct knowledge_base base;

    kbfix_document(kbfix_a, kb_id, "Text", 3);
    kbfix_document(kbfix_a, other, "Other", 2);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    base = change((struct update_knowledge_base){.kb_id = kb_id, .embedding_model = "", .similarity_threshold = -1});
    cr_expect(eq(str, (char *)base.embedding_model, ""));
    cr_expect(base.next_model == NULL);
    cr_expect(eq(i64, vectors(KBFIX_MODEL), 2));
    cr_expect(eq(i64, tasks(), 0));
}

/* ---- the language ---- */

Test(knowledge_changes, another_language_makes_all_words_anew)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", "");
    struct search_knowledge in = {.query = "Heizung", .max_results = 5, .threshold = 0.1};
    struct search_result result = {0};
    struct knowledge_base base;
    struct err err = {0};

    kbfix_faq(kbfix_a, kb_id, "Reparieren Sie Heizungen?", "Wir reparieren alle Heizungen.");
    kbfix_document(kbfix_a, kb_id, "Die Heizungen", 3);
    base = change((struct update_knowledge_base){.kb_id = kb_id, .language = "german", .similarity_threshold = -1});
    cr_expect(eq(str, (char *)base.language, "german"));
    cr_expect(eq(i64,
                 kbfix_count("SELECT count(*) AS n FROM chunks WHERE client_id = $1"
                             " AND words <> leadwire_tsvector('german', heading || E'\\n' || body)",
                             kbfix_a),
                 0));
    cr_expect(eq(i64,
                 kbfix_count("SELECT count(*) AS n FROM kb_words WHERE client_id = $1 AND word = 'heizungen'"
                             " AND lexeme = 'heizung'",
                             kbfix_a),
                 1));
    cr_expect(eq(i64,
                 kbfix_count("SELECT count(*) AS n FROM kb_words WHERE client_id = $1"
                             " AND lexeme <> coalesce(leadwire_lexeme('german', word), '')",
                             kbfix_a),
                 0));
    struct call c = {.client_id = kbfix_a, .request = &in, .reply = &result, .arena = kbfix_arena};
    cr_assert(eq(int, on_search_knowledge(&kbfix_worker, &c, &err), 0), "%s", err.text);
    cr_expect(ge(sz, result.n_passages, 1));
}

/* Words are made here as they are where a text is taken in. */
Test(knowledge_changes, a_language_that_is_changed_back_leaves_the_words_as_they_were)
{
    static const char differs[] =
        "SELECT (SELECT count(*) FROM (SELECT chunk_id, words::text FROM chunks WHERE client_id = $1 EXCEPT"
        "                              SELECT chunk_id, words FROM words_before) AS c)"
        "     + (SELECT count(*) FROM (SELECT word, lexeme FROM kb_words WHERE client_id = $1 EXCEPT"
        "                              SELECT word, lexeme FROM kb_words_before) AS w)"
        "     + (SELECT count(*) FROM (SELECT word, lexeme FROM kb_words_before EXCEPT"
        "                              SELECT word, lexeme FROM kb_words WHERE client_id = $1) AS w) AS n";
    const char *kb_id = kbfix_base(kbfix_a, "One", "");

    kbfix_faq(kbfix_a, kb_id, "Do cafés open on the weekend?", "The naïve café opens at 9; it’s running late.");
    kbfix_faq(kbfix_a, kb_id, "ما هي أوقات العمل؟", "8-17");
    kbfix_run("CREATE TABLE words_before AS SELECT chunk_id, words::text FROM chunks WHERE $1 <> ''", kbfix_a);
    kbfix_run("CREATE TABLE kb_words_before AS SELECT word, lexeme FROM kb_words WHERE $1 <> ''", kbfix_a);
    cr_expect(eq(i64, kbfix_count(differs, kbfix_a), 0));
    change((struct update_knowledge_base){.kb_id = kb_id, .language = "simple", .similarity_threshold = -1});
    cr_expect(gt(i64, kbfix_count(differs, kbfix_a), 0));
    change((struct update_knowledge_base){.kb_id = kb_id, .language = "english", .similarity_threshold = -1});
    cr_expect(eq(i64, kbfix_count(differs, kbfix_a), 0));
    kbfix_run("DROP TABLE words_before", NULL);
    kbfix_run("DROP TABLE kb_words_before", NULL);
}

/* ---- what it holds ---- */

static struct knowledge_stats stats_of(const char *kb_id)
{
    struct get_knowledge_stats in = {.kb_id = kb_id};
    struct knowledge_stats stats = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_get_knowledge_stats, kbfix_a, &in, &stats, &err), 0), "%s", err.text);
    return stats;
}

Test(knowledge_changes, an_empty_base_counts_nothing)
{
    struct knowledge_stats stats = stats_of(kbfix_base(kbfix_a, "One", ""));

    cr_expect(eq(i64, stats.documents + stats.faqs + stats.chunks + stats.chunks_waiting + stats.bytes, 0));
    cr_expect(eq(i64, stats.dimensions + stats.vector_bytes + stats.client_vectors, 0));
    cr_expect(eq(i64, stats.last_ingested_at, 0));
    cr_expect(eq(str, (char *)stats.search, "none"));
    cr_expect(eq(str, (char *)stats.embedding_model, ""));
    cr_expect(stats.next_model == NULL);
}

Test(knowledge_changes, stats_count_what_is_there)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL), *other = kbfix_base(kbfix_a, "Two", KBFIX_MODEL);
    struct knowledge_stats stats;

    kbfix_document(kbfix_a, kb_id, "Text", 5);
    kbfix_document(kbfix_a, kb_id, "Failed", 0);
    kbfix_faq(kbfix_a, kb_id, "Where are you?", "In Springfield.");
    kbfix_faq(kbfix_a, kb_id, "Where is it?", "In Springfield."); /* one vector for both answers */
    kbfix_document(kbfix_a, other, "Other", 7);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    kbfix_run("UPDATE documents SET state = 'failed' WHERE client_id = $1 AND title = 'Failed'", kbfix_a);
    kbfix_run("UPDATE embeddings e SET embedding = NULL FROM chunks c WHERE c.client_id = $1 AND e.client_id = $1"
              " AND e.text_hash = c.text_hash AND c.body = 'Text 0'",
              kbfix_a);
    kbfix_run("DELETE FROM embeddings e USING chunks c WHERE c.client_id = $1 AND e.client_id = $1"
              " AND e.text_hash = c.text_hash AND c.body IN ('Text 1', 'Text 2')",
              kbfix_a);
    stats = stats_of(kb_id);
    cr_expect(eq(str, (char *)stats.kb_id, (char *)kb_id));
    cr_expect(eq(i64, stats.documents, 2));
    cr_expect(eq(i64, stats.documents_failed, 1));
    cr_expect(eq(i64, stats.documents_ingesting + stats.documents_updating, 0));
    cr_expect(eq(i64, stats.faqs, 2));
    cr_expect(eq(i64, stats.chunks, 9));
    cr_expect(eq(i64, stats.chunks_refused, 1));
    cr_expect(eq(i64, stats.chunks_waiting, 2));
    cr_expect(eq(i64, stats.chunks_embedded, 6));
    cr_expect(eq(i64, stats.dimensions, 100));
    cr_expect(eq(i64, stats.vector_bytes, 5 * (8 + 2 * 100)));
    cr_expect(eq(i64, stats.vector_bytes,
                 kbfix_count("SELECT sum(pg_column_size(embedding)) AS n FROM embeddings e WHERE client_id = $1 AND"
                             " text_hash IN (SELECT text_hash FROM chunks c JOIN knowledge_bases b USING (kb_id)"
                             " WHERE b.name = 'One')",
                             kbfix_a)));
    cr_expect(eq(i64, stats.client_vectors, 5 + 7));
    cr_expect(eq(i64, stats.bytes,
                 kbfix_count("SELECT sum(octet_length(heading || body)) AS n FROM chunks c JOIN knowledge_bases b"
                             " USING (kb_id) WHERE c.client_id = $1 AND name = 'One'",
                             kbfix_a)));
    cr_expect(eq(i64, stats.tokens,
                 kbfix_count("SELECT sum(tokens) AS n FROM chunks c JOIN knowledge_bases b"
                             " USING (kb_id) WHERE c.client_id = $1 AND name = 'One'",
                             kbfix_a)));
    cr_expect(eq(str, (char *)stats.search, "exact"));
    cr_expect(gt(i64, stats.last_ingested_at, 0));
}

Test(knowledge_changes, stats_tell_what_the_next_model_waits_for)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);
    struct knowledge_stats stats;

    kbfix_document(kbfix_a, kb_id, "Text", 5);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    change((struct update_knowledge_base){.kb_id = kb_id, .embedding_model = LARGE, .similarity_threshold = -1});
    stats = stats_of(kb_id);
    cr_expect(eq(str, (char *)stats.next_model, LARGE));
    cr_expect(eq(i64, stats.chunks_embedded, 5));
    cr_expect(eq(i64, stats.chunks_waiting, 5));
}

/* ---- the vocabulary ---- */

static int64_t has_word(const char *word)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, &rows, &err,
                        "SELECT count(*) AS n FROM kb_words WHERE client_id = $1 AND word = $2", db_text(kbfix_a),
                        db_text(word)),
                 1));
    return db_get_int(rows, 0, "n");
}

Test(knowledge_changes, words_leave_the_vocabulary_with_the_last_who_says_them)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", "");
    const char *faq_id = kbfix_faq(kbfix_a, kb_id, "What about thermostats?", "We fit any thermostat and radiator.");
    struct delete_faq in = {.kb_id = kb_id, .document_id = faq_id};
    struct removed removed;
    struct err err = {0};

    kbfix_faq(kbfix_a, kb_id, "Do you do radiators?", "Yes, also the chimney.");
    cr_expect(eq(i64, kbfix_vocabulary_faults(), 0));
    kbfix_faq(kbfix_a, kb_id, "Do you do radiators?", "Yes, and boilers.");
    cr_expect(eq(i64, has_word("chimney"), 0));
    cr_expect(eq(i64, has_word("boilers"), 1));
    cr_expect(eq(i64, kbfix_vocabulary_faults(), 0));
    cr_assert(eq(int, kbfix_call(on_delete_faq, kbfix_a, &in, &removed, &err), 0), "%s", err.text);
    cr_expect(eq(i64, has_word("thermostat"), 0));
    cr_expect(eq(i64, has_word("radiators"), 1));
    cr_expect(eq(i64, kbfix_vocabulary_faults(), 1)); /* "radiator": no text has it, but one of the same lexeme */
}

/* ---- the index of its vectors ---- */

static void make_index_known(const char *state)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, &rows, &err,
                        "INSERT INTO vector_indexes (client_id, model, index_name, dimensions, state)"
                        " VALUES ($1, $2, 'vectors_test', 100, $3)"
                        " ON CONFLICT (client_id, model) DO UPDATE SET state = excluded.state",
                        db_text(kbfix_a), db_text(KBFIX_MODEL), db_text(state)),
                 1),
              "%s", err.text);
}

Test(knowledge_changes, stats_tell_hnsw_when_the_index_can_be_used)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);

    kbfix_document(kbfix_a, kb_id, "Text", 5);
    kbfix_embed(kbfix_a, KBFIX_MODEL);
    make_index_known("building");
    cr_expect(eq(str, (char *)stats_of(kb_id).search, "exact"));
    make_index_known("ready");
    cr_expect(eq(str, (char *)stats_of(kb_id).search, "hnsw"));
}

/* Whether it came to be known that the few vectors need no index any more; forgotten again. */
static bool index_is_let_go(void)
{
    bool unwanted = kbfix_count("SELECT count(*) AS n FROM vector_indexes WHERE client_id = $1 AND state = 'unwanted'",
                                kbfix_a) == 1 &&
                    kbfix_count("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND kind = 'build_vector_index'",
                                kbfix_a) == 1;

    kbfix_run("DELETE FROM tasks WHERE client_id = $1 AND kind = 'build_vector_index'", kbfix_a);
    make_index_known("ready");
    return unwanted;
}

/* Here no client has so many vectors that they want an index. */
Test(knowledge_changes, whatever_removes_vectors_looks_at_their_index)
{
    const char *kb_id = kbfix_base(kbfix_a, "One", KBFIX_MODEL);
    const char *faq_id = kbfix_faq(kbfix_a, kb_id, "Where are you?", "In Springfield.");
    const char *document_id = kbfix_document(kbfix_a, kb_id, "Text", 3);
    struct delete_faq faq = {.kb_id = kb_id, .document_id = faq_id};
    struct delete_document document = {.kb_id = kb_id, .document_id = document_id};
    struct clear_knowledge_base clear = {.kb_id = kb_id};
    struct delete_knowledge_base all = {.kb_id = kb_id};
    struct removed removed;
    struct err err = {0};

    make_index_known("ready");
    cr_assert(eq(int, kbfix_call(on_delete_faq, kbfix_a, &faq, &removed, &err), 0), "%s", err.text);
    cr_expect(index_is_let_go());
    cr_assert(eq(int, kbfix_call(on_delete_document, kbfix_a, &document, &removed, &err), 0), "%s", err.text);
    cr_expect(index_is_let_go());
    change((struct update_knowledge_base){.kb_id = kb_id, .embedding_model = LARGE, .similarity_threshold = -1});
    cr_expect(index_is_let_go());
    cr_assert(eq(int, kbfix_call(on_clear_knowledge_base, kbfix_a, &clear, &removed, &err), 0), "%s", err.text);
    cr_expect(index_is_let_go());
    cr_assert(eq(int, kbfix_call(on_delete_knowledge_base, kbfix_a, &all, &removed, &err), 0), "%s", err.text);
    cr_expect(index_is_let_go());
}

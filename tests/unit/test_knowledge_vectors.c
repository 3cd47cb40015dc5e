/* Chunks get their vectors, in any order of failures, and a base changes its model while the old ones answer. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "proto/messages.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/knowledge.h"
#include "tests/unit/embfix.h"

TestSuite(knowledge_vectors, .init = embfix_open, .fini = embfix_close, .timeout = 60);

static struct add_faqs_result add_many(const char *kb_id, const char *json)
{
    struct add_faqs in = {.kb_id = kb_id, .faqs = json};
    struct add_faqs_result reply = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_add_faqs, kbfix_a, &in, &reply, &err), 0), "%s", err.text);
    return reply;
}

/* One task, which must fail like this. */
static void expect_failure(enum err_kind kind)
{
    struct err err = {0};

    cr_expect(eq(int, embfix_work(&err), -1));
    cr_expect(eq(int, err.kind, kind), "%s", err.text);
}

static int64_t count(const char *sql)
{
    return kbfix_count(sql, kbfix_a);
}

static void set_model(const char *kb_id, const char *next_model)
{
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, NULL, &err,
                        "UPDATE knowledge_bases SET next_model = $2 WHERE kb_id = $1", db_text(kb_id),
                        db_text(next_model)),
                 1),
              "%s", err.text);
}

static int64_t count_of(const char *model)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, &rows, &err,
                        "SELECT count(*) AS n FROM embeddings WHERE client_id = $1 AND model = $2", db_text(kbfix_a),
                        db_text(model)),
                 1),
              "%s", err.text);
    return db_get_int(rows, 0, "n");
}

static void expect_model(const char *kb_id, const char *model, const char *next)
{
    struct get_knowledge_base in = {.kb_id = kb_id};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_assert(eq(int, kbfix_call(on_get_knowledge_base, kbfix_a, &in, &base, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)base.embedding_model, (char *)model));
    cr_expect(eq(str, (char *)(base.next_model ? base.next_model : ""), (char *)next));
}

Test(knowledge_vectors, chunks_get_their_vectors_and_identical_texts_share_one)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);
    struct search_result result;

    add_many(kb_id, "[{\"question\":\"Do you fix taps?\",\"answer\":\"Yes.\"},"
                    " {\"question\":\"Do you fix sinks?\",\"answer\":\"Yes.\"}]");
    cr_expect(eq(i64, embfix_bare(), 4));
    cr_expect(eq(int, embfix_work_all(), 1));
    cr_expect(eq(i64, embfix_bare(), 0));
    cr_expect(eq(int, embfix_api.texts, 3));
    add_many(kb_id, "[{\"question\":\"Do you fix taps?\",\"answer\":\"Yes.\"}]");
    cr_expect(eq(int, embfix_work_all(), 1));
    cr_expect(eq(int, embfix_api.texts, 3), "nothing was left to do");

    embfix_find(kb_id, "do you fix taps", &result);
    cr_expect(result.vectors_used);
    cr_assert(ge(sz, result.n_passages, 1));
    cr_expect(result.passages[0].vector_score > 0.99);
    cr_expect(eq(int, embfix_api.texts, 4));
    embfix_find(kb_id, "do you fix taps", &result);
    cr_expect(eq(int, embfix_api.texts, 4), "the query is embedded once");
}

Test(knowledge_vectors, a_changed_answer_loses_its_vector_and_an_unchanged_question_keeps_it)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    embfix_work_all();
    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "No.");
    cr_expect(eq(i64, embfix_bare(), 1));
    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "No.");
    cr_expect(eq(i64, embfix_bare(), 1));
    cr_expect(eq(i64, count_of(KBFIX_MODEL), 1));
}

Test(knowledge_vectors, a_refused_text_does_not_keep_the_others_from_their_vectors)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);
    AUTO(buf_free) struct buf json = {0};
    int asked;

    for (int i = 0; i < 120; i++)
        buf_printf(&json, "%s{\"question\":\"Question %d?\",\"answer\":\"%s %d\"}", i ? "," : "[", i,
                   i == 33 ? "poison" : "Answer", i);
    buf_puts(&json, "]");
    add_many(kb_id, json.data);
    embfix_work_all();
    cr_expect(eq(i64, embfix_bare(), 1));
    cr_expect(eq(i64,
                 count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1 AND embedding IS NULL"
                       "   AND model = 'text-embedding-3-small'"),
                 1));
    asked = embfix_api.requests;
    cr_expect(lt(int, asked, 30));
    kbfix_faq(kbfix_a, kb_id, "Question 1?", "Answer 1");
    embfix_work_all();
    cr_expect(eq(int, embfix_api.requests, asked), "it is not asked for again");
}

Test(knowledge_vectors, texts_that_are_all_refused_stay_without_vectors_too)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);

    kbfix_faq(kbfix_a, kb_id, "Is there poison?", "Much poison.");
    embfix_work_all();
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1 AND embedding IS NULL"), 2));
}

Test(knowledge_vectors, a_vector_without_direction_is_none)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);
    struct search_result result;

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    kbfix_faq(kbfix_a, kb_id, "What is zilch?", "Nothing.");
    embfix_work_all();
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1 AND embedding IS NULL"), 1));
    embfix_find(kb_id, "what is zilch", &result);
    cr_expect(not(result.vectors_used));
    cr_assert(ge(sz, result.n_passages, 1));
    for (size_t i = 0; i < result.n_passages; i++)
        cr_expect(result.passages[i].vector_score >= -1 && result.passages[i].vector_score <= 1);
}

Test(knowledge_vectors, a_failing_api_fails_the_task_and_marks_nothing)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    embfix_api.status = 503;
    expect_failure(ERR_UNAVAILABLE);
    embfix_api.status = 0;
    embfix_api.wrong_count = true;
    expect_failure(ERR_UNAVAILABLE);
    embfix_api.wrong_count = false;
    embfix_api.wrong_dims = true;
    expect_failure(ERR_UNAVAILABLE);
    embfix_api.wrong_dims = false;
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1"), 0));
    embfix_api.refuse_all = true; /* the request is at fault, not the texts */
    expect_failure(ERR_INVALID);
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1"), 0));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND state = 'dead'"), 1));
    embfix_api.refuse_all = false;
    kbfix_run("UPDATE tasks SET state = 'ready', attempt = 0, run_at = now() WHERE client_id = $1", kbfix_a);
    embfix_work_all();
    cr_expect(eq(i64, embfix_bare(), 0));
}

Test(knowledge_vectors, a_base_deleted_before_its_task_leaves_nothing_to_do)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    kbfix_run("DELETE FROM chunks WHERE client_id = $1", kbfix_a);
    kbfix_run("DELETE FROM knowledge_bases WHERE kb_id = $1", kb_id);
    cr_expect(eq(int, embfix_work_all(), 1));
    cr_expect(eq(int, embfix_api.requests, 0));
}

static void delete_taps(void)
{
    kbfix_run("DELETE FROM documents WHERE client_id = $1 AND title = 'Do you fix taps?'", kbfix_a);
}

Test(knowledge_vectors, what_is_deleted_while_it_is_embedded_leaves_no_vector)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    kbfix_faq(kbfix_a, kb_id, "Do you fix sinks?", "No.");
    embfix_api.before = delete_taps;
    embfix_work_all();
    cr_expect(eq(i64, count_of(KBFIX_MODEL), 2));
    cr_expect(eq(i64, embfix_bare(), 0));
}

Test(knowledge_vectors, a_bulk_goes_page_by_page_and_tells_its_progress)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);
    AUTO(buf_free) struct buf json = {0};
    struct add_faqs_result taken;

    for (int i = 0; i < 400; i++)
        buf_printf(&json, "%s{\"question\":\"Question %d?\",\"answer\":\"Answer %d\"}", i ? "," : "[", i, i);
    buf_puts(&json, "]");
    taken = add_many(kb_id, json.data);
    cr_assert(eq(sz, taken.n_taken, 400));
    cr_assert(taken.task_id != NULL);
    embfix_work_all();
    cr_expect(eq(int, embfix_api.requests, 4));
    cr_expect(eq(int, embfix_api.largest, 256));
    cr_expect(eq(i64, kbfix_count("SELECT done AS n FROM task_progress WHERE task_id = $1", taken.task_id), 800));
    cr_expect(eq(i64, kbfix_count("SELECT total AS n FROM task_progress WHERE task_id = $1", taken.task_id), 800));
}

Test(knowledge_vectors, what_a_failed_run_has_made_is_kept)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);
    AUTO(buf_free) struct buf json = {0};

    for (int i = 0; i < 200; i++)
        buf_printf(&json, "%s{\"question\":\"Question %d?\",\"answer\":\"Answer %d\"}", i ? "," : "[", i, i);
    buf_puts(&json, "]");
    add_many(kb_id, json.data);
    kbfix_run("UPDATE tasks SET deadline_s = 0 WHERE client_id = $1", kbfix_a);
    embfix_work_all();
    cr_expect(eq(int, embfix_api.texts, 400));
    cr_expect(eq(i64, embfix_bare(), 0));
}

/* ---- the API's limits ---- */

static const char *long_text(const char *word, size_t bytes)
{
    AUTO(buf_free) struct buf out = {0};

    while (out.len < bytes)
        buf_printf(&out, "%s ", word);
    return arena_strndup(kbfix_arena, out.data, out.len);
}

Test(knowledge_vectors, a_request_stays_within_the_apis_tokens)
{
    struct knowledge *state = kbfix_worker.state;
    struct embeddings made;
    struct err err = {0};
    const char *texts[100];

    /* Some 3,000 tokens each: more than 300,000 together with what the estimate may miss. */
    for (int i = 0; i < 100; i++)
        texts[i] = long_text(i % 2 ? "boiler" : "gutter", 15000);
    cr_assert(eq(int, embedder_embed(state->embedder, KBFIX_MODEL, texts, 100, 20000, kbfix_arena, &made, &err), 0),
              "%s", err.text);
    cr_expect(embfix_api.requests >= 2 && embfix_api.requests <= 3, "%d", embfix_api.requests);
    cr_expect(eq(int, embfix_api.texts, 100));
    for (int i = 2; i < 100; i++)
        cr_expect(memcmp(made.values + i * EMBFIX_DIMS, made.values + (i % 2) * EMBFIX_DIMS,
                         EMBFIX_DIMS * sizeof(float)) == 0,
                  "%d", i);
    cr_expect(memcmp(made.values, made.values + EMBFIX_DIMS, EMBFIX_DIMS * sizeof(float)) != 0);
}

Test(knowledge_vectors, a_text_too_long_for_the_api_is_cut_and_a_query_says_so)
{
    struct knowledge *state = kbfix_worker.state;
    const char *query = long_text("\u0645\u0631\u062d\u0628\u0627", 60000);
    struct embeddings made;
    struct err err = {0};
    bool cut = false;

    cr_assert(eq(int, embedder_query(state->embedder, KBFIX_MODEL, query, 20000, kbfix_arena, &made, &cut, &err), 0),
              "%s", err.text);
    cr_expect(cut);
    cr_expect(embfix_api.longest > 8192 && embfix_api.longest < 32000, "%zu", embfix_api.longest);
    cr_assert(eq(int,
                 embedder_query(state->embedder, KBFIX_MODEL, "a short one", 20000, kbfix_arena, &made, &cut, &err), 0),
              "%s", err.text);
    cr_expect(not(cut));
}

/* ---- another model ---- */

/* Takes the model from all bases; ends a run that does not notice. */
static void want_no_vectors(void)
{
    kbfix_run("UPDATE knowledge_bases SET embedding_model = '', next_model = NULL WHERE client_id = $1", kbfix_a);
    if (embfix_api.requests > 4)
        kbfix_run("DELETE FROM chunks WHERE client_id = $1", kbfix_a);
}

Test(knowledge_vectors, a_model_that_is_not_wanted_any_more_is_asked_no_further)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    embfix_api.before = want_no_vectors;
    embfix_work_all();
    cr_expect(eq(int, embfix_api.requests, 1));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1"), 0));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM tasks WHERE client_id = $1"), 0));
}

Test(knowledge_vectors, a_next_model_takes_over_when_all_its_vectors_are_there)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "text-embedding-ada-002");

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    embfix_work_all();
    cr_expect(eq(i64, count_of("text-embedding-ada-002"), 2));
    set_model(kb_id, KBFIX_MODEL);
    kbfix_faq(kbfix_a, kb_id, "Do you fix sinks?", "No.");
    embfix_work_all();
    expect_model(kb_id, KBFIX_MODEL, "");
    cr_expect(eq(i64, count_of("text-embedding-ada-002"), 0));
    cr_expect(eq(i64, count_of(KBFIX_MODEL), 4));
}

static const char *late_kb;

static void add_late(void)
{
    const char *kb_id = late_kb;

    late_kb = NULL;
    if (kb_id)
        kbfix_faq(kbfix_a, kb_id, "Do you fix sinks?", "Never.");
}

Test(knowledge_vectors, a_chunk_added_while_the_model_changes_is_not_missed)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "text-embedding-ada-002");

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    embfix_work_all();
    set_model(kb_id, KBFIX_MODEL);
    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    late_kb = kb_id;
    embfix_api.before = add_late;
    cr_expect(eq(int, embfix_work(&(struct err){0}), 1));
    expect_model(kb_id, KBFIX_MODEL, "");
    cr_expect(eq(i64, embfix_bare(), 0));
    cr_expect(eq(i64, count_of(KBFIX_MODEL), 4));
}

Test(knowledge_vectors, while_the_next_model_fails_the_old_one_answers)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", KBFIX_MODEL);
    struct search_result result;

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    embfix_work_all();
    set_model(kb_id, "text-embedding-ada-002");
    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    embfix_api.status = 404;
    expect_failure(ERR_DENIED);
    embfix_api.status = 0;
    expect_model(kb_id, KBFIX_MODEL, "text-embedding-ada-002");
    cr_expect(eq(i64, count_of(KBFIX_MODEL), 2));
    embfix_find(kb_id, "do you fix taps", &result);
    cr_expect(result.vectors_used);
    cr_assert(ge(sz, result.n_passages, 1));
    cr_expect(result.passages[0].vector_score > 0.99);
}

Test(knowledge_vectors, a_model_that_cannot_be_run_any_more_does_not_block_the_next)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", KBFIX_MODEL);

    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    kbfix_run("UPDATE knowledge_bases SET embedding_model = '' WHERE kb_id = $1", kb_id);
    set_model(kb_id, KBFIX_MODEL);
    embfix_work_all();
    expect_model(kb_id, KBFIX_MODEL, "");
    cr_expect(eq(i64, embfix_bare(), 0));
}

/* Documents are taken in: what is refused, what replaces what, and that search sees the old or the new whole. */
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
#include "services/knowledge/ingest/upload_store.h"
#include "services/knowledge/knowledge.h"
#include "tests/unit/embfix.h"

TestSuite(knowledge_documents, .init = embfix_open, .fini = embfix_close, .timeout = 60);

static const char GUIDE[] = "# Boiler guide\n\n## Pressure\n\nTop up the boiler to 1.5 bar.\n\n## Noise\n\n"
                            "A whistling boiler wants descaling.\n";
static const char NEW_GUIDE[] = "# Boiler guide\n\n## Pressure\n\nKeep the boiler at 2 bar.\n";

static struct ingestion ingest(const char *kb_id, const char *title, const char *content)
{
    struct ingestion reply;
    struct err err = {0};

    cr_assert(eq(int, embfix_ingest(kb_id, title, content, &reply, &err), 0), "%s", err.text);
    return reply;
}

static int64_t count(const char *sql)
{
    return kbfix_count(sql, kbfix_a);
}

static void expect_document(const char *state, bool has_error)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(eq(int,
                 db_run(kbfix_admin, DB_EVERY_CLIENT, &rows, &err,
                        "SELECT state, error FROM documents WHERE client_id = $1 AND kind = 'document'",
                        db_text(kbfix_a)),
                 1),
              "%s", err.text);
    cr_expect(eq(str, (char *)db_get(rows, 0, "state"), (char *)state));
    cr_expect(eq(int, db_get(rows, 0, "error") != NULL, has_error));
}

/* The best passage; "" if there is none. */
static const char *found(const char *kb_id, const char *query)
{
    struct search_knowledge in = {.query = query, .kb_id = kb_id, .max_results = 5, .threshold = 0.05};
    struct search_result result = {0};
    struct err err = {0};

    cr_assert(eq(int, embfix_call(on_search_knowledge, kbfix_a, NULL, &in, &result, &err), 0), "%s", err.text);
    return result.n_passages ? result.passages[0].body : "";
}

Test(knowledge_documents, a_document_is_searched_when_its_task_is_done)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);
    struct ingestion reply = ingest(kb_id, "Boilers", GUIDE);

    cr_expect(eq(str, (char *)reply.state, "ingesting"));
    cr_expect(eq(str, (char *)reply.title, "Boilers"));
    cr_expect(eq(str, (char *)found(kb_id, "whistling boiler"), ""));
    expect_document("ingesting", false);
    cr_expect(eq(int, embfix_work_all(), 1));
    expect_document("ready", false);
    cr_expect(strstr(found(kb_id, "whistling descaling"), "descaling") != NULL);
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM chunks WHERE client_id = $1"), reply.chunks));
    cr_expect(eq(i64, count("SELECT sum(tokens) AS n FROM chunks WHERE client_id = $1"), reply.tokens));
    cr_expect(eq(i64, embfix_bare(), 0));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM pending_documents WHERE client_id = $1"), 0));
    cr_expect(eq(i64,
                 kbfix_count("SELECT (done = total AND done > 0)::int AS n FROM task_progress WHERE task_id = $1",
                             reply.task_id),
                 1));
}

Test(knowledge_documents, a_new_version_replaces_the_old_one_at_once)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);
    struct ingestion first = ingest(kb_id, "Boilers", GUIDE), again;

    embfix_work_all();
    again = ingest(kb_id, "  BOILERS. ", NEW_GUIDE);
    cr_expect(eq(str, (char *)again.document_id, (char *)first.document_id));
    cr_expect(eq(str, (char *)again.state, "updating"));
    expect_document("updating", false);
    cr_expect(strstr(found(kb_id, "boiler pressure bar"), "1.5 bar") != NULL, "the old version answers");
    embfix_work_all();
    cr_expect(strstr(found(kb_id, "boiler pressure bar"), "2 bar") != NULL);
    cr_expect(eq(str, (char *)found(kb_id, "whistling descaling"), ""));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM chunks WHERE client_id = $1"), again.chunks));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1"), again.chunks),
              "the old vectors are gone");
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM kb_words WHERE client_id = $1 AND word = 'whistling'"), 0));
    cr_expect(eq(i64, kbfix_vocabulary_faults(), 0));
    expect_document("ready", false);
}

Test(knowledge_documents, a_source_is_the_same_document_under_another_title)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", "");
    struct ingest_document in = {.kb_id = kb_id,
                                 .title = "Old",
                                 .content = "Taps drip.",
                                 .source_url = "https://example.com/taps",
                                 .metadata = "{\"lang\":\"en\"}"};
    struct ingestion first = {0}, again = {0};
    struct err err = {0};

    cr_assert(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &first, &err), 0), "%s", err.text);
    embfix_work_all();
    in.title = "New";
    cr_assert(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &again, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)again.document_id, (char *)first.document_id));
    in.source_url = NULL;
    cr_assert(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &again, &err), 0), "%s", err.text);
    cr_expect(ne(str, (char *)again.document_id, (char *)first.document_id));
    embfix_work_all();
    cr_expect(eq(i64,
                 count("SELECT count(*) AS n FROM documents WHERE client_id = $1 AND title = 'New'"
                       " AND metadata->>'lang' = 'en'"),
                 2));
}

Test(knowledge_documents, a_version_overtaken_on_its_way_is_never_seen)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);

    ingest(kb_id, "Boilers", GUIDE);
    ingest(kb_id, "Boilers", NEW_GUIDE);
    cr_expect(eq(int, embfix_work_all(), 2));
    cr_expect(eq(str, (char *)found(kb_id, "whistling descaling"), ""));
    cr_expect(strstr(found(kb_id, "boiler pressure bar"), "2 bar") != NULL);
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1"), 1));
}

static const char *overtaken_kb;

static void overtake(void)
{
    const char *kb_id = overtaken_kb;

    overtaken_kb = NULL;
    if (kb_id)
        ingest(kb_id, "Boilers", NEW_GUIDE);
}

Test(knowledge_documents, a_version_overtaken_while_it_is_embedded_leaves_nothing)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);

    ingest(kb_id, "Boilers", GUIDE);
    overtaken_kb = kb_id;
    embfix_api.before = overtake;
    embfix_work_all();
    cr_expect(eq(str, (char *)found(kb_id, "whistling descaling"), ""));
    cr_expect(strstr(found(kb_id, "boiler pressure bar"), "2 bar") != NULL);
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1"), 1));
    expect_document("ready", false);
}

static void drop_vectors(void)
{
    static int calls;

    if (++calls == 2)
        kbfix_run("DELETE FROM embeddings WHERE client_id = $1", kbfix_a);
}

Test(knowledge_documents, vectors_that_are_dropped_on_the_way_are_made_again)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);
    AUTO(buf_free) struct buf text = {0};

    for (int i = 0; i < 300; i++)
        buf_printf(&text, "# Part %d\n\nThe boiler number %d.\n\n", i, i);
    ingest(kb_id, "Boilers", text.data);
    embfix_api.before = drop_vectors;
    embfix_work_all();
    cr_expect(eq(i64, embfix_bare(), 0));
    expect_document("ready", false);
}

/* ---- when vectors cannot be had ---- */

Test(knowledge_documents, with_a_wrong_key_a_document_answers_by_its_words)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);
    struct err err = {0};

    ingest(kb_id, "Boilers", GUIDE);
    embfix_api.status = 401;
    cr_expect(eq(int, embfix_work(&err), 1));
    expect_document("ready", true);
    cr_expect(strstr(found(kb_id, "whistling descaling"), "descaling") != NULL);
    cr_expect(eq(int, embfix_work(&err), -1), "the task that makes up for the vectors is dead, for a person to see");
    cr_expect(eq(int, embfix_work(&err), 0));

    embfix_api.status = 0;
    kbfix_run("UPDATE tasks SET state = 'ready', attempt = 0, run_at = now() WHERE client_id = $1", kbfix_a);
    embfix_work_all();
    cr_expect(eq(i64, embfix_bare(), 0));
    expect_document("ready", false);
}

Test(knowledge_documents, nothing_left_to_pay_with_is_final_and_too_many_requests_is_not)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);
    struct err err = {0};

    ingest(kb_id, "Boilers", GUIDE);
    embfix_api.status = 429;
    embfix_api.body = "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\"}}";
    cr_expect(eq(int, embfix_work(&err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    expect_document("ingesting", false);
    embfix_api.body = "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"pay\"}}";
    cr_expect(eq(int, embfix_work(&err), 1));
    expect_document("ready", true);
}

Test(knowledge_documents, an_outage_holds_a_document_up_for_a_few_attempts_only)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);
    struct err err = {0};

    ingest(kb_id, "Boilers", GUIDE);
    embfix_api.status = 503;
    for (int i = 0; i < 3; i++)
        cr_expect(eq(int, embfix_work(&err), -1));
    cr_expect(eq(int, embfix_work(&err), 1));
    expect_document("ready", true);
    embfix_api.status = 0;
    embfix_work_all();
    cr_expect(eq(i64, embfix_bare(), 0));
    expect_document("ready", false);
}

Test(knowledge_documents, a_refused_text_is_found_by_its_words_and_the_others_have_vectors)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);

    ingest(kb_id, "Rats", "# Rats\n\n## Bait\n\nWe use no poison.\n\n## Traps\n\nTraps are free.\n");
    embfix_work_all();
    expect_document("ready", false);
    cr_expect(strstr(found(kb_id, "poison"), "no poison") != NULL);
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1 AND embedding IS NULL"), 1));
}

/* ---- when its task dies ---- */

Test(knowledge_documents, a_document_whose_task_dies_has_failed_until_it_is_retried)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);

    ingest(kb_id, "Boilers", GUIDE);
    kbfix_run("UPDATE tasks SET state = 'dead', error = 'its process died' WHERE client_id = $1", kbfix_a);
    expect_document("failed", true);
    kbfix_run("UPDATE tasks SET state = 'ready' WHERE client_id = $1", kbfix_a);
    expect_document("ingesting", false);
    embfix_work_all();
    expect_document("ready", false);

    ingest(kb_id, "Boilers", NEW_GUIDE);
    kbfix_run("UPDATE tasks SET state = 'dead', error = 'its process died' WHERE client_id = $1", kbfix_a);
    expect_document("ready", true);
    cr_expect(strstr(found(kb_id, "whistling descaling"), "descaling") != NULL, "the old version answers");
}

Test(knowledge_documents, a_document_deleted_before_its_task_leaves_nothing_to_do)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", NULL);

    ingest(kb_id, "Boilers", GUIDE);
    kbfix_run("DELETE FROM documents WHERE client_id = $1", kbfix_a);
    embfix_work_all();
    cr_expect(eq(int, embfix_api.requests, 0));
}

/* ---- what is refused ---- */

static void expect_refused(struct ingest_document in, enum err_kind kind, const char *field)
{
    struct ingestion reply = {0};
    struct err err = {0};

    cr_expect(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &reply, &err), -1));
    cr_expect(eq(int, err.kind, kind), "%s", err.text);
    cr_expect(eq(str, err.field, (char *)field), "%s", err.text);
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM documents WHERE client_id = $1"), 0));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM tasks WHERE client_id = $1"), 0));
}

Test(knowledge_documents, bad_input_names_its_field_and_leaves_nothing)
{
    const char *kb = kbfix_base(kbfix_a, "Guides", NULL), *other = kbfix_base(kbfix_b, "Guides", NULL);
    const char *unknown = "019a0000-0000-7000-8000-000000000000";

    expect_refused((struct ingest_document){.kb_id = kb}, ERR_INVALID, "content");
    expect_refused((struct ingest_document){.kb_id = kb, .content = "x", .upload_id = unknown}, ERR_INVALID, "content");
    expect_refused((struct ingest_document){.kb_id = kb, .content = " \n\t "}, ERR_INVALID, "content");
    expect_refused((struct ingest_document){.kb_id = kb, .content = "?! ---"}, ERR_INVALID, "content");
    expect_refused((struct ingest_document){.kb_id = kb, .content = "x", .metadata = "[1]"}, ERR_INVALID, "metadata");
    expect_refused((struct ingest_document){.kb_id = kb, .content = "x", .metadata = "{\"a\":\"\\u0000\"}"},
                   ERR_INVALID, "metadata");
    expect_refused((struct ingest_document){.kb_id = kb, .content = "x", .title = " ? "}, ERR_INVALID, "title");
    expect_refused((struct ingest_document){.kb_id = kb, .content = "x", .source_url = "a\nb"}, ERR_INVALID,
                   "source_url");
    expect_refused((struct ingest_document){.kb_id = kb, .upload_id = unknown}, ERR_NOT_FOUND, "upload_id");
    expect_refused((struct ingest_document){.kb_id = unknown, .content = "x"}, ERR_NOT_FOUND, "kb_id");
    expect_refused((struct ingest_document){.kb_id = other, .content = "x"}, ERR_NOT_FOUND, "kb_id");
}

Test(knowledge_documents, the_title_is_the_files_name_or_the_first_heading)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", "");
    struct ingest_document in = {.kb_id = kb_id, .content = "Hello.\n\n# The guide\n\nText.", .filename = "guide.md"};
    struct ingestion reply = {0};
    struct err err = {0};

    in.content_type = "text/markdown";
    cr_assert(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &reply, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)reply.title, "guide.md"));
    in.filename = NULL;
    cr_assert(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &reply, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)reply.title, "The guide"));
    in.content_type = "text/plain";
    in.content = "\n  What we charge\nA lot.";
    cr_assert(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &reply, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)reply.title, "What we charge"));
}

/* ---- uploads ---- */

static int put_part(const char *client, const char *upload_id, int part, const void *data, size_t len, struct err *err)
{
    struct put_upload in = {.upload_id = upload_id, .part = part, .data = {.data = data, .len = len}};
    struct empty reply = {0};

    return kbfix_call(on_put_upload, client, &in, &reply, err);
}

#define UPLOAD "0c0ffee0-0000-4000-8000-000000000001"

Test(knowledge_documents, an_upload_is_read_from_its_parts_in_order)
{
    const char *kb_id = kbfix_base(kbfix_a, "Guides", "");
    struct ingest_document in = {.kb_id = kb_id, .upload_id = UPLOAD, .content_type = "text/plain"};
    struct ingestion reply = {0};
    struct err err = {0};

    cr_assert(eq(int, put_part(kbfix_a, UPLOAD, 1, "tap is f\xc3\xbc", 10, &err), 0), "%s", err.text);
    cr_expect(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &reply, &err), -1), "part 0 is missing");
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_assert(eq(int, put_part(kbfix_a, UPLOAD, 0, "The new ", 8, &err), 0), "%s", err.text);
    cr_assert(eq(int, put_part(kbfix_a, UPLOAD, 2, "r you.", 6, &err), 0), "%s", err.text);
    cr_assert(eq(int, put_part(kbfix_a, UPLOAD, 2, "r you.", 6, &err), 0), "the same part again: %s", err.text);
    cr_expect(eq(int, embfix_call(on_ingest_document, kbfix_b, NULL, &in, &reply, &err), -1), "another client's");
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_assert(eq(int, embfix_call(on_ingest_document, kbfix_a, NULL, &in, &reply, &err), 0), "%s", err.text);
    embfix_work_all();
    cr_expect(eq(str, (char *)found(kb_id, "new tap"), "The new tap is f\u00fcr you."));
    cr_expect(eq(i64, count("SELECT bytes AS n FROM documents WHERE client_id = $1"), 24));
}

Test(knowledge_documents, faqs_may_come_by_an_upload)
{
    static const char json[] = "[{\"question\":\"Do you fix taps?\",\"answer\":\"Yes.\"}, 7]";
    struct add_faqs in = {.kb_id = kbfix_base(kbfix_a, "FAQ", ""), .upload_id = UPLOAD};
    struct add_faqs_result reply = {0};
    struct err err = {0};

    cr_assert(eq(int, put_part(kbfix_a, UPLOAD, 0, json, strlen(json), &err), 0), "%s", err.text);
    cr_assert(eq(int, kbfix_call(on_add_faqs, kbfix_a, &in, &reply, &err), 0), "%s", err.text);
    cr_assert(eq(sz, reply.n_taken, 1));
    cr_expect(eq(i64, reply.taken[0].index, 0));
    cr_assert(eq(sz, reply.n_refused, 1));
    cr_expect(reply.task_id == NULL, "without a model there are no vectors to make");
    in.faqs = "[]";
    cr_expect(eq(int, kbfix_call(on_add_faqs, kbfix_a, &in, &reply, &err), -1));
    cr_expect(eq(str, err.field, "faqs"));
}

/* A library of 20,000 chunks takes minutes on a busy machine, in statements of 500. */
Test(knowledge_documents, a_large_document_has_more_time_to_become_what_is_searched_than_other_transactions)
{
    static const char *const trigger[] = {
        "CREATE TABLE seen_timeouts AS SELECT setting::bigint AS ms FROM pg_settings LIMIT 0",
        "GRANT INSERT ON seen_timeouts TO PUBLIC",
        "CREATE FUNCTION see_timeout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen_timeouts"
        " SELECT setting::bigint FROM pg_settings WHERE name = 'transaction_timeout'; RETURN NULL; END $$",
        "CREATE TRIGGER see_timeout AFTER INSERT ON chunks FOR EACH STATEMENT EXECUTE FUNCTION see_timeout()",
    };
    const char *kb_id = kbfix_base(kbfix_a, "Docs", NULL);
    int64_t short_of_time;

    for (size_t i = 0; i < COUNT_OF(trigger); i++)
        kbfix_run(trigger[i], NULL);
    ingest(kb_id, "Guide", GUIDE);
    embfix_work_all();
    short_of_time = kbfix_count("SELECT count(*) AS n FROM seen_timeouts WHERE ms < 140000 AND $1 <> ''", kbfix_a);
    kbfix_run("DROP FUNCTION see_timeout() CASCADE", NULL);
    kbfix_run("DROP TABLE seen_timeouts", NULL);
    cr_expect(eq(i64, short_of_time, 0));
}

/* The task of its second version has died; the base's vectors are made all the same. */
Test(knowledge_documents, why_a_new_version_failed_is_told_until_it_is_in)
{
    const char *kb_id = kbfix_base(kbfix_a, "Docs", NULL);

    ingest(kb_id, "Guide", GUIDE);
    embfix_work_all();
    ingest(kb_id, "Guide", NEW_GUIDE);
    kbfix_run("UPDATE tasks SET state = 'dead', error = 'it broke' WHERE client_id = $1", kbfix_a);
    expect_document("ready", true);
    kbfix_faq(kbfix_a, kb_id, "Do you fix taps?", "Yes.");
    embfix_work_all();
    expect_document("ready", true);
}

/* Knowledge bases, FAQs and search, by the service's own handlers, with its own rights in the database. */
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
#include "services/knowledge/knowledge.h"
#include "tests/unit/embfix.h"

TestSuite(knowledge, .init = embfix_open, .fini = embfix_close, .timeout = 60);

/* Runs a handler as service.c does, in a transaction unless it takes its own. */
static int call(request_fn *fn, const char *client, const void *request, void *reply, bool tx, struct err *err)
{
    return tx ? kbfix_call(fn, client, request, reply, err) : embfix_call(fn, client, NULL, request, reply, err);
}

static int add(const char *client, const char *kb_id, const char *question, const char *answer, struct faq *reply,
               struct err *err)
{
    struct add_faq in = {.kb_id = kb_id, .question = question, .answer = answer};

    *reply = (struct faq){0};
    return call(on_add_faq, client, &in, reply, true, err);
}

static struct add_faqs_result add_many(const char *kb_id, const char *json)
{
    struct add_faqs in = {.kb_id = kb_id, .faqs = json};
    struct add_faqs_result reply = {0};
    struct err err = {0};

    cr_assert(eq(int, call(on_add_faqs, kbfix_a, &in, &reply, true, &err), 0), "%s", err.text);
    return reply;
}

static int find(const char *client, const char *kb_id, const char *query, struct search_result *reply, struct err *err)
{
    struct search_knowledge in = {.query = query, .kb_id = kb_id, .max_results = 5, .threshold = -1};

    *reply = (struct search_result){0};
    return call(on_search_knowledge, client, &in, reply, false, err);
}

static int64_t count(const char *sql)
{
    return kbfix_count(sql, kbfix_a);
}

static int64_t count_tasks(void)
{
    return count("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND kind = 'bulk_ingest_faqs'");
}

/* ---- bases ---- */

Test(knowledge, a_base_is_created_with_the_configured_model)
{
    struct get_knowledge_base in = {.kb_id = kbfix_base(kbfix_a, "FAQ", NULL)};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_assert(eq(int, call(on_get_knowledge_base, kbfix_a, &in, &base, true, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)base.name, "FAQ"));
    cr_expect(eq(str, (char *)base.language, "english"));
    cr_expect(eq(str, (char *)base.embedding_model, "text-embedding-3-small"));
    cr_expect(eq(str, (char *)base.client_id, kbfix_a));
}

Test(knowledge, a_name_is_taken_once_within_a_client)
{
    struct create_knowledge_base in = {.name = "FAQ", .similarity_threshold = 0.75};
    struct knowledge_base base = {0};
    struct err err = {0};

    kbfix_base(kbfix_a, "FAQ", "");
    cr_expect(eq(int, call(on_create_knowledge_base, kbfix_a, &in, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(str, err.field, "name"));
    kbfix_base(kbfix_b, "FAQ", "");
}

Test(knowledge, an_unknown_language_or_client_is_refused)
{
    struct create_knowledge_base in = {.name = "X", .language = "klingon", .similarity_threshold = 0.75};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_expect(eq(int, call(on_create_knowledge_base, kbfix_a, &in, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(str, err.field, "language"));

    in = (struct create_knowledge_base){.name = "X", .similarity_threshold = 0.75};
    cr_expect(eq(int, call(on_create_knowledge_base, NULL, &in, &base, true, &err), -1));
    cr_expect(eq(str, err.field, "client_id"));
    in.client_id = "019a0000-0000-7000-8000-000000000000";
    cr_expect(eq(int, call(on_create_knowledge_base, NULL, &in, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    in.client_id = kbfix_b; /* with the key of a */
    cr_expect(eq(int, call(on_create_knowledge_base, kbfix_a, &in, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
}

Test(knowledge, bases_are_listed_in_pages)
{
    static const char *const names[] = {"one", "two", "three"};
    struct list_knowledge_bases in = {.client_id = kbfix_a, .limit = 2};
    struct knowledge_base_page page = {0}, rest = {0};
    struct err err = {0};

    for (int i = 0; i < 3; i++) {
        struct create_knowledge_base create = {.name = names[i], .similarity_threshold = 0.5};
        struct knowledge_base base = {0};
        cr_assert(eq(int, call(on_create_knowledge_base, kbfix_a, &create, &base, true, &err), 0), "%s", err.text);
    }
    cr_assert(eq(int, call(on_list_knowledge_bases, kbfix_a, &in, &page, true, &err), 0), "%s", err.text);
    cr_assert(eq(sz, page.n_items, 2));
    cr_assert(page.next_after != NULL);
    cr_expect(eq(str, (char *)page.items[0].name, "one"));
    in.after = page.next_after;
    cr_assert(eq(int, call(on_list_knowledge_bases, kbfix_a, &in, &rest, true, &err), 0), "%s", err.text);
    cr_assert(eq(sz, rest.n_items, 1));
    cr_expect(eq(str, (char *)rest.items[0].name, "three"));
    cr_expect(rest.next_after == NULL);
}

/* ---- FAQs ---- */

Test(knowledge, an_faq_is_found_by_its_words_as_soon_as_it_is_added)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "");
    struct search_result result;
    struct err err = {0};
    struct faq faq;

    cr_assert(eq(int, add(kbfix_a, kb_id, "Do you have a warranty?", "Two years.", &faq, &err), 0), "%s", err.text);
    cr_expect(not(faq.replaced));
    cr_assert(eq(int, find(kbfix_a, NULL, "what about the warranty", &result, &err), 0), "%s", err.text);
    cr_assert(eq(sz, result.n_passages, 1));
    cr_expect(eq(str, (char *)result.passages[0].title, "Do you have a warranty?"));
    cr_expect(eq(str, (char *)result.passages[0].body, "Two years."));
    cr_expect(eq(str, (char *)result.passages[0].document_id, (char *)faq.document_id));
    cr_expect(not(result.vectors_used));
    cr_expect(eq(i64, count_tasks(), 0));
}

Test(knowledge, the_same_question_again_replaces_the_answer_in_place)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "");
    struct search_result result;
    struct err err = {0};
    struct faq first, again;

    cr_assert(eq(int, add(kbfix_a, kb_id, "Where are you?", "Elm Street.", &first, &err), 0), "%s", err.text);
    cr_assert(eq(int, add(kbfix_a, kb_id, "  where  ARE you ?! ", "Oak Avenue.", &again, &err), 0), "%s", err.text);
    cr_expect(again.replaced);
    cr_expect(eq(str, (char *)again.document_id, (char *)first.document_id));
    cr_assert(eq(int, find(kbfix_a, kb_id, "where are you", &result, &err), 0), "%s", err.text);
    cr_assert(eq(sz, result.n_passages, 1));
    cr_expect(eq(str, (char *)result.passages[0].body, "Oak Avenue."));
    cr_expect(eq(dbl, result.passages[0].score, 1));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM chunks WHERE client_id = $1 AND tokens > 0"), 2));
    /* Its old words are gone. */
    cr_assert(eq(int, find(kbfix_a, kb_id, "elm street", &result, &err), 0));
    cr_expect(eq(sz, result.n_passages, 0));
}

Test(knowledge, another_clients_base_is_not_there)
{
    const char *kb_id = kbfix_base(kbfix_b, "FAQ", "");
    struct add_faqs many = {.kb_id = kb_id, .faqs = "[{\"question\":\"q\",\"answer\":\"a\"}]"};
    struct get_knowledge_base get = {.kb_id = kb_id};
    struct add_faqs_result taken = {0};
    struct knowledge_base base = {0};
    struct search_result result;
    struct err err = {0};
    struct faq faq;

    cr_expect(eq(int, add(kbfix_a, kb_id, "Is it secret?", "Yes.", &faq, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(int, call(on_add_faqs, kbfix_a, &many, &taken, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(int, call(on_get_knowledge_base, kbfix_a, &get, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(int, find(kbfix_a, kb_id, "secret", &result, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));

    /* Nor is what it holds, and an administrator may add to it. */
    cr_assert(eq(int, add(NULL, kb_id, "Is it secret?", "Yes.", &faq, &err), 0), "%s", err.text);
    cr_assert(eq(int, find(kbfix_a, NULL, "Is it secret?", &result, &err), 0));
    cr_expect(eq(sz, result.n_passages, 0));
    cr_assert(eq(int, find(kbfix_b, NULL, "Is it secret?", &result, &err), 0));
    cr_expect(eq(sz, result.n_passages, 1));
}

Test(knowledge, row_level_security_hides_other_clients_rows)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err err = {0};
    struct faq faq;

    cr_assert(eq(int, add(kbfix_b, kbfix_base(kbfix_b, "FAQ", ""), "Is it secret?", "Yes.", &faq, &err), 0));
    tx = db_begin(kbfix_worker.db, kbfix_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM chunks"), 0));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM documents"), 0));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM kb_words"), 0));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM knowledge_bases"), 0));
}

Test(knowledge, a_bulk_is_taken_but_for_its_bad_entries)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "");
    struct add_faqs_result taken = add_many(kb_id, "[{\"question\":\"Do you fix taps?\",\"answer\":\"Yes.\"},"
                                                   " {\"question\":\"\",\"answer\":\"x\"},"
                                                   " {\"question\":\"What?\"},"
                                                   " {\"question\":\"Do you fix TAPS\",\"answer\":\"Always.\"},"
                                                   " 7,"
                                                   " {\"question\":\"a\\u0000b\",\"answer\":\"x\"},"
                                                   " {\"question\":\"Any parking?\",\"answer\":\"?!\"},"
                                                   " {\"question\":\"Do you fix sinks?\",\"answer\":\"Also.\"}]");
    struct search_result result;
    struct err err = {0};

    static const int bad[] = {0, 1, 2, 4, 5, 6};

    cr_expect(eq(i64, taken.added, 2));
    cr_expect(eq(i64, taken.replaced, 0));
    cr_assert(eq(sz, taken.n_refused, 6));
    for (int i = 0; i < 6; i++)
        cr_expect(eq(i64, taken.refused[i].index, bad[i]));
    cr_expect(eq(str, (char *)taken.refused[0].reason, "a later entry asks the same question"));
    cr_assert(eq(int, find(kbfix_a, kb_id, "do you fix taps?", &result, &err), 0), "%s", err.text);
    cr_assert(ge(sz, result.n_passages, 1));
    cr_expect(eq(str, (char *)result.passages[0].body, "Always."));

    taken = add_many(kb_id, "[{\"question\":\"do you fix sinks\",\"answer\":\"Never.\"}]");
    cr_expect(eq(i64, taken.added, 0));
    cr_expect(eq(i64, taken.replaced, 1));
}

Test(knowledge, a_bulk_that_is_no_array_or_too_long_is_refused_whole)
{
    AUTO(buf_free) struct buf json = {0};
    struct add_faqs in = {.kb_id = kbfix_base(kbfix_a, "FAQ", ""), .faqs = "{}"};
    struct add_faqs_result reply = {0};
    struct err err = {0};

    cr_expect(eq(int, call(on_add_faqs, kbfix_a, &in, &reply, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(str, err.field, "faqs"));
    for (int i = 0; i <= 5000; i++)
        buf_puts(&json, i ? ",1" : "[1");
    buf_puts(&json, "]");
    in.faqs = json.data;
    cr_expect(eq(int, call(on_add_faqs, kbfix_a, &in, &reply, true, &err), -1));
    cr_expect(eq(str, err.field, "faqs"));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM documents WHERE client_id = $1"), 0));
}

Test(knowledge, five_thousand_faqs_are_taken_at_once)
{
    AUTO(buf_free) struct buf json = {0};
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "");
    struct add_faqs_result taken;
    struct search_result result;
    struct err err = {0};

    for (int i = 0; i < 5000; i++)
        buf_printf(&json,
                   "%s{\"question\":\"What about the item number%d of shelf%d?\",\"answer\":\"It costs %d dollars.\"}",
                   i ? "," : "[", i, i % 100, i);
    buf_puts(&json, "]");
    taken = add_many(kb_id, json.data);
    cr_expect(eq(i64, taken.added, 5000));
    cr_expect(eq(sz, taken.n_refused, 0));
    cr_assert(eq(int, find(kbfix_a, kb_id, "tell me about number4711 of shelf11", &result, &err), 0), "%s", err.text);
    cr_assert(ge(sz, result.n_passages, 1));
    cr_expect(eq(str, (char *)result.passages[0].body, "It costs 4711 dollars."));
}

/* ---- search ---- */

Test(knowledge, without_embeddings_words_answer_alone)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);
    struct search_result result;
    struct err err = {0};
    struct faq faq;
    int asked;

    cr_assert(eq(int, add(kbfix_a, kb_id, "Do you fix taps?", "Yes.", &faq, &err), 0), "%s", err.text);
    embfix_api.status = 503;
    cr_assert(eq(int, find(kbfix_a, kb_id, "can you fix my tap", &result, &err), 0), "%s", err.text);
    cr_expect(not(result.vectors_used));
    cr_expect(eq(sz, result.n_passages, 1));
    asked = embfix_api.requests;
    cr_assert(eq(int, find(kbfix_a, kb_id, "can you fix a tap", &result, &err), 0), "%s", err.text);
    cr_expect(eq(int, embfix_api.requests, asked), "for a few seconds the failed API is not waited for");
    embfix_api.status = 0;
}

Test(knowledge, a_blank_query_is_refused)
{
    static const char *const queries[] = {" ", "\t\n", "\u00a0\u3000"};

    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        struct search_result result;
        struct err err = {0};
        cr_expect(eq(int, find(kbfix_a, NULL, queries[i], &result, &err), -1));
        cr_expect(eq(int, err.kind, ERR_INVALID));
        cr_expect(eq(str, err.field, "query"));
    }
}

Test(knowledge, any_text_can_be_asked)
{
    static const char *const queries[] = {
        "'",
        "\\",
        "a\\'b | & ! :* <-> ('",
        "?!",
        "how are you",
        "%_",
        "\U0001f600",
        "كم السعر؟",
        "<b>bold</b>",
        "C:\\dir\\x",
        "e-mail me@example.com http://x.example/y?z=1 3.14 -7 1e9",
    };
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", NULL);
    AUTO(buf_free) struct buf query = {0};
    struct search_result result;
    struct err err = {0};
    struct faq faq;

    cr_assert(eq(int, add(kbfix_a, kb_id, "It's a \\ 'quote' | of e-mail?", "C:\\dir 'x' \"y\"", &faq, &err), 0), "%s",
              err.text);
    for (size_t i = 0; i < COUNT_OF(queries); i++)
        cr_expect(eq(int, find(kbfix_a, NULL, queries[i], &result, &err), 0), "%s: %s", queries[i], err.text);
    for (int i = 0; i < 500; i++)
        buf_printf(&query, "word%d ", i * 7919);
    cr_expect(eq(int, find(kbfix_a, NULL, query.data, &result, &err), 0), "%s", err.text);
    buf_clear(&query);
    for (int i = 0; i < 3999; i++)
        buf_puts(&query, "x");
    cr_expect(eq(int, find(kbfix_a, NULL, query.data, &result, &err), 0), "%s", err.text);
    cr_expect(eq(int, find(kbfix_a, NULL, "IT'S a \\ 'quote' | of e-mail", &result, &err), 0));
    cr_assert(eq(sz, result.n_passages, 1));
    cr_expect(eq(dbl, result.passages[0].score, 1));
}

Test(knowledge, the_threshold_of_the_request_goes_before_the_bases)
{
    const char *kb_id = kbfix_base(kbfix_a, "FAQ", "");
    struct search_knowledge in = {.query = "do you repair cars", .kb_id = kb_id, .max_results = 5, .threshold = -1};
    struct search_result result = {0};
    struct err err = {0};

    add_many(kb_id, "[{\"question\":\"Do you repair boilers?\",\"answer\":\"Yes.\"},"
                    " {\"question\":\"What are your hours?\",\"answer\":\"Nine to five.\"},"
                    " {\"question\":\"Do you take cards?\",\"answer\":\"All.\"}]");
    cr_assert(eq(int, call(on_search_knowledge, kbfix_a, &in, &result, false, &err), 0), "%s", err.text);
    cr_expect(eq(sz, result.n_passages, 0));
    in.threshold = 0.1;
    in.max_results = 1;
    cr_assert(eq(int, call(on_search_knowledge, kbfix_a, &in, &result, false, &err), 0), "%s", err.text);
    cr_expect(eq(sz, result.n_passages, 1));
}

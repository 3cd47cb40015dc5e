/* Knowledge bases, FAQs, vectors and search, by the service's own handlers, with its own rights in the database. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/httpd.h"
#include "libshared/log.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/knowledge/embed.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/query_cache.h"
#include "tests/unit/testdb.h"

#define DIMS 1536

/* ---- an embeddings API: the sum of a direction for each word ---- */

static struct {
    pthread_mutex_t lock;
    int requests, texts;
    bool fail;        /* 503 */
    bool wrong_count; /* one vector too few */
    bool wrong_dims;  /* 3 numbers */
    bool refuse_all;  /* 400 */
    int last_inputs;
} api = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void embed_text(const char *text, struct buf *out)
{
    float values[DIMS] = {0};
    char word[64];
    int len = 0;

    for (const char *at = text;; at++) {
        if ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z' && len < 63) {
            word[len++] = (char)(*at | 0x20);
            continue;
        }
        if (len > 0) {
            unsigned hash = 5381;
            for (int i = 0; i < len; i++)
                hash = hash * 33 + (unsigned char)word[i];
            values[hash % DIMS] += 1;
        }
        len = 0;
        if (!*at)
            break;
    }
    values[0] += 0.01f;
    for (int i = 0; i < (api.wrong_dims ? 3 : DIMS); i++)
        buf_printf(out, "%c%g", i ? ',' : '[', (double)values[i]);
    buf_puts(out, "]");
}

static void api_answer(void *arg, struct exchange *x)
{
    json_t *request = json_loads(exchange_body(x), 0, NULL), *inputs = json_object_get(request, "input");
    struct buf out = {0};
    int status = 200;

    (void)arg;
    pthread_mutex_lock(&api.lock);
    api.requests++;
    api.texts += (int)json_array_size(inputs);
    buf_puts(&out, "{\"data\":[");
    for (size_t i = 0; i + api.wrong_count < json_array_size(inputs); i++) {
        const char *text = json_string_value(json_array_get(inputs, i));
        if (strstr(text, "poison") || api.refuse_all)
            status = 400;
        buf_printf(&out, "%s{\"index\":%zu,\"embedding\":", i ? "," : "", i);
        embed_text(text, &out);
        buf_puts(&out, "}");
    }
    buf_puts(&out, "]}");
    if (api.fail)
        status = 503;
    pthread_mutex_unlock(&api.lock);
    if (status == 200)
        exchange_reply(x, 200, "application/json", out.data, out.len, NULL);
    else
        exchange_reply(x, status, "application/json", "{\"error\":{\"message\":\"no\"}}", 26, NULL);
    buf_free(&out);
    json_decref(request);
}

/* ---- a worker of the service, and its two clients ---- */

static struct httpd *httpd;
static struct config config;
static struct db_pool *admin;
static struct worker worker;
static struct knowledge state;
static char client_a[UUID_SIZE], client_b[UUID_SIZE], url[64];
static struct arena *arena;

static void make_client(char id[UUID_SIZE])
{
    struct err err = {0};

    uuid_new(id);
    cr_assert(eq(int,
                 db_run(admin, DB_EVERY_CLIENT, NULL, &err, "INSERT INTO clients (client_id, name) VALUES ($1, 'C')",
                        db_text(id)),
                 1),
              "%s", err.text);
}

static void open_knowledge(void)
{
    const struct httpd_options options = {
        .bind_address = "127.0.0.1", .threads = 1, .max_body = 16 << 20, .max_connections = 16, .handler = api_answer};
    struct err err = {0};
    const char *database = testdb_url();

    log_init("test", "error");
    admin = db_pool_new(database, NULL, 2, &err);
    httpd = httpd_new(&options, &err);
    cr_assert(admin && httpd, "%s", err.text);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", httpd_port(httpd));
    config = (struct config){.openai_api_key = "sk-test",
                             .openai_base_url = url,
                             .openai_embedding_model = "text-embedding-3-small"};
    state.embedder = embedder_new(&config, &err);
    state.cache = query_cache_new(8, 1 << 20);
    worker = (struct worker){.config = &config, .state = &state};
    worker.db = db_pool_new(database, "leadwire_knowledge", 2, &err);
    arena = arena_new(1 << 26);
    cr_assert(state.embedder && state.cache && worker.db && arena, "%s", err.text);
    make_client(client_a);
    make_client(client_b);
}

static void close_knowledge(void)
{
    embedder_destroy(&state.embedder);
    query_cache_destroy(&state.cache);
    db_pool_destroy(&worker.db);
    db_pool_destroy(&admin);
    httpd_destroy(&httpd);
    arena_destroy(&arena);
}

TestSuite(knowledge, .init = open_knowledge, .fini = close_knowledge, .timeout = 60);

/* Runs a handler as service.c does. client NULL: an administrator. */
static int call(request_fn *fn, const char *client, const void *request, void *reply, bool tx, struct err *err)
{
    static const struct envelope env;
    struct call c = {.env = &env, .client_id = client, .request = request, .reply = reply, .arena = arena};
    int rc;

    if (tx && !(c.tx = db_begin(worker.db, client ? client : DB_EVERY_CLIENT, err)))
        return -1;
    rc = fn(&worker, &c, err);
    if (rc == 0 && tx)
        rc = db_commit(&c.tx, err);
    db_rollback(&c.tx);
    return rc;
}

static const char *make_base(const char *client, const char *model)
{
    struct create_knowledge_base in = {.name = "FAQ", .embedding_model = model, .similarity_threshold = 0.75};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_assert(eq(int, call(on_create_knowledge_base, client, &in, &base, true, &err), 0), "%s", err.text);
    return base.kb_id;
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

    cr_assert(eq(int, call(on_add_faqs, client_a, &in, &reply, true, &err), 0), "%s", err.text);
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
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};

    cr_assert(ge(int, db_run(admin, DB_EVERY_CLIENT, &rows, &err, sql, db_text(client_a)), 1), "%s", err.text);
    return db_get_int(rows, 0, "n");
}

static int64_t count_tasks(void)
{
    return count("SELECT count(*) AS n FROM tasks WHERE client_id = $1 AND kind = 'bulk_ingest_faqs'");
}

static int64_t count_bare(void)
{
    return count("SELECT count(*) AS n FROM chunks c WHERE c.client_id = $1 AND NOT EXISTS (SELECT FROM embeddings e"
                 " WHERE e.client_id = $1 AND e.text_hash = c.text_hash AND e.embedding IS NOT NULL)");
}

static int ingest(const char *kb_id, struct err *err)
{
    const struct embed_chunks payload = {.kb_id = kb_id};
    struct task task = {.kind = task_kind_find("bulk_ingest_faqs"), .payload = &payload, .arena = arena};

    snprintf(task.client_id, sizeof task.client_id, "%s", client_a);
    return on_bulk_ingest_faqs(&worker, &task, err);
}

/* ---- bases ---- */

Test(knowledge, a_base_is_created_with_the_configured_model)
{
    struct get_knowledge_base in = {.kb_id = make_base(client_a, NULL)};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_assert(eq(int, call(on_get_knowledge_base, client_a, &in, &base, true, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)base.name, "FAQ"));
    cr_expect(eq(str, (char *)base.language, "english"));
    cr_expect(eq(str, (char *)base.embedding_model, "text-embedding-3-small"));
    cr_expect(eq(str, (char *)base.client_id, client_a));
}

Test(knowledge, a_name_is_taken_once_within_a_client)
{
    struct create_knowledge_base in = {.name = "FAQ", .similarity_threshold = 0.75};
    struct knowledge_base base = {0};
    struct err err = {0};

    make_base(client_a, "");
    cr_expect(eq(int, call(on_create_knowledge_base, client_a, &in, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_CONFLICT));
    cr_expect(eq(str, err.field, "name"));
    make_base(client_b, "");
}

Test(knowledge, an_unknown_language_or_client_is_refused)
{
    struct create_knowledge_base in = {.name = "X", .language = "klingon", .similarity_threshold = 0.75};
    struct knowledge_base base = {0};
    struct err err = {0};

    cr_expect(eq(int, call(on_create_knowledge_base, client_a, &in, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(str, err.field, "language"));

    in = (struct create_knowledge_base){.name = "X", .similarity_threshold = 0.75};
    cr_expect(eq(int, call(on_create_knowledge_base, NULL, &in, &base, true, &err), -1));
    cr_expect(eq(str, err.field, "client_id"));
    in.client_id = "019a0000-0000-7000-8000-000000000000";
    cr_expect(eq(int, call(on_create_knowledge_base, NULL, &in, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    in.client_id = client_b; /* with the key of a */
    cr_expect(eq(int, call(on_create_knowledge_base, client_a, &in, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
}

Test(knowledge, bases_are_listed_in_pages)
{
    static const char *const names[] = {"one", "two", "three"};
    struct list_knowledge_bases in = {.client_id = client_a, .limit = 2};
    struct knowledge_base_page page = {0}, rest = {0};
    struct err err = {0};

    for (int i = 0; i < 3; i++) {
        struct create_knowledge_base create = {.name = names[i], .similarity_threshold = 0.5};
        struct knowledge_base base = {0};
        cr_assert(eq(int, call(on_create_knowledge_base, client_a, &create, &base, true, &err), 0), "%s", err.text);
    }
    cr_assert(eq(int, call(on_list_knowledge_bases, client_a, &in, &page, true, &err), 0), "%s", err.text);
    cr_assert(eq(sz, page.n_items, 2));
    cr_assert(page.next_after != NULL);
    cr_expect(eq(str, (char *)page.items[0].name, "one"));
    in.after = page.next_after;
    cr_assert(eq(int, call(on_list_knowledge_bases, client_a, &in, &rest, true, &err), 0), "%s", err.text);
    cr_assert(eq(sz, rest.n_items, 1));
    cr_expect(eq(str, (char *)rest.items[0].name, "three"));
    cr_expect(rest.next_after == NULL);
}

/* ---- FAQs ---- */

Test(knowledge, an_faq_is_found_by_its_words_as_soon_as_it_is_added)
{
    const char *kb_id = make_base(client_a, "");
    struct search_result result;
    struct err err = {0};
    struct faq faq;

    cr_assert(eq(int, add(client_a, kb_id, "Do you have a warranty?", "Two years.", &faq, &err), 0), "%s", err.text);
    cr_expect(not(faq.replaced));
    cr_assert(eq(int, find(client_a, NULL, "what about the warranty", &result, &err), 0), "%s", err.text);
    cr_assert(eq(sz, result.n_passages, 1));
    cr_expect(eq(str, (char *)result.passages[0].title, "Do you have a warranty?"));
    cr_expect(eq(str, (char *)result.passages[0].body, "Two years."));
    cr_expect(eq(str, (char *)result.passages[0].document_id, (char *)faq.document_id));
    cr_expect(not(result.vectors_used));
    cr_expect(eq(i64, count_tasks(), 0));
}

Test(knowledge, the_same_question_again_replaces_the_answer_in_place)
{
    const char *kb_id = make_base(client_a, "");
    struct search_result result;
    struct err err = {0};
    struct faq first, again;

    cr_assert(eq(int, add(client_a, kb_id, "Where are you?", "Elm Street.", &first, &err), 0), "%s", err.text);
    cr_assert(eq(int, add(client_a, kb_id, "  where  ARE you ?! ", "Oak Avenue.", &again, &err), 0), "%s", err.text);
    cr_expect(again.replaced);
    cr_expect(eq(str, (char *)again.document_id, (char *)first.document_id));
    cr_assert(eq(int, find(client_a, kb_id, "where are you", &result, &err), 0), "%s", err.text);
    cr_assert(eq(sz, result.n_passages, 1));
    cr_expect(eq(str, (char *)result.passages[0].body, "Oak Avenue."));
    cr_expect(eq(dbl, result.passages[0].score, 1));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM chunks WHERE client_id = $1"), 2));
    /* Its old words are gone. */
    cr_assert(eq(int, find(client_a, kb_id, "elm street", &result, &err), 0));
    cr_expect(eq(sz, result.n_passages, 0));
}

Test(knowledge, another_clients_base_is_not_there)
{
    const char *kb_id = make_base(client_b, "");
    struct add_faqs many = {.kb_id = kb_id, .faqs = "[{\"question\":\"q\",\"answer\":\"a\"}]"};
    struct get_knowledge_base get = {.kb_id = kb_id};
    struct add_faqs_result taken = {0};
    struct knowledge_base base = {0};
    struct search_result result;
    struct err err = {0};
    struct faq faq;

    cr_expect(eq(int, add(client_a, kb_id, "Is it secret?", "Yes.", &faq, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(int, call(on_add_faqs, client_a, &many, &taken, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(int, call(on_get_knowledge_base, client_a, &get, &base, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));
    cr_expect(eq(int, find(client_a, kb_id, "secret", &result, &err), -1));
    cr_expect(eq(int, err.kind, ERR_NOT_FOUND));

    /* Nor is what it holds, and an administrator may add to it. */
    cr_assert(eq(int, add(NULL, kb_id, "Is it secret?", "Yes.", &faq, &err), 0), "%s", err.text);
    cr_assert(eq(int, find(client_a, NULL, "Is it secret?", &result, &err), 0));
    cr_expect(eq(sz, result.n_passages, 0));
    cr_assert(eq(int, find(client_b, NULL, "Is it secret?", &result, &err), 0));
    cr_expect(eq(sz, result.n_passages, 1));
}

Test(knowledge, row_level_security_hides_other_clients_rows)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err err = {0};
    struct faq faq;

    cr_assert(eq(int, add(client_b, make_base(client_b, ""), "Is it secret?", "Yes.", &faq, &err), 0));
    tx = db_begin(worker.db, client_a, &err);
    cr_assert(tx != NULL, "%s", err.text);
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM chunks"), 0));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM documents"), 0));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM kb_words"), 0));
    cr_expect(eq(int, db_query(tx, NULL, &err, "SELECT FROM knowledge_bases"), 0));
}

Test(knowledge, a_bulk_is_taken_but_for_its_bad_entries)
{
    const char *kb_id = make_base(client_a, "");
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
    cr_assert(eq(int, find(client_a, kb_id, "do you fix taps?", &result, &err), 0), "%s", err.text);
    cr_assert(ge(sz, result.n_passages, 1));
    cr_expect(eq(str, (char *)result.passages[0].body, "Always."));

    taken = add_many(kb_id, "[{\"question\":\"do you fix sinks\",\"answer\":\"Never.\"}]");
    cr_expect(eq(i64, taken.added, 0));
    cr_expect(eq(i64, taken.replaced, 1));
}

Test(knowledge, a_bulk_that_is_no_array_or_too_long_is_refused_whole)
{
    AUTO(buf_free) struct buf json = {0};
    struct add_faqs in = {.kb_id = make_base(client_a, ""), .faqs = "{}"};
    struct add_faqs_result reply = {0};
    struct err err = {0};

    cr_expect(eq(int, call(on_add_faqs, client_a, &in, &reply, true, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(eq(str, err.field, "faqs"));
    for (int i = 0; i <= 5000; i++)
        buf_puts(&json, i ? ",1" : "[1");
    buf_puts(&json, "]");
    in.faqs = json.data;
    cr_expect(eq(int, call(on_add_faqs, client_a, &in, &reply, true, &err), -1));
    cr_expect(eq(str, err.field, "faqs"));
    cr_expect(eq(i64, count("SELECT count(*) AS n FROM documents WHERE client_id = $1"), 0));
}

Test(knowledge, five_thousand_faqs_are_taken_at_once)
{
    AUTO(buf_free) struct buf json = {0};
    const char *kb_id = make_base(client_a, "");
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
    cr_assert(eq(int, find(client_a, kb_id, "tell me about number4711 of shelf11", &result, &err), 0), "%s", err.text);
    cr_assert(ge(sz, result.n_passages, 1));
    cr_expect(eq(str, (char *)result.passages[0].body, "It costs 4711 dollars."));
}

/* ---- vectors ---- */

Test(knowledge, chunks_get_their_vectors_and_identical_texts_share_one)
{
    const char *kb_id = make_base(client_a, NULL);
    struct search_result result;
    struct err err = {0};

    add_many(kb_id, "[{\"question\":\"Do you fix taps?\",\"answer\":\"Yes.\"},"
                    " {\"question\":\"Do you fix sinks?\",\"answer\":\"Yes.\"}]");
    cr_expect(eq(i64, count_tasks(), 1));
    cr_expect(eq(i64, count_bare(), 4));
    cr_assert(eq(int, ingest(kb_id, &err), 0), "%s", err.text);
    cr_expect(eq(i64, count_bare(), 0));
    cr_expect(eq(int, api.texts, 3));
    cr_assert(eq(int, ingest(kb_id, &err), 0), "%s", err.text);
    cr_expect(eq(int, api.texts, 3), "a second run has nothing to do");

    cr_assert(eq(int, find(client_a, kb_id, "do you fix taps", &result, &err), 0), "%s", err.text);
    cr_expect(result.vectors_used);
    cr_assert(ge(sz, result.n_passages, 1));
    cr_expect(result.passages[0].vector_score > 0.99);
    cr_expect(eq(int, api.texts, 4));
    cr_assert(eq(int, find(client_a, kb_id, "do you fix taps", &result, &err), 0), "%s", err.text);
    cr_expect(eq(int, api.texts, 4), "the query is embedded once");
}

Test(knowledge, a_changed_answer_loses_its_vector_and_an_unchanged_question_keeps_it)
{
    const char *kb_id = make_base(client_a, NULL);
    struct err err = {0};
    struct faq faq;

    cr_assert(eq(int, add(client_a, kb_id, "Do you fix taps?", "Yes.", &faq, &err), 0), "%s", err.text);
    cr_assert(eq(int, ingest(kb_id, &err), 0), "%s", err.text);
    cr_assert(eq(int, add(client_a, kb_id, "Do you fix taps?", "No.", &faq, &err), 0), "%s", err.text);
    cr_expect(eq(i64, count_bare(), 1));
    cr_assert(eq(int, add(client_a, kb_id, "Do you fix taps?", "No.", &faq, &err), 0), "%s", err.text);
    cr_expect(eq(i64, count_bare(), 1));
}

Test(knowledge, a_refused_text_does_not_keep_the_others_from_their_vectors)
{
    const char *kb_id = make_base(client_a, NULL);
    AUTO(buf_free) struct buf json = {0};
    struct err err = {0};
    int asked;

    for (int i = 0; i < 120; i++)
        buf_printf(&json, "%s{\"question\":\"Question %d?\",\"answer\":\"%s %d\"}", i ? "," : "[", i,
                   i == 33 ? "poison" : "Answer", i);
    buf_puts(&json, "]");
    add_many(kb_id, json.data);
    cr_assert(eq(int, ingest(kb_id, &err), 0), "%s", err.text);
    cr_expect(eq(i64, count_bare(), 1));
    cr_expect(eq(i64,
                 count("SELECT count(*) AS n FROM embeddings WHERE client_id = $1 AND embedding IS NULL"
                       "   AND model = 'text-embedding-3-small'"),
                 1));
    asked = api.requests;
    cr_expect(lt(int, asked, 30));
    cr_assert(eq(int, ingest(kb_id, &err), 0), "%s", err.text);
    cr_expect(eq(int, api.requests, asked), "it is not asked for again");
}

Test(knowledge, a_failing_api_fails_the_task_and_marks_nothing)
{
    const char *kb_id = make_base(client_a, NULL);
    struct err err = {0};
    struct faq faq;

    cr_assert(eq(int, add(client_a, kb_id, "Do you fix taps?", "Yes.", &faq, &err), 0), "%s", err.text);
    api.fail = true;
    cr_expect(eq(int, ingest(kb_id, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    api.fail = false;
    api.wrong_count = true;
    cr_expect(eq(int, ingest(kb_id, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    api.wrong_count = false;
    api.wrong_dims = true;
    cr_expect(eq(int, ingest(kb_id, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    api.wrong_dims = false;
    api.refuse_all = true; /* the request is at fault, not the texts */
    cr_expect(eq(int, ingest(kb_id, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    api.refuse_all = false;
    cr_expect(eq(i64, count_bare(), 2));
    cr_assert(eq(int, ingest(kb_id, &err), 0), "%s", err.text);
    cr_expect(eq(i64, count_bare(), 0));
}

Test(knowledge, a_base_deleted_before_its_task_leaves_nothing_to_do)
{
    struct err err = {0};

    cr_expect(eq(int, ingest("019a0000-0000-7000-8000-000000000000", &err), 0), "%s", err.text);
}

/* ---- search ---- */

Test(knowledge, without_embeddings_words_answer_alone)
{
    const char *kb_id = make_base(client_a, NULL);
    struct search_result result;
    struct err err = {0};
    struct faq faq;
    int asked;

    cr_assert(eq(int, add(client_a, kb_id, "Do you fix taps?", "Yes.", &faq, &err), 0), "%s", err.text);
    api.fail = true;
    cr_assert(eq(int, find(client_a, kb_id, "can you fix my tap", &result, &err), 0), "%s", err.text);
    cr_expect(not(result.vectors_used));
    cr_expect(eq(sz, result.n_passages, 1));
    asked = api.requests;
    cr_assert(eq(int, find(client_a, kb_id, "can you fix a tap", &result, &err), 0), "%s", err.text);
    cr_expect(eq(int, api.requests, asked), "for a few seconds the failed API is not waited for");
    api.fail = false;
}

Test(knowledge, a_blank_query_is_refused)
{
    static const char *const queries[] = {" ", "\t\n", "\u00a0\u3000"};

    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        struct search_result result;
        struct err err = {0};
        cr_expect(eq(int, find(client_a, NULL, queries[i], &result, &err), -1));
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
    const char *kb_id = make_base(client_a, NULL);
    AUTO(buf_free) struct buf query = {0};
    struct search_result result;
    struct err err = {0};
    struct faq faq;

    cr_assert(eq(int, add(client_a, kb_id, "It's a \\ 'quote' | of e-mail?", "C:\\dir 'x' \"y\"", &faq, &err), 0), "%s",
              err.text);
    for (size_t i = 0; i < COUNT_OF(queries); i++)
        cr_expect(eq(int, find(client_a, NULL, queries[i], &result, &err), 0), "%s: %s", queries[i], err.text);
    for (int i = 0; i < 500; i++)
        buf_printf(&query, "word%d ", i * 7919);
    cr_expect(eq(int, find(client_a, NULL, query.data, &result, &err), 0), "%s", err.text);
    buf_clear(&query);
    for (int i = 0; i < 3999; i++)
        buf_puts(&query, "x");
    cr_expect(eq(int, find(client_a, NULL, query.data, &result, &err), 0), "%s", err.text);
    cr_expect(eq(int, find(client_a, NULL, "IT'S a \\ 'quote' | of e-mail", &result, &err), 0));
    cr_assert(eq(sz, result.n_passages, 1));
    cr_expect(eq(dbl, result.passages[0].score, 1));
}

Test(knowledge, the_threshold_of_the_request_goes_before_the_bases)
{
    const char *kb_id = make_base(client_a, "");
    struct search_knowledge in = {.query = "do you repair cars", .kb_id = kb_id, .max_results = 5, .threshold = -1};
    struct search_result result = {0};
    struct err err = {0};

    add_many(kb_id, "[{\"question\":\"Do you repair boilers?\",\"answer\":\"Yes.\"},"
                    " {\"question\":\"What are your hours?\",\"answer\":\"Nine to five.\"},"
                    " {\"question\":\"Do you take cards?\",\"answer\":\"All.\"}]");
    cr_assert(eq(int, call(on_search_knowledge, client_a, &in, &result, false, &err), 0), "%s", err.text);
    cr_expect(eq(sz, result.n_passages, 0));
    in.threshold = 0.1;
    in.max_results = 1;
    cr_assert(eq(int, call(on_search_knowledge, client_a, &in, &result, false, &err), 0), "%s", err.text);
    cr_expect(eq(sz, result.n_passages, 1));
}

/* embfix.c - see embfix.h. */
#include "tests/unit/embfix.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
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
#include "libshared/tasks.h"
#include "proto/messages.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/query_cache.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/copy_cache.h"

struct embfix_api embfix_api;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct httpd *httpd;
static struct config config;
static struct knowledge state;
static const struct config *kbfix_config;
static void *kbfix_state;
static char url[64], instance[UUID_SIZE];

/* ---- the API ---- */

static void embed_text(const char *text, struct buf *out)
{
    float values[EMBFIX_DIMS] = {0};
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
            values[hash % EMBFIX_DIMS] += 1;
        }
        len = 0;
        if (!*at)
            break;
    }
    values[0] += 0.01f;
    if (strstr(text, "zilch"))
        memset(values, 0, sizeof values);
    for (int i = 0; i < (embfix_api.wrong_dims ? 3 : EMBFIX_DIMS); i++)
        buf_printf(out, "%c%g", i ? ',' : '[', (double)values[i]);
    buf_puts(out, "]");
}

/* The status of the answer. */
static int write_answer(const json_t *inputs, struct buf *out)
{
    int status = 200, n = (int)json_array_size(inputs);

    embfix_api.requests++;
    embfix_api.texts += n;
    if (embfix_api.largest < n)
        embfix_api.largest = n;
    if (embfix_api.status)
        return embfix_api.status;
    buf_puts(out, "{\"data\":[");
    for (int i = 0; i + embfix_api.wrong_count < n; i++) {
        const char *text = json_string_value(json_array_get(inputs, (size_t)i));
        if (embfix_api.longest < strlen(text))
            embfix_api.longest = strlen(text);
        if (strstr(text, "poison") || embfix_api.refuse_all)
            status = 400;
        buf_printf(out, "%s{\"index\":%d,\"embedding\":", i ? "," : "", i);
        embed_text(text, out);
        buf_puts(out, "}");
    }
    buf_puts(out, "]}");
    return status;
}

static void api_answer(void *arg, struct exchange *x)
{
    json_t *request = json_loads(exchange_body(x), 0, NULL);
    struct buf out = {0};
    int status;

    (void)arg;
    pthread_mutex_lock(&lock);
    if (embfix_api.before)
        embfix_api.before();
    status = write_answer(json_object_get(request, "input"), &out);
    if (status != 200) {
        buf_clear(&out);
        buf_puts(&out, embfix_api.body ? embfix_api.body : "{\"error\":{\"message\":\"no\"}}");
    }
    pthread_mutex_unlock(&lock);
    exchange_reply(x, status, "application/json", out.data, out.len, NULL);
    buf_free(&out);
    json_decref(request);
}

/* ---- the worker ---- */

void embfix_open(void)
{
    const struct httpd_options options = {
        .bind_address = "127.0.0.1", .threads = 1, .max_body = 16 << 20, .max_connections = 16, .handler = api_answer};
    struct err err = {0};

    kbfix_open();
    httpd = httpd_new(&options, &err);
    cr_assert(httpd != NULL, "%s", err.text);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", httpd_port(httpd));
    kbfix_config = kbfix_worker.config;
    kbfix_state = kbfix_worker.state;
    config = *kbfix_config;
    config.openai_base_url = url;
    config.upload_max_bytes = 1 << 20;
    state.embedder = embedder_new(&config, NULL, &err);
    state.cache = query_cache_new(8, 1 << 20);
    state.copies = copy_cache_new(16 << 20);
    cr_assert(state.embedder && state.cache && state.copies, "%s", err.text);
    kbfix_worker.config = &config;
    kbfix_worker.state = &state;
    uuid_new(instance);
}

void embfix_close(void)
{
    embedder_destroy(&state.embedder);
    query_cache_destroy(&state.cache);
    copy_cache_destroy(&state.copies);
    kbfix_worker.config = kbfix_config;
    kbfix_worker.state = kbfix_state;
    kbfix_close();
    httpd_destroy(&httpd);
}

int embfix_call(request_fn *fn, const char *client, const char *key, const void *request, void *reply, struct err *err)
{
    const struct envelope env = {.idempotency_key = key};
    struct call c = {.env = &env, .client_id = client, .request = request, .reply = reply, .arena = kbfix_arena};
    int rc = fn(&kbfix_worker, &c, err);

    if (rc == 0 && c.tx)
        return db_commit(&c.tx, err);
    db_rollback(&c.tx);
    return rc;
}

static task_fn *handler_of(const struct task *task)
{
    return strcmp(task->kind->name, "ingest_document") == 0 ? on_ingest_document_task : on_bulk_ingest_faqs;
}

int embfix_work(struct err *err)
{
    struct task task, *done = &task;
    struct err problem = {0};
    int rc, n = tasks_claim_due(kbfix_worker.db, instance, "knowledge", 1, &task, &problem);

    cr_assert(n >= 0, "%s", problem.text);
    if (n == 0)
        return 0;
    rc = handler_of(&task)(&kbfix_worker, &task, err);
    if (rc < 0)
        cr_assert(eq(int, task_fail(kbfix_worker.db, NULL, &task, err, &problem), 0), "%s", problem.text);
    else if (!task.settled)
        cr_assert(eq(int, tasks_complete_batch(kbfix_worker.db, NULL, &done, 1, &problem), 1), "%s", problem.text);
    task_release(&task);
    kbfix_run("UPDATE tasks SET run_at = now() WHERE state = 'ready' AND $1 <> ''", instance);
    return rc < 0 ? -1 : 1;
}

int embfix_work_all(void)
{
    struct err err = {0};
    int rc, n = 0;

    while ((rc = embfix_work(&err)) > 0)
        n++;
    cr_assert(eq(int, rc, 0), "%s", err.text);
    return n;
}

void embfix_find(const char *kb_id, const char *query, struct search_result *reply)
{
    struct search_knowledge in = {.query = query, .kb_id = kb_id, .max_results = 5, .threshold = -1};
    struct err err = {0};

    *reply = (struct search_result){0};
    cr_assert(eq(int, embfix_call(on_search_knowledge, kbfix_a, NULL, &in, reply, &err), 0), "%s", err.text);
}

int embfix_ingest(const char *kb_id, const char *title, const char *content, struct ingestion *reply, struct err *err)
{
    struct ingest_document in = {
        .kb_id = kb_id, .title = title, .content = content, .content_type = "text/markdown", .source_url = NULL};

    *reply = (struct ingestion){0};
    return embfix_call(on_ingest_document, kbfix_a, NULL, &in, reply, err);
}

int64_t embfix_bare(void)
{
    return kbfix_count(
        "SELECT count(*) AS n FROM chunks c WHERE c.client_id = $1 AND NOT EXISTS (SELECT FROM embeddings"
        " e WHERE e.client_id = $1 AND e.text_hash = c.text_hash AND e.embedding IS NOT NULL)",
        kbfix_a);
}

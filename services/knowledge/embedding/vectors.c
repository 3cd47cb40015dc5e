/* vectors.c - see vectors.h. */
#include "services/knowledge/embedding/vectors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/tasks.h"
#include "proto/messages.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/embedding_store.h"
#include "services/knowledge/embedding/minilm.h"
#include "services/knowledge/embedding/vector_index.h"
#include "services/knowledge/knowledge.h"

#define PAGE_ARENA_BYTES   (96 * 1024 * 1024) /* 256 texts, their 3,072 numbers twice, the API's answers, retries */
#define EMBED_TIMEOUT_MS   60000
#define BUILTIN_PAGE_BYTES 65536 /* some 32 chunks, a second */

struct page {
    const struct vector_job *job;
    const struct bare_text *texts;
    const char **vectors; /* of each; NULL: the model refuses it */
    size_t n;
    struct err refusal; /* the last one */
};

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* Embeds texts [from, to). If the model refuses, the halves are tried alone, until the refused text stands alone. */
static int page_embed(struct embedder *embedder, struct page *page, size_t from, size_t to, struct arena *arena,
                      struct err *err)
{
    struct embeddings made;
    size_t middle = from + (to - from) / 2;
    const char **texts = arena_calloc(arena, to - from, sizeof *texts);
    struct err why = {0};

    if (!texts)
        return out_of_memory(err);
    for (size_t i = from; i < to; i++)
        texts[i - from] = page->texts[i].text;
    if (embedder_embed(embedder, page->job->model, texts, to - from, EMBED_TIMEOUT_MS, arena, &made, &why) == 0) {
        for (size_t i = from; i < to; i++) {
            const float *values = made.values + (i - from) * made.dims;
            if (!embed_has_direction(values, made.dims))
                err_set(&page->refusal, ERR_INVALID, "the vector is zero");
            else if (!(page->vectors[i] = embed_to_text(values, made.dims, arena)))
                return out_of_memory(err);
        }
        return 0;
    }
    if (why.kind != ERR_INVALID) {
        if (err)
            *err = why;
        return -1;
    }
    if (to - from == 1) {
        page->refusal = why; /* this one: it stays without a vector */
        return 0;
    }
    if (page_embed(embedder, page, from, middle, arena, err) < 0)
        return -1;
    return page_embed(embedder, page, middle, to, arena, err);
}

static size_t page_refused(const struct page *page)
{
    size_t refused = 0;

    for (size_t i = 0; i < page->n; i++)
        refused += page->vectors[i] == NULL;
    return refused;
}

/* When it refuses each text, the request may be at fault and not the texts: one that nobody can refuse tells. */
static int check_refusals(struct embedder *embedder, const struct page *page, struct arena *arena, struct err *err)
{
    static const char *const harmless = "What are your opening hours?";
    size_t refused = page_refused(page);
    struct embeddings made;

    if (refused == 0)
        return 0;
    if (refused == page->n &&
        embedder_embed(embedder, page->job->model, &harmless, 1, EMBED_TIMEOUT_MS, arena, &made, err) < 0)
        return -1;
    log_warn("the model refuses texts: they are found by their words alone", log_str("kb_id", page->job->kb_id),
             log_int("texts", refused), log_str("error", page->refusal.text));
    return 0;
}

int vectors_put_progress(struct db_tx *tx, const struct task *task, const struct vector_job *job, struct err *err)
{
    return db_query(tx, NULL, err,
                    "INSERT INTO task_progress (client_id, task_id, done, total) VALUES ($1, $2, $3, $4)"
                    " ON CONFLICT (client_id, task_id)"
                    " DO UPDATE SET done = excluded.done, total = excluded.total, updated_at = now()",
                    db_text(task->client_id), db_text(task->task_id), db_int(job->done), db_int(job->total)) < 0
               ? -1
               : 0;
}

/* Opens the base to store vectors. 1: what they are for is gone. */
static int open_target(struct db_tx *tx, const struct vector_job *job, struct arena *arena, struct kb *ret_kb,
                       struct err *err)
{
    struct err why = {0};
    int n = 1;

    if (kb_open_to_change(tx, job->kb_id, arena, ret_kb, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND)
            return 1;
        if (err)
            *err = why;
        return -1;
    }
    if (job->revision_id)
        n = db_query(tx, NULL, err,
                     "SELECT FROM pending_documents WHERE client_id = $1 AND document_id = $2 AND revision_id = $3",
                     db_text(ret_kb->client_id), db_text(job->document_id), db_text(job->revision_id));
    return n < 0 ? -1 : n == 0;
}

/* A chunk may have been removed while its vector was made: then the vector goes too. Those of a version on its way are
 * used later. */
static int drop_if_gone(struct db_tx *tx, const struct kb *kb, const struct page *page, struct arena *arena,
                        struct err *err)
{
    const char **hashes, *array;

    if (page->job->revision_id)
        return 0;
    if (!(hashes = arena_calloc(arena, page->n, sizeof *hashes)))
        return out_of_memory(err);
    for (size_t i = 0; i < page->n; i++)
        hashes[i] = page->texts[i].hash;
    if (!(array = db_array(arena, hashes, page->n)))
        return out_of_memory(err);
    return embeddings_drop_unused(tx, kb->client_id, array, err);
}

static int page_write(struct worker *self, const struct task *task, const struct page *page, struct arena *arena,
                      struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);
    struct kb kb;
    int gone;

    if (!tx)
        return -1;
    if ((gone = open_target(tx, page->job, arena, &kb, err)) != 0)
        return gone;
    if (embeddings_put(tx, task->client_id, page->job->model, page->texts, page->vectors, page->n, arena, err) < 0 ||
        drop_if_gone(tx, &kb, page, arena, err) < 0 ||
        vector_index_check(self, tx, task->client_id, page->job->model, err) < 0 ||
        vectors_put_progress(tx, task, page->job, err) < 0)
        return -1;
    failpoint("knowledge.vectors_written");
    return db_commit(&tx, err);
}

static int make_page(struct worker *self, const struct task *task, struct vector_job *job,
                     const struct bare_text *texts, size_t n, struct err *err)
{
    struct knowledge *state = self->state;
    AUTO(arena_destroy) struct arena *arena = arena_new(PAGE_ARENA_BYTES);
    struct page page = {.job = job, .texts = texts, .n = n};

    if (!arena || !(page.vectors = arena_calloc(arena, n, sizeof *page.vectors)))
        return out_of_memory(err);
    job->model_failed = page_embed(state->embedder, &page, 0, n, arena, err) < 0 ||
                        check_refusals(state->embedder, &page, arena, err) < 0;
    if (job->model_failed)
        return -1;
    failpoint("knowledge.embedded");
    job->done += (int64_t)n;
    if (job->total < job->done)
        job->total = job->done; /* more came meanwhile */
    return page_write(self, task, &page, arena, err);
}

void vectors_publish(struct worker *self, const struct task *task, const struct vector_job *job, const char *name,
                     const char *error)
{
    const struct knowledge_event event = {
        .kb_id = job->kb_id,
        .document_id = job->document_id,
        .task_id = task->task_id,
        .done = job->done,
        .total = job->total,
        .error = error,
    };

    if (self->bus) /* a test may have none */
        bus_publish(self->bus, name, task->client_id, &knowledge_event_type, &event);
}

/* The built-in model takes some 30 ms for a chunk: what is done is to be seen before a long document's end. */
static size_t page_size(const struct vector_job *job, const struct bare_text *texts, size_t n)
{
    size_t max_bytes = strcmp(job->model, MINILM_NAME) == 0 ? BUILTIN_PAGE_BYTES : SIZE_MAX, bytes = 0, size = 0;

    while (size < n && size < VECTOR_PAGE && bytes < max_bytes)
        bytes += strlen(texts[size++].text);
    return size;
}

int vectors_make(struct worker *self, const struct task *task, struct vector_job *job, const struct bare_text *texts,
                 size_t n, struct err *err)
{
    for (size_t at = 0, size; at < n; at += size) {
        int rc = 1;

        size = page_size(job, texts + at, n - at);
        if (clock_mono_ms() <= job->until_ms)
            rc = make_page(self, task, job, texts + at, size, err);
        if (rc != 0)
            return rc;
        vectors_publish(self, task, job, "knowledge.progress", NULL);
        failpoint("knowledge.page_done");
    }
    return 0;
}

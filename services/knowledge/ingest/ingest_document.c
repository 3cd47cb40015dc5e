/* ingest_document.c - the task ingest_document: a version of a document that waits becomes what is searched.
 *
 * It is cut (the same text gives the same chunks in each run), its texts get their vectors page by page, then one
 * transaction puts its chunks in the place of the old version's. Until then the old one answers, whole; a killed run
 * leaves vectors that the next one goes on from.
 *
 * A lead must not wait for a provider: where vectors cannot be had (a wrong key, nothing left to pay with, an outage
 * that lasts longer than a few attempts), the document is searched by its words alone, says so in its error, and the
 * task bulk_ingest_faqs makes up for the vectors when they can be had, which clears the error. */
#include <openssl/evp.h>
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
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/knowledge/api/document_store.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/embedding_store.h"
#include "services/knowledge/embedding/vector_index.h"
#include "services/knowledge/embedding/vectors.h"
#include "services/knowledge/ingest/chunker.h"
#include "services/knowledge/knowledge.h"

#define DOCUMENT_ARENA_BYTES ((size_t)1 << 30) /* a bound alone: the largest upload, cut, some arrays of ids */
#define PATIENT_ATTEMPTS     4                 /* at 2, 4 and 8 s: some 15 s of an outage are waited for */

/* A version with what has been made of it. */
struct ingest_run {
    struct worker *worker;
    struct task *task;
    struct arena *arena;
    struct kb kb;
    struct revision revision;
    struct piece *pieces;
    size_t n_pieces;
    struct bare_text *texts; /* of the pieces; equal ones once */
    size_t n_texts;
    int64_t until_ms;
    bool model_failed; /* what failed last was the model */
};

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* ---- cutting ---- */

/* As chunks.text_hash is made: md5 of the text, as a UUID. */
static int hash_text(const char *text, char out[UUID_SIZE])
{
    static const int dashes[] = {8, 13, 18, 23};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    size_t at = 0;

    if (EVP_Digest(text, strlen(text), digest, &len, EVP_md5(), NULL) != 1 || len != 16)
        return -1;
    hex_encode(digest, len, hex);
    for (int i = 0; i < UUID_SIZE - 1; i++) {
        bool dash = false;
        for (size_t d = 0; d < COUNT_OF(dashes); d++)
            dash = dash || dashes[d] == i;
        out[i] = dash ? '-' : hex[at++];
    }
    out[UUID_SIZE - 1] = '\0';
    return 0;
}

static int text_compare(const void *a, const void *b)
{
    return strcmp(((const struct bare_text *)a)->hash, ((const struct bare_text *)b)->hash);
}

static int make_texts(struct ingest_run *self, struct err *err)
{
    if (!(self->texts = arena_calloc(self->arena, self->n_pieces, sizeof *self->texts)))
        return out_of_memory(err);
    for (size_t i = 0; i < self->n_pieces; i++) {
        const struct piece *piece = &self->pieces[i];
        char *hash = arena_alloc(self->arena, UUID_SIZE);

        self->texts[i].text =
            *piece->heading ? arena_printf(self->arena, "%s\n%s", piece->heading, piece->body) : piece->body;
        if (!hash || !self->texts[i].text)
            return out_of_memory(err);
        if (hash_text(self->texts[i].text, hash) < 0)
            return err_set(err, ERR_INTERNAL, "knowledge: MD5 is not available");
        self->texts[i].hash = hash;
    }
    qsort(self->texts, self->n_pieces, sizeof *self->texts, text_compare);
    for (size_t i = 0; i < self->n_pieces; i++)
        if (i == 0 || strcmp(self->texts[i].hash, self->texts[self->n_texts - 1].hash) != 0)
            self->texts[self->n_texts++] = self->texts[i];
    return 0;
}

/* 1: there is nothing to do any more. */
static int load(struct ingest_run *self, struct err *err)
{
    const struct ingest_revision *in = self->task->payload;
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->worker->db, self->task->client_id, err);
    int rc;

    if (!tx)
        return -1;
    if ((rc = revision_read(tx, self->task->client_id, in->document_id, in->revision_id, self->arena, &self->revision,
                            err)) != 0)
        return rc;
    if (kb_open(tx, self->revision.kb_id, self->arena, &self->kb, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    if (chunk_text(self->revision.content, self->revision.is_markdown, self->arena, &self->pieces, &self->n_pieces,
                   err) < 0)
        return -1;
    return make_texts(self, err);
}

/* ---- vectors ---- */

/* Those of the texts that the base's model has no vector of, in *ret_texts. */
static int find_absent(const struct ingest_run *self, struct db_tx *tx, struct arena *arena,
                       struct bare_text **ret_texts, size_t *ret_n, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char **hashes = arena_calloc(arena, self->n_texts, sizeof *hashes), *array;
    struct bare_text *absent = arena_calloc(arena, self->n_texts, sizeof *absent);
    size_t n = 0;

    *ret_n = 0;
    if (!*self->kb.embedding_model)
        return 0;
    for (size_t i = 0; hashes && i < self->n_texts; i++)
        hashes[i] = self->texts[i].hash;
    if (!hashes || !absent || !(array = db_array(arena, hashes, self->n_texts)))
        return out_of_memory(err);
    if (embeddings_absent(tx, self->kb.client_id, self->kb.embedding_model, array, &rows, err) < 0)
        return -1;
    /* Both are in the order of the hashes. */
    for (size_t i = 0; i < self->n_texts && n < (size_t)db_result_count(rows); i++)
        if (strcmp(self->texts[i].hash, db_get(rows, (int)n, "text_hash")) == 0)
            absent[n++] = self->texts[i];
    *ret_texts = absent;
    *ret_n = n;
    return 0;
}

static struct vector_job vector_job(const struct ingest_run *self, size_t n_absent)
{
    return (struct vector_job){
        .kb_id = self->kb.kb_id,
        .document_id = self->revision.document_id,
        .revision_id = self->revision.revision_id,
        .model = self->kb.embedding_model,
        .until_ms = self->until_ms,
        .done = (int64_t)(self->n_texts - n_absent),
        .total = (int64_t)self->n_texts,
    };
}

/* The returns of vectors_make. */
static int make_vectors(struct ingest_run *self, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->worker->db, self->task->client_id, err);
    struct bare_text *absent;
    struct vector_job job;
    size_t n;
    int rc;

    self->model_failed = false;
    if (!tx || find_absent(self, tx, self->arena, &absent, &n, err) < 0)
        return -1;
    job = vector_job(self, n);
    if (vectors_put_progress(tx, self->task, &job, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    rc = vectors_make(self->worker, self->task, &job, absent, n, err);
    self->model_failed = job.model_failed;
    return rc;
}

/* ---- the change ---- */

/* The base's other vectors: those of the model that is to take over, and those that could not be had now. */
static int want_vectors(const struct ingest_run *self, struct db_tx *tx, struct err *err)
{
    const struct embed_chunks payload = {.kb_id = self->kb.kb_id};
    const struct task_spec spec = {
        .kind = TASK_bulk_ingest_faqs,
        .client_id = self->kb.client_id,
        .trace_id = self->task->trace_id,
        .payload = &payload,
        .serial_key = self->kb.kb_id,
    };

    return task_insert(tx, self->worker->bus, &spec, NULL, err) < 0 ? -1 : 0;
}

/* One half of a run is for the vectors, the other for the change. */
static int64_t half_deadline_ms(const struct task *task)
{
    return task->kind->deadline_s * 1000 / 2;
}

/* With why (NULL: all its vectors are there) the document is searched by its words alone. 1: vectors are missing that
 * were there, or the base has another model now; 2: nothing is to be done any more. */
static int publish(struct ingest_run *self, const struct err *why, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->worker->db, self->task->client_id, err);
    struct bare_text *absent;
    struct err problem = {0};
    struct vector_job job;
    size_t n;
    int rc;

    if (!tx || db_allow_ms(tx, half_deadline_ms(self->task), err) < 0)
        return -1;
    if (kb_open_to_change(tx, self->revision.kb_id, self->arena, &self->kb, &problem) < 0) {
        if (err)
            *err = problem;
        return problem.kind == ERR_NOT_FOUND ? 2 : -1;
    }
    if (find_absent(self, tx, self->arena, &absent, &n, err) < 0)
        return -1;
    if (n > 0 && !why)
        return 1;
    if ((rc = revision_publish(tx, &self->kb, &self->revision, self->pieces, self->n_pieces, n > 0 ? why->text : NULL,
                               self->arena, err)) != 0)
        return rc < 0 ? -1 : 2;
    if (((n > 0 || self->kb.next_model) && want_vectors(self, tx, err) < 0) ||
        vector_index_check_all(self->worker, tx, self->kb.client_id, err) < 0)
        return -1;
    job = vector_job(self, n);
    failpoint("knowledge.before_publish");
    if (vectors_put_progress(tx, self->task, &job, err) < 0 ||
        task_complete(tx, self->worker->bus, self->task, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    failpoint("knowledge.published");
    vectors_publish(self->worker, self->task, &job, n > 0 ? "knowledge.failed" : "knowledge.ingested",
                    n > 0 ? why->text : NULL);
    return 0;
}

/* Whether the document is not to wait any longer for its vectors. */
static bool gives_up_vectors(const struct ingest_run *self, const struct err *why)
{
    return self->model_failed && (!err_is_retryable(why) || self->task->attempt >= PATIENT_ATTEMPTS);
}

/* The database takes nothing but UTF-8, and a provider's message may have been cut within a character. */
static void make_storable(char *text)
{
    if (!utf8_valid(text, strlen(text)))
        for (char *at = text; *at; at++)
            if ((unsigned char)*at >= 0x80)
                *at = '?';
}

static int postpone(struct ingest_run *self, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->worker->db, self->task->client_id, err);

    if (!tx || task_postpone(tx, self->task, 0, "more chunks are waiting", err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static int ingest(struct ingest_run *self, struct err *err)
{
    int rc = load(self, err);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    do {
        struct err why = {0};

        rc = make_vectors(self, &why);
        if (rc > 0 || (rc == 0 && clock_mono_ms() > self->until_ms))
            return postpone(self, err);
        if (rc < 0 && !gives_up_vectors(self, &why)) {
            *err = why;
            return -1;
        }
        make_storable(why.text);
        if (rc < 0)
            log_err(LOG_WARN, "the document is searched by its words alone until its vectors can be had", &why);
        rc = publish(self, rc < 0 ? &why : NULL, err);
    } while (rc == 1);
    return rc < 0 ? -1 : 0;
}

/* The last attempt has failed: the document says so (see migrations/0010), and its task is dead. */
static int bury(struct ingest_run *self, const struct err *why, struct err *err)
{
    const struct ingest_revision *in = self->task->payload;
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->worker->db, self->task->client_id, err);
    const struct vector_job job = {.kb_id = self->revision.kb_id, .document_id = in->document_id};

    if (!tx || task_bury(tx, self->worker->bus, self->task, why, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    if (job.kb_id)
        vectors_publish(self->worker, self->task, &job, "knowledge.failed", why->text);
    return 0;
}

int on_ingest_document_task(struct worker *self, struct task *task, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(DOCUMENT_ARENA_BYTES);
    struct ingest_run run = {
        .worker = self,
        .task = task,
        .arena = arena,
        .until_ms = clock_mono_ms() + half_deadline_ms(task),
    };
    struct err why = {0};

    if (!arena)
        return out_of_memory(err);
    if (ingest(&run, &why) == 0)
        return 0;
    if (task->attempt >= task->max_attempts || !err_is_retryable(&why))
        return bury(&run, &why, err);
    if (err)
        *err = why;
    return -1;
}

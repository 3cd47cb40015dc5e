/* ingest.c - the task bulk_ingest_faqs: the chunks of a base get their vectors, and a base that changes its model gets
 * the new one's, which takes over when all are there. Before that, the words of a large base that changes its language.
 *
 * A page is read in one short transaction, embedded without any, and written in another. What is written stays written:
 * a second run goes on where the first one ended. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/tasks.h"
#include "proto/messages.h"
#include "services/knowledge/api/document_store.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/embedding_store.h"
#include "services/knowledge/embedding/vector_index.h"
#include "services/knowledge/embedding/vectors.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/word_store.h"

#define READ_ARENA_BYTES (16 * 1024 * 1024) /* a page of answers and questions */

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* The base as it is now, and up to a page of its texts that lack a vector of the model (NULL: of its next one, or where
 * it has none, its own). model "": none. 1: the base is gone. */
static int read_missing(struct worker *self, const struct task *task, const char *model, struct arena *arena,
                        struct kb *ret_kb, struct bare_text **ret_texts, size_t *ret_n, struct err *err)
{
    const struct embed_chunks *in = task->payload;
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);
    struct err why = {0};

    *ret_n = 0;
    if (!tx)
        return -1;
    if (kb_open(tx, in->kb_id, arena, ret_kb, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND)
            return 1;
        if (err)
            *err = why;
        return -1;
    }
    if (!model)
        model = ret_kb->next_model ? ret_kb->next_model : ret_kb->embedding_model;
    if (*model && embeddings_missing(tx, ret_kb, model, VECTOR_PAGE, arena, ret_texts, ret_n, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* How many texts the base has, and how many of them have the model's vector: where the progress stands. */
static int read_progress(struct worker *self, const struct task *task, struct vector_job *job, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);
    int64_t missing;

    if (!tx || embeddings_count(tx, task->client_id, job->kb_id, job->model, &job->total, &missing, err) < 0)
        return -1;
    job->done = job->total - missing;
    return vectors_put_progress(tx, task, job, err) < 0 ? -1 : db_commit(&tx, err);
}

static bool has_model(const struct kb *kb, const char *model)
{
    return strcmp(kb->embedding_model, model) == 0 || (kb->next_model && strcmp(kb->next_model, model) == 0);
}

/* Gives the base's chunks the model's vectors until none is missing. The returns of vectors_make; also 1 when the base
 * has other models meanwhile: what is made for it then is not kept, and would be missing for ever. */
static int fill(struct worker *self, const struct task *task, struct vector_job *job, struct err *err)
{
    size_t n;

    if (read_progress(self, task, job, err) < 0)
        return -1;
    do {
        AUTO(arena_destroy) struct arena *arena = arena_new(READ_ARENA_BYTES);
        struct bare_text *texts = NULL;
        struct kb kb;
        int rc;

        if (!arena)
            return out_of_memory(err);
        if ((rc = read_missing(self, task, job->model, arena, &kb, &texts, &n, err)) != 0)
            return rc;
        if (!has_model(&kb, job->model))
            return 1;
        if ((rc = vectors_make(self, task, job, texts, n, err)) != 0)
            return rc;
    } while (n > 0);
    return 0;
}

/* Gives way to others before the run gets as long as its deadline. */
static int postpone(struct worker *self, struct task *task, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);

    if (!tx || task_postpone(tx, task, 0, "more chunks are waiting", err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* Ends the task, if nothing has come to be missing meanwhile: with the base's lock held, so that no chunk can come
 * either. A next model takes over, and the old one's vectors go. 1: something is missing. */
static int finish(struct worker *self, struct task *task, const struct vector_job *job, struct arena *arena,
                  struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);
    struct bare_text *texts;
    struct err why = {0};
    struct kb kb;
    size_t n;

    if (!tx)
        return -1;
    if (kb_open_to_change(tx, job->kb_id, arena, &kb, &why) < 0) {
        if (err)
            *err = why;
        return why.kind == ERR_NOT_FOUND ? 1 : -1; /* deleted meanwhile */
    }
    if (strcmp(kb.next_model ? kb.next_model : kb.embedding_model, job->model) != 0)
        return 1; /* changed meanwhile */
    if (*job->model && embeddings_missing(tx, &kb, job->model, 1, arena, &texts, &n, err) < 0)
        return -1;
    if (*job->model && n > 0)
        return 1;
    if (kb.next_model && (kb_switch_model(tx, &kb, err) < 0 || embeddings_drop_all_unused(tx, kb.client_id, err) < 0 ||
                          vector_index_check_all(self, tx, kb.client_id, err) < 0))
        return -1;
    if (documents_clear_errors(tx, &kb, err) < 0 || vectors_put_progress(tx, task, job, err) < 0 ||
        task_complete(tx, self->bus, task, err) < 0)
        return -1;
    failpoint("knowledge.before_finish");
    return db_commit(&tx, err);
}

/* While another model's vectors are made, the old ones answer: new chunks get those too, as far as they can be had. */
static int fill_old(struct worker *self, const struct task *task, const struct kb *kb, struct vector_job *job)
{
    struct knowledge *state = self->state;
    struct err why = {0};
    int rc;

    if (!kb->next_model || !embedder_has(state->embedder, kb->embedding_model))
        return 0;
    job->model = kb->embedding_model;
    if ((rc = fill(self, task, job, &why)) >= 0)
        return rc;
    log_err(LOG_WARN, "new chunks have no vectors of the model that is to be replaced", &why);
    return 0;
}

/* The words of a base that changes its language, each page in a transaction of its own: others get their turn between
 * two. The returns of vectors_make. */
static int make_words(struct worker *self, const struct task *task, const struct vector_job *job, struct err *err)
{
    int rc;

    do {
        AUTO(arena_destroy) struct arena *arena = arena_new(READ_ARENA_BYTES);
        AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);
        struct kb kb;

        if (!arena)
            return out_of_memory(err);
        if (!tx || kb_open_to_change(tx, job->kb_id, arena, &kb, err) < 0 || (rc = words_step(tx, &kb, err)) < 0 ||
            db_commit(&tx, err) < 0)
            return -1;
        failpoint("knowledge.words_made");
    } while (rc == 1 && clock_mono_ms() < job->until_ms);
    return rc;
}

/* One round. 0: the task is settled; 1: more is to be done; 2: time is up, or the base is gone. */
static int run_once(struct worker *self, struct task *task, struct vector_job *job, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(READ_ARENA_BYTES);
    struct bare_text *texts;
    struct kb kb;
    size_t n;
    int rc;

    if (!arena)
        return out_of_memory(err);
    if ((rc = read_missing(self, task, "", arena, &kb, &texts, &n, err)) != 0)
        return rc < 0 ? -1 : 0; /* deleted meanwhile: nothing is left to do */
    if (kb.words_document && (rc = make_words(self, task, job, err)) != 0)
        return rc < 0 ? -1 : 2;
    if (fill_old(self, task, &kb, job) != 0)
        return 2;
    job->model = kb.next_model ? kb.next_model : kb.embedding_model;
    if (*job->model && (rc = fill(self, task, job, err)) != 0)
        return rc < 0 ? -1 : 2;
    rc = finish(self, task, job, arena, err);
    if (rc == 0)
        vectors_publish(self, task, job, "knowledge.ingested", NULL);
    job->model = NULL; /* it was in arena */
    return rc;
}

int on_bulk_ingest_faqs(struct worker *self, struct task *task, struct err *err)
{
    const struct embed_chunks *in = task->payload;
    struct vector_job job = {
        .kb_id = in->kb_id,
        .until_ms = clock_mono_ms() + task->kind->deadline_s * 1000 / 2,
    };
    int rc;

    do {
        rc = run_once(self, task, &job, err);
    } while (rc == 1 && clock_mono_ms() < job.until_ms);
    return rc <= 0 ? rc : postpone(self, task, err);
}

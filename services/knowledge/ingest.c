/* ingest.c - the task bulk_ingest_faqs: chunks without a vector are given theirs, page by page.
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
#include "services/knowledge/embed.h"
#include "services/knowledge/embedding_store.h"
#include "services/knowledge/kb_store.h"
#include "services/knowledge/knowledge.h"

#define PAGE_ARENA_BYTES (48 * 1024 * 1024) /* 100 answers, their 3,072 numbers twice, the API's answer */
#define EMBED_TIMEOUT_MS 30000

struct page {
    struct kb kb;
    struct bare_text *texts;
    const char **vectors; /* of each; NULL: the model refuses it */
    size_t n;
};

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

static int page_read(struct db_pool *db, const struct task *task, struct arena *arena, struct page *ret_page,
                     struct err *err)
{
    const struct embed_chunks *in = task->payload;
    AUTO(db_rollback) struct db_tx *tx = db_begin(db, task->client_id, err);
    struct page page = {0};
    struct err why = {0};

    if (!tx)
        return -1;
    if (kb_open(tx, in->kb_id, arena, &page.kb, &why) < 0) {
        if (err)
            *err = why;
        *ret_page = page;
        return why.kind == ERR_NOT_FOUND ? 0 : -1; /* deleted meanwhile: nothing is left to do */
    }
    if (*page.kb.embedding_model && embeddings_missing(tx, &page.kb, page.kb.embedding_model, EMBED_BATCH_MAX, arena,
                                                       &page.texts, &page.n, err) < 0)
        return -1;
    if (!(page.vectors = arena_calloc(arena, page.n, sizeof *page.vectors)))
        return out_of_memory(err);
    *ret_page = page;
    return db_commit(&tx, err);
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
    if (embedder_embed(embedder, page->kb.embedding_model, texts, to - from, EMBED_TIMEOUT_MS, arena, &made, &why) ==
        0) {
        for (size_t i = from; i < to; i++)
            if (!(page->vectors[i] = embed_to_text(made.values + (i - from) * made.dims, made.dims, arena)))
                return out_of_memory(err);
        return 0;
    }
    if (err)
        *err = why;
    if (why.kind != ERR_INVALID)
        return -1;
    if (to - from == 1)
        return 0; /* this one: it stays without a vector */
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

static int page_write(struct db_pool *db, const struct task *task, const struct page *page, struct arena *arena,
                      struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(db, task->client_id, err);

    if (!tx || embeddings_put(tx, task->client_id, page->kb.embedding_model, page->texts, page->vectors, page->n, arena,
                              err) < 0)
        return -1;
    failpoint("knowledge.vectors_written");
    return db_commit(&tx, err);
}

/* One page. Returns how many chunks it had: 0 when nothing is left to do. */
static int embed_page(struct worker *self, struct task *task, size_t *ret_n, struct err *err)
{
    struct knowledge *state = self->state;
    AUTO(arena_destroy) struct arena *arena = arena_new(PAGE_ARENA_BYTES);
    struct err refusal = {0};
    struct page page;
    size_t refused;

    if (!arena)
        return out_of_memory(err);
    if (page_read(self->db, task, arena, &page, err) < 0)
        return -1;
    *ret_n = page.n;
    if (page.n == 0)
        return 0;
    if (page_embed(state->embedder, &page, 0, page.n, arena, &refusal) < 0) {
        if (err)
            *err = refusal;
        return -1;
    }
    failpoint("knowledge.embedded");
    refused = page_refused(&page);
    /* When it refuses each of several, the request is at fault and not the texts. */
    if (refused > 1 && refused == page.n) {
        if (err)
            *err = refusal;
        return -1;
    }
    if (refused > 0)
        log_warn("the model refuses texts: they are found by their words alone", log_str("kb_id", page.kb.kb_id),
                 log_int("texts", refused), log_str("error", refusal.text));
    return page_write(self->db, task, &page, arena, err);
}

/* Gives way to others before the run gets as long as its deadline. */
static int postpone(struct worker *self, struct task *task, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);

    if (!tx || task_postpone(tx, task, 0, "more chunks are waiting", err) < 0)
        return -1;
    return db_commit(&tx, err);
}

int on_bulk_ingest_faqs(struct worker *self, struct task *task, struct err *err)
{
    const int64_t until_ms = clock_mono_ms() + task->kind->deadline_s * 1000 / 2;
    size_t n = 0;

    do {
        if (embed_page(self, task, &n, err) < 0)
            return -1;
        if (n > 0 && clock_mono_ms() > until_ms)
            return postpone(self, task, err);
    } while (n > 0);
    return 0;
}

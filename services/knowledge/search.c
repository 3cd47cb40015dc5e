/* search.c - what a client's knowledge says to a query.
 *
 * The query is embedded before the transaction that searches; when that fails, words and trigrams answer alone. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/query_vector.h"
#include "services/knowledge/score.h"
#include "services/knowledge/search_store.h"

#define SEARCH_ARENA_BYTES (16 * 1024 * 1024)

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* Whether there is anything but ASCII spaces and control bytes, and the spaces of Unicode that keyboards make. */
static bool is_blank(const char *text)
{
    static const char *const spaces[] = {"\u00a0", "\u2003", "\u200b", "\u202f", "\u3000", "\ufeff"};

    while (*text) {
        size_t skip = (unsigned char)*text <= ' ' || *text == 0x7f;
        for (size_t i = 0; !skip && i < COUNT_OF(spaces); i++)
            if (strncmp(text, spaces[i], strlen(spaces[i])) == 0)
                skip = strlen(spaces[i]);
        if (!skip)
            return false;
        text += skip;
    }
    return true;
}

/* The models of the bases that are searched. */
static int read_models(struct db_pool *db, const char *client_id, const char *kb_id, struct arena *arena,
                       const char *const **ret_models, size_t *ret_n, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(db, client_id, err);

    if (!tx || search_models(tx, client_id, kb_id, arena, ret_models, ret_n, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* A candidate with its score, to be sorted. */
struct ranked {
    const struct candidate *candidate;
    double score;
};

static int ranked_compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return strcmp(x->candidate->document_id, y->candidate->document_id);
}

static int answer(const struct search_knowledge *in, const struct candidate *candidates, size_t n, struct call *call,
                  struct err *err)
{
    struct search_result *reply = call->reply;
    struct ranked *ranked = arena_calloc(call->arena, n, sizeof *ranked);
    size_t n_ranked = 0;

    if (!ranked)
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        double score = score_fused(&candidates[i]);
        if (score >= (in->threshold >= 0 ? in->threshold : candidates[i].threshold))
            ranked[n_ranked++] = (struct ranked){&candidates[i], score};
    }
    qsort(ranked, n_ranked, sizeof *ranked, ranked_compare);
    if (n_ranked > (size_t)in->max_results)
        n_ranked = (size_t)in->max_results;
    if (!(reply->passages = arena_calloc(call->arena, n_ranked, sizeof *reply->passages)))
        return out_of_memory(err);
    for (size_t i = 0; i < n_ranked; i++) {
        const struct candidate *c = ranked[i].candidate;
        struct passage *passage = &reply->passages[i];
        *passage = (struct passage){
            .chunk_id = arena_strdup(call->arena, c->chunk_id),
            .document_id = arena_strdup(call->arena, c->document_id),
            .kb_id = arena_strdup(call->arena, c->kb_id),
            .kind = c->is_faq ? "faq" : "document",
            .title = arena_strdup(call->arena, c->title),
            .heading = *c->heading ? arena_strdup(call->arena, c->heading) : NULL,
            .source_url = *c->source_url ? arena_strdup(call->arena, c->source_url) : NULL,
            .body = arena_strdup(call->arena, c->body),
            .score = ranked[i].score,
            .vector_score = c->has_cosine ? c->cosine : 0,
            .text_score = score_text(c),
            .position = c->position,
        };
        if (!passage->chunk_id || !passage->document_id || !passage->kb_id || !passage->title || !passage->body)
            return out_of_memory(err);
    }
    reply->n_passages = n_ranked;
    return 0;
}

int on_search_knowledge(struct worker *self, struct call *call, struct err *err)
{
    const struct search_knowledge *in = call->request;
    struct search_result *reply = call->reply;
    AUTO(arena_destroy) struct arena *arena = arena_new(SEARCH_ARENA_BYTES);
    AUTO(db_rollback) struct db_tx *tx = NULL;
    const char *client_id = call_client(call, in->client_id, err), *const * models;
    struct candidate *candidates;
    struct query_vector *vectors;
    size_t n, n_models, n_vectors = 0;

    if (!client_id)
        return -1;
    if (!arena)
        return out_of_memory(err);
    if (is_blank(in->query))
        return err_set_field(err, ERR_INVALID, "query", "the query is blank");
    if (read_models(self->db, client_id, in->kb_id, arena, &models, &n_models, err) < 0)
        return -1;

    /* No connection is held while a model is awaited. */
    if (!(vectors = arena_calloc(arena, n_models, sizeof *vectors)))
        return out_of_memory(err);
    for (size_t i = 0; i < n_models; i++)
        if ((vectors[n_vectors].vector = query_vector(self->state, models[i], in->query, arena, &reply->query_cut)))
            vectors[n_vectors++].model = models[i];

    if (!(tx = db_begin(self->db, client_id, err)) ||
        search_candidates(tx, client_id, in->kb_id, in->query, vectors, n_vectors, 2 * (int)in->max_results + 10, arena,
                          &candidates, &n, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    reply->vectors_used = n_vectors > 0;
    return answer(in, candidates, n, call, err);
}

/* search.c - what a client's knowledge says to a query.
 *
 * The query is embedded before the database is asked, by the models that the bases had the last time; when that fails,
 * words and trigrams answer alone. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/knowledge/embedding/query_cache.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/model_guess.h"
#include "services/knowledge/search/query_vector.h"
#include "services/knowledge/search/score.h"
#include "services/knowledge/search/search_store.h"

#define SEARCH_ARENA_BYTES (16 * 1024 * 1024)
#define QUERY_BYTES_MAX    8000 /* some 2,000 tokens; of more a lead's question is not made */
#define CANDIDATES_BESIDE  4    /* beside max_results: what one view finds, the others may still reorder */

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
            .word_score = score_words(c),
            .trigram_score = score_trigrams(c),
            .position = c->position,
        };
        if (!passage->chunk_id || !passage->document_id || !passage->kb_id || !passage->title || !passage->body)
            return out_of_memory(err);
    }
    reply->n_passages = n_ranked;
    return 0;
}

/* The query as it is searched: at most QUERY_BYTES_MAX of it. */
static const char *cut_query(const char *query, struct arena *arena, bool *ret_cut)
{
    size_t len = strlen(query), kept = utf8_cut(query, len, QUERY_BYTES_MAX);

    *ret_cut = kept < len;
    return arena_strndup(arena, query, kept);
}

/* The query's vectors by those of models that can be had now. Returns how many. */
static size_t make_vectors(struct knowledge *state, const char *query, const char *const *models, size_t n_models,
                           struct arena *arena, struct query_vector *ret_vectors, bool *ret_cut)
{
    size_t n = 0;

    for (size_t i = 0; i < n_models; i++) {
        struct query_embedding made;
        if (!query_vector(state, models[i], query, arena, &made))
            continue;
        ret_vectors[n++] = (struct query_vector){models[i], made.dims, made.values};
        *ret_cut |= made.cut;
    }
    return n;
}

static bool all_in(const char *const *models, size_t n, const char *const *among, size_t n_among)
{
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t j = 0; j < n_among; j++)
            found |= strcmp(models[i], among[j]) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* Searches with the models that are remembered; once more if the bases have others. No connection is held while a model
 * is awaited. */
static int find(struct worker *self, const char *client_id, const struct search_knowledge *in, const char *query,
                struct arena *arena, struct candidates *ret_found, struct search_result *reply, struct err *err)
{
    const char *scope = in->kb_id ? in->kb_id : client_id, *models[SEARCH_MODELS_MAX];
    const struct search_options options = {
        .each = (int)in->max_results + CANDIDATES_BESIDE,
        .hnsw_from = self->config->hnsw_min_vectors ? self->config->hnsw_min_vectors : INT64_MAX,
    };
    size_t n_models = model_guess_get(scope, arena, models, SEARCH_MODELS_MAX);

    for (int attempt = 0;; attempt++) {
        struct query_vector vectors[SEARCH_MODELS_MAX];
        size_t n = make_vectors(self->state, query, models, n_models, arena, vectors, &reply->query_cut);

        if (search_candidates(self->db, client_id, in->kb_id, query, vectors, n, &options, arena, ret_found, err) < 0)
            return -1;
        reply->vectors_used = n > 0;
        if (all_in(ret_found->models, ret_found->n_models, models, n_models))
            return 0;
        n_models = ret_found->n_models < SEARCH_MODELS_MAX ? ret_found->n_models : SEARCH_MODELS_MAX;
        memcpy(models, ret_found->models, n_models * sizeof *models);
        model_guess_put(scope, models, n_models);
        if (attempt == 1)
            return 0;
    }
}

int on_search_knowledge(struct worker *self, struct call *call, struct err *err)
{
    const struct search_knowledge *in = call->request;
    struct search_result *reply = call->reply;
    AUTO(arena_destroy) struct arena *arena = arena_new(SEARCH_ARENA_BYTES);
    const char *client_id = call_client(call, in->client_id, err), *query;
    struct candidates found;

    if (!client_id)
        return -1;
    if (!arena)
        return out_of_memory(err);
    if (is_blank(in->query))
        return err_set_field(err, ERR_INVALID, "query", "the query is blank");
    if (!(query = cut_query(in->query, arena, &reply->query_cut)))
        return out_of_memory(err);
    if (find(self, client_id, in, query, arena, &found, reply, err) < 0)
        return -1;
    return answer(in, found.items, found.n, call, err);
}

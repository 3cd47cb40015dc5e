/* search.c - what a client's knowledge says to a query.
 *
 * What a client knows is copied, and searched here when the database has said that the copy is as it is now: what is
 * little by the search that needs it, what is more in the background (copy_builder.h). Until then the database
 * searches: then the query is embedded before it is asked, by the models that the bases had the last time. When a query
 * cannot be embedded, words and trigrams answer alone. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/knowledge/embedding/query_cache.h"
#include "services/knowledge/knowledge.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_builder.h"
#include "services/knowledge/search/copy_cache.h"
#include "services/knowledge/search/copy_search.h"
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

/* One search. */
struct search {
    struct worker *worker;
    const char *client_id, *query;
    const struct search_knowledge *in;
    struct arena *arena;
    struct search_result *reply;
};

/* In the database, with the models that are remembered; once more if the bases have others. No connection is held while
 * a model is awaited. */
static int find_in_database(const struct search *self, const struct search_options *options,
                            struct candidates *ret_found, struct err *err)
{
    const char *scope = self->in->kb_id ? self->in->kb_id : self->client_id, *models[SEARCH_MODELS_MAX];
    size_t n_models = model_guess_get(scope, self->arena, models, SEARCH_MODELS_MAX);

    for (int attempt = 0;; attempt++) {
        struct query_vector vectors[SEARCH_MODELS_MAX];
        size_t n = make_vectors(self->worker->state, self->query, models, n_models, self->arena, vectors,
                                &self->reply->query_cut);

        if (search_candidates(self->worker->db, self->client_id, self->in->kb_id, self->query, vectors, n, options,
                              self->arena, ret_found, err) < 0)
            return -1;
        self->reply->vectors_used = n > 0;
        if (all_in(ret_found->models, ret_found->n_models, models, n_models))
            return 0;
        n_models = ret_found->n_models < SEARCH_MODELS_MAX ? ret_found->n_models : SEARCH_MODELS_MAX;
        memcpy(models, ret_found->models, n_models * sizeof *models);
        model_guess_put(scope, models, n_models);
        if (attempt == 1)
            return 0;
    }
}

/* What is remembered of what the query asks in the languages of the bases. Returns the first language of which nothing
 * is, or NULL. */
static const char *recall_asked(const struct search *self, const struct copy *copy, const char **asked)
{
    const struct knowledge *state = self->worker->state;

    for (size_t i = 0; i < copy->n_bases; i++) {
        const struct copy_base *base = &copy->bases[i];
        if (!asked[i] && copy_in_scope(base, self->in->kb_id) &&
            !(asked[i] = query_cache_get_asked(state->cache, base->language, self->query, self->arena)))
            return base->language;
    }
    return NULL;
}

/* The copy of what the client knows at some moment of this search, and what the query asks of each of its bases. In one
 * round trip where the copy is as it was and the bases have one language. */
static int open_copy(const struct search *self, struct copy **ret_copy, const char ***ret_asked, struct err *err)
{
    struct knowledge *state = self->worker->state;
    AUTO(copy_release) struct copy *copy = copy_cache_get(state->copies, self->client_id, clock_mono_ms());
    const char **asked = NULL, *language, *made;
    bool current = false;

    for (;;) {
        int64_t version;

        if (!copy) {
            if (!(copy = copy_read(self->worker->db, self->client_id, err)))
                return -1;
            copy_cache_put(state->copies, copy, clock_mono_ms());
            current = true;
            asked = NULL;
        }
        if (!asked && !(asked = arena_calloc(self->arena, copy->n_bases, sizeof *asked)))
            return out_of_memory(err);
        language = recall_asked(self, copy, asked);
        if (copy->too_large || (current && !language))
            break;
        if (copy_check(self->worker->db, self->client_id, language, self->query, self->arena, &version, &made, err) < 0)
            return -1;
        if (language)
            query_cache_put_asked(state->cache, language, self->query, made);
        if (!current && version != copy->version)
            copy_release(&copy);
        current = true;
    }
    *ret_copy = TAKE(copy);
    *ret_asked = asked;
    return 0;
}

static int find_in_copy(const struct search *self, const struct copy *copy, const char *const *asked, int each,
                        struct candidates *ret_found, struct err *err)
{
    struct query_vector vectors[SEARCH_MODELS_MAX];
    const char *models[SEARCH_MODELS_MAX];
    size_t n_models = 0, n;

    for (size_t i = 0; i < copy->n_bases && n_models < SEARCH_MODELS_MAX; i++) {
        const char *model = copy->bases[i].model;
        if (*model && copy_in_scope(&copy->bases[i], self->in->kb_id) && !all_in(&model, 1, models, n_models))
            models[n_models++] = model;
    }
    n = make_vectors(self->worker->state, self->query, models, n_models, self->arena, vectors, &self->reply->query_cut);
    self->reply->vectors_used = n > 0;
    return copy_candidates(copy, self->in->kb_id, asked, vectors, n, each, self->arena, ret_found, err);
}

/* The candidates, some of whose texts are ret_copy's. */
static int find(const struct search *self, struct copy **ret_copy, struct candidates *ret_found, struct err *err)
{
    const struct config *config = self->worker->config;
    const struct search_options options = {
        .each = (int)self->in->max_results + CANDIDATES_BESIDE,
        .hnsw_from = config->hnsw_min_vectors ? config->hnsw_min_vectors : INT64_MAX,
    };
    const struct knowledge *state = self->worker->state;
    const char **asked;

    if (!state->copies)
        return find_in_database(self, &options, ret_found, err);
    if (open_copy(self, ret_copy, &asked, err) < 0)
        return -1;
    if ((*ret_copy)->too_large) {
        copy_builder_want(state->builder, self->client_id);
        return find_in_database(self, &options, ret_found, err);
    }
    return find_in_copy(self, *ret_copy, asked, options.each, ret_found, err);
}

int on_search_knowledge(struct worker *self, struct call *call, struct err *err)
{
    const struct search_knowledge *in = call->request;
    struct search_result *reply = call->reply;
    AUTO(arena_destroy) struct arena *arena = arena_new(SEARCH_ARENA_BYTES);
    AUTO(copy_release) struct copy *copy = NULL;
    struct search search = {.worker = self, .in = in, .arena = arena, .reply = reply};
    struct candidates found;

    if (!(search.client_id = call_client(call, in->client_id, err)))
        return -1;
    if (!arena)
        return out_of_memory(err);
    if (is_blank(in->query))
        return err_set_field(err, ERR_INVALID, "query", "the query is blank");
    if (!(search.query = cut_query(in->query, arena, &reply->query_cut)))
        return out_of_memory(err);
    if (find(&search, &copy, &found, err) < 0)
        return -1;
    return answer(in, found.items, found.n, call, err);
}

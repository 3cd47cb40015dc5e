/* copy_search.c - see copy_search.h. */
#include "services/knowledge/search/copy_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/half.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/copy_index.h"
#include "services/knowledge/search/drafts.h"
#include "services/knowledge/search/terms.h"
#include "services/knowledge/search/vector_dot.h"

#define NO_COSINE (-2.0)

struct searching {
    const struct query_vector *vectors;
    size_t n_vectors;
    int each;
    struct arena *arena;
    struct draft *drafts;
    size_t n_drafts;
};

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

bool copy_in_scope(const struct copy_base *base, const char *kb_id)
{
    return !kb_id || strcasecmp(base->kb_id, kb_id) == 0;
}

/* ---- vectors ---- */

/* As pgvector computes it. The query's numbers are rounded as the stored ones are. */
static double cosine_of(const struct copy_chunk *chunk, const float *query, size_t dims, double length2)
{
    double cosine;

    if (chunk->dims != dims || dims == 0 || chunk->length2 <= 0 || length2 <= 0)
        return NO_COSINE;
    cosine = vector_dot(chunk->values, query, dims) / sqrt(chunk->length2 * length2);
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

/* The query as a base's vectors are compared with it. */
struct query {
    size_t dims; /* 0: there is none of the base's model */
    const float *values;
    double length2; /* squared */
};

static int query_of(const struct searching *self, const struct copy_base *base, struct query *ret_query,
                    struct err *err)
{
    const struct query_vector *vector = NULL;
    float *values;

    *ret_query = (struct query){0};
    for (size_t i = 0; i < self->n_vectors && !vector; i++)
        if (strcmp(self->vectors[i].model, base->model) == 0)
            vector = &self->vectors[i];
    if (!vector)
        return 0;
    if (!(values = arena_calloc(self->arena, vector->dims, sizeof *values)))
        return out_of_memory(err);
    half_round(vector->values, vector->dims, values);
    *ret_query = (struct query){vector->dims, values, vector_dot(values, values, vector->dims)};
    return 0;
}

/* Of each chunk of the base, NO_COSINE where there is nothing to compare. NULL without memory. */
static double *cosines_of(const struct searching *self, const struct copy_base *base, const struct query *query)
{
    double *cosines = arena_calloc(self->arena, base->n_chunks, sizeof *cosines);

    for (size_t i = 0; cosines && i < base->n_chunks; i++)
        cosines[i] = cosine_of(&base->chunks[i], query->values, query->dims, query->length2);
    return cosines;
}

static int compare_down(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

/* What the nearest `each` texts reach; the same text has the same cosine. Above all where none has a vector. */
static int find_nearest(const struct searching *self, const double *cosines, size_t n, double *ret_from,
                        struct err *err)
{
    double *sorted = arena_calloc(self->arena, n, sizeof *sorted);
    int texts = 0;

    if (!sorted)
        return out_of_memory(err);
    *ret_from = 2;
    if (n == 0)
        return 0;
    memcpy(sorted, cosines, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_down);
    for (size_t i = 0; i < n && sorted[i] > NO_COSINE && texts < self->each; i++)
        if (sorted[i] < *ret_from) {
            *ret_from = sorted[i];
            texts++;
        }
    return 0;
}

/* ---- candidates ---- */

static bool says_a_term(const struct asked_base *base, const struct piece *piece, double *best)
{
    bool said = false;

    asked_mark(&base->asked, piece->words, 1, best);
    for (size_t i = 0; i < base->asked.n_terms; i++) {
        said |= best[i] > 0;
        best[i] = 0;
    }
    return said;
}

static bool is_question(const struct asked_base *base, const struct piece *piece)
{
    return strcmp(piece->part, "question") == 0 && strcmp(piece->folded, base->folded) == 0;
}

/* Where the chunks of the unit at begin end: those of an FAQ stand together. */
static size_t unit_end(const struct copy_base *base, size_t begin)
{
    const struct piece *first = &base->chunks[begin].piece;
    size_t end = begin + 1;

    while (piece_is_faq(first) && end < base->n_chunks && piece_is_faq(&base->chunks[end].piece) &&
           strcmp(base->chunks[end].piece.document_id, first->document_id) == 0)
        end++;
    return end;
}

/* The candidate that the chunks from begin on speak for; cosines: of each of them, NO_COSINE where there is none. */
static int add_unit(struct searching *self, const struct copy_base *base, const struct asked_base *asked, size_t begin,
                    size_t end, const double *cosines, struct err *err)
{
    struct draft *draft = &self->drafts[self->n_drafts];

    if (draft_begin(draft, asked, &base->chunks[begin].piece, self->arena, err) < 0)
        return -1;
    self->n_drafts++;
    for (size_t i = begin; i < end; i++, cosines++)
        draft_add(draft, &base->chunks[i].piece, *cosines > NO_COSINE ? cosines : NULL);
    return 0;
}

/* Each chunk is looked at. */
static int search_each(struct searching *self, const struct copy_base *base, const struct asked_base *asked,
                       const struct query *query, struct err *err)
{
    double *cosines = cosines_of(self, base, query);
    double *best = arena_calloc(self->arena, asked->asked.n_terms + 1, sizeof *best), nearest;

    if (!cosines || !best)
        return out_of_memory(err);
    if (find_nearest(self, cosines, base->n_chunks, &nearest, err) < 0)
        return -1;
    for (size_t begin = 0, end; begin < base->n_chunks; begin = end) {
        bool found = false;

        end = unit_end(base, begin);
        for (size_t i = begin; i < end && !found; i++) {
            const struct piece *piece = &base->chunks[i].piece;
            found = cosines[i] >= nearest || says_a_term(asked, piece, best) || is_question(asked, piece);
        }
        if (found && add_unit(self, base, asked, begin, end, cosines + begin, err) < 0)
            return -1;
    }
    return 0;
}

/* The units of a base with an index. */
static int search_units(struct searching *self, const struct copy_base *base, const struct asked_base *asked,
                        const struct query *query, const uint32_t *units, size_t n, struct err *err)
{
    const struct copy_index *index = base->index;

    for (size_t i = 0; i < n; i++) {
        size_t begin = index->unit_from[units[i]], end = index->unit_from[units[i] + 1];
        double *cosines = arena_calloc(self->arena, end - begin, sizeof *cosines);

        if (!cosines)
            return out_of_memory(err);
        for (size_t j = begin; j < end; j++)
            cosines[j - begin] =
                query->dims > 0 && index->vector_of[j] != NO_VECTOR && query->dims == index->nearest.dims
                    ? nearest_cosine(&index->nearest, index->vector_of[j], query->values, query->length2)
                    : NO_COSINE;
        if (add_unit(self, base, asked, begin, end, cosines, err) < 0)
            return -1;
    }
    return 0;
}

static int ask_base(const struct copy_base *base, const char *asked, struct arena *arena, struct asked_base *ret,
                    struct err *err)
{
    struct terms terms;

    if (terms_parse(asked, base->vocabulary.common, arena, &terms, err) < 0)
        return -1;
    *ret = (struct asked_base){
        .kb_id = base->kb_id,
        .model = base->model,
        .folded = terms.folded,
        .threshold = base->threshold,
        .fillers = base->vocabulary.common,
    };
    trigrams_read(&ret->trigrams, terms.folded);
    return terms_ask(&terms, &base->vocabulary, arena, &ret->asked, err);
}

/* A base that is searched. */
struct scope {
    const struct copy_base *base;
    struct query query;
    uint32_t *units; /* that may answer, where it has an index */
    size_t n_units;
};

static int open_scope(const struct searching *self, const struct copy_base *base, const struct asked_base *asked,
                      struct scope *ret_scope, struct err *err)
{
    struct scope scope = {.base = base, .n_units = base->n_chunks};

    if (query_of(self, base, &scope.query, err) < 0)
        return -1;
    if (base->index && copy_index_find(base->index, base, asked, scope.query.values, scope.query.dims,
                                       (size_t)self->each, self->arena, &scope.units, &scope.n_units, err) < 0)
        return -1;
    *ret_scope = scope;
    return 0;
}

int copy_candidates(const struct copy *self, const char *kb_id, const char *const *asked,
                    const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                    struct candidates *ret_candidates, struct err *err)
{
    struct searching searching = {.vectors = vectors, .n_vectors = n_vectors, .each = each, .arena = arena};
    struct asked_base *bases = arena_calloc(arena, self->n_bases, sizeof *bases);
    struct scope *scopes = arena_calloc(arena, self->n_bases, sizeof *scopes);
    size_t n = 0, n_units = 0;

    if (!bases || !scopes)
        return out_of_memory(err);
    for (size_t i = 0; i < self->n_bases; i++) {
        if (!copy_in_scope(&self->bases[i], kb_id))
            continue;
        if (ask_base(&self->bases[i], asked[i], arena, &bases[n], err) < 0 ||
            open_scope(&searching, &self->bases[i], &bases[n], &scopes[n], err) < 0)
            return -1;
        n_units += scopes[n++].n_units;
    }
    if (n == 0 && kb_id)
        return err_set_field(err, ERR_NOT_FOUND, "kb_id", "there is no knowledge base %.40s", kb_id);
    if (!(searching.drafts = arena_calloc(arena, n_units, sizeof *searching.drafts)))
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct scope *scope = &scopes[i];
        if ((scope->base->index
                 ? search_units(&searching, scope->base, &bases[i], &scope->query, scope->units, scope->n_units, err)
                 : search_each(&searching, scope->base, &bases[i], &scope->query, err)) < 0)
            return -1;
    }
    return drafts_finish(searching.drafts, searching.n_drafts, bases, n, arena, ret_candidates, err);
}

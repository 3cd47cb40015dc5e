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

/* Of each chunk of the base, NO_COSINE where there is nothing to compare. NULL without memory. */
static double *cosines_of(const struct searching *self, const struct copy_base *base)
{
    double *cosines = arena_calloc(self->arena, base->n_chunks, sizeof *cosines), length2 = 0;
    const struct query_vector *vector = NULL;
    float *query = NULL;

    if (!cosines)
        return NULL;
    for (size_t i = 0; i < self->n_vectors && !vector; i++)
        if (strcmp(self->vectors[i].model, base->model) == 0)
            vector = &self->vectors[i];
    if (vector) {
        if (!(query = arena_calloc(self->arena, vector->dims, sizeof *query)))
            return NULL;
        half_round(vector->values, vector->dims, query);
        length2 = vector_dot(query, query, vector->dims);
    }
    for (size_t i = 0; i < base->n_chunks; i++)
        cosines[i] = vector ? cosine_of(&base->chunks[i], query, vector->dims, length2) : NO_COSINE;
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

static int search_base(struct searching *self, const struct copy_base *base, const struct asked_base *asked,
                       struct err *err)
{
    double *cosines = cosines_of(self, base), *best = arena_calloc(self->arena, asked->asked.n_terms + 1, sizeof *best);
    double nearest;

    if (!cosines || !best)
        return out_of_memory(err);
    if (find_nearest(self, cosines, base->n_chunks, &nearest, err) < 0)
        return -1;
    for (size_t begin = 0, end; begin < base->n_chunks; begin = end) {
        struct draft *draft = &self->drafts[self->n_drafts];
        bool found = false;

        end = unit_end(base, begin);
        for (size_t i = begin; i < end && !found; i++) {
            const struct piece *piece = &base->chunks[i].piece;
            found = cosines[i] >= nearest || says_a_term(asked, piece, best) || is_question(asked, piece);
        }
        if (!found)
            continue;
        if (draft_begin(draft, asked, &base->chunks[begin].piece, self->arena, err) < 0)
            return -1;
        self->n_drafts++;
        for (size_t i = begin; i < end; i++)
            draft_add(draft, &base->chunks[i].piece, cosines[i] > NO_COSINE ? &cosines[i] : NULL);
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

int copy_candidates(const struct copy *self, const char *kb_id, const char *const *asked,
                    const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                    struct candidates *ret_candidates, struct err *err)
{
    struct searching searching = {.vectors = vectors, .n_vectors = n_vectors, .each = each, .arena = arena};
    struct asked_base *bases = arena_calloc(arena, self->n_bases, sizeof *bases);
    size_t n = 0, n_chunks = 0;

    for (size_t i = 0; i < self->n_bases; i++)
        n_chunks += self->bases[i].n_chunks;
    if (!bases || !(searching.drafts = arena_calloc(arena, n_chunks, sizeof *searching.drafts)))
        return out_of_memory(err);
    for (size_t i = 0; i < self->n_bases; i++) {
        if (!copy_in_scope(&self->bases[i], kb_id))
            continue;
        if (ask_base(&self->bases[i], asked[i], arena, &bases[n], err) < 0 ||
            search_base(&searching, &self->bases[i], &bases[n], err) < 0)
            return -1;
        n++;
    }
    if (n == 0 && kb_id)
        return err_set_field(err, ERR_NOT_FOUND, "kb_id", "there is no knowledge base %.40s", kb_id);
    return drafts_finish(searching.drafts, searching.n_drafts, bases, n, arena, ret_candidates, err);
}

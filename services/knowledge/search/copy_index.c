/* copy_index.c - see copy_index.h. */
#include "services/knowledge/search/copy_index.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/search/copy.h"
#include "services/knowledge/search/drafts.h"

#define SCRATCH_BYTES ((size_t)256 * 1024 * 1024)

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* ---- making: units ---- */

static bool same_unit(const struct piece *a, const struct piece *b)
{
    return piece_is_faq(a) && piece_is_faq(b) && strcmp(a->document_id, b->document_id) == 0;
}

static int make_units(const struct copy_base *base, struct arena *arena, struct copy_index *self, struct err *err)
{
    uint32_t *from = arena_calloc(arena, base->n_chunks + 1, sizeof *from);
    uint32_t *of = arena_calloc(arena, base->n_chunks, sizeof *of), n = 0;

    if (!from || !of)
        return out_of_memory(err);
    for (uint32_t i = 0; i < base->n_chunks; i++) {
        if (i == 0 || !same_unit(&base->chunks[i - 1].piece, &base->chunks[i].piece))
            from[n++] = i;
        of[i] = n - 1;
    }
    from[n] = (uint32_t)base->n_chunks;
    self->n_units = n;
    self->unit_from = from;
    self->unit_of = of;
    return 0;
}

static int make_postings(const struct copy_base *base, struct arena *arena, struct arena *scratch,
                         struct copy_index *self, struct err *err)
{
    struct said *said = arena_calloc(scratch, base->n_chunks, sizeof *said);

    if (!said)
        return out_of_memory(err);
    for (size_t i = 0; i < base->n_chunks; i++)
        said[i] = (struct said){
            .unit = self->unit_of[i],
            .is_answer = strcmp(base->chunks[i].piece.part, "answer") == 0,
            .words = base->chunks[i].piece.words,
        };
    return postings_make(&base->vocabulary, said, base->n_chunks, self->n_units, arena, &self->postings, err);
}

/* ---- making: what is sorted ---- */

struct sorted {
    const struct copy_chunk *chunk;
    uint32_t place;
};

static int by_folded(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;

    return strcmp(x->chunk->piece.folded, y->chunk->piece.folded);
}

static int by_vector(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int order = memcmp(x->chunk->halves, y->chunk->halves, x->chunk->dims * sizeof *x->chunk->halves);

    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int make_questions(const struct copy_base *base, struct arena *arena, struct arena *scratch,
                          struct copy_index *self, struct err *err)
{
    struct sorted *sorted = arena_calloc(scratch, base->n_chunks, sizeof *sorted);
    uint32_t *questions;
    size_t n = 0;

    if (!sorted)
        return out_of_memory(err);
    for (uint32_t i = 0; i < base->n_chunks; i++)
        if (strcmp(base->chunks[i].piece.part, "question") == 0)
            sorted[n++] = (struct sorted){&base->chunks[i], i};
    qsort(sorted, n, sizeof *sorted, by_folded);
    if (!(questions = arena_calloc(arena, n, sizeof *questions)))
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        questions[i] = sorted[i].place;
    self->n_questions = n;
    self->questions = questions;
    return 0;
}

/* The chunks that have a vector, those with the same one together. */
static int sort_vectors(const struct copy_base *base, struct arena *scratch, struct sorted **ret_sorted, size_t *ret_n,
                        struct err *err)
{
    struct sorted *sorted = arena_calloc(scratch, base->n_chunks, sizeof *sorted);
    size_t n = 0;

    if (!sorted)
        return out_of_memory(err);
    for (uint32_t i = 0; i < base->n_chunks; i++)
        if (base->chunks[i].dims > 0)
            sorted[n++] = (struct sorted){&base->chunks[i], i};
    for (size_t i = 1; i < n; i++)
        if (sorted[i].chunk->dims != sorted[0].chunk->dims)
            return err_set(err, ERR_INTERNAL, "knowledge: vectors of one model have different widths");
    qsort(sorted, n, sizeof *sorted, by_vector);
    *ret_sorted = sorted;
    *ret_n = n;
    return 0;
}

static int make_vectors(const struct copy_base *base, struct arena *arena, struct arena *scratch,
                        struct copy_index *self, struct err *err)
{
    uint32_t *of = arena_calloc(arena, base->n_chunks, sizeof *of), *from, *chunks, n_vectors = 0;
    const uint16_t **halves;
    struct sorted *sorted;
    size_t n;

    if (!of)
        return out_of_memory(err);
    if (sort_vectors(base, scratch, &sorted, &n, err) < 0)
        return -1;
    from = arena_calloc(arena, n + 1, sizeof *from);
    chunks = arena_calloc(arena, n, sizeof *chunks);
    halves = arena_calloc(arena, n, sizeof *halves);
    if (!from || !chunks || !halves)
        return out_of_memory(err);
    for (size_t i = 0; i < base->n_chunks; i++)
        of[i] = NO_VECTOR;
    for (size_t i = 0; i < n; i++) {
        const struct copy_chunk *chunk = sorted[i].chunk;
        if (i == 0 || memcmp(sorted[i - 1].chunk->halves, chunk->halves, chunk->dims * sizeof *chunk->halves) != 0) {
            from[n_vectors] = (uint32_t)i;
            halves[n_vectors++] = chunk->halves;
        }
        chunks[i] = sorted[i].place;
        of[sorted[i].place] = n_vectors - 1;
    }
    from[n_vectors] = (uint32_t)n;
    self->vector_of = of;
    self->chunks_from = from;
    self->chunks = chunks;
    return n == 0 ? 0 : nearest_make(halves, n_vectors, sorted[0].chunk->dims, arena, &self->nearest, err);
}

int copy_index_make(const struct copy_base *base, struct arena *arena, struct copy_index **ret_index, struct err *err)
{
    AUTO(arena_destroy) struct arena *scratch = arena_new(SCRATCH_BYTES);
    struct copy_index *self = arena_alloc(arena, sizeof *self);

    if (!scratch || !self)
        return out_of_memory(err);
    if (base->n_chunks > POSTINGS_UNITS_MAX)
        return err_set(err, ERR_INTERNAL, "knowledge: too many chunks for an index");
    if (make_units(base, arena, self, err) < 0 || make_postings(base, arena, scratch, self, err) < 0 ||
        make_questions(base, arena, scratch, self, err) < 0 || make_vectors(base, arena, scratch, self, err) < 0)
        return -1;
    *ret_index = self;
    return 0;
}

/* ---- finding ---- */

/* The units that were found, each once. */
struct found {
    unsigned char *seen; /* of each unit */
    size_t n;
};

static void add_unit(struct found *found, uint32_t unit)
{
    found->n += !found->seen[unit];
    found->seen[unit] = 1;
}

static int find_nearest(const struct copy_index *self, const float *vector, size_t each, struct arena *arena,
                        struct found *found, struct err *err)
{
    struct near *near;
    size_t n;

    if (nearest_find(&self->nearest, vector, each, arena, &near, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        for (uint32_t j = self->chunks_from[near[i].vector]; j < self->chunks_from[near[i].vector + 1]; j++)
            add_unit(found, self->unit_of[self->chunks[j]]);
    return 0;
}

static void find_question(const struct copy_index *self, const struct copy_base *base, const char *folded,
                          struct found *found)
{
    size_t from = 0, to = self->n_questions;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(base->chunks[self->questions[middle]].piece.folded, folded) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (; from < self->n_questions && strcmp(base->chunks[self->questions[from]].piece.folded, folded) == 0; from++)
        add_unit(found, self->unit_of[self->questions[from]]);
}

int copy_index_find(const struct copy_index *self, const struct copy_base *base, const struct asked_base *asked,
                    const float *vector, size_t dims, size_t each, struct arena *arena, uint32_t **ret_units,
                    size_t *ret_n, struct err *err)
{
    struct found found = {.seen = arena_calloc(arena, self->n_units, 1)};
    uint32_t *units;
    size_t n;

    if (!found.seen)
        return out_of_memory(err);
    if (postings_best(&self->postings, &asked->asked, 2 * each, arena, &units, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        add_unit(&found, units[i]);
    if (vector && dims == self->nearest.dims && find_nearest(self, vector, each, arena, &found, err) < 0)
        return -1;
    find_question(self, base, asked->folded, &found);
    if (!(units = arena_calloc(arena, found.n, sizeof *units)))
        return out_of_memory(err);
    n = 0;
    for (uint32_t unit = 0; unit < self->n_units; unit++)
        if (found.seen[unit])
            units[n++] = unit;
    *ret_units = units;
    *ret_n = n;
    return 0;
}

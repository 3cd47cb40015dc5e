/* copy_index.h - where in a large base to look for what answers a query, so that not all of it is gone through. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "services/knowledge/search/nearest.h"
#include "services/knowledge/search/postings.h"

struct arena;
struct asked_base;
struct copy_base;
struct err;

#define NO_VECTOR UINT32_MAX

/* Not changed once it is made: threads may share it. Units are an FAQ or a document's chunk each. */
struct copy_index {
    size_t n_units;
    const uint32_t *unit_from; /* of each unit its first chunk; and behind the last one the number of chunks */
    const uint32_t *unit_of;   /* of each chunk */
    struct nearest nearest;    /* of its vectors: chunks that say the same share one; none: n is 0 */
    const uint32_t *vector_of; /* of each chunk, or NO_VECTOR */
    const uint32_t *chunks_from, *chunks; /* of each vector, where its chunks begin in chunks; as unit_from */
    struct postings postings;
    size_t n_questions;
    const uint32_t *questions; /* the chunks that are questions, by how they are compared */
};

/* Of a base whose chunks are in their order and with their halves. In arena. ERR_INTERNAL: no memory, or it cannot be
 * indexed. */
int copy_index_make(const struct copy_base *base, struct arena *arena, struct copy_index **ret_index, struct err *err);

/* The units that may answer: those that say most of the query, those with the vectors that are nearest and those whose
 * question it is; each once, in their order. vector: of dims numbers, each of which is a half; NULL: there is none. In
 * arena. */
int copy_index_find(const struct copy_index *self, const struct copy_base *base, const struct asked_base *asked,
                    const float *vector, size_t dims, size_t each, struct arena *arena, uint32_t **ret_units,
                    size_t *ret_n, struct err *err);

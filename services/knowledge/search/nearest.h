/* nearest.h - which of many vectors are nearest to one, without comparing all of them in full. Pure.
 *
 * Of each vector there is a code: one bit a number, whether it is above the mean of all. Those whose codes differ least
 * are compared in full. Two vectors with a cosine of 0.7 of 1,536 numbers differ in a quarter of the bits, give or take
 * a hundredth: among those that are compared are the nearest ones. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

/* Not changed once it is made: threads may share it. */
struct nearest {
    size_t n, dims;
    const uint16_t *const *halves; /* of each vector: dims halves */
    const float *length2;          /* of each vector, squared */
    const float *mean;
    size_t code_words;
    const uint64_t *codes; /* of each vector, one behind the other */
};

struct near {
    size_t vector; /* its place */
    double cosine;
};

/* halves and their vectors must outlive it. In arena. -1 without memory. */
int nearest_make(const uint16_t *const *halves, size_t n, size_t dims, struct arena *arena, struct nearest *ret_nearest,
                 struct err *err);

/* The cosine as pgvector computes it; -2 where one of them has no length. query: dims numbers, each of which is a half;
 * length2: its length, squared. */
double nearest_cosine(const struct nearest *self, size_t vector, const float *query, double length2);

/* The wanted nearest vectors, the nearest first. In arena. -1 without memory. */
int nearest_find(const struct nearest *self, const float *query, size_t wanted, struct arena *arena,
                 struct near **ret_near, size_t *ret_n, struct err *err);

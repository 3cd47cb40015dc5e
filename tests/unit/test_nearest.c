/* Which vectors are nearest, told by codes first. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/half.h"
#include "services/knowledge/search/bits.h"
#include "services/knowledge/search/half_dot.h"
#include "services/knowledge/search/nearest.h"
#include "services/knowledge/search/vector_dot.h"

static struct arena *arena;

static void make_arena(void)
{
    arena = arena_new(1 << 28);
    srand(5);
}

static void free_arena(void)
{
    arena_destroy(&arena);
}

TestSuite(nearest, .init = make_arena, .fini = free_arena, .timeout = 60);

/* Near a normal distribution. */
static float noise(void)
{
    float sum = 0;

    for (int i = 0; i < 6; i++)
        sum += (float)rand() / (float)RAND_MAX - 0.5f;
    return sum;
}

static const uint16_t *halves_of(const float *values, size_t dims)
{
    unsigned char *binary = arena_alloc(arena, HALF_BYTES(dims));
    uint16_t *halves = arena_calloc(arena, dims, sizeof *halves);

    half_encode(values, dims, binary);
    for (size_t i = 0; i < dims; i++)
        halves[i] = (uint16_t)(binary[4 + 2 * i] << 8 | binary[5 + 2 * i]);
    return halves;
}

struct sample {
    size_t n, dims;
    const uint16_t **halves;
    struct nearest nearest;
};

/* n vectors in clusters of so many, all of which have something in common; the smaller the spread, the more of a
 * cluster are alike. */
static struct sample make_sample(size_t n, size_t dims, size_t each, float spread)
{
    struct sample self = {.n = n, .dims = dims};
    float *centre = arena_calloc(arena, dims, sizeof *centre), *head = arena_calloc(arena, dims, sizeof *head);
    float *values = arena_calloc(arena, dims, sizeof *values);
    struct err err = {0};

    self.halves = arena_calloc(arena, n, sizeof *self.halves);
    for (size_t j = 0; j < dims; j++)
        centre[j] = 0.5f * noise();
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < dims; j++) {
            if (i % each == 0)
                head[j] = centre[j] + noise();
            values[j] = head[j] + spread * noise();
        }
        self.halves[i] = halves_of(values, dims);
    }
    cr_assert(eq(int, nearest_make(self.halves, n, dims, arena, &self.nearest, &err), 0), "%s", err.text);
    return self;
}

/* A question about one of them. */
static float *ask_about(const struct sample *self, size_t vector, float spread)
{
    float *query = arena_calloc(arena, self->dims, sizeof *query);

    for (size_t j = 0; j < self->dims; j++)
        query[j] = half_value(self->halves[vector][j]) + spread * noise();
    half_round(query, self->dims, query);
    return query;
}

static int compare_down(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

/* How many of the best by comparing all are among the best that were found. */
static size_t found_of(const struct sample *self, const float *query, size_t best)
{
    double *all = arena_calloc(arena, self->n, sizeof *all);
    double length2 = vector_dot(query, query, self->dims);
    size_t n, found = 0;
    struct near *near;
    struct err err = {0};

    for (size_t i = 0; i < self->n; i++)
        all[i] = nearest_cosine(&self->nearest, i, query, length2);
    qsort(all, self->n, sizeof *all, compare_down);
    cr_assert(eq(int, nearest_find(&self->nearest, query, 9, arena, &near, &n, &err), 0), "%s", err.text);
    for (size_t i = 0; i < n; i++) {
        cr_expect(near[i].cosine == nearest_cosine(&self->nearest, near[i].vector, query, length2));
        cr_expect(i == 0 || near[i].cosine <= near[i - 1].cosine);
        found += i < best && near[i].cosine >= all[best - 1];
    }
    return found;
}

static double recall(const struct sample *self, float spread)
{
    size_t found = 0;

    for (int i = 0; i < 100; i++)
        found += found_of(self, ask_about(self, (size_t)rand() % self->n, spread), 3);
    return (double)found / 300;
}

Test(nearest, the_nearest_of_many_topics_are_found)
{
    struct sample of_384 = make_sample(5000, 384, 20, 0.8f), of_1536 = make_sample(3000, 1536, 20, 0.8f);

    cr_expect(ge(dbl, recall(&of_384, 0.5f), 0.98));
    cr_expect(ge(dbl, recall(&of_1536, 0.5f), 0.98));
}

/* As a list of towns that are served, each with the same sentence. */
Test(nearest, the_nearest_of_a_thousand_that_are_alike_are_found)
{
    struct sample alike = make_sample(4000, 384, 1000, 0.4f);

    cr_expect(ge(dbl, recall(&alike, 0.2f), 0.98));
}

Test(nearest, numbers_of_any_width_are_compared)
{
    static const size_t widths[] = {1, 3, 63, 64, 65, 100, 511, 768};

    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        struct sample sample = make_sample(50, widths[i], 5, 0.5f);
        cr_expect(eq(sz, found_of(&sample, ask_about(&sample, 7, 0.3f), 3), 3), "%zu", widths[i]);
    }
}

Test(nearest, what_has_no_length_is_never_near)
{
    const float none[8] = {0}, some[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint16_t *halves[] = {halves_of(none, 8), halves_of(some, 8)};
    struct nearest nearest;
    struct near *near;
    struct err err = {0};
    size_t n;

    cr_assert(eq(int, nearest_make(halves, 2, 8, arena, &nearest, &err), 0));
    cr_assert(eq(int, nearest_find(&nearest, some, 5, arena, &near, &n, &err), 0));
    cr_assert(eq(sz, n, 1));
    cr_expect(eq(sz, near[0].vector, 1));
    cr_expect(epsilon_eq(dbl, near[0].cosine, 1, 1e-6));
    cr_assert(eq(int, nearest_find(&nearest, none, 5, arena, &near, &n, &err), 0));
    cr_expect(eq(sz, n, 0));
    cr_assert(eq(int, nearest_find(&nearest, some, 0, arena, &near, &n, &err), 0));
    cr_expect(eq(sz, n, 0));
}

Test(nearest, every_processor_counts_the_same)
{
    uint64_t rows[5 * 25], row[25];
    uint16_t bits[5], plain[5];

    for (size_t words = 1; words <= 25; words++) {
        for (size_t i = 0; i < 5 * words; i++)
            rows[i] = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();
        memcpy(row, rows + words, words * sizeof *row);
        bits_differ(rows, 5, row, words, bits);
        bits_differ_plain(rows, 5, row, words, plain);
        cr_expect(eq(int, memcmp(bits, plain, sizeof bits), 0), "%zu", words);
        cr_expect(eq(int, bits[1], 0));
        cr_expect(gt(int, bits[0], 0));
    }
}

Test(nearest, every_processor_multiplies_the_same)
{
    float values[100], query[100];

    for (size_t dims = 0; dims <= 100; dims++) {
        double dot, plain;
        for (size_t i = 0; i < dims; i++) {
            values[i] = noise();
            query[i] = noise();
        }
        dot = half_dot(halves_of(values, dims), query, dims);
        plain = half_dot_plain(halves_of(values, dims), query, dims);
        cr_expect(epsilon_eq(dbl, dot, plain, 1e-4), "%zu", dims);
    }
}

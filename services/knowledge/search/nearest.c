/* nearest.c - see nearest.h. */
#include "services/knowledge/search/nearest.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/half.h"
#include "services/knowledge/search/bits.h"
#include "services/knowledge/search/half_dot.h"
#include "services/knowledge/search/vector_dot.h"

#define NO_COSINE (-2.0)
/* Bytes of the vectors that are compared in full, which is most of the time since they are in no cache: 512 of 384
 * numbers, 128 of 1,536. Of 10,000 vectors that the built-in model made of the labelled sets and of texts that are
 * alike but for a name, 0.999 of the three nearest are found, and 0.996 of the nine. */
#define COMPARE_BYTES ((size_t)384 * 1024)
#define COMPARE_EACH  8 /* but at least so many for each that is wanted */
#define WIDER         4

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

static void encode(const float *values, const float *mean, size_t dims, uint64_t *ret_code)
{
    for (size_t i = 0; i < dims; i++)
        ret_code[i / 64] |= (uint64_t)(values[i] > mean[i]) << (i % 64);
}

int nearest_make(const uint16_t *const *halves, size_t n, size_t dims, struct arena *arena, struct nearest *ret_nearest,
                 struct err *err)
{
    size_t code_words = (dims + 63) / 64;
    uint64_t *codes = arena_calloc(arena, n, code_words * sizeof *codes);
    float *mean = arena_calloc(arena, dims, sizeof *mean), *length2 = arena_calloc(arena, n, sizeof *length2);
    float *values = arena_calloc(arena, dims, sizeof *values);

    if (!codes || !mean || !length2 || !values)
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < dims; j++)
            mean[j] += half_value(halves[i][j]) / (float)n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < dims; j++)
            values[j] = half_value(halves[i][j]);
        length2[i] = (float)vector_dot(values, values, dims);
        encode(values, mean, dims, codes + i * code_words);
    }
    *ret_nearest = (struct nearest){
        .n = n,
        .dims = dims,
        .halves = halves,
        .length2 = length2,
        .mean = mean,
        .code_words = code_words,
        .codes = codes,
    };
    return 0;
}

double nearest_cosine(const struct nearest *self, size_t vector, const float *query, double length2)
{
    double lengths = self->length2[vector] * length2, cosine;

    if (lengths <= 0)
        return NO_COSINE;
    cosine = half_dot(self->halves[vector], query, self->dims) / sqrt(lengths);
    return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

/* ---- finding ---- */

struct finding {
    const struct nearest *of;
    const float *query;
    double length2;
    const uint16_t *bits;   /* of each vector, in which it differs */
    const uint32_t *so_far; /* for each number of bits, how many vectors differ in at most so many */
    struct near *found;     /* the nearest first */
    size_t n_found, wanted;
};

/* In how many bits the first so many vectors differ at most. */
static uint16_t reach(const struct finding *self, size_t vectors)
{
    uint16_t bits = 0;

    while (self->so_far[bits] < vectors)
        bits++;
    return bits;
}

static void take(struct finding *self, size_t vector, double cosine)
{
    size_t at = self->n_found;

    if (at == self->wanted && cosine <= self->found[at - 1].cosine)
        return;
    if (at == self->wanted)
        at--;
    else
        self->n_found++;
    for (; at > 0 && self->found[at - 1].cosine < cosine; at--)
        self->found[at] = self->found[at - 1];
    self->found[at] = (struct near){vector, cosine};
}

static void compare(struct finding *self, uint16_t most_bits)
{
    self->n_found = 0;
    for (size_t i = 0; i < self->of->n; i++) {
        double cosine;

        if (self->bits[i] > most_bits)
            continue;
        cosine = nearest_cosine(self->of, i, self->query, self->length2);
        if (cosine > NO_COSINE)
            take(self, i, cosine);
    }
}

/* Whether the better half of what was found would be there, had only half of them been compared. */
static bool is_enough(const struct finding *self, size_t compared)
{
    uint16_t half = reach(self, compared / 2);

    for (size_t i = 0; i < (self->n_found + 1) / 2; i++)
        if (self->bits[self->found[i].vector] > half)
            return false;
    return true;
}

static int measure(struct finding *self, struct arena *arena, struct err *err)
{
    const struct nearest *of = self->of;
    uint64_t *code = arena_calloc(arena, of->code_words, sizeof *code);
    uint16_t *bits = arena_calloc(arena, of->n, sizeof *bits);
    uint32_t *so_far = arena_calloc(arena, of->dims + 1, sizeof *so_far);

    if (!code || !bits || !so_far)
        return out_of_memory(err);
    encode(self->query, of->mean, of->dims, code);
    bits_differ(of->codes, of->n, code, of->code_words, bits);
    for (size_t i = 0; i < of->n; i++)
        so_far[bits[i]]++;
    for (size_t i = 1; i <= of->dims; i++)
        so_far[i] += so_far[i - 1];
    self->bits = bits;
    self->so_far = so_far;
    return 0;
}

int nearest_find(const struct nearest *self, const float *query, size_t wanted, struct arena *arena,
                 struct near **ret_near, size_t *ret_n, struct err *err)
{
    struct finding finding = {.of = self, .query = query, .wanted = wanted};
    size_t compared = COMPARE_BYTES / (self->dims * sizeof(uint16_t));

    *ret_n = 0;
    if (self->n == 0 || wanted == 0)
        return 0;
    if (!(finding.found = arena_calloc(arena, wanted, sizeof *finding.found)))
        return out_of_memory(err);
    if (measure(&finding, arena, err) < 0)
        return -1;
    finding.length2 = vector_dot(query, query, self->dims);
    if (compared < wanted * COMPARE_EACH)
        compared = wanted * COMPARE_EACH;
    if (compared > self->n)
        compared = self->n;
    compare(&finding, reach(&finding, compared));
    /* Among many that are alike, or where nothing is near, the codes tell less. */
    if (compared < self->n && !is_enough(&finding, compared))
        compare(&finding, reach(&finding, compared * WIDER < self->n ? compared * WIDER : self->n));
    *ret_near = finding.found;
    *ret_n = finding.n_found;
    return 0;
}

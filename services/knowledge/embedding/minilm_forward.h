/* minilm_forward.h - the computation of minilm, included by one file for each set of instructions.
 *
 * That file defines multiply(): the products of matrices are nearly all of the work. All else is written on 16 lanes
 * of floats, which the compiler turns into what the machine has. Sums are taken in one order everywhere, and nothing is
 * contracted (-ffp-contract=off), so a text has the same vector on every machine. */
#pragma once

#include <math.h>
#include <string.h>

#include "services/knowledge/embedding/minilm_internal.h"

enum { LANES = 16, DIM_LANES = MINILM_DIMS / LANES };
_Static_assert((int)MINILM_RANK == (int)LANES, "narrow and widen hold a row within an adapter in one register");

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t int_lanes __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef int16_t short_lanes __attribute__((vector_size(LANES * sizeof(int16_t))));
typedef int8_t byte_lanes __attribute__((vector_size(LANES * sizeof(int8_t))));

/* As many floats as a register holds: compilers keep wider vectors in memory when a loop adds to them. */
#if defined(__AVX512F__)
enum { REGISTER = 16 };
#elif defined(__AVX__)
enum { REGISTER = 8 };
#else
enum { REGISTER = 4 };
#endif
typedef float floats __attribute__((vector_size(REGISTER * sizeof(float))));

#define INLINE static inline __attribute__((always_inline))

/* ret_out[token][output] = the product of the weights and a rounded row, times its unit and the output's scale, plus
 * the output's bias. Rows of rounded and ret_out follow each other without gaps. */
static void multiply(const struct minilm_linear *linear, const int16_t *rounded, const float *units, size_t tokens,
                     float *ret_out);

INLINE lanes all(float value)
{
    return (lanes){0} + value;
}

/* Where mask is set (all ones) yes, elsewhere no. */
INLINE lanes choose(int_lanes mask, lanes yes, lanes no)
{
    return (lanes)(((int_lanes)yes & mask) | ((int_lanes)no & ~mask));
}

INLINE lanes larger(lanes a, lanes b)
{
    return choose(a > b, a, b);
}

INLINE lanes absolute(lanes x)
{
    return (lanes)((int_lanes)x & 0x7fffffff);
}

INLINE float sum(lanes x)
{
    float s[LANES / 2];

    for (int i = 0; i < 8; i++)
        s[i] = x[i] + x[i + 8];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

INLINE float largest(lanes x)
{
    float most = x[0];

    for (int i = 1; i < LANES; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* To the nearest integer, |x| < 2^22: adding 1.5 * 2^23 leaves no room for a fraction. */
INLINE lanes rounded_to_int(lanes x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

/* e^x for x <= 0; below -87, where it leaves the range of normal numbers, e^-87. Within 2 units of the last place:
 * 2^k times the series of e^r, |r| <= ln 2 / 2, as Cephes's expf has it. */
INLINE lanes exponential(lanes x)
{
    lanes k, r, e;

    x = larger(x, all(-87.0f));
    k = rounded_to_int(x * 1.44269504f);
    r = x - k * 0.693359375f + k * 2.12194440e-4f;
    e = r * 1.9875691500e-4f + 1.3981999507e-3f;
    e = e * r + 8.3334519073e-3f;
    e = e * r + 4.1665795894e-2f;
    e = e * r + 1.6666665459e-1f;
    e = e * r + 5.0000001201e-1f;
    e = e * r * r + r + 1.0f;
    return e * (lanes)((__builtin_convertvector(k, int_lanes) + 127) << 23);
}

/* x times the normal distribution's share below x. The error function is 7.1.26 of Abramowitz and Stegun, which is
 * within 1.5e-7. */
INLINE lanes gelu(lanes x)
{
    lanes z = absolute(x) * 0.70710678f, t = 1.0f / (1.0f + z * 0.3275911f), beyond;

    beyond = t * 1.061405429f - 1.453152027f;
    beyond = beyond * t + 1.421413741f;
    beyond = beyond * t - 0.284496736f;
    beyond = beyond * t + 0.254829592f;
    beyond = beyond * t * exponential(-z * z) * 0.5f;
    return x * choose(x > 0.0f, 1.0f - beyond, beyond);
}

/* Rows of width floats as 16-bit integers, each row with the unit that makes its largest MINILM_ACTIVATION_MAX. */
static void round_rows(const float *rows, size_t count, size_t width, int16_t *ret_rounded, float *ret_units)
{
    for (size_t i = 0; i < count; i++) {
        const lanes *row = (const lanes *)(rows + i * width);
        short_lanes *to = (short_lanes *)(ret_rounded + i * width);
        lanes most = all(1e-20f);
        float unit;

        for (size_t j = 0; j < width / LANES; j++)
            most = larger(absolute(row[j]), most);
        unit = largest(most) / MINILM_ACTIVATION_MAX;
        for (size_t j = 0; j < width / LANES; j++)
            to[j] = __builtin_convertvector(__builtin_convertvector(rounded_to_int(row[j] * (1.0f / unit)), int_lanes),
                                            short_lanes);
        ret_units[i] = unit;
    }
}

static void apply(const struct minilm_linear *linear, const float *in, size_t tokens, struct minilm_scratch *s,
                  float *ret_out)
{
    round_rows(in, tokens, linear->inputs, &s->rounded[0][0], s->units);
    multiply(linear, &s->rounded[0][0], s->units, tokens, ret_out);
}

/* The rows within an adapter: before the matrix is applied, which may put its product in their place. */
static void narrow(const struct minilm_adapter *adapter, const float *in, size_t tokens, struct minilm_scratch *s)
{
    const lanes *down = (const lanes *)adapter->down;

    for (size_t i = 0; down && i < tokens; i++, in += MINILM_DIMS) {
        lanes parts[4] = {{0}};

        for (int j = 0; j < MINILM_DIMS; j += 4)
            for (int k = 0; k < 4; k++)
                parts[k] += down[j + k] * in[j + k];
        *(lanes *)s->narrow[i] = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    }
}

/* Adds them, to rows that begin stride floats after each other. */
static void widen(const struct minilm_adapter *adapter, size_t tokens, const struct minilm_scratch *s, float *out,
                  size_t stride)
{
    const lanes *up = (const lanes *)adapter->up;

    for (size_t i = 0; up && i < tokens; i++, out += stride)
        for (int j = 0; j < DIM_LANES; j++) {
            lanes more = all(0);

            for (int k = 0; k < MINILM_RANK; k++)
                more += up[k * DIM_LANES + j] * s->narrow[i][k];
            ((lanes *)out)[j] += more;
        }
}

/* A row to mean 0 and variance 1, then each number by its factor and offset. The model's epsilon is 1e-12. */
INLINE void normalise(lanes x[DIM_LANES], const struct minilm_norm *norm)
{
    const lanes *factors = (const lanes *)norm->factors, *offsets = (const lanes *)norm->offsets;
    lanes total = all(0), squares = all(0);
    float mean, scale;

    for (int i = 0; i < DIM_LANES; i++)
        total += x[i];
    mean = sum(total) / MINILM_DIMS;
    for (int i = 0; i < DIM_LANES; i++) {
        x[i] -= mean;
        squares += x[i] * x[i];
    }
    scale = 1.0f / sqrtf(sum(squares) / MINILM_DIMS + 1e-12f);
    for (int i = 0; i < DIM_LANES; i++)
        x[i] = x[i] * scale * factors[i] + offsets[i];
}

static void add_and_normalise(float (*hidden)[MINILM_DIMS], float (*added)[MINILM_DIMS], size_t tokens,
                              const struct minilm_norm *norm)
{
    for (size_t i = 0; i < tokens; i++) {
        lanes *row = (lanes *)hidden[i], *more = (lanes *)added[i];

        for (int j = 0; j < DIM_LANES; j++)
            row[j] += more[j];
        normalise(row, norm);
    }
}

INLINE lanes table_lanes(const struct minilm_table *table, size_t row, int i)
{
    byte_lanes q = ((const byte_lanes *)(table->rows + row * MINILM_DIMS))[i];

    return __builtin_convertvector(q, lanes) * table->scales[row];
}

/* A text's tokens, at the places first and up to end. */
static void look_up(const struct minilm_weights *w, const uint16_t *tokens, size_t first, size_t end,
                    float (*ret_hidden)[MINILM_DIMS])
{
    for (size_t i = first; i < end; i++) {
        lanes *row = (lanes *)ret_hidden[i];

        for (int j = 0; j < DIM_LANES; j++)
            row[j] = table_lanes(&w->words, tokens[i], j) + table_lanes(&w->positions, i - first, j);
        normalise(row, &w->embedded);
    }
}

/* How much of each key's value one query takes: the exponentials of their products, which sum to 1. Those past count,
 * which only fill the last lanes, get 0. */
INLINE void share_out(const float *query, float (*keys)[MINILM_TOKENS_MAX], size_t count, float *ret_shares)
{
    const float per_root_dims = 0.17677669f; /* 1 / sqrt(MINILM_HEAD_DIMS) */
    size_t blocks = (count + LANES - 1) / LANES;
    lanes *shares = (lanes *)ret_shares, most = all(-1e30f), total = all(0);
    float top, scale;

    for (size_t i = 0; i < blocks * LANES / REGISTER; i++) {
        floats even = {0}, odd = {0};

        for (int d = 0; d < MINILM_HEAD_DIMS; d += 2) {
            even += ((const floats *)keys[d])[i] * query[d];
            odd += ((const floats *)keys[d + 1])[i] * query[d + 1];
        }
        ((floats *)ret_shares)[i] = (even + odd) * per_root_dims;
    }
    for (size_t i = count; i < blocks * LANES; i++)
        ret_shares[i] = -1e30f;
    for (size_t b = 0; b < blocks; b++)
        most = larger(shares[b], most);
    top = largest(most);
    for (size_t b = 0; b < blocks; b++)
        shares[b] = exponential(shares[b] - top);
    for (size_t i = count; i < blocks * LANES; i++)
        ret_shares[i] = 0;
    for (size_t b = 0; b < blocks; b++)
        total += shares[b];
    scale = 1.0f / sum(total);
    for (size_t b = 0; b < blocks; b++)
        shares[b] *= scale;
}

/* One head of one text: rows of queries, keys and values to rows of answers. */
static void attend_head(const float *qkv, size_t count, struct minilm_scratch *s, float *ret_out)
{
    const size_t stride = 3 * MINILM_DIMS;

    for (size_t i = 0; i < (count + LANES - 1) / LANES * LANES; i++)
        for (int d = 0; d < MINILM_HEAD_DIMS; d++)
            s->keys[d][i] = i < count ? qkv[i * stride + MINILM_DIMS + d] : 0;
    for (size_t i = 0; i < count; i++) {
        floats answer[MINILM_HEAD_DIMS / REGISTER] = {{0}};

        share_out(qkv + i * stride, s->keys, count, s->shares);
        for (size_t j = 0; j < count; j++)
            for (int d = 0; d < MINILM_HEAD_DIMS / REGISTER; d++)
                answer[d] += ((const floats *)(qkv + j * stride + 2 * MINILM_DIMS))[d] * s->shares[j];
        memcpy(ret_out + i * MINILM_DIMS, answer, sizeof answer);
    }
}

/* Each text attends to its own tokens alone. */
static void attend(const struct minilm_batch *batch, struct minilm_scratch *s)
{
    const float *qkv = &s->wide[0][0];
    size_t first = 0;

    for (size_t i = 0; i < batch->texts; i++) {
        for (int head = 0; head < MINILM_HEADS; head++)
            attend_head(qkv + first * 3 * MINILM_DIMS + head * MINILM_HEAD_DIMS, batch->ends[i] - first, s,
                        &s->added[first][head * MINILM_HEAD_DIMS]);
        first = batch->ends[i];
    }
}

/* The mean of a text's rows, to length 1. */
static void pool(float (*rows)[MINILM_DIMS], size_t count, float *ret_vector)
{
    lanes total[DIM_LANES] = {{0}}, squares = all(0);

    for (size_t i = 0; i < count; i++)
        for (int j = 0; j < DIM_LANES; j++)
            total[j] += ((const lanes *)rows[i])[j];
    for (int j = 0; j < DIM_LANES; j++)
        squares += total[j] * total[j];
    for (int j = 0; j < DIM_LANES; j++)
        total[j] *= 1.0f / sqrtf(sum(squares));
    memcpy(ret_vector, total, sizeof total);
}

static void embed(const struct minilm_weights *w, const struct minilm_batch *batch, struct minilm_scratch *s,
                  float (*ret_vectors)[MINILM_DIMS])
{
    size_t tokens = batch->ends[batch->texts - 1];

    for (size_t i = 0, first = 0; i < batch->texts; first = batch->ends[i++])
        look_up(w, batch->tokens, first, batch->ends[i], s->hidden);
    for (int i = 0; i < MINILM_LAYERS; i++) {
        const struct minilm_layer *layer = &w->layers[i];
        lanes *wide = (lanes *)s->wide;

        narrow(&layer->to_values, &s->hidden[0][0], tokens, s);
        apply(&layer->qkv, &s->hidden[0][0], tokens, s, &s->wide[0][0]);
        widen(&layer->to_values, tokens, s, &s->wide[0][0] + 2 * MINILM_DIMS, 3 * MINILM_DIMS);
        attend(batch, s);
        narrow(&layer->to_out, &s->added[0][0], tokens, s);
        apply(&layer->out, &s->added[0][0], tokens, s, &s->added[0][0]);
        widen(&layer->to_out, tokens, s, &s->added[0][0], MINILM_DIMS);
        add_and_normalise(s->hidden, s->added, tokens, &layer->attended);
        apply(&layer->up, &s->hidden[0][0], tokens, s, &s->wide[0][0]);
        for (size_t j = 0; j < tokens * MINILM_INNER / LANES; j++)
            wide[j] = gelu(wide[j]);
        apply(&layer->down, &s->wide[0][0], tokens, s, &s->added[0][0]);
        add_and_normalise(s->hidden, s->added, tokens, &layer->fed);
    }
    for (size_t i = 0, first = 0; i < batch->texts; first = batch->ends[i++])
        pool(s->hidden + first, batch->ends[i] - first, ret_vectors[i]);
}

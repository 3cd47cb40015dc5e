/* minilm_avx2.c - minilm's computation with AVX2: Haswell, Zen and later. */
#ifdef __x86_64__
#include <immintrin.h>

#include "services/knowledge/embedding/minilm_forward.h"

enum { BLOCK = 4 }; /* tokens that share a loaded weight: 8 of the 16 registers hold sums */

/* Half a panel of outputs for count tokens. A register holds 4 inputs of 4 outputs as 16-bit integers; two products
 * each are added to one 32-bit integer, which cannot overflow. */
INLINE void multiply_half(const struct minilm_linear *linear, size_t half, const int16_t *rounded, const float *units,
                          const int count, float *ret_out)
{
    const int8_t *weights =
        linear->weights + half / 2 * MINILM_PANEL * linear->inputs + half % 2 * (MINILM_PANEL * MINILM_GROUP / 2);
    __m256 scales = _mm256_load_ps(linear->scales + half * 8), biases = _mm256_load_ps(linear->biases + half * 8);
    __m256i low[BLOCK], high[BLOCK];

    for (int t = 0; t < count; t++)
        low[t] = high[t] = _mm256_setzero_si256();
    for (size_t i = 0; i < linear->inputs; i += MINILM_GROUP) {
        __m256i first = _mm256_cvtepi8_epi16(*(const __m128i *)(weights + i * MINILM_PANEL));
        __m256i second = _mm256_cvtepi8_epi16(*(const __m128i *)(weights + i * MINILM_PANEL + 16));

        for (int t = 0; t < count; t++) {
            __m256i in = _mm256_set1_epi64x(*(const int64_t *)(rounded + (size_t)t * linear->inputs + i));

            low[t] = _mm256_add_epi32(low[t], _mm256_madd_epi16(first, in));
            high[t] = _mm256_add_epi32(high[t], _mm256_madd_epi16(second, in));
        }
    }
    for (int t = 0; t < count; t++) {
        /* hadd works in halves of a register: outputs 0 1 4 5, 2 3 6 7. */
        __m256i total = _mm256_permute4x64_epi64(_mm256_hadd_epi32(low[t], high[t]), 0xd8);
        __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(total), _mm256_mul_ps(scales, _mm256_set1_ps(units[t])));

        _mm256_store_ps(ret_out + (size_t)t * linear->outputs + half * 8, _mm256_add_ps(scaled, biases));
    }
}

#define BLOCK_OF(count)                                              \
    case count:                                                      \
        multiply_half(linear, half, rounded, units, count, ret_out); \
        break;

static void multiply(const struct minilm_linear *linear, const int16_t *rounded_rows, const float *row_units,
                     size_t tokens, float *ret_rows)
{
    size_t blocks = (tokens + BLOCK - 1) / BLOCK;

    for (size_t half = 0; half < linear->outputs / MINILM_PANEL * 2; half++)
        for (size_t b = 0; b < blocks; b++) {
            size_t first = tokens * b / blocks, count = tokens * (b + 1) / blocks - first;
            const int16_t *rounded = rounded_rows + first * linear->inputs;
            const float *units = row_units + first;
            float *ret_out = ret_rows + first * linear->outputs;

            switch (count) {
                BLOCK_OF(1)
                BLOCK_OF(2)
                BLOCK_OF(3)
                BLOCK_OF(4)
            }
        }
}

const struct minilm_kernels minilm_avx2 = {"avx2", embed};
#endif

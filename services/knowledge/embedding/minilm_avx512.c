/* minilm_avx512.c - minilm's computation with AVX-512 VNNI: Ice Lake, Zen 4 and later. */
#ifdef __x86_64__
#include <immintrin.h>

#include "services/knowledge/embedding/minilm_forward.h"

enum { BLOCK = 8 }; /* tokens that share a loaded weight: 16 of the 32 registers hold sums */

/* Adds the products of pairs of 16-bit integers. In assembler because GCC 12 copies the sums around the intrinsic. */
INLINE __m512i add_products(__m512i sums, __m512i a, __m512i b)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
}

/* One panel of outputs for count tokens. A register holds 4 inputs of 8 outputs as 16-bit integers; an instruction
 * multiplies them with 4 inputs of a token and adds two products each to 32-bit sums. */
INLINE void multiply_block(const struct minilm_linear *linear, size_t panel, const int16_t *rounded, const float *units,
                           const int count, float *ret_out)
{
    const int8_t *weights = linear->weights + panel * MINILM_PANEL * linear->inputs;
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    lanes scales = ((const lanes *)linear->scales)[panel], biases = ((const lanes *)linear->biases)[panel];
    __m512i low[BLOCK], high[BLOCK];

    for (int t = 0; t < count; t++)
        low[t] = high[t] = _mm512_setzero_si512();
    for (size_t i = 0; i < linear->inputs; i += MINILM_GROUP) {
        __m512i first = _mm512_cvtepi8_epi16(*(const __m256i *)(weights + i * MINILM_PANEL));
        __m512i second = _mm512_cvtepi8_epi16(*(const __m256i *)(weights + i * MINILM_PANEL + 32));

        for (int t = 0; t < count; t++) {
            __m512i in = _mm512_set1_epi64(*(const int64_t *)(rounded + (size_t)t * linear->inputs + i));

            low[t] = add_products(low[t], first, in);
            high[t] = add_products(high[t], second, in);
        }
    }
    for (int t = 0; t < count; t++) {
        __m512i total = _mm512_add_epi32(_mm512_permutex2var_epi32(low[t], even, high[t]),
                                         _mm512_permutex2var_epi32(low[t], odd, high[t]));

        ((lanes *)(ret_out + (size_t)t * linear->outputs))[panel] =
            (lanes)_mm512_cvtepi32_ps(total) * (scales * units[t]) + biases;
    }
}

#define BLOCK_OF(count)                                                \
    case count:                                                        \
        multiply_block(linear, panel, rounded, units, count, ret_out); \
        break;

/* Tokens are shared out evenly to as few blocks as possible: the fewer in a block, the longer each sum waits. */
static void multiply(const struct minilm_linear *linear, const int16_t *rounded_rows, const float *row_units,
                     size_t tokens, float *ret_rows)
{
    size_t blocks = (tokens + BLOCK - 1) / BLOCK;

    for (size_t panel = 0; panel < linear->outputs / MINILM_PANEL; panel++)
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
                BLOCK_OF(5)
                BLOCK_OF(6)
                BLOCK_OF(7)
                BLOCK_OF(8)
            }
        }
}

const struct minilm_kernels minilm_avx512 = {"avx512-vnni", embed};
#endif

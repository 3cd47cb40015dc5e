/* bits.c - see bits.h. The same thing three times: counting bits is an instruction that not every processor has. */
#include "services/knowledge/search/bits.h"

#define INLINE static inline __attribute__((always_inline))

INLINE void count(const uint64_t *rows, size_t n, const uint64_t *row, size_t words, uint16_t *ret_bits)
{
    for (size_t i = 0; i < n; i++, rows += words) {
        unsigned bits = 0;
        for (size_t j = 0; j < words; j++)
            bits += (unsigned)__builtin_popcountll(rows[j] ^ row[j]);
        ret_bits[i] = (uint16_t)bits;
    }
}

void bits_differ_plain(const uint64_t *rows, size_t n, const uint64_t *row, size_t words, uint16_t *ret_bits)
{
    count(rows, n, row, words, ret_bits);
}

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("popcnt"))) static void count_words(const uint64_t *rows, size_t n, const uint64_t *row,
                                                          size_t words, uint16_t *ret_bits)
{
    count(rows, n, row, words, ret_bits);
}

/* Eight words at a time: a quarter of the time. */
__attribute__((target("avx512f,avx512vpopcntdq"))) static void
count_eights(const uint64_t *rows, size_t n, const uint64_t *row, size_t words, uint16_t *ret_bits)
{
    size_t eights = words / 8 * 8;
    __mmask8 rest = (__mmask8)((1u << words % 8) - 1);

    for (size_t i = 0; i < n; i++, rows += words) {
        __m512i bits = _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_maskz_loadu_epi64(rest, rows + eights),
                                                            _mm512_maskz_loadu_epi64(rest, row + eights)));
        for (size_t j = 0; j < eights; j += 8)
            bits = _mm512_add_epi64(bits, _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(rows + j),
                                                                               _mm512_loadu_si512(row + j))));
        ret_bits[i] = (uint16_t)_mm512_reduce_add_epi64(bits);
    }
}

void bits_differ(const uint64_t *rows, size_t n, const uint64_t *row, size_t words, uint16_t *ret_bits)
{
    if (__builtin_cpu_supports("avx512vpopcntdq"))
        count_eights(rows, n, row, words, ret_bits);
    else if (__builtin_cpu_supports("popcnt"))
        count_words(rows, n, row, words, ret_bits);
    else
        bits_differ_plain(rows, n, row, words, ret_bits);
}
#else
void bits_differ(const uint64_t *rows, size_t n, const uint64_t *row, size_t words, uint16_t *ret_bits)
{
    bits_differ_plain(rows, n, row, words, ret_bits);
}
#endif

/* half_dot.c - see half_dot.h. Processors with AVX2 have an instruction that makes floats of eight halves. */
#include "services/knowledge/search/half_dot.h"

#include "services/knowledge/embedding/half.h"

double half_dot_plain(const uint16_t *halves, const float *values, size_t dims)
{
    float sum = 0;

    for (size_t i = 0; i < dims; i++)
        sum += half_value(halves[i]) * values[i];
    return sum;
}

#ifdef __x86_64__
#include <immintrin.h>

#define FAST __attribute__((target("avx2,fma,f16c")))

FAST static __m256 add_products(__m256 sum, const uint16_t *halves, const float *values)
{
    return _mm256_fmadd_ps(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves)), _mm256_loadu_ps(values), sum);
}

/* In four sums beside each other, none of which waits for another. */
FAST static double half_dot_fast(const uint16_t *halves, const float *values, size_t dims)
{
    __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    float each[8], sum = 0;
    size_t i = 0;

    for (; i + 32 <= dims; i += 32)
        for (size_t j = 0; j < 4; j++)
            sums[j] = add_products(sums[j], halves + i + 8 * j, values + i + 8 * j);
    _mm256_storeu_ps(each, _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])));
    for (size_t j = 0; j < 8; j++)
        sum += each[j];
    return sum + half_dot_plain(halves + i, values + i, dims - i);
}

double half_dot(const uint16_t *halves, const float *values, size_t dims)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? half_dot_fast(halves, values, dims)
                                                                           : half_dot_plain(halves, values, dims);
}
#else
double half_dot(const uint16_t *halves, const float *values, size_t dims)
{
    return half_dot_plain(halves, values, dims);
}
#endif

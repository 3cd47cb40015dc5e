/* vector_dot.c - see vector_dot.h. In sixteen sums beside each other, which the compiler keeps in vector registers. */
#include "services/knowledge/search/vector_dot.h"

#include <string.h>

typedef float four __attribute__((vector_size(16)));

static four load(const float *at)
{
    four values;

    memcpy(&values, at, sizeof values);
    return values;
}

double vector_dot(const float *a, const float *b, size_t dims)
{
    four sums[4] = {{0}};
    float sum = 0;
    size_t i = 0;

    for (; i + 16 <= dims; i += 16)
        for (size_t j = 0; j < 4; j++)
            sums[j] += load(a + i + 4 * j) * load(b + i + 4 * j);
    for (; i < dims; i++)
        sum += a[i] * b[i];
    sums[0] += sums[1] + sums[2] + sums[3];
    return sum + sums[0][0] + sums[0][1] + sums[0][2] + sums[0][3];
}

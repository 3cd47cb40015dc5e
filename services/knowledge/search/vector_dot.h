/* vector_dot.h - the product of two vectors. Pure. */
#pragma once

#include <stddef.h>

double vector_dot(const float *a, const float *b, size_t dims);

/* half_dot.h - the product of a vector of halves (IEEE 754 binary16) and one of floats. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

double half_dot(const uint16_t *halves, const float *values, size_t dims);

/* The same on any machine; for tests. */
double half_dot_plain(const uint16_t *halves, const float *values, size_t dims);

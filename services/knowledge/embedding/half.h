/* half.h - vectors in the binary form that pgvector's halfvec is sent in: reading 1,536 numbers as text takes it a
 * tenth of a search. Pure. */
#pragma once

#include <stddef.h>

#define HALF_BYTES(dims) (4 + 2 * (dims))

/* Writes HALF_BYTES(dims) to out. Numbers beyond the range of a half (65,504) become its largest. */
void half_encode(const float *values, size_t dims, unsigned char *out);

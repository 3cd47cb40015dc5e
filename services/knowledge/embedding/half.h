/* half.h - vectors in the binary form that pgvector's halfvec is sent in: reading 1,536 numbers as text takes it a
 * tenth of a search. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HALF_BYTES(dims) (4 + 2 * (dims))

/* Writes HALF_BYTES(dims) to out. Numbers beyond the range of a half (65,504) become its largest. */
void half_encode(const float *values, size_t dims, unsigned char *out);

/* The nearest half of each number, as a float again. */
void half_round(const float *values, size_t dims, float *out);

/* The same binary form as hexadecimal digits: how many numbers there are, and the numbers. */
size_t half_hex_dims(const char *hex);
void half_hex_decode(const char *hex, size_t dims, float *out);
void half_hex_read(const char *hex, size_t dims, uint16_t *out);

float half_value(uint16_t half);

/* bits.h - in how many bits rows of bits differ. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Of each of n rows of so many words, how many bits differ from those of row. */
void bits_differ(const uint64_t *rows, size_t n, const uint64_t *row, size_t words, uint16_t *ret_bits);

/* The same on any machine; for tests. */
void bits_differ_plain(const uint64_t *rows, size_t n, const uint64_t *row, size_t words, uint16_t *ret_bits);

/* half.c - see half.h. IEEE 754 binary16, rounded to nearest, ties to even. */
#include "services/knowledge/embedding/half.h"

#include <string.h>

static uint16_t half_of(float value)
{
    uint32_t bits, sign, mantissa, rest;
    int exponent, shift;

    memcpy(&bits, &value, sizeof bits);
    sign = bits >> 16 & 0x8000;
    exponent = (int)(bits >> 23 & 0xff) - 127 + 15;
    mantissa = (bits & 0x7fffff) | 0x800000;
    if (exponent >= 31)
        return (uint16_t)(sign | 0x7bff);
    if (exponent < -10)
        return (uint16_t)sign;
    /* Below 2^-14 the exponent stays 0 and the mantissa loses its first bits. */
    shift = exponent > 0 ? 13 : 14 - exponent;
    rest = mantissa & ((1u << shift) - 1);
    mantissa >>= shift;
    if (exponent > 0)
        mantissa = (mantissa & 0x3ff) | (uint32_t)exponent << 10;
    if (rest > 1u << (shift - 1) || (rest == 1u << (shift - 1) && (mantissa & 1)))
        mantissa++;
    return (uint16_t)(sign | (mantissa > 0x7bff ? 0x7bff : mantissa));
}

void half_encode(const float *values, size_t dims, unsigned char *out)
{
    *out++ = (unsigned char)(dims >> 8);
    *out++ = (unsigned char)dims;
    *out++ = 0;
    *out++ = 0;
    for (size_t i = 0; i < dims; i++) {
        uint16_t half = half_of(values[i]);
        *out++ = (unsigned char)(half >> 8);
        *out++ = (unsigned char)half;
    }
}

float half_value(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, mantissa = half & 0x3ff, bits;
    float value;

    if (exponent == 0) {
        value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    bits = sign | (exponent - 15 + 127) << 23 | mantissa << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void half_round(const float *values, size_t dims, float *out)
{
    for (size_t i = 0; i < dims; i++)
        out[i] = half_value(half_of(values[i]));
}

static uint16_t hex_digit(char digit)
{
    return (uint16_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

static uint16_t hex_half(const char *at)
{
    return (uint16_t)(hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 | hex_digit(at[2]) << 4 | hex_digit(at[3]));
}

size_t half_hex_dims(const char *hex)
{
    size_t len = strlen(hex), held;

    if (len < 8)
        return 0;
    held = (len - 8) / 4;
    return hex_half(hex) < held ? hex_half(hex) : held;
}

void half_hex_decode(const char *hex, size_t dims, float *out)
{
    hex += 8; /* the number of numbers, and two bytes that are not used */
    for (size_t i = 0; i < dims; i++)
        out[i] = half_value(hex_half(hex + 4 * i));
}

void half_hex_read(const char *hex, size_t dims, uint16_t *out)
{
    hex += 8;
    for (size_t i = 0; i < dims; i++)
        out[i] = hex_half(hex + 4 * i);
}

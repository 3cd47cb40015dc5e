/* minilm_plain.c - minilm's computation for any machine. */
#include "services/knowledge/embedding/minilm_forward.h"

/* A panel's outputs one after the other, as 16-bit integers: in this form compilers know a product of rows. */
static void unpack(const int8_t *weights, size_t inputs, int16_t (*ret_rows)[MINILM_INNER])
{
    for (size_t i = 0; i < inputs; i += MINILM_GROUP)
        for (size_t out = 0; out < MINILM_PANEL; out++)
            for (size_t j = 0; j < MINILM_GROUP; j++)
                ret_rows[out][i + j] = weights[i * MINILM_PANEL + out * MINILM_GROUP + j];
}

static void multiply(const struct minilm_linear *linear, const int16_t *rounded, const float *units, size_t tokens,
                     float *ret_out)
{
    int16_t rows[MINILM_PANEL][MINILM_INNER];

    for (size_t panel = 0; panel < linear->outputs / MINILM_PANEL; panel++) {
        lanes scales = ((const lanes *)linear->scales)[panel], biases = ((const lanes *)linear->biases)[panel];

        unpack(linear->weights + panel * MINILM_PANEL * linear->inputs, linear->inputs, rows);
        for (size_t token = 0; token < tokens; token++) {
            const int16_t *in = rounded + token * linear->inputs;
            int_lanes totals;

            for (int out = 0; out < MINILM_PANEL; out++) {
                int32_t total = 0;

                for (size_t i = 0; i < linear->inputs; i++)
                    total += rows[out][i] * in[i];
                totals[out] = total;
            }
            ((lanes *)(ret_out + token * linear->outputs))[panel] =
                __builtin_convertvector(totals, lanes) * (scales * units[token]) + biases;
        }
    }
}

const struct minilm_kernels minilm_plain = {"plain", embed};

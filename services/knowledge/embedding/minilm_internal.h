/* minilm_internal.h - what the parts of minilm share: the mapped weights, the room of a computation, its kernels.
 *
 *     minilm_file.c      maps the file, checks it, finds the sections
 *     minilm_questions.c what is otherwise for questions
 *     minilm.c           texts to batches of tokens, batches to vectors
 *     minilm_forward.h   the computation; compiled once for each set of instructions:
 *     minilm_plain.c, minilm_avx2.c, minilm_avx512.c */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "services/knowledge/embedding/minilm.h"

struct err;

/* The sizes of the model: the file must have the same. */
enum {
    MINILM_WORDS = 30522,
    MINILM_LAYERS = 6,
    MINILM_HEADS = 12,
    MINILM_HEAD_DIMS = MINILM_DIMS / MINILM_HEADS,
    MINILM_INNER = 1536,
    MINILM_PANEL = 16, /* outputs that lie side by side in a matrix, */
    MINILM_GROUP = 4,  /* and inputs of one of them */
    MINILM_ALIGN = 64, /* bytes; of every section and every row of numbers */
    MINILM_RANK = 16,  /* of what is added to a matrix for questions */
};

/* Activations are rounded to 14 bits with their sign: 127 * 8191 * 1,536 products still fit 32 bits. With 8 bits the
 * vectors of some texts are no better than 0.978 of the reference's (cosine), with 14 they lose nothing that shows. */
#define MINILM_ACTIVATION_MAX 8191

/* Rows of 8-bit integers, and what each is multiplied by. */
struct minilm_table {
    const int8_t *rows;
    const float *scales;
};

/* y = W x + b. weights: [outputs / PANEL][inputs / GROUP][PANEL][GROUP]. */
struct minilm_linear {
    size_t inputs, outputs;
    const int8_t *weights;
    const float *scales, *biases; /* of each output */
};

/* What is added to the product of a matrix: W x + up^T (down^T x). down NULL: nothing. */
struct minilm_adapter {
    const float *down; /* [MINILM_DIMS][MINILM_RANK] */
    const float *up;   /* [MINILM_RANK][MINILM_DIMS] */
};

struct minilm_norm {
    const float *factors, *offsets;
};

struct minilm_layer {
    struct minilm_linear qkv, out; /* attention: queries, keys and values, one after the other; what it adds */
    struct minilm_adapter to_values, to_out;
    struct minilm_norm attended;
    struct minilm_linear up, down;
    struct minilm_norm fed;
};

/* Points into the mapped file, for questions also into what minilm_questions.c has. */
struct minilm_weights {
    void *map;
    size_t map_len;
    const char *vocabulary;
    size_t vocabulary_len;
    struct minilm_table words, positions;
    struct minilm_norm embedded;
    struct minilm_layer layers[MINILM_LAYERS];
};

/* -1 and ERR_INVALID naming the file: it is not there, is damaged, or is another model. */
int minilm_map(struct minilm_weights *ret_weights, const char *path, struct err *err);
void minilm_unmap(struct minilm_weights *weights);

/* Puts the biases and norms for questions in the place of the model's own, and adds the adapters. */
void minilm_for_questions(struct minilm_weights *weights);

/* Texts that are computed in one go: each attends to itself alone, so its vector does not depend on the others. */
struct minilm_batch {
    size_t texts;
    size_t ends[MINILM_TOKENS_MAX / 2];     /* of each text's tokens; a text has at least [CLS] and [SEP] */
    uint16_t tokens[2 * MINILM_TOKENS_MAX]; /* computed are at most MINILM_TOKENS_MAX; the rest is the next text's */
};

/* Intermediate results, a row a token. */
struct minilm_scratch {
    _Alignas(MINILM_ALIGN) float hidden[MINILM_TOKENS_MAX][MINILM_DIMS];
    _Alignas(MINILM_ALIGN) float added[MINILM_TOKENS_MAX][MINILM_DIMS];
    _Alignas(
        MINILM_ALIGN) float wide[MINILM_TOKENS_MAX][MINILM_INNER]; /* queries, keys, values; or between up and down */
    _Alignas(MINILM_ALIGN) int16_t rounded[MINILM_TOKENS_MAX][MINILM_INNER];
    _Alignas(MINILM_ALIGN) float units[MINILM_TOKENS_MAX];                  /* what a rounded row is multiplied by */
    _Alignas(MINILM_ALIGN) float narrow[MINILM_TOKENS_MAX][MINILM_RANK];    /* within an adapter */
    _Alignas(MINILM_ALIGN) float keys[MINILM_HEAD_DIMS][MINILM_TOKENS_MAX]; /* of one head, turned */
    _Alignas(MINILM_ALIGN) float shares[MINILM_TOKENS_MAX];                 /* of the keys in one query's answer */
};

/* The whole computation with one set of instructions. All give the same bits. */
struct minilm_kernels {
    const char *name;
    void (*embed)(const struct minilm_weights *weights, const struct minilm_batch *batch,
                  struct minilm_scratch *scratch, float (*ret_vectors)[MINILM_DIMS]);
};

extern const struct minilm_kernels minilm_plain;
#ifdef __x86_64__
extern const struct minilm_kernels minilm_avx2;
extern const struct minilm_kernels minilm_avx512;
#endif

/* Those that this machine can run, the fastest first, into ret_kernels; returns how many, at least 1. */
enum { MINILM_KERNELS_MAX = 3 };
size_t minilm_kernels_here(const struct minilm_kernels *ret_kernels[MINILM_KERNELS_MAX]);

/* A run takes the fastest; this is for tests and measurements. */
void minilm_run_use(struct minilm_run *self, const struct minilm_kernels *kernels);

/* minilm_embed of 1 to MINILM_TOKENS_MAX tokens, each below MINILM_WORDS. */
void minilm_embed_tokens(struct minilm_run *self, const uint16_t *tokens, size_t n, float ret_vector[MINILM_DIMS]);

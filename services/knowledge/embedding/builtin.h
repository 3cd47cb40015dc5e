/* builtin.h - the built-in sentence model at work: a lead's question at once, a bulk beside it.
 *
 * One per worker: it must not be shared between threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct builtin;
struct err;
struct minilm;

/* model must outlive it. */
struct builtin *builtin_new(const struct minilm *model, struct err *err);
void builtin_destroy(struct builtin **self_p);

/* The vector (MINILM_DIMS numbers) of a question; of its beginning where it is longer than the model reads. */
void builtin_query(struct builtin *self, const char *query, float *ret_vector, bool *ret_cut);

/* The vectors of n texts, one behind the other. Of a text longer than the model reads, the mean of its parts' vectors.
 * On two threads of the lowest priority, so that it takes what questions leave over. ERR_INTERNAL without memory. */
int builtin_embed(struct builtin *self, const char *const *texts, size_t n, float *ret_vectors, struct err *err);

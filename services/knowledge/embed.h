/* embed.h - texts to vectors, by the name of a model. The one place where models are chosen: OpenAI's today, an
 * embedded one beside it later.
 *
 * One embedder per worker: it must not be shared between threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct config;
struct embedder;
struct err;

#define EMBED_BATCH_MAX 100 /* texts in one call */

/* Vectors of n texts, in their order; in an arena. */
struct embeddings {
    size_t n;
    size_t dims;   /* numbers in each */
    float *values; /* n * dims */
};

/* config must outlive it. */
struct embedder *embedder_new(const struct config *config, struct err *err);
void embedder_destroy(struct embedder **self_p);

/* The model of new knowledge bases; "" if none can be run here. */
const char *embedder_default_model(const struct embedder *self);

/* Whether that model can be run here. */
bool embedder_has(const struct embedder *self, const char *model);

/* Embeds 1 to EMBED_BATCH_MAX texts, none of them empty. 0 and *ret_embeddings, or -1:
 * ERR_INVALID      the model refuses one of the texts (not which)
 * ERR_DENIED       no key, a wrong key, nothing left to pay with, or no such model: no retry heals it
 * ERR_UNAVAILABLE  too many requests, an outage, or an answer that makes no sense; err->retry_after_s as the API asked
 */
int embedder_embed(struct embedder *self, const char *model, const char *const *texts, size_t n, int timeout_ms,
                   struct arena *arena, struct embeddings *ret_embeddings, struct err *err);

/* A model's cosine similarity on the scale of scores, 0 to 1, where 0.75 means "this answers it": models differ much in
 * what they give to unrelated texts. */
double embed_calibrate(const char *model, double cosine);

/* pgvector's text form, "[0.1,-0.2]", in arena; NULL when out of memory. */
const char *embed_to_text(const float *values, size_t dims, struct arena *arena);

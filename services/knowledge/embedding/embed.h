/* embed.h - texts to vectors, by the name of a model. The one place where models are chosen.
 *
 * One embedder per worker: it must not be shared between threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct config;
struct embedder;
struct err;
struct minilm;

#define EMBED_BATCH_MAX 2048 /* texts in one call; OpenAI's limit for one request */

/* Vectors of n texts, in their order; in an arena. */
struct embeddings {
    size_t n;
    size_t dims;   /* numbers in each */
    float *values; /* n * dims */
};

/* config must outlive it, and builtin, which may be NULL: then there is no built-in model. */
struct embedder *embedder_new(const struct config *config, const struct minilm *builtin, struct err *err);
void embedder_destroy(struct embedder **self_p);

/* The model of new knowledge bases of a language (a text search configuration); "" if none that can be run here knows
 * it: then words and trigrams are searched alone. */
const char *embedder_default_model(const struct embedder *self, const char *language);

/* Whether that model can be run here. */
bool embedder_has(const struct embedder *self, const char *model);

/* 0 if it can; or ERR_INVALID with the field "embedding_model" and a text that names those that can. */
int embedder_check(const struct embedder *self, const char *model, struct err *err);

/* Whether it is a provider's, that may be slow or away. */
bool embedder_is_remote(const struct embedder *self, const char *model);

/* Embeds 1 to EMBED_BATCH_MAX texts, none of them empty; in bulk, so that it gives way to queries. 0 and
 * *ret_embeddings, or -1:
 * ERR_INVALID      the model refuses one of the texts (not which)
 * ERR_DENIED       no key, a wrong key, nothing left to pay with, or no such model: no retry heals it
 * ERR_UNAVAILABLE  too many requests, an outage, or an answer that makes no sense; err->retry_after_s as the API asked
 * timeout_ms is that of each request to a provider. */
int embedder_embed(struct embedder *self, const char *model, const char *const *texts, size_t n, int timeout_ms,
                   struct arena *arena, struct embeddings *ret_embeddings, struct err *err);

/* Embeds a lead's question, at once. Where it is longer than the model reads, its beginning: *ret_cut tells. */
int embedder_query(struct embedder *self, const char *model, const char *query, int timeout_ms, struct arena *arena,
                   struct embeddings *ret_embeddings, bool *ret_cut, struct err *err);

/* A provider's model's cosine similarity on the scale of scores, 0 to 1, where 0.75 means "this answers it": models
 * differ much in what they give to unrelated texts. Of the built-in model more than one cosine is weighed (score.c). */
double embed_calibrate(const char *model, double cosine);

/* Whether a vector can be compared with others: one that is zero as halfvec keeps it has cosines that are no numbers.
 */
bool embed_has_direction(const float *values, size_t dims);

/* pgvector's text form, "[.1,-.2]", in arena; NULL when out of memory. Seven decimals: a vector of length 1 loses less
 * by that than by halfvec. */
const char *embed_to_text(const float *values, size_t dims, struct arena *arena);

/* openai.h - the part of OpenAI's API that Leadwire's knowledge uses: POST /embeddings.
 *
 * One per worker: it keeps a connection open and must not be shared between threads. */
#pragma once

#include <stddef.h>

struct arena;
struct embeddings;
struct err;
struct openai;

/* Copies both; base_url holds the /v1. Nothing is connected yet. */
struct openai *openai_new(const char *base_url, const char *api_key, struct err *err);
void openai_destroy(struct openai **self_p);

/* Embeds n texts in one request. Errors as embedder_embed in embed.h; err->provider_code is the HTTP status. */
int openai_embed(struct openai *self, const char *model, const char *const *texts, size_t n, int timeout_ms,
                 struct arena *arena, struct embeddings *ret_embeddings, struct err *err);

/* What an answer of status 200 holds: exactly n vectors, one for each index, all of the same length, finite. */
int openai_parse(const char *body, size_t len, size_t n, struct arena *arena, struct embeddings *ret_embeddings,
                 struct err *err);

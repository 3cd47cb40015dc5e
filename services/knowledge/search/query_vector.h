/* query_vector.h - the vector of a lead's question, from the cache or from its model. */
#pragma once

#include <stdbool.h>

struct arena;
struct knowledge;
struct query_embedding;

/* In arena; false if none can be had now, which is logged. Its cut tells that the query is longer than what the model
 * reads. No connection is to be held meanwhile: the model may be a provider's. */
bool query_vector(struct knowledge *state, const char *model, const char *query, struct arena *arena,
                  struct query_embedding *ret_embedding);

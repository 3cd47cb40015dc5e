/* query_vector.h - the vector of a lead's question, from the cache or from its model. */
#pragma once

#include <stdbool.h>

struct arena;
struct knowledge;

/* pgvector's text in arena; NULL if none can be had now, which is logged. Sets *ret_cut if the query is longer than
 * what the model reads, and leaves it alone if not. No connection is to be held meanwhile: the model may be a
 * provider's. */
const char *query_vector(struct knowledge *state, const char *model, const char *query, struct arena *arena,
                         bool *ret_cut);

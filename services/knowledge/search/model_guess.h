/* model_guess.h - which models the bases of a search had the last time, so that the query's vectors can be had before
 * the database is asked. Only a guess: what the search then finds is what counts. For the whole process, thread-safe.
 */
#pragma once

#include <stddef.h>

struct arena;

/* The models that were remembered for scope (a client's id or a base's), in arena; how many there are. */
size_t model_guess_get(const char *scope, struct arena *arena, const char **ret_models, size_t max);

void model_guess_put(const char *scope, const char *const *models, size_t n);

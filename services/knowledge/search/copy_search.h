/* copy_search.h - the candidates among what is copied of a client's knowledge. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct candidates;
struct copy;
struct copy_base;
struct err;
struct query_vector;

/* Whether a search in the base kb_id (NULL: in all) reads this one. */
bool copy_in_scope(const struct copy_base *base, const char *kb_id);

/* As search_candidates, with none of what could be among the best missing: all that say a word of the query (of a base
 * with an index twice `each` that say most of it), and of each base the `each` texts that are nearest by their vectors.
 * asked: of each of the copy's bases that is in scope, what leadwire_query_words returns for its language. The
 * candidates' texts are the copy's, which must outlive them. */
int copy_candidates(const struct copy *self, const char *kb_id, const char *const *asked,
                    const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                    struct candidates *ret_candidates, struct err *err);

/* copyfix.h - searches in a copy of a client's knowledge, and what they must have in common with the database's. */
#pragma once

#include <stddef.h>

#include "services/knowledge/search/search_store.h"

struct arena;
struct copy;
struct db_pool;

/* What a copy made now says; *ret_copy, which it needs, is the caller's. */
struct candidates copyfix_search(struct db_pool *db, const char *client_id, const char *kb_id, const char *query,
                                 const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                                 struct copy **ret_copy);

/* All that the database found is among what the copy has, and worth the same. The database may have looked further for
 * vectors, where other bases' are nearer: that has no word of the query, and each / 2 texts of its base are nearer. */
void copyfix_expect_all(const struct candidates *by_database, const struct candidates *by_copy, int each,
                        const char *query);

/* copyfix.h - searches in a copy of what clients of kbfix.h know, and what they must have in common with the
 * database's. */
#pragma once

#include <stddef.h>

#include "services/knowledge/search/search_store.h"

struct arena;
struct copy;
struct db_pool;

/* n words, of a hundred so many misspelt; with rand(). In kbfix_arena. */
const char *copyfix_words(int n, int slips);

/* Random vectors of KBFIX_MODEL for what the client has none of yet. */
void copyfix_embed(const char *client, int dims);

/* What a copy made now says; *ret_copy, which it needs, is the caller's. */
struct candidates copyfix_search(struct db_pool *db, const char *client_id, const char *kb_id, const char *query,
                                 const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                                 struct copy **ret_copy);

/* The same with a copy that is indexed, as large ones are. */
struct candidates copyfix_search_large(struct db_pool *db, const char *client_id, const char *kb_id, const char *query,
                                       const struct query_vector *vectors, size_t n_vectors, int each,
                                       struct arena *arena, struct copy **ret_copy);

/* What both have is worth the same, and the best n of the copy's are worth no less than the best n of the database's;
 * but for such as this has found because it looked further for vectors, as above: neither their words nor their vectors
 * are among the `each` best. */
void copyfix_expect_best(const struct candidates *by_database, const struct candidates *by_copy, size_t n, int each,
                         const char *query);

/* All that the database found is among what the copy has, and worth the same. The database may have looked further for
 * vectors, where other bases' are nearer: that has no word of the query, and each / 2 texts of its base are nearer. */
void copyfix_expect_all(const struct candidates *by_database, const struct candidates *by_copy, int each,
                        const char *query);

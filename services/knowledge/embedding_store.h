/* embedding_store.h - vectors in the database: of each text one for each model, however many chunks say it.
 *
 * All calls belong to the caller's transaction, which sees the client's rows. Results are in arena. */
#pragma once

#include <stddef.h>

struct arena;
struct db_tx;
struct err;
struct kb;

struct bare_text {
    const char *hash; /* md5 of text, as a UUID */
    const char *text; /* what is to be embedded */
};

/* Up to limit texts of the base's chunks that the model has neither embedded nor refused. */
int embeddings_missing(struct db_tx *tx, const struct kb *kb, const char *model, size_t limit, struct arena *arena,
                       struct bare_text **ret_texts, size_t *ret_n, struct err *err);

/* Stores vectors[i] (pgvector's text, or NULL: the model refuses this text) for texts[i]. What is there already stays.
 */
int embeddings_put(struct db_tx *tx, const char *client_id, const char *model, const struct bare_text *texts,
                   const char *const *vectors, size_t n, struct arena *arena, struct err *err);

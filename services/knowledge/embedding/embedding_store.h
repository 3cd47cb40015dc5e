/* embedding_store.h - vectors in the database: of each text one for each model, however many chunks say it.
 *
 * Deleted means deleted: a vector tells what its text was about, so it goes with the last chunk that says the text. A
 * vector is used while a chunk of the client says its text in a base whose embedding_model or next_model is the
 * vector's. Who stores, counts on or drops vectors holds the client's lock (kb_open_to_change) until its transaction
 * ends, and so is alone:
 *   - Who removes or replaces chunks drops in the same transaction what their texts leave behind.
 *   - Who has made vectors for chunks calls embeddings_put and then embeddings_drop_unused with the same texts: a chunk
 *     that was removed while they were made leaves nothing.
 *   - Who makes vectors for a version that is still on its way puts them only while its pending_documents row is there
 *     with its own revision_id; such vectors count as unused until the chunks are there, and may be dropped meanwhile.
 *     So in the transaction that inserts the chunks it asks again what is missing.
 *   - Who removes or replaces a pending_documents row without inserting its chunks calls embeddings_drop_all_unused:
 *     nobody knows which vectors were made for it.
 *
 * All calls belong to the caller's transaction, which sees the client's rows. Results are in arena. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;
struct db_result;
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

/* How many different texts the base's chunks have, and how many of them embeddings_missing would give. */
int embeddings_count(struct db_tx *tx, const char *client_id, const char *kb_id, const char *model, int64_t *ret_total,
                     int64_t *ret_missing, struct err *err);

/* Those of the hashes (db_array's form, none twice) of which the model has neither a vector nor a refusal, as rows of
 * text_hash in their order. */
int embeddings_absent(struct db_tx *tx, const char *client_id, const char *model, const char *hashes,
                      struct db_result **ret_rows, struct err *err);

/* Stores vectors[i] (pgvector's text, or NULL: the model refuses this text) for texts[i]. What is there already stays.
 */
int embeddings_put(struct db_tx *tx, const char *client_id, const char *model, const struct bare_text *texts,
                   const char *const *vectors, size_t n, struct arena *arena, struct err *err);

/* The column text_hash of rows as an array, as embeddings_drop_unused wants it. NULL and *err when out of memory. */
const char *embeddings_hashes(const struct db_result *rows, struct arena *arena, struct err *err);

/* Deletes the client's vectors of these texts that are no longer used, of any model. hashes is what embeddings_hashes
 * gives, or db_array of bare_text.hash. */
int embeddings_drop_unused(struct db_tx *tx, const char *client_id, const char *hashes, struct err *err);

/* All of the client's that are not used: it reads all of them. */
int embeddings_drop_all_unused(struct db_tx *tx, const char *client_id, struct err *err);

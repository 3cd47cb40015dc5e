/* kb_store.h - knowledge bases, FAQs and chunks in the database.
 *
 * All calls belong to the caller's transaction; row-level security shows it one client's rows, or every client's to an
 * administrator. Results are in arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/uuid.h"

struct arena;
struct db_tx;
struct embeddings;
struct err;

struct kb {
    char client_id[UUID_SIZE];
    char kb_id[UUID_SIZE];
    const char *language;        /* a text search configuration */
    const char *embedding_model; /* "": none */
};

/* ERR_NOT_FOUND: there is none, or it is another client's. From here on tx sees the base's client alone. */
int kb_open(struct db_tx *tx, const char *kb_id, struct arena *arena, struct kb *ret_kb, struct err *err);

/* ---- FAQs ---- */

struct faq_put {
    const char *question, *answer; /* checked by the caller: UTF-8, bounds, not blank */
    const char *key;               /* filled by faqs_fold: equal for the same question */
    char document_id[UUID_SIZE];   /* filled by faqs_put */
    bool replaced;                 /* filled by faqs_put: an earlier answer was there */
};

/* Fills key of each. */
int faqs_fold(struct db_tx *tx, struct faq_put *faqs, size_t n, struct arena *arena, struct err *err);

/* Stores all, searchable by words at once. No two may have the same key. A chunk whose text has not changed keeps its
 * vector. */
int faqs_put(struct db_tx *tx, const struct kb *kb, struct faq_put *faqs, size_t n, struct arena *arena,
             struct err *err);

/* ---- chunks that lack a vector ---- */

struct bare_chunk {
    const char *chunk_id;
    const char *body;
    const char *body_hash; /* so that a vector is never stored beside another text */
};

/* Up to limit of them, except those that the base's model has refused. */
int chunks_bare(struct db_tx *tx, const struct kb *kb, size_t limit, struct arena *arena,
                struct bare_chunk **ret_chunks, size_t *ret_n, struct err *err);

/* Stores vectors[i] (pgvector's text, or NULL: the model refuses this text) for chunks[i]. A chunk whose text has
 * changed meanwhile is left alone. */
int chunks_set_vectors(struct db_tx *tx, const struct kb *kb, const struct bare_chunk *chunks,
                       const char *const *vectors, size_t n, struct arena *arena, struct err *err);

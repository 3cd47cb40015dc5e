/* search_store.h - what a client's knowledge bases hold that may answer a query: candidates and what speaks for them.
 * How much that is worth together is score.h's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db_tx;
struct err;

/* The models of a client's bases: which ones a query is to be embedded by. kb_id NULL: all bases.
 * ERR_NOT_FOUND: kb_id is given and the client has no such base. */
int search_models(struct db_tx *tx, const char *client_id, const char *kb_id, struct arena *arena,
                  const char *const **ret_models, size_t *ret_n, struct err *err);

/* A query in one model's space. */
struct query_vector {
    const char *model;
    const char *vector; /* pgvector's text */
};

struct candidate {
    const char *document_id, *kb_id, *chunk_id; /* the chunk that speaks for it most */
    int64_t position;
    bool is_faq;
    const char *title, *body;         /* of an FAQ: question and answer */
    const char *heading, *source_url; /* "" if there is none */
    const char *model;                /* of its base */
    double threshold;                 /* of its base */
    bool exact;                       /* the query is its question, but for case, spaces and trailing punctuation */
    double covered;                   /* share of the query's words it has, each by its rarity in the base */
    double about;                     /* share of its question's words that the query has */
    int64_t words;                    /* of its question that the query has */
    double alike;                     /* trigram similarity of query and question */
    bool has_cosine;
    double cosine; /* of its best chunk */
};

/* Up to each candidates by words and, for bases of a model in vectors, up to each by vectors; no order. In arena. */
int search_candidates(struct db_tx *tx, const char *client_id, const char *kb_id, const char *query,
                      const struct query_vector *vectors, size_t n_vectors, int each, struct arena *arena,
                      struct candidate **ret_candidates, size_t *ret_n, struct err *err);

/* search_store.h - what a client's knowledge bases hold that may answer a query: candidates and what speaks for them.
 * How much that is worth together is score.h's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct db_pool;
struct err;

/* A query in one model's space. */
struct query_vector {
    const char *model;
    size_t dims;
    const float *values;
};

#define SEARCH_MODELS_MAX 3 /* models whose vectors one search compares; a client's bases rarely have two */

struct candidate {
    const char *document_id, *kb_id, *chunk_id; /* the chunk that speaks for it most */
    int64_t position;
    bool is_faq;
    const char *title, *body;         /* of an FAQ: question and answer */
    const char *heading, *source_url; /* "" if there is none */
    const char *model;                /* of its base */
    double threshold;                 /* of its base */
    bool exact;                       /* the query is its question, but for writing, case, spaces and punctuation */
    double covered;                   /* share of the query's words it has, each by its rarity in the base */
    double about;                     /* share of its question's words that the query has */
    int64_t words;                    /* of its question that the query has */
    double alike;                     /* trigram similarity of query and title */
    bool has_cosine;
    double cosine;     /* of its best chunk */
    double asks, says; /* cosines of an FAQ's question and answer; of a document's piece both are its own */
};

struct candidates {
    size_t n;
    struct candidate *items; /* no order */
    size_t n_models;
    const char **models; /* of the bases: those that the search should have had vectors for */
};

/* How it is searched. */
struct search_options {
    int each;          /* candidates by words, and as many by vectors, of each base */
    int64_t hnsw_from; /* where bases hold as many chunks, the client's index is used if there is one */
};

/* The candidates among a client's bases, or in the one of kb_id; in one round trip. Each of vectors is compared within
 * the bases of its model. In arena. ERR_NOT_FOUND: kb_id is given and the client has no such base. */
int search_candidates(struct db_pool *db, const char *client_id, const char *kb_id, const char *query,
                      const struct query_vector *vectors, size_t n_vectors, const struct search_options *options,
                      struct arena *arena, struct candidates *ret_candidates, struct err *err);

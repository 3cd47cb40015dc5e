/* drafts.h - candidates while they are put together from the chunks that speak for them, wherever these were read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/knowledge/search/asked.h"
#include "services/knowledge/search/search_store.h"
#include "services/knowledge/search/trigram.h"

struct arena;
struct err;
struct fillers;

#define ANSWER_WEIGHT 0.85 /* of a word in an answer; in a question it counts whole */

/* A base as a query asks it. */
struct asked_base {
    const char *kb_id, *model, *folded; /* folded: the query as questions are compared */
    double threshold;
    struct trigrams trigrams; /* of folded */
    struct asked asked;
    const struct fillers *fillers;
};

/* A chunk. Its texts live as long as the candidates. */
struct piece {
    const char *document_id, *chunk_id, *part, *heading, *body, *words;
    const char *title, *source_url; /* needed of documents alone */
    const char *folded; /* title or question as questions are compared; NULL: it is ASCII, and not the query */
    int64_t position;
};

struct draft {
    struct candidate candidate;
    const struct asked_base *base;
    double *best; /* of each term */
    double best_chunk;
    bool has_asks, has_says; /* a vector of the question, of the answer */
};

/* A candidate of which nothing is known but the piece's document. 0, or -1 without memory. */
int draft_begin(struct draft *self, const struct asked_base *base, const struct piece *piece, struct arena *arena,
                struct err *err);

/* What a piece says for its candidate; cosine NULL: it has no vector to compare. The one with the nearest vector stands
 * for the candidate; without vectors the first. */
void draft_add(struct draft *self, const struct piece *piece, const double *cosine);

/* The candidates that are complete, and the bases' models. In arena. */
int drafts_finish(struct draft *drafts, size_t n_drafts, const struct asked_base *bases, size_t n_bases,
                  struct arena *arena, struct candidates *ret_candidates, struct err *err);

/* Question and answer of an FAQ are one candidate; a chunk of a document is one by itself. */
bool piece_is_faq(const struct piece *piece);

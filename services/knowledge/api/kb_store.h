/* kb_store.h - knowledge bases, and FAQs in the database.
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
struct err;

struct kb {
    char client_id[UUID_SIZE];
    char kb_id[UUID_SIZE];
    const char *language;        /* a text search configuration */
    const char *embedding_model; /* whose vectors answer; "": none */
    const char *next_model;      /* whose vectors are being made, to take over; NULL: none */
    const char *next_language;   /* whose words are being made, to take over; NULL: none */
    const char *words_document;  /* the chunk up to which words were made anew; NULL: no such pass is under way */
    int64_t words_position;
};

/* ERR_NOT_FOUND: there is none, or it is another client's. From here on tx sees the base's client alone. */
int kb_open(struct db_tx *tx, const char *kb_id, struct arena *arena, struct kb *ret_kb, struct err *err);

/* The same for who adds, changes or removes anything in the base, or stores vectors: to be called before anything else
 * is locked. Of a client's knowledge one such transaction is under way at a time (an advisory lock until it ends,
 * waited for as long as lock_timeout: ERR_UNAVAILABLE), and what is read from here on is as the one before left it.
 * Searches and other readers are not held up. */
int kb_open_to_change(struct db_tx *tx, const char *kb_id, struct arena *arena, struct kb *ret_kb, struct err *err);

/* next_model takes over from embedding_model. After kb_open_to_change. */
int kb_switch_model(struct db_tx *tx, const struct kb *kb, struct err *err);

/* Adds the words of texts (db_array's form) to the vocabulary by which misspelt words are corrected. */
int kb_add_words(struct db_tx *tx, const struct kb *kb, const char *texts, struct err *err);

/* ---- FAQs ---- */

struct faq_put {
    const char *question, *answer; /* checked by the caller: UTF-8, bounds, not blank */
    const char *key;               /* filled by faqs_fold: equal for the same question */
    char document_id[UUID_SIZE];   /* filled by faqs_put */
    bool replaced;                 /* filled by faqs_put: an earlier answer was there */
};

/* Fills key of each. */
int faqs_fold(struct db_tx *tx, struct faq_put *faqs, size_t n, struct arena *arena, struct err *err);

/* Stores all, searchable by words at once; the vectors of answers that they replace go. No two may have the same key.
 * After kb_open_to_change. */
int faqs_put(struct db_tx *tx, const struct kb *kb, struct faq_put *faqs, size_t n, struct arena *arena,
             struct err *err);

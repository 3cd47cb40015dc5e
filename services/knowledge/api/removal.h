/* removal.h - documents, FAQs and whole bases go, with their chunks, words and vectors.
 *
 * All calls belong to a transaction that has opened the base with kb_open_to_change. What is still to be done for
 * something that is gone (its tasks) finds nothing to do. */
#pragma once

struct arena;
struct db_tx;
struct err;
struct kb;
struct removed;

/* One document, or one FAQ: kind is "document" or "faq". ERR_NOT_FOUND with field "document_id" if the base has none of
 * this id and kind. */
int removal_document(struct db_tx *tx, const struct kb *kb, const char *kind, const char *document_id,
                     struct arena *arena, struct removed *ret_removed, struct err *err);

/* All that the base holds; the base itself stays. */
int removal_contents(struct db_tx *tx, const struct kb *kb, struct removed *ret_removed, struct err *err);

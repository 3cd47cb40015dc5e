/* document_store.h - documents on their way in: the version that waits, and the chunks that take the old ones' place.
 *
 * All calls belong to the caller's transaction, after kb_open_to_change. Results are in arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/uuid.h"

struct arena;
struct db_tx;
struct err;
struct kb;
struct piece;

/* A version of a document. */
struct revision {
    char document_id[UUID_SIZE], revision_id[UUID_SIZE];
    const char *kb_id;
    const char *title, *content; /* content: extracted */
    bool is_markdown;
    const char *source_url; /* "" if there is none */
    const char *filename;   /* of what has neither source_url nor a title that was given; "" else. Not read back */
    const char *content_type;
    const char *metadata; /* a JSON object */
    int64_t bytes;        /* of what was posted */
};

/* Puts a version where its task finds it, in the place of one that waits already; the document is made if it is new.
 * Fills document_id and revision_id. *ret_updating: an older version is searched until then. */
int revision_put(struct db_tx *tx, const struct kb *kb, struct revision *revision, bool *ret_updating, struct err *err);

/* The task that takes a version in is known after it was inserted. */
int revision_set_task(struct db_tx *tx, const struct kb *kb, const struct revision *revision, const char *task_id,
                      struct err *err);

/* The version, if it is still the one that waits: 0 and *ret_revision. 1: it is not, or the document is gone. Needs no
 * lock. */
int revision_read(struct db_tx *tx, const char *client_id, const char *document_id, const char *revision_id,
                  struct arena *arena, struct revision *ret_revision, struct err *err);

/* The version becomes what is searched: its chunks in the place of the old ones, whose vectors go if nobody else uses
 * them. error: why its vectors are not there yet, NULL if they are. 1: it is no longer the one that waits. */
int revision_publish(struct db_tx *tx, const struct kb *kb, const struct revision *revision, const struct piece *pieces,
                     size_t n, const char *error, struct arena *arena, struct err *err);

/* All vectors of the base are there: what documents have to say about missing ones is over. */
int documents_clear_errors(struct db_tx *tx, const struct kb *kb, struct err *err);

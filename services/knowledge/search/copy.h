/* copy.h - all that the searches of one client read: its bases with their vocabulary, chunks and vectors, of one
 * version. It is not changed any more, so that threads may share it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/uuid.h"
#include "services/knowledge/search/drafts.h"
#include "services/knowledge/search/terms.h"

struct arena;
struct copy_index;
struct db_pool;
struct err;

/* Up to so many chunks of a client are searched one by one, which takes a fraction of a millisecond. */
#define COPY_CHUNKS_MAX 400
#define COPY_BYTES_MAX  ((size_t)6 * 1024 * 1024) /* 400 vectors of 3,072 numbers, and 3 KB of text beside each */

struct copy_chunk {
    struct piece piece;
    size_t dims; /* 0: it has no vector */
    const float *values;
    double length2;         /* of the vector, squared */
    const uint16_t *halves; /* the vector in a base that has an index, instead of both */
};

struct copy_base {
    const char *kb_id, *language, *model;
    double threshold;
    struct vocabulary vocabulary;
    size_t n_chunks;
    struct copy_chunk *chunks; /* those of an FAQ together */
    struct copy_index *index;  /* NULL: they are searched one by one */
};

struct copy {
    char client_id[UUID_SIZE];
    int64_t version;
    bool too_large; /* there is more than is copied at once: n_bases is 0 */
    size_t n_bases;
    struct copy_base *bases;
    struct arena *arena; /* of all the above */
    size_t bytes;
    atomic_int holders;
};

/* What the client's bases hold now, with the rights that the client has, where it is little. The caller is its holder.
 * NULL and *err if it cannot be read. */
struct copy *copy_read(struct db_pool *db, const char *client_id, struct err *err);

/* One holder more. Thread-safe, as is copy_release. */
struct copy *copy_hold(struct copy *self);

/* Sets *self_p to NULL; the last holder frees it. Does nothing if it is NULL already. */
void copy_release(struct copy **self_p);

/* The version now of what the client's searches read; and what the query asks in a language, as terms_parse reads it,
 * in arena. language NULL: the version alone. One round trip. */
int copy_check(struct db_pool *db, const char *client_id, const char *language, const char *query, struct arena *arena,
               int64_t *ret_version, const char **ret_asked, struct err *err);

/* copy_large.h - a copy of what a client knows where that is much: read page by page, and indexed. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

struct copy;
struct db_pool;
struct err;

/* What the client's bases hold, with the rights that the client has; no connection is held for longer than a page
 * takes. The caller is its holder. It is given up when *stopping becomes true (may be NULL). NULL and *err:
 * ERR_CONFLICT  it was changed meanwhile, or it was given up
 * ERR_INVALID   it takes more than max_bytes, or cannot be indexed */
struct copy *copy_read_large(struct db_pool *db, const char *client_id, size_t max_bytes, const atomic_bool *stopping,
                             struct err *err);

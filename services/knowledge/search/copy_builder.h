/* copy_builder.h - reads copies of what large clients know, in a thread of its own, when their searches want them.
 * Thread-safe.
 *
 * A client's copy is read anew a twentieth of the time at most: after a build that took a second, or was given up after
 * a second because the client's knowledge changed meanwhile, the next one waits for 20 s, and at least 5 s. Until then
 * the database searches. */
#pragma once

#include <stddef.h>

struct copy_builder;
struct copy_cache;
struct db_pool;
struct err;

/* What it reads it puts into copies, each of max_bytes at most. NULL and *err if there is no thread or memory. */
struct copy_builder *copy_builder_new(struct db_pool *db, struct copy_cache *copies, size_t max_bytes, struct err *err);

/* Waits for the thread to end, which gives up what it reads; nothing is built afterwards. */
void copy_builder_stop(struct copy_builder *self);
void copy_builder_destroy(struct copy_builder **self_p);

/* A search has found no copy that it can use. Does not wait. self may be NULL. */
void copy_builder_want(struct copy_builder *self, const char *client_id);

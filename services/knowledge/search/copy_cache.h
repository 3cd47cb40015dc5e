/* copy_cache.h - the copies of clients' knowledge that were asked for last, for the whole process. Thread-safe.
 *
 * What is here may be outdated: each search compares the version (copy_check) and puts a new one where it differs. */
#pragma once

#include <stddef.h>

struct copy;
struct copy_cache;

/* Keeps at most so many bytes; the one not asked for longest leaves. NULL when out of memory. */
struct copy_cache *copy_cache_new(size_t max_bytes);
void copy_cache_destroy(struct copy_cache **self_p);

/* The caller holds it (copy_release). NULL if there is none, or if it was found to be too large a minute ago: it may
 * have become smaller. now_ms: on the monotonic clock. */
struct copy *copy_cache_get(struct copy_cache *self, const char *client_id, long long now_ms);

/* In the place of the client's last one, unless copy only tells that what is there already, of the same version, is too
 * large. The caller goes on holding it. Without memory it keeps nothing. */
void copy_cache_put(struct copy_cache *self, struct copy *copy, long long now_ms);

/* table.h - values by name: a hash table that grows. Not thread-safe. */
#pragma once

#include <stddef.h>

struct table_entry;

/* {0} is an empty one. */
struct table {
    struct table_entry **buckets;
    size_t n_buckets, n;
};

/* The value of key; NULL if there is none. */
void *table_get(const struct table *self, const char *key);

/* Where the value of key stands, NULL at first; the place stays until the table is cleared. NULL when out of memory. */
void **table_at(struct table *self, const char *key);

/* Calls each for every value, in no order. */
void table_each(const struct table *self, void (*each)(void *arg, const char *key, void *value), void *arg);

/* Frees the keys, and the values with free_value unless that is NULL; it is empty again. */
void table_clear(struct table *self, void (*free_value)(void *value));

/* FNV-1a, folded. */
size_t table_hash(const char *key);

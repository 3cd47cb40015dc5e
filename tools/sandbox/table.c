/* table.c - see table.h. */
#include "tools/sandbox/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct table_entry {
    struct table_entry *next;
    void *value;
    char key[];
};

size_t table_hash(const char *key)
{
    uint32_t hash = 2166136261u;

    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash ^ hash >> 16;
}

static struct table_entry *find(const struct table *self, const char *key)
{
    struct table_entry *entry = self->n_buckets ? self->buckets[table_hash(key) % self->n_buckets] : NULL;

    while (entry && strcmp(entry->key, key) != 0)
        entry = entry->next;
    return entry;
}

void *table_get(const struct table *self, const char *key)
{
    struct table_entry *entry = find(self, key);

    return entry ? entry->value : NULL;
}

/* At most one entry a bucket, on the average. False when out of memory. */
static int grow(struct table *self)
{
    size_t n = self->n_buckets ? self->n_buckets * 2 : 64;
    struct table_entry **buckets;

    if (self->n < self->n_buckets)
        return 1;
    if (!(buckets = calloc(n, sizeof(struct table_entry *))))
        return self->n_buckets > 0;
    for (size_t i = 0; i < self->n_buckets; i++)
        while (self->buckets[i]) {
            struct table_entry *entry = self->buckets[i], **place = &buckets[table_hash(entry->key) % n];

            self->buckets[i] = entry->next;
            entry->next = *place;
            *place = entry;
        }
    free(self->buckets);
    self->buckets = buckets;
    self->n_buckets = n;
    return 1;
}

void **table_at(struct table *self, const char *key)
{
    struct table_entry *entry = find(self, key), **place;
    size_t len = strlen(key);

    if (entry)
        return &entry->value;
    if (!grow(self) || !(entry = malloc(sizeof *entry + len + 1)))
        return NULL;
    memcpy(entry->key, key, len + 1);
    entry->value = NULL;
    place = &self->buckets[table_hash(key) % self->n_buckets];
    entry->next = *place;
    *place = entry;
    self->n++;
    return &entry->value;
}

void table_each(const struct table *self, void (*each)(void *arg, const char *key, void *value), void *arg)
{
    for (size_t i = 0; i < self->n_buckets; i++)
        for (struct table_entry *entry = self->buckets[i]; entry; entry = entry->next)
            each(arg, entry->key, entry->value);
}

void table_clear(struct table *self, void (*free_value)(void *value))
{
    for (size_t i = 0; i < self->n_buckets; i++)
        while (self->buckets[i]) {
            struct table_entry *entry = self->buckets[i];

            self->buckets[i] = entry->next;
            if (free_value)
                free_value(entry->value);
            free(entry);
        }
    free(self->buckets);
    *self = (struct table){0};
}

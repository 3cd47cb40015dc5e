/* service_refs.c - a ring of task ids, with a hash table over it that keeps repeats out. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/service_internal.h"

enum { BUCKETS = 1024, NONE = -1 };

struct ref_set {
    struct ref ring[REFS_MAX];
    int next_in_bucket[REFS_MAX]; /* index into ring */
    int bucket[BUCKETS];
    size_t first, n;
};

struct ref_set *ref_set_new(void)
{
    struct ref_set *self = calloc(1, sizeof *self);

    if (self)
        for (size_t i = 0; i < BUCKETS; i++)
            self->bucket[i] = NONE;
    return self;
}

void ref_set_destroy(struct ref_set **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

size_t ref_set_count(const struct ref_set *self)
{
    return self->n;
}

/* FNV-1a. */
static size_t bucket_of(const char *text)
{
    uint32_t hash = 2166136261u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash % BUCKETS;
}

bool ref_set_add(struct ref_set *self, const char *client_id, const char *task_id)
{
    size_t bucket = bucket_of(task_id), at = (self->first + self->n) % REFS_MAX;

    for (int i = self->bucket[bucket]; i != NONE; i = self->next_in_bucket[i])
        if (strcmp(self->ring[i].task_id, task_id) == 0)
            return true;
    if (self->n == REFS_MAX)
        return false;
    snprintf(self->ring[at].client_id, UUID_SIZE, "%s", client_id);
    snprintf(self->ring[at].task_id, UUID_SIZE, "%s", task_id);
    self->next_in_bucket[at] = self->bucket[bucket];
    self->bucket[bucket] = (int)at;
    self->n++;
    return true;
}

static void unlink_first(struct ref_set *self)
{
    int *at = &self->bucket[bucket_of(self->ring[self->first].task_id)];

    while (*at != (int)self->first)
        at = &self->next_in_bucket[*at];
    *at = self->next_in_bucket[self->first];
    self->first = (self->first + 1) % REFS_MAX;
    self->n--;
}

size_t ref_set_take(struct ref_set *self, struct ref *ret_refs, size_t n)
{
    size_t taken = 0;

    while (taken < n && self->n > 0) {
        ret_refs[taken++] = self->ring[self->first];
        unlink_first(self);
    }
    return taken;
}

/* received.c - see received.h. */
#include "tools/sandbox/received.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/clock.h"
#include "libshared/httpd.h"
#include "libshared/text.h"

struct entry {
    int64_t index, at_us;
    enum endpoint at;
    int status;
    char *method, *target, *body;
};

struct received {
    pthread_mutex_t lock;
    struct entry ring[RECEIVED_MAX];
    int64_t n; /* ever */
};

struct received *received_new(void)
{
    struct received *self = calloc(1, sizeof *self);

    if (self)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

static void entry_clear(struct entry *entry)
{
    free(entry->method);
    free(entry->target);
    free(entry->body);
    *entry = (struct entry){0};
}

void received_clear(struct received *self)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < RECEIVED_MAX; i++)
        entry_clear(&self->ring[i]);
    self->n = 0;
    pthread_mutex_unlock(&self->lock);
}

void received_destroy(struct received **self_p)
{
    if (!*self_p)
        return;
    received_clear(*self_p);
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

void received_add(struct received *self, enum endpoint at, struct exchange *x, int status)
{
    size_t len = utf8_cut(exchange_body(x), exchange_body_len(x), RECEIVED_BODY_MAX);
    struct entry entry = {
        .at_us = clock_mono_us(),
        .at = at,
        .status = status,
        .method = strdup(exchange_method(x)),
        .target = strdup(exchange_target(x)),
        .body = utf8_valid(exchange_body(x), len) ? strndup(exchange_body(x), len) : NULL,
    };

    pthread_mutex_lock(&self->lock);
    entry.index = self->n++;
    entry_clear(&self->ring[entry.index % RECEIVED_MAX]);
    self->ring[entry.index % RECEIVED_MAX] = entry;
    pthread_mutex_unlock(&self->lock);
}

json_t *received_list(struct received *self, const char *provider)
{
    json_t *list = json_array();

    pthread_mutex_lock(&self->lock);
    for (int64_t i = self->n > RECEIVED_MAX ? self->n - RECEIVED_MAX : 0; i < self->n; i++) {
        const struct entry *e = &self->ring[i % RECEIVED_MAX];

        if (strncmp(endpoint_names[e->at], provider, strlen(provider)) != 0)
            continue;
        json_array_append_new(list, json_pack("{sI ss ss? ss? si sI ss?}", "index", (json_int_t)e->index, "endpoint",
                                              endpoint_names[e->at], "method", e->method, "target", e->target, "status",
                                              e->status, "received_at_us", (json_int_t)e->at_us, "body", e->body));
    }
    pthread_mutex_unlock(&self->lock);
    return list;
}

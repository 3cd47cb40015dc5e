/* replies.c - see replies.h. */
#include "tools/sandbox/replies.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/err.h"

#define REPLIES_MAX 10000

struct replies {
    pthread_mutex_t lock;
    json_t *list;
};

struct replies *replies_new(void)
{
    struct replies *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    pthread_mutex_init(&self->lock, NULL);
    self->list = json_array();
    return self;
}

void replies_destroy(struct replies **self_p)
{
    if (!*self_p)
        return;
    json_decref((*self_p)->list);
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

static int check_block(const json_t *block, size_t i, struct err *err)
{
    const char *type = json_string_value(json_object_get(block, "type"));

    if (type && strcmp(type, "text") == 0 && json_is_string(json_object_get(block, "text")))
        return 0;
    /* Also without a sound input: what would come of that? */
    if (type && strcmp(type, "tool_use") == 0 && json_is_string(json_object_get(block, "name")))
        return 0;
    if (type && strcmp(type, "thinking") == 0 && json_is_string(json_object_get(block, "thinking")) &&
        json_is_string(json_object_get(block, "signature")))
        return 0;
    return err_set(err, ERR_INVALID,
                   "reply %zu: a block is {\"type\":\"text\",\"text\":...}, "
                   "{\"type\":\"tool_use\",\"name\":...,\"input\":{...}} or "
                   "{\"type\":\"thinking\",\"thinking\":...,\"signature\":...}",
                   i);
}

static int check_reply(const json_t *reply, size_t i, struct err *err)
{
    const json_t *content = json_is_array(reply) ? reply : json_object_get(reply, "content");
    const json_t *status = json_object_get(reply, "status"), *block;
    size_t n;

    if (json_object_get(reply, "usage") && !json_is_object(json_object_get(reply, "usage")))
        return err_set(err, ERR_INVALID, "reply %zu: usage must be an object", i);
    if (status && json_is_integer(status) && json_integer_value(status) >= 400 && json_integer_value(status) <= 599)
        return 0;
    if (!status && json_is_string(json_object_get(reply, "text")))
        return 0;
    if (status || !json_is_array(content))
        return err_set(err, ERR_INVALID,
                       "reply %zu must be an array of content blocks, {\"content\":[...]}, {\"text\":\"...\"} or "
                       "{\"status\":400..599}",
                       i);
    json_array_foreach (content, n, block)
        if (check_block(block, i, err) < 0)
            return -1;
    return 0;
}

int replies_set(struct replies *self, json_t *list, struct err *err)
{
    const json_t *reply;
    json_t *old, *copy;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) > REPLIES_MAX)
        return err_set(err, ERR_INVALID, "replies are a JSON array of at most %d", REPLIES_MAX);
    json_array_foreach (list, i, reply)
        if (check_reply(reply, i, err) < 0)
            return -1;
    if (!(copy = json_deep_copy(list)))
        return err_set(err, ERR_INTERNAL, "out of memory");
    pthread_mutex_lock(&self->lock);
    old = self->list;
    self->list = copy;
    pthread_mutex_unlock(&self->lock);
    json_decref(old);
    return 0;
}

json_t *replies_take(struct replies *self)
{
    json_t *reply;

    pthread_mutex_lock(&self->lock);
    reply = json_incref(json_array_get(self->list, 0));
    json_array_remove(self->list, 0);
    pthread_mutex_unlock(&self->lock);
    return reply;
}

size_t replies_left(struct replies *self)
{
    size_t n;

    pthread_mutex_lock(&self->lock);
    n = json_array_size(self->list);
    pthread_mutex_unlock(&self->lock);
    return n;
}

/* vectors.c - see vectors.h. */
#include "tools/sandbox/vectors.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "tools/sandbox/box.h"

#define VECTORS_MAX 10000
#define TEXT_MAX    8000 /* bytes */
#define WORD_MAX    64   /* bytes */

struct vectors {
    pthread_mutex_t lock;
    json_t *known; /* model, a newline and the text: base64 of its vector */
    char word[WORD_MAX + 1];
};

struct vectors *vectors_new(void)
{
    struct vectors *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    pthread_mutex_init(&self->lock, NULL);
    self->known = json_object();
    return self;
}

void vectors_destroy(struct vectors **self_p)
{
    if (!*self_p)
        return;
    json_decref((*self_p)->known);
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

void vectors_clear(struct vectors *self)
{
    pthread_mutex_lock(&self->lock);
    json_object_clear(self->known);
    self->word[0] = '\0';
    pthread_mutex_unlock(&self->lock);
}

/* The numbers that base64 holds, -1 if it is not valid or holds more than max. */
static int decode(const char *base64, float *out, int max)
{
    size_t len;

    if (sodium_base642bin((unsigned char *)out, sizeof *out * (size_t)max, base64, strlen(base64), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len % sizeof *out)
        return -1;
    return (int)(len / sizeof *out);
}

/* Caller frees; NULL when out of memory. */
static char *key_of(const char *model, const char *text)
{
    char *key;

    return asprintf(&key, "%s\n%s", model, text) < 0 ? NULL : key;
}

/* Adds item to known. */
static int read_item(const json_t *item, size_t i, const char *model, int dimensions, json_t *known, struct err *err)
{
    const char *text = json_string_value(json_object_get(item, "text"));
    const char *base64 = json_string_value(json_object_get(item, "embedding"));
    float vector[DIMENSIONS_MAX];
    char *key;
    int rc;

    if (!text || !text[0] || strlen(text) > TEXT_MAX)
        return err_set_field(err, ERR_INVALID, "vectors", "vectors[%zu].text must have 1 to %d bytes", i, TEXT_MAX);
    if (!base64 || decode(base64, vector, dimensions) != dimensions)
        return err_set_field(err, ERR_INVALID, "vectors",
                             "vectors[%zu].embedding must be base64 of the %d little-endian float32 that %s has", i,
                             dimensions, model);
    if (!(key = key_of(model, text)))
        return err_set(err, ERR_INTERNAL, "out of memory");
    rc = json_object_set(known, key, json_object_get(item, "embedding"));
    free(key);
    return rc < 0 ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

int vectors_put(struct vectors *self, const json_t *json, struct err *err)
{
    const char *model = json_string_value(json_object_get(json, "model"));
    const json_t *list = json_object_get(json, "vectors"), *item;
    int dimensions = model ? box_openai_dimensions(model) : 0, rc = 0;
    json_t *known;
    size_t i;

    if (!dimensions)
        return err_set_field(err, ERR_INVALID, "model", "model must be one that the sandbox has");
    if (!json_is_array(list) || json_array_size(list) > VECTORS_MAX)
        return err_set_field(err, ERR_INVALID, "vectors", "vectors must be an array of at most %d", VECTORS_MAX);
    if (!(known = json_object()))
        return err_set(err, ERR_INTERNAL, "out of memory");
    json_array_foreach (list, i, item)
        if (rc == 0)
            rc = read_item(item, i, model, dimensions, known, err);
    if (rc == 0) {
        pthread_mutex_lock(&self->lock);
        if (json_object_size(self->known) + json_object_size(known) > VECTORS_MAX)
            rc = err_set(err, ERR_INVALID, "there are %zu vectors already; at most %d are kept",
                         json_object_size(self->known), VECTORS_MAX);
        else if (json_object_update(self->known, known) < 0)
            rc = err_set(err, ERR_INTERNAL, "out of memory");
        pthread_mutex_unlock(&self->lock);
    }
    json_decref(known);
    return rc;
}

size_t vectors_count(struct vectors *self)
{
    size_t n;

    pthread_mutex_lock(&self->lock);
    n = json_object_size(self->known);
    pthread_mutex_unlock(&self->lock);
    return n;
}

bool vectors_get(struct vectors *self, const char *model, const char *text, int n, float *ret_vector)
{
    char *key = key_of(model, text);
    float vector[DIMENSIONS_MAX];
    const char *base64;
    bool found;

    if (!key)
        return false;
    pthread_mutex_lock(&self->lock);
    base64 = json_string_value(json_object_get(self->known, key));
    found = base64 && decode(base64, vector, DIMENSIONS_MAX) == n;
    pthread_mutex_unlock(&self->lock);
    free(key);
    if (found)
        memcpy(ret_vector, vector, sizeof *vector * (size_t)n);
    return found;
}

int vectors_refuse(struct vectors *self, const json_t *json, struct err *err)
{
    const char *word = json_string_value(json_object_get(json, "word"));

    if (!word || strlen(word) > WORD_MAX)
        return err_set_field(err, ERR_INVALID, "word", "word must be a text of at most %d bytes; \"\": none is refused",
                             WORD_MAX);
    pthread_mutex_lock(&self->lock);
    snprintf(self->word, sizeof self->word, "%s", word);
    pthread_mutex_unlock(&self->lock);
    return 0;
}

bool vectors_refuses(struct vectors *self, const char *text)
{
    bool refuses;

    pthread_mutex_lock(&self->lock);
    refuses = self->word[0] && strstr(text, self->word);
    pthread_mutex_unlock(&self->lock);
    return refuses;
}

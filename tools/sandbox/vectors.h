/* vectors.h - what the embeddings endpoint was told: the vectors of given texts, and a word that it refuses.
 * Thread-safe. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define DIMENSIONS_MAX 3072

struct err;
struct vectors;

struct vectors *vectors_new(void);
void vectors_destroy(struct vectors **self_p);
void vectors_clear(struct vectors *self);

/* Reads {"model", "vectors": [{"text", "embedding"}]}; an embedding is base64 of little-endian float32, as many as the
 * model has. All are taken, beside those that are there already, or none. ERR_INVALID tells what is wrong. */
int vectors_put(struct vectors *self, const json_t *json, struct err *err);
size_t vectors_count(struct vectors *self);

/* Fills n numbers and returns true if the text has a vector of that size. */
bool vectors_get(struct vectors *self, const char *model, const char *text, int n, float *ret_vector);

/* Reads {"word"}: an input that holds it is answered 400. "": none is. */
int vectors_refuse(struct vectors *self, const json_t *json, struct err *err);
bool vectors_refuses(struct vectors *self, const char *text);

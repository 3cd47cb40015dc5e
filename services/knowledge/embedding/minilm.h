/* minilm.h - all-MiniLM-L6-v2, a small sentence transformer for English, run from one mapped file.
 *
 * The file (models/all-MiniLM-L6-v2.model, made by tools/minilm/convert.py) holds the vocabulary and the weights as
 * 8-bit integers with a scale a row. It is mapped once and read only: all threads and processes share its pages. */
#pragma once

#include <stddef.h>

struct err;
struct minilm;
struct minilm_run;

#define MINILM_NAME       "all-MiniLM-L6-v2"
#define MINILM_DIMS       384
#define MINILM_TOKENS_MAX 256 /* what it was trained on, [CLS] and [SEP] included */

/* The path of the file: setting (LEADWIRE_MODEL_FILE) or, where that is NULL, ../share/leadwire/all-MiniLM-L6-v2.model
 * beside the folder of the running program. -1 if it does not fit size bytes. Whether it is there, minilm_open says. */
int minilm_path(const char *setting, char *ret_path, size_t size, struct err *err);

/* Maps the file and checks it: also its SHA-256, which takes about 20 ms. Thread-safe afterwards. ERR_INVALID names the
 * file and what is wrong with it. */
struct minilm *minilm_open(const char *path, struct err *err);
void minilm_close(struct minilm **self_p);

/* Room for one computation; one per thread. model must outlive it. */
struct minilm_run *minilm_run_new(const struct minilm *model, struct err *err);
void minilm_run_destroy(struct minilm_run **self_p);

/* The vector, of length 1, of the first MINILM_TOKENS_MAX tokens of a text in UTF-8. Returns the bytes of text that
 * were read: len unless it was cut, which is at a token's end. Cannot fail. */
size_t minilm_embed(struct minilm_run *self, const char *text, size_t len, float ret_vector[MINILM_DIMS]);

/* The vector of what somebody asks, to be compared with those of minilm_embed: with other biases and norms, which bring
 * a question nearer to what answers it and other messages further away (tools/ranking/README.md). */
size_t minilm_embed_question(struct minilm_run *self, const char *text, size_t len, float ret_vector[MINILM_DIMS]);

/* Those of minilm_embed of n texts, some of which are computed together: for many short ones. The vectors are those
 * that it gives, to the bit. What of a text is beyond MINILM_TOKENS_MAX is not in its vector. */
void minilm_embed_many(struct minilm_run *self, const char *const texts[], const size_t lens[], size_t n,
                       float (*ret_vectors)[MINILM_DIMS]);

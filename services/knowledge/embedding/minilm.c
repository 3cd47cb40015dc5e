/* minilm.c - see minilm.h: texts to tokens, tokens in batches to vectors. */
#include "services/knowledge/embedding/minilm.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/minilm_internal.h"
#include "services/knowledge/embedding/wordpiece.h"

struct minilm {
    struct minilm_weights weights, questions; /* the second with other biases and norms, else the same */
    struct wordpiece *wordpiece;
};

struct minilm_run {
    const struct minilm *model;
    const struct minilm_kernels *kernels;
    struct minilm_batch batch;
    struct minilm_scratch scratch;
};

int minilm_path(const char *setting, char *ret_path, size_t size, struct err *err)
{
    char exe[PATH_MAX];
    ssize_t len = 0;
    char *slash;
    int n;

    if (setting) {
        n = snprintf(ret_path, size, "%s", setting);
    } else {
        if ((len = readlink("/proc/self/exe", exe, sizeof exe - 1)) <= 0)
            return err_set(err, ERR_INTERNAL, "the program's folder is unknown: set LEADWIRE_MODEL_FILE");
        exe[len] = '\0';
        if ((slash = strrchr(exe, '/')))
            *slash = '\0';
        n = snprintf(ret_path, size, "%s/../share/leadwire/" MINILM_NAME ".model", exe);
    }
    if (n < 0 || (size_t)n >= size)
        return err_set(err, ERR_INVALID, "the path of the model's file is too long");
    return 0;
}

struct minilm *minilm_open(const char *path, struct err *err)
{
    AUTO(minilm_close) struct minilm *self = calloc(1, sizeof *self);
    struct err why = {0};

    if (!self) {
        err_set(err, ERR_INTERNAL, "minilm: out of memory");
        return NULL;
    }
    if (minilm_map(&self->weights, path, err) < 0)
        return NULL;
    if (!(self->wordpiece = wordpiece_new(self->weights.vocabulary, self->weights.vocabulary_len, &why))) {
        err_set(err, why.kind, "%s: %s", path, why.text);
        return NULL;
    }
    self->questions = self->weights;
    minilm_for_questions(&self->questions);
    return TAKE(self);
}

void minilm_close(struct minilm **self_p)
{
    struct minilm *self = *self_p;

    if (!self)
        return;
    wordpiece_destroy(&self->wordpiece);
    minilm_unmap(&self->weights);
    free(self);
    *self_p = NULL;
}

size_t minilm_kernels_here(const struct minilm_kernels *ret_kernels[MINILM_KERNELS_MAX])
{
    size_t n = 0;

#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni"))
        ret_kernels[n++] = &minilm_avx512;
    if (__builtin_cpu_supports("avx2"))
        ret_kernels[n++] = &minilm_avx2;
#endif
    ret_kernels[n++] = &minilm_plain;
    return n;
}

/* Mapped, so that only the pages of as many tokens as there ever were are real memory. */
struct minilm_run *minilm_run_new(const struct minilm *model, struct err *err)
{
    const struct minilm_kernels *here[MINILM_KERNELS_MAX];
    struct minilm_run *self = mmap(NULL, sizeof *self, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (self == MAP_FAILED) {
        err_set(err, ERR_INTERNAL, "minilm: out of memory");
        return NULL;
    }
    minilm_kernels_here(here);
    self->model = model;
    self->kernels = here[0];
    return self;
}

void minilm_run_destroy(struct minilm_run **self_p)
{
    if (*self_p)
        munmap(*self_p, sizeof **self_p);
    *self_p = NULL;
}

void minilm_run_use(struct minilm_run *self, const struct minilm_kernels *kernels)
{
    self->kernels = kernels;
}

/* Computes the texts of the batch and empties it. */
static void flush(struct minilm_run *self, const struct minilm_weights *weights, float (*ret_vectors)[MINILM_DIMS])
{
    if (self->batch.texts)
        self->kernels->embed(weights, &self->batch, &self->scratch, ret_vectors);
    self->batch.texts = 0;
}

static size_t tokens_in(const struct minilm_batch *batch)
{
    return batch->texts ? batch->ends[batch->texts - 1] : 0;
}

static size_t embed_one(struct minilm_run *self, const struct minilm_weights *weights, const char *text, size_t len,
                        float ret_vector[MINILM_DIMS])
{
    size_t read;

    self->batch.ends[0] =
        wordpiece_encode(self->model->wordpiece, text, len, self->batch.tokens, MINILM_TOKENS_MAX, &read);
    self->batch.texts = 1;
    flush(self, weights, (float(*)[MINILM_DIMS])ret_vector);
    return read;
}

size_t minilm_embed(struct minilm_run *self, const char *text, size_t len, float ret_vector[MINILM_DIMS])
{
    return embed_one(self, &self->model->weights, text, len, ret_vector);
}

size_t minilm_embed_question(struct minilm_run *self, const char *text, size_t len, float ret_vector[MINILM_DIMS])
{
    return embed_one(self, &self->model->questions, text, len, ret_vector);
}

void minilm_embed_many(struct minilm_run *self, const char *const texts[], const size_t lens[], size_t n,
                       float (*ret_vectors)[MINILM_DIMS])
{
    struct minilm_batch *batch = &self->batch;
    size_t first = 0; /* text of the batch */

    batch->texts = 0;
    for (size_t i = 0; i < n; i++) {
        size_t used = tokens_in(batch), read;
        size_t count =
            wordpiece_encode(self->model->wordpiece, texts[i], lens[i], batch->tokens + used, MINILM_TOKENS_MAX, &read);

        if (used + count > MINILM_TOKENS_MAX) {
            flush(self, &self->model->weights, ret_vectors + first);
            memmove(batch->tokens, batch->tokens + used, count * sizeof batch->tokens[0]);
            first = i;
            used = 0;
        }
        batch->ends[batch->texts++] = used + count;
    }
    flush(self, &self->model->weights, ret_vectors + first);
}

void minilm_embed_tokens(struct minilm_run *self, const uint16_t *tokens, size_t n, float ret_vector[MINILM_DIMS])
{
    memcpy(self->batch.tokens, tokens, n * sizeof tokens[0]);
    self->batch.ends[0] = n;
    self->batch.texts = 1;
    flush(self, &self->model->weights, (float(*)[MINILM_DIMS])ret_vector);
}

/* builtin.c - see builtin.h. */
#include "services/knowledge/embedding/builtin.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/embedding/minilm.h"

#define BULK_THREADS  2
#define BULK_NICENESS 19 /* the lowest: a question that comes meanwhile gets 98 % of a core */
#define BLOCK         32 /* texts that a thread takes at a time */

/* A text of so many bytes has no more tokens than the model reads, since each is at least a byte. */
#define SHORT_BYTES (MINILM_TOKENS_MAX - 2)

struct builtin {
    const struct minilm *model;
    struct minilm_run *run; /* for questions */
};

void builtin_destroy(struct builtin **self_p)
{
    struct builtin *self = *self_p;

    if (!self)
        return;
    minilm_run_destroy(&self->run);
    free(self);
    *self_p = NULL;
}

struct builtin *builtin_new(const struct minilm *model, struct err *err)
{
    AUTO(builtin_destroy) struct builtin *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "builtin model: out of memory");
        return NULL;
    }
    self->model = model;
    if (!(self->run = minilm_run_new(model, err)))
        return NULL;
    return TAKE(self);
}

void builtin_query(struct builtin *self, const char *query, float *ret_vector, bool *ret_cut)
{
    size_t len = strlen(query);

    *ret_cut = minilm_embed_question(self->run, query, len, ret_vector) < len;
}

/* ---- bulk ---- */

/* Each part counts by its length, so that a short rest does not outweigh what is before it. */
static void embed_long(struct minilm_run *run, const char *text, size_t len, float *ret_vector)
{
    double sum[MINILM_DIMS] = {0}, norm = 0;
    float part[MINILM_DIMS];
    size_t read;

    for (size_t at = 0; at < len; at += read) {
        if ((read = minilm_embed(run, text + at, len - at, part)) == 0)
            break;
        for (size_t i = 0; i < MINILM_DIMS; i++)
            sum[i] += (double)read * (double)part[i];
    }
    for (size_t i = 0; i < MINILM_DIMS; i++)
        norm += sum[i] * sum[i];
    norm = norm > 0 ? sqrt(norm) : 1;
    for (size_t i = 0; i < MINILM_DIMS; i++)
        ret_vector[i] = (float)(sum[i] / norm);
}

struct bulk {
    const struct minilm *model;
    const char *const *texts;
    size_t n;
    float *vectors;
    atomic_size_t next;  /* the first text that nobody has taken */
    atomic_bool no_room; /* a thread found no memory */
};

/* The short ones of a block together, the long ones each alone. */
static void embed_block(struct minilm_run *run, const struct bulk *bulk, size_t from, size_t to)
{
    float vectors[BLOCK][MINILM_DIMS];
    const char *texts[BLOCK];
    size_t lens[BLOCK], places[BLOCK], n = 0;

    for (size_t i = from; i < to; i++) {
        size_t len = strlen(bulk->texts[i]);
        if (len > SHORT_BYTES) {
            embed_long(run, bulk->texts[i], len, bulk->vectors + i * MINILM_DIMS);
            continue;
        }
        texts[n] = bulk->texts[i];
        lens[n] = len;
        places[n++] = i;
    }
    if (n > 0)
        minilm_embed_many(run, texts, lens, n, vectors);
    for (size_t i = 0; i < n; i++)
        memcpy(bulk->vectors + places[i] * MINILM_DIMS, vectors[i], sizeof vectors[i]);
}

/* A thread cannot raise its priority again, so it is one made for this. */
static void *bulk_thread(void *arg)
{
    struct bulk *bulk = arg;
    AUTO(minilm_run_destroy) struct minilm_run *run = minilm_run_new(bulk->model, NULL);
    size_t from;

    setpriority(PRIO_PROCESS, (id_t)gettid(), BULK_NICENESS);
    if (!run)
        bulk->no_room = true;
    while (!bulk->no_room && (from = atomic_fetch_add(&bulk->next, BLOCK)) < bulk->n)
        embed_block(run, bulk, from, from + BLOCK < bulk->n ? from + BLOCK : bulk->n);
    return NULL;
}

int builtin_embed(struct builtin *self, const char *const *texts, size_t n, float *ret_vectors, struct err *err)
{
    struct bulk bulk = {.model = self->model, .texts = texts, .n = n, .vectors = ret_vectors};
    pthread_t threads[BULK_THREADS];
    size_t started = 0;

    while (started < BULK_THREADS && started * BLOCK < n &&
           pthread_create(&threads[started], NULL, bulk_thread, &bulk) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (started == 0 || bulk.no_room)
        return err_set(err, ERR_INTERNAL, "builtin model: out of memory");
    return 0;
}

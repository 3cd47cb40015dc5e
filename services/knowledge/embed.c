/* embed.c - see embed.h. */
#include "services/knowledge/embed.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/knowledge/openai.h"

/* A point of a model's calibration; between two points the score runs straight. */
struct point {
    double cosine, score;
};

struct model {
    const char *name;
    size_t dims;
    struct point points[6]; /* ascending */
};

/* Where the cosines lie is known from users' reports: the older model gives 0.7 to 0.85 to texts that have nothing in
 * common, the newer ones 0.1 to 0.4, with relevant passages from 0.4 on. */
static const struct model models[] = {
    {"text-embedding-3-small", 1536, {{0.15, 0}, {0.30, 0.40}, {0.45, 0.75}, {0.60, 0.88}, {0.80, 0.97}, {1, 1}}},
    {"text-embedding-3-large", 3072, {{0.15, 0}, {0.30, 0.40}, {0.45, 0.75}, {0.60, 0.88}, {0.80, 0.97}, {1, 1}}},
    {"text-embedding-ada-002", 1536, {{0.70, 0}, {0.78, 0.40}, {0.84, 0.75}, {0.90, 0.90}, {0.95, 0.97}, {1, 1}}},
};

static const struct model other_model = {"", 0, {{0, 0}, {0.3, 0.3}, {0.5, 0.5}, {0.75, 0.75}, {0.9, 0.9}, {1, 1}}};

static const struct model *find_model(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(models); i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return &other_model;
}

struct embedder {
    const struct config *config;
    struct openai *openai; /* NULL: there is no key */
};

struct embedder *embedder_new(const struct config *config, struct err *err)
{
    AUTO(embedder_destroy) struct embedder *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "embedder: out of memory");
        return NULL;
    }
    self->config = config;
    if (config->openai_api_key && !(self->openai = openai_new(config->openai_base_url, config->openai_api_key, err)))
        return NULL;
    return TAKE(self);
}

void embedder_destroy(struct embedder **self_p)
{
    struct embedder *self = *self_p;

    if (!self)
        return;
    openai_destroy(&self->openai);
    free(self);
    *self_p = NULL;
}

const char *embedder_default_model(const struct embedder *self, const char *language)
{
    (void)language; /* OpenAI's know all of them */
    return self->openai ? self->config->openai_embedding_model : "";
}

bool embedder_has(const struct embedder *self, const char *model)
{
    return self->openai && *model;
}

int embedder_check(const struct embedder *self, const char *model, struct err *err)
{
    if (text_has_control(model))
        return err_set_field(err, ERR_INVALID, "embedding_model", "the model's name holds control characters");
    if (embedder_has(self, model))
        return 0;
    return err_set_field(err, ERR_INVALID, "embedding_model",
                         "this model cannot be used: OPENAI_API_KEY is not set. \"\" searches by words alone");
}

bool embedder_is_remote(const struct embedder *self, const char *model)
{
    return embedder_has(self, model);
}

int embedder_embed(struct embedder *self, const char *model, const char *const *texts, size_t n, int timeout_ms,
                   struct arena *arena, struct embeddings *ret_embeddings, struct err *err)
{
    size_t dims = find_model(model)->dims;
    struct embeddings made;

    if (!embedder_has(self, model))
        return err_set(err, ERR_DENIED, "embeddings: OPENAI_API_KEY is not set, so there is no model %.60s", model);
    if (openai_embed(self->openai, model, texts, n, timeout_ms, arena, &made, err) < 0)
        return -1;
    if (dims && made.dims != dims)
        return err_set(err, ERR_UNAVAILABLE, "embeddings: %.60s answered with %zu dimensions, it has %zu", model,
                       made.dims, dims);
    *ret_embeddings = made;
    return 0;
}

int embedder_query(struct embedder *self, const char *model, const char *query, int timeout_ms, struct arena *arena,
                   struct embeddings *ret_embeddings, bool *ret_cut, struct err *err)
{
    if (embedder_embed(self, model, &query, 1, timeout_ms, arena, ret_embeddings, err) < 0)
        return -1;
    *ret_cut = false;
    return 0;
}

double embed_calibrate(const char *model, double cosine)
{
    const struct point *points = find_model(model)->points;
    const size_t last = COUNT_OF(other_model.points) - 1;

    if (!(cosine > points[0].cosine))
        return 0;
    for (size_t i = 1; i <= last; i++)
        if (cosine < points[i].cosine)
            return points[i - 1].score + (cosine - points[i - 1].cosine) * (points[i].score - points[i - 1].score) /
                                             (points[i].cosine - points[i - 1].cosine);
    return 1;
}

/* By hand: printf takes half a millisecond for 1,536 numbers, which each search would wait for. */
static size_t number_to_text(float value, char out[24])
{
    char digits[7];
    uint32_t scaled;
    size_t len = 0, n = 7;

    if (!(fabsf(value) < 100))
        return (size_t)snprintf(out, 24, "%.7g", (double)value);
    scaled = (uint32_t)(fabs((double)value) * 1e7 + 0.5);
    if (value < 0 && scaled > 0)
        out[len++] = '-';
    if (scaled >= 10000000)
        len += (size_t)snprintf(out + len, 8, "%u", scaled / 10000000);
    scaled %= 10000000;
    while (n > 0 && scaled % 10 == 0 && n-- > 0)
        scaled /= 10;
    if (n == 0 && (len == 0 || out[len - 1] == '-'))
        out[len++] = '0';
    if (n == 0)
        return len;
    for (size_t i = n; i > 0; i--, scaled /= 10)
        digits[i - 1] = (char)('0' + scaled % 10);
    out[len++] = '.';
    memcpy(out + len, digits, n);
    return len + n;
}

const char *embed_to_text(const float *values, size_t dims, struct arena *arena)
{
    AUTO(buf_free) struct buf out = {0};
    char number[24];

    for (size_t i = 0; i < dims; i++) {
        buf_append(&out, i ? "," : "[", 1);
        buf_append(&out, number, number_to_text(values[i], number));
    }
    buf_puts(&out, "]");
    return out.failed ? NULL : arena_strndup(arena, out.data, out.len);
}

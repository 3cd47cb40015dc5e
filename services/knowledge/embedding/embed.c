/* embed.c - see embed.h. */
#include "services/knowledge/embedding/embed.h"

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
#include "services/knowledge/embedding/builtin.h"
#include "services/knowledge/embedding/minilm.h"
#include "services/knowledge/embedding/openai.h"
#include "services/knowledge/ingest/chunker.h"

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
    struct openai *openai;   /* NULL: there is no key */
    struct builtin *builtin; /* NULL: it was not opened */
};

struct embedder *embedder_new(const struct config *config, const struct minilm *builtin, struct err *err)
{
    AUTO(embedder_destroy) struct embedder *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "embedder: out of memory");
        return NULL;
    }
    self->config = config;
    if (config->openai_api_key && !(self->openai = openai_new(config->openai_base_url, config->openai_api_key, err)))
        return NULL;
    if (builtin && !(self->builtin = builtin_new(builtin, err)))
        return NULL;
    return TAKE(self);
}

void embedder_destroy(struct embedder **self_p)
{
    struct embedder *self = *self_p;

    if (!self)
        return;
    openai_destroy(&self->openai);
    builtin_destroy(&self->builtin);
    free(self);
    *self_p = NULL;
}

/* ---- which models there are ---- */

static bool is_builtin(const char *model)
{
    return strcmp(model, MINILM_NAME) == 0;
}

/* Another address than OpenAI's own may have models of its own. */
static bool openai_may_have(const struct config *config, const char *model)
{
    return find_model(model) != &other_model || strcmp(model, config->openai_embedding_model) == 0 ||
           strcmp(config->openai_base_url, "https://api.openai.com/v1") != 0;
}

/* OpenAI's know all languages; the built-in one has read English. */
const char *embedder_default_model(const struct embedder *self, const char *language)
{
    if (self->openai)
        return self->config->openai_embedding_model;
    return self->builtin && (strcmp(language, "english") == 0 || strcmp(language, "simple") == 0) ? MINILM_NAME : "";
}

bool embedder_is_remote(const struct embedder *self, const char *model)
{
    return self->openai && *model && !is_builtin(model);
}

bool embedder_has(const struct embedder *self, const char *model)
{
    return is_builtin(model) ? self->builtin != NULL
                             : embedder_is_remote(self, model) && openai_may_have(self->config, model);
}

int embedder_check(const struct embedder *self, const char *model, struct err *err)
{
    if (text_has_control(model))
        return err_set_field(err, ERR_INVALID, "embedding_model", "the model's name holds control characters");
    if (embedder_has(self, model))
        return 0;
    return err_set_field(err, ERR_INVALID, "embedding_model",
                         "there is no model %.40s here; there is %s%s, and \"\" for none", model,
                         self->builtin ? MINILM_NAME " (built in, English)" : "no built-in one",
                         self->openai ? ", text-embedding-3-small, text-embedding-3-large, text-embedding-ada-002"
                                      : ", and with OPENAI_API_KEY text-embedding-3-small and others");
}

/* ---- OpenAI's ---- */

#define TEXT_TOKENS    7000   /* estimated, of at most 8,192 in a text */
#define REQUEST_TOKENS 200000 /* estimated, of at most 300,000 in a request */

/* The bytes of a text that are sure to be within the model's limit. */
static size_t openai_cut(const char *text, size_t len)
{
    size_t low = 0, high = len;

    if (token_estimate(text, len) <= TEXT_TOKENS)
        return len;
    while (low + 16 < high) {
        size_t middle = low + (high - low) / 2;
        if (token_estimate(text, utf8_cut(text, len, middle)) <= TEXT_TOKENS)
            low = middle;
        else
            high = middle;
    }
    return utf8_cut(text, len, low);
}

/* texts as they are sent, and the estimated tokens of each. */
static int openai_prepare(const char *const *texts, size_t n, struct arena *arena, const char ***ret_texts,
                          int64_t **ret_tokens, struct err *err)
{
    const char **sent = arena_calloc(arena, n, sizeof *sent);
    int64_t *tokens = arena_calloc(arena, n, sizeof *tokens);

    if (!sent || !tokens)
        return err_set(err, ERR_INTERNAL, "embedder: out of memory");
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(texts[i]), cut = openai_cut(texts[i], len);
        sent[i] = cut == len ? texts[i] : arena_strndup(arena, texts[i], cut);
        if (!sent[i])
            return err_set(err, ERR_INTERNAL, "embedder: out of memory");
        tokens[i] = token_estimate(sent[i], cut);
    }
    *ret_texts = sent;
    *ret_tokens = tokens;
    return 0;
}

static int check_dims(const char *model, const struct embeddings *made, size_t dims, struct err *err)
{
    if (dims == 0 || made->dims == dims)
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "embeddings: %.60s answered with %zu dimensions, it has %zu", model,
                   made->dims, dims);
}

/* In as many requests as the tokens need. */
static int embed_openai(struct embedder *self, const char *model, const char *const *texts, size_t n, int timeout_ms,
                        struct arena *arena, struct embeddings *ret_embeddings, struct err *err)
{
    struct embeddings all = {.n = n, .dims = find_model(model)->dims}, part;
    const char **sent = NULL;
    int64_t *tokens = NULL;

    if (openai_prepare(texts, n, arena, &sent, &tokens, err) < 0)
        return -1;
    for (size_t from = 0, to; from < n; from = to) {
        int64_t sum = tokens[from];
        for (to = from + 1; to < n && sum + tokens[to] <= REQUEST_TOKENS; to++)
            sum += tokens[to];
        if (openai_embed(self->openai, model, sent + from, to - from, timeout_ms, arena, &part, err) < 0 ||
            check_dims(model, &part, all.dims, err) < 0)
            return -1;
        if (to - from == n) {
            *ret_embeddings = part;
            return 0;
        }
        all.dims = part.dims;
        if (!all.values && !(all.values = arena_calloc(arena, n, all.dims * sizeof *all.values)))
            return err_set(err, ERR_INTERNAL, "embedder: out of memory");
        memcpy(all.values + from * all.dims, part.values, (to - from) * all.dims * sizeof *all.values);
    }
    *ret_embeddings = all;
    return 0;
}

/* ---- any ---- */

static int no_model(const char *model, struct err *err)
{
    return err_set(err, ERR_DENIED, "embeddings: %s, so there is no model %.60s",
                   is_builtin(model) ? "the built-in model was not opened" : "OPENAI_API_KEY is not set", model);
}

static int room_for_builtin(size_t n, struct arena *arena, struct embeddings *ret_embeddings, struct err *err)
{
    struct embeddings made = {.n = n, .dims = MINILM_DIMS};

    if (!(made.values = arena_calloc(arena, n, MINILM_DIMS * sizeof *made.values)))
        return err_set(err, ERR_INTERNAL, "embedder: out of memory");
    *ret_embeddings = made;
    return 0;
}

int embedder_embed(struct embedder *self, const char *model, const char *const *texts, size_t n, int timeout_ms,
                   struct arena *arena, struct embeddings *ret_embeddings, struct err *err)
{
    struct embeddings made;

    if (!embedder_has(self, model))
        return no_model(model, err);
    if (!is_builtin(model))
        return embed_openai(self, model, texts, n, timeout_ms, arena, ret_embeddings, err);
    if (room_for_builtin(n, arena, &made, err) < 0 || builtin_embed(self->builtin, texts, n, made.values, err) < 0)
        return -1;
    *ret_embeddings = made;
    return 0;
}

int embedder_query(struct embedder *self, const char *model, const char *query, int timeout_ms, struct arena *arena,
                   struct embeddings *ret_embeddings, bool *ret_cut, struct err *err)
{
    size_t len = strlen(query);
    bool cut;

    if (!embedder_has(self, model))
        return no_model(model, err);
    if (is_builtin(model)) {
        if (room_for_builtin(1, arena, ret_embeddings, err) < 0)
            return -1;
        builtin_query(self->builtin, query, ret_embeddings->values, ret_cut);
        return 0;
    }
    cut = openai_cut(query, len) < len;
    if (embed_openai(self, model, &query, 1, timeout_ms, arena, ret_embeddings, err) < 0)
        return -1;
    *ret_cut = cut;
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

bool embed_has_direction(const float *values, size_t dims)
{
    static const float smallest = 1e-7f; /* above halfvec's 6e-8, and the last decimal of embed_to_text */

    for (size_t i = 0; i < dims; i++)
        if (fabsf(values[i]) >= smallest)
            return true;
    return false;
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

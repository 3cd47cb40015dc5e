/* openai.c - see openai.h. */
#include "services/knowledge/embedding/openai.h"

#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "services/knowledge/embedding/embed.h"

#define DIMS_MAX          16000       /* of a pgvector column */
#define RESPONSE_PER_TEXT (64 * 1024) /* bytes: 3,072 numbers as text, with room */
#define RESPONSE_MIN      (256 * 1024)

struct openai {
    struct http *http;
    char *url;           /* of /embeddings */
    char *authorization; /* the header line */
};

static int bad_answer(struct err *err, const char *what)
{
    return err_set(err, ERR_UNAVAILABLE, "openai: %s", what);
}

void openai_destroy(struct openai **self_p)
{
    struct openai *self = *self_p;

    if (!self)
        return;
    http_destroy(&self->http);
    free(self->url);
    if (self->authorization)
        sodium_memzero(self->authorization, strlen(self->authorization));
    free(self->authorization);
    free(self);
    *self_p = NULL;
}

struct openai *openai_new(const char *base_url, const char *api_key, struct err *err)
{
    AUTO(openai_destroy) struct openai *self = calloc(1, sizeof *self);
    AUTO(buf_free) struct buf url = {0}, authorization = {0};

    buf_printf(&url, "%s/embeddings", base_url);
    buf_printf(&authorization, "Authorization: Bearer %s", api_key);
    if (!self || url.failed || authorization.failed) {
        err_set(err, ERR_INTERNAL, "openai: out of memory");
        return NULL;
    }
    self->url = TAKE(url.data);
    self->authorization = TAKE(authorization.data);
    if (!(self->http = http_new(err)))
        return NULL;
    return TAKE(self);
}

/* The error kinds of an answer other than 200: {"error":{"message","type","param","code"}}. */
static int refuse(const struct http_response *response, struct err *err)
{
    json_t *body = json_loadb(response->body, response->body_len, 0, NULL);
    json_t *error = json_object_get(body, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *type = json_string_value(json_object_get(error, "type"));
    int status = response->status;
    bool no_money =
        (code && strcmp(code, "insufficient_quota") == 0) || (type && strcmp(type, "insufficient_quota") == 0);
    enum err_kind kind = ERR_UNAVAILABLE;

    if (status == 400 || status == 413 || status == 422)
        kind = ERR_INVALID;
    else if ((status >= 400 && status < 500 && status != 408 && status != 409 && status != 429) ||
             (status == 429 && no_money))
        kind = ERR_DENIED;
    /* Of a wrong key the message shows a part: it stays out of logs and tasks. */
    if (status == 401)
        message = "the key is not accepted";
    err_set(err, kind, "openai: %d %s: %.150s", status, code ? code : type ? type : "", message ? message : "");
    if (err) {
        err->provider_code = status;
        err->retry_after_s = response->retry_after_s;
    }
    json_decref(body);
    return -1;
}

static int read_base64(const char *text, size_t len, float *out, size_t dims)
{
    size_t made = 0;

    if (sodium_base642bin((unsigned char *)out, dims * sizeof *out, text, len, NULL, &made, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        made != dims * sizeof *out)
        return -1;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the API's vectors are little-endian, and so must this machine be"
#endif
    return 0;
}

/* Numbers in a vector, by its form; 0 if it has none that we know. */
static size_t count_dims(const json_t *vector)
{
    size_t len;

    if (json_is_array(vector))
        return json_array_size(vector);
    len = json_string_length(vector);
    if (!json_is_string(vector) || len == 0 || len % 4 != 0)
        return 0;
    len = len / 4 * 3 - (json_string_value(vector)[len - 1] == '=') - (json_string_value(vector)[len - 2] == '=');
    return len % sizeof(float) == 0 ? len / sizeof(float) : 0;
}

static int read_vector(const json_t *vector, float *out, size_t dims)
{
    if (count_dims(vector) != dims)
        return -1;
    if (json_is_string(vector)) {
        if (read_base64(json_string_value(vector), json_string_length(vector), out, dims) < 0)
            return -1;
    } else {
        for (size_t i = 0; i < dims; i++) {
            if (!json_is_number(json_array_get(vector, i)))
                return -1;
            out[i] = (float)json_number_value(json_array_get(vector, i));
        }
    }
    for (size_t i = 0; i < dims; i++)
        if (!isfinite(out[i]))
            return -1;
    return 0;
}

static int read_data(const json_t *data, size_t n, struct arena *arena, struct embeddings *ret_embeddings,
                     struct err *err)
{
    struct embeddings made = {.n = n};
    bool *seen = arena_calloc(arena, n, sizeof *seen);

    if (!json_is_array(data) || json_array_size(data) != n)
        return err_set(err, ERR_UNAVAILABLE, "openai: %zu vectors came for %zu texts", json_array_size(data), n);
    made.dims = count_dims(json_object_get(json_array_get(data, 0), "embedding"));
    if (made.dims == 0 || made.dims > DIMS_MAX)
        return bad_answer(err, "the first vector cannot be read");
    if (!seen || !(made.values = arena_calloc(arena, n, made.dims * sizeof *made.values)))
        return err_set(err, ERR_INTERNAL, "openai: out of memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(data, i), *index = json_object_get(item, "index");
        json_int_t place = json_integer_value(index);

        if (!json_is_integer(index) || place < 0 || (size_t)place >= n || seen[place])
            return bad_answer(err, "an index is missing, out of range or repeated");
        seen[place] = true;
        if (read_vector(json_object_get(item, "embedding"), made.values + (size_t)place * made.dims, made.dims) < 0)
            return bad_answer(err, "a vector cannot be read, or has another dimension than the first");
    }
    *ret_embeddings = made;
    return 0;
}

int openai_parse(const char *body, size_t len, size_t n, struct arena *arena, struct embeddings *ret_embeddings,
                 struct err *err)
{
    json_t *answer = json_loadb(body, len, 0, NULL);
    int rc = -1;

    if (!answer)
        bad_answer(err, "the answer is not JSON");
    else
        rc = read_data(json_object_get(answer, "data"), n, arena, ret_embeddings, err);
    json_decref(answer);
    return rc;
}

int openai_embed(struct openai *self, const char *model, const char *const *texts, size_t n, int timeout_ms,
                 struct arena *arena, struct embeddings *ret_embeddings, struct err *err)
{
    AUTO(buf_free) struct buf body = {0};
    struct http_response response;

    buf_puts(&body, "{\"model\":");
    buf_json_string(&body, model);
    buf_puts(&body, ",\"encoding_format\":\"base64\",\"input\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_puts(&body, ",");
        buf_json_string(&body, texts[i]);
    }
    buf_puts(&body, "]}");
    if (body.failed)
        return err_set(err, ERR_INTERNAL, "openai: out of memory");

    const struct http_request request = {
        .method = "POST",
        .url = self->url,
        .content_type = "application/json",
        .body = body.data,
        .body_len = body.len,
        .headers = (const char *const[]){self->authorization, NULL},
        .timeout_ms = timeout_ms,
        .connect_timeout_ms = timeout_ms < 5000 ? timeout_ms : 5000,
        .max_response = RESPONSE_MIN + n * RESPONSE_PER_TEXT,
    };
    if (http_do(self->http, &request, arena, &response, err) < 0) {
        /* Embedding changes nothing there: what is uncertain may simply be asked again. */
        if (err && err->kind == ERR_UNCERTAIN)
            err->kind = ERR_UNAVAILABLE;
        return -1;
    }
    if (response.status != 200)
        return refuse(&response, err);
    return openai_parse(response.body, response.body_len, n, arena, ret_embeddings, err);
}

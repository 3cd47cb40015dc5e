/* openai.c - POST /v1/embeddings. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/httpd.h"
#include "libshared/seal.h"
#include "tools/sandbox/box.h"
#include "tools/sandbox/embed.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/vectors.h"

#define INPUTS_MAX       2048
#define INPUT_TOKENS_MAX 8192
#define ALL_TOKENS_MAX   300000

static const struct model {
    const char *name;
    int dimensions;
    bool shortens; /* takes the parameter dimensions */
} models[] = {
    {"text-embedding-3-small", 1536, true},
    {"text-embedding-3-large", 3072, true},
    {"text-embedding-ada-002", 1536, false},
};

static const struct model *find_model(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(models); i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}

int box_openai_dimensions(const char *model)
{
    const struct model *found = find_model(model);

    return found ? found->dimensions : 0;
}

struct job {
    struct vectors *vectors; /* that it was told */
    const struct model *model;
    const json_t *input;
    int dimensions;
    bool base64;
};

/* What a token array stands for is not known here; its numbers will do. Caller frees. */
static char *input_text(const json_t *item)
{
    return json_is_string(item) ? strdup(json_string_value(item)) : json_dumps(item, JSON_COMPACT);
}

static bool is_tokens(const json_t *item)
{
    const json_t *token;
    size_t i;

    if (!json_is_array(item) || json_array_size(item) == 0)
        return false;
    json_array_foreach (item, i, token)
        if (!json_is_integer(token) || json_integer_value(token) < 0)
            return false;
    return true;
}

static size_t count_tokens(const json_t *item)
{
    return json_is_array(item) ? json_array_size(item) : json_string_length(item) / 4 + 1;
}

static int check_item(struct vectors *vectors, const json_t *item, size_t *total, struct err *err)
{
    size_t tokens = count_tokens(item);

    if ((!(json_is_string(item) && json_string_length(item)) && !is_tokens(item)) ||
        (json_is_string(item) && vectors_refuses(vectors, json_string_value(item))))
        return err_set(err, ERR_INVALID, "'$.input' is invalid. Please check the API reference.");
    if (tokens > INPUT_TOKENS_MAX)
        return err_set(err, ERR_INVALID,
                       "This model's maximum context length is %d tokens, however you requested %zu tokens.",
                       INPUT_TOKENS_MAX, tokens);
    *total += tokens;
    if (*total > ALL_TOKENS_MAX)
        return err_set(err, ERR_INVALID, "Requested more than %d tokens in one request.", ALL_TOKENS_MAX);
    return 0;
}

static int check_input(struct vectors *vectors, const json_t *input, size_t *ret_tokens, struct err *err)
{
    const json_t *item;
    size_t i;

    *ret_tokens = 0;
    if (!json_is_array(input) || is_tokens(input)) {
        if (json_array_size(input) > INPUTS_MAX)
            return err_set(err, ERR_INVALID, "'input' array is too long: at most %d", INPUTS_MAX);
        return check_item(vectors, input, ret_tokens, err);
    }
    if (json_array_size(input) == 0 || json_array_size(input) > INPUTS_MAX)
        return err_set(err, ERR_INVALID, "'input' must hold 1 to %d items", INPUTS_MAX);
    json_array_foreach (input, i, item)
        if (check_item(vectors, item, ret_tokens, err) < 0)
            return -1;
    return 0;
}

static int check_request(struct vectors *vectors, const json_t *request, struct job *ret, size_t *ret_tokens,
                         struct err *err)
{
    static const char *const known[] = {"input", "model", "encoding_format", "dimensions", "user"};
    const char *model = json_string_value(json_object_get(request, "model")), *format, *name;
    const json_t *dimensions = json_object_get(request, "dimensions");
    json_t *value;

    *ret = (struct job){.vectors = vectors, .input = json_object_get(request, "input")};
    json_object_foreach ((json_t *)request, name, value) {
        bool found = false;

        for (size_t i = 0; i < COUNT_OF(known); i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            return err_set(err, ERR_INVALID, "Unrecognized request argument supplied: %.40s", name);
    }
    if (!model)
        return err_set(err, ERR_INVALID, "you must provide a model parameter");
    ret->model = find_model(model);
    if (!ret->model)
        return err_set(err, ERR_NOT_FOUND, "The model `%.100s` does not exist or you do not have access to it.", model);
    ret->dimensions = ret->model->dimensions;
    if (dimensions) {
        if (!ret->model->shortens)
            return err_set(err, ERR_INVALID, "This model does not support specifying dimensions.");
        if (!json_is_integer(dimensions) || json_integer_value(dimensions) < 1 ||
            json_integer_value(dimensions) > ret->model->dimensions)
            return err_set(err, ERR_INVALID, "'dimensions' must be a whole number from 1 to %d",
                           ret->model->dimensions);
        ret->dimensions = (int)json_integer_value(dimensions);
    }
    if (json_object_get(request, "encoding_format")) {
        format = json_string_value(json_object_get(request, "encoding_format"));
        ret->base64 = format && strcmp(format, "base64") == 0;
        if (!format || (!ret->base64 && strcmp(format, "float") != 0))
            return err_set(err, ERR_INVALID, "'encoding_format' must be float or base64");
    }
    if (!ret->input)
        return err_set(err, ERR_INVALID, "you must provide an input parameter");
    return check_input(vectors, ret->input, ret_tokens, err);
}

/* Written by hand: jansson would spell each float with the digits of a double. */
static void write_embedding(struct buf *out, const struct job *job, const json_t *item, size_t index)
{
    float vector[DIMENSIONS_MAX];
    char base64[sodium_base64_ENCODED_LEN(sizeof(float) * DIMENSIONS_MAX, sodium_base64_VARIANT_ORIGINAL)];
    char *text = input_text(item);

    if (!text || !vectors_get(job->vectors, job->model->name, text, job->dimensions, vector))
        box_embed(text ? text : "", vector, job->dimensions);
    free(text);
    buf_printf(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", index ? "," : "", index);
    if (job->base64) {
        sodium_bin2base64(base64, sizeof base64, (const unsigned char *)vector, sizeof(float) * (size_t)job->dimensions,
                          sodium_base64_VARIANT_ORIGINAL);
        buf_printf(out, "\"%s\"}", base64);
        return;
    }
    for (int i = 0; i < job->dimensions; i++)
        if (vector[i] == 0)
            buf_puts(out, i ? ",0" : "[0");
        else
            buf_printf(out, "%s%.9g", i ? "," : "[", (double)vector[i]);
    buf_puts(out, "]}");
}

static void write_answer(struct answer *answer, const struct job *job, size_t tokens)
{
    const json_t *item;
    size_t i;

    answer->status = 200;
    buf_puts(&answer->body, "{\"object\":\"list\",\"data\":[");
    if (json_is_array(job->input) && !is_tokens(job->input)) {
        json_array_foreach (job->input, i, item)
            write_embedding(&answer->body, job, item, i);
    } else {
        write_embedding(&answer->body, job, job->input, 0);
    }
    buf_printf(&answer->body, "],\"model\":\"%s\",\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}",
               job->model->name, tokens, tokens);
}

/* The same vector without its last number, or with one that is none. */
static json_t *spoilt(const json_t *embedding, int fault_kind)
{
    const float nan = __builtin_nanf("");
    unsigned char bytes[sizeof(float) * DIMENSIONS_MAX];
    char base64[sodium_base64_ENCODED_LEN(sizeof bytes, sodium_base64_VARIANT_ORIGINAL)];
    json_t *copy;
    size_t len;

    if (json_is_array(embedding)) {
        copy = json_copy((json_t *)embedding);
        json_array_remove(copy, json_array_size(copy) - 1);
        if (fault_kind == FAULT_NOT_NUMBERS)
            json_array_append_new(copy, json_null());
        return copy;
    }
    sodium_base642bin(bytes, sizeof bytes, json_string_value(embedding), json_string_length(embedding), NULL, &len,
                      NULL, sodium_base64_VARIANT_ORIGINAL);
    if (fault_kind == FAULT_NOT_NUMBERS)
        memcpy(bytes, &nan, sizeof nan);
    else
        len -= sizeof nan;
    sodium_bin2base64(base64, sizeof base64, bytes, len, sodium_base64_VARIANT_ORIGINAL);
    return json_string(base64);
}

void box_openai_spoil(struct answer *answer, int fault_kind)
{
    json_t *json = json_loadb(answer->body.data, answer->body.len, 0, NULL), *data = json_object_get(json, "data");
    json_t *last = json_array_get(data, json_array_size(data) - 1);
    int status = answer->status;

    if (fault_kind == FAULT_WRONG_COUNT)
        json_array_remove(data, json_array_size(data) - 1);
    else
        json_object_set_new(last, "embedding", spoilt(json_object_get(last, "embedding"), fault_kind));
    answer->body.len = 0;
    answer_json(answer, status, json);
}

void box_openai(struct sandbox *self, struct exchange *x, struct answer *answer)
{
    const char *authorization = exchange_header(x, "Authorization"), *type = exchange_header(x, "Content-Type");
    struct err err = {0};
    struct job job;
    json_t *request;
    size_t tokens = 0;
    char request_id[40];

    box_random_id("req_", 16, request_id);
    answer_header(answer, "x-request-id", request_id);
    if (!authorization || strncmp(authorization, "Bearer ", 7) != 0 ||
        !equal_secret(authorization + 7, self->options.openai_key)) {
        answer_openai_error(answer, 401, "invalid_api_key", "Incorrect API key provided.");
        return;
    }
    if (!type || strncasecmp(type, "application/json", 16) != 0) {
        answer_openai_error(answer, 400, NULL, "The content type must be application/json.");
        return;
    }
    request = json_loadb(exchange_body(x), exchange_body_len(x), JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(request))
        answer_openai_error(answer, 400, NULL, "We could not parse the JSON body of your request.");
    else if (check_request(self->vectors, request, &job, &tokens, &err) < 0)
        answer_openai_error(answer, err.kind == ERR_NOT_FOUND ? 404 : 400,
                            err.kind == ERR_NOT_FOUND ? "model_not_found" : NULL, err.text);
    else
        write_answer(answer, &job, tokens);
    json_decref(request);
}

/* anthropic.c - see anthropic.h. A repeated request does no harm, so "uncertain" is "unavailable" here. */
#include "services/orchestrator/claude/anthropic.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/http.h"

#define ANSWER_MAX (1024 * 1024)

static enum err_kind kind_of(const struct http_response *response)
{
    if (response->should_retry == 1)
        return ERR_UNAVAILABLE;
    if (response->should_retry == 0)
        return ERR_INVALID;
    switch (response->status) {
    case 408:
    case 409:
    case 429:
        return ERR_UNAVAILABLE;
    case 401:
    case 402:
    case 403:
        return ERR_DENIED;
    default:
        return response->status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
    }
}

static int refused(const struct http_response *response, const json_t *body, struct arena *arena,
                   struct anthropic_answer *answer, struct err *err)
{
    const json_t *error = json_object_get(body, "error");
    const char *text = json_string_value(json_object_get(error, "message"));

    answer->error_type = arena_strdup(arena, json_string_value(json_object_get(error, "type")));
    err_set(err, kind_of(response), "Anthropic %d %s: %.120s (%.60s)", response->status,
            answer->error_type ? answer->error_type : "without a type", text ? text : "no message",
            answer->request_id ? answer->request_id : "no request id");
    if (err) {
        err->retry_after_s = response->retry_after_s;
        err->provider_code = response->status;
    }
    return -1;
}

#define TOOL_NAME_MAX   200 /* bytes that may be sent back */
#define BLOCK_DEPTH_MAX 8   /* what is carried back is kept within more JSON, and read again */

static bool is_id(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    return text && *text && text[strspn(text, allowed)] == '\0';
}

/* Whether it is nested deeper than left levels. */
static bool is_deep(const json_t *value, int left)
{
    const char *name;
    json_t *item;
    size_t i;

    if (left == 0)
        return json_is_array(value) || json_is_object(value);
    json_array_foreach (value, i, item)
        if (is_deep(item, left - 1))
            return true;
    json_object_foreach ((json_t *)value, name, item)
        if (is_deep(item, left - 1))
            return true;
    return false;
}

/* Blocks of other types are only carried back. A call of a tool may have any input: the model is told what is wrong
 * with it. */
static bool is_block(const json_t *block)
{
    const char *type = json_string_value(json_object_get(block, "type"));

    if (!type)
        return false;
    if (strcmp(type, "text") == 0)
        return json_is_string(json_object_get(block, "text"));
    if (strcmp(type, "tool_use") == 0)
        return is_id(json_string_value(json_object_get(block, "id"))) &&
               json_string_length(json_object_get(block, "name")) > 0 &&
               json_string_length(json_object_get(block, "name")) <= TOOL_NAME_MAX;
    return !is_deep(block, BLOCK_DEPTH_MAX);
}

/* No tool wants such an input. In its place stands what none is: the model is told so. */
static void cut_deep_inputs(const json_t *message)
{
    json_t *block;
    size_t i;

    json_array_foreach (json_object_get(message, "content"), i, block)
        if (is_deep(json_object_get(block, "input"), BLOCK_DEPTH_MAX - 1))
            json_object_set_new(block, "input", json_string("(nested too deeply)"));
}

bool anthropic_is_message(const json_t *body)
{
    const json_t *content = json_object_get(body, "content");

    if (!json_is_array(content) || !json_is_string(json_object_get(body, "stop_reason")))
        return false;
    for (size_t i = 0; i < json_array_size(content); i++)
        if (!is_block(json_array_get(content, i)))
            return false;
    return true;
}

int anthropic_create(const struct anthropic *self, const char *request, size_t len, int timeout_ms, struct arena *arena,
                     struct anthropic_answer *ret_answer, struct err *err)
{
    const char *url = arena_printf(arena, "%s/v1/messages", self->base_url);
    const char *headers[] = {arena_printf(arena, "x-api-key: %s", self->api_key), "anthropic-version: 2023-06-01",
                             NULL};
    struct http_response response = {0};
    json_auto_t *answer = NULL;
    int64_t start = clock_mono_us();
    int rc;

    *ret_answer = (struct anthropic_answer){0};
    if (!url || !headers[0])
        return err_set(err, ERR_INTERNAL, "Anthropic: out of memory");
    rc = http_do(self->http,
                 &(struct http_request){.method = "POST",
                                        .url = url,
                                        .content_type = "application/json",
                                        .body = request,
                                        .body_len = len,
                                        .headers = headers,
                                        .timeout_ms = timeout_ms,
                                        .max_response = ANSWER_MAX},
                 arena, &response, err);
    ret_answer->took_us = clock_mono_us() - start;
    if (rc < 0) {
        if (err && err->kind == ERR_UNCERTAIN)
            err->kind = ERR_UNAVAILABLE;
        return -1;
    }
    ret_answer->status = response.status;
    ret_answer->request_id = response.request_id;
    answer = json_loadb(response.body, response.body_len, 0, NULL);
    if (response.status != 200)
        return refused(&response, answer, arena, ret_answer, err);
    if (!anthropic_is_message(answer)) {
        err_set(err, ERR_UNAVAILABLE, "Anthropic answered 200 with what is no message (%.60s)",
                response.request_id ? response.request_id : "no request id");
        if (err)
            err->provider_code = response.status;
        return -1;
    }
    cut_deep_inputs(answer);
    ret_answer->message = TAKE(answer);
    return 0;
}

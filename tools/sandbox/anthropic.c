/* anthropic.c - POST /v1/messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/httpd.h"
#include "libshared/seal.h"
#include "tools/sandbox/anthropic_cache.h"
#include "tools/sandbox/anthropic_check.h"
#include "tools/sandbox/anthropic_script.h"
#include "tools/sandbox/box.h"
#include "tools/sandbox/replies.h"

#define REQUEST_MAX ((size_t)32 * 1024 * 1024)

/* Gives each block of a reply what the real ones have. */
static void complete(json_t *content)
{
    json_t *block;
    size_t i;
    char id[40];

    json_array_foreach (content, i, block) {
        const char *type = json_string_value(json_object_get(block, "type"));

        if (strcmp(type, "text") == 0)
            json_object_set_new(block, "citations", json_null());
        if (strcmp(type, "tool_use") != 0)
            continue;
        if (!json_object_get(block, "id")) {
            box_random_id("toolu_", 12, id);
            json_object_set_new(block, "id", json_string(id));
        }
        json_object_set_new(block, "caller", json_pack("{ss}", "type", "direct"));
    }
}

static bool uses_tool(const json_t *content)
{
    const json_t *block;
    size_t i;

    json_array_foreach (content, i, block)
        if (strcmp(json_string_value(json_object_get(block, "type")), "tool_use") == 0)
            return true;
    return false;
}

/* Takes content. told: what is to be told of its usage instead of what it is, NULL for nothing. */
static void message(struct sandbox *self, struct answer *answer, const json_t *request, json_t *content,
                    const char *stop_reason, json_t *told)
{
    struct prompt_usage usage;
    char id[40], *text;
    size_t reply_len;
    json_t *used;

    complete(content);
    text = json_dumps(content, JSON_COMPACT);
    reply_len = text ? strlen(text) : 0;
    free(text);
    if (!stop_reason)
        stop_reason = uses_tool(content) ? "tool_use" : "end_turn";
    prompt_cache_use(self->prompts, request, clock_mono_ms(), &usage);
    used = json_pack("{sI sI sI sI s{sI sI} sn ss sn}", "input_tokens", (json_int_t)usage.input, "output_tokens",
                     (json_int_t)(reply_len / 4 + 1), "cache_creation_input_tokens",
                     (json_int_t)(usage.written_5m + usage.written_1h), "cache_read_input_tokens",
                     (json_int_t)usage.read, "cache_creation", "ephemeral_5m_input_tokens",
                     (json_int_t)usage.written_5m, "ephemeral_1h_input_tokens", (json_int_t)usage.written_1h,
                     "server_tool_use", "service_tier", "standard", "inference_geo");
    box_random_id("msg_", 12, id);
    if (told)
        json_object_update(used, told);
    answer_json(answer, 200,
                json_pack("{ss ss ss sO so ss sn sn sn so}", "id", id, "type", "message", "role", "assistant", "model",
                          json_object_get(request, "model"), "content", content, "stop_reason", stop_reason,
                          "stop_sequence", "stop_details", "container", "usage", used));
}

/* A reply that the control path has set. */
static void scripted(struct sandbox *self, struct answer *answer, const json_t *request, const json_t *reply)
{
    const json_t *text = json_object_get(reply, "text");
    const char *error = json_string_value(json_object_get(reply, "message"));
    int status = (int)json_integer_value(json_object_get(reply, "status"));
    json_int_t retry_after = json_integer_value(json_object_get(reply, "retry_after"));
    json_int_t retry_after_ms = json_integer_value(json_object_get(reply, "retry_after_ms"));
    char seconds[24];
    json_t *content;

    if (status) {
        answer_anthropic_error(answer, status, error ? error : "A scripted error");
        snprintf(seconds, sizeof seconds, "%lld", (long long)retry_after);
        if (retry_after > 0)
            answer_header(answer, "Retry-After", seconds);
        snprintf(seconds, sizeof seconds, "%lld", (long long)retry_after_ms);
        if (retry_after_ms > 0)
            answer_header(answer, "retry-after-ms", seconds);
        return;
    }
    content = text ? json_pack("[{ss sO}]", "type", "text", "text", text)
                   : json_deep_copy(json_is_array(reply) ? reply : json_object_get(reply, "content"));
    message(self, answer, request, content, json_string_value(json_object_get(reply, "stop_reason")),
            json_object_get(reply, "usage"));
}

/* 0, or the status of an error and its *message. */
static int check_headers(const struct sandbox *self, const struct exchange *x, const char **message)
{
    const char *key = exchange_header(x, "x-api-key"), *version = exchange_header(x, "anthropic-version");
    const char *type = exchange_header(x, "Content-Type");

    *message = "x-api-key header is required";
    if (!key)
        return 401;
    *message = "invalid x-api-key";
    if (!equal_secret(key, self->options.anthropic_key))
        return 401;
    *message = "anthropic-version: header is required";
    if (!version)
        return 400;
    *message = "anthropic-version: is not a valid version";
    if (strcmp(version, "2023-06-01") != 0 && strcmp(version, "2023-01-01") != 0)
        return 400;
    *message = "content-type: must be application/json";
    if (!type || strncasecmp(type, "application/json", 16) != 0)
        return 400;
    *message = "Request exceeds the maximum size";
    return exchange_body_len(x) > REQUEST_MAX ? 413 : 0;
}

void box_anthropic(struct sandbox *self, struct exchange *x, struct answer *answer)
{
    struct err err = {0};
    const char *problem;
    json_t *request, *reply;
    char request_id[40];
    int status = check_headers(self, x, &problem);

    if (status) {
        answer_anthropic_error(answer, status, problem);
        return;
    }
    request = json_loadb(exchange_body(x), exchange_body_len(x), JSON_REJECT_DUPLICATES, NULL);
    if (!request) {
        answer_anthropic_error(answer, 400, "The request body is not valid JSON");
        return;
    }
    if (anthropic_check(request, &err) < 0) {
        answer_anthropic_error(answer, err.kind == ERR_NOT_FOUND ? 404 : 400, err.text);
        json_decref(request);
        return;
    }
    if ((reply = replies_take(self->replies)))
        scripted(self, answer, request, reply);
    else
        message(self, answer, request, anthropic_script(request), NULL, NULL);
    if (answer->status == 200) {
        box_random_id("req_", 12, request_id);
        answer_header(answer, "request-id", request_id);
    }
    json_decref(reply);
    json_decref(request);
}

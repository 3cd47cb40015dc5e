/* answer.c - answers as the providers give them: bodies, headers, error shapes. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/httpd.h"
#include "libshared/text.h"
#include "tools/sandbox/box.h"

void answer_json(struct answer *self, int status, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    self->status = status;
    buf_clear(&self->body);
    if (text)
        buf_puts(&self->body, text);
    free(text);
    json_decref(json);
}

void answer_header(struct answer *self, const char *name, const char *value)
{
    if (self->n_headers < (int)COUNT_OF(self->headers))
        snprintf(self->headers[self->n_headers++], sizeof self->headers[0], "%s: %s", name, value);
}

void answer_clear(struct answer *self)
{
    buf_free(&self->body);
}

void answer_send(const struct answer *self, struct exchange *x)
{
    const char *headers[COUNT_OF(self->headers) + 1] = {0};

    for (int i = 0; i < self->n_headers; i++)
        headers[i] = self->headers[i];
    exchange_reply(x, self->status, "application/json", self->body.data, self->body.len, headers);
}

void answer_twilio_error(struct answer *self, int status, int code, const char *message)
{
    char more[64];

    snprintf(more, sizeof more, "https://www.twilio.com/docs/errors/%d", code);
    answer_json(self, status,
                json_pack("{si ss ss si}", "code", code, "message", message, "more_info", more, "status", status));
}

void answer_anthropic_error(struct answer *self, int status, const char *message)
{
    static const struct {
        int status;
        const char *type;
    } types[] = {
        {401, "authentication_error"}, {402, "billing_error"},    {403, "permission_error"}, {404, "not_found_error"},
        {413, "request_too_large"},    {429, "rate_limit_error"}, {504, "timeout_error"},    {529, "overloaded_error"},
    };
    const char *type = status >= 500 ? "api_error" : "invalid_request_error";
    char request_id[32];

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].status == status)
            type = types[i].type;
    box_random_id("req_", 12, request_id);
    answer_header(self, "request-id", request_id);
    answer_json(self, status,
                json_pack("{ss s{ss ss} ss}", "type", "error", "error", "type", type, "message", message, "request_id",
                          request_id));
}

void answer_openai_error(struct answer *self, int status, const char *code, const char *message)
{
    answer_json(self, status,
                json_pack("{s{ss ss sn ss?}}", "error", "message", message, "type",
                          status >= 500                                     ? "server_error"
                          : code && strcmp(code, "insufficient_quota") == 0 ? code
                          : status == 429                                   ? "requests"
                                                                            : "invalid_request_error",
                          "param", "code", code));
}

void box_random_id(const char *prefix, size_t n_bytes, char *out)
{
    unsigned char bytes[32];
    size_t len = strlen(prefix);

    randombytes_buf(bytes, n_bytes);
    memcpy(out, prefix, len);
    hex_encode(bytes, n_bytes, out + len);
}

/* webhooks.c - see webhooks.h. */
#include "tools/sandbox/webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/seal.h"

#define CONNECT_MS 5000
#define TOTAL_MS   15000

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct form_field *)a)->name, ((const struct form_field *)b)->name);
}

bool webhook_sign(const char *token, const char *url, struct form_field *fields, size_t n, char out[29])
{
    AUTO(buf_free) struct buf text = {0};

    qsort(fields, n, sizeof *fields, by_name);
    buf_puts(&text, url);
    for (size_t i = 0; i < n; i++) {
        buf_puts(&text, fields[i].name);
        buf_puts(&text, fields[i].value);
    }
    if (text.failed)
        return false;
    hmac_sha1_base64(token, text.data, text.len, out);
    return true;
}

int webhook_post(const struct webhook *webhook, struct http *http, struct arena *arena, struct http_response *ret,
                 struct err *err)
{
    AUTO(buf_free) struct buf body = {0};
    char right[29], signature_line[128], token_line[96];

    for (size_t i = 0; i < webhook->n; i++)
        form_put(&body, webhook->fields[i].name, webhook->fields[i].value);
    if (body.failed || !webhook_sign(webhook->token, webhook->url, webhook->fields, webhook->n, right))
        return err_set(err, ERR_INTERNAL, "out of memory");
    snprintf(signature_line, sizeof signature_line, "X-Twilio-Signature: %s",
             webhook->signature ? webhook->signature : right);
    snprintf(token_line, sizeof token_line, "I-Twilio-Idempotency-Token: %s", webhook->attempt);
    return http_do(http,
                   &(struct http_request){
                       .method = "POST",
                       .url = webhook->url,
                       .content_type = "application/x-www-form-urlencoded; charset=UTF-8",
                       .body = body.data,
                       .body_len = body.len,
                       .headers = (const char *const[]){signature_line, token_line, NULL},
                       .connect_timeout_ms = CONNECT_MS,
                       .timeout_ms = TOTAL_MS,
                   },
                   arena, ret, err);
}

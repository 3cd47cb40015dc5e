/* webhooks.h - posting as Twilio posts: a form, signed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libshared/form.h"

struct arena;
struct err;
struct http;
struct http_response;

#define WEBHOOK_API_VERSION "2010-04-01"
#define WEBHOOK_ARENA_SIZE  ((size_t)4 * 1024 * 1024)

/* X-Twilio-Signature of a form posted to url (without fragment): base64(HMAC-SHA1(token, url + the names and values,
 * sorted by name)). Sorts fields. False when out of memory. */
bool webhook_sign(const char *token, const char *url, struct form_field *fields, size_t n, char out[29]);

struct webhook {
    const char *url;   /* without fragment */
    const char *token; /* of the account, with which it is signed */
    struct form_field *fields;
    size_t n;
    const char *signature; /* NULL: the right one */
    const char *attempt;   /* the same for all attempts of one event */
};

/* One attempt; as http_do. Sorts the fields. */
int webhook_post(const struct webhook *webhook, struct http *http, struct arena *arena, struct http_response *ret,
                 struct err *err);

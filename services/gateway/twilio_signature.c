/* twilio_signature.c - see twilio_signature.h. */
#include "services/gateway/twilio_signature.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/seal.h"

#define SIGNATURE_LEN 28 /* base64 of 20 bytes */

/* The parts of the public URL around what Twilio leaves out at times. Lengths may be 0. */
struct url_parts {
    const char *scheme, *user, *host, *port, *after; /* "https://", "me:secret@", "host", ":8443", the path */
    size_t scheme_len, user_len, host_len, port_len; /* port: where none is named, the scheme's own, ":443" */
};

static struct url_parts split_url(const char *url)
{
    const char *colon_slashes = strstr(url, "://");
    const char *start = colon_slashes ? colon_slashes + 3 : url;
    const char *end = start + strcspn(start, "/?#");
    const char *at = memrchr(start, '@', (size_t)(end - start));
    const char *host = at ? at + 1 : start;
    /* A colon within brackets belongs to an IPv6 address. */
    const char *colon = memrchr(host, ':', (size_t)(end - host));

    if (colon && memchr(colon, ']', (size_t)(end - colon)))
        colon = NULL;
    return (struct url_parts){
        .scheme = url,
        .scheme_len = (size_t)(start - url),
        .user = start,
        .user_len = (size_t)(host - start),
        .host = host,
        .host_len = (size_t)((colon ? colon : end) - host),
        .port = colon                                ? colon
                : strncasecmp(url, "https:", 6) == 0 ? ":443"
                                                     : ":80",
        .port_len = colon                                ? (size_t)(end - colon)
                    : strncasecmp(url, "https:", 6) == 0 ? strlen(":443")
                                                         : strlen(":80"),
        .after = end,
    };
}

/* By name, then by value; bytes, not letters. */
static int compare_fields(const void *a, const void *b)
{
    const struct form_field *x = a, *y = b;
    int by_name = strcmp(x->name, y->name);

    return by_name ? by_name : strcmp(x->value, y->value);
}

/* Appends name and value of each field in order; equal pairs once. */
static int append_fields(struct buf *text, const struct form *form, struct arena *arena)
{
    struct form_field *sorted = arena_calloc(arena, form->n + 1, sizeof *sorted);

    if (!sorted)
        return -1;
    if (form->n)
        memcpy(sorted, form->fields, form->n * sizeof *sorted);
    qsort(sorted, form->n, sizeof *sorted, compare_fields);
    for (size_t i = 0; i < form->n; i++) {
        if (i > 0 && compare_fields(&sorted[i - 1], &sorted[i]) == 0)
            continue;
        buf_puts(text, sorted[i].name);
        buf_puts(text, sorted[i].value);
    }
    return 0;
}

/* A body that is not a form is vouched for by its hash in the signed URL. */
static bool body_hash_valid(const struct twilio_request *request, struct arena *arena)
{
    const char *question = strchr(request->target, '?');
    const char *query = question ? question + 1 : "";
    struct form parameters;
    struct err err = {0};
    const char *hash;
    char actual[65];

    if (form_parse(query, strlen(query), arena, &parameters, &err) < 0)
        return false;
    hash = form_get(&parameters, "bodySHA256");
    if (!hash || strlen(hash) != 64)
        return false;
    sha256_hex(request->body, request->body_len, actual);
    return equal_secret(hash, actual);
}

/* One of the ways to write the URL. */
static bool matches(const char *auth_token, const struct url_parts *url, bool with_user, bool with_port,
                    const struct buf *tail, struct buf *text, const char *signature)
{
    char expected[SIGNATURE_LEN + 1];

    buf_clear(text);
    buf_append(text, url->scheme, url->scheme_len);
    if (with_user)
        buf_append(text, url->user, url->user_len);
    buf_append(text, url->host, url->host_len);
    if (with_port)
        buf_append(text, url->port, url->port_len);
    buf_append(text, tail->data ? tail->data : "", tail->len);
    if (text->failed)
        return false;
    hmac_sha1_base64(auth_token, text->data ? text->data : "", text->len, expected);
    return equal_secret(expected, signature);
}

bool twilio_signature_valid(const char *auth_token, const struct twilio_request *request, const char *signature,
                            struct arena *arena)
{
    AUTO(buf_free) struct buf tail = {0}; /* behind host and port */
    AUTO(buf_free) struct buf text = {0};
    struct url_parts url = split_url(request->public_url);

    if (!signature || strlen(signature) != SIGNATURE_LEN)
        return false;
    buf_puts(&tail, url.after);
    buf_puts(&tail, request->target);
    if (request->form ? append_fields(&tail, request->form, arena) < 0 : !body_hash_valid(request, arena))
        return false;
    if (tail.failed)
        return false;
    /* Which of them it was is no secret; that none of the others is tried then saves time. */
    return matches(auth_token, &url, true, false, &tail, &text, signature) ||
           matches(auth_token, &url, true, true, &tail, &text, signature) ||
           (url.user_len > 0 && (matches(auth_token, &url, false, false, &tail, &text, signature) ||
                                 matches(auth_token, &url, false, true, &tail, &text, signature)));
}

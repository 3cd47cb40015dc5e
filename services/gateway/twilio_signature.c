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

/* The parts of the public URL around its port. Lengths may be 0; a port of 0 length means that none is named. */
struct url_parts {
    size_t host_len;   /* of "https://user@host" */
    size_t port_len;   /* of ":8443" */
    const char *port;  /* "" or ":8443" within the URL, or the scheme's own ":443" */
    const char *after; /* the path, "" if there is none */
};

static struct url_parts split_port(const char *url)
{
    struct url_parts parts = {0};
    const char *host = strstr(url, "://");
    const char *end, *at, *colon;

    host = host ? host + 3 : url;
    end = host + strcspn(host, "/?#");
    at = memrchr(host, '@', (size_t)(end - host));
    if (at)
        host = at + 1;
    /* A colon within brackets belongs to an IPv6 address. */
    colon = memrchr(host, ':', (size_t)(end - host));
    if (colon && memchr(colon, ']', (size_t)(end - colon)))
        colon = NULL;

    parts.host_len = (size_t)((colon ? colon : end) - url);
    parts.port = colon ? colon : strncasecmp(url, "https:", 6) == 0 ? ":443" : ":80";
    parts.port_len = colon ? (size_t)(end - colon) : strlen(parts.port);
    parts.after = end;
    return parts;
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

static bool matches(const char *auth_token, const struct twilio_request *request, const struct url_parts *parts,
                    bool with_port, const struct buf *fields, const char *signature)
{
    AUTO(buf_free) struct buf text = {0};
    char expected[SIGNATURE_LEN + 1];

    buf_append(&text, request->public_url, parts->host_len);
    if (with_port)
        buf_append(&text, parts->port, parts->port_len);
    buf_puts(&text, parts->after);
    buf_puts(&text, request->target);
    if (fields->len)
        buf_append(&text, fields->data, fields->len);
    if (text.failed)
        return false;
    hmac_sha1_base64(auth_token, text.data, text.len, expected);
    return equal_secret(expected, signature);
}

bool twilio_signature_valid(const char *auth_token, const struct twilio_request *request, const char *signature,
                            struct arena *arena)
{
    AUTO(buf_free) struct buf fields = {0};
    struct url_parts parts = split_port(request->public_url);
    bool bare, ported;

    if (!signature || strlen(signature) != SIGNATURE_LEN)
        return false;
    if (request->form ? append_fields(&fields, request->form, arena) < 0 : !body_hash_valid(request, arena))
        return false;
    if (fields.failed)
        return false;
    bare = matches(auth_token, request, &parts, false, &fields, signature);
    ported = matches(auth_token, request, &parts, true, &fields, signature);
    return bare || ported;
}

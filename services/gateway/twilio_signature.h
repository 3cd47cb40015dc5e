/* twilio_signature.h - whether a webhook comes from Twilio (header X-Twilio-Signature).
 *
 * base64(HMAC-SHA1(auth token, URL + the form's names and values, sorted by
 * name)). The URL is the public one that Twilio called. A body that is not a
 * form is not part of the text; its SHA-256 then stands in the URL as
 * bodySHA256 and must be the body's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct form;

struct twilio_request {
    const char *public_url;  /* https://[user:password@]host[:port][/prefix], without a trailing slash */
    const char *target;      /* exactly as received: /path?query */
    const struct form *form; /* the decoded body, without fields for a GET; NULL if the body is not a form */
    const void *body;        /* the raw body, read only where form is NULL */
    size_t body_len;
};

/* Compares in constant time. Twilio is not consistent about port and user, and its own libraries take the URL both
 * ways: the signature may be that of the URL with or without its port (80 or 443 where public_url names none), and with
 * or without user and password. signature may be NULL: false. Scratch memory comes from arena; false when there is
 * none. */
bool twilio_signature_valid(const char *auth_token, const struct twilio_request *request, const char *signature,
                            struct arena *arena);

/* http.h - the HTTP client, for providers' APIs. On libcurl.
 *
 * One per worker thread: it keeps connections open and must not be shared.
 * http:// and https:// only, no redirects, no proxy from the environment, TLS
 * verified, NOSIGNAL. Control bytes in URL or header values are refused.
 *
 * libcurl repeats a POST by itself when a kept-alive connection breaks before an
 * answer. Here the body is given by a read function whose seek fails, so that it
 * reports ERR_UNCERTAIN instead. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct http;

/* Once per process, before threads. */
int http_global_init(struct err *err);

struct http *http_new(struct err *err);
void http_destroy(struct http **self_p);

struct http_request {
    const char *method; /* "GET", "POST", ... */
    const char *url;
    const char *content_type; /* of body; NULL if there is none */
    const void *body;
    size_t body_len;
    const char *const *headers;              /* "Name: value", ends with NULL; NULL: none */
    const char *basic_user, *basic_password; /* HTTP Basic; NULL: none */
    int connect_timeout_ms;                  /* 0: 5000 */
    int timeout_ms;                          /* of the whole exchange; 0: 30000 */
    size_t max_response;                     /* bytes of the answer's body; 0: 1 MiB */
};

struct http_response {
    int status;
    const char *body; /* NUL-terminated, in arena */
    size_t body_len;
    int retry_after_s;      /* Retry-After or retry-after-ms, rounded up; 0 if absent */
    const char *request_id; /* request-id, x-request-id or Twilio-Request-Id; NULL if absent */
    int should_retry;       /* x-should-retry: 1 true, 0 false, -1 absent */
    bool request_sent;      /* at least one byte of the request may have left us */
};

/* 0: an answer came, whatever its status. -1: none came, and *err tells
 * ERR_UNAVAILABLE  nothing was sent: resolving, connecting or the TLS handshake failed
 * ERR_UNCERTAIN    the request or part of it was sent: timeout, reset, answer broken off or too large
 * ERR_INVALID      the URL or a header cannot be sent */
int http_do(struct http *self, const struct http_request *request, struct arena *arena,
            struct http_response *ret_response, struct err *err);

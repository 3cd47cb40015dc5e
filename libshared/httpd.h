/* httpd.h - the HTTP server, on libmicrohttpd (epoll, suspended connections).
 *
 * The handler is called in a server thread once the whole request is there, and
 * the connection is suspended: whoever holds the exchange answers it, from any
 * thread, exactly once. An exchange that nobody answers within 30 s is answered
 * 503 by the server; answering it later, even after httpd_destroy, is harmless. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct exchange;
struct httpd;

#define REQUEST_ID_SIZE 65

/* What one request may do. */
struct httpd_terms {
    size_t max_body;           /* bytes; beyond: 413 */
    const char *max_body_name; /* the setting that max_body comes from, for the 413; NULL: none */
    int answer_timeout_ms;     /* within which the handler's side must answer */
};

struct httpd_options {
    const char *bind_address; /* IPv4 or IPv6 */
    int port;                 /* 0: any free one */
    int threads;              /* 1 or 2 */
    /* Bytes; beyond: 413, at once where the client asks first (Expect) or announces an absurd length. */
    size_t max_body;
    /* Bytes of all bodies together that are larger than HTTPD_SMALL_BODY; beyond: 503. 0: no bound. */
    size_t max_held;
    int max_connections; /* above 80 %: 503 with Retry-After */
    void (*handler)(void *arg, struct exchange *x);
    void *arg;
    /* Changes the terms, which come as these options say. Called when the head is there and nothing of the body, in a
     * server thread: must not block. May be NULL. */
    void (*terms)(void *arg, struct exchange *x, struct httpd_terms *terms);
    /* Makes the body of an error that the server itself answers (400, 413, 503): a problem document into out. Returns
     * its content type. NULL: plain text. Called in any thread. */
    const char *(*problem)(int status, const char *detail, const char *request_id, char *out, size_t size);
    int answer_timeout_ms;  /* within which the handler's side must answer; 0: 30000 */
    int request_timeout_ms; /* within which a whole request must arrive; 0: 30000 */
};

/* Of bodies up to this size there are never more than connections, so they need no other bound. */
#define HTTPD_SMALL_BODY ((size_t)64 * 1024)

struct httpd *httpd_new(const struct httpd_options *options, struct err *err);
/* Answers 503 to what is still unanswered, then closes. */
void httpd_destroy(struct httpd **self_p);
int httpd_port(const struct httpd *self);

/* Valid until the exchange is answered. */
const char *exchange_method(const struct exchange *x);
const char *exchange_path(const struct exchange *x);                     /* decoded, without query */
const char *exchange_target(const struct exchange *x);                   /* exactly as received: /path?query */
const char *exchange_query(const struct exchange *x);                    /* raw, what is behind the '?'; "" if none */
const char *exchange_header(const struct exchange *x, const char *name); /* NULL if absent; any case */
const char *exchange_body(const struct exchange *x);                     /* NUL-terminated */
size_t exchange_body_len(const struct exchange *x);
/* The header X-Request-Id if it is 1 to 64 of A-Z a-z 0-9 . _ -, else a new UUID. */
const char *exchange_id(const struct exchange *x);
const char *exchange_remote(const struct exchange *x); /* IP address of the peer */
long long exchange_age_us(const struct exchange *x);   /* since its first byte was read */

/* Answers and ends the exchange; x must not be used afterwards. Copies body. headers: "Name: value", ends with NULL;
 * may be NULL. */
void exchange_reply(struct exchange *x, int status, const char *content_type, const void *body, size_t len,
                    const char *const *headers);

/* ---- while the body is still to come: from the terms callback on ---- */

/* x may be used, from any thread, until exchange_release. */
void exchange_hold(struct exchange *x);
void exchange_release(struct exchange *x);
/* Nothing of the body is kept: the handler will be called with none, to refuse. */
void exchange_forget_body(struct exchange *x);
bool exchange_body_forgotten(const struct exchange *x);

/* Closes the connection without an answer. */
void exchange_cut(struct exchange *x);

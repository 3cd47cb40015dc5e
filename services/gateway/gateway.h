/* gateway.h - what the parts of the gateway share: its state, and a request on its way. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/httpd.h"
#include "services/gateway/routes.h"

struct accept;
struct own_accounts;
struct auth;
struct err;
struct worker;

/* Requests answered, by the first digit of the status; for /metrics. */
struct gateway_counters {
    atomic_llong answered[6];
    atomic_llong wrong_signatures;
};

struct gateway {
    struct worker *worker; /* configuration, database, bus; good in any thread */
    struct auth *auth;
    struct accept *accept;
    struct own_accounts *accounts; /* the clients' own, at Twilio */
    struct httpd *httpd;
    char *openapi; /* the document */
    struct gateway_counters counters;
    atomic_int open; /* requests that are not answered yet */
    atomic_bool stopping;
    atomic_llong warned_s; /* when a warning that anybody outside can cause was logged last, monotonic seconds */
};

/* One request until its answer. Freed by the answer. */
struct job {
    struct gateway *gateway;
    struct exchange *x;
    char request_id[REQUEST_ID_SIZE];
    struct route_match match; /* of the REST API; of a page its parameters alone */
    bool any_origin;          /* scripts of any page may read the answer */
};

/* ---- the pages: each owns the job and answers it; called in a server thread, must not block ---- */

void rest_page(struct job *job);
void text_webhook_page(struct job *job);
void status_webhook_page(struct job *job);
void voice_webhook_page(struct job *job);
void form_webhook_page(struct job *job);
void form_options_page(struct job *job);
void healthz_page(struct job *job);
void readyz_page(struct job *job);
void metrics_page(struct job *job);
void openapi_page(struct job *job);

/* ---- answering: each ends the job ---- */

void job_reply(struct job *job, int status, const char *content_type, const char *body, size_t len);
/* headers: "Name: value", ends with NULL; at most JOB_HEADERS_MAX. */
#define JOB_HEADERS_MAX 4
void job_reply_with(struct job *job, int status, const char *content_type, const char *body, size_t len,
                    const char *const *headers);
void job_problem(struct job *job, int status, const char *field, const char *header, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* With Retry-After. */
void job_unavailable(struct job *job, const char *detail);
/* 503; missing is a JSON array of names. */
void job_not_ready(struct job *job, const char *missing);
void job_problem_err(struct job *job, const struct err *err);

/* Runs fn in a worker thread; 503 if they are all busy and their queue is full. */
void job_submit(struct job *job, void (*fn)(struct worker *worker, void *job));

/* Whether such a warning may be logged now: at most one a second. */
bool gateway_may_warn(struct gateway *self);

/* The OpenAPI document of all routes; caller frees with free(). NULL and *err on failure. */
char *openapi_document(const char *public_url, struct err *err);

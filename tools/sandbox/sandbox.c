/* sandbox.c - routes a request to its endpoint, and lets the faults strike. */
#include "tools/sandbox/sandbox.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/httpd.h"
#include "tools/sandbox/accounts.h"
#include "tools/sandbox/anthropic_cache.h"
#include "tools/sandbox/box.h"
#include "tools/sandbox/calls.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/keywords.h"
#include "tools/sandbox/later.h"
#include "tools/sandbox/ledger.h"
#include "tools/sandbox/people.h"
#include "tools/sandbox/received.h"
#include "tools/sandbox/replies.h"
#include "tools/sandbox/templates.h"
#include "tools/sandbox/vectors.h"

#define BODY_MAX          ((size_t)33 * 1024 * 1024) /* Anthropic takes 32 MB; it answers 413 itself */
#define CONNECTIONS_MAX   2000
#define ANSWER_TIMEOUT_MS 3600000 /* longer than any fault hangs */
#define POST_THREADS      8
#define TEXT_THREADS      8
#define PHONE_THREADS     8

const char *const endpoint_names[N_ENDPOINTS] = {"twilio.send",    "twilio.list", "twilio.calls", "twilio.content",
                                                 "twilio.lookups", "anthropic",   "openai",       "callbacks",
                                                 "inbound",        "voice"};

void box_count(struct sandbox *self, enum endpoint at, const struct endpoint_stats *more)
{
    struct endpoint_stats *stats = &self->stats[at];

    pthread_mutex_lock(&self->lock);
    stats->received += more->received;
    stats->accepted += more->accepted;
    stats->refused += more->refused;
    stats->faulted += more->faulted;
    pthread_mutex_unlock(&self->lock);
}

/* ---- faults ---- */

/* An exchange that is to be ended at its time: with the answer, or without one. */
struct held {
    struct exchange *x;
    struct answer answer;
    bool cut;
};

static void end_held(void *arg, struct http *http)
{
    struct held *held = arg;

    (void)http;
    if (held->cut)
        exchange_cut(held->x);
    else
        answer_send(&held->answer, held->x);
    answer_clear(&held->answer);
    free(held);
}

/* Takes *answer. NULL: the connection is closed then. */
static void end_later(struct sandbox *self, struct exchange *x, int ms, struct answer *answer)
{
    struct held *held = calloc(1, sizeof *held);

    if (!held) {
        exchange_cut(x);
        return;
    }
    held->x = x;
    held->cut = !answer;
    if (answer) {
        held->answer = *answer;
        *answer = (struct answer){0};
    }
    later_add(self->quick, clock_mono_us() + (int64_t)ms * 1000, end_held, held);
}

static void error_answer(enum endpoint at, int status, int code, const char *message, struct answer *answer)
{
    if (!message[0])
        message = status == 429 ? "Too Many Requests" : status >= 500 ? "Internal Server Error" : "A sandbox fault";
    if (at <= AT_TWILIO_LOOKUPS)
        answer_twilio_error(answer, status,
                            code            ? code
                            : status == 401 ? 20003
                            : status == 404 ? 20404
                            : status == 429 ? 20429
                            : status == 503 ? 20503
                            : status >= 500 ? 20500
                                            : 20001,
                            message);
    else if (at == AT_ANTHROPIC)
        answer_anthropic_error(answer, status, message);
    else
        answer_openai_error(answer, status,
                            status == 429   ? "rate_limit_exceeded"
                            : status == 401 ? "invalid_api_key"
                                            : NULL,
                            message);
}

static void status_fault(const struct fault *fault, enum endpoint at, struct answer *answer)
{
    char text[16];

    error_answer(at, fault->status, fault->code, fault->message, answer);
    snprintf(text, sizeof text, "%d", fault->retry_after_s);
    if (fault->retry_after_s)
        answer_header(answer, "Retry-After", text);
    if (fault->should_retry >= 0)
        answer_header(answer, "x-should-retry", fault->should_retry ? "true" : "false");
}

/* The faults that strike before anything is done. True: x is taken care of. */
static bool strike_before(struct sandbox *self, struct exchange *x, enum endpoint at, const struct fault *fault)
{
    AUTO(answer_clear) struct answer answer = {0};

    switch (fault->kind) {
    case FAULT_STATUS:
        status_fault(fault, at, &answer);
        received_add(self->received, at, x, answer.status);
        answer_send(&answer, x);
        return true;
    case FAULT_QUOTA:
        answer_openai_error(&answer, 429, "insufficient_quota",
                            "You exceeded your current quota, please check your plan and billing details.");
        received_add(self->received, at, x, answer.status);
        answer_send(&answer, x);
        return true;
    case FAULT_HANG:
        received_add(self->received, at, x, 0);
        end_later(self, x, fault->ms, NULL);
        return true;
    case FAULT_CUT_BEFORE:
        received_add(self->received, at, x, 0);
        exchange_cut(x);
        return true;
    default:
        return false;
    }
}

/* Those that strike what was accepted; the rest is answered as it is. Takes *answer. */
static void strike_after(struct sandbox *self, struct exchange *x, enum endpoint at, const struct fault *fault,
                         struct answer *answer)
{
    switch (fault->kind) {
    case FAULT_DELAY:
        end_later(self, x, fault->ms, answer);
        return;
    case FAULT_ACCEPT_THEN_HANG:
        end_later(self, x, fault->ms, NULL);
        return;
    case FAULT_ACCEPT_THEN_CUT:
        exchange_cut(x);
        return;
    case FAULT_ACCEPT_THEN_500:
        error_answer(at, 500, 0, fault->message, answer);
        break;
    case FAULT_MALFORMED:
        answer->body.len /= 2;
        break;
    case FAULT_WRONG_COUNT:
    case FAULT_WRONG_DIMENSION:
    case FAULT_NOT_NUMBERS:
        box_openai_spoil(answer, fault->kind);
        break;
    default:
        break;
    }
    answer_send(answer, x);
}

/* ---- routing ---- */

static bool find_endpoint(const struct exchange *x, enum endpoint *ret)
{
    static const char accounts[] = "/2010-04-01/Accounts/";
    const char *path = exchange_path(x), *resource;
    bool post = strcmp(exchange_method(x), "POST") == 0, get = strcmp(exchange_method(x), "GET") == 0;

    if (strncmp(path, accounts, sizeof accounts - 1) == 0) {
        resource = strchr(path + sizeof accounts - 1, '/');
        if (!resource)
            return false;
        if (strcmp(resource, "/Messages.json") == 0 && post)
            *ret = AT_TWILIO_SEND;
        else if (strcmp(resource, "/Calls.json") == 0 && post)
            *ret = AT_TWILIO_CALLS;
        else
            *ret = AT_TWILIO_LIST;
        return *ret != AT_TWILIO_LIST ||
               (get && (strcmp(resource, "/Messages.json") == 0 || strncmp(resource, "/Messages/", 10) == 0 ||
                        strcmp(resource, "/Calls.json") == 0 || strncmp(resource, "/Calls/", 7) == 0));
    }
    *ret = AT_TWILIO_CONTENT;
    if (get && strncmp(path, "/v1/Content", 11) == 0)
        return true;
    *ret = AT_TWILIO_LOOKUPS;
    if (get && strncmp(path, "/v2/PhoneNumbers/", 17) == 0)
        return true;
    *ret = AT_ANTHROPIC;
    if (post && strcmp(path, "/v1/messages") == 0)
        return true;
    *ret = AT_OPENAI;
    return post && (strcmp(path, "/v1/embeddings") == 0 || strcmp(path, "/embeddings") == 0);
}

static void on_request(void *arg, struct exchange *x)
{
    struct sandbox *self = arg;
    AUTO(answer_clear) struct answer answer = {0};
    struct fault fault = {0};
    enum endpoint at;

    if (strncmp(exchange_path(x), "/_sandbox/", 10) == 0) {
        box_control(self, x);
        return;
    }
    if (!find_endpoint(x, &at)) {
        answer_twilio_error(&answer, 404, 20404, "The sandbox has no such method and path");
        answer_send(&answer, x);
        return;
    }
    box_count(self, at, &(struct endpoint_stats){.received = 1});
    if (faults_take(self->faults, at, FAULT_NONE, &fault)) {
        box_count(self, at, &(struct endpoint_stats){.faulted = 1});
        if (strike_before(self, x, at, &fault))
            return;
    }
    if (at == AT_ANTHROPIC)
        box_anthropic(self, x, &answer);
    else if (at == AT_OPENAI)
        box_openai(self, x, &answer);
    else
        box_twilio(self, x, at, &answer);
    received_add(self->received, at, x, answer.status);
    if (answer.status < 300) {
        box_count(self, at, &(struct endpoint_stats){.accepted = 1});
        strike_after(self, x, at, &fault, &answer);
    } else {
        box_count(self, at, &(struct endpoint_stats){.refused = 1});
        answer_send(&answer, x);
    }
}

/* ---- its life ---- */

struct sandbox *sandbox_new(const struct sandbox_options *options, struct err *err)
{
    AUTO(sandbox_destroy) struct sandbox *self = calloc(1, sizeof *self);
    struct httpd_options http = {
        .bind_address = options->bind_address,
        .port = options->port,
        .threads = 2,
        .max_body = BODY_MAX,
        .max_connections = CONNECTIONS_MAX,
        .handler = on_request,
        .arg = self,
        .answer_timeout_ms = ANSWER_TIMEOUT_MS,
    };

    if (!self || sodium_init() < 0) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    self->options = *options;
    if (!(self->accounts = accounts_new()) || !(self->calls = calls_new()) || !(self->faults = faults_new()) ||
        !(self->keywords = keywords_new()) || !(self->ledger = ledger_new()) || !(self->people = people_new()) ||
        !(self->received = received_new()) || !(self->replies = replies_new()) ||
        !(self->prompts = prompt_cache_new()) || !(self->templates = templates_new()) ||
        !(self->vectors = vectors_new())) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    for (int i = 0; i < options->n_accounts; i++)
        if (accounts_add(self->accounts, options->accounts[i], err) < 0)
            return NULL;
    accounts_keep(self->accounts);
    if (!(self->quick = later_new(1, err)) || !(self->posts = later_new(POST_THREADS, err)) ||
        !(self->texts = later_new(TEXT_THREADS, err)) || !(self->phones = later_new(PHONE_THREADS, err)) ||
        !(self->httpd = httpd_new(&http, err)))
        return NULL;
    return TAKE(self);
}

void sandbox_destroy(struct sandbox **self_p)
{
    struct sandbox *self = *self_p;

    if (!self)
        return;
    if (self->quick)
        later_stop(self->quick);
    if (self->posts)
        later_stop(self->posts);
    if (self->texts)
        later_stop(self->texts);
    if (self->phones)
        later_stop(self->phones);
    httpd_destroy(&self->httpd);
    later_destroy(&self->quick);
    later_destroy(&self->posts);
    later_destroy(&self->texts);
    later_destroy(&self->phones);
    vectors_destroy(&self->vectors);
    templates_destroy(&self->templates);
    replies_destroy(&self->replies);
    prompt_cache_destroy(&self->prompts);
    received_destroy(&self->received);
    people_destroy(&self->people);
    ledger_destroy(&self->ledger);
    keywords_destroy(&self->keywords);
    faults_destroy(&self->faults);
    calls_destroy(&self->calls);
    accounts_destroy(&self->accounts);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

int sandbox_port(const struct sandbox *self)
{
    return httpd_port(self->httpd);
}

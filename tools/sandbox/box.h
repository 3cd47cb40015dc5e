/* box.h - what the parts of the sandbox know of each other. */
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/buf.h"
#include "tools/sandbox/sandbox.h"

struct accounts;
struct arena;
struct calls;
struct exchange;
struct faults;
struct form;
struct http;
struct keywords;
struct later;
struct ledger;
struct people;
struct prompt_cache;
struct received;
struct replies;
struct templates;
struct vectors;

enum endpoint {
    AT_TWILIO_SEND,
    AT_TWILIO_LIST, /* messages and calls: list and fetch */
    AT_TWILIO_CALLS,
    AT_TWILIO_CONTENT,
    AT_TWILIO_LOOKUPS,
    AT_ANTHROPIC,
    AT_OPENAI,
    AT_CALLBACKS, /* what became of messages and calls */
    AT_INBOUND,   /* leads' texts */
    AT_VOICE,     /* TwiML that a call asks the gateway for */
    N_ENDPOINTS
};

/* "twilio.send", "twilio.list", ..., as faults and statistics call them. */
extern const char *const endpoint_names[N_ENDPOINTS];

/* Of a provider's endpoint: calls received, answered 2xx, answered otherwise, hit by a fault. Of callbacks, inbound
 * and voice: posts made, answered 2xx, not answered 2xx, hit by a fault. */
struct endpoint_stats {
    int64_t received, accepted, refused, faulted;
};

struct sandbox {
    struct sandbox_options options;
    struct httpd *httpd;
    struct accounts *accounts;
    struct calls *calls;
    struct faults *faults;
    struct keywords *keywords;
    struct ledger *ledger;
    struct people *people;
    struct prompt_cache *prompts; /* what Claude has read before */
    struct received *received;
    struct replies *replies;
    struct templates *templates;
    struct vectors *vectors;
    struct later *quick;     /* what does not block: delayed answers, steps of messages */
    struct later *posts;     /* status callbacks */
    struct later *texts;     /* leads' texts */
    struct later *phones;    /* calls: a thread each */
    atomic_bool refuse_late; /* what WhatsApp refuses is told in a callback, not in the answer */
    pthread_mutex_t lock;
    struct endpoint_stats stats[N_ENDPOINTS]; /* guarded by lock */
};

/* What an endpoint answers. */
struct answer {
    int status;
    struct buf body;
    char headers[3][160];
    int n_headers;
};

/* Takes json, which may be NULL: an empty body. */
void answer_json(struct answer *self, int status, json_t *json);
void answer_header(struct answer *self, const char *name, const char *value);
void answer_clear(struct answer *self);
void answer_send(const struct answer *self, struct exchange *x);

/* Twilio's {"code", "message", "more_info", "status"}. */
void answer_twilio_error(struct answer *self, int status, int code, const char *message);
/* Anthropic's {"type": "error", ...}; the type follows from the status. */
void answer_anthropic_error(struct answer *self, int status, const char *message);
/* OpenAI's {"error": {...}}; code may be NULL. */
void answer_openai_error(struct answer *self, int status, const char *code, const char *message);

/* The endpoints. */
void box_twilio(struct sandbox *self, struct exchange *x, enum endpoint at, struct answer *answer);
void box_anthropic(struct sandbox *self, struct exchange *x, struct answer *answer);
void box_openai(struct sandbox *self, struct exchange *x, struct answer *answer);
/* The numbers of a model's vectors; 0: there is no such model. */
int box_openai_dimensions(const char *model);
/* Makes an answer of box_openai wrong as FAULT_WRONG_COUNT, FAULT_WRONG_DIMENSION or FAULT_NOT_NUMBERS says. */
void box_openai_spoil(struct answer *answer, int fault_kind);
/* The paths under /_sandbox/; answers x. */
void box_control(struct sandbox *self, struct exchange *x);

/* prefix and 2 * n_bytes random hex digits; out holds them and the NUL. n_bytes is at most 32. */
void box_random_id(const char *prefix, size_t n_bytes, char *out);

void box_count(struct sandbox *self, enum endpoint at, const struct endpoint_stats *more);

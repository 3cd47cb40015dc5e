/* faults.h - what shall go wrong, where, how often. Thread-safe. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/sandbox/box.h"

enum fault_kind {
    FAULT_NONE,
    /* of a provider's endpoint */
    FAULT_STATUS,           /* answered with this status; nothing is accepted */
    FAULT_HANG,             /* nothing is accepted; after ms the connection is closed */
    FAULT_DELAY,            /* done at once, answered ms later */
    FAULT_CUT_BEFORE,       /* the connection is closed; nothing is accepted */
    FAULT_ACCEPT_THEN_CUT,  /* done, then the connection is closed without an answer */
    FAULT_ACCEPT_THEN_500,  /* done, but answered 500 */
    FAULT_ACCEPT_THEN_HANG, /* done; after ms the connection is closed without an answer */
    FAULT_MALFORMED,        /* done, but the answer's JSON breaks off */
    FAULT_QUOTA,            /* openai: 429 insufficient_quota; nothing is accepted */
    FAULT_WRONG_COUNT,      /* openai: the last vector is missing */
    FAULT_WRONG_DIMENSION,  /* openai: the last vector is one number short */
    FAULT_NOT_NUMBERS,      /* openai: the last vector holds NaN (base64) or null (float) */
    FAULT_HIDE,             /* twilio.list: messages are shown only ms after they were accepted */
    /* of callbacks */
    FAULT_DROP,        /* none is posted for the message */
    FAULT_LATE,        /* ms later than usual */
    FAULT_TWICE,       /* each is posted twice */
    FAULT_SHUFFLE,     /* delivered before sent */
    FAULT_UNDELIVERED, /* ends as undelivered, or failed, with code */
    FAULT_READ,        /* read after it was delivered */
};

struct fault {
    enum fault_kind kind;
    enum endpoint at;
    double rate;   /* 0..1 */
    int64_t count; /* how often yet; -1: without end */
    int status, code, retry_after_s, ms;
    int should_retry; /* x-should-retry; -1: not sent */
    char message[200];
};

struct err;

struct faults *faults_new(void);
void faults_destroy(struct faults **self_p);

/* Reads {"endpoint", "kind", "rate"?, "count"?, ...}. ERR_INVALID tells what is wrong with it. */
int faults_add(struct faults *self, const json_t *json, struct err *err);
void faults_clear(struct faults *self);
json_t *faults_list(struct faults *self);

/* The oldest fault of an endpoint that strikes now, and uses it up by one. kind FAULT_NONE: any but those of
 * faults_take_kind, which are FAULT_HIDE and those of callbacks. */
bool faults_take(struct faults *self, enum endpoint at, enum fault_kind kind, struct fault *ret);

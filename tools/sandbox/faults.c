/* faults.c - see faults.h. */
#include "tools/sandbox/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/text.h"

#define FAULTS_MAX 64
#define MS_MAX     600000

enum { OF_PROVIDERS = 1, OF_LIST = 2, OF_CALLBACKS = 4, OF_OPENAI = 8 };

static const struct {
    const char *name;
    enum fault_kind kind;
    int of;
    int default_ms;
} kinds[] = {
    {"status", FAULT_STATUS, OF_PROVIDERS, 0},
    {"hang", FAULT_HANG, OF_PROVIDERS, 60000},
    {"delay", FAULT_DELAY, OF_PROVIDERS, 1000},
    {"cut-before", FAULT_CUT_BEFORE, OF_PROVIDERS, 0},
    {"accept-then-cut", FAULT_ACCEPT_THEN_CUT, OF_PROVIDERS, 0},
    {"accept-then-500", FAULT_ACCEPT_THEN_500, OF_PROVIDERS, 0},
    {"accept-then-hang", FAULT_ACCEPT_THEN_HANG, OF_PROVIDERS, 60000},
    {"malformed", FAULT_MALFORMED, OF_PROVIDERS, 0},
    {"quota", FAULT_QUOTA, OF_OPENAI, 0},
    {"wrong-count", FAULT_WRONG_COUNT, OF_OPENAI, 0},
    {"wrong-dimension", FAULT_WRONG_DIMENSION, OF_OPENAI, 0},
    {"not-numbers", FAULT_NOT_NUMBERS, OF_OPENAI, 0},
    {"hide", FAULT_HIDE, OF_LIST, 5000},
    {"drop", FAULT_DROP, OF_CALLBACKS, 0},
    {"late", FAULT_LATE, OF_CALLBACKS, 1000},
    {"twice", FAULT_TWICE, OF_CALLBACKS, 0},
    {"shuffle", FAULT_SHUFFLE, OF_CALLBACKS, 0},
    {"undelivered", FAULT_UNDELIVERED, OF_CALLBACKS, 0},
    {"read", FAULT_READ, OF_CALLBACKS, 0},
};

struct faults {
    pthread_mutex_t lock;
    struct fault list[FAULTS_MAX];
    int n;
    uint64_t dice;
};

struct faults *faults_new(void)
{
    struct faults *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    pthread_mutex_init(&self->lock, NULL);
    self->dice = 0x9e3779b97f4a7c15; /* the same faults in each run */
    return self;
}

void faults_destroy(struct faults **self_p)
{
    if (!*self_p)
        return;
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

static int read_int(const json_t *json, const char *name, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
    const json_t *value = json_object_get(json, name);

    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
        return err_set_field(err, ERR_INVALID, name, "%s must be a whole number from %lld to %lld", name,
                             (long long)min, (long long)max);
    *ret = json_integer_value(value);
    return 0;
}

static int read_place(const json_t *json, struct fault *ret, int64_t *ret_ms, struct err *err)
{
    const char *endpoint = json_string_value(json_object_get(json, "endpoint"));
    const char *kind = json_string_value(json_object_get(json, "kind"));
    int at = -1, of;

    for (int i = 0; endpoint && i <= AT_CALLBACKS; i++)
        if (strcmp(endpoint_names[i], endpoint) == 0)
            at = i;
    if (at < 0)
        return err_set_field(err, ERR_INVALID, "endpoint",
                             "endpoint must be twilio.send, twilio.list, twilio.calls, twilio.content, twilio.lookups, "
                             "anthropic, openai or callbacks");
    ret->at = (enum endpoint)at;
    of = at == AT_CALLBACKS     ? OF_CALLBACKS
         : at == AT_TWILIO_LIST ? OF_PROVIDERS | OF_LIST
         : at == AT_OPENAI      ? OF_PROVIDERS | OF_OPENAI
                                : OF_PROVIDERS;
    for (size_t i = 0; kind && i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].name, kind) == 0 && kinds[i].of & of) {
            ret->kind = kinds[i].kind;
            *ret_ms = kinds[i].default_ms;
            return 0;
        }
    return err_set_field(err, ERR_INVALID, "kind", "kind must be one that %s has: %s", endpoint,
                         of == OF_CALLBACKS ? "drop, late, twice, shuffle, undelivered, read"
                                            : "status, hang, delay, cut-before, accept-then-cut, accept-then-500, "
                                              "accept-then-hang, malformed; twilio.list: hide; openai: quota, "
                                              "wrong-count, wrong-dimension, not-numbers");
}

static int read_fault(const json_t *json, struct fault *ret, struct err *err)
{
    static const char *const known[] = {"endpoint", "kind",        "rate", "count",        "status",
                                        "code",     "retry_after", "ms",   "should_retry", "message"};
    const json_t *rate = json_object_get(json, "rate"), *value;
    const char *name, *message = json_string_value(json_object_get(json, "message"));
    int64_t count = -1, status = 500, code = 0, retry_after = 0, ms = 0;

    if (!json_is_object(json))
        return err_set(err, ERR_INVALID, "a fault is a JSON object");
    json_object_foreach ((json_t *)json, name, value) {
        bool found = false;

        for (size_t i = 0; i < COUNT_OF(known); i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            return err_set_field(err, ERR_INVALID, name, "%.40s is not known", name);
    }
    *ret = (struct fault){.rate = 1, .should_retry = -1};
    if (read_place(json, ret, &ms, err) < 0)
        return -1;
    if (rate) {
        ret->rate = json_number_value(rate);
        if (!json_is_number(rate) || ret->rate < 0 || ret->rate > 1)
            return err_set_field(err, ERR_INVALID, "rate", "rate must be a number from 0 to 1");
    }
    if ((value = json_object_get(json, "should_retry")))
        ret->should_retry = json_is_true(value);
    if (read_int(json, "count", 1, INT32_MAX, &count, err) < 0 ||
        read_int(json, "status", 200, 599, &status, err) < 0 || read_int(json, "code", 0, 999999, &code, err) < 0 ||
        read_int(json, "retry_after", 0, 86400, &retry_after, err) < 0 || read_int(json, "ms", 0, MS_MAX, &ms, err) < 0)
        return -1;
    ret->count = count;
    ret->status = (int)status;
    ret->code = (int)code;
    ret->retry_after_s = (int)retry_after;
    ret->ms = (int)ms;
    if (message)
        snprintf(ret->message, sizeof ret->message, "%.*s",
                 (int)utf8_cut(message, strlen(message), sizeof ret->message - 1), message);
    return 0;
}

int faults_add(struct faults *self, const json_t *json, struct err *err)
{
    struct fault fault;
    int rc = 0;

    if (read_fault(json, &fault, err) < 0)
        return -1;
    pthread_mutex_lock(&self->lock);
    if (self->n == FAULTS_MAX)
        rc = err_set(err, ERR_INVALID, "there are %d faults already", FAULTS_MAX);
    else
        self->list[self->n++] = fault;
    pthread_mutex_unlock(&self->lock);
    return rc;
}

void faults_clear(struct faults *self)
{
    pthread_mutex_lock(&self->lock);
    self->n = 0;
    pthread_mutex_unlock(&self->lock);
}

json_t *faults_list(struct faults *self)
{
    json_t *list = json_array();

    pthread_mutex_lock(&self->lock);
    for (int i = 0; i < self->n; i++) {
        const struct fault *f = &self->list[i];
        const char *kind = "";

        for (size_t k = 0; k < COUNT_OF(kinds); k++)
            if (kinds[k].kind == f->kind)
                kind = kinds[k].name;
        json_array_append_new(list, json_pack("{ss ss sf sI si si si}", "endpoint", endpoint_names[f->at], "kind", kind,
                                              "rate", f->rate, "count", (json_int_t)f->count, "status", f->status,
                                              "code", f->code, "ms", f->ms));
    }
    pthread_mutex_unlock(&self->lock);
    return list;
}

/* xorshift64: from 0 up to but without 1. */
static double roll(struct faults *self)
{
    self->dice ^= self->dice << 13;
    self->dice ^= self->dice >> 7;
    self->dice ^= self->dice << 17;
    return (double)(self->dice >> 11) / 9007199254740992.0;
}

bool faults_take(struct faults *self, enum endpoint at, enum fault_kind kind, struct fault *ret)
{
    bool taken = false;

    pthread_mutex_lock(&self->lock);
    for (int i = 0; i < self->n && !taken; i++) {
        struct fault *f = &self->list[i];

        if (f->at != at || (kind == FAULT_NONE ? f->kind >= FAULT_HIDE : f->kind != kind))
            continue;
        if (f->rate < 1 && roll(self) >= f->rate)
            continue;
        *ret = *f;
        taken = true;
        if (f->count > 0 && --f->count == 0) {
            memmove(f, f + 1, (size_t)(self->n - i - 1) * sizeof *f);
            self->n--;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return taken;
}

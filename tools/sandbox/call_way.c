/* call_way.c - see call_way.h. One thread takes a call through all of its life: callees answer and press at once. */
#include "tools/sandbox/call_way.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/text.h"
#include "tools/sandbox/calls.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/later.h"
#include "tools/sandbox/twilio_check.h"
#include "tools/sandbox/twiml.h"
#include "tools/sandbox/webhooks.h"

#define STEP_US       20000
#define FIELDS_MAX    24
#define DOCUMENTS_MAX 20 /* of one call: a gateway that asks again and again is left */
#define ARENA_SIZE    ((size_t)16 * 1024 * 1024)

struct way {
    struct sandbox *self;
    char *sid, *account_sid, *to, *from, *twiml, *url, *callback;
    bool tells[4]; /* initiated, ringing, answered, the end */
    int sequence, late_ms;
    bool twice;
    json_t *digits; /* still to be pressed */
    struct http *http;
    struct arena *arena; /* of the fields and answers */
};

static void way_free(struct way *way)
{
    free(way->sid);
    free(way->account_sid);
    free(way->to);
    free(way->from);
    free(way->twiml);
    free(way->url);
    free(way->callback);
    json_decref(way->digits);
    arena_destroy(&way->arena);
    free(way);
}

/* ---- posting ---- */

static size_t put_common(const struct way *way, const char *status, struct form_field *fields)
{
    size_t n = 0;

    fields[n++] = (struct form_field){"CallSid", way->sid};
    fields[n++] = (struct form_field){"AccountSid", way->account_sid};
    fields[n++] = (struct form_field){"From", way->from};
    fields[n++] = (struct form_field){"Caller", way->from};
    fields[n++] = (struct form_field){"To", way->to};
    fields[n++] = (struct form_field){"Called", way->to};
    fields[n++] = (struct form_field){"CallStatus", status};
    fields[n++] = (struct form_field){"Direction", "outbound-api"};
    fields[n++] = (struct form_field){"ApiVersion", WEBHOOK_API_VERSION};
    return n;
}

/* Twilio tries again where no connection was made. */
static int post(const struct way *way, const char *url, struct form_field *fields, size_t n, enum endpoint at,
                struct http_response *ret)
{
    const char *fragment = strchr(url, '#');
    char *bare = arena_strndup(way->arena, url, fragment ? (size_t)(fragment - url) : strlen(url));
    struct account account;
    struct err err = {0};
    char attempt[40];
    int rc = -1;

    if (!bare || !accounts_get(way->self->accounts, way->account_sid, &account))
        return -1;
    box_random_id("", 16, attempt);
    for (int i = 0; i < 2 && rc < 0; i++) {
        err = (struct err){0};
        rc = webhook_post(
            &(struct webhook){.url = bare, .token = account.token, .fields = fields, .n = n, .attempt = attempt},
            way->http, way->arena, ret, &err);
        if (rc < 0 && err.kind != ERR_UNAVAILABLE)
            break;
    }
    box_count(way->self, at,
              &(struct endpoint_stats){.received = 1,
                                       .accepted = rc == 0 && ret->status < 300,
                                       .refused = rc < 0 || ret->status >= 300});
    return rc;
}

/* which: 0 initiated, 1 ringing, 2 answered, 3 the end. */
static void tell(struct way *way, int which, const char *status)
{
    struct form_field fields[FIELDS_MAX];
    struct http_response response = {0};
    char sequence[16], now_text[CLOCK_TEXT_SIZE];
    time_t now = time(NULL);
    struct tm tm;
    size_t n;

    if (!way->callback || !way->tells[which])
        return;
    strftime(now_text, sizeof now_text, "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&now, &tm));
    snprintf(sequence, sizeof sequence, "%d", way->sequence++);
    if (way->late_ms)
        usleep((useconds_t)way->late_ms * 1000);
    for (int i = 0; i <= way->twice; i++) {
        n = put_common(way, status, fields);
        fields[n++] = (struct form_field){"Timestamp", now_text};
        fields[n++] = (struct form_field){"SequenceNumber", sequence};
        fields[n++] = (struct form_field){"CallbackSource", "call-progress-events"};
        if (which == 3)
            fields[n++] = (struct form_field){"CallDuration", strcmp(status, "completed") == 0 ? "1" : "0"};
        post(way, way->callback, fields, n, AT_CALLBACKS, &response);
    }
}

/* ---- TwiML ---- */

static void note(const struct way *way, const char *list, const char *text)
{
    calls_note(way->self->calls, way->sid, list, json_string(text));
}

/* As Twilio's debugger would tell. Always NULL. */
static json_t *fail(const struct way *way, int code, const char *text)
{
    calls_note(way->self->calls, way->sid, "errors", json_pack("{si ss}", "code", code, "message", text));
    return NULL;
}

static const char *text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* The document at url, asked for with digits unless NULL. NULL: there is none, which is noted. */
static json_t *fetch(const struct way *way, const char *url, const char *digits)
{
    struct form_field fields[FIELDS_MAX];
    struct http_response response = {0};
    size_t n = put_common(way, "in-progress", fields);
    json_t *verbs;

    if (digits)
        fields[n++] = (struct form_field){"Digits", digits};
    note(way, "fetched", url);
    if (!twilio_check_url(url))
        return fail(way, 11100, "the URL is not valid");
    if (post(way, url, fields, n, AT_VOICE, &response) < 0 || response.status >= 300)
        return fail(way, 11200, "the TwiML could not be fetched");
    verbs = twiml_read(response.body, response.body_len);
    return verbs ? verbs : fail(way, 12100, "the TwiML cannot be read");
}

/* What is pressed at the next <Gather>; NULL: nothing. */
static const char *press(struct way *way, const json_t *gather)
{
    const char *pressed = json_string_value(json_array_get(way->digits, 0)), *limit = text_of(gather, "numDigits");
    int64_t n = 1024;
    char *kept;

    if (!pressed || !*pressed) {
        json_array_remove(way->digits, 0);
        return NULL;
    }
    if (limit && !text_to_int(limit, 1, 1024, &n))
        fail(way, 13314, "Gather: invalid numDigits");
    kept = arena_strndup(way->arena, pressed, strlen(pressed) > (size_t)n ? (size_t)n : strlen(pressed));
    json_array_remove(way->digits, 0);
    note(way, "digits", kept ? kept : "");
    return kept;
}

/* True: go on in *ret_next, a new document, or end where that is NULL. */
static bool gather(struct way *way, const json_t *verb, json_t **ret_next)
{
    const char *action = text_of(verb, "action"), *empty = text_of(verb, "actionOnEmptyResult"), *pressed;
    const json_t *nested;
    size_t i;

    json_array_foreach (json_object_get(verb, "nested"), i, nested)
        if (strcmp(text_of(nested, "verb"), "Say") == 0)
            note(way, "said", text_of(nested, "text"));
    pressed = press(way, verb);
    if (!pressed && !(empty && strcmp(empty, "true") == 0))
        return false;
    if (!action)
        action = way->url;
    *ret_next = action ? fetch(way, action, pressed ? pressed : "") : fail(way, 11100, "Gather: there is no action");
    return true;
}

/* False: the call ends. */
static bool dial(struct way *way, const json_t *verb)
{
    const char *caller = text_of(verb, "callerId"), *number = text_of(verb, "text");
    const json_t *nested = json_object_get(verb, "nested");

    if (json_array_size(nested)) {
        nested = json_array_get(nested, 0);
        if (strcmp(text_of(nested, "verb"), "Number") != 0)
            return fail(way, 12200, "Dial: the sandbox knows <Number> alone") != NULL;
        number = text_of(nested, "text");
    }
    if (!phone_is_e164(number))
        return fail(way, 13224, "Dial: invalid phone number") != NULL;
    if (caller && !accounts_may_send(way->self->accounts, way->account_sid, caller))
        return fail(way, 13214, "Dial: invalid callerId") != NULL;
    calls_note(way->self->calls, way->sid, "dialled",
               json_pack("{ss ss}", "number", number, "caller_id", caller ? caller : way->from));
    return true;
}

/* One document. Returns the one to go on with; NULL: the call ends. */
static json_t *run_document(struct way *way, const json_t *verbs)
{
    json_t *next = NULL;
    const json_t *verb;
    size_t i;

    json_array_foreach (verbs, i, verb) {
        const char *name = text_of(verb, "verb");

        if (strcmp(name, "Say") == 0)
            note(way, "said", text_of(verb, "text"));
        else if (strcmp(name, "Gather") == 0) {
            if (gather(way, verb, &next))
                return next;
        } else if (strcmp(name, "Dial") == 0) {
            if (!dial(way, verb))
                return NULL;
        } else if (strcmp(name, "Redirect") == 0)
            return fetch(way, text_of(verb, "text"), NULL);
        else if (strcmp(name, "Hangup") == 0)
            return NULL;
        else if (strcmp(name, "Pause") != 0)
            return fail(way, 12200, "a verb that the sandbox does not know");
    }
    return NULL;
}

static void talk(struct way *way)
{
    json_t *verbs = way->twiml ? twiml_read(way->twiml, strlen(way->twiml)) : fetch(way, way->url, NULL), *next;

    if (!verbs && way->twiml)
        fail(way, 12100, "the TwiML cannot be read");
    for (int i = 0; verbs; i++) {
        next = i < DOCUMENTS_MAX ? run_document(way, verbs) : fail(way, 11200, "the call goes round in circles");
        json_decref(verbs);
        verbs = next;
    }
}

/* ---- its life ---- */

static void move(struct way *way, int which, const char *status)
{
    calls_move(way->self->calls, way->sid, status);
    tell(way, which, status);
    usleep(STEP_US);
}

static void live(void *arg, struct http *http)
{
    struct way *way = arg;
    struct callee callee;

    if (http && (way->arena = arena_new(ARENA_SIZE))) {
        way->http = http;
        calls_get_callee(way->self->calls, way->to, &callee);
        way->digits = callee.digits;
        move(way, 0, "initiated");
        move(way, 1, "ringing");
        if (strcmp(callee.does, "answer") == 0) {
            move(way, 2, "in-progress");
            talk(way);
            move(way, 3, "completed");
        } else {
            move(way, 3,
                 strcmp(callee.does, "busy") == 0        ? "busy"
                 : strcmp(callee.does, "no-answer") == 0 ? "no-answer"
                                                         : "failed");
        }
    }
    way_free(way);
}

static bool copy(char **place, const char *text)
{
    return !text || (*place = strdup(text));
}

void call_way_begin(struct sandbox *self, const struct call_plan *plan)
{
    struct way *way = calloc(1, sizeof *way);
    struct fault fault;

    if (!way)
        return;
    *way = (struct way){.self = self, .tells = {plan->initiated, plan->ringing, plan->answered, plan->end}};
    if (!copy(&way->sid, plan->sid) || !copy(&way->account_sid, plan->account_sid) || !copy(&way->to, plan->to) ||
        !copy(&way->from, plan->from) || !copy(&way->twiml, plan->twiml) || !copy(&way->url, plan->url) ||
        !copy(&way->callback, plan->callback)) {
        way_free(way);
        return;
    }
    way->twice = faults_take(self->faults, AT_CALLBACKS, FAULT_TWICE, &fault);
    if (faults_take(self->faults, AT_CALLBACKS, FAULT_LATE, &fault))
        way->late_ms = fault.ms;
    if (faults_take(self->faults, AT_CALLBACKS, FAULT_DROP, &fault)) {
        free(way->callback);
        way->callback = NULL;
    }
    later_add(self->phones, clock_mono_us() + STEP_US, live, way);
}

/* webhooks.c - see webhooks.h. */
#include "tools/sandbox/webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/httpd.h"
#include "libshared/seal.h"
#include "libshared/text.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/later.h"

#define STEP_US         20000 /* between accepted, sent and delivered */
#define CONNECT_MS      5000
#define TOTAL_MS        15000
#define FIELDS_MAX      16
#define API_VERSION     "2010-04-01"
#define RETRIES_MAX     5
#define SMS_PATH        "/api/v1/webhooks/twilio/sms"
#define WHATSAPP_PATH   "/api/v1/webhooks/twilio/whatsapp"
#define RETRY_PAUSE_US  100000
#define POST_ARENA_SIZE ((size_t)4 * 1024 * 1024)

/* ---- posting ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct form_field *)a)->name, ((const struct form_field *)b)->name);
}

bool webhook_sign(const char *token, const char *url, struct form_field *fields, size_t n, char out[29])
{
    AUTO(buf_free) struct buf text = {0};

    qsort(fields, n, sizeof *fields, by_name);
    buf_puts(&text, url);
    for (size_t i = 0; i < n; i++) {
        buf_puts(&text, fields[i].name);
        buf_puts(&text, fields[i].value);
    }
    if (text.failed)
        return false;
    hmac_sha1_base64(token, text.data, text.len, out);
    return true;
}

/* One attempt. url has no fragment; signature NULL: the right one. */
static int post(struct sandbox *self, struct http *http, const char *url, struct form_field *fields, size_t n,
                const char *signature, const char *attempt_token, struct arena *arena, struct http_response *ret,
                struct err *err)
{
    AUTO(buf_free) struct buf body = {0};
    char right[29], signature_line[128], token_line[96];

    for (size_t i = 0; i < n; i++)
        form_put(&body, fields[i].name, fields[i].value);
    if (body.failed || !webhook_sign(self->options.auth_token, url, fields, n, right))
        return err_set(err, ERR_INTERNAL, "out of memory");
    snprintf(signature_line, sizeof signature_line, "X-Twilio-Signature: %s", signature ? signature : right);
    snprintf(token_line, sizeof token_line, "I-Twilio-Idempotency-Token: %s", attempt_token);
    return http_do(http,
                   &(struct http_request){
                       .method = "POST",
                       .url = url,
                       .content_type = "application/x-www-form-urlencoded; charset=UTF-8",
                       .body = body.data,
                       .body_len = body.len,
                       .headers = (const char *const[]){signature_line, token_line, NULL},
                       .connect_timeout_ms = CONNECT_MS,
                       .timeout_ms = TOTAL_MS,
                   },
                   arena, ret, err);
}

/* ---- status callbacks ---- */

struct way {
    struct sandbox *self;
    char sid[SID_SIZE];
    char *to, *from, *url;     /* url NULL: nobody is told; without fragment */
    char policy[64];           /* when to try again: "ct,5xx" */
    int retries;               /* left for this step, of max_retries */
    int max_retries, step;     /* 0: sent, 1: the end */
    const char *end;           /* "delivered", "undelivered" */
    const char *told[2];       /* what is posted at each step */
    int error_code, late_ms;   /* of the end; error_code 0: none */
    bool twice;                /* each is posted twice */
    char token[SID_SIZE + 16]; /* of the attempts */
};

static void way_free(struct way *way)
{
    free(way->to);
    free(way->from);
    free(way->url);
    free(way);
}

/* The value of name (with its '=') in "a=1&b=2", as far as it fits. */
static bool override(const char *fragment, const char *name, char *out, size_t size)
{
    for (const char *part = fragment; part; part = strchr(part, '&') ? strchr(part, '&') + 1 : NULL)
        if (strncmp(part, name, strlen(name)) == 0) {
            part += strlen(name);
            snprintf(out, size, "%.*s", (int)strcspn(part, "&"), part);
            return true;
        }
    return false;
}

/* Connection overrides behind '#': rc=N attempts more (0 to 5; 1 by default), rp=when (ct by default). */
static void read_overrides(struct way *way)
{
    char *fragment = strchr(way->url, '#'), count[8];
    int64_t retries = 1;

    snprintf(way->policy, sizeof way->policy, "ct");
    if (fragment) {
        *fragment++ = '\0';
        override(fragment, "rp=", way->policy, sizeof way->policy);
        if (override(fragment, "rc=", count, sizeof count) && !text_to_int(count, 0, RETRIES_MAX, &retries))
            retries = 1;
    }
    way->max_retries = way->retries = (int)retries;
}

static bool try_again(const struct way *way, int rc, int status, const struct err *err)
{
    const char *why = rc == 0 ? (status >= 500 ? "5xx" : "4xx") : err->kind == ERR_UNAVAILABLE ? "ct" : "rt";

    if ((rc == 0 && status < 400) || !way->retries)
        return false;
    return strstr(way->policy, why) || strcmp(way->policy, "all") == 0;
}

/* Posts the status of this step. True: it is to be tried again. */
static bool tell(struct way *way, struct http *http)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(POST_ARENA_SIZE);
    struct form_field fields[FIELDS_MAX];
    const char *status = way->told[way->step];
    struct http_response response = {0};
    struct err err = {0};
    char code[16], done[16];
    time_t now = time(NULL);
    struct tm tm;
    size_t n = 0;
    int rc;

    if (!arena)
        return false;
    gmtime_r(&now, &tm);
    snprintf(done, sizeof done, "%02d%02d%02d%02d%02d", tm.tm_year % 100, (tm.tm_mon + 1) % 100, tm.tm_mday % 100,
             tm.tm_hour % 100, tm.tm_min % 100);
    snprintf(code, sizeof code, "%d", way->error_code);
    fields[n++] = (struct form_field){"MessageSid", way->sid};
    fields[n++] = (struct form_field){"SmsSid", way->sid};
    fields[n++] = (struct form_field){"MessageStatus", status};
    fields[n++] = (struct form_field){"SmsStatus", status};
    fields[n++] = (struct form_field){"AccountSid", way->self->options.account_sid};
    fields[n++] = (struct form_field){"From", way->from};
    fields[n++] = (struct form_field){"To", way->to};
    fields[n++] = (struct form_field){"ApiVersion", API_VERSION};
    if (strcmp(status, "sent") != 0)
        fields[n++] = (struct form_field){"RawDlrDoneDate", done};
    if (strcmp(status, "undelivered") == 0)
        fields[n++] = (struct form_field){"ErrorCode", code};
    rc = post(way->self, http, way->url, fields, n, NULL, way->token, arena, &response, &err);
    box_count(way->self, AT_CALLBACKS,
              &(struct endpoint_stats){.received = 1,
                                       .accepted = rc == 0 && response.status < 300,
                                       .refused = rc < 0 || response.status >= 300});
    return try_again(way, rc, response.status, &err);
}

/* One step of a message's way. */
static void step(void *arg, struct http *http)
{
    struct way *way = arg;

    if (!http) {
        way_free(way);
        return;
    }
    if (way->retries == way->max_retries)
        ledger_move(way->self->ledger, way->sid, way->step ? way->end : "sent", way->step ? way->error_code : 0);
    if (way->url) {
        if (tell(way, http)) {
            way->retries--;
            later_add(way->self->posts, clock_mono_us() + RETRY_PAUSE_US, step, way);
            return;
        }
        if (way->twice)
            tell(way, http);
    }
    if (way->step++) {
        way_free(way);
        return;
    }
    way->retries = way->max_retries;
    box_random_id("", 16, way->token);
    later_add(way->self->posts, clock_mono_us() + STEP_US + (int64_t)way->late_ms * 1000, step, way);
}

static void apply_faults(struct way *way)
{
    struct faults *faults = way->self->faults;
    struct fault fault;
    int struck = 0;

    if (faults_take(faults, AT_CALLBACKS, FAULT_UNDELIVERED, &fault)) {
        way->end = "undelivered";
        way->error_code = fault.code ? fault.code : 30003;
        struck++;
    }
    way->told[0] = "sent";
    way->told[1] = way->end;
    if (faults_take(faults, AT_CALLBACKS, FAULT_SHUFFLE, &fault)) {
        way->told[0] = way->end;
        way->told[1] = "sent";
        struck++;
    }
    if (faults_take(faults, AT_CALLBACKS, FAULT_TWICE, &fault)) {
        way->twice = true;
        struck++;
    }
    if (faults_take(faults, AT_CALLBACKS, FAULT_LATE, &fault)) {
        way->late_ms = fault.ms;
        struck++;
    }
    if (faults_take(faults, AT_CALLBACKS, FAULT_DROP, &fault)) {
        free(way->url);
        way->url = NULL;
        struck++;
    }
    box_count(way->self, AT_CALLBACKS, &(struct endpoint_stats){.faulted = struck > 0});
}

void webhook_follow(struct sandbox *self, const char *sid, const struct accepted *message, const char *status_callback)
{
    struct way *way = calloc(1, sizeof *way);

    if (!way)
        return;
    way->self = self;
    memcpy(way->sid, sid, SID_SIZE);
    way->end = "delivered";
    way->to = strdup(message->to);
    way->from = strdup(message->from ? message->from : message->service_sid);
    way->url = status_callback ? strdup(status_callback) : NULL;
    if (!way->to || !way->from) {
        way_free(way);
        return;
    }
    if (way->url)
        read_overrides(way);
    apply_faults(way);
    box_random_id("", 16, way->token);
    later_add(self->posts, clock_mono_us() + STEP_US + (int64_t)way->late_ms * 1000, step, way);
}

/* ---- leads' texts ---- */

struct text {
    struct sandbox *self;
    struct exchange *x;
    char *from, *to, *body, *signature;
    char sid[SID_SIZE];
    bool whatsapp;
};

static void text_free(struct text *text)
{
    free(text->from);
    free(text->to);
    free(text->body);
    free(text->signature);
    free(text);
}

static size_t text_fields(const struct text *text, struct form_field *fields)
{
    size_t n = 0;

    fields[n++] = (struct form_field){"MessageSid", text->sid};
    fields[n++] = (struct form_field){"SmsSid", text->sid};
    fields[n++] = (struct form_field){"SmsMessageSid", text->sid};
    fields[n++] = (struct form_field){"AccountSid", text->self->options.account_sid};
    fields[n++] = (struct form_field){"From", text->from};
    fields[n++] = (struct form_field){"To", text->to};
    fields[n++] = (struct form_field){"Body", text->body};
    fields[n++] = (struct form_field){"NumMedia", "0"};
    fields[n++] = (struct form_field){"NumSegments", "1"};
    fields[n++] = (struct form_field){"SmsStatus", "received"};
    fields[n++] = (struct form_field){"ApiVersion", API_VERSION};
    if (text->whatsapp) {
        fields[n++] = (struct form_field){"ProfileName", "A Lead"};
        fields[n++] = (struct form_field){"WaId", text->from + sizeof "whatsapp:+" - 1};
    }
    return n;
}

/* {"status", "body", "us", "message_sid", "error"?}; status 0: no answer came. */
static void report(struct text *text, int rc, const struct http_response *response, int64_t us, const struct err *err)
{
    AUTO(answer_clear) struct answer answer = {0};
    json_t *json = json_pack("{si ss sI ss}", "status", rc == 0 ? response->status : 0, "body", "", "us",
                             (json_int_t)us, "message_sid", text->sid);

    if (rc == 0 && utf8_valid(response->body, response->body_len))
        json_object_set_new(json, "body", json_stringn(response->body, response->body_len));
    if (rc < 0)
        json_object_set_new(json, "error", json_string(err->text));
    answer_json(&answer, 200, json);
    answer_send(&answer, text->x);
}

static void post_text(void *arg, struct http *http)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(POST_ARENA_SIZE);
    AUTO(buf_free) struct buf url = {0};
    struct text *text = arg;
    struct form_field fields[FIELDS_MAX];
    struct http_response response = {0};
    struct err err = {0};
    int64_t begun_us = clock_mono_us();
    char token[SID_SIZE];
    int rc = -1;

    if (http && arena) {
        box_random_id("", 16, token);
        buf_puts(&url, text->self->options.public_url);
        buf_puts(&url, text->whatsapp ? WHATSAPP_PATH : SMS_PATH);
        rc = post(text->self, http, url.data, fields, text_fields(text, fields), text->signature, token, arena,
                  &response, &err);
        box_count(text->self, AT_INBOUND,
                  &(struct endpoint_stats){.received = 1,
                                           .accepted = rc == 0 && response.status < 300,
                                           .refused = rc < 0 || response.status >= 300});
    }
    if (text->x)
        report(text, rc, &response, clock_mono_us() - begun_us, &err);
    text_free(text);
}

int webhook_inbound(struct sandbox *self, const struct inbound *inbound, struct exchange *x, char ret_sid[SID_SIZE])
{
    struct text *text = calloc(1, sizeof *text);

    if (!text)
        return -1;
    text->self = self;
    text->x = x;
    text->whatsapp = inbound->whatsapp;
    text->from = strdup(inbound->from);
    text->to = strdup(inbound->to);
    text->body = strdup(inbound->body);
    text->signature = inbound->signature ? strdup(inbound->signature) : NULL;
    if (inbound->sid)
        snprintf(text->sid, sizeof text->sid, "%s", inbound->sid);
    else
        box_random_id("SM", 16, text->sid);
    if (!text->from || !text->to || !text->body) {
        text_free(text);
        return -1;
    }
    memcpy(ret_sid, text->sid, SID_SIZE);
    later_add(self->posts, clock_mono_us(), post_text, text);
    return 0;
}

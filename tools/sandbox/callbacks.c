/* callbacks.c - see callbacks.h.
 *
 * The message moves in one thread, at its time. What is told of it is posted by
 * others, which may fall behind, one post after another. */
#include "tools/sandbox/callbacks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/text.h"
#include "tools/sandbox/accounts.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/later.h"
#include "tools/sandbox/twilio_check.h"
#include "tools/sandbox/webhooks.h"

#define STEP_US        20000
#define TOGETHER_US    5000 /* what is due within so much moves at once: the thread wakes less often */
#define STEPS_MAX      4
#define FIELDS_MAX     20
#define RETRIES_MAX    5
#define RETRY_PAUSE_US 100000

/* Of one message. Held by the step to come and by the post to come. */
struct way {
    struct sandbox *self;
    char sid[SID_SIZE], account_sid[SID_SIZE];
    char *to, *from, *url; /* url NULL: nobody is told; without fragment */
    char policy[64];       /* when to try again: "ct,5xx" */
    int max_retries;       /* of each post */
    const char *steps[STEPS_MAX];
    int n;
    int error_code, late_ms; /* error_code: of failed or undelivered */
    bool twice, shuffled;
    pthread_mutex_t lock; /* of what follows */
    int holders;
    int step;                  /* the one to come */
    int posted;                /* how many posts were made */
    bool posting;              /* the next one is on its way */
    int64_t due_us[STEPS_MAX]; /* of each post */
    int retries;               /* left of that post */
    char attempt[SID_SIZE];    /* of that post */
};

static void way_release(struct way *way)
{
    int holders;

    pthread_mutex_lock(&way->lock);
    holders = --way->holders;
    pthread_mutex_unlock(&way->lock);
    if (holders)
        return;
    pthread_mutex_destroy(&way->lock);
    free(way->to);
    free(way->from);
    free(way->url);
    free(way);
}

/* What is told at a step. */
static const char *told(const struct way *way, int step)
{
    return way->shuffled ? way->steps[way->n - 1 - step] : way->steps[step];
}

/* ---- telling ---- */

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
    way->max_retries = (int)retries;
}

static bool try_again(const struct way *way, int rc, int status, const struct err *err)
{
    const char *why = rc == 0 ? (status >= 500 ? "5xx" : "4xx") : err->kind == ERR_UNAVAILABLE ? "ct" : "rt";

    if ((rc == 0 && status < 400) || !way->retries)
        return false;
    return strstr(way->policy, why) || strcmp(way->policy, "all") == 0;
}

static bool is_failure(const char *status)
{
    return strcmp(status, "failed") == 0 || strcmp(status, "undelivered") == 0;
}

/* done: RawDlrDoneDate; code: the error code as text. */
static size_t fields_of(const struct way *way, const char *status, const char *done, const char *code,
                        struct form_field *fields)
{
    bool whatsapp = twilio_is_whatsapp(way->to);
    size_t n = 0;

    fields[n++] = (struct form_field){"MessageSid", way->sid};
    fields[n++] = (struct form_field){"SmsSid", way->sid};
    fields[n++] = (struct form_field){"MessageStatus", status};
    fields[n++] = (struct form_field){"SmsStatus", status};
    fields[n++] = (struct form_field){"AccountSid", way->account_sid};
    fields[n++] = (struct form_field){"From", way->from};
    fields[n++] = (struct form_field){"To", way->to};
    fields[n++] = (struct form_field){"ApiVersion", WEBHOOK_API_VERSION};
    if (!whatsapp && (strcmp(status, "delivered") == 0 || strcmp(status, "undelivered") == 0))
        fields[n++] = (struct form_field){"RawDlrDoneDate", done};
    if (whatsapp)
        fields[n++] = (struct form_field){"ChannelPrefix", "whatsapp"};
    if (strcmp(status, "read") == 0)
        fields[n++] = (struct form_field){"EventType", "READ"};
    if (is_failure(status)) {
        fields[n++] = (struct form_field){"ErrorCode", code};
        if (whatsapp)
            fields[n++] = (struct form_field){"ChannelStatusMessage", "The channel has refused the message"};
    }
    return n;
}

/* True: it is to be tried again. */
static bool tell(const struct way *way, struct http *http)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(WEBHOOK_ARENA_SIZE);
    struct form_field fields[FIELDS_MAX];
    struct http_response response = {0};
    struct account account;
    struct err err = {0};
    char code[16], done[16];
    time_t now = time(NULL);
    struct tm tm;
    int rc;

    if (!arena || !accounts_get(way->self->accounts, way->account_sid, &account))
        return false;
    gmtime_r(&now, &tm);
    snprintf(done, sizeof done, "%02d%02d%02d%02d%02d", tm.tm_year % 100, (tm.tm_mon + 1) % 100, tm.tm_mday % 100,
             tm.tm_hour % 100, tm.tm_min % 100);
    snprintf(code, sizeof code, "%d", way->error_code);
    rc = webhook_post(&(struct webhook){.url = way->url,
                                        .token = account.token,
                                        .fields = fields,
                                        .n = fields_of(way, told(way, way->posted), done, code, fields),
                                        .attempt = way->attempt},
                      http, arena, &response, &err);
    box_count(way->self, AT_CALLBACKS,
              &(struct endpoint_stats){.received = 1,
                                       .accepted = rc == 0 && response.status < 300,
                                       .refused = rc < 0 || response.status >= 300});
    return try_again(way, rc, response.status, &err);
}

/* Within the way's lock: the next post, if its step has come. False: it has not. */
static bool next_post(struct way *way)
{
    way->posting = way->posted < way->step;
    if (!way->posting)
        return false;
    way->retries = way->max_retries;
    box_random_id("", 16, way->attempt);
    return true;
}

static void post(void *arg, struct http *http)
{
    struct way *way = arg;
    bool more;

    if (!http) {
        way_release(way);
        return;
    }
    if (tell(way, http)) {
        way->retries--;
        later_add(way->self->posts, clock_mono_us() + RETRY_PAUSE_US, post, way);
        return;
    }
    if (way->twice)
        tell(way, http);
    pthread_mutex_lock(&way->lock);
    way->posted++;
    more = next_post(way);
    pthread_mutex_unlock(&way->lock);
    if (more)
        later_add(way->self->posts, way->due_us[way->posted], post, way);
    else
        way_release(way);
}

/* ---- moving ---- */

static int64_t next_step_us(void)
{
    int64_t due_us = clock_mono_us() + STEP_US + TOGETHER_US - 1;

    return due_us - due_us % TOGETHER_US;
}

static void step(void *arg, struct http *http)
{
    struct way *way = arg;
    const char *status = way->steps[way->step];
    bool begin = false, last;

    if (!http) {
        way_release(way);
        return;
    }
    ledger_move(way->self->ledger, way->sid, status, is_failure(status) ? way->error_code : 0);
    pthread_mutex_lock(&way->lock);
    way->due_us[way->step++] = clock_mono_us() + (int64_t)way->late_ms * 1000;
    last = way->step == way->n;
    if (way->url && !way->posting && (begin = next_post(way)))
        way->holders++;
    pthread_mutex_unlock(&way->lock);
    if (begin)
        later_add(way->self->posts, way->due_us[way->posted], post, way);
    if (last)
        way_release(way);
    else
        later_add(way->self->quick, next_step_us(), step, way);
}

/* Which faults strike, each on its own. */
static void apply_faults(struct way *way, int *fails_with, bool *ret_read)
{
    struct faults *faults = way->self->faults;
    struct fault fault;
    bool struck = false;

    if (faults_take(faults, AT_CALLBACKS, FAULT_UNDELIVERED, &fault)) {
        *fails_with = fault.code ? fault.code : 30003;
        struck = true;
    }
    if ((way->shuffled = faults_take(faults, AT_CALLBACKS, FAULT_SHUFFLE, &fault)))
        struck = true;
    if ((way->twice = faults_take(faults, AT_CALLBACKS, FAULT_TWICE, &fault)))
        struck = true;
    if ((*ret_read = faults_take(faults, AT_CALLBACKS, FAULT_READ, &fault)))
        struck = true;
    if (faults_take(faults, AT_CALLBACKS, FAULT_LATE, &fault)) {
        way->late_ms = fault.ms;
        struck = true;
    }
    if (faults_take(faults, AT_CALLBACKS, FAULT_DROP, &fault)) {
        free(way->url);
        way->url = NULL;
        struck = true;
    }
    box_count(way->self, AT_CALLBACKS, &(struct endpoint_stats){.faulted = struck});
}

/* There is no callback of the status with which it was created. */
static void lay_out(struct way *way, bool of_service, bool read)
{
    if (of_service)
        way->steps[way->n++] = "queued";
    if (way->error_code && !(way->error_code >= 30000 && way->error_code < 40000)) {
        way->steps[way->n++] = "failed";
        return;
    }
    way->steps[way->n++] = "sent";
    way->steps[way->n++] = way->error_code ? "undelivered" : "delivered";
    if (read && !way->error_code)
        way->steps[way->n++] = "read";
}

void callbacks_follow(struct sandbox *self, const char *sid, const struct accepted *message,
                      const char *status_callback, int fails_with)
{
    struct way *way = calloc(1, sizeof *way);
    bool read;

    if (!way)
        return;
    way->self = self;
    way->holders = 1;
    pthread_mutex_init(&way->lock, NULL);
    memcpy(way->sid, sid, SID_SIZE);
    snprintf(way->account_sid, sizeof way->account_sid, "%s", message->account_sid);
    way->to = strdup(message->to);
    way->from = strdup(message->from);
    way->url = status_callback ? strdup(status_callback) : NULL;
    if (!way->to || !way->from) {
        way_release(way);
        return;
    }
    if (way->url)
        read_overrides(way);
    apply_faults(way, &fails_with, &read);
    way->error_code = fails_with;
    lay_out(way, message->service_sid != NULL, read);
    later_add(self->quick, next_step_us(), step, way);
}

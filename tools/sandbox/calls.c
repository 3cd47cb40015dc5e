/* calls.c - see calls.h. */
#include "tools/sandbox/calls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "tools/sandbox/box.h"
#include "tools/sandbox/table.h"

#define SHOWN_MAX 1000

struct call {
    int64_t mono_us, wall_us, start_us, end_us, updated_us; /* wall times but the first; 0: not yet */
    char sid[35], account_sid[35];
    const char *status;
    char *to, *from;
    json_t *notes; /* of lists */
};

struct calls {
    pthread_mutex_t lock;
    struct call **all;
    size_t n;
    struct table by_sid;  /* struct call */
    struct table callees; /* json_t: {"does", "digits"} */
};

struct calls *calls_new(void)
{
    struct calls *self = calloc(1, sizeof *self);

    if (!self || !(self->all = calloc(CALLS_MAX, sizeof(struct call *)))) {
        free(self);
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

static void call_free(struct call *call)
{
    free(call->to);
    free(call->from);
    json_decref(call->notes);
    free(call);
}

static void callee_free(void *value)
{
    json_decref(value);
}

void calls_clear(struct calls *self)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->n; i++)
        call_free(self->all[i]);
    self->n = 0;
    table_clear(&self->by_sid, NULL);
    table_clear(&self->callees, callee_free);
    pthread_mutex_unlock(&self->lock);
}

void calls_destroy(struct calls **self_p)
{
    struct calls *self = *self_p;

    if (!self)
        return;
    calls_clear(self);
    pthread_mutex_destroy(&self->lock);
    free(self->all);
    free(self);
    *self_p = NULL;
}

/* ---- accepting ---- */

bool calls_add(struct calls *self, const struct call_request *request, char *ret_sid)
{
    struct call *call = calloc(1, sizeof *call);
    void **place = NULL;

    if (!call)
        return false;
    box_random_id("CA", 16, call->sid);
    snprintf(call->account_sid, sizeof call->account_sid, "%s", request->account_sid);
    call->to = strdup(request->to);
    call->from = strdup(request->from);
    call->notes = json_pack("{s[] s[] s[] s[] s[]}", "said", "digits", "dialled", "fetched", "errors");
    call->status = "queued";
    call->mono_us = clock_mono_us();
    call->wall_us = call->updated_us = clock_wall_us();
    memcpy(ret_sid, call->sid, sizeof call->sid);
    pthread_mutex_lock(&self->lock);
    if (call->to && call->from && call->notes && self->n < CALLS_MAX && (place = table_at(&self->by_sid, call->sid)))
        *place = self->all[self->n++] = call;
    pthread_mutex_unlock(&self->lock);
    if (!place)
        call_free(call);
    return place != NULL;
}

void calls_move(struct calls *self, const char *sid, const char *status)
{
    bool ringing = strcmp(status, "ringing") == 0 || strcmp(status, "initiated") == 0;
    struct call *call;

    pthread_mutex_lock(&self->lock);
    if ((call = table_get(&self->by_sid, sid))) {
        call->status = status;
        call->updated_us = clock_wall_us();
        if (strcmp(status, "in-progress") == 0)
            call->start_us = call->updated_us;
        else if (!ringing)
            call->end_us = call->updated_us;
    }
    pthread_mutex_unlock(&self->lock);
}

void calls_note(struct calls *self, const char *sid, const char *list, json_t *value)
{
    struct call *call;

    pthread_mutex_lock(&self->lock);
    if ((call = table_get(&self->by_sid, sid)))
        json_array_append(json_object_get(call->notes, list), value);
    pthread_mutex_unlock(&self->lock);
    json_decref(value);
}

/* ---- showing ---- */

/* RFC 2822. NULL for 0. */
static json_t *date(int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    char text[40];

    if (!wall_us)
        return json_null();
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&seconds, &tm));
    return json_string(text);
}

static json_t *call_json(const struct call *call)
{
    char uri[160], duration[24];

    snprintf(uri, sizeof uri, "/2010-04-01/Accounts/%s/Calls/%s.json", call->account_sid, call->sid);
    snprintf(duration, sizeof duration, "%lld", (long long)((call->end_us - call->start_us + 999999) / 1000000));
    return json_pack("{ss ss ss ss ss ss ss ss so so so so so sn sn sn sn sn sn sn sn ss sn ss ss}", "sid", call->sid,
                     "account_sid", call->account_sid, "to", call->to, "to_formatted", call->to, "from", call->from,
                     "from_formatted", call->from, "status", call->status, "api_version", "2010-04-01", "date_created",
                     date(call->wall_us), "date_updated", date(call->updated_us), "start_time", date(call->start_us),
                     "end_time", date(call->end_us), "duration",
                     call->start_us && call->end_us ? json_string(duration) : json_null(), "parent_call_sid",
                     "phone_number_sid", "price", "answered_by", "forwarded_from", "group_sid", "caller_name",
                     "trunk_sid", "price_unit", "USD", "annotation", "direction", "outbound-api", "uri", uri);
}

static bool is_shown(const struct call *call, const char *account_sid, int64_t hide_ms)
{
    return strcmp(call->account_sid, account_sid) == 0 && clock_mono_us() - call->mono_us >= hide_ms * 1000;
}

json_t *calls_get(struct calls *self, const char *account_sid, const char *sid, int64_t hide_ms)
{
    const struct call *call;
    json_t *json;

    pthread_mutex_lock(&self->lock);
    call = table_get(&self->by_sid, sid);
    json = call && is_shown(call, account_sid, hide_ms) ? call_json(call) : NULL;
    pthread_mutex_unlock(&self->lock);
    return json;
}

json_t *calls_list(struct calls *self, const char *account_sid, const char *to, const char *from, int64_t hide_ms,
                   int n)
{
    json_t *list = json_array();

    pthread_mutex_lock(&self->lock);
    for (size_t i = self->n; i > 0 && json_array_size(list) < (size_t)n; i--) {
        const struct call *call = self->all[i - 1];

        if (is_shown(call, account_sid, hide_ms) && (!to || strcmp(call->to, to) == 0) &&
            (!from || strcmp(call->from, from) == 0))
            json_array_append_new(list, call_json(call));
    }
    pthread_mutex_unlock(&self->lock);
    return list;
}

json_t *calls_accepted(struct calls *self, const char *to)
{
    json_t *list = json_array();

    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->n && json_array_size(list) < SHOWN_MAX; i++) {
        const struct call *call = self->all[i];
        json_t *json;

        if (to && strcmp(call->to, to) != 0)
            continue;
        json = json_deep_copy(call->notes);
        json_object_update_new(json, json_pack("{ss ss ss ss ss sI}", "sid", call->sid, "account_sid",
                                               call->account_sid, "to", call->to, "from", call->from, "status",
                                               call->status, "received_at_us", (json_int_t)call->mono_us));
        json_array_append_new(list, json);
    }
    pthread_mutex_unlock(&self->lock);
    return list;
}

/* ---- callees ---- */

static int check_callee(const json_t *json, struct err *err)
{
    static const char *const doings[] = {"answer", "busy", "no-answer", "failed"};
    const char *number = json_string_value(json_object_get(json, "number"));
    const json_t *does = json_object_get(json, "does"), *digits = json_object_get(json, "digits"), *pressed;
    bool found = !does;
    size_t i;

    if (!number || !phone_is_e164(number))
        return err_set_field(err, ERR_INVALID, "number", "number must be one like +15557654321");
    for (i = 0; i < COUNT_OF(doings) && json_is_string(does); i++)
        found = found || strcmp(doings[i], json_string_value(does)) == 0;
    if (!found)
        return err_set_field(err, ERR_INVALID, "does", "does must be answer, busy, no-answer or failed");
    if (digits && !json_is_array(digits))
        return err_set_field(err, ERR_INVALID, "digits", "digits must be a list of texts");
    json_array_foreach (digits, i, pressed)
        if (!json_is_string(pressed) ||
            json_string_value(pressed)[strspn(json_string_value(pressed), "0123456789*#")] != '\0')
            return err_set_field(err, ERR_INVALID, "digits", "digits must be of 0 to 9, * and #");
    return 0;
}

int calls_put_callee(struct calls *self, const json_t *json, struct err *err)
{
    json_t *digits = json_object_get(json, "digits");
    const char *does = json_string_value(json_object_get(json, "does"));
    void **place;

    if (check_callee(json, err) < 0)
        return -1;
    pthread_mutex_lock(&self->lock);
    if ((place = table_at(&self->callees, json_string_value(json_object_get(json, "number"))))) {
        json_decref(*place);
        *place =
            json_pack("{ss so}", "does", does ? does : "answer", "digits", digits ? json_incref(digits) : json_array());
    }
    pthread_mutex_unlock(&self->lock);
    return place ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

void calls_get_callee(struct calls *self, const char *number, struct callee *ret)
{
    const json_t *callee;

    pthread_mutex_lock(&self->lock);
    callee = table_get(&self->callees, number);
    snprintf(ret->does, sizeof ret->does, "%s", callee ? json_string_value(json_object_get(callee, "does")) : "answer");
    ret->digits = callee ? json_deep_copy(json_object_get(callee, "digits")) : json_array();
    pthread_mutex_unlock(&self->lock);
}

/* twilio_calls.c - Twilio's Calls API: create, list, fetch. */
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/form.h"
#include "libshared/httpd.h"
#include "libshared/text.h"
#include "tools/sandbox/call_way.h"
#include "tools/sandbox/calls.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/people.h"
#include "tools/sandbox/twilio.h"
#include "tools/sandbox/twilio_check.h"

#define FORM_ARENA_SIZE ((size_t)1024 * 1024)
#define FORM_MAX        ((size_t)128 * 1024)
#define TWIML_MAX       4000 /* characters */
#define PAGE_DEFAULT    50
#define PAGE_MAX        1000

static const char *value_of(const struct form *form, const char *name)
{
    const char *value = form_get(form, name);

    return value && *value ? value : NULL;
}

static bool refuse(struct twilio_refusal *ret, int code, const char *message)
{
    ret->code = code;
    snprintf(ret->message, sizeof ret->message, "%s", message);
    return false;
}

/* Which events are told: the end alone unless StatusCallbackEvent says so. */
static bool read_events(const struct form *form, struct call_plan *plan, struct twilio_refusal *ret)
{
    bool any = false;

    for (size_t i = 0; i < form->n; i++) {
        const char *event = form->fields[i].value;

        if (strcmp(form->fields[i].name, "StatusCallbackEvent") != 0)
            continue;
        any = true;
        if (strcmp(event, "initiated") == 0)
            plan->initiated = true;
        else if (strcmp(event, "ringing") == 0)
            plan->ringing = true;
        else if (strcmp(event, "answered") == 0)
            plan->answered = true;
        else if (strcmp(event, "completed") == 0)
            plan->end = true;
        else
            return refuse(ret, 21626, "Invalid StatusCallbackEvent: one parameter an event");
    }
    plan->end = plan->end || !any;
    return true;
}

static bool check(struct sandbox *self, const struct form *form, const struct account *account, struct call_plan *plan,
                  struct twilio_refusal *ret)
{
    struct person person;

    *plan = (struct call_plan){.account_sid = account->sid,
                               .to = value_of(form, "To"),
                               .from = value_of(form, "From"),
                               .twiml = value_of(form, "Twiml"),
                               .url = value_of(form, "Url"),
                               .callback = value_of(form, "StatusCallback")};
    if (!plan->to)
        return refuse(ret, 21201, "No 'To' number is specified");
    people_get(self->people, plan->to, &person);
    if (!phone_is_e164(plan->to) || !person.valid)
        return refuse(ret, 21211, "Invalid 'To' Phone Number");
    if (!plan->from)
        return refuse(ret, 21213, "No 'From' number is specified");
    if (!phone_is_e164(plan->from))
        return refuse(ret, 21212, "Invalid 'From' Phone Number");
    if (!accounts_may_send(self->accounts, account->sid, plan->from))
        return refuse(ret, 21210, "The source phone number provided is not yet verified for your account");
    if (!plan->twiml == !plan->url)
        return refuse(ret, 21205, plan->url ? "Url and Twiml are not taken together" : "Url parameter is required.");
    if (plan->url && !twilio_check_url(plan->url))
        return refuse(ret, 21205, "Url is not a valid URL");
    if (plan->twiml && utf8_count(plan->twiml) > TWIML_MAX)
        return refuse(ret, 20001, "Twiml has more than 4000 characters");
    if (plan->callback && !twilio_check_url(plan->callback))
        return refuse(ret, 21609, "The StatusCallback URL is not a valid URL.");
    return read_events(form, plan, ret);
}

void box_calls_create(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(FORM_ARENA_SIZE);
    const char *type = exchange_header(x, "Content-Type");
    struct twilio_refusal refusal;
    struct call_plan plan;
    struct form form = {0};
    char sid[40];

    if (!arena || exchange_body_len(x) > FORM_MAX ||
        (type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0 &&
         form_parse(exchange_body(x), exchange_body_len(x), arena, &form, NULL) < 0)) {
        answer_twilio_error(answer, 400, 20001, "Invalid parameter");
    } else if (!check(self, &form, account, &plan, &refusal)) {
        answer_twilio_error(answer, 400, refusal.code, refusal.message);
    } else if (!calls_add(self->calls,
                          &(struct call_request){.account_sid = account->sid, .to = plan.to, .from = plan.from}, sid)) {
        answer_twilio_error(answer, 500, 20500, "Internal Server Error");
    } else {
        plan.sid = sid;
        answer_json(answer, 201, calls_get(self->calls, account->sid, sid, 0));
        call_way_begin(self, &plan);
    }
}

static int64_t hidden_ms(struct sandbox *self)
{
    struct fault fault;

    return faults_take(self->faults, AT_TWILIO_LIST, FAULT_HIDE, &fault) ? fault.ms : 0;
}

void box_calls_list(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(FORM_ARENA_SIZE);
    const char *text = exchange_query(x), *size;
    int64_t page_size = PAGE_DEFAULT;
    struct form query;

    if (!arena || form_parse(text, strlen(text), arena, &query, NULL) < 0 ||
        ((size = value_of(&query, "PageSize")) && !text_to_int(size, 1, PAGE_MAX, &page_size)))
        answer_twilio_error(answer, 400, 20001, "Invalid parameter");
    else
        answer_json(answer, 200,
                    json_pack("{so si si sn ss}", "calls",
                              calls_list(self->calls, account->sid, value_of(&query, "To"), value_of(&query, "From"),
                                         hidden_ms(self), (int)page_size),
                              "page", 0, "page_size", (int)page_size, "next_page_uri", "uri", exchange_target(x)));
}

void box_calls_fetch(struct sandbox *self, const char *name, const struct account *account, struct answer *answer)
{
    json_t *call = NULL;
    char sid[40];

    if (strlen(name) == 39 && strcmp(name + 34, ".json") == 0) {
        snprintf(sid, sizeof sid, "%.34s", name);
        call = calls_get(self->calls, account->sid, sid, hidden_ms(self));
    }
    if (call)
        answer_json(answer, 200, call);
    else
        answer_twilio_error(answer, 404, 20404, "The requested resource was not found");
}

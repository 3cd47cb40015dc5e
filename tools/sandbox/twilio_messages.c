/* twilio_messages.c - Twilio's Messages API: create, list, fetch. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/httpd.h"
#include "libshared/text.h"
#include "tools/sandbox/accounts.h"
#include "tools/sandbox/callbacks.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/ledger.h"
#include "tools/sandbox/people.h"
#include "tools/sandbox/templates.h"
#include "tools/sandbox/twilio.h"
#include "tools/sandbox/twilio_check.h"

#define FORM_ARENA_SIZE ((size_t)1024 * 1024)
#define FORM_MAX        ((size_t)128 * 1024)
#define PAGE_DEFAULT    50

/* NULL if it is absent or empty. */
static const char *value_of(const struct form *query, const char *name)
{
    const char *value = form_get(query, name);

    return value && *value ? value : NULL;
}

/* ---- POST Messages.json ---- */

static bool is_form(const struct exchange *x)
{
    const char *type = exchange_header(x, "Content-Type");

    return type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
}

/* What becomes of a message: how it is accepted, and the code with which it fails later. */
struct attempt {
    struct sandbox *self;
    const struct account *account;
    struct form form;
    struct accepted message;
    char sender[ADDRESS_SIZE];
    struct buf rendered; /* what the template says */
    int fails_with;      /* in a callback; 0: not at all */
};

static bool refuse(struct twilio_refusal *ret, int code, const char *message)
{
    ret->code = code;
    snprintf(ret->message, sizeof ret->message, "%s", message);
    return false;
}

static const char *number_of(const char *address)
{
    return twilio_is_whatsapp(address) ? address + sizeof "whatsapp:" - 1 : address;
}

/* Who sends: From, or a number of the service. */
static bool choose_sender(struct attempt *a, struct twilio_refusal *ret)
{
    const char *from = value_of(&a->form, "From"), *service = value_of(&a->form, "MessagingServiceSid");
    struct accounts *accounts = a->self->accounts;

    if (from && !accounts_may_send(accounts, a->account->sid, from))
        return twilio_is_whatsapp(from)
                   ? refuse(ret, 63007, "Twilio could not find a Channel with the specified From address")
                   : refuse(ret, 21606,
                            "The 'From' phone number is not a valid message-capable number of this account.");
    if (service && !accounts_service_sender(accounts, a->account->sid, service, from, a->message.to, a->sender))
        return refuse(ret, 21703, "The Messaging Service does not have a phone number available to send a message");
    if (!service)
        snprintf(a->sender, sizeof a->sender, "%s", from);
    a->message.from = a->sender;
    a->message.from_later = !from;
    a->message.service_sid = service;
    return true;
}

/* A template's text, or free text within the window. */
static bool check_words(struct attempt *a, struct twilio_refusal *ret)
{
    const char *body = value_of(&a->form, "Body");
    bool whatsapp = twilio_is_whatsapp(a->message.to);
    bool in_window = whatsapp && people_in_window(a->self->people, number_of(a->sender), number_of(a->message.to));

    a->message.body = body ? body : "";
    a->message.content_sid = value_of(&a->form, "ContentSid");
    if (a->message.content_sid) {
        if (!templates_render(a->self->templates, a->account->sid, a->message.content_sid,
                              value_of(&a->form, "ContentVariables"), whatsapp, in_window, &a->rendered, ret))
            return false;
        a->message.body = a->rendered.data ? a->rendered.data : "";
    } else if (whatsapp && !in_window) {
        return refuse(ret, 63016,
                      "Failed to send freeform message because you are outside the allowed window. If you are using "
                      "WhatsApp, please use a Message Template.");
    }
    return true;
}

/* The recipient: opted out, a landline, unknown. */
static bool check_recipient(struct attempt *a, struct twilio_refusal *ret)
{
    const char *number = number_of(a->message.to);
    bool whatsapp = twilio_is_whatsapp(a->message.to);
    struct person person;

    people_get(a->self->people, number, &person);
    if (!whatsapp &&
        people_opted_out(a->self->people, a->message.service_sid ? a->message.service_sid : a->sender, number))
        return refuse(ret, 21610, "Attempt to send to unsubscribed recipient");
    if (!person.valid)
        return refuse(ret, 21211, "Invalid 'To' Phone Number");
    /* Of WhatsApp's own codes only those count by WhatsApp, and the others only by SMS. */
    if (!person.code || whatsapp != (person.code >= 63000 && person.code < 64000))
        return true;
    if (person.code == 21614)
        return refuse(ret, 21614, "'To' number is not a valid mobile number");
    if (person.code >= 20000 && person.code < 30000)
        return refuse(ret, person.code, "The message cannot be sent to this number");
    a->fails_with = person.code;
    return true;
}

/* Whether it is accepted. What WhatsApp refuses can also be told in a callback alone. */
static bool consider(struct attempt *a, struct twilio_refusal *ret)
{
    if (!twilio_check_message(&a->form, ret))
        return false;
    a->message.account_sid = a->account->sid;
    a->message.to = form_get(&a->form, "To");
    for (size_t i = 0; i < a->form.n; i++)
        a->message.num_media += strcmp(a->form.fields[i].name, "MediaUrl") == 0;
    if (!choose_sender(a, ret))
        return false;
    if (!check_words(a, ret)) {
        if (ret->code < 63000 || !atomic_load(&a->self->refuse_late))
            return false;
        a->fails_with = ret->code;
    }
    return check_recipient(a, ret);
}

void box_messages_create(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(FORM_ARENA_SIZE);
    struct attempt a = {.self = self, .account = account};
    struct twilio_refusal refusal;
    char sid[SID_SIZE];

    if (!arena || exchange_body_len(x) > FORM_MAX ||
        (is_form(x) && form_parse(exchange_body(x), exchange_body_len(x), arena, &a.form, NULL) < 0))
        answer_twilio_error(answer, 400, 20001, "Invalid parameter");
    else if (!consider(&a, &refusal))
        answer_twilio_error(answer, 400, refusal.code, refusal.message);
    else if (ledger_add(self->ledger, &a.message, sid) < 0)
        answer_twilio_error(answer, 500, 20500, "Internal Server Error");
    else {
        answer_json(answer, 201, ledger_get(self->ledger, account->sid, sid, 0));
        callbacks_follow(self, sid, &a.message, value_of(&a.form, "StatusCallback"), a.fails_with);
    }
    buf_free(&a.rendered);
}

/* ---- GET Messages.json ---- */

/* Narrows the filter by one date parameter. */
static bool take_date(const struct form *query, const char *name, struct list_filter *filter)
{
    const char *text = form_get(query, name);
    int64_t from_s, until_s;

    if (!text || !*text)
        return true;
    if (!twilio_check_date(text, &from_s, &until_s))
        return false;
    if (!strchr(name, '<') && from_s > filter->sent_from_s)
        filter->sent_from_s = from_s;
    if (!strchr(name, '>') && (!filter->sent_until_s || until_s < filter->sent_until_s))
        filter->sent_until_s = until_s;
    return true;
}

static bool read_filter(const struct form *query, struct list_filter *ret, int64_t *ret_page)
{
    const char *size = value_of(query, "PageSize"), *page = value_of(query, "Page"),
               *token = value_of(query, "PageToken");
    int64_t page_size = PAGE_DEFAULT;

    *ret = (struct list_filter){.to = value_of(query, "To"), .from = value_of(query, "From")};
    *ret_page = 0;
    if (size && !text_to_int(size, 1, LIST_PAGE_MAX, &page_size))
        return false;
    if (page && !text_to_int(page, 0, INT32_MAX, ret_page))
        return false;
    ret->page_size = (int)page_size;
    if (token &&
        (strncmp(token, "PA", 2) != 0 || (!twilio_check_sid(token + 2, "SM") && !twilio_check_sid(token + 2, "MM"))))
        return false;
    ret->after_sid = token ? token + 2 : NULL;
    return take_date(query, "DateSent", ret) && take_date(query, "DateSent<", ret) &&
           take_date(query, "DateSent>", ret);
}

/* The address of a page with the filters of this one. */
static json_t *page_uri(const char *account_sid, const struct form *query, int page_size, int64_t page,
                        const char *after_sid)
{
    static const char *const kept[] = {"To", "From", "DateSent", "DateSent<", "DateSent>"};
    AUTO(buf_free) struct buf text = {0}, uri = {0};
    char number[32];

    for (size_t i = 0; i < COUNT_OF(kept); i++)
        if (value_of(query, kept[i]))
            form_put(&text, kept[i], value_of(query, kept[i]));
    snprintf(number, sizeof number, "%d", page_size);
    form_put(&text, "PageSize", number);
    snprintf(number, sizeof number, "%lld", (long long)page);
    form_put(&text, "Page", number);
    if (after_sid)
        buf_printf(&text, "&PageToken=PA%s", after_sid);
    buf_printf(&uri, "/2010-04-01/Accounts/%s/Messages.json?%s", account_sid, text.data ? text.data : "");
    return json_string(uri.data ? uri.data : "");
}

void box_messages_list(struct sandbox *self, struct exchange *x, const struct account *account, struct answer *answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(FORM_ARENA_SIZE);
    const char *account_sid = account->sid, *query_text = exchange_query(x), *last = NULL;
    struct list_filter filter;
    struct fault fault;
    struct form query;
    json_t *page, *whole;
    int64_t number, start;
    bool more;
    int n;

    if (!arena || form_parse(query_text, strlen(query_text), arena, &query, NULL) < 0 ||
        !read_filter(&query, &filter, &number)) {
        answer_twilio_error(answer, 400, 20001, "Invalid parameter");
        return;
    }
    if (faults_take(self->faults, AT_TWILIO_LIST, FAULT_HIDE, &fault))
        filter.hide_ms = fault.ms;
    filter.account_sid = account_sid;
    page = ledger_list(self->ledger, &filter, &more);
    n = (int)json_array_size(page);
    if (n)
        last = json_string_value(json_object_get(json_array_get(page, (size_t)n - 1), "sid"));
    start = number * filter.page_size;
    whole = json_pack("{sI sI so so si si so sn}", "end", (json_int_t)(n ? start + n - 1 : start), "start",
                      (json_int_t)start, "first_page_uri", page_uri(account_sid, &query, filter.page_size, 0, NULL),
                      "next_page_uri",
                      more ? page_uri(account_sid, &query, filter.page_size, number + 1, last) : json_null(), "page",
                      (int)number, "page_size", filter.page_size, "uri",
                      page_uri(account_sid, &query, filter.page_size, number, filter.after_sid), "previous_page_uri");
    json_object_set_new(whole, "messages", page);
    answer_json(answer, 200, whole);
}

/* ---- GET Messages/{Sid}.json ---- */

void box_messages_fetch(struct sandbox *self, const char *name, const struct account *account, struct answer *answer)
{
    size_t len = strlen(name);
    struct fault fault;
    json_t *message = NULL;
    char sid[SID_SIZE];
    int hide_ms = 0;

    if (faults_take(self->faults, AT_TWILIO_LIST, FAULT_HIDE, &fault))
        hide_ms = fault.ms;
    if (len == SID_SIZE - 1 + 5 && strcmp(name + SID_SIZE - 1, ".json") == 0) {
        snprintf(sid, sizeof sid, "%.*s", SID_SIZE - 1, name);
        message = ledger_get(self->ledger, account->sid, sid, hide_ms);
    }
    if (message)
        answer_json(answer, 200, message);
    else
        answer_twilio_error(answer, 404, 20404, "The requested resource was not found");
}

/* twilio.c - Twilio's Messages API: create, list, fetch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/httpd.h"
#include "libshared/seal.h"
#include "libshared/text.h"
#include "tools/sandbox/box.h"
#include "tools/sandbox/faults.h"
#include "tools/sandbox/ledger.h"
#include "tools/sandbox/twilio_check.h"
#include "tools/sandbox/webhooks.h"

#define ACCOUNTS        "/2010-04-01/Accounts/"
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

static void create(struct sandbox *self, struct exchange *x, struct answer *answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(FORM_ARENA_SIZE);
    struct twilio_refusal refusal;
    struct accepted message;
    struct form form = {0};
    char sid[SID_SIZE];
    const char *callback;

    if (!arena || exchange_body_len(x) > FORM_MAX ||
        (is_form(x) && form_parse(exchange_body(x), exchange_body_len(x), arena, &form, NULL) < 0)) {
        answer_twilio_error(answer, 400, 20001, "Invalid parameter");
        return;
    }
    if (!twilio_check_message(&form, self->options.numbers, self->options.n_numbers, &refusal)) {
        answer_twilio_error(answer, 400, refusal.code, refusal.message);
        return;
    }
    message.to = form_get(&form, "To");
    message.from = value_of(&form, "From");
    message.service_sid = value_of(&form, "MessagingServiceSid");
    message.body = value_of(&form, "Body") ? value_of(&form, "Body") : "";
    callback = value_of(&form, "StatusCallback");
    if (ledger_opted_out(self->ledger, message.to)) {
        answer_twilio_error(answer, 400, 21610, "Attempt to send to unsubscribed recipient");
        return;
    }
    if (ledger_add(self->ledger, &message, sid) < 0) {
        answer_twilio_error(answer, 500, 20500, "Internal Server Error");
        return;
    }
    answer_json(answer, 201, ledger_get(self->ledger, self->options.account_sid, sid, 0));
    webhook_follow(self, sid, &message, callback);
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
    if (token && (strncmp(token, "PA", 2) != 0 || !twilio_check_sid(token + 2, "SM")))
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
    buf_printf(&uri, ACCOUNTS "%s/Messages.json?%s", account_sid, text.data ? text.data : "");
    return json_string(uri.data ? uri.data : "");
}

static void list(struct sandbox *self, struct exchange *x, struct answer *answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(FORM_ARENA_SIZE);
    const char *account_sid = self->options.account_sid, *query_text = exchange_query(x), *last = NULL;
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
    page = ledger_list(self->ledger, account_sid, &filter, &more);
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

static void fetch(struct sandbox *self, const char *name, struct answer *answer)
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
        message = ledger_get(self->ledger, self->options.account_sid, sid, hide_ms);
    }
    if (message)
        answer_json(answer, 200, message);
    else
        answer_twilio_error(answer, 404, 20404, "The requested resource was not found");
}

void box_twilio(struct sandbox *self, struct exchange *x, enum endpoint at, struct answer *answer)
{
    const char *authorization = exchange_header(x, "Authorization"), *account = exchange_path(x) + sizeof ACCOUNTS - 1;
    const char *resource = strchr(account, '/');
    char request_id[40];

    box_random_id("RQ", 16, request_id);
    answer_header(answer, "Twilio-Request-Id", request_id);
    if (!authorization || !equal_secret(authorization, self->basic)) {
        answer_twilio_error(answer, 401, 20003, "Authenticate");
        return;
    }
    if (strlen(self->options.account_sid) != (size_t)(resource - account) ||
        memcmp(account, self->options.account_sid, (size_t)(resource - account)) != 0) {
        answer_twilio_error(answer, 404, 20404, "The requested resource was not found");
        return;
    }
    if (at == AT_TWILIO_SEND)
        create(self, x, answer);
    else if (strcmp(resource, "/Messages.json") == 0)
        list(self, x, answer);
    else
        fetch(self, resource + sizeof "/Messages/" - 1, answer);
}

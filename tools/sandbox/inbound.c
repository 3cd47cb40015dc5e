/* inbound.c - see inbound.h. */
#include "tools/sandbox/inbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/httpd.h"
#include "libshared/text.h"
#include "tools/sandbox/accounts.h"
#include "tools/sandbox/keywords.h"
#include "tools/sandbox/later.h"
#include "tools/sandbox/people.h"
#include "tools/sandbox/segments.h"
#include "tools/sandbox/twilio_check.h"
#include "tools/sandbox/webhooks.h"

#define FIELDS_MAX    64
#define MEDIA_MAX     10
#define BODY_MAX      1600 /* characters of a lead's text */
#define SMS_PATH      "/api/v1/webhooks/twilio/sms"
#define WHATSAPP_PATH "/api/v1/webhooks/twilio/whatsapp"

struct text {
    struct sandbox *self;
    struct exchange *x;
    struct account account; /* whose token signs it */
    json_t *form;           /* name: value */
    char *signature;        /* NULL: the right one */
    char sid[SID_SIZE];
    bool whatsapp;
};

static void text_free(struct text *text)
{
    json_decref(text->form);
    free(text->signature);
    free(text);
}

/* ---- reading ---- */

static const char *text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* Parameters of the form that are given under a name of their own. */
static const struct {
    const char *given, *field;
} plain[] = {
    {"profile_name", "ProfileName"},
    {"latitude", "Latitude"},
    {"longitude", "Longitude"},
    {"address", "Address"},
    {"label", "Label"},
    {"button_text", "ButtonText"},
    {"opt_out_type", "OptOutType"},
    {"messaging_service_sid", "MessagingServiceSid"},
    {"button_payload", "ButtonPayload"},
};

static bool is_known(const char *name)
{
    static const char *const known[] = {"from", "to",        "body",  "message_sid", "channel",
                                        "wait", "signature", "media", "fields"};

    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        if (strcmp(plain[i].given, name) == 0)
            return true;
    return false;
}

static int check_address(const json_t *json, struct err *err)
{
    const char *from = text_of(json, "from"), *to = text_of(json, "to"), *channel = text_of(json, "channel");

    if (!from || !phone_is_e164(from) || !to || !phone_is_e164(to))
        return err_set_field(err, ERR_INVALID, "from", "from and to must be numbers like +15557654321");
    if (channel && strcmp(channel, "sms") != 0 && strcmp(channel, "whatsapp") != 0)
        return err_set_field(err, ERR_INVALID, "channel", "channel must be sms or whatsapp");
    return 0;
}

static int check_words(const json_t *json, struct err *err)
{
    const char *body = text_of(json, "body"), *sid = text_of(json, "message_sid"),
               *signature = text_of(json, "signature"), *type = text_of(json, "opt_out_type");

    if (!body || utf8_count(body) > BODY_MAX)
        return err_set_field(err, ERR_INVALID, "body", "body must be a text of at most 1600 characters");
    if (sid && !twilio_check_sid(sid, "SM") && !twilio_check_sid(sid, "MM"))
        return err_set_field(err, ERR_INVALID, "message_sid", "message_sid must be SM or MM and 32 hex digits");
    if (signature && text_has_control(signature))
        return err_set_field(err, ERR_INVALID, "signature", "signature must not have control bytes");
    if (type && strcmp(type, "STOP") != 0 && strcmp(type, "START") != 0 && strcmp(type, "HELP") != 0)
        return err_set_field(err, ERR_INVALID, "opt_out_type", "opt_out_type must be STOP, START or HELP");
    return 0;
}

static int check(const struct sandbox *self, const json_t *json, struct err *err)
{
    const json_t *value;
    const char *name;

    if (!self->options.public_url)
        return err_set(err, ERR_INVALID, "the sandbox was started without --public-url");
    if (!json_is_object(json))
        return err_set(err, ERR_INVALID, "a text is a JSON object");
    json_object_foreach ((json_t *)json, name, value)
        if (!is_known(name))
            return err_set_field(err, ERR_INVALID, name, "%.40s is not known; see README.md, inbound", name);
    if (check_address(json, err) < 0 || check_words(json, err) < 0)
        return -1;
    value = json_object_get(json, "media");
    if (value && (!json_is_array(value) || json_array_size(value) > MEDIA_MAX))
        return err_set_field(err, ERR_INVALID, "media", "media must be a list of at most %d", MEDIA_MAX);
    value = json_object_get(json, "fields");
    if (value && (!json_is_object(value) || json_object_size(value) > FIELDS_MAX / 2))
        return err_set_field(err, ERR_INVALID, "fields", "fields must be an object of at most %d texts",
                             FIELDS_MAX / 2);
    return 0;
}

/* ---- the form ---- */

static void put(json_t *form, const char *name, const char *value)
{
    json_object_set_new(form, name, json_string(value));
}

static int put_media(json_t *form, const json_t *media, struct err *err)
{
    char name[48];
    const json_t *one;
    size_t i;

    json_array_foreach (media, i, one) {
        const char *url = text_of(one, "url"), *type = text_of(one, "content_type");

        if (!url)
            return err_set_field(err, ERR_INVALID, "media", "each of media is {\"url\", \"content_type\"?}");
        snprintf(name, sizeof name, "MediaUrl%zu", i);
        put(form, name, url);
        snprintf(name, sizeof name, "MediaContentType%zu", i);
        put(form, name, type ? type : "image/jpeg");
    }
    snprintf(name, sizeof name, "%zu", json_array_size(media));
    put(form, "NumMedia", name);
    return 0;
}

static int put_others(json_t *form, const json_t *json, struct err *err)
{
    json_t *fields = json_object_get(json, "fields"), *value;
    const char *name;

    for (size_t i = 0; i < COUNT_OF(plain); i++)
        if (text_of(json, plain[i].given))
            put(form, plain[i].field, text_of(json, plain[i].given));
        else if (json_object_get(json, plain[i].given))
            return err_set_field(err, ERR_INVALID, plain[i].given, "%s must be a text", plain[i].given);
    json_object_foreach (fields, name, value) {
        if (!json_is_string(value))
            return err_set_field(err, ERR_INVALID, "fields", "fields must be texts");
        json_object_set(form, name, value);
    }
    return 0;
}

static int fill(struct text *text, const json_t *json, struct err *err)
{
    const char *prefix = text->whatsapp ? "whatsapp:" : "", *body = text_of(json, "body"), *to = text_of(json, "to");
    char address[ADDRESS_SIZE], service[ADDRESS_SIZE], segments[16];
    json_t *form = text->form;

    put(form, "MessageSid", text->sid);
    put(form, "SmsSid", text->sid);
    put(form, "SmsMessageSid", text->sid);
    put(form, "AccountSid", text->account.sid);
    snprintf(address, sizeof address, "%s%s", prefix, text_of(json, "from"));
    put(form, "From", address);
    snprintf(address, sizeof address, "%s%s", prefix, to);
    put(form, "To", address);
    put(form, "Body", body);
    snprintf(segments, sizeof segments, "%d", text->whatsapp ? 1 : sms_segments_of(body));
    put(form, "NumSegments", segments);
    put(form, "SmsStatus", "received");
    put(form, "ApiVersion", WEBHOOK_API_VERSION);
    if (accounts_service_of(text->self->accounts, to, service))
        put(form, "MessagingServiceSid", service);
    if (text->whatsapp) {
        put(form, "ProfileName", "A Lead");
        put(form, "WaId", text_of(json, "from") + 1);
    }
    return put_media(form, json_object_get(json, "media"), err) < 0 || put_others(form, json, err) < 0 ? -1 : 0;
}

/* ---- posting ---- */

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

static int post_form(const struct text *text, struct http *http, struct arena *arena, struct http_response *ret,
                     struct err *err)
{
    AUTO(buf_free) struct buf url = {0};
    struct form_field fields[FIELDS_MAX];
    char attempt[SID_SIZE];
    const char *name;
    json_t *value;
    size_t n = 0;

    buf_puts(&url, text->self->options.public_url);
    buf_puts(&url, text->whatsapp ? WHATSAPP_PATH : SMS_PATH);
    box_random_id("", 16, attempt);
    json_object_foreach (text->form, name, value)
        if (n < FIELDS_MAX)
            fields[n++] = (struct form_field){name, json_string_value(value)};
    return webhook_post(&(struct webhook){.url = url.data,
                                          .token = text->account.token,
                                          .fields = fields,
                                          .n = n,
                                          .signature = text->signature,
                                          .attempt = attempt},
                        http, arena, ret, err);
}

static void post_text(void *arg, struct http *http)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(WEBHOOK_ARENA_SIZE);
    struct text *text = arg;
    struct http_response response = {0};
    struct err err = {0};
    int64_t begun_us = clock_mono_us();
    int rc = -1;

    if (http && arena) {
        rc = post_form(text, http, arena, &response, &err);
        box_count(text->self, AT_INBOUND,
                  &(struct endpoint_stats){.received = 1,
                                           .accepted = rc == 0 && response.status < 300,
                                           .refused = rc < 0 || response.status >= 300});
    }
    if (text->x)
        report(text, rc, &response, clock_mono_us() - begun_us, &err);
    text_free(text);
}

/* ---- what Twilio itself does ---- */

static enum keyword keyword_in(const struct text *text, const json_t *json)
{
    const char *type = json_string_value(json_object_get(text->form, "OptOutType"));

    if (type)
        return strcmp(type, "STOP") == 0 ? KEYWORD_STOP : strcmp(type, "START") == 0 ? KEYWORD_START : KEYWORD_HELP;
    return keyword_of(text_of(json, "body"), text_of(json, "to"));
}

/* Twilio acts on keywords itself, answers them, and passes the text on all the same. Not by WhatsApp. */
static void act(const struct text *text, const json_t *json)
{
    const char *from = text_of(json, "from"), *to = text_of(json, "to"),
               *service = json_string_value(json_object_get(text->form, "MessagingServiceSid"));
    struct people *people = text->self->people;
    enum keyword keyword;

    if (text->whatsapp) {
        people_wrote(people, to, from, 0);
        return;
    }
    if ((keyword = keyword_in(text, json)) == KEYWORD_NONE)
        return;
    keywords_answered(text->self->keywords, keyword, from, to);
    if (keyword == KEYWORD_HELP)
        return;
    people_opt_out(people, to, from, keyword == KEYWORD_STOP);
    if (service)
        people_opt_out(people, service, from, keyword == KEYWORD_STOP);
}

int inbound_post(struct sandbox *self, const json_t *json, struct exchange *x, char ret_sid[SID_SIZE], struct err *err)
{
    const char *channel = text_of(json, "channel"), *signature = text_of(json, "signature"),
               *sid = text_of(json, "message_sid");
    struct text *text;

    if (check(self, json, err) < 0)
        return -1;
    if (!(text = calloc(1, sizeof *text)) || !(text->form = json_object())) {
        free(text);
        return err_set(err, ERR_INTERNAL, "out of memory");
    }
    text->self = self;
    text->x = x;
    text->whatsapp = channel && strcmp(channel, "whatsapp") == 0;
    text->signature = signature ? strdup(signature) : NULL;
    accounts_owner(self->accounts, text_of(json, "to"), &text->account);
    if (sid)
        snprintf(text->sid, sizeof text->sid, "%s", sid);
    else
        box_random_id(json_array_size(json_object_get(json, "media")) ? "MM" : "SM", 16, text->sid);
    if (fill(text, json, err) < 0) {
        text_free(text);
        return -1;
    }
    act(text, json);
    memcpy(ret_sid, text->sid, SID_SIZE);
    later_add(self->texts, clock_mono_us(), post_text, text);
    return 0;
}

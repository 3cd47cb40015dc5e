/* webhook_text.c - what a lead writes, by SMS, MMS or WhatsApp: /api/v1/webhooks/twilio/sms and /whatsapp.
 *
 * A text is checked in the server thread and queued for storing (accept.h); it needs no other service to be alive. A
 * messaging service posts all of its channels to one address, so the channel is that of the addresses in the text, not
 * of the page.
 *
 * Twilio repeats a webhook whose answer it did not get (with the same I-Twilio-Idempotency-Token in each attempt): that
 * it is the same is known by MessageSid, which is the same in each attempt too, and also where the same message is
 * fetched or posted again by hand. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "services/gateway/burst.h"
#include "services/gateway/consents.h"
#include "services/gateway/gateway.h"
#include "services/gateway/webhook.h"

#define TEXT_MAX        16384 /* bytes; Twilio's longest is 1600 characters, WhatsApp's 4096 */
#define MEDIA_MAX       10    /* attachments of one message, as many as Twilio takes */
#define MEDIA_URL_MAX   2048
#define MEDIA_TYPE_MAX  128
#define NAME_MAX_BYTES  200
#define PLACE_MAX_BYTES 1000 /* of a location: its name and its address, each */
#define WHATSAPP_PREFIX "whatsapp:"
#define EMPTY_TWIML     "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>"

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- answering ---- */

static void answer_text(struct inbound *in, enum accept_outcome outcome)
{
    struct webhook *self = (struct webhook *)in;
    struct job *job = self->job;

    switch (outcome) {
    case ACCEPT_STORED:
    case ACCEPT_DUPLICATE:
        job_reply(job, 200, "text/xml; charset=utf-8", EMPTY_TWIML, strlen(EMPTY_TWIML));
        break;
    case ACCEPT_UNKNOWN_NUMBER:
        /* Only Twilio can cause this, so each is worth a line. */
        log_warn("a text to a number of no client was refused", log_phone("to", in->to),
                 log_str("request_id", job->request_id));
        job_problem(job, 404, "To", NULL, "no client has this number");
        break;
    case ACCEPT_WRONG_ACCOUNT:
        log_warn(
            "a text to a number of another Twilio account was refused; is twilio_account_sid of the number's client"
            " right?",
            log_phone("to", in->to), log_str("account_sid", in->account), log_str("request_id", job->request_id));
        webhook_refuse(job);
        break;
    case ACCEPT_UNAVAILABLE:
        job_unavailable(job, "the text could not be stored; send it again");
        break;
    case ACCEPT_REFUSED:
        job_problem(job, 500, NULL, NULL, "the text cannot be stored; the log says why");
        break;
    }
    webhook_free(&self);
}

/* ---- reading ---- */

/* The number of an address, without what says that it is one of WhatsApp's. NULL: it is none. */
static const char *read_number(const struct form *form, const char *name, bool *ret_whatsapp)
{
    const char *value = form_get(form, name);

    if (!value)
        return NULL;
    *ret_whatsapp = strncmp(value, WHATSAPP_PREFIX, strlen(WHATSAPP_PREFIX)) == 0;
    if (*ret_whatsapp)
        value += strlen(WHATSAPP_PREFIX);
    return phone_is_e164(value) ? value : NULL;
}

static int read_addresses(struct webhook *self, struct err *err)
{
    struct inbound *in = &self->in;
    bool from_whatsapp = false, to_whatsapp = false;

    in->from = read_number(&self->form, "From", &from_whatsapp);
    in->to = read_number(&self->form, "To", &to_whatsapp);
    if (!in->from)
        return err_set_field(err, ERR_INVALID, "From",
                             "From must be an E.164 number, with whatsapp: before it for"
                             " WhatsApp");
    if (!in->to || to_whatsapp != from_whatsapp)
        return err_set_field(err, ERR_INVALID, "To",
                             "To must be an E.164 number, with whatsapp: before it for WhatsApp");
    in->channel = to_whatsapp ? "whatsapp" : "sms";
    in->service = or_empty(form_get(&self->form, "MessagingServiceSid"));
    if (*in->service && !webhook_sid_valid(in->service))
        in->service = "";
    return 0;
}

/* Text of a single line, cut to max bytes. NULL where there is none. */
static const char *one_line(const char *text, size_t max, struct arena *arena)
{
    char *copy;

    if (!text || !text_has_word(text) || !(copy = arena_strndup(arena, text, utf8_cut(text, strlen(text), max))))
        return NULL;
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return copy;
}

/* A shared location, as a person would write it: "[location: Name, address (48.137, 11.575)]". NULL: there is none. */
static const char *read_location(const struct form *form, struct arena *arena)
{
    const char *latitude = form_get(form, "Latitude"), *longitude = form_get(form, "Longitude");
    const char *label = one_line(form_get(form, "Label"), PLACE_MAX_BYTES, arena);
    const char *address = one_line(form_get(form, "Address"), PLACE_MAX_BYTES, arena);
    AUTO(buf_free) struct buf out = {0};
    double number;
    char *end;

    for (int i = 0; i < 2; i++) {
        const char *value = i == 0 ? latitude : longitude;

        if (!value || !*value || strlen(value) > 32)
            return NULL;
        number = strtod(value, &end);
        if (*end || !(number >= -180 && number <= 180))
            return NULL;
    }
    buf_puts(&out, "[location: ");
    buf_puts(&out, or_empty(label));
    buf_puts(&out, label && address ? ", " : "");
    buf_puts(&out, or_empty(address));
    buf_printf(&out, label || address ? " (%s, %s)]" : "%s, %s]", latitude, longitude);
    return out.failed ? NULL : arena_strdup(arena, out.data);
}

/* What was written, or what the button says that was pressed, and the location. "" if there is nothing. */
static const char *read_body(const struct form *form, struct arena *arena)
{
    static const char *const names[] = {"Body", "ButtonText", "ButtonPayload"};
    const char *location = read_location(form, arena), *body = "";

    for (size_t i = 0; i < COUNT_OF(names) && !*body; i++)
        body = or_empty(form_get(form, names[i]));
    if (!location)
        return body;
    return *body ? arena_printf(arena, "%s\n%s", body, location) : location;
}

static void put_media(struct buf *out, const char *url, const char *content_type)
{
    buf_puts(out, out->len > 1 ? ",{\"url\":" : "{\"url\":");
    buf_json_string(out, url);
    buf_puts(out, ",\"content_type\":");
    buf_json_string(out, content_type);
    buf_puts(out, "}");
}

/* References to the attachments, as JSON; NULL if there are none. What is too long to be one is left out. */
static const char *read_media(const struct form *form, struct arena *arena)
{
    AUTO(buf_free) struct buf out = {0};
    const char *count = form_get(form, "NumMedia");
    int64_t n = 0;

    if (!count || !text_to_int(count, 1, 1000, &n))
        return NULL;
    buf_puts(&out, "[");
    for (int i = 0; i < n && i < MEDIA_MAX; i++) {
        const char *url_name = arena_printf(arena, "MediaUrl%d", i);
        const char *type_name = arena_printf(arena, "MediaContentType%d", i);
        const char *url = url_name ? form_get(form, url_name) : NULL;
        const char *type = type_name ? form_get(form, type_name) : NULL;

        if (url && *url && strlen(url) <= MEDIA_URL_MAX && !text_has_control(url))
            put_media(&out, url, type && strlen(type) <= MEDIA_TYPE_MAX ? type : "");
    }
    buf_puts(&out, "]");
    return out.failed || out.len <= 2 ? NULL : arena_strdup(arena, out.data);
}

/* Fills what is to be stored. -1 and *err names the parameter at fault. */
static int read_text(struct webhook *self, struct err *err)
{
    struct inbound *in = &self->in;
    const struct config *config = self->job->gateway->worker->config;

    in->sid = form_get(&self->form, "MessageSid");
    if (!webhook_sid_valid(in->sid))
        return err_set_field(err, ERR_INVALID, "MessageSid", "MessageSid must be 1 to %d letters and digits",
                             WEBHOOK_SID_MAX);
    if (read_addresses(self, err) < 0)
        return -1;
    in->media = read_media(&self->form, self->arena);
    in->body = read_body(&self->form, self->arena);
    if (!in->body || (!*in->body && !in->media))
        return err_set_field(err, ERR_INVALID, "Body", "Body is required where there is no attachment");
    if (strlen(in->body) > TEXT_MAX)
        return err_set_field(err, ERR_INVALID, "Body", "Body may have %d bytes", TEXT_MAX);
    in->account = self->account;
    in->signers = self->signers;
    in->name = one_line(form_get(&self->form, "ProfileName"), NAME_MAX_BYTES, self->arena);
    in->trace_id = self->job->request_id;
    in->hold_ms = burst_hold_ms(in->body, config->burst_wait_ms);
    in->answer = answer_text;
    inbound_read_consent(in, form_get(&self->form, "OptOutType"));
    return 0;
}

static void take_text(struct webhook *self)
{
    struct err err = {0};

    if (read_text(self, &err) == 0) {
        accept_inbound(self->job->gateway->accept, &self->in);
        return;
    }
    job_problem_err(self->job, &err);
    webhook_free(&self);
}

void text_webhook_page(struct job *job)
{
    webhook_begin(job, take_text);
}

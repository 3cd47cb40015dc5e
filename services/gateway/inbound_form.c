/* inbound_form.c - see inbound_form.h. */
#include "services/gateway/inbound_form.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/text.h"
#include "services/gateway/accept.h"
#include "services/gateway/consents.h"
#include "services/gateway/webhook.h"

#define TEXT_MAX        16384 /* bytes; Twilio's longest is 1600 characters, WhatsApp's 4096 */
#define MEDIA_MAX       10    /* attachments of one message, as many as Twilio takes */
#define MEDIA_URL_MAX   2048
#define MEDIA_TYPE_MAX  128
#define NAME_MAX_BYTES  200
#define PLACE_MAX_BYTES 1000 /* of a location: its name and its address, each */
#define WHATSAPP_PREFIX "whatsapp:"

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

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

static int read_addresses(const struct form *form, struct inbound *in, struct err *err)
{
    bool from_whatsapp = false, to_whatsapp = false;

    in->from = read_number(form, "From", &from_whatsapp);
    in->to = read_number(form, "To", &to_whatsapp);
    if (!in->from)
        return err_set_field(err, ERR_INVALID, "From",
                             "From must be an E.164 number, with whatsapp: before it for"
                             " WhatsApp");
    if (!in->to || to_whatsapp != from_whatsapp)
        return err_set_field(err, ERR_INVALID, "To",
                             "To must be an E.164 number, with whatsapp: before it for WhatsApp");
    in->channel = to_whatsapp ? "whatsapp" : "sms";
    in->service = or_empty(form_get(form, "MessagingServiceSid"));
    if (*in->service && !webhook_sid_valid(in->service))
        in->service = "";
    return 0;
}

/* A shared location, as a person would write it: "[location: Name, address (48.137, 11.575)]". NULL: there is none. */
static const char *read_location(const struct form *form, struct arena *arena)
{
    const char *latitude = form_get(form, "Latitude"), *longitude = form_get(form, "Longitude");
    const char *label = text_line(arena, form_get(form, "Label"), PLACE_MAX_BYTES);
    const char *address = text_line(arena, form_get(form, "Address"), PLACE_MAX_BYTES);
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

int inbound_read_form(const struct form *form, struct arena *arena, struct inbound *in, struct err *err)
{
    in->sid = form_get(form, "MessageSid");
    if (!webhook_sid_valid(in->sid))
        return err_set_field(err, ERR_INVALID, "MessageSid", "MessageSid must be 1 to %d letters and digits",
                             WEBHOOK_SID_MAX);
    if (read_addresses(form, in, err) < 0)
        return -1;
    in->media = read_media(form, arena);
    in->body = read_body(form, arena);
    if (!in->body || (!*in->body && !in->media))
        return err_set_field(err, ERR_INVALID, "Body", "Body is required where there is no attachment");
    if (strlen(in->body) > TEXT_MAX)
        return err_set_field(err, ERR_INVALID, "Body", "Body may have %d bytes", TEXT_MAX);
    in->name = text_line(arena, form_get(form, "ProfileName"), NAME_MAX_BYTES);
    inbound_read_consent(in, form_get(form, "OptOutType"));
    return 0;
}

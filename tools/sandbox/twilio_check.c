/* twilio_check.c - see twilio_check.h. The codes and their meanings: the provider contracts, "Twilio". */
#include "tools/sandbox/twilio_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/form.h"
#include "libshared/text.h"

#define BODY_MAX 1600 /* characters */

static bool refuse(struct twilio_refusal *ret, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static bool refuse(struct twilio_refusal *ret, int code, const char *fmt, ...)
{
    va_list args;

    ret->code = code;
    va_start(args, fmt);
    vsnprintf(ret->message, sizeof ret->message, fmt, args);
    va_end(args);
    ret->message[utf8_cut(ret->message, strlen(ret->message), sizeof ret->message - 1)] = '\0';
    return false;
}

bool twilio_check_sid(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 && strlen(text) == len + 32 &&
           strspn(text + len, "0123456789abcdefABCDEF") == 32;
}

bool twilio_check_url(const char *text)
{
    const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : NULL;
    size_t len;

    if (!host || text_has_control(text) || strchr(text, ' '))
        return false;
    len = strcspn(host, "/?#");
    return len > 0 && len < 256 && host[0] != ':' && !memchr(host, '_', len);
}

bool twilio_is_whatsapp(const char *address)
{
    return strncmp(address, "whatsapp:", 9) == 0;
}

static bool is_recipient(const char *address)
{
    return phone_is_e164(twilio_is_whatsapp(address) ? address + 9 : address);
}

/* A number, a WhatsApp address, a short code, or an alphanumeric sender of up to 11 characters. */
static bool is_sender(const char *address)
{
    size_t len = strlen(address);
    bool letter = false;

    if (is_recipient(address))
        return true;
    if ((len == 5 || len == 6) && strspn(address, "0123456789") == len)
        return true;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)address[i]) && address[i] != ' ')
            return false;
        letter = letter || isalpha((unsigned char)address[i]);
    }
    return letter && len <= 11;
}

static const char *given(const struct form *form, const char *name)
{
    const char *value = form_get(form, name);

    return value && *value ? value : NULL;
}

/* The text, the media or the template: exactly one kind of content. */
static bool check_content(const struct form *form, struct twilio_refusal *ret)
{
    const char *body = given(form, "Body"), *content = given(form, "ContentSid"), *media = given(form, "MediaUrl");

    if (given(form, "ContentVariables") && !content)
        return refuse(ret, 21654, "The ContentSid parameter is required.");
    if (content && !twilio_check_sid(content, "HX"))
        return refuse(ret, 21655, "The ContentSid is Invalid: %s", content);
    if (content && (body || media))
        return refuse(ret, 63016, "Failed to send freeform message: %s is not taken together with ContentSid",
                      body ? "Body" : "MediaUrl");
    if (!body && !content && !media)
        return refuse(ret, 21602, "Message body is required.");
    if (body && utf8_count(body) > BODY_MAX)
        return refuse(ret, 21617, "The concatenated message body exceeds the %d character limit.", BODY_MAX);
    return true;
}

bool twilio_check_message(const struct form *form, struct twilio_refusal *ret)
{
    const char *to = given(form, "To"), *from = given(form, "From"), *service = given(form, "MessagingServiceSid");
    const char *callback = given(form, "StatusCallback");

    if (!to)
        return refuse(ret, 21604, "A 'To' phone number is required.");
    if (!is_recipient(to))
        return refuse(ret, 21211, "Invalid 'To' Phone Number: %s", to);
    if (!from && !service)
        return refuse(ret, 21603, "A 'From' phone number is required.");
    if (from && !is_sender(from))
        return refuse(ret, 21212, "Invalid 'From' Phone Number: %s", from);
    if (service && !twilio_check_sid(service, "MG"))
        return refuse(ret, 20001, "MessagingServiceSid is not valid: %s", service);
    if (from && twilio_is_whatsapp(from) != twilio_is_whatsapp(to))
        return refuse(ret, 63007, "Twilio could not find a Channel with the specified From address");
    if (!check_content(form, ret))
        return false;
    if (callback && !twilio_check_url(callback))
        return refuse(ret, 21609, "The StatusCallback URL %s is not a valid URL.", callback);
    return true;
}

bool twilio_check_date(const char *text, int64_t *ret_from_s, int64_t *ret_until_s)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"};

    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, formats[i], &tm);

        if (!end || *end || strlen(text) != (i ? 20u : 10u))
            continue;
        *ret_from_s = (int64_t)timegm(&tm);
        *ret_until_s = *ret_from_s + (i ? 1 : 86400);
        return true;
    }
    return false;
}

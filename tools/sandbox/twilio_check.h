/* twilio_check.h - what Twilio refuses of a message, and dates in its filters. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct form;

struct twilio_refusal {
    int code; /* HTTP status 400 */
    char message[256];
};

/* What can be seen from the parameters of POST Messages.json alone. True: it is fine. */
bool twilio_check_message(const struct form *form, struct twilio_refusal *ret);

/* "YYYY-MM-DD" or "YYYY-MM-DDTHH:MM:SSZ" (GMT): the seconds it covers, [from, until). False if it is neither. */
bool twilio_check_date(const char *text, int64_t *ret_from_s, int64_t *ret_until_s);

bool twilio_is_whatsapp(const char *address);

/* prefix and 32 hex digits. */
bool twilio_check_sid(const char *text, const char *prefix);

/* http or https, a host without underscores, no spaces or control bytes. */
bool twilio_check_url(const char *text);

/* twilio_internal.h - what the files twilio*.c share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "services/delivery/twilio.h"

struct buf;
struct http;

struct twilio {
    struct http *http;
    char *api_url, *content_url, *lookups_url;
};

/* Starts url with the address of something of the account's: ".../2010-04-01/Accounts/AC.../" and path. */
void twilio_url(struct buf *url, const struct twilio *self, const struct twilio_account *account, const char *path);

#define TWILIO_WHATSAPP "whatsapp:" /* before a number that is WhatsApp's */

/* form_put of a number as the channel writes it. */
void twilio_put_address(struct buf *form, const char *name, bool whatsapp, const char *number);

/* POSTs a form, never twice. What comes back is read by twilio_read_send_answer. */
int twilio_post(struct twilio *self, const struct twilio_account *account, const struct buf *url,
                const struct buf *form, struct twilio_sent *ret_sent, struct err *err);

/* GETs, at most max_bytes. 0: an answer with status 200, its body in arena. Else *err as twilio.h says, of which
 * ERR_UNCERTAIN is none: to ask again does no harm. */
int twilio_get(struct twilio *self, const struct twilio_account *account, const struct buf *url, int timeout_ms,
               size_t max_bytes, struct arena *arena, struct http_response *ret_response, struct err *err);

/* Fills *err for an answer that is no success, and returns -1. repeatable: the request may be made again, so that what
 * would be uncertain is only unavailable. */
int twilio_refused(const struct http_response *response, bool repeatable, struct err *err);

/* What the answers of Lookups and Content say; of a template all but its approval. ERR_UNAVAILABLE where they cannot be
 * read. */
int twilio_read_phone(const struct http_response *response, struct twilio_phone *ret_phone, struct err *err);
int twilio_read_template(const struct http_response *response, struct arena *arena, struct twilio_template *template,
                         struct err *err);

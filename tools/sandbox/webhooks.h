/* webhooks.h - what the sandbox's Twilio posts: status callbacks, and leads' texts. Signed as Twilio signs. */
#pragma once

#include <stddef.h>

#include "libshared/form.h"
#include "tools/sandbox/box.h"
#include "tools/sandbox/ledger.h"

struct arena;

/* X-Twilio-Signature of a form posted to url (without fragment): base64(HMAC-SHA1(token, url + the names and values,
 * sorted by name)). Sorts fields. False when out of memory. */
bool webhook_sign(const char *token, const char *url, struct form_field *fields, size_t n, char out[29]);

/* The way of an accepted message: sent, delivered (or what a fault says), told to status_callback unless that is
 * NULL. */
void webhook_follow(struct sandbox *self, const char *sid, const struct accepted *message, const char *status_callback);

struct inbound {
    const char *from, *to, *body;
    const char *sid;       /* NULL: a new one */
    const char *signature; /* NULL: the right one */
    bool whatsapp;
};

/* A lead's text to the gateway. x gets the gateway's answer once it is there; NULL: nobody waits. ret_sid is filled
 * at once. 0, or -1 when out of memory: then x is not answered. */
int webhook_inbound(struct sandbox *self, const struct inbound *inbound, struct exchange *x, char ret_sid[SID_SIZE]);

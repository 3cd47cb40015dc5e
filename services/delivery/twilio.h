/* twilio.h - the part of Twilio's API that Leadwire uses.
 *
 * One struct twilio per worker: it keeps connections open and must not be shared between threads. Whose account is
 * asked is given with each call.
 *
 * All that fails tells err->kind, and Twilio's code in err->provider_code:
 * ERR_INVALID      refused because of this recipient or this message: it will never be done as it is
 * ERR_DENIED       refused because of the account or its settings: twilio_remedy says what to look at
 * ERR_UNAVAILABLE  not done, and may be tried again, after err->retry_after_s seconds where that is not 0
 * ERR_UNCERTAIN    of twilio_send and twilio_call: it may have been done: timeout, reset, 5xx, an unreadable answer
 * What the codes mean: twilio_codes.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/twilio_codes.h"

struct arena;
struct err;
struct http_response;
struct twilio;

#define TWILIO_SID_SIZE       65   /* an id of Twilio's and the NUL */
#define TWILIO_BODY_CHARS_MAX 1600 /* characters of one message */
#define TWILIO_TWIML_MAX      4000 /* characters of a call's inline TwiML */

/* Whose credentials. See account.h. */
struct twilio_account {
    const char *key;   /* in provider_accounts: "twilio", the environment's, or "twilio:" and the client's id */
    const char *sid;   /* AC... */
    const char *token; /* never logged */
};

/* base_url: TWILIO_BASE_URL; where it is not Twilio's own, content and lookups are asked for there too. It is copied.
 * Nothing is connected yet. */
struct twilio *twilio_new(const char *base_url, struct err *err);
void twilio_destroy(struct twilio **self_p);

/* ---- sending ---- */

struct twilio_message {
    bool whatsapp;                 /* Twilio gets whatsapp: before both numbers */
    const char *to;                /* E.164 */
    const char *from;              /* E.164; not used where there is a messaging_service */
    const char *messaging_service; /* MG...: it chooses the sender; NULL: from */
    const char *body;              /* 1 to TWILIO_BODY_CHARS_MAX characters; not used where there is a content_sid */
    const char *content_sid;       /* HX..., a template; NULL: body */
    const char *content_variables; /* of the template, a JSON object; NULL: none */
    const char *status_callback;   /* NULL: none */
};

struct twilio_sent {
    char sid[TWILIO_SID_SIZE];
    int segments; /* as it is billed; 0: Twilio does not know yet (a messaging service has not chosen a sender) */
};

/* Sends one message. 0: Twilio has accepted it. Never repeats the request. */
int twilio_send(struct twilio *self, const struct twilio_account *account, const struct twilio_message *message,
                struct twilio_sent *ret_sent, struct err *err);

/* The same decision for an answer that has come, also of a call. */
int twilio_read_send_answer(const struct http_response *response, struct twilio_sent *ret_sent, struct err *err);

/* Whether a text can be an id of Twilio's. NULL is none. */
bool twilio_is_sid(const char *text);

/* ---- calling ---- */

struct twilio_call {
    const char *to, *from;       /* E.164 */
    const char *twiml;           /* what is said, up to TWILIO_TWIML_MAX characters; NULL: url */
    const char *url;             /* where Twilio asks for TwiML when it is answered; NULL: twiml */
    const char *status_callback; /* told of initiated, ringing, answered and completed; NULL: none */
    int ring_s;                  /* how long it may ring, 5 to 600; 0: Twilio's default, 60 */
};

/* Begins one call. 0: Twilio has accepted it; ret_sent->segments is 0. Never repeats the request. */
int twilio_call(struct twilio *self, const struct twilio_account *account, const struct twilio_call *call,
                struct twilio_sent *ret_sent, struct err *err);

/* ---- asking ---- */

/* What Lookups knows of a number. */
struct twilio_phone {
    char phone[33];              /* as Twilio writes it, E.164 */
    bool valid;                  /* whether such a number can exist; false: what follows is empty */
    char country[3];             /* ISO 3166-1; "": unknown */
    char line_type[33];          /* mobile, landline, fixedVoip, ...; "": unknown */
    char carrier[201];           /* "": unknown */
    char validation_errors[512]; /* not valid: why, a JSON array of words; "": not told */
};

/* Looks up a number, whatever it looks like (1 to 32 bytes). A number that cannot exist is an answer, too. */
int twilio_lookup(struct twilio *self, const struct twilio_account *account, const char *phone,
                  struct twilio_phone *ret_phone, struct err *err);

/* Asks for next to nothing. 0: the credentials are accepted; ERR_DENIED: they are not; else nothing is known. */
int twilio_probe(struct twilio *self, const struct twilio_account *account, struct err *err);

/* A template as Twilio has it; see templates.h, which keeps them for a while. */
struct twilio_template {
    const char *body;         /* with its {{placeholders}}; "": it has none (a location, a card without a text) */
    const char *placeholders; /* a JSON array of their names, from all of its parts, each once */
    const char *variables;    /* a JSON object: the names that it declares, with its samples */
    const char *approval;     /* for WhatsApp: approved, pending, rejected, paused, ...; "": never handed in */
    const char *rejection;    /* why it was rejected; "": it was not */
};

/* ERR_INVALID with code 20404 where the account has no such template. All of *ret_template is in arena. */
int twilio_template(struct twilio *self, const struct twilio_account *account, const char *content_sid,
                    struct arena *arena, struct twilio_template *ret_template, struct err *err);

/* ---- finding ---- */

/* What was sent, when one asks whether it arrived. */
struct twilio_wanted {
    bool whatsapp;
    const char *to, *from;         /* E.164; from is not used where there is a messaging_service */
    const char *messaging_service; /* MG...: it has chosen the sender; NULL: from */
    const char *body;              /* of a template: what it renders to */
    int64_t not_before_us;         /* it was created at Twilio at this time or later, microseconds since 1970 */
};

#define TWILIO_MATCHES_MAX 32

struct twilio_match {
    char sid[TWILIO_SID_SIZE];
    bool same_body; /* false: Twilio may have changed the text, or it is another message */
    int64_t created_at_us;
};

struct twilio_matches {
    struct twilio_match items[TWILIO_MATCHES_MAX];
    size_t n;
};

/* Looks through Twilio's messages to a number, from ours or our messaging service, for those that could be the wanted
 * one. 0: the whole listing was seen; -1: it was not, and nothing is known. */
int twilio_find(struct twilio *self, const struct twilio_account *account, const struct twilio_wanted *wanted,
                struct twilio_matches *ret_matches, struct err *err);

/* Adds the matches of one page of a listing. *ret_next is its next_page_uri, to be freed, or NULL. */
int twilio_read_page(const char *body, size_t len, const struct twilio_wanted *wanted, struct twilio_matches *matches,
                     char **ret_next, struct err *err);

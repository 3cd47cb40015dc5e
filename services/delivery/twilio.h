/* twilio.h - the part of Twilio's API that Leadwire sends with.
 *
 * One per worker: it keeps a connection open and must not be shared between threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct http;
struct http_response;

/* All is private to twilio*.c. */
struct twilio {
    struct http *http;
    char *base_url, *account_sid, *auth_token;
};

#define TWILIO_SID_SIZE       65   /* a message's id and the NUL */
#define TWILIO_BODY_CHARS_MAX 1600 /* characters of one message */

#define TWILIO_OPTED_OUT     21610
#define TWILIO_BAD_TO        21211
#define TWILIO_BAD_FROM      21606
#define TWILIO_BODY_MISSING  21602
#define TWILIO_BODY_TOO_LONG 21617

/* Copies its arguments. Nothing is connected yet. */
struct twilio *twilio_new(const char *base_url, const char *account_sid, const char *auth_token, struct err *err);
void twilio_destroy(struct twilio **self_p);

struct twilio_message {
    const char *from, *to;       /* E.164 */
    const char *body;            /* 1 to TWILIO_BODY_CHARS_MAX characters */
    const char *status_callback; /* NULL: none */
};

/* Sends one message. 0: Twilio has accepted it as ret_sid. -1, with Twilio's code in err->provider_code:
 * ERR_INVALID      refused: it will never be sent as it is
 * ERR_DENIED       refused because of the account or its settings: twilio_remedy says what to look at
 * ERR_UNAVAILABLE  not accepted, and may be tried again
 * ERR_UNCERTAIN    it may have been accepted: timeout, reset, 5xx, an answer that cannot be read */
int twilio_send(struct twilio *self, const struct twilio_message *message, char ret_sid[TWILIO_SID_SIZE],
                struct err *err);

/* The same decision for an answer that has come. */
int twilio_read_send_answer(const struct http_response *response, char ret_sid[TWILIO_SID_SIZE], struct err *err);

/* Whether a text can be the id of a message. NULL is none. */
bool twilio_is_sid(const char *text);

/* What a person should look at when Twilio answers with that code; NULL where nothing of ours is to blame. */
const char *twilio_remedy(int code);

/* What was sent, when one asks whether it arrived. */
struct twilio_wanted {
    const char *from, *to, *body;
    int64_t not_before_us; /* it was created at Twilio at this time or later, microseconds since 1970 */
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

/* Looks through Twilio's messages between two numbers for those that could be the wanted one. 0: the whole listing was
 * seen; -1: it was not, and nothing is known. */
int twilio_find(struct twilio *self, const struct twilio_wanted *wanted, struct twilio_matches *ret_matches,
                struct err *err);

/* Adds the matches of one page of a listing. *ret_next is its next_page_uri, to be freed, or NULL. */
int twilio_read_page(const char *body, size_t len, const struct twilio_wanted *wanted, struct twilio_matches *matches,
                     char **ret_next, struct err *err);

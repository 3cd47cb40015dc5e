/* accept.h - what leads write, stored before it is answered.
 *
 * A thread takes everything that waits (at most 200), stores it in one
 * statement (accept_inbound, migrations/0125) and tells each what became of it
 * after the commit. So the cost of a commit is shared under load, and a lone
 * message does not wait.
 *
 * accept_inbound() is the one way in and has one caller (webhook_text.c): a local
 * spool that carries the gateway through a database restart would stand here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct accept;
struct bus;
struct config;
struct err;

enum accept_outcome {
    ACCEPT_STORED,         /* committed */
    ACCEPT_DUPLICATE,      /* the same provider message id was stored before */
    ACCEPT_UNKNOWN_NUMBER, /* no client has the number it was sent to */
    ACCEPT_WRONG_ACCOUNT,  /* the number is not in the account that signed it */
    ACCEPT_UNAVAILABLE,    /* not stored, or not known to be: to be sent again */
    ACCEPT_REFUSED,        /* the database refuses this one, and would again */
};

/* One message. The strings belong to the caller until answer is called. */
struct inbound {
    const char *channel;   /* "sms", "whatsapp" */
    const char *account;   /* the Twilio account that it came through */
    const char *signers;   /* the clients whose token signed it, as a PostgreSQL array; NULL: the environment's did */
    const char *from, *to; /* E.164 */
    const char *service;   /* the messaging service; "" if none */
    const char *body;      /* UTF-8; "" where there are attachments alone */
    const char *media;     /* attachments, JSON: [{"url", "content_type"}]; NULL: none */
    const char *name;      /* what the sender calls itself; NULL: not told */
    const char *sid;       /* the provider's id of the message */
    const char *trace_id;  /* "" if none */
    const char *consent;   /* "out", "in", "yes", "help" or "" (consents.h) */
    const char *language;  /* of a consent's words: "en", "es", "ar" */
    bool answered;         /* Twilio has answered the consent itself */
    int64_t hold_ms;       /* how long the answer waits for a text that may follow */

    /* Called exactly once, from the accept thread or from within accept_inbound; then accept has let go of it. */
    void (*answer)(struct inbound *self, enum accept_outcome outcome);

    struct inbound *next; /* accept's own, as is number: the order of arrival */
    int64_t number;
};

/* Connections of its own, so that no other work of the process can hold it up. bus must outlive it. */
struct accept *accept_new(const struct config *config, struct bus *bus, struct err *err);

/* Stores and answers what waits, ends the thread. Later accept_inbound answers ACCEPT_UNAVAILABLE. */
void accept_stop(struct accept *self);
void accept_destroy(struct accept **self_p);

/* Queues it. Never blocks: with 10,000 waiting, or a database that has not answered for 3 s, the answer is
 * ACCEPT_UNAVAILABLE at once. */
void accept_inbound(struct accept *self, struct inbound *in);

struct accept_stats {
    int64_t stored, duplicates, unknown_numbers, wrong_accounts, unavailable, refused, batches;
};
void accept_stats(struct accept *self, struct accept_stats *ret_stats);

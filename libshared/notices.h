/* notices.h - telling a person what must be seen to: an account that is refused, a number that cannot send.
 *
 * One notice is open per client, kind and subject, however often it happens. Any service may raise one within any
 * transaction: also one of a client's whose notice is for whoever operates Leadwire. Several in one transaction are
 * raised in the same order by everybody (by subject), as rows are locked. */
#pragma once

struct bus;
struct db_tx;
struct err;

struct notice_spec {
    const char *client_id; /* whom it concerns; NULL or the nil UUID: who operates Leadwire */
    const char *kind;      /* account_refused, sender_refused, template_refused, message_failed, ... */
    const char *subject;   /* what it is about: an account, a number, a template; cut to 200 bytes */
    const char *text;      /* what happened; cut to 1000 bytes */
    const char *remedy;    /* what to look at, cut to 1000 bytes; NULL: nothing */
    int code;              /* the provider's; 0: none */
};

/* Opens the notice, or counts once more if it is open already. Returns 1 if it is new (notice.raised is published after
 * the commit; bus may be NULL), 0 if it was open, -1 on failure. */
int notice_raise(struct db_tx *tx, struct bus *bus, const struct notice_spec *spec, struct err *err);

/* It is over. subject NULL: whatever it is about. Returns how many were open (notice.resolved is published for each
 * after the commit), or -1. */
int notice_resolve(struct db_tx *tx, struct bus *bus, const char *client_id, const char *kind, const char *subject,
                   struct err *err);

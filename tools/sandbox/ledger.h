/* ledger.h - the messages that the sandbox's Twilio has accepted, in order, and how fast each sender sent.
 *
 * Append-only: a message changes its status and is never removed but by a
 * reset. Thread-safe. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ledger;

#define SID_SIZE        35 /* SM and 32 hex digits */
#define LIST_PAGE_MAX   1000
#define LEDGER_PAGE_MAX 1000

struct accepted {
    const char *account_sid, *to, *from, *body;
    const char *service_sid, *content_sid; /* NULL: none */
    bool from_later;                       /* the service chose it: not shown before the message is sent */
    int num_media;
};

struct list_filter {
    const char *account_sid;
    const char *to, *from;             /* NULL: any */
    int64_t sent_from_s, sent_until_s; /* date_sent within [from, until), seconds since 1970; 0, 0: any */
    int64_t hide_ms;                   /* younger ones are not shown */
    const char *after_sid;             /* those behind it; NULL: from the newest */
    int page_size;
};

struct ledger *ledger_new(void);
void ledger_destroy(struct ledger **self_p);
void ledger_clear(struct ledger *self);

/* Returns its index, -1 when out of memory. ret_sid is filled. */
int64_t ledger_add(struct ledger *self, const struct accepted *message, char ret_sid[SID_SIZE]);

/* status: "sent", "delivered", ...; a text that lives on. error_code 0: none. */
void ledger_move(struct ledger *self, const char *sid, const char *status, int error_code);

/* As Twilio's API shows it; NULL if the account has none, or it is younger than hide_ms. */
json_t *ledger_get(struct ledger *self, const char *account_sid, const char *sid, int64_t hide_ms);

/* One page, newest first; *ret_more: whether there are older ones. With a recipient it looks at that one's alone. */
json_t *ledger_list(struct ledger *self, const struct list_filter *filter, bool *ret_more);

/* For the control path: accepted messages with an index above after, oldest first, at most LEDGER_PAGE_MAX. */
json_t *ledger_accepted(struct ledger *self, const char *to, const char *from, int64_t after);

/* Of each sender, or of one: {"from", "n", "segments", "first_us", "last_us", "shortest_us"}; times of acceptance, of
 * the machine's monotonic clock; the shortest time between two. */
json_t *ledger_rates(struct ledger *self, const char *from);

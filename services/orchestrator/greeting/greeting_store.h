/* greeting_store.h - what writing first to a lead depends on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct db_tx;
struct err;
struct turn;

struct greeting_terms {
    bool recent;        /* the lead has written here itself within the last hour: an answer goes at any time of day */
    bool window_open;   /* the same by WhatsApp within the last 24 hours: free text may be sent there */
    bool template_sent; /* a template went out, or is about to, and the lead has not written since */
    int64_t
        written;  /* how often it was written to in the last 24 hours since its own last text; follow-ups not counted */
    bool refused; /* it has asked by form not to be texted, in whatever conversation, and has not texted since */
    int64_t wait_ms; /* until the lead's allowed hours; 0: now is within them */
};

int greeting_store_terms(struct db_tx *tx, const struct turn *turn, struct greeting_terms *ret_terms, struct err *err);

/* 1 if more has come in the conversation than the turn has seen, 0 if not, -1 on failure. Locks the conversation: what
 * comes later finds what the transaction leaves. */
int greeting_store_wrote_more(struct db_tx *tx, const struct turn *turn, struct err *err);

/* wait_ms of struct greeting_terms anew; the hours stay as they are until the transaction ends. */
int greeting_store_wait(struct db_tx *tx, const struct turn *turn, int64_t *ret_wait_ms, struct err *err);

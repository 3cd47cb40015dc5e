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
        written; /* how often it was written to in the last 24 hours since its own last text; follow-ups not counted */
    int64_t wait_ms; /* until the lead's allowed hours; 0: now is within them */
};

int greeting_store_terms(struct db_tx *tx, const struct turn *turn, struct greeting_terms *ret_terms, struct err *err);

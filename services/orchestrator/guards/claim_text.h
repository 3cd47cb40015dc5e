/* claim_text.h - a text and the claims that it holds, read once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "services/orchestrator/guards/claim_context.h"
#include "services/orchestrator/guards/claims.h"
#include "services/orchestrator/guards/topic.h"

struct claim_text {
    struct arena *arena;
    const char *plain; /* canon_text of it */
    struct claim *claims;
    size_t n;

    /* Asked for by the functions below, as few claims need them. */
    const char *folded, *bare;
    struct topic *topics; /* of bare */
    size_t n_topics;
    struct claim_context *contexts;
    bool *has_context;
};

/* False when out of memory. */
bool claim_text_read(struct arena *arena, const char *text, struct claim_text *ret);

/* words_fold of it; NULL when out of memory. */
const char *claim_text_folded(struct claim_text *self);

/* Fills bare and topics, false when out of memory. bare is plain in lower case, with spaces for all that is no letter
 * and for the claims, addresses and guarantees apart; each byte at its place in plain. */
bool claim_text_topics(struct claim_text *self);

/* How the claim with this number is put; NULL when out of memory. */
const struct claim_context *claim_text_context(struct claim_text *self, size_t i);

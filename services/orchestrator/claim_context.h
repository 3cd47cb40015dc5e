/* claim_context.h - how a sentence puts a claim: as the lead's words, as unsure, as what the business does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct claim;

struct claim_context {
    size_t start, end; /* of the sentence, bytes of the text */
    bool question;     /* the sentence asks */
    bool unsure;       /* said not to be known or not to be so, before the claim in its clause */
    bool leads;        /* its clause tells it as what the lead has said */
    bool opening;      /* the sentence tells when the business is open */
    bool committing;   /* the sentence tells that somebody comes, or something is ready */
    bool excepted;     /* its clause excepts it: "closed on Friday", "for emergencies only" */
};

/* text: plain (canon.h). False when out of memory. */
bool claim_context(struct arena *arena, const char *text, const struct claim *claim, struct claim_context *ret);

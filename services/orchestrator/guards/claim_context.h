/* claim_context.h - how a sentence puts a claim: as the lead's words, as unsure, as what the business does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct claim;

/* Where a claim stands, in bytes of the text. */
struct claim_bounds {
    size_t start, end;               /* of its sentence */
    size_t clause_start, clause_end; /* of its clause in it */
};

struct claim_context {
    struct claim_bounds at;
    bool question;   /* the sentence asks */
    bool unsure;     /* said not to be known or not to be so, before the claim in its clause */
    bool negated;    /* its clause says no to something, before or behind it */
    bool leads;      /* its clause tells it as what the lead has said */
    bool opening;    /* the sentence tells when the business is open */
    bool committing; /* the sentence tells that somebody comes, or something is ready */
    bool excepted;   /* its clause excepts it: "closed on Friday", "for emergencies only" */
};

/* Whether the mark at p, if it is one, ends a sentence: not the dots of "9 a.m. to 5 p.m." */
bool claim_ends_sentence(const char *p);

struct claim_bounds claim_bounds(const char *text, const struct claim *claim);

/* text: plain (canon.h). False when out of memory. */
bool claim_context(struct arena *arena, const char *text, const struct claim *claim, struct claim_context *ret);

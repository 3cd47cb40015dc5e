/* slots.h - what a lead's own words tell: about the job, about themselves, and about what they want of us. */
#pragma once

#include <stddef.h>

struct arena;

enum slot {
    SLOT_SERVICE,  /* "Drain cleaning": as the client calls it, else the lead's words */
    SLOT_URGENCY,  /* "high", "medium" or "low" */
    SLOT_BUDGET,   /* see budget.h */
    SLOT_TIMELINE, /* see timeline.h */
    SLOT_NAME,
    SLOT_EMAIL,
    /* True where they have a value. */
    SLOT_APPOINTMENT,    /* wants one */
    SLOT_JUST_LOOKING,   /* says so */
    SLOT_NOT_INTERESTED, /* or no more */
    SLOT_BUDGET_REFUSED, /* was asked for a budget and has not told it */
    SLOT_COUNT,
};

/* "service_interest", ...: as leads have them in the database and in their evidence. */
extern const char *const slot_names[SLOT_COUNT];

struct slots {
    const char *value[SLOT_COUNT]; /* NULL: unknown */
    const char *words[SLOT_COUNT]; /* the sentence that told it, of the text that was read last; NULL: it did not */
};

/* Replaces in slots what text tells, keeps the other values, and sets words. services: the client's. asked: what our
 * last message asked for ("service", "urgency", "budget", "timeline"; NULL: none): a bare answer is taken as it.
 * Strings are in arena or static. */
void slots_extract(struct arena *arena, const char *text, const char *const *services, size_t n_services,
                   const char *asked, struct slots *slots);

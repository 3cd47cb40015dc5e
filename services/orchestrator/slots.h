/* slots.h - what a lead's own words tell about the job: service, urgency, budget, timeline, name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* NULL: unknown. */
struct slots {
    const char *service_interest; /* "drain cleaning" */
    const char *urgency;          /* "high", "medium" or "low" */
    const char *budget_range;     /* "$300-$500" */
    const char *timeline;         /* "next week" */
    const char *name;
};

/* Replaces in slots what text tells, keeps the rest. services: the client's, which are preferred as names of what is
 * wanted. asked: the slot that our last message asked for ("service", ...; NULL: none): a bare answer is taken as it.
 * Strings are in arena or static. */
void slots_extract(struct arena *arena, const char *text, const char *const *services, size_t n_services,
                   const char *asked, struct slots *slots);

/* Whether the timeline is within about a week. */
bool slots_timeline_is_soon(const char *timeline);

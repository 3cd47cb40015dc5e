/* guard_sources.h - what the drafts of one turn are checked against. A text is read when a claim first needs it, and
 * once however many drafts there are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "services/orchestrator/guards/claim_text.h"

struct decision_input;

struct guard_source {
    const char *text;
    bool titled;  /* the source before it is its title */
    bool data;    /* others than the business's own people may have written it: what instructs the model is cut */
    bool leads;   /* the lead has written it */
    bool general; /* about the business as a whole: its words belong to all that it does */

    bool is_read;
    struct claim_text read;
};

struct guard_sources {
    struct arena *arena;
    struct guard_source *items;
    size_t n, room;
    const char *local_time; /* "Monday 2026-11-23 09:30": what "tomorrow" means; NULL: unknown */
};

/* text must stay; NULL is none. False when out of memory. */
bool guard_sources_add(struct guard_sources *self, struct guard_source source);

/* What stands in the turn's input: passages, configuration, the conversation. False when out of memory. */
bool guard_sources_add_input(struct guard_sources *self, const struct decision_input *in);

/* NULL when out of memory. */
struct claim_text *guard_source_read(struct guard_sources *self, size_t i);

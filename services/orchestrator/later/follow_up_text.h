/* follow_up_text.h - what a lead is told that is written to again. All of it is true whenever it is said. */
#pragma once

#include <stdbool.h>

#include "services/orchestrator/scripted/language.h"

struct arena;

/* After silence. texts: the client's own (may be NULL), of which the one of the step (from 1) counts; else ours. {name}
 * becomes name; where that is NULL or looks like none, it goes with the space before it. In arena, NULL when out of
 * memory. */
const char *follow_up_text(struct arena *arena, const char *const *texts, size_t n_texts, int step,
                           enum language language, const char *business, const char *name);

/* As the lead has asked; today: for this day. In arena, NULL when out of memory. */
const char *follow_up_asked_text(struct arena *arena, enum language language, const char *business, bool today);

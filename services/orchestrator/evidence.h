/* evidence.h - by what is known about a lead, the words that told it: {"budget_range": {"seq": 12, "words": "max
 * $500"}}.
 *
 * seq is the message's. Kept with the lead, with each turn's record and with the history of its score. */
#pragma once

#include <stdint.h>

#include "services/orchestrator/slots.h"

struct arena;
struct decision_input;
struct decision_output;

/* The truths that are not columns of a lead (SLOT_APPOINTMENT and behind) into slots. */
void evidence_read(const char *evidence, struct slots *slots);

/* evidence with what a text told: for each slot with words these, and without the truths that hold no more. In arena;
 * evidence as it was when out of memory. */
const char *evidence_add(struct arena *arena, const char *evidence, int64_t seq, const struct slots *slots);

/* For an agent that gives no words: what it has changed was told by the last text of the turn. */
void evidence_complete(struct arena *arena, const struct decision_input *in, struct decision_output *out);

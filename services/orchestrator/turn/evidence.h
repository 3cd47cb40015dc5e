/* evidence.h - by what is known about a lead, the words that told it: {"budget_range": {"seq": 12, "words": "max
 * $500"}}.
 *
 * seq is the message's. Kept with the lead, with each turn's record and with the history of its score. */
#pragma once

#include <stdint.h>

#include "services/orchestrator/scripted/slots.h"

struct arena;
struct decision_input;

/* The truths that are not columns of a lead (SLOT_APPOINTMENT and behind) into slots. */
void evidence_read(const char *evidence, struct slots *slots);

/* evidence with what a text told: for each slot with words these, and without the truths that hold no more. In arena;
 * evidence as it was when out of memory. */
const char *evidence_add(struct arena *arena, const char *evidence, int64_t seq, const struct slots *slots);

/* evidence with the words that told one slot; words NULL: without the slot. As evidence_add otherwise. */
const char *evidence_put(struct arena *arena, const char *evidence, enum slot slot, int64_t seq, const char *words);

/* The newest text of the lead's in which quote stands, whatever case and marks it is written with: its seq; -1 if it
 * stands in none that this turn sees. */
int64_t evidence_find(struct arena *arena, const struct decision_input *in, const char *quote);

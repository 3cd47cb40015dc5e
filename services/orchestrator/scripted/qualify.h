/* qualify.h - HOT, WARM or COLD, and why. */
#pragma once

#include "services/orchestrator/scripted/slots.h"

struct arena;
struct decision_input;
struct decision_output;

/* Puts what the unanswered texts tell into output's slots, with its evidence, and scores the lead by all that is known
 * of it and the client's rules (proto/qualification_rules.h). ret_slots: all that is known now; its words: what told
 * it, of what has been told in this turn. */
void qualify(struct arena *arena, const struct decision_input *in, struct decision_output *output,
             struct slots *ret_slots);

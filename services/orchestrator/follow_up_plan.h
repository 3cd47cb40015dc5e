/* follow_up_plan.h - what is written to the lead next, unless it answers. A part of the decision: pure. */
#pragma once

#include "services/orchestrator/decision.h"

struct arena;

#define FOLLOW_UPS_MAX 5 /* steps after silence */

/* Sets out->follow_up, and out->language with it. out is decided but for that: reply, asked, evidence, escalation. */
void follow_up_plan(struct arena *arena, const struct decision_input *in, struct decision_output *out);

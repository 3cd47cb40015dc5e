/* follow_up_plan.h - what is written to the lead next, unless it answers. A part of the decision: pure. */
#pragma once

#include "services/orchestrator/later/later.h"
#include "services/orchestrator/turn/decision.h"

struct arena;

#define FOLLOW_UPS_MAX 5 /* steps after silence */

/* What the lead wants of us at another time. LATER_WRITE only where we can keep it by ourselves; LATER_CALL where a
 * person must: to call, or by WhatsApp, where we may not write first after 24 hours. */
struct later follow_up_wish(struct arena *arena, const struct decision_input *in);

/* For the person who is called because of it. In arena. */
const char *follow_up_wish_reason(struct arena *arena, const struct later *wish);

/* "No need to text me tomorrow": whatever it had asked for, on whatever channel. */
bool follow_up_taken_back(struct arena *arena, const struct decision_input *in);

/* Sets out->follow_up, write_at, write_words and language, and where we write as the lead has asked, the reply says so;
 * where a person must, one is called. out is decided but for that: reply, asked, evidence, escalation. -1 when out of
 * memory. */
int follow_up_plan(struct arena *arena, const struct decision_input *in, struct decision_output *out);

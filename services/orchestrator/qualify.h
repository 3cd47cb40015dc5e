/* qualify.h - HOT, WARM or COLD, and why. */
#pragma once

struct arena;
struct decision_input;
struct decision_output;

/* Puts what the unanswered texts tell into output's slots, and scores the lead by all that is known of it:
 * HOT   high urgency and a known service, or a budget and a timeline within about a week
 * WARM  something is known
 * COLD  nothing is known, or the lead is not interested */
void qualify(struct arena *arena, const struct decision_input *in, struct decision_output *output);

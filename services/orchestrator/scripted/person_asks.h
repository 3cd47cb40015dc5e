/* person_asks.h - what a colleague has asked the lead, where the answer may be a bare "500" or "Tuesday". */
#pragma once

struct arena;

/* "service", "urgency", "budget" or "timeline", as decision_input.asked has it; NULL: nothing of these, or no question.
 * Static. */
const char *person_asks(struct arena *arena, const char *text);

/* greeting_text.h - what a lead that came by web form or API and asked nothing is told first. */
#pragma once

struct arena;
struct decision_input;

/* The client's lead_greeting, else one in the lead's language; without a question at its end. {name} and {service}
 * stand for what the lead gave, as far as it looks like that (else they go with what leads to them, "about {service}"):
 * a form may be sent by somebody else, to somebody else's number, and must not carry text of theirs. In arena; NULL
 * when out of memory. */
const char *greeting_text(struct arena *arena, const struct decision_input *in);

/* The first name, as far as it looks like one; NULL if it does not. */
const char *greeting_name(struct arena *arena, const char *name);

/* What the placeholders of a WhatsApp template stand for, as JSON: {"1": that name, or "there", "2": the business}. In
 * arena; NULL when out of memory. */
const char *greeting_variables(struct arena *arena, const char *name, const char *business);

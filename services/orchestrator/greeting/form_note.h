/* form_note.h - what came with a message by web form or API: messages.form, a JSON object. Texts are in the arena. */
#pragma once

#include <stdbool.h>

struct arena;

/* What an agent is told of it, at most 400 bytes: "[by web form; name: Ada; service: Boiler repair; budget: 500]". NULL
 * when out of memory. */
const char *form_note(const char *form, struct arena *arena);

/* The language tag of the page; NULL if it is not known. */
const char *form_language(const char *form, struct arena *arena);

/* Of the form that it came by; NULL: it came by API. */
const char *form_id(const char *form, struct arena *arena);
const char *form_name(const char *form, struct arena *arena);

/* The form's max_new_per_day, where it came beyond that; 0: within. */
int form_over_bound(const char *form);

/* Whether the lead asks there not to be texted. */
bool form_refuses_texts(const char *form);

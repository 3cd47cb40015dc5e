/* contact.h - who a lead says that they are. */
#pragma once

#include <stdbool.h>

struct arena;
struct clause;

/* "Ada Lovelace"; NULL if no name is told. In arena. */
const char *contact_name(struct arena *arena, const struct clause *clause);

/* Two or three words that look like nothing but a name: "Ada Lovelace", "Ada 555-201-3344". */
const char *contact_bare_name(struct arena *arena, const char *text);

/* An e-mail address, in lower case; NULL if there is none. In arena. */
const char *contact_email(struct arena *arena, const char *text);

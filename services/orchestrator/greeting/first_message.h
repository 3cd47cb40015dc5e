/* first_message.h - what the first message to a lead says beside what it says: who writes, and how to make
 * it stop. */
#pragma once

#include <stddef.h>

struct arena;

struct first_message {
    const char *name;       /* of the business */
    const char *disclosure; /* that a machine writes, in the client's words; NULL: nothing, or a person writes */
    const char *line;       /* how to make it stop; NULL: nothing */
};

/* draft with name before it, unless it has the name, then disclosure, and line at its end, each unless it stands there
 * already. max: the characters of the whole, for which the draft alone is cut, at whole sentences where that keeps half
 * of it; a draft keeps FIRST_MESSAGE_DRAFT_MIN all the same. 0: nothing is cut. In arena, NULL when out of memory. */
#define FIRST_MESSAGE_DRAFT_MIN 120
const char *first_message(struct arena *arena, const struct first_message *says, const char *draft, size_t max);

/* first_message.h - what the first message to a lead says beside what it says: who writes, and how to make it stop. */
#pragma once

#include <stddef.h>

struct arena;

/* draft with name before it, unless it has the name, and line (NULL: none) at its end, unless it has the line. max: the
 * characters of the whole, for which the draft alone is cut, at whole sentences where that keeps half of it; a draft
 * keeps FIRST_MESSAGE_DRAFT_MIN all the same. 0: nothing is cut. In arena, NULL when out of memory. */
#define FIRST_MESSAGE_DRAFT_MIN 120
const char *first_message(struct arena *arena, const char *name, const char *line, const char *draft, size_t max);

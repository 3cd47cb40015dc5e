/* instructions.h - what a text says to the model instead of to its reader. */
#pragma once

struct arena;

/* text up to the first sentence that instructs the model, and from the next paragraph on; text itself where there is
 * none. In arena, NULL when out of memory. */
const char *instructions_removed(struct arena *arena, const char *text);

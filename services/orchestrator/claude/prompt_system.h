/* prompt_system.h - the part of a request that stays the same: the tools, what every business has the model keep to,
 * and what one business says of itself. */
#pragma once

struct buf;
struct decision_input;

/* A JSON array; NULL when out of memory. */
const char *prompt_tools(void);
/* Appends a JSON array of two text blocks, each marked for the prompt cache. */
void prompt_system(const struct decision_input *in, struct buf *out);

/* prompt_system.h - the part of a request that stays the same: the tools, what every business has the model keep to,
 * and what one business says of itself. */
#pragma once

#include <jansson.h>

struct decision_input;

/* New references; NULL when out of memory. */
json_t *prompt_tools(void);
/* Two text blocks, each marked for the prompt cache. */
json_t *prompt_system(const struct decision_input *in);

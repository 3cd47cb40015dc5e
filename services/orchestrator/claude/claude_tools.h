/* claude_tools.h - the tools that the model may call. */
#pragma once

#include <jansson.h>

struct claude;
struct decision_output;

/* Does what a sound tool_use block asks for, notes the receipt, and returns the tool_result block (a new reference).
 * Wrong input is answered to the model as an error. */
json_t *claude_tool(struct claude *self, const json_t *use, struct decision_output *output);

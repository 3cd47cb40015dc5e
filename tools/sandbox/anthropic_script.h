/* anthropic_script.h - what the sandbox's Claude says by itself. Pure: the same request gives the same content. */
#pragma once

#include <jansson.h>

/* The content blocks for a checked request:
 * - a tool that tool_choice names, or record_qualification if it is offered and the lead's words came last:
 *   a tool_use of it, with the input that its schema asks for, guessed from the words;
 * - else a text from the first <passage ...>...</passage> of the request, or that a colleague will be asked. */
json_t *anthropic_script(const json_t *request);

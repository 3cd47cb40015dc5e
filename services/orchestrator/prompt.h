/* prompt.h - what the model is sent.
 *
 * The stable part comes first (tools, policy, the client's own words) and is
 * marked for the provider's prompt cache; what changes with each turn (time,
 * passages, the new texts) comes last. What a lead or a document wrote is fenced
 * and its '<' escaped, so that it cannot leave its fence. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct arena;
struct buf;
struct decision_input;
struct passage;

/* The whole request of the first round: model, max_tokens, system, tools, messages. NULL when out of memory. */
json_t *prompt_request(const char *model, const struct decision_input *in, struct arena *arena);

/* The part that is the same for every client. */
const char *prompt_policy(void);

/* <passage id="1" title="...">...</passage>, one after another; first_id numbers them. */
void prompt_passages(const struct passage *passages, size_t n, size_t first_id, struct buf *out);

/* text with '<' as &lt; ; in an attribute also '"' as &quot; and line breaks as spaces. */
void prompt_escape(const char *text, int in_attribute, struct buf *out);

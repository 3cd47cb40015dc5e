/* prompt.h - what the model is sent.
 *
 * The provider caches prefixes: tools, then system, then messages, byte for byte. So what stays the same comes first
 * (prompt_system.h), then the turns before as the model saw them (decision_input.exchanges), and behind that what this
 * turn adds: what is true now, passages, the lead's new texts. What a turn has added stays as it was in the requests of
 * all later turns, until the history is cut (turn_history.h). What a lead, a colleague or a document wrote is fenced
 * and its '<' escaped, so that it cannot leave its fence. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct arena;
struct buf;
struct decision_input;
struct passage;

#define PROMPT_MAX_TOKENS 1024 /* of an answer */

/* The messages of the first round. *ret_first: which of them is the first that this turn adds. NULL when out of memory.
 */
json_t *prompt_messages(const struct decision_input *in, size_t *ret_first);

/* Marks where the prompt cache is to keep what it has read: before messages[first], and at the end. Two more marks are
 * in system, and four is what may be given. The marks do not count for the prefix; with on 0 they are taken off. */
void prompt_mark(json_t *messages, size_t first, int on);

/* About how many tokens a text takes: one for four bytes of ASCII, one for two of anything else. Real texts in English
 * take a little less, JSON and Arabic a little more. */
size_t prompt_tokens(const char *text);

/* The part that is the same for every client. */
const char *prompt_policy(void);

/* <passage id="1" title="...">...</passage>, one after another; first_id numbers them. */
void prompt_passages(const struct passage *passages, size_t n, size_t first_id, struct buf *out);

/* text with '<' as &lt; ; in an attribute also '"' as &quot; and line breaks as spaces. */
void prompt_escape(const char *text, int in_attribute, struct buf *out);

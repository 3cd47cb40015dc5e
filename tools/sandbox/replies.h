/* replies.h - what the sandbox's Claude says next, as the control path has set it. Thread-safe. */
#pragma once

#include <jansson.h>

struct err;
struct replies;

struct replies *replies_new(void);
void replies_destroy(struct replies **self_p);

/* Replaces what is left by list: of arrays of content blocks, {"content": [...], "stop_reason"?, "usage"?}, {"text":
 * "...", "usage"?} or {"status": 529, "message"?, "retry_after"?}. usage: members that replace those of the answer's.
 * ERR_INVALID tells what is wrong; then nothing changes. */
int replies_set(struct replies *self, json_t *list, struct err *err);

/* The next one, which is the caller's; NULL: none is left. */
json_t *replies_take(struct replies *self);
size_t replies_left(struct replies *self);

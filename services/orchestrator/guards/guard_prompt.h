/* guard_prompt.h - what the model is told is not repeated to a lead. */
#pragma once

struct arena;
struct decision_input;

/* What draft repeats of the prompt: a name of a tool or of a fence, or six words in a row of the policy, eight of the
 * client's persona. NULL: nothing. In arena or static. */
const char *guard_prompt(struct arena *arena, const char *draft, const struct decision_input *in);

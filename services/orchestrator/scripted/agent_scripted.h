/* agent_scripted.h - the agent that needs no model: deterministic, made of rules and templates.
 *
 * It quotes the best passage, asks for one thing that is still missing, scores,
 * and calls a person when it is asked to or has twice known nothing. */
#pragma once

struct arena;
struct decision_input;
struct decision_output;
struct err;

/* Strings are in arena, in *in or static. -1 only when out of memory. */
int agent_scripted(const struct decision_input *in, struct arena *arena, struct decision_output *ret_output,
                   struct err *err);

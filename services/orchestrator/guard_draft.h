/* guard_draft.h - all that is checked of a draft before it leaves.
 *
 * What passages, tools and leads write to the model as instructions supports nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct decision_input;

struct guard_result {
    const char **unsupported; /* claims that stand nowhere */
    size_t n_unsupported;     /* (size_t)-1: out of memory; the draft is held */
    const char *deed;         /* a sentence that tells a deed as done, without its receipt */
    const char *leak;         /* what was repeated of the prompt */
    const char *denial;       /* a sentence that claims to be written by a person */
};

/* found: what tools of this turn have found. called: a tool of this turn has called a person. Returns whether the draft
 * may leave. Texts are in arena. */
bool guard_draft(struct arena *arena, const struct decision_input *in, const char *const *found, size_t n_found,
                 bool called, const char *draft, struct guard_result *ret);

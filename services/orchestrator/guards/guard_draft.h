/* guard_draft.h - all that is checked of a draft before it leaves.
 *
 * What passages, tools and leads write to the model as instructions supports nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct decision_input;
struct decision_output;

struct guard_result {
    const char **unsupported; /* claims that stand nowhere */
    size_t n_unsupported;     /* (size_t)-1: out of memory; the draft is held */
    const char *deed;         /* a sentence that tells a deed as done, without its receipt */
    const char *leak;         /* what was repeated of the prompt */
    const char *denial;       /* a sentence that claims to be written by a person */
};

/* The guards of one turn. */
struct guard;

/* in must stay. In arena; NULL when out of memory. */
struct guard *guard_new(struct arena *arena, const struct decision_input *in);

/* found: what tools of this turn have found so far; it may grow from draft to draft. out: the draft is its reply, and
 * what it does beside (escalate) is the receipt for telling so. Returns whether the draft may leave. Texts are in the
 * arena. */
bool guard_draft(struct guard *self, const char *const *found, size_t n_found, const struct decision_output *out,
                 struct guard_result *ret);

/* guard_draft.c - see guard_draft.h. */
#include "services/orchestrator/guards/guard_draft.h"

#include <string.h>

#include "libshared/arena.h"
#include "services/orchestrator/guards/guard_claims.h"
#include "services/orchestrator/guards/guard_prompt.h"
#include "services/orchestrator/guards/guard_receipts.h"
#include "services/orchestrator/scripted/identity.h"
#include "services/orchestrator/turn/decision.h"

struct guard {
    const struct decision_input *in;
    struct guard_sources sources;
    size_t n_found; /* so many of the tools' texts are among the sources */
};

struct guard *guard_new(struct arena *arena, const struct decision_input *in)
{
    struct guard *self = arena_calloc(arena, 1, sizeof *self);

    if (!self)
        return NULL;
    self->in = in;
    self->sources.arena = arena;
    return guard_sources_add_input(&self->sources, in) ? self : NULL;
}

static bool add_found(struct guard *self, const char *const *found, size_t n_found)
{
    for (; self->n_found < n_found; self->n_found++)
        if (!guard_sources_add(&self->sources, (struct guard_source){.text = found[self->n_found], .data = true}))
            return false;
    return true;
}

bool guard_draft(struct guard *self, const char *const *found, size_t n_found, const struct decision_output *out,
                 struct guard_result *ret)
{
    bool called = out->escalate || strcmp(self->in->state, "escalated") == 0;

    *ret = (struct guard_result){.n_unsupported = (size_t)-1};
    if (!add_found(self, found, n_found))
        return false;
    ret->n_unsupported = guard_claims(out->reply, &self->sources, &ret->unsupported);
    ret->deed = guard_receipts(out->reply, &self->sources, called);
    ret->leak = guard_prompt(self->sources.arena, out->reply, self->in);
    ret->denial = identity_denied(self->sources.arena, out->reply);
    return ret->n_unsupported == 0 && !ret->deed && !ret->leak && !ret->denial;
}

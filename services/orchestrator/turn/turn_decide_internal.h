/* turn_decide_internal.h - the parts of one decision: agents, guards, record. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "libshared/err.h"
#include "services/orchestrator/claude/agent_claude.h"
#include "services/orchestrator/escalation/escalation.h"
#include "services/orchestrator/guards/guard_draft.h"
#include "services/orchestrator/turn/turn_decide.h"

/* One decision under way. */
struct deciding {
    struct decider *base;
    struct turn *turn;
    struct claude claude;
    bool asked_model;                 /* claude holds a request and answers */
    bool over_budget;                 /* it was not asked, as the client's month has no money left for it */
    struct guard *guard;              /* of its drafts */
    json_t *guards;                   /* [{guard, draft, unsupported, outcome}] */
    enum escalation_cause to_be_told; /* a rule has called a person, and the reply does not say so yet */
    int64_t agent_us, guards_us;
};

/* turn_agents.c: fills turn->out. *ret_wanted: the client's choice of agent. -1 only when out of memory. */
int turn_run_agent(struct deciding *self, const char **ret_wanted, struct err *err);

/* turn_calls.c: whether the lead's words, or two misses, call a person; and telling the lead so. */
void turn_call_person(struct deciding *self);
int turn_tell_call(struct deciding *self, struct err *err);

/* turn_guards.c: what may not leave is repaired or replaced; then what code alone may say is added. */
int turn_guard(struct deciding *self, struct err *err);

/* turn_record.c: fills turn->record and the tokens. */
int turn_make_record(struct deciding *self, const char *wanted, struct err *err);

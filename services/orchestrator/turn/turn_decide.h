/* turn_decide.h - from what was read to what is answered: agent, then guards. */
#pragma once

#include <stdbool.h>

#include "services/orchestrator/claude/agent_claude.h"

struct err;
struct turn;

/* What deciding works with, beside the turn. */
struct decider {
    struct claude_api api; /* the model, where turn->in.model names one */
    struct claude_search search;
    struct arena *arena;

    /* For the record. */
    int64_t search_us, load_us;
};

/* Whether a model will be asked, as far as is known before it is. */
bool turn_wants_model(const struct turn *turn, struct arena *arena);

/* Fills turn->out, turn->model_err, turn->record and the tokens. A model that fails costs no answer: the scripted agent
 * gives it. -1 only when out of memory. */
int turn_decide(struct decider *self, struct turn *turn, struct err *err);

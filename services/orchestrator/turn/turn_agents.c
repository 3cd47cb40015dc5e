/* turn_agents.c - who writes the reply; see turn_decide_internal.h. */
#include <string.h>

#include "libshared/clock.h"
#include "libshared/err.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/claude/month_budget.h"
#include "services/orchestrator/scripted/agent_scripted.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide_internal.h"

static bool model_is_wanted(const struct turn *turn, struct arena *arena, const char **ret_agent)
{
    const char *agent = client_config_text(turn->in.config, "agent", arena);

    *ret_agent = agent ? agent : "auto";
    return turn->in.model && strcmp(*ret_agent, "scripted") != 0;
}

bool turn_wants_model(const struct turn *turn, struct arena *arena)
{
    const char *agent;

    return model_is_wanted(turn, arena, &agent) && !turn->in.greet && !month_budget_is_spent(&turn->in);
}

/* 0: out is the model's. -1 with turn->model_err otherwise. */
static int ask_model(struct deciding *self)
{
    struct decider *base = self->base;

    self->claude = (struct claude){
        .api = base->api,
        .model = self->turn->in.model,
        .search = base->search,
        .arena = base->arena,
        .in = &self->turn->in,
    };
    self->asked_model = true;
    self->turn->out = decision_start(&self->turn->in, "claude");
    if (claude_start(&self->claude, &self->turn->model_err) < 0)
        return -1;
    return claude_answer(&self->claude, &self->turn->out, &self->turn->model_err);
}

int turn_run_agent(struct deciding *self, const char **ret_wanted, struct err *err)
{
    int64_t start = clock_mono_us();
    bool wanted = model_is_wanted(self->turn, self->base->arena, ret_wanted);
    int rc = -1;

    if (self->turn->in.greet) {
        rc = -1; /* it is not the model's to write */
    } else if (wanted && month_budget_is_spent(&self->turn->in)) {
        self->over_budget = true;
        err_set(&self->turn->model_err, ERR_DENIED, "the month has cost what monthly_budget_usd allows");
    } else if (wanted) {
        rc = ask_model(self);
    } else if (strcmp(*ret_wanted, "claude") == 0) {
        err_set(&self->turn->model_err, ERR_UNAVAILABLE, "ANTHROPIC_API_KEY is not set");
    }
    if (rc < 0)
        rc = agent_scripted(&self->turn->in, self->base->arena, &self->turn->out, err);
    self->agent_us = clock_mono_us() - start;
    return rc;
}

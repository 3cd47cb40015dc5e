/* turn_agents.c - who writes the reply; see turn_decide_internal.h. */
#include <string.h>

#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "services/orchestrator/agent_scripted.h"
#include "services/orchestrator/client_config.h"
#include "services/orchestrator/evidence.h"
#include "services/orchestrator/turn.h"
#include "services/orchestrator/turn_decide_internal.h"

static bool model_is_wanted(const struct deciding *self, const char **ret_agent)
{
    const char *agent = client_config_text(self->turn->in.config, "agent", self->base->arena);

    *ret_agent = agent ? agent : "auto";
    return self->turn->in.model && strcmp(*ret_agent, "scripted") != 0;
}

/* 0: out is the model's. -1 with model_err otherwise. */
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
    if (claude_start(&self->claude, &self->model_err) < 0)
        return -1;
    return claude_answer(&self->claude, &self->turn->out, &self->model_err);
}

static void log_model_failure(const struct deciding *self)
{
    const struct err *err = &self->model_err;
    bool lasting = err->kind == ERR_INVALID || err->kind == ERR_DENIED || err->kind == ERR_INTERNAL;

    log_write(lasting ? LOG_ERROR : LOG_WARN, "the model gave no answer, the scripted agent answers",
              (struct log_field[]){log_str("client_id", self->turn->client_id),
                                   log_str("conversation_id", self->turn->conversation_id),
                                   log_str("turn_id", self->turn->turn_id),
                                   log_int("provider_code", err->provider_code),
                                   log_str("kind", err_kind_name(err->kind)),
                                   log_str("error", err->text),
                                   {0}});
}

int turn_run_agent(struct deciding *self, const char **ret_wanted, struct err *err)
{
    int64_t start = clock_mono_us();
    int rc = -1;

    if (model_is_wanted(self, ret_wanted)) {
        rc = ask_model(self);
        if (rc < 0)
            log_model_failure(self);
    } else if (strcmp(*ret_wanted, "claude") == 0) {
        err_set(&self->model_err, ERR_UNAVAILABLE, "ANTHROPIC_API_KEY is not set");
    }
    if (rc < 0)
        rc = agent_scripted(&self->turn->in, self->base->arena, &self->turn->out, err);
    else
        evidence_complete(self->base->arena, &self->turn->in, &self->turn->out);
    self->agent_us = clock_mono_us() - start;
    return rc;
}

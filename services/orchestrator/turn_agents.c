/* turn_agents.c - who writes the reply; see turn_decide_internal.h. */
#include <string.h>

#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "services/orchestrator/agent_scripted.h"
#include "services/orchestrator/client_config.h"
#include "services/orchestrator/evidence.h"
#include "services/orchestrator/outage.h"
#include "services/orchestrator/turn.h"
#include "services/orchestrator/turn_decide_internal.h"

static bool model_is_wanted(const struct deciding *self, const char **ret_agent)
{
    const char *agent = client_config_text(self->turn->in.config, "agent", self->base->arena);

    *ret_agent = agent ? agent : "auto";
    return self->base->config->anthropic_api_key && strcmp(*ret_agent, "scripted") != 0;
}

static int ask_model(struct deciding *self, struct err *err)
{
    struct decider *base = self->base;
    const struct config *config = base->config;
    const char *model = client_config_text(self->turn->in.config, "anthropic_model", base->arena);

    self->claude = (struct claude){
        .api = {.base_url = config->anthropic_base_url, .api_key = config->anthropic_api_key, .http = base->http},
        .model = model ? model : config->anthropic_model,
        .search = base->search,
        .deadline_ms = base->deadline_ms,
        .arena = base->arena,
        .in = &self->turn->in,
    };
    self->asked_model = true;
    self->turn->out = decision_start(&self->turn->in, "claude");
    if (claude_start(&self->claude, err) < 0)
        return -1;
    return claude_answer(&self->claude, &self->turn->out, err);
}

/* Whether the provider answered at all, be it with what is of no use: that may be due to what this lead wrote. */
static bool provider_answered(const struct deciding *self)
{
    const json_t *answers = self->claude.answers;
    const json_t *last = json_array_get(answers, json_array_size(answers) - 1);

    return json_is_object(json_object_get(last, "message")) || self->model_err.kind != ERR_UNAVAILABLE;
}

/* 0: out is the model's. -1 with model_err otherwise. */
static int try_model(struct deciding *self)
{
    struct outage *outage = self->base->outage;
    int rc;

    if (!outage_may_ask(outage, clock_mono_ms()))
        return err_set(&self->model_err, ERR_UNAVAILABLE, "the model is away: it gave no answer to the turns before");
    rc = ask_model(self, &self->model_err);
    outage_note(outage, rc == 0 || provider_answered(self));
    return rc;
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
        rc = try_model(self);
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

/* decision.c - see decision.h. */
#include "services/orchestrator/turn/decision.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/text.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/scripted/language.h"
#include "services/orchestrator/scripted/templates.h"

DECISION_MESSAGES(MESSAGE_TYPE)

struct decision_output decision_start(const struct decision_input *in, const char *agent)
{
    const struct decision_lead *lead = in->lead;

    return (struct decision_output){
        .agent = agent,
        .score = lead->score,
        .score_reason = lead->score_reason ? lead->score_reason : "",
        .name = lead->name,
        .service_interest = lead->service_interest,
        .urgency = lead->urgency,
        .budget_range = lead->budget_range,
        .timeline = lead->timeline,
        .email = lead->email,
        .evidence = lead->evidence,
    };
}

bool decision_by_form(const struct decision_message *message)
{
    return message->note && strncmp(message->note, "[by web form", strlen("[by web form")) == 0;
}

const char *decision_unanswered_text(const struct decision_input *in, size_t max, struct arena *arena)
{
    AUTO(buf_free) struct buf text = {0};

    for (size_t i = 0; i < in->n_unanswered; i++) {
        if (i > 0)
            buf_puts(&text, "\n");
        buf_puts(&text, in->unanswered[i].body);
    }
    if (text.failed)
        return NULL;
    return text.data ? arena_strndup(arena, text.data, utf8_cut(text.data, text.len, max)) : "";
}

const char *decision_escalation_text(const struct decision_input *in, struct arena *arena)
{
    const char *configured = client_config_text(in->config, "escalation_text", arena);

    return configured ? configured : template_text(SAY_ESCALATED, language_of(in, arena));
}

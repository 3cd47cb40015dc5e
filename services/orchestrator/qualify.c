/* qualify.c - see qualify.h. */
#include "services/orchestrator/qualify.h"

#include <jansson.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/orchestrator/decision.h"
#include "services/orchestrator/slots.h"
#include "services/orchestrator/words.h"

#define SERVICES_MAX 50

static size_t read_services(struct arena *arena, const char *config, const char **ret_services)
{
    json_auto_t *object = json_loads(config, 0, NULL);
    const json_t *services = json_object_get(object, "services");
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(services) && n < SERVICES_MAX; i++)
        if ((ret_services[n] = arena_strdup(arena, json_string_value(json_array_get(services, i)))))
            n++;
    return n;
}

static void add_reason(struct buf *reason, const char *name, const char *value)
{
    if (value && *value)
        buf_printf(reason, "%s%s: %s", reason->len > 0 ? "; " : "", name, value);
}

static void score(struct arena *arena, bool lost_interest, struct decision_output *output)
{
    AUTO(buf_free) struct buf reason = {0};
    bool urgent = output->urgency && strncmp(output->urgency, "high", 4) == 0;
    bool soon = slots_timeline_is_soon(output->timeline);

    add_reason(&reason, "service", output->service_interest);
    add_reason(&reason, "urgency", output->urgency);
    add_reason(&reason, "budget", output->budget_range);
    add_reason(&reason, "timeline", output->timeline);
    if (lost_interest)
        output->score = "COLD";
    else if ((urgent && output->service_interest) || (output->budget_range && soon))
        output->score = "HOT";
    else
        output->score = reason.len > 0 ? "WARM" : "COLD";
    output->score_reason = lost_interest ? "says they are not interested" : arena_strdup(arena, reason.data);
    if (!output->score_reason)
        output->score_reason = "nothing known yet";
}

void qualify(struct arena *arena, const struct decision_input *in, struct decision_output *output)
{
    static const char *const lost[] = {"not interested",
                                       "no longer interested",
                                       "wrong number",
                                       "found someone else",
                                       "no longer need",
                                       "dont need it anymore",
                                       NULL};
    const char *text = decision_unanswered_text(in, 16000, arena);
    const char *folded = text ? words_fold(arena, text) : NULL;
    const char *services[SERVICES_MAX];
    size_t n_services = read_services(arena, in->config, services);
    struct slots slots = {.service_interest = output->service_interest,
                          .urgency = output->urgency,
                          .budget_range = output->budget_range,
                          .timeline = output->timeline,
                          .name = output->name};

    if (!folded)
        return;
    slots_extract(arena, text, services, n_services, in->asked, &slots);
    output->service_interest = slots.service_interest;
    output->urgency = slots.urgency;
    output->budget_range = slots.budget_range;
    output->timeline = slots.timeline;
    output->name = slots.name;
    score(arena, words_find(folded, lost) != NULL, output);
}

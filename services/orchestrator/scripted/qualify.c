/* qualify.c - see qualify.h. */
#include "services/orchestrator/scripted/qualify.h"

#include <jansson.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "proto/qualification_rules.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/scripted/budget.h"
#include "services/orchestrator/scripted/person_asks.h"
#include "services/orchestrator/scripted/timeline.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/evidence.h"

/* The client's services and rules. */
struct rules {
    const char *const *services;
    size_t n_services;
    struct qualification_rules scores;
};

static void read_rules(struct arena *arena, const char *config, struct rules *ret)
{
    json_auto_t *object = json_loads(config, 0, NULL);

    ret->services = client_config_texts(config, "services", arena, &ret->n_services);
    if (!ret->services)
        ret->n_services = 0;
    /* Checked when it was stored; a version that knows less falls back to the defaults. */
    if (qualification_rules_read(json_object_get(object, "qualification_rules"), &ret->scores, NULL) < 0)
        qualification_rules_read(NULL, &ret->scores, NULL);
}

static bool is_listed(const struct rules *rules, const char *service)
{
    for (size_t i = 0; service && i < rules->n_services; i++)
        if (strstr(service, rules->services[i]))
            return true;
    return false;
}

static unsigned what_holds(const struct rules *rules, const struct slots *slots)
{
    const char *const *value = slots->value;
    const bool holds[QUALIFY_CONDITIONS] = {
        [QUALIFY_SERVICE] = value[SLOT_SERVICE],
        [QUALIFY_LISTED_SERVICE] = is_listed(rules, value[SLOT_SERVICE]),
        [QUALIFY_URGENCY] = value[SLOT_URGENCY],
        [QUALIFY_URGENT] = value[SLOT_URGENCY] && strncmp(value[SLOT_URGENCY], "high", 4) == 0,
        [QUALIFY_BUDGET] = value[SLOT_BUDGET],
        [QUALIFY_ENOUGH_BUDGET] = value[SLOT_BUDGET] && budget_highest(value[SLOT_BUDGET]) >= rules->scores.min_budget,
        [QUALIFY_TIMELINE] = value[SLOT_TIMELINE],
        [QUALIFY_SOON] = timeline_days(value[SLOT_TIMELINE]) <= rules->scores.soon_days,
        [QUALIFY_APPOINTMENT] = value[SLOT_APPOINTMENT],
        [QUALIFY_JUST_LOOKING] = value[SLOT_JUST_LOOKING],
        [QUALIFY_NOT_INTERESTED] = value[SLOT_NOT_INTERESTED],
        [QUALIFY_NAME] = value[SLOT_NAME],
        [QUALIFY_EMAIL] = value[SLOT_EMAIL],
    };
    unsigned bits = 0;

    for (unsigned i = 0; i < QUALIFY_CONDITIONS; i++)
        bits |= (unsigned)holds[i] << i;
    return bits;
}

static const char *reason(struct arena *arena, const struct slots *slots)
{
    static const struct {
        enum slot slot;
        const char *text;
        bool has_value;
    } parts[] = {{SLOT_NOT_INTERESTED, "says they are not interested", false},
                 {SLOT_JUST_LOOKING, "says they are only looking", false},
                 {SLOT_SERVICE, "service", true},
                 {SLOT_URGENCY, "urgency", true},
                 {SLOT_BUDGET, "budget", true},
                 {SLOT_TIMELINE, "timeline", true},
                 {SLOT_APPOINTMENT, "wants an appointment", false}};
    AUTO(buf_free) struct buf out = {0};

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        const char *value = slots->value[parts[i].slot];

        if (value)
            buf_printf(&out, "%s%s%s%s", out.len > 0 ? "; " : "", parts[i].text, parts[i].has_value ? ": " : "",
                       parts[i].has_value ? value : "");
    }
    return out.data && !out.failed ? arena_strdup(arena, out.data) : "nothing known yet";
}

static const char *score(const struct qualification_rules *rules, unsigned holds)
{
    if (qualification_fits(&rules->cold, holds))
        return "COLD";
    if (qualification_fits(&rules->hot, holds))
        return "HOT";
    return qualification_fits(&rules->warm, holds) ? "WARM" : "COLD";
}

/* What one of the lead's texts tells. An address does not become the lead's by a web form, in which anybody may name
 * the lead's number and an address of his own. */
static void read_message(struct arena *arena, const struct decision_message *m, const struct rules *rules,
                         const char *asked, struct slots *slots)
{
    const char *email = slots->value[SLOT_EMAIL];

    slots_extract(arena, m->body, rules->services, rules->n_services, asked, slots);
    if (decision_by_form(m)) {
        slots->value[SLOT_EMAIL] = email;
        slots->words[SLOT_EMAIL] = NULL;
    }
}

/* What the lead told a person while the agent was silent. The slots' words are not of what is answered now. */
static void read_unread(struct arena *arena, const struct decision_input *in, const struct rules *rules,
                        struct slots *slots, struct decision_output *output)
{
    const char *asked = NULL;
    size_t last = in->n_history;

    while (last > 0 && strcmp(in->history[last - 1].author, "human") != 0)
        last--;
    for (size_t i = 0; i < last; i++) {
        const struct decision_message *m = &in->history[i];

        if (strcmp(m->author, "lead") != 0) {
            asked = strcmp(m->author, "human") == 0 ? person_asks(arena, m->body) : NULL;
        } else if (m->seq > in->read_seq) {
            read_message(arena, m, rules, asked, slots);
            output->evidence = evidence_add(arena, output->evidence, m->seq, slots);
        }
    }
}

void qualify(struct arena *arena, const struct decision_input *in, struct decision_output *output,
             struct slots *ret_slots)
{
    struct slots slots = {.value = {[SLOT_SERVICE] = output->service_interest,
                                    [SLOT_URGENCY] = output->urgency,
                                    [SLOT_BUDGET] = output->budget_range,
                                    [SLOT_TIMELINE] = output->timeline,
                                    [SLOT_NAME] = output->name,
                                    [SLOT_EMAIL] = output->email}};
    const char *told[SLOT_COUNT] = {0};
    struct rules rules;

    read_rules(arena, in->config, &rules);
    evidence_read(output->evidence, &slots);
    read_unread(arena, in, &rules, &slots, output);
    for (size_t i = 0; i < in->n_unanswered; i++) {
        read_message(arena, &in->unanswered[i], &rules, in->asked, &slots);
        output->evidence = evidence_add(arena, output->evidence, in->unanswered[i].seq, &slots);
        for (int slot = 0; slot < SLOT_COUNT; slot++)
            told[slot] = !slots.value[slot] ? NULL : slots.words[slot] ? slots.words[slot] : told[slot];
    }
    memcpy(slots.words, told, sizeof told);
    output->service_interest = slots.value[SLOT_SERVICE];
    output->urgency = slots.value[SLOT_URGENCY];
    output->budget_range = slots.value[SLOT_BUDGET];
    output->timeline = slots.value[SLOT_TIMELINE];
    output->name = slots.value[SLOT_NAME];
    output->email = slots.value[SLOT_EMAIL];
    output->score = score(&rules.scores, what_holds(&rules, &slots));
    output->score_reason = reason(arena, &slots);
    *ret_slots = slots;
}

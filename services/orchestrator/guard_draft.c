/* guard_draft.c - see guard_draft.h. */
#include "services/orchestrator/guard_draft.h"

#include <jansson.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/decision.h"
#include "services/orchestrator/guard_claims.h"
#include "services/orchestrator/guard_prompt.h"
#include "services/orchestrator/guard_receipts.h"
#include "services/orchestrator/identity.h"
#include "services/orchestrator/instructions.h"

#define SOURCES_MAX 256

struct sources {
    struct arena *arena;
    const char *texts[SOURCES_MAX];
    size_t n;
    size_t n_ours; /* the first ones: passages and configuration, not the lead's words */
};

static void add_source(struct sources *sources, const char *text)
{
    if (text && sources->n < SOURCES_MAX)
        sources->texts[sources->n++] = text;
}

/* What others than the business's own people may have written. */
static void add_data(struct sources *sources, const char *text)
{
    if (text)
        add_source(sources, instructions_removed(sources->arena, text));
}

/* Only what a lead may be told: not the number of the colleague who is alerted. */
static void add_config(struct sources *sources, const struct decision_input *in)
{
    static const char *const keys[] = {
        "business_description",  "persona", "greeting", "escalation_text", "twilio_phone_number",
        "twilio_whatsapp_number"};
    static const char *const lists[] = {"services", "twilio_phone_numbers"};
    json_auto_t *config = json_loads(in->config, 0, NULL);

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        add_source(sources, arena_strdup(sources->arena, json_string_value(json_object_get(config, keys[i]))));
    for (size_t l = 0; l < COUNT_OF(lists); l++) {
        const json_t *list = json_object_get(config, lists[l]);

        for (size_t i = 0; i < json_array_size(list); i++)
            add_source(sources, arena_strdup(sources->arena, json_string_value(json_array_get(list, i))));
    }
}

static void add_history(struct sources *sources, const struct decision_input *in, const char *author)
{
    for (size_t i = 0; i < in->n_history; i++)
        if (strcmp(in->history[i].author, author) == 0)
            add_data(sources, in->history[i].body);
}

static void collect(struct sources *sources, const struct decision_input *in, const char *const *found, size_t n_found)
{
    add_source(sources, in->client_name);
    for (size_t i = 0; i < in->n_passages; i++) {
        add_data(sources, in->passages[i].title);
        add_data(sources, in->passages[i].body);
    }
    for (size_t i = 0; i < n_found; i++)
        add_data(sources, found[i]);
    add_config(sources, in);
    add_history(sources, in, "human");
    sources->n_ours = sources->n;
    for (size_t i = 0; i < in->n_unanswered; i++)
        add_data(sources, in->unanswered[i].body);
    add_history(sources, in, "lead");
}

bool guard_draft(struct arena *arena, const struct decision_input *in, const char *const *found, size_t n_found,
                 bool called, const char *draft, struct guard_result *ret)
{
    struct sources *sources = arena_calloc(arena, 1, sizeof *sources);

    *ret = (struct guard_result){.n_unsupported = (size_t)-1};
    if (!sources)
        return false;
    sources->arena = arena;
    collect(sources, in, found, n_found);
    ret->n_unsupported = guard_claims(arena, draft,
                                      &(struct guard_sources){.texts = sources->texts,
                                                              .n = sources->n,
                                                              .n_ours = sources->n_ours,
                                                              .local_time = in->local_time},
                                      &ret->unsupported);
    ret->deed =
        guard_receipts(arena, draft, sources->texts, sources->n_ours, called || strcmp(in->state, "escalated") == 0);
    ret->leak = guard_prompt(arena, draft, in);
    ret->denial = identity_denied(arena, draft);
    return ret->n_unsupported == 0 && !ret->deed && !ret->leak && !ret->denial;
}

/* guard_sources.c - see guard_sources.h. */
#include "services/orchestrator/guards/guard_sources.h"

#include <jansson.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/claude/instructions.h"
#include "services/orchestrator/turn/decision.h"

bool guard_sources_add(struct guard_sources *self, struct guard_source source)
{
    if (!source.text)
        return true;
    if (self->n == self->room) {
        size_t room = self->room > 0 ? self->room * 2 : 64;
        struct guard_source *items = arena_calloc(self->arena, room, sizeof *items);

        if (!items)
            return false;
        if (self->n > 0)
            memcpy(items, self->items, self->n * sizeof *items);
        self->items = items;
        self->room = room;
    }
    self->items[self->n++] = source;
    return true;
}

/* Of a JSON string; NULL adds none. */
static bool add_json(struct guard_sources *self, const json_t *value, bool general)
{
    const char *text = arena_strdup(self->arena, json_string_value(value));

    return (text || !value) && guard_sources_add(self, (struct guard_source){.text = text, .general = general});
}

/* Only what a lead may be told: not the number of the colleague who is alerted. */
static bool add_config(struct guard_sources *self, const struct decision_input *in)
{
    static const char *const keys[] = {"business_description",
                                       "persona",
                                       "policy",
                                       "greeting",
                                       "lead_greeting",
                                       "escalation_text",
                                       "twilio_phone_number",
                                       "twilio_whatsapp_number"};
    static const char *const lists[] = {"services", "questions", "twilio_phone_numbers"};
    json_auto_t *config = json_loads(in->config, 0, NULL);

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (!add_json(self, json_object_get(config, keys[i]), true))
            return false;
    for (size_t l = 0; l < COUNT_OF(lists); l++) {
        const json_t *list = json_object_get(config, lists[l]);

        for (size_t i = 0; i < json_array_size(list); i++)
            if (!add_json(self, json_array_get(list, i), false))
                return false;
    }
    return true;
}

static bool add_history(struct guard_sources *self, const struct decision_input *in, const char *author, bool leads)
{
    for (size_t i = 0; i < in->n_history; i++)
        if (strcmp(in->history[i].author, author) == 0 &&
            !guard_sources_add(self, (struct guard_source){.text = in->history[i].body, .data = true, .leads = leads}))
            return false;
    return true;
}

static bool add_passages(struct guard_sources *self, const struct decision_input *in)
{
    for (size_t i = 0; i < in->n_passages; i++) {
        const struct passage *passage = &in->passages[i];

        if (!guard_sources_add(self, (struct guard_source){.text = passage->title, .data = true}) ||
            !guard_sources_add(
                self, (struct guard_source){.text = passage->body, .titled = passage->title != NULL, .data = true}))
            return false;
    }
    return true;
}

bool guard_sources_add_input(struct guard_sources *self, const struct decision_input *in)
{
    self->local_time = in->local_time;
    if (!guard_sources_add(self, (struct guard_source){.text = in->client_name, .general = true}) ||
        !add_passages(self, in) || !add_config(self, in) || !add_history(self, in, "human", false) ||
        !guard_sources_add(self, (struct guard_source){.text = in->handover_note}))
        return false;
    for (size_t i = 0; i < in->n_unanswered; i++)
        if (!guard_sources_add(self,
                               (struct guard_source){.text = in->unanswered[i].body, .data = true, .leads = true}))
            return false;
    return add_history(self, in, "lead", true);
}

struct claim_text *guard_source_read(struct guard_sources *self, size_t i)
{
    struct guard_source *source = &self->items[i];

    if (!source->is_read) {
        const char *text = source->data ? instructions_removed(self->arena, source->text) : source->text;

        if (!text || !claim_text_read(self->arena, text, &source->read))
            return NULL;
        source->is_read = true;
    }
    return &source->read;
}

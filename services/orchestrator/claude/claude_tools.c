/* claude_tools.c - see claude_tools.h. */
#include "services/orchestrator/claude/claude_tools.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/claude/agent_claude.h"
#include "services/orchestrator/claude/prompt.h"
#include "services/orchestrator/scripted/contact.h"
#include "services/orchestrator/scripted/slots.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/evidence.h"

#define NAME_MAX_SHOWN 40  /* bytes */
#define TEXT_MAX       400 /* bytes of one value that the model gives: what a conversation shows of it */

/* What a tool says to the model. */
struct result {
    const char *text;
    bool is_error;
    json_t *passages;         /* that a search has found; taken over by the receipt */
    const char *search_error; /* why it could not look */
};

static struct result wrong(struct claude *self, const char *what)
{
    const char *text = arena_printf(self->arena, "Wrong input: %s", what);

    return (struct result){.text = text ? text : "Wrong input", .is_error = true};
}

/* An optional string of the input; false if it is there and of another type or too long. *ret is kept if absent. */
static bool take_text(struct claude *self, const json_t *input, const char *name, const char **ret)
{
    const json_t *value = json_object_get(input, name);
    const char *text = json_string_value(value);

    if (!value || json_is_null(value) || (text && !*text))
        return true;
    if (!text || strlen(text) > TEXT_MAX || !(text = arena_strdup(self->arena, text)))
        return false;
    *ret = text;
    return true;
}

/* The first property that the tool does not have, NULL if there is none. */
static const char *unknown_property(const json_t *input, const char *const *known)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)input, name, value) {
        size_t i = 0;

        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (!known[i])
            return name;
    }
    return NULL;
}

/* ---- record_qualification ---- */

/* What the model tells of one slot: {"value", "quote"}. */
struct told {
    enum slot slot;
    const char *value; /* "": the lead has taken it back */
    const char *quote; /* the lead's words */
};

/* Where a slot stands in an output. */
static const char **place_of(struct decision_output *output, enum slot slot)
{
    switch (slot) {
    case SLOT_SERVICE:
        return &output->service_interest;
    case SLOT_URGENCY:
        return &output->urgency;
    case SLOT_BUDGET:
        return &output->budget_range;
    case SLOT_TIMELINE:
        return &output->timeline;
    case SLOT_NAME:
        return &output->name;
    default:
        return &output->email;
    }
}

static bool is_within(struct arena *arena, const char *value, const char *quote)
{
    const char *folded = words_fold(arena, value), *all = words_fold(arena, quote);

    return folded && all && strlen(folded) > 2 && strstr(all, folded);
}

/* Brings the value into its slot's form; what is wrong with it, NULL if nothing is. */
static const char *check_value(struct arena *arena, struct told *told)
{
    static const char *const urgencies[] = {"high", "medium", "low"};
    const char *email;

    if (!*told->value)
        return NULL;
    switch (told->slot) {
    case SLOT_URGENCY:
        for (size_t i = 0; i < COUNT_OF(urgencies); i++)
            if (strcmp(told->value, urgencies[i]) == 0)
                return NULL;
        return "the value must be high, medium or low";
    case SLOT_NAME:
        return is_within(arena, told->value, told->quote) ? NULL : "the name does not stand in the quote";
    case SLOT_EMAIL:
        email = contact_email(arena, told->value);
        if (!email || !contact_email(arena, told->quote) || strcmp(email, contact_email(arena, told->quote)) != 0)
            return "the value must be the e-mail address that stands in the quote";
        told->value = email;
        return NULL;
    default:
        return NULL;
    }
}

static bool came_by_form(const struct decision_input *in, int64_t seq)
{
    for (size_t i = 0; i < in->n_unanswered; i++)
        if (in->unanswered[i].seq == seq)
            return decision_by_form(&in->unanswered[i]);
    for (size_t i = 0; i < in->n_history; i++)
        if (in->history[i].seq == seq)
            return decision_by_form(&in->history[i]);
    return false;
}

/* Puts one slot into output, with its evidence. What is wrong with it, NULL if nothing is. */
static const char *record_slot(struct claude *self, const json_t *given, enum slot slot, struct decision_output *output)
{
    static const char *const known[] = {"value", "quote", NULL};
    struct told told = {.slot = slot};
    const char *wrong;
    int64_t seq;

    if (!json_is_object(given) || unknown_property(given, known) || !json_is_string(json_object_get(given, "value")))
        return "it must be {\"value\", \"quote\"}, both strings";
    told.value = "";
    if (!take_text(self, given, "value", &told.value) || !take_text(self, given, "quote", &told.quote))
        return "value and quote must be strings of at most 400 bytes";
    if (!told.quote)
        return "the quote is missing: the lead's own words that tell it";
    if ((wrong = check_value(self->arena, &told)))
        return wrong;
    if ((seq = evidence_find(self->arena, self->in, told.quote)) < 0)
        return "the quote stands in no message of the lead; copy the lead's words exactly, or leave it out";
    if (slot == SLOT_EMAIL && came_by_form(self->in, seq))
        return "an address that came by web form is not recorded: anybody may have filled it in";
    *place_of(output, slot) = *told.value ? told.value : NULL;
    output->evidence = evidence_put(self->arena, output->evidence, slot, seq, *told.value ? told.quote : NULL);
    return NULL;
}

/* Each slot stands for itself: what is wrong with one does not keep the others from being recorded. But then the score
 * does not count: it may have been given for what is not so. */
static struct result record_qualification(struct claude *self, const json_t *input, struct decision_output *output)
{
    static const char *const scores[] = {"HOT", "WARM", "COLD"};
    const char *score = json_string_value(json_object_get(input, "score")), *reason = NULL, *text;
    AUTO(buf_free) struct buf refused = {0};
    struct decision_output changed = *output;

    changed.score = NULL;
    for (size_t i = 0; score && i < COUNT_OF(scores); i++)
        if (strcmp(scores[i], score) == 0)
            changed.score = scores[i];
    if (!changed.score)
        return wrong(self, "score must be HOT, WARM or COLD");
    if (!take_text(self, input, "reason", &reason) || !reason)
        return wrong(self, "reason must be a string of 1 to 400 bytes");
    changed.score_reason = reason;
    for (int slot = 0; slot <= SLOT_EMAIL; slot++) {
        const json_t *given = json_object_get(input, slot_names[slot]);
        const char *problem = !given || json_is_null(given) ? NULL : record_slot(self, given, slot, &changed);

        if (problem)
            buf_printf(&refused, " %s is not recorded: %s.", slot_names[slot], problem);
    }
    if (refused.len > 0 || refused.failed) {
        changed.score = output->score;
        changed.score_reason = output->score_reason;
    }
    *output = changed;
    if (refused.len == 0 && !refused.failed)
        return (struct result){.text = "Recorded."};
    text = arena_printf(self->arena, "Recorded is what is not named here, but not the score: give it again.%s",
                        refused.failed ? "" : refused.data);
    return (struct result){.text = text ? text : "Not all of it is recorded.", .is_error = true};
}

/* ---- the others ---- */

static struct result escalate_to_human(struct claude *self, const json_t *input, struct decision_output *output)
{
    const char *reason = NULL;

    if (!take_text(self, input, "reason", &reason) || !reason)
        return wrong(self, "reason must be a string of 1 to 400 bytes");
    if (strcmp(self->in->state, "open") != 0)
        return (struct result){.text = "A person has been called already and will answer here."};
    output->escalate = true;
    output->escalation_reason = reason;
    return (struct result){.text = "A person of the business has been called and will answer here."};
}

/* As the record keeps them, so that a search can be answered from it. */
static json_t *passages_json(const struct passage *passages, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        AUTO(buf_free) struct buf text = {0};

        if (codec_to_json(&passage_type, &passages[i], &text, NULL) == 0 && !text.failed)
            json_array_append_new(list, json_loadb(text.data, text.len, 0, NULL));
    }
    return list;
}

static struct result search_knowledge(struct claude *self, const json_t *input)
{
    AUTO(buf_free) struct buf out = {0};
    const struct passage *passages = NULL;
    const char *query = NULL, *text;
    struct err err = {0};
    size_t n = 0;

    if (!take_text(self, input, "query", &query) || !query)
        return wrong(self, "query must be a string of 1 to 400 bytes");
    if (self->search.search(self->search.arg, query, self->arena, &passages, &n, &err) < 0)
        return (struct result){.text = "The knowledge base cannot be reached now.",
                               .is_error = true,
                               .search_error = arena_strdup(self->arena, err.text)};
    prompt_passages(passages, n, self->n_passages + 1, &out);
    self->n_passages += n;
    for (size_t i = 0; i < n && self->n_sources + 1 < CLAUDE_SOURCES_MAX; i++) {
        self->sources[self->n_sources++] = passages[i].title;
        self->sources[self->n_sources++] = passages[i].body;
    }
    text = n > 0 && !out.failed ? arena_strdup(self->arena, out.data) : NULL;
    return (struct result){.text = text ? text : "Nothing was found.", .passages = passages_json(passages, n)};
}

/* ---- calling ---- */

static const char *const qualification_properties[] = {"score",   "reason",       "service_interest",
                                                       "urgency", "budget_range", "timeline",
                                                       "name",    "email",        NULL};
static const char *const escalation_properties[] = {"reason", NULL};
static const char *const search_properties[] = {"query", NULL};

static const struct {
    const char *name;
    const char *const *properties;
} known_tools[] = {{"record_qualification", qualification_properties},
                   {"escalate_to_human", escalation_properties},
                   {"search_knowledge", search_properties}};

static struct result call_tool(struct claude *self, const char *name, const json_t *input,
                               struct decision_output *output)
{
    const char *unknown;
    size_t tool = 0;

    while (tool < COUNT_OF(known_tools) && strcmp(known_tools[tool].name, name) != 0)
        tool++;
    if (tool == COUNT_OF(known_tools))
        return (struct result){.text = "There is no such tool.", .is_error = true};
    if (!json_is_object(input))
        return wrong(self, "the input must be an object, not nested deeply");
    if ((unknown = unknown_property(input, known_tools[tool].properties)))
        return wrong(self, arena_printf(self->arena, "this tool has no property %.*s",
                                        (int)utf8_cut(unknown, strlen(unknown), NAME_MAX_SHOWN), unknown));
    switch (tool) {
    case 0:
        return record_qualification(self, input, output);
    case 1:
        return escalate_to_human(self, input, output);
    default:
        return search_knowledge(self, input);
    }
}

json_t *claude_tool(struct claude *self, const json_t *use, struct decision_output *output)
{
    const char *name = json_string_value(json_object_get(use, "name"));
    json_t *input = json_object_get(use, "input");
    struct result result = call_tool(self, name, input, output);

    json_array_append_new(self->receipts, json_pack("{s:s, s:O?, s:s, s:b, s:o*, s:s*}", "tool", name, "input", input,
                                                    "result", result.text, "is_error", (int)result.is_error, "passages",
                                                    result.passages, "search_error", result.search_error));
    return json_pack("{s:s, s:O, s:s, s:b}", "type", "tool_result", "tool_use_id", json_object_get(use, "id"),
                     "content", result.text, "is_error", (int)result.is_error);
}

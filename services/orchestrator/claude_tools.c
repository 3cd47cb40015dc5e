/* claude_tools.c - see claude_tools.h. */
#include "services/orchestrator/claude_tools.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "services/orchestrator/agent_claude.h"
#include "services/orchestrator/decision.h"
#include "services/orchestrator/prompt.h"

#define TEXT_MAX 400 /* bytes of one value that the model gives: what a conversation shows of it */

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

static struct result record_qualification(struct claude *self, const json_t *input, struct decision_output *output)
{
    static const char *const scores[] = {"HOT", "WARM", "COLD"};
    struct decision_output changed = *output;
    const char *score = json_string_value(json_object_get(input, "score")), *known = NULL;

    for (size_t i = 0; score && i < COUNT_OF(scores); i++)
        if (strcmp(scores[i], score) == 0)
            known = scores[i];
    if (!known)
        return wrong(self, "score must be HOT, WARM or COLD");
    if (!json_is_string(json_object_get(input, "reason")) || !take_text(self, input, "reason", &changed.score_reason))
        return wrong(self, "reason must be a string of at most 400 bytes");
    if (!take_text(self, input, "service_interest", &changed.service_interest) ||
        !take_text(self, input, "urgency", &changed.urgency) ||
        !take_text(self, input, "budget_range", &changed.budget_range) ||
        !take_text(self, input, "timeline", &changed.timeline) || !take_text(self, input, "name", &changed.name))
        return wrong(self, "what is known must be given as strings of at most 400 bytes");
    changed.score = known;
    *output = changed;
    return (struct result){.text = "Recorded."};
}

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

json_t *claude_tool(struct claude *self, const json_t *use, struct decision_output *output)
{
    const char *name = json_string_value(json_object_get(use, "name"));
    json_t *input = json_object_get(use, "input");
    static const char *const qualification[] = {
        "score", "reason", "service_interest", "urgency", "budget_range", "timeline", "name", NULL};
    static const char *const escalation[] = {"reason", NULL}, *const search[] = {"query", NULL};
    struct result result;

    if (strcmp(name, "record_qualification") == 0)
        result = unknown_property(input, qualification) ? wrong(self, "it has a property that this tool does not have")
                                                        : record_qualification(self, input, output);
    else if (strcmp(name, "escalate_to_human") == 0)
        result = unknown_property(input, escalation) ? wrong(self, "it has a property that this tool does not have")
                                                     : escalate_to_human(self, input, output);
    else if (strcmp(name, "search_knowledge") == 0)
        result = unknown_property(input, search) ? wrong(self, "it has a property that this tool does not have")
                                                 : search_knowledge(self, input);
    else
        result = (struct result){.text = "There is no such tool.", .is_error = true};
    json_array_append_new(self->receipts, json_pack("{s:s, s:O, s:s, s:b, s:o*, s:s*}", "tool", name, "input", input,
                                                    "result", result.text, "is_error", (int)result.is_error, "passages",
                                                    result.passages, "search_error", result.search_error));
    return json_pack("{s:s, s:O, s:s, s:b}", "type", "tool_result", "tool_use_id", json_object_get(use, "id"),
                     "content", result.text, "is_error", (int)result.is_error);
}

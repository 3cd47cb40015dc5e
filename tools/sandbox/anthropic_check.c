/* anthropic_check.c - see anthropic_check.h. After the published description of POST /v1/messages; streaming and
 * server tools are left out. */
#include "tools/sandbox/anthropic_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"

#define BREAKPOINTS_MAX 4
#define MESSAGES_MAX    100000
#define PATH_SIZE       80

static int bad(struct err *err, const char *path, const char *what)
{
    return err_set(err, ERR_INVALID, "%s: %s", path, what);
}

/* Refuses what is not among the names, which end with NULL. */
static int only(const json_t *object, const char *const *names, const char *path, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)object, name, value) {
        bool known = false;

        for (const char *const *n = names; *n; n++)
            known = known || strcmp(*n, name) == 0;
        if (!known)
            return err_set(err, ERR_INVALID, "%s%s%.40s: Extra inputs are not permitted", path, *path ? "." : "", name);
    }
    return 0;
}

static bool is_name(const char *text, size_t max)
{
    size_t len = text ? strlen(text) : 0;

    return len > 0 && len <= max &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static int check_cache_control(const json_t *object, const char *path, int *breakpoints, struct err *err)
{
    const json_t *control = json_object_get(object, "cache_control");
    const char *type = json_string_value(json_object_get(control, "type")), *ttl;

    if (!control || json_is_null(control))
        return 0;
    ttl = json_string_value(json_object_get(control, "ttl"));
    if (!type || strcmp(type, "ephemeral") != 0 || (ttl && strcmp(ttl, "5m") != 0 && strcmp(ttl, "1h") != 0))
        return bad(err, path, "cache_control must be {\"type\":\"ephemeral\"} with a ttl of 5m or 1h");
    if (++*breakpoints > BREAKPOINTS_MAX)
        return err_set(err, ERR_INVALID, "A maximum of %d blocks with cache_control may be provided.", BREAKPOINTS_MAX);
    return 0;
}

static int check_text(const json_t *block, const char *path, int *breakpoints, struct err *err)
{
    static const char *const names[] = {"type", "text", "cache_control", "citations", NULL};
    const char *text = json_string_value(json_object_get(block, "text"));

    if (!text)
        return bad(err, path, "text: Field required");
    if (!*text)
        return bad(err, path, "text content blocks must be non-empty");
    if (is_blank(text))
        return bad(err, path, "text content blocks must contain non-whitespace text");
    if (only(block, names, path, err) < 0)
        return -1;
    return check_cache_control(block, path, breakpoints, err);
}

/* ---- messages ---- */

struct turns {
    const json_t *open; /* the ids that the assistant's turn before asked for: an object id -> true */
    json_t *asked;      /* those of the turn that is being read */
    json_t *answered;   /* ids that the user's turn has answered */
    json_t *ever;       /* all ids */
    int breakpoints;
};

static int check_tool_use(struct turns *turns, const json_t *block, const char *path, struct err *err)
{
    static const char *const names[] = {"type", "id", "name", "input", "cache_control", "caller", NULL};
    const char *id = json_string_value(json_object_get(block, "id"));

    if (!is_name(id, 256))
        return bad(err, path, "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'");
    if (!is_name(json_string_value(json_object_get(block, "name")), 200))
        return bad(err, path, "tool_use.name: a name of 1 to 200 characters is required");
    if (!json_is_object(json_object_get(block, "input")))
        return bad(err, path, "tool_use.input: Input should be a valid dictionary");
    if (json_object_get(turns->ever, id))
        return bad(err, path, "`tool_use` ids must be unique");
    json_object_set_new(turns->ever, id, json_true());
    json_object_set_new(turns->asked, id, json_true());
    if (only(block, names, path, err) < 0)
        return -1;
    return check_cache_control(block, path, &turns->breakpoints, err);
}

static int check_tool_result(struct turns *turns, const json_t *block, const char *path, struct err *err)
{
    static const char *const names[] = {"type", "tool_use_id", "content", "is_error", "cache_control", NULL};
    const char *id = json_string_value(json_object_get(block, "tool_use_id"));
    const json_t *content = json_object_get(block, "content"), *is_error = json_object_get(block, "is_error"), *part;
    size_t i;

    if (!is_name(id, 256))
        return bad(err, path, "tool_result.tool_use_id: Field required");
    if (!json_object_get(turns->open, id))
        return err_set(err, ERR_INVALID,
                       "%s: unexpected `tool_use_id` found in `tool_result` blocks: %.40s. Each `tool_result` block "
                       "must have a corresponding `tool_use` block in the previous message.",
                       path, id);
    if (json_object_get(turns->answered, id))
        return bad(err, path, "each tool_use must have a single result");
    json_object_set_new(turns->answered, id, json_true());
    if (is_error && !json_is_boolean(is_error))
        return bad(err, path, "tool_result.is_error: Input should be a valid boolean");
    if (content && !json_is_string(content) && !json_is_array(content))
        return bad(err, path, "tool_result.content: Input should be a string or a list of blocks");
    json_array_foreach (content, i, part) {
        const char *type = json_string_value(json_object_get(part, "type"));

        if (!type)
            return bad(err, path, "tool_result.content: type: Field required");
        if (strcmp(type, "text") == 0 && check_text(part, path, &turns->breakpoints, err) < 0)
            return -1;
    }
    if (only(block, names, path, err) < 0)
        return -1;
    return check_cache_control(block, path, &turns->breakpoints, err);
}

static int check_block(struct turns *turns, const json_t *block, bool user, bool *only_results, const char *path,
                       struct err *err)
{
    static const char *const others[] = {"image", "document", "search_result", "thinking", "redacted_thinking"};
    const char *type = json_string_value(json_object_get(block, "type"));

    if (!type)
        return bad(err, path, "type: Field required");
    if (strcmp(type, "tool_result") == 0) {
        if (!user)
            return bad(err, path, "tool_result blocks can only be in user messages");
        if (!*only_results)
            return bad(err, path, "tool_result blocks must come before all others in a message");
        return check_tool_result(turns, block, path, err);
    }
    *only_results = false;
    if (strcmp(type, "text") == 0)
        return check_text(block, path, &turns->breakpoints, err);
    if (strcmp(type, "tool_use") == 0) {
        if (user)
            return bad(err, path, "tool_use blocks can only be in assistant messages");
        return check_tool_use(turns, block, path, err);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (strcmp(others[i], type) == 0)
            return 0;
    return err_set(err, ERR_INVALID, "%s: Input tag '%.40s' is not a known type of block", path, type);
}

static int check_content(struct turns *turns, const json_t *message, size_t i, bool user, bool last, struct err *err)
{
    const json_t *content = json_object_get(message, "content"), *block;
    bool only_results = true, empty;
    char path[PATH_SIZE];
    size_t b;

    snprintf(path, sizeof path, "messages.%zu", i);
    if (!json_is_string(content) && !json_is_array(content))
        return bad(err, path, "content: Field required");
    empty = json_is_string(content) ? !*json_string_value(content) : json_array_size(content) == 0;
    if (empty && (user || !last))
        return bad(err, path,
                   "all messages must have non-empty content except for the optional final assistant message");
    if (json_is_string(content) && !empty && is_blank(json_string_value(content)))
        return bad(err, path, "text content blocks must contain non-whitespace text");
    json_array_foreach (content, b, block) {
        snprintf(path, sizeof path, "messages.%zu.content.%zu", i, b);
        if (check_block(turns, block, user, &only_results, path, err) < 0)
            return -1;
    }
    return 0;
}

/* At the end of a turn (messages of one role in a row count as one). */
static int end_turn(struct turns *turns, bool user, size_t i, struct err *err)
{
    const char *id;
    json_t *value;

    if (user) {
        json_object_foreach ((json_t *)turns->open, id, value)
            if (!json_object_get(turns->answered, id))
                return err_set(
                    err, ERR_INVALID,
                    "messages.%zu: `tool_use` ids were found without `tool_result` blocks immediately after: %.40s", i,
                    id);
    }
    return 0;
}

static int walk_messages(struct turns *turns, const json_t *messages, struct err *err)
{
    static const char *const names[] = {"role", "content", NULL};
    bool user = true;
    const json_t *message;
    size_t i, n = json_array_size(messages);

    json_array_foreach (messages, i, message) {
        const char *role = json_string_value(json_object_get(message, "role"));
        char path[PATH_SIZE];
        bool is_user;

        snprintf(path, sizeof path, "messages.%zu", i);
        if (!role || (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0))
            return bad(err, path, "role: Input should be 'user' or 'assistant'");
        if (only(message, names, path, err) < 0)
            return -1;
        is_user = strcmp(role, "user") == 0;
        if (i == 0 && !is_user)
            return bad(err, "messages", "first message must use the \"user\" role");
        if (i && is_user != user) {
            if (end_turn(turns, user, i - 1, err) < 0)
                return -1;
            if (user) { /* an assistant's turn begins: what it asks for is collected anew */
                json_object_clear(turns->asked);
            } else {
                json_object_clear((json_t *)turns->open);
                json_object_update((json_t *)turns->open, turns->asked);
                json_object_clear(turns->answered);
            }
        }
        user = is_user;
        if (check_content(turns, message, i, user, i + 1 == n, err) < 0)
            return -1;
    }
    if (!user && json_object_size(turns->asked))
        return err_set(err, ERR_INVALID,
                       "messages.%zu: `tool_use` ids were found without `tool_result` blocks immediately after", n - 1);
    return end_turn(turns, user, n - 1, err);
}

static int check_messages(const json_t *messages, int *breakpoints, struct err *err)
{
    struct turns turns = {.breakpoints = *breakpoints};
    int rc;

    if (!messages)
        return bad(err, "messages", "Field required");
    if (!json_is_array(messages))
        return bad(err, "messages", "Input should be a valid list");
    if (json_array_size(messages) == 0)
        return bad(err, "messages", "at least one message is required");
    if (json_array_size(messages) > MESSAGES_MAX)
        return bad(err, "messages", "too many messages");
    turns.open = json_object();
    turns.asked = json_object();
    turns.answered = json_object();
    turns.ever = json_object();
    rc = walk_messages(&turns, messages, err);
    json_decref((json_t *)turns.open);
    json_decref(turns.asked);
    json_decref(turns.answered);
    json_decref(turns.ever);
    *breakpoints = turns.breakpoints;
    return rc;
}

/* ---- the rest ---- */

static int check_tools(const json_t *tools, int *breakpoints, struct err *err)
{
    static const char *const names[] = {
        "name",          "description",    "input_schema",    "cache_control",         "type", "strict",
        "defer_loading", "input_examples", "allowed_callers", "eager_input_streaming", NULL};
    const json_t *tool;
    size_t i;

    if (!tools || json_is_null(tools))
        return 0;
    if (!json_is_array(tools))
        return bad(err, "tools", "Input should be a valid list");
    json_array_foreach (tools, i, tool) {
        const json_t *schema = json_object_get(tool, "input_schema"), *type = json_object_get(tool, "type");
        const char *name = json_string_value(json_object_get(tool, "name")), *kind;
        const json_t *description = json_object_get(tool, "description");
        char path[PATH_SIZE];

        snprintf(path, sizeof path, "tools.%zu", i);
        if (type && !json_is_null(type) && (!json_is_string(type) || strcmp(json_string_value(type), "custom") != 0))
            return bad(err, path, "type: only custom tools are known to the sandbox");
        if (!is_name(name, 128))
            return bad(err, path, "name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'");
        for (size_t k = 0; k < i; k++)
            if (strcmp(name, json_string_value(json_object_get(json_array_get(tools, k), "name"))) == 0)
                return bad(err, "tools", "Tool names must be unique.");
        kind = json_string_value(json_object_get(schema, "type"));
        if (!json_is_object(schema) || !kind || strcmp(kind, "object") != 0)
            return bad(err, path, "input_schema.type: Input should be 'object'");
        if (description && !json_is_string(description))
            return bad(err, path, "description: Input should be a valid string");
        if (only(tool, names, path, err) < 0 || check_cache_control(tool, path, breakpoints, err) < 0)
            return -1;
    }
    return 0;
}

static int check_tool_choice(const json_t *request, struct err *err)
{
    const json_t *choice = json_object_get(request, "tool_choice"), *tools = json_object_get(request, "tools"), *tool;
    const char *type = json_string_value(json_object_get(choice, "type")), *name;
    size_t i;

    if (!choice)
        return 0;
    if (!type || (strcmp(type, "auto") && strcmp(type, "any") && strcmp(type, "tool") && strcmp(type, "none")))
        return bad(err, "tool_choice", "type: Input should be 'auto', 'any', 'tool' or 'none'");
    if (json_array_size(tools) == 0 && strcmp(type, "none") != 0)
        return bad(err, "tool_choice", "tool_choice may only be specified while providing tools.");
    if (strcmp(type, "tool") != 0)
        return 0;
    if (!(name = json_string_value(json_object_get(choice, "name"))))
        return bad(err, "tool_choice", "tool.name: Field required");
    json_array_foreach (tools, i, tool)
        if (strcmp(name, json_string_value(json_object_get(tool, "name"))) == 0)
            return 0;
    return err_set(err, ERR_INVALID, "tool_choice: Tool '%.80s' not found in provided tools", name);
}

static int check_system(const json_t *system, int *breakpoints, struct err *err)
{
    const json_t *block;
    size_t i;

    if (!system || json_is_string(system))
        return 0;
    if (!json_is_array(system))
        return bad(err, "system", "Input should be a string or a list of text blocks");
    json_array_foreach (system, i, block) {
        const char *type = json_string_value(json_object_get(block, "type"));
        char path[PATH_SIZE];

        snprintf(path, sizeof path, "system.%zu", i);
        if (!type || strcmp(type, "text") != 0)
            return bad(err, path, "type: Input should be 'text'");
        if (check_text(block, path, breakpoints, err) < 0)
            return -1;
    }
    return 0;
}

static int check_numbers(const json_t *request, struct err *err)
{
    static const char *const fractions[] = {"temperature", "top_p"};
    const json_t *max_tokens = json_object_get(request, "max_tokens"), *top_k = json_object_get(request, "top_k");
    const json_t *stream = json_object_get(request, "stream"), *stops = json_object_get(request, "stop_sequences"),
                 *stop;
    size_t i;

    if (!max_tokens)
        return bad(err, "max_tokens", "Field required");
    if (!json_is_integer(max_tokens) || json_integer_value(max_tokens) < 0)
        return bad(err, "max_tokens", "Input should be an integer greater than or equal to 0");
    for (i = 0; i < COUNT_OF(fractions); i++) {
        const json_t *value = json_object_get(request, fractions[i]);

        if (value && (!json_is_number(value) || json_number_value(value) < 0 || json_number_value(value) > 1))
            return bad(err, fractions[i], "Input should be a number from 0 to 1");
    }
    if (top_k && (!json_is_integer(top_k) || json_integer_value(top_k) < 0))
        return bad(err, "top_k", "Input should be an integer greater than or equal to 0");
    if (stream && !json_is_boolean(stream))
        return bad(err, "stream", "Input should be a valid boolean");
    if (json_is_true(stream))
        return bad(err, "stream", "the sandbox does not stream");
    if (stops && !json_is_array(stops))
        return bad(err, "stop_sequences", "Input should be a valid list");
    json_array_foreach (stops, i, stop)
        if (!json_is_string(stop) || is_blank(json_string_value(stop)))
            return bad(err, "stop_sequences", "each stop sequence must contain non-whitespace");
    return 0;
}

int anthropic_check(const json_t *request, struct err *err)
{
    static const char *const names[] = {
        "model",         "messages",     "max_tokens",     "system",        "tools",    "tool_choice", "temperature",
        "top_p",         "top_k",        "stop_sequences", "stream",        "metadata", "thinking",    "output_config",
        "cache_control", "service_tier", "container",      "inference_geo", NULL};
    const char *model = json_string_value(json_object_get(request, "model"));
    int breakpoints = 0;

    if (!json_is_object(request))
        return bad(err, "body", "Input should be a valid dictionary");
    if (!model || !*model)
        return bad(err, "model", "Field required");
    if (strncmp(model, "claude-", 7) != 0)
        return err_set(err, ERR_NOT_FOUND, "model: %.100s", model);
    if (only(request, names, "", err) < 0 || check_numbers(request, err) < 0 ||
        check_tools(json_object_get(request, "tools"), &breakpoints, err) < 0 || check_tool_choice(request, err) < 0 ||
        check_system(json_object_get(request, "system"), &breakpoints, err) < 0)
        return -1;
    return check_messages(json_object_get(request, "messages"), &breakpoints, err);
}

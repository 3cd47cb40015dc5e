/* agent_claude.c - see agent_claude.h. */
#include "services/orchestrator/claude/agent_claude.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/json_text.h"
#include "libshared/seal.h"
#include "libshared/sms_segments.h"
#include "libshared/text.h"
#include "services/orchestrator/claude/claude_tools.h"
#include "services/orchestrator/claude/prompt.h"
#include "services/orchestrator/claude/prompt_system.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/reply_channel.h"

#define TOKENS_MAX 10000000 /* of one call; the largest models take a tenth of it */

/* What stands before the messages in each request, and its hash. Kept as text: as a tree it would take longer to make,
 * write and free than all else that a turn does with the model's words. */
static int begin_request(struct claude *self)
{
    AUTO(buf_free) struct buf system = {0};
    struct buf *request = &self->request;
    const char *tools = prompt_tools();

    prompt_system(self->in, &system);
    if (!tools || system.failed)
        return -1;
    buf_puts(request, "{\"model\":");
    buf_json_string(request, self->model);
    buf_printf(request, ",\"max_tokens\":%d,\"tools\":", PROMPT_MAX_TOKENS);
    buf_puts(request, tools);
    buf_puts(request, ",\"system\":");
    buf_append(request, system.data, system.len);
    buf_puts(request, ",\"messages\":");
    self->head_len = request->len;
    buf_puts(&system, tools);
    if (request->failed || system.failed)
        return -1;
    sha256_hex(system.data, system.len, self->prompt_sha256);
    return 0;
}

int claude_start(struct claude *self, struct err *err)
{
    self->messages = prompt_messages(self->in, &self->first);
    self->answers = json_array();
    self->receipts = json_array();
    self->n_passages = self->in->n_passages;
    if (!self->messages || !self->answers || !self->receipts || begin_request(self) < 0)
        return err_set(err, ERR_INTERNAL, "Claude agent: the request could not be made");
    return 0;
}

void claude_destroy(struct claude *self)
{
    buf_free(&self->request);
    json_decref(self->messages);
    json_decref(self->answers);
    json_decref(self->receipts);
    self->messages = self->answers = self->receipts = NULL;
}

static int64_t tokens_of(const json_t *usage, const char *name)
{
    json_int_t told = json_integer_value(json_object_get(usage, name));

    return told < 0 ? 0 : told < TOKENS_MAX ? told : TOKENS_MAX;
}

static void add_tokens(struct claude *self, const json_t *message)
{
    const json_t *usage = json_object_get(message, "usage");

    self->input_tokens += tokens_of(usage, "input_tokens");
    self->output_tokens += tokens_of(usage, "output_tokens");
    self->cache_read_tokens += tokens_of(usage, "cache_read_input_tokens");
    self->cache_write_tokens += tokens_of(usage, "cache_creation_input_tokens");
}

/* One call of the model, which in the last round has to come to its answer. The message is a new reference. */
static int call_model(struct claude *self, bool last, json_t **ret_message, struct err *err)
{
    struct buf *request = &self->request;
    char sha256[65];
    int rc;

    request->len = self->head_len;
    prompt_mark(self->messages, self->first, 1);
    json_text_put(request, self->messages);
    prompt_mark(self->messages, self->first, 0);
    buf_puts(request, last ? ",\"tool_choice\":{\"type\":\"none\"}}" : "}");
    if (request->failed)
        return err_set(err, ERR_INTERNAL, "Claude agent: out of memory");
    sha256_hex(request->data, request->len, sha256);
    rc = self->api.call(self->api.arg, request->data, request->len, self->arena, self->answers, ret_message, err);
    json_object_set_new(json_array_get(self->answers, json_array_size(self->answers) - 1), "request_sha256",
                        json_string(sha256));
    if (rc == 0)
        add_tokens(self, *ret_message);
    return rc;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* The texts of a message, joined; NULL if it has none. */
static const char *message_text(struct claude *self, const json_t *message)
{
    const json_t *content = json_object_get(message, "content");
    AUTO(buf_free) struct buf text = {0};

    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *block = json_array_get(content, i);
        const char *part = json_string_value(json_object_get(block, "text"));

        if (part && !is_blank(part) && strcmp(json_string_value(json_object_get(block, "type")), "text") == 0)
            buf_printf(&text, "%s%s", text.len > 0 ? "\n" : "", part);
    }
    return text.failed ? NULL : arena_strdup(self->arena, text.data);
}

/* A call without an input that could be sent back: it goes back with none, beside what is wrong with it. */
static void mend_input(json_t *block)
{
    if (!json_is_object(json_object_get(block, "input")))
        json_object_set_new(block, "input", json_object());
}

/* Appends the model's message and the results of the tools it calls, all in one message. Returns how many it calls. */
static size_t run_tools(struct claude *self, const json_t *message, struct decision_output *output)
{
    json_t *content = json_object_get(message, "content"), *said = json_array(), *results = json_array();
    size_t n;

    for (size_t i = 0; i < json_array_size(content); i++) {
        json_t *block = json_array_get(content, i);
        const char *type = json_string_value(json_object_get(block, "type"));

        if (strcmp(type, "tool_use") == 0) {
            json_array_append_new(results, claude_tool(self, block, output));
            mend_input(block);
        }
        /* An empty text may come, but may not be sent back. */
        if (strcmp(type, "text") != 0 || !is_blank(json_string_value(json_object_get(block, "text"))))
            json_array_append(said, block);
    }
    if (json_array_size(said) > 0)
        json_array_append_new(self->messages, json_pack("{s:s, s:O}", "role", "assistant", "content", said));
    json_decref(said);
    n = json_array_size(results);
    if (n > 0)
        json_array_append_new(self->messages, json_pack("{s:s, s:o}", "role", "user", "content", results));
    else
        json_decref(results);
    return n;
}

static int unusable(const char *stop_reason, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "the model gave no usable answer (stop_reason %.40s)", stop_reason);
}

/* What a stop_reason means for the rounds. */
enum stop {
    STOP_DONE,
    STOP_TOOLS,    /* it waits for results */
    STOP_PAUSED,   /* it goes on when it is sent what it has said */
    STOP_UNUSABLE, /* cut off (max_tokens, model_context_window_exceeded), a refusal, or one that is not known yet */
};

static enum stop stop_of(const char *stop_reason)
{
    if (strcmp(stop_reason, "end_turn") == 0 || strcmp(stop_reason, "stop_sequence") == 0)
        return STOP_DONE;
    if (strcmp(stop_reason, "tool_use") == 0)
        return STOP_TOOLS;
    return strcmp(stop_reason, "pause_turn") == 0 ? STOP_PAUSED : STOP_UNUSABLE;
}

/* Whether the draft is too long and the model has been told so, which is done once. */
static bool asked_to_shorten(struct claude *self, const char *draft, const struct reply_limit *limit)
{
    const char *plain = draft ? reply_plain(self->arena, draft, limit) : NULL;
    const char *objection;

    if (!plain || self->shortened || reply_fits(plain, limit))
        return false;
    self->shortened = true;
    objection =
        arena_printf(self->arena,
                     "Your reply was not sent: it has %zu characters, and at most %zu are sent. Write it again, "
                     "shorter, with what matters most to the lead.",
                     utf8_count(plain), sms_size(plain).ucs2 ? reply_limit_ucs2(limit) : limit->chars);
    return objection && claude_object(self, objection, NULL) == 0;
}

/* Rounds until the model has come to its answer; *ret_draft: its words, NULL if it has none. */
static int converse(struct claude *self, struct decision_output *output, const struct reply_limit *limit,
                    const char **ret_draft, struct err *err)
{
    const char *paused = NULL; /* what it had said before it paused */
    bool answered = false;     /* with more than fits: what goes wrong from then on costs nothing but its cut */

    for (int round = 1; round <= CLAUDE_ROUNDS_MAX; round++) {
        json_auto_t *message = NULL;
        const char *reason, *text;
        enum stop stop;
        size_t n_tools;

        if (call_model(self, round == CLAUDE_ROUNDS_MAX, &message, err) < 0)
            return answered ? 0 : -1;
        reason = json_string_value(json_object_get(message, "stop_reason"));
        if ((stop = stop_of(reason)) == STOP_UNUSABLE)
            return answered ? 0 : unusable(reason, err);
        if ((text = message_text(self, message)))
            *ret_draft = paused ? arena_printf(self->arena, "%s%s", paused, text) : text;
        paused = stop == STOP_PAUSED ? *ret_draft : NULL;
        n_tools = run_tools(self, message, output);
        if (stop == STOP_TOOLS && n_tools == 0)
            return unusable("tool_use without a tool", err);
        if (stop == STOP_DONE && (round == CLAUDE_ROUNDS_MAX || !asked_to_shorten(self, *ret_draft, limit)))
            return 0;
        answered |= stop == STOP_DONE;
    }
    return 0;
}

/* Takes back what was said in vain. */
static void take_back(struct claude *self, size_t n_messages)
{
    while (json_array_size(self->messages) > n_messages)
        json_array_remove(self->messages, json_array_size(self->messages) - 1);
}

int claude_answer(struct claude *self, struct decision_output *output, struct err *err)
{
    size_t n_before = json_array_size(self->messages);
    struct reply_limit limit = reply_limit(self->in);
    const char *draft = NULL;

    if (converse(self, output, &limit, &draft, err) < 0) {
        take_back(self, n_before);
        return -1;
    }
    if (!draft && output->escalate)
        draft = decision_escalation_text(self->in, self->arena);
    if (!draft || !(output->reply = reply_within(self->arena, draft, &limit)) || !*output->reply) {
        take_back(self, n_before);
        return unusable("without a text", err);
    }
    return 0;
}

int claude_object(struct claude *self, const char *objection, struct err *err)
{
    if (json_array_append_new(self->messages, json_pack("{s:s, s:[{s:s, s:s}]}", "role", "user", "content", "type",
                                                        "text", "text", objection)) < 0)
        return err_set(err, ERR_INTERNAL, "Claude agent: out of memory");
    return 0;
}

void claude_put_messages(const struct claude *self, size_t n, struct buf *out)
{
    for (size_t i = self->first; i < n; i++) {
        buf_puts(out, i == self->first ? "[" : ",");
        json_text_put(out, json_array_get(self->messages, i));
    }
    buf_puts(out, self->first < n ? "]" : "[]");
}

const char *claude_exchange(const struct claude *self)
{
    size_t n = json_array_size(self->messages);
    const json_t *last = json_array_get(self->messages, n - 1);
    AUTO(buf_free) struct buf text = {0};

    if (n > 0 && strcmp(json_string_value(json_object_get(last, "role")), "assistant") == 0)
        n--;
    if (n <= self->first)
        return NULL;
    claude_put_messages(self, n, &text);
    return !text.failed && text.len <= DECISION_EXCHANGE_MAX ? arena_strdup(self->arena, text.data) : NULL;
}

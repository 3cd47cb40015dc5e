/* prompt.c - see prompt.h. */
#include "services/orchestrator/claude/prompt.h"

#include <stdbool.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/text.h"
#include "services/orchestrator/turn/decision.h"

#define LEAD_TEXT_MAX  4000 /* bytes of one text that the model sees: more than any channel carries */
#define LEAD_TEXTS_MAX 40000
#define PASSAGES_MAX   32000 /* bytes of all passages of a turn, the best ones first */

size_t prompt_tokens(const char *text)
{
    size_t ascii = 0, other = 0;

    for (; *text; text++)
        *((unsigned char)*text < 0x80 ? &ascii : &other) += 1;
    return ascii / 4 + other / 2 + 1;
}

void prompt_escape(const char *text, int in_attribute, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '<')
            buf_puts(out, "&lt;");
        else if (in_attribute && *text == '"')
            buf_puts(out, "&quot;");
        else if (in_attribute && (*text == '\n' || *text == '\r'))
            buf_puts(out, " ");
        else
            buf_append(out, text, 1);
    }
}

void prompt_passages(const struct passage *passages, size_t n, size_t first_id, struct buf *out)
{
    size_t start = out->len;

    for (size_t i = 0; i < n && (i == 0 || out->len - start + strlen(passages[i].body) <= PASSAGES_MAX); i++) {
        buf_printf(out, "<passage id=\"%zu\" title=\"", first_id + i);
        prompt_escape(passages[i].title, 1, out);
        buf_puts(out, "\">");
        prompt_escape(passages[i].body, 0, out);
        buf_puts(out, "</passage>\n");
    }
}

/* ---- messages ---- */

static void add_block(json_t *content, const struct buf *text)
{
    if (!text->failed && text->len > 0)
        json_array_append_new(content, json_pack("{s:s, s:s}", "type", "text", "text", text->data));
}

/* A message of one text; roles may follow upon themselves, the provider joins them. */
static void add_message(json_t *messages, const char *role, const char *text)
{
    json_array_append_new(messages,
                          json_pack("{s:s, s:[{s:s, s:s}]}", "role", role, "content", "type", "text", "text", text));
}

/* <fence>what was written</fence>, at most max bytes of it. */
static void fence(const char *name, const struct decision_message *message, size_t max, struct buf *out)
{
    size_t len = strlen(message->body), kept = utf8_cut(message->body, len, max);
    AUTO(buf_free) struct buf body = {0};

    buf_append(&body, message->body, kept);
    buf_printf(out, "<%s>", name);
    prompt_escape(body.data ? body.data : "", 0, out);
    if (kept < len)
        buf_puts(out, "\n[the rest is not shown]");
    if (message->note) {
        buf_puts(out, *message->body ? "\n" : "");
        prompt_escape(message->note, 0, out);
    }
    buf_printf(out, "</%s>", name);
    out->failed |= body.failed;
}

static void add_known(struct buf *out, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    buf_printf(out, "%s: ", name);
    prompt_escape(value, 1, out);
    buf_puts(out, "\n");
}

/* ---- what this turn adds ---- */

/* What is true at this moment. */
static void add_context(json_t *content, const struct decision_input *in)
{
    AUTO(buf_free) struct buf out = {0};
    const struct decision_lead *lead = in->lead;

    buf_printf(&out, "<context>\nNow: %s (%s)\nScore so far: %s\n", in->local_time, in->timezone, lead->score);
    add_known(&out, "Name", lead->name);
    add_known(&out, "E-mail", lead->email);
    add_known(&out, "Wants", lead->service_interest);
    add_known(&out, "Urgency", lead->urgency);
    add_known(&out, "Budget", lead->budget_range);
    add_known(&out, "Timeline", lead->timeline);
    add_known(&out, "Noted by the colleague who handed the conversation back to you", in->handover_note);
    if (strcmp(in->state, "escalated") == 0)
        buf_puts(&out, "A person has been called already; do not call one again.\n");
    buf_puts(&out, "</context>\n<passages>\n");
    prompt_passages(in->passages, in->n_passages, 1, &out);
    if (in->n_passages == 0)
        buf_puts(&out, in->search_error ? "The knowledge base cannot be reached now.\n" : "Nothing was found.\n");
    buf_puts(&out, "</passages>");
    add_block(content, &out);
}

/* Of many long texts each is shown up to its share. */
static void add_turn(json_t *messages, const struct decision_input *in)
{
    size_t share = in->n_unanswered > 0 ? LEAD_TEXTS_MAX / in->n_unanswered : 0;
    json_t *content = json_array();

    add_context(content, in);
    for (size_t i = 0; i < in->n_unanswered; i++) {
        AUTO(buf_free) struct buf text = {0};

        fence("lead_message", &in->unanswered[i], share < LEAD_TEXT_MAX ? share : LEAD_TEXT_MAX, &text);
        add_block(content, &text);
    }
    json_array_append_new(messages, json_pack("{s:s, s:o}", "role", "user", "content", content));
}

/* ---- what was before ---- */

static bool is_of(const struct decision_message *message, const struct decision_exchange *exchange)
{
    if (message->turn_id)
        return strcmp(message->turn_id, exchange->turn_id) == 0;
    return strcmp(message->author, "lead") == 0 && message->seq >= exchange->answers_from &&
           message->seq <= exchange->answers_to;
}

/* Whether the exchange can be shown: it is kept with its turn, if it was not too long. */
static bool is_there(const struct decision_exchange *exchange)
{
    return exchange->messages != NULL;
}

static bool is_in_exchange(const struct decision_input *in, const struct decision_message *message)
{
    for (size_t i = 0; i < in->n_exchanges; i++)
        if (is_there(&in->exchanges[i]) && is_of(message, &in->exchanges[i]))
            return true;
    return false;
}

static void add_old_message(json_t *messages, const struct decision_message *message)
{
    AUTO(buf_free) struct buf text = {0};

    if (strcmp(message->author, "lead") == 0 || strcmp(message->author, "human") == 0) {
        fence(*message->author == 'l' ? "lead_message" : "colleague_message", message, LEAD_TEXT_MAX, &text);
        if (!text.failed)
            add_message(messages, "user", text.data);
    } else if (message->body[strspn(message->body, " \t\r\n")]) {
        add_message(messages, "assistant", message->body);
    }
}

/* The exchange as it was, and then what the lead was really told. */
static void add_exchange(json_t *messages, const struct decision_input *in, const struct decision_exchange *exchange)
{
    json_auto_t *said = json_loads(exchange->messages, 0, NULL);

    if (json_is_array(said))
        json_array_extend(messages, said);
    for (size_t i = 0; i < in->n_history; i++)
        if (in->history[i].turn_id && is_of(&in->history[i], exchange)) {
            add_message(messages, "assistant", in->history[i].body);
            return;
        }
    add_message(messages, "user", "(No reply to this has reached the lead.)");
}

/* Exchanges stand where the model saw them: behind what their turn had seen, whatever was stored meanwhile. */
static void add_history(json_t *messages, const struct decision_input *in)
{
    size_t at = 0;

    if (in->n_history > 0 && strcmp(in->history[0].author, "lead") != 0)
        add_message(messages, "user", "(The conversation so far.)");
    for (size_t i = 0; i <= in->n_exchanges; i++) {
        const struct decision_exchange *exchange = i < in->n_exchanges ? &in->exchanges[i] : NULL;

        if (exchange && !is_there(exchange))
            continue;
        for (; at < in->n_history && (!exchange || in->history[at].seq <= exchange->saw_seq); at++)
            if (!is_in_exchange(in, &in->history[at]))
                add_old_message(messages, &in->history[at]);
        if (exchange)
            add_exchange(messages, in, exchange);
    }
}

/* ---- marks ---- */

/* Blocks of other kinds may not be marked. */
static bool may_mark(const json_t *block)
{
    static const char *const types[] = {"text", "tool_use", "tool_result"};
    const char *type = json_string_value(json_object_get(block, "type"));

    for (size_t i = 0; type && i < COUNT_OF(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static void mark(json_t *message, int on)
{
    json_t *content = json_object_get(message, "content");
    json_t *block = json_array_get(content, json_array_size(content) - 1);

    if (!may_mark(block))
        return;
    if (on)
        json_object_set_new(block, "cache_control", json_pack("{s:s}", "type", "ephemeral"));
    else
        json_object_del(block, "cache_control");
}

void prompt_mark(json_t *messages, size_t first, int on)
{
    if (first > 0)
        mark(json_array_get(messages, first - 1), on);
    mark(json_array_get(messages, json_array_size(messages) - 1), on);
}

json_t *prompt_messages(const struct decision_input *in, size_t *ret_first)
{
    json_t *messages = json_array();

    add_history(messages, in);
    *ret_first = json_array_size(messages);
    add_turn(messages, in);
    return messages;
}

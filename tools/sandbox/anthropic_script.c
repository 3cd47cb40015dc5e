/* anthropic_script.c - see anthropic_script.h. */
#include "tools/sandbox/anthropic_script.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/text.h"

#define QUALIFY   "record_qualification"
#define NO_ANSWER "I will ask a colleague to get back to you about that."
#define QUOTE_MAX 300 /* bytes of a passage */

static void free_text(char **text_p)
{
    free(*text_p);
}

/* ---- reading the request ---- */

static void add_texts(const json_t *content, struct buf *out)
{
    const json_t *block;
    size_t i;

    if (json_is_string(content)) {
        buf_puts(out, json_string_value(content));
        buf_puts(out, "\n");
    }
    json_array_foreach (content, i, block) {
        add_texts(json_object_get(block, "text"), out);
        add_texts(json_object_get(block, "content"), out);
    }
}

static bool is_user(const json_t *message)
{
    return strcmp(json_string_value(json_object_get(message, "role")), "user") == 0;
}

/* The words of the user's last turn; *ret_result: whether it brings results of tools. */
static void last_turn(const json_t *request, struct buf *ret_words, bool *ret_result)
{
    const json_t *messages = json_object_get(request, "messages"), *block;
    size_t n = json_array_size(messages), begin = n, i, b;

    while (begin && is_user(json_array_get(messages, begin - 1)))
        begin--;
    *ret_result = false;
    for (i = begin; i < n; i++) {
        const json_t *content = json_object_get(json_array_get(messages, i), "content");

        json_array_foreach (content, b, block)
            if (json_object_get(block, "tool_use_id"))
                *ret_result = true;
        add_texts(content, ret_words);
    }
}

/* What the lead wrote, where the request marks it; else all of it. */
static void keep_lead_words(struct buf *words)
{
    static const char begin[] = "<lead_message>", end[] = "</lead_message>";
    AUTO(buf_free) struct buf kept = {0};
    const char *at = words->data ? strstr(words->data, begin) : NULL;

    for (; at; at = strstr(at, begin)) {
        const char *until = strstr(at, end);

        at += sizeof begin - 1;
        buf_append(&kept, at, until ? (size_t)(until - at) : strlen(at));
        buf_puts(&kept, "\n");
    }
    if (kept.data) {
        buf_clear(words);
        buf_puts(words, kept.data);
    }
}

/* ---- calling a tool ---- */

static bool has_any(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcasestr(text, *words))
            return true;
    return false;
}

static bool is_urgent(const char *text)
{
    static const char *const words[] = {"urgent",     "today", "asap",  "emergency", "right now", "immediately",
                                        "right away", "leak",  "flood", "burst",     NULL};

    return has_any(text, words);
}

static bool has_budget(const char *text)
{
    static const char *const words[] = {"budget", "$", "dollar", "afford", NULL};

    return has_any(text, words);
}

/* The first amount of money: the digits behind a '$', else the first number of three digits or more. */
static double amount(const char *text)
{
    const char *money = strchr(text, '$');

    for (const char *p = money ? money + 1 : text; *p; p++)
        if (strspn(p, "0123456789,") >= (money ? 1u : 3u)) {
            double value = 0;

            for (; *p && strchr("0123456789,", *p); p++)
                value = *p == ',' ? value : value * 10 + (*p - '0');
            return value;
        }
    return 0;
}

static const char *score(const char *text)
{
    return is_urgent(text) && has_budget(text) ? "HOT" : is_urgent(text) || has_budget(text) ? "WARM" : "COLD";
}

/* One of the schema's words: the score, or one that the text names, or the first. */
static json_t *choose(const json_t *words, const char *text)
{
    const json_t *word;
    size_t i;

    json_array_foreach (words, i, word)
        if (json_is_string(word) && strcasecmp(json_string_value(word), score(text)) == 0)
            return json_copy((json_t *)word);
    json_array_foreach (words, i, word)
        if (json_is_string(word) && *json_string_value(word) && strcasestr(text, json_string_value(word)))
            return json_copy((json_t *)word);
    return json_copy(json_array_get(words, 0));
}

static json_t *short_text(const char *text)
{
    return json_stringn(text, utf8_cut(text, strcspn(text, "\n"), 120));
}

/* A string; NULL: nothing is known of it. */
static json_t *guess_text(const char *name, bool required, const char *text)
{
    if (strstr(name, "budget"))
        return has_budget(text) ? json_sprintf("$%.0f", amount(text)) : required ? json_string("unknown") : NULL;
    if (strstr(name, "urgen"))
        return is_urgent(text) ? json_string("high") : required ? json_string("low") : NULL;
    if (strstr(name, "timeline"))
        return strcasestr(text, "today") ? json_string("today") : required ? json_string("unknown") : NULL;
    if (strstr(name, "service") || strstr(name, "reason") || strstr(name, "summary") || strstr(name, "query") ||
        required)
        return short_text(text);
    return NULL;
}

/* The bytes of text up to the end of a word, 120 at most unless the first word is longer. */
static size_t whole_words(const char *text)
{
    size_t len = strlen(text), kept = utf8_cut(text, len, 120);

    while (kept < len && kept > 0 && text[kept] != ' ')
        kept--;
    return kept > 0 ? kept : len;
}

/* {"value", "quote"}: the quote is the line of the lead's that tells it. */
static json_t *quoted(const char *name, const char *text)
{
    bool (*tells)(const char *) = strstr(name, "budget") ? has_budget : strstr(name, "urgen") ? is_urgent : NULL;

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        AUTO(free_text) char *words = strndup(line, strcspn(line, "\n"));
        json_t *value;

        if (!words || !*words || (tells && !tells(words)) || !(value = guess_text(name, false, words)))
            continue;
        words[whole_words(words)] = '\0';
        return json_pack("{so ss}", "value", value, "quote", words);
    }
    return NULL;
}

/* The value of one property; NULL: nothing is known of it. */
static json_t *guess(const char *name, const json_t *schema, bool required, const char *text)
{
    const json_t *words = json_object_get(schema, "enum"), *types = json_object_get(schema, "type");
    const char *type = json_string_value(json_is_array(types) ? json_array_get(types, 0) : types);

    if (json_array_size(words))
        return choose(words, text);
    if (!type)
        type = "string";
    if (strcmp(type, "boolean") == 0)
        return required || strstr(name, "urgent") ? json_boolean(is_urgent(text)) : NULL;
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0) {
        if (strstr(name, "budget") && amount(text) > 0)
            return json_integer((json_int_t)amount(text));
        return required ? json_integer(0) : NULL;
    }
    if (strcmp(type, "array") == 0)
        return required ? json_array() : NULL;
    if (strcmp(type, "object") == 0)
        return json_object_get(json_object_get(schema, "properties"), "quote") ? quoted(name, text)
               : required                                                      ? json_object()
                                                                               : NULL;
    return guess_text(name, required, text);
}

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *required = json_object_get(schema, "required"), *item;
    size_t i;

    json_array_foreach (required, i, item)
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
            return true;
    return false;
}

static json_t *call_tool(const json_t *tool, const char *text)
{
    const json_t *schema = json_object_get(tool, "input_schema");
    json_t *input = json_object(), *property, *value;
    const char *name;

    json_object_foreach (json_object_get(schema, "properties"), name, property) {
        if ((value = guess(name, property, is_required(schema, name), text)))
            json_object_set_new(input, name, value);
    }
    return json_pack("[{ss ss so}]", "type", "tool_use", "name", json_string_value(json_object_get(tool, "name")),
                     "input", input);
}

/* The tool to be called now, NULL if none. */
static const json_t *wanted_tool(const json_t *request, bool has_result)
{
    const json_t *tools = json_object_get(request, "tools"), *choice = json_object_get(request, "tool_choice"), *tool;
    const char *type = json_string_value(json_object_get(choice, "type")), *name = QUALIFY;
    size_t i;

    if (type && strcmp(type, "none") == 0)
        return NULL;
    if (type && strcmp(type, "any") == 0)
        return json_array_get(tools, 0);
    if (type && strcmp(type, "tool") == 0)
        name = json_string_value(json_object_get(choice, "name"));
    else if (has_result)
        return NULL;
    json_array_foreach (tools, i, tool)
        if (strcmp(json_string_value(json_object_get(tool, "name")), name) == 0)
            return tool;
    return NULL;
}

/* ---- answering ---- */

/* The answer within a passage: behind "A:" or "Answer:" where it has that, its first QUOTE_MAX bytes up to the end of
 * a sentence. */
static json_t *quote(const char *begin, const char *end)
{
    static const char *const marks[] = {"\nAnswer:", "\nA:"};
    AUTO(buf_free) struct buf text = {0};
    size_t len;

    for (const char *p = begin; p < end; p++)
        if (strncmp(p, "&lt;", 4) == 0) { /* as a passage spells '<' */
            buf_puts(&text, "<");
            p += 3;
        } else {
            buf_append(&text, p, 1);
        }
    if (text.failed || !text.data)
        return json_string(NO_ANSWER);
    begin = text.data;
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (strstr(begin, marks[i])) {
            begin = strstr(begin, marks[i]) + strlen(marks[i]);
            break;
        }
    begin += strspn(begin, " \t\r\n");
    len = strlen(begin);
    while (len && strchr(" \t\r\n", begin[len - 1]))
        len--;
    if (len > QUOTE_MAX) {
        len = utf8_cut(begin, len, QUOTE_MAX);
        for (size_t i = len; i > 1; i--)
            if (begin[i - 1] == '.' || begin[i - 1] == '!') {
                len = i;
                break;
            }
    }
    return len ? json_stringn(begin, len) : json_string(NO_ANSWER);
}

static json_t *answer(const json_t *request)
{
    AUTO(buf_free) struct buf all = {0};
    const json_t *messages = json_object_get(request, "messages"), *message;
    const char *at, *begin, *end;
    json_t *text = NULL;
    size_t i;

    /* The newest passages are the fitting ones, so the messages are read from the last one back. */
    for (i = json_array_size(messages); i; i--) {
        message = json_array_get(messages, i - 1);
        add_texts(json_object_get(message, "content"), &all);
        if (all.data && strstr(all.data, "<passages>"))
            break; /* those of the turns before are not about this one */
    }
    if (!i)
        add_texts(json_object_get(request, "system"), &all);
    for (at = all.data; at && !text && (at = strstr(at, "<passage")); at++) {
        /* <passages> is not a passage, and words about <passage> need not have an end */
        if (at[8] != '>' && at[8] != ' ' && at[8] != '\n')
            continue;
        begin = strchr(at, '>');
        end = begin ? strstr(begin, "</passage>") : NULL;
        if (end && !(strstr(begin, "<passage") && strstr(begin, "<passage") < end))
            text = quote(begin + 1, end);
    }
    return json_pack("[{ss so}]", "type", "text", "text", text ? text : json_string(NO_ANSWER));
}

json_t *anthropic_script(const json_t *request)
{
    AUTO(buf_free) struct buf words = {0};
    const json_t *tool;
    bool has_result;

    last_turn(request, &words, &has_result);
    keep_lead_words(&words);
    if ((tool = wanted_tool(request, has_result)))
        return call_tool(tool, words.data ? words.data : "");
    return answer(request);
}

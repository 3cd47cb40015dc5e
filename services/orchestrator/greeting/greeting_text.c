/* greeting_text.c - see greeting_text.h. */
#include "services/orchestrator/greeting/greeting_text.h"

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/scripted/language.h"
#include "services/orchestrator/scripted/templates.h"
#include "services/orchestrator/turn/decision.h"

#define NAME_MAX    30 /* bytes */
#define SERVICE_MAX 40

/* The signs that phones take for the dots of an address, and what turns the order of the letters about, stand in these
 * blocks: Latin-1's signs, general punctuation to the arrows and symbols, CJK punctuation, full-width forms, and all
 * beyond the 16 bits, as far as their first bytes of UTF-8 tell. The typographic apostrophe stands in names. */
static bool is_sign(const char *at)
{
    unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];

    if (strncmp(at, "\xe2\x80\x99", 3) == 0)
        return false;
    return first == 0xc2 || first == 0xe2 || (first == 0xe3 && second == 0x80) || (first == 0xef && second >= 0xb8) ||
           first >= 0xf0;
}

/* Letters, and a few of the marks between them: no number, no address of a page. */
static bool is_plain(const char *text, size_t len, const char *marks)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x80 ? !isalpha((unsigned char)text[i]) && !strchr(marks, text[i])
                                          : is_sign(text + i))
            return false;
    return len > 0;
}

const char *greeting_name(struct arena *arena, const char *name)
{
    size_t len = name ? strcspn(name, " ") : 0;

    return len <= NAME_MAX && name && is_plain(name, len, "-'") ? arena_strndup(arena, name, len) : NULL;
}

static const char *service_of(const struct decision_input *in)
{
    const char *service = in->lead->service_interest;

    return service && strlen(service) <= SERVICE_MAX && is_plain(service, strlen(service), " -'&,/") ? service : NULL;
}

static void cut(struct buf *out, size_t len)
{
    out->data[out->len = len] = '\0';
}

/* The length of out without the word at its end, if that only leads to what is not there; else out->len. */
static size_t without_joint(const struct buf *out)
{
    static const char *const joints[] = {"about", "for",       "regarding", "concerning", "with",  "on", "sobre",
                                         "para",  "acerca de", "por",       "de",         "بخصوص", "عن"};

    for (size_t i = 0; i < COUNT_OF(joints); i++) {
        size_t len = strlen(joints[i]);

        if (out->len > len && out->data[out->len - len - 1] == ' ' &&
            strncasecmp(out->data + out->len - len, joints[i], len) == 0)
            return out->len - len - 1;
    }
    return out->len;
}

/* A placeholder whose value is not known goes with what leads to it, "about {service}", and what stands around it,
 * "({service})". Returns how much of the text behind it goes too. */
static size_t leave_out(struct buf *out, const char *behind)
{
    bool spaced = out->len > 0 && out->data[out->len - 1] == ' ';

    if (spaced)
        cut(out, out->len - 1);
    if (out->len > 0 && out->data[out->len - 1] == '(' && *behind == ')') {
        cut(out, out->len - (out->len > 1 && out->data[out->len - 2] == ' ' ? 2 : 1));
        return 1;
    }
    if (spaced)
        cut(out, without_joint(out));
    if (out->len > 0 && strchr(",:", out->data[out->len - 1]) && *behind && strchr(".!?,;:", *behind))
        cut(out, out->len - 1);
    return 0;
}

static const char *expand(struct arena *arena, const char *text, const char *name, const char *service,
                          const char *business)
{
    const struct {
        const char *mark, *value;
    } marks[] = {{"{name}", name}, {"{service}", service}, {"{business}", business}};
    AUTO(buf_free) struct buf out = {0};

    while (*text) {
        size_t i = 0;

        while (i < COUNT_OF(marks) && strncmp(text, marks[i].mark, strlen(marks[i].mark)) != 0)
            i++;
        if (i < COUNT_OF(marks)) {
            text += strlen(marks[i].mark);
            if (marks[i].value)
                buf_puts(&out, marks[i].value);
            else
                text += leave_out(&out, text);
        } else {
            buf_append(&out, text++, 1);
        }
    }
    return out.failed ? NULL : arena_strdup(arena, out.data ? out.data : "");
}

const char *greeting_text(struct arena *arena, const struct decision_input *in)
{
    const char *configured = client_config_text(in->config, "lead_greeting", arena);
    const char *name = greeting_name(arena, in->lead->name), *service = service_of(in), *hello, *thanks;
    enum language language = language_of(in, arena);

    if (configured)
        return expand(arena, configured, name, service, in->client_name);
    hello = expand(arena, template_text(name ? GREET_NAME : GREET, language), name, service, in->client_name);
    thanks =
        expand(arena, template_text(service ? GREET_SERVICE : GREET_REQUEST, language), name, service, in->client_name);
    return hello && thanks ? arena_printf(arena, "%s %s", hello, thanks) : NULL;
}

const char *greeting_variables(struct arena *arena, const char *name, const char *business)
{
    const char *first = greeting_name(arena, name);
    json_auto_t *variables = json_pack("{s:s, s:s}", "1", first ? first : "there", "2", business);
    char *text = variables ? json_dumps(variables, JSON_COMPACT) : NULL;
    const char *copy = arena_strdup(arena, text);

    free(text);
    return copy;
}

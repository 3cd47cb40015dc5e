/* form_note.c - see form_note.h. */
#include "services/orchestrator/greeting/form_note.h"

#include <jansson.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/text.h"

#define NOTE_MAX     400 /* bytes, see DECISION_MESSAGE */
#define VALUE_MAX    120
#define LANGUAGE_MAX 35 /* bytes, see DECISION_INPUT */

/* On one line, and without what ends the note. */
static void put_plain(struct buf *out, const char *text)
{
    size_t len = utf8_cut(text, strlen(text), VALUE_MAX);

    for (size_t i = 0; i < len; i++)
        buf_append(out, (unsigned char)text[i] < ' ' || strchr("[];", text[i]) ? " " : &text[i], 1);
}

/* As far as it fits. */
static void put_value(struct buf *out, const char *name, const json_t *value)
{
    AUTO(buf_free) struct buf one = {0};

    if (!json_is_string(value) || !*json_string_value(value))
        return;
    buf_puts(&one, "; ");
    put_plain(&one, name);
    buf_puts(&one, ": ");
    put_plain(&one, json_string_value(value));
    if (!one.failed && out->len + one.len + 1 <= NOTE_MAX)
        buf_append(out, one.data, one.len);
}

const char *form_note(const char *form, struct arena *arena)
{
    static const char *const names[] = {"name", "service"};
    json_auto_t *data = json_loads(form, 0, NULL);
    AUTO(buf_free) struct buf note = {0};
    const char *name;
    json_t *value;

    buf_puts(&note, json_object_get(data, "form_id") ? "[by web form" : "[by API");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        put_value(&note, names[i], json_object_get(data, names[i]));
    json_object_foreach (json_object_get(data, "fields"), name, value)
        put_value(&note, name, value);
    buf_puts(&note, "]");
    return note.failed ? NULL : arena_strdup(arena, note.data);
}

const char *form_language(const char *form, struct arena *arena)
{
    json_auto_t *data = json_loads(form, 0, NULL);
    const json_t *language = json_object_get(data, "language");
    size_t len = json_string_length(language);

    return len >= 2 && len <= LANGUAGE_MAX ? arena_strdup(arena, json_string_value(language)) : NULL;
}

bool form_refuses_texts(const char *form)
{
    json_auto_t *data = json_loads(form, 0, NULL);

    return json_is_true(json_object_get(data, "no_texts"));
}

int form_over_bound(const char *form)
{
    json_auto_t *data = json_loads(form, 0, NULL);

    return (int)json_integer_value(json_object_get(data, "over_bound"));
}

/* A text of the form's data, in arena; NULL if it has none. */
static const char *get(const char *form, const char *member, struct arena *arena)
{
    json_auto_t *data = json_loads(form, 0, NULL);

    return arena_strdup(arena, json_string_value(json_object_get(data, member)));
}

const char *form_id(const char *form, struct arena *arena)
{
    return get(form, "form_id", arena);
}

const char *form_name(const char *form, struct arena *arena)
{
    return get(form, "form", arena);
}

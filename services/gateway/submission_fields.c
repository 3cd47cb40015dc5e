/* submission_fields.c - a form's body as pairs of name and value; see submission.h. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/gateway/multipart.h"
#include "services/gateway/request.h"
#include "services/gateway/submission.h"

#define DEPTH_MAX 8

static int no_memory(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no memory for the form");
}

static int put(struct form *fields, const char *name, const char *value, struct err *err)
{
    if (fields->n == FORM_FIELDS_MAX)
        return err_set(err, ERR_INVALID, "a form may have %d fields at most", FORM_FIELDS_MAX);
    if (!name || !value)
        return no_memory(err);
    fields->fields[fields->n++] = (struct form_field){.name = name, .value = value};
    return 0;
}

/* ---- JSON ---- */

static bool is_deep(const json_t *value, int depth)
{
    const char *name;
    json_t *item;
    size_t i;

    if (depth > DEPTH_MAX)
        return true;
    json_array_foreach (value, i, item)
        if (is_deep(item, depth + 1))
            return true;
    json_object_foreach ((json_t *)value, name, item)
        if (is_deep(item, depth + 1))
            return true;
    return false;
}

/* "a, b" of ["a", "b"]; NULL if it holds anything else. */
static const char *joined(const json_t *list, struct arena *arena)
{
    AUTO(buf_free) struct buf out = {0};
    json_t *item;
    size_t i;

    json_array_foreach (list, i, item) {
        if (!json_is_string(item))
            return NULL;
        buf_printf(&out, "%s%s", i > 0 ? ", " : "", json_string_value(item));
    }
    return out.failed ? NULL : arena_strdup(arena, out.data ? out.data : "");
}

static const char *value_of(const json_t *value, struct arena *arena)
{
    const char *list = json_is_array(value) ? joined(value, arena) : NULL;
    const char *copy;
    char *text;

    if (json_is_string(value))
        return arena_strdup(arena, json_string_value(value));
    if (list)
        return list;
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

static int read_json(const char *body, size_t len, struct arena *arena, struct form *fields, struct err *err)
{
    json_error_t why;
    json_auto_t *object = json_loadb(body, len, JSON_REJECT_DUPLICATES, &why);
    const char *name;
    json_t *value;

    if (!json_is_object(object))
        return err_set(err, ERR_INVALID, "the body is not a JSON object%s%s", object ? "" : ": ",
                       object ? "" : why.text);
    if (is_deep(object, 0))
        return err_set(err, ERR_INVALID, "the body is nested too deeply");
    json_object_foreach (object, name, value)
        if (!json_is_null(value) && put(fields, arena_strdup(arena, name), value_of(value, arena), err) < 0)
            return -1;
    return 0;
}

/* ---- multipart/form-data ---- */

static int read_multipart(const char *content_type, const char *body, size_t len, struct arena *arena,
                          struct form *fields, struct err *err)
{
    struct multipart *parts = arena_calloc(arena, 1, sizeof *parts);

    if (!parts)
        return no_memory(err);
    if (multipart_parse(content_type, body, len, arena, parts, err) < 0)
        return -1;
    for (size_t i = 0; i < parts->n; i++) {
        const struct multipart_part *part = &parts->parts[i];
        const char *value;

        if (part->filename && part->len == 0)
            continue; /* no file was chosen */
        if (!part->filename && !utf8_valid(part->data, part->len))
            return err_set_field(err, ERR_INVALID, part->name, "%.60s is not UTF-8 text", part->name);
        value = part->filename ? arena_printf(arena, "[file %s, not kept]", part->filename)
                               : arena_strndup(arena, part->data, part->len);
        if (put(fields, part->name, value, err) < 0)
            return -1;
    }
    return 0;
}

int submission_fields(const char *content_type, const char *body, size_t len, struct arena *arena,
                      struct form *ret_fields, struct err *err)
{
    if (request_is_form(content_type))
        return form_parse(body, len, arena, ret_fields, err);
    *ret_fields = (struct form){.fields = arena_calloc(arena, FORM_FIELDS_MAX, sizeof *ret_fields->fields)};
    if (!ret_fields->fields)
        return no_memory(err);
    if (request_is_type(content_type, "multipart/form-data"))
        return read_multipart(content_type, body, len, arena, ret_fields, err);
    return read_json(body, len, arena, ret_fields, err);
}

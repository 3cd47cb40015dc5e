/* codec_json.c - messages as JSON: read with jansson, written straight into the buffer. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/codec_internal.h"
#include "libshared/err.h"

/* ---- writing ---- */

static int write_message(const struct message_type *type, const struct path *at, const void *msg, struct buf *out,
                         struct err *err);

/* With as many digits as it takes to read the same number back. */
static void write_double(double value, struct buf *out)
{
    char text[32];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_puts(out, text);
    if (strcmp(text, "-0") == 0) /* would be read as an integer, which has no sign at zero */
        buf_puts(out, ".0");
}

static int write_scalar(const struct field *field, const struct path *at, const void *value, struct buf *out,
                        struct err *err)
{
    char time[CLOCK_TEXT_SIZE];

    if (field->type == FIELD_BOOL) {
        buf_puts(out, *(const bool *)value ? "true" : "false");
    } else if (field->type == FIELD_INT) {
        if (codec_check_int(field, at, *(const int64_t *)value, err) < 0)
            return -1;
        buf_printf(out, "%" PRId64, *(const int64_t *)value);
    } else if (field->type == FIELD_FLOAT) {
        if (codec_check_float(field, at, *(const double *)value, err) < 0)
            return -1;
        write_double(*(const double *)value, out);
    } else {
        if (codec_check_time(at, *(const int64_t *)value, err) < 0)
            return -1;
        clock_format(*(const int64_t *)value, time);
        buf_json_string(out, time);
    }
    return 0;
}

static int write_text(const struct field *field, const struct path *at, const char *text, struct buf *out,
                      struct err *err)
{
    if (codec_check_text(field, at, text, strlen(text), err) < 0)
        return -1;
    if (field->type == FIELD_JSON)
        buf_puts(out, text);
    else
        buf_json_string(out, text);
    return 0;
}

static int write_strings(const struct field *field, const struct path *at, const char *const *items, size_t n,
                         struct buf *out, struct err *err)
{
    if (codec_check_count(field, at, n, err) < 0)
        return -1;
    buf_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        struct path here = {at, NULL, i};

        if (!items || !items[i])
            return codec_fail(err, &here, "is required");
        if (codec_check_item(&here, items[i], strlen(items[i]), err) < 0)
            return -1;
        buf_puts(out, i > 0 ? "," : "");
        buf_json_string(out, items[i]);
    }
    buf_puts(out, "]");
    return 0;
}

static int write_list(const struct field *field, const struct path *at, const void *items, size_t n, struct buf *out,
                      struct err *err)
{
    if (codec_check_count(field, at, n, err) < 0)
        return -1;
    buf_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        struct path here = {at, NULL, i};

        if (!items)
            return codec_fail(err, &here, "is required");
        buf_puts(out, i > 0 ? "," : "");
        if (write_message(field->item, &here, codec_member(items, i * field->item->size), out, err) < 0)
            return -1;
    }
    buf_puts(out, "]");
    return 0;
}

static int write_field(const struct field *field, const struct path *at, const void *msg, struct buf *out,
                       struct err *err)
{
    const void *value = codec_member(msg, field->offset);

    switch (field->type) {
    case FIELD_BOOL:
    case FIELD_INT:
    case FIELD_FLOAT:
    case FIELD_TIME:
        return write_scalar(field, at, value, out, err);
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_JSON:
    case FIELD_ENUM:
        return write_text(field, at, *(const char *const *)value, out, err);
    case FIELD_BIN:
        return codec_fail(err, at, "is bytes, which JSON cannot hold");
    case FIELD_STRS:
        return write_strings(field, at, *(const char *const *const *)value,
                             *(size_t *)codec_member(msg, field->count_offset), out, err);
    case FIELD_MESSAGE:
        return write_message(field->item, at, *(void *const *)value, out, err);
    case FIELD_LIST:
        return write_list(field, at, *(void *const *)value, *(size_t *)codec_member(msg, field->count_offset), out,
                          err);
    }
    return codec_fail(err, at, "has no type");
}

static int write_message(const struct message_type *type, const struct path *at, const void *msg, struct buf *out,
                         struct err *err)
{
    const char *comma = "";

    buf_puts(out, "{");
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *field = &type->fields[i];
        struct path here = {at, field->name, 0};

        if (!codec_is_present(field, msg)) {
            if (field->required)
                return codec_fail(err, &here, "is required");
            continue;
        }
        buf_puts(out, comma);
        buf_append(out, "\"", 1);
        buf_puts(out, field->name);
        buf_append(out, "\":", 2);
        comma = ",";
        if (write_field(field, &here, msg, out, err) < 0)
            return -1;
    }
    buf_puts(out, "}");
    return 0;
}

int codec_to_json(const struct message_type *type, const void *msg, struct buf *out, struct err *err)
{
    size_t start = out->len;
    int result = write_message(type, NULL, msg, out, err);

    if (out->failed)
        return err_set(err, ERR_INTERNAL, "no memory to write %s", type->name);
    if (result < 0 && out->data) {
        out->len = start;
        out->data[start] = '\0';
    }
    return result;
}

/* ---- reading ---- */

static int read_message(const struct message_type *type, const struct path *at, const json_t *object,
                        struct arena *arena, void *msg, struct err *err);

static void free_json(json_t **self_p)
{
    json_decref(*self_p);
    *self_p = NULL;
}

static void free_text(char **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/* A parsed value as compact text. Numbers keep their value and get no more digits than that takes: 0.1 stays 0.1. */
static int read_json(const struct field *field, const struct path *at, const json_t *value, struct arena *arena,
                     void *msg, struct err *err)
{
    AUTO(free_text) char *text = NULL;

    for (int digits = 15; digits <= 17; digits++) {
        AUTO(free_json) json_t *again = NULL;

        free_text(&text);
        if (!(text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits))))
            return err_set(err, ERR_INTERNAL, "no memory to read JSON");
        if ((again = json_loads(text, JSON_DECODE_ANY, NULL)) && json_equal(again, value))
            break;
    }
    return codec_set_text(field, at, text, strlen(text), arena, msg, err);
}

static int read_time(const struct field *field, const struct path *at, const json_t *value, void *msg, struct err *err)
{
    int64_t time;

    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value) ||
        clock_parse(json_string_value(value), &time) < 0)
        return codec_fail(err, at, "must be a time as RFC 3339 writes it");
    return codec_set_time(field, at, time, msg, err);
}

static int read_strings(const struct field *field, const struct path *at, const json_t *array, struct arena *arena,
                        void *msg, struct err *err)
{
    const char **items = codec_set_list(field, at, json_array_size(array), arena, msg, err);

    if (!items)
        return -1;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        struct path here = {at, NULL, i};

        if (!json_is_string(item))
            return codec_fail(err, &here, "must be a string");
        if (!(items[i] = codec_copy_item(&here, json_string_value(item), json_string_length(item), arena, err)))
            return -1;
    }
    return 0;
}

static int read_list(const struct field *field, const struct path *at, const json_t *array, struct arena *arena,
                     void *msg, struct err *err)
{
    void *items = codec_set_list(field, at, json_array_size(array), arena, msg, err);

    if (!items)
        return -1;
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct path here = {at, NULL, i};

        if (read_message(field->item, &here, json_array_get(array, i), arena,
                         codec_member(items, i * field->item->size), err) < 0)
            return -1;
    }
    return 0;
}

/* M, L and STRS. */
static int read_nested(const struct field *field, const struct path *at, const json_t *value, struct arena *arena,
                       void *msg, struct err *err)
{
    void *inner;

    if (field->type == FIELD_MESSAGE) {
        if (!(inner = codec_set_message(field, at, arena, msg, err)))
            return -1;
        return read_message(field->item, at, value, arena, inner, err);
    }
    if (!json_is_array(value))
        return codec_fail(err, at, "must be an array");
    if (field->type == FIELD_LIST)
        return read_list(field, at, value, arena, msg, err);
    return read_strings(field, at, value, arena, msg, err);
}

static int read_field(const struct field *field, const struct path *at, const json_t *value, struct arena *arena,
                      void *msg, struct err *err)
{
    switch (field->type) {
    case FIELD_BOOL:
        if (!json_is_boolean(value))
            return codec_fail(err, at, "must be true or false");
        *(bool *)codec_member(msg, field->offset) = json_is_true(value);
        return 0;
    case FIELD_INT:
        if (!json_is_integer(value))
            return codec_fail(err, at, "must be an integer");
        return codec_set_int(field, at, json_integer_value(value), msg, err);
    case FIELD_FLOAT:
        if (!json_is_number(value))
            return codec_fail(err, at, "must be a number");
        return codec_set_float(field, at, json_number_value(value), msg, err);
    case FIELD_TIME:
        return read_time(field, at, value, msg, err);
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_ENUM:
        if (!json_is_string(value))
            return codec_fail(err, at, "must be a string");
        return codec_set_text(field, at, json_string_value(value), json_string_length(value), arena, msg, err);
    case FIELD_JSON:
        return read_json(field, at, value, arena, msg, err);
    case FIELD_BIN:
        return codec_fail(err, at, "is bytes, which JSON cannot hold");
    case FIELD_STRS:
    case FIELD_MESSAGE:
    case FIELD_LIST:
        return read_nested(field, at, value, arena, msg, err);
    }
    return codec_fail(err, at, "has no type");
}

static int read_message(const struct message_type *type, const struct path *at, const json_t *object,
                        struct arena *arena, void *msg, struct err *err)
{
    uint64_t seen = 0;

    if (!json_is_object(object))
        return codec_fail(err, at, "must be an object");
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *field = &type->fields[i];
        const json_t *value = json_object_get(object, field->name);
        struct path here = {at, field->name, 0};

        if (!value || json_is_null(value))
            continue;
        seen |= (uint64_t)1 << i;
        if (read_field(field, &here, value, arena, msg, err) < 0)
            return -1;
    }
    return codec_finish(type, at, seen, msg, err);
}

/* NULL and *err if it is not JSON within our bounds. The parser's own words are not passed on: they quote the text. */
static json_t *parse(const struct path *at, const char *text, size_t len, size_t flags, struct err *err)
{
    json_error_t error;
    json_t *value;

    if (len > CODEC_FRAME_MAX) {
        codec_fail(err, at, "is %zu bytes long: at most %d are taken", len, CODEC_FRAME_MAX);
        return NULL;
    }
    if (codec_scan_json(at, text, len, CODEC_DEPTH_MAX, err) < 0)
        return NULL;
    if (!(value = json_loadb(text, len, flags | JSON_REJECT_DUPLICATES, &error)))
        codec_fail(err, at,
                   json_error_code(&error) == json_error_duplicate_key
                       ? "has a key twice in one object, at line %d, column %d"
                       : "is not valid JSON at line %d, column %d",
                   error.line, error.column);
    return value;
}

int codec_from_json(const struct message_type *type, const char *text, size_t len, struct arena *arena, void *ret_msg,
                    struct err *err)
{
    /* What holds a NUL is refused below, with its name. */
    AUTO(free_json) json_t *object = parse(NULL, text, len, JSON_ALLOW_NUL, err);
    void *msg;

    if (!object)
        return -1;
    if (!(msg = arena_alloc(arena, type->size)))
        return codec_fail(err, NULL, "is too large for the memory set aside for it");
    if (read_message(type, NULL, object, arena, msg, err) < 0)
        return -1;
    memcpy(ret_msg, msg, type->size);
    return 0;
}

int codec_read_json_field(const struct field *field, const struct path *at, const char *text, struct arena *arena,
                          void *msg, struct err *err)
{
    AUTO(free_json) json_t *value = parse(at, text, strlen(text), JSON_DECODE_ANY, err);

    return value ? read_nested(field, at, value, arena, msg, err) : -1;
}

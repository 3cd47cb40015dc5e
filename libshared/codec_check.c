/* codec_check.c - what makes a value right, whichever way it came or goes. */
#include "libshared/codec_internal.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "libshared/uuid.h"

/* RFC 3339 has years of four digits: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z. */
#define TIME_MIN (-62135596800000000)
#define TIME_MAX 253402300799999999

/* ---- the place at fault ---- */

/* Returns the length of the text so far, which is always below size. */
static size_t write_path(const struct path *at, char *out, size_t size)
{
    size_t used;
    int n;

    if (!at)
        return 0;
    used = write_path(at->up, out, size);
    if (at->name)
        n = snprintf(out + used, size - used, "%s%s", used > 0 ? "." : "", at->name);
    else
        n = snprintf(out + used, size - used, "[%zu]", at->index);
    used += (size_t)n;
    return used < size ? used : size - 1;
}

int codec_fail(struct err *err, const struct path *at, const char *fmt, ...)
{
    char field[sizeof err->field] = "";
    char text[sizeof err->text];
    va_list args;

    write_path(at, field, sizeof field);
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return err_set_field(err, ERR_INVALID, field, "%s %s", field[0] ? field : "message", text);
}

static int no_room(const struct path *at, struct err *err)
{
    return codec_fail(err, at, "is too large for the memory set aside for it");
}

/* ---- checks ---- */

int codec_check_int(const struct field *field, const struct path *at, int64_t value, struct err *err)
{
    if ((double)value < field->min || (double)value > field->max)
        return codec_fail(err, at, "must be from %.0f to %.0f", field->min, field->max);
    return 0;
}

int codec_check_float(const struct field *field, const struct path *at, double value, struct err *err)
{
    if (!isfinite(value))
        return codec_fail(err, at, "must be a finite number");
    if (value < field->min || value > field->max)
        return codec_fail(err, at, "must be from %.15g to %.15g", field->min, field->max);
    return 0;
}

int codec_check_time(const struct path *at, int64_t value, struct err *err)
{
    if (value < TIME_MIN || value > TIME_MAX)
        return codec_fail(err, at, "must be a time between the years 1 and 9999");
    return 0;
}

int codec_check_length(const struct field *field, const struct path *at, size_t len, struct err *err)
{
    if (field->type == FIELD_UUID && len != UUID_SIZE - 1)
        return codec_fail(err, at, "must be a UUID");
    if (field->type == FIELD_UUID || field->type == FIELD_ENUM)
        return 0;
    if (field->min == field->max && (double)len != field->max)
        return codec_fail(err, at, "must be %.0f bytes long, not %zu", field->max, len);
    if ((double)len < field->min || (double)len > field->max)
        return codec_fail(err, at, "must be %.0f to %.0f bytes long, not %zu", field->min, field->max, len);
    return 0;
}

static bool is_word(const char *words, const char *text, size_t len)
{
    for (const char *word = words;; word++) {
        size_t n = strcspn(word, "|");

        if (n == len && memcmp(word, text, len) == 0)
            return true;
        word += n;
        if (!*word)
            return false;
    }
}

/* The same parser that reads JSON messages: what passes here can be written into one and read back. */
static int check_json(const struct path *at, const char *text, size_t len, struct err *err)
{
    json_error_t error;
    json_t *value;
    bool is_null;

    if (codec_scan_json(at, text, len, CODEC_JSON_DEPTH_MAX, err) < 0)
        return -1;
    value = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!value)
        return codec_fail(err, at, "must be valid JSON");
    is_null = json_is_null(value);
    json_decref(value);
    if (is_null)
        return codec_fail(err, at, "must not be null");
    return 0;
}

int codec_check_text(const struct field *field, const struct path *at, const char *text, size_t len, struct err *err)
{
    if (codec_check_length(field, at, len, err) < 0)
        return -1;
    if (field->type == FIELD_UUID && !uuid_is_valid(text))
        return codec_fail(err, at, "must be a UUID");
    if (field->type == FIELD_ENUM && !is_word(field->words, text, len))
        return codec_fail(err, at, "must be one of %s", field->words);
    if (!utf8_valid(text, len))
        return codec_fail(err, at, "must be valid UTF-8 without NUL");
    if (field->type == FIELD_JSON)
        return check_json(at, text, len, err);
    return 0;
}

int codec_check_count(const struct field *field, const struct path *at, size_t n, struct err *err)
{
    if ((double)n < field->min || (double)n > field->max)
        return codec_fail(err, at, "must have %.0f to %.0f items, not %zu", field->min, field->max, n);
    return 0;
}

int codec_check_item(const struct path *at, const char *text, size_t len, struct err *err)
{
    if (len > CODEC_STRS_ITEM_MAX)
        return codec_fail(err, at, "must be at most %d bytes long, not %zu", CODEC_STRS_ITEM_MAX, len);
    if (!utf8_valid(text, len))
        return codec_fail(err, at, "must be valid UTF-8 without NUL");
    return 0;
}

/* ---- the struct ---- */

bool codec_is_present(const struct field *field, const void *msg)
{
    const void *value = codec_member(msg, field->offset);

    switch (field->type) {
    case FIELD_BOOL:
    case FIELD_INT:
    case FIELD_FLOAT:
        return true;
    case FIELD_TIME:
        return *(const int64_t *)value != 0;
    case FIELD_BIN:
        return ((const struct bytes *)value)->data != NULL;
    case FIELD_STRS:
    case FIELD_LIST:
        return field->required || *(void *const *)value || *(size_t *)codec_member(msg, field->count_offset) > 0;
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_JSON:
    case FIELD_ENUM:
    case FIELD_MESSAGE:
        break;
    }
    return *(void *const *)value != NULL;
}

int codec_set_int(const struct field *field, const struct path *at, int64_t value, void *msg, struct err *err)
{
    if (codec_check_int(field, at, value, err) < 0)
        return -1;
    *(int64_t *)codec_member(msg, field->offset) = value;
    return 0;
}

int codec_set_float(const struct field *field, const struct path *at, double value, void *msg, struct err *err)
{
    if (codec_check_float(field, at, value, err) < 0)
        return -1;
    *(double *)codec_member(msg, field->offset) = value;
    return 0;
}

int codec_set_time(const struct field *field, const struct path *at, int64_t value, void *msg, struct err *err)
{
    if (codec_check_time(at, value, err) < 0)
        return -1;
    *(int64_t *)codec_member(msg, field->offset) = value;
    return 0;
}

/* With all its bytes, also those behind a NUL, for the check to find. */
static const char *copy_text(const char *text, size_t len, struct arena *arena)
{
    char *copy = arena_alloc(arena, len + 1);

    if (copy && len > 0)
        memcpy(copy, text, len);
    return copy;
}

int codec_set_text(const struct field *field, const struct path *at, const char *text, size_t len, struct arena *arena,
                   void *msg, struct err *err)
{
    const char *copy;

    if (codec_check_length(field, at, len, err) < 0) /* before memory is taken for it */
        return -1;
    if (!(copy = copy_text(text, len, arena)))
        return no_room(at, err);
    if (codec_check_text(field, at, copy, len, err) < 0)
        return -1;
    *(const char **)codec_member(msg, field->offset) = copy;
    return 0;
}

int codec_set_bytes(const struct field *field, const struct path *at, const void *data, size_t len, struct arena *arena,
                    void *msg, struct err *err)
{
    uint8_t *copy;

    if (codec_check_length(field, at, len, err) < 0)
        return -1;
    if (!(copy = arena_alloc(arena, len)))
        return no_room(at, err);
    if (len > 0)
        memcpy(copy, data, len);
    *(struct bytes *)codec_member(msg, field->offset) = (struct bytes){copy, len};
    return 0;
}

void *codec_set_list(const struct field *field, const struct path *at, size_t n, struct arena *arena, void *msg,
                     struct err *err)
{
    size_t item_size = field->type == FIELD_LIST ? field->item->size : sizeof(char *);
    void *items;

    if (codec_check_count(field, at, n, err) < 0)
        return NULL;
    if (!(items = arena_calloc(arena, n, item_size))) {
        no_room(at, err);
        return NULL;
    }
    *(void **)codec_member(msg, field->offset) = items;
    *(size_t *)codec_member(msg, field->count_offset) = n;
    return items;
}

void *codec_set_message(const struct field *field, const struct path *at, struct arena *arena, void *msg,
                        struct err *err)
{
    void *inner = arena_alloc(arena, field->item->size);

    if (!inner) {
        no_room(at, err);
        return NULL;
    }
    *(void **)codec_member(msg, field->offset) = inner;
    return inner;
}

const char *codec_copy_item(const struct path *at, const char *text, size_t len, struct arena *arena, struct err *err)
{
    const char *copy;

    if (codec_check_item(at, text, len, err) < 0)
        return NULL;
    if (!(copy = copy_text(text, len, arena)))
        no_room(at, err);
    return copy;
}

size_t codec_find(const struct message_type *type, const char *name, size_t len)
{
    size_t i;

    for (i = 0; i < type->n_fields; i++)
        if (strlen(type->fields[i].name) == len && memcmp(type->fields[i].name, name, len) == 0)
            break;
    return i;
}

int codec_finish(const struct message_type *type, const struct path *at, uint64_t seen, void *msg, struct err *err)
{
    assert(type->n_fields <= CODEC_FIELDS_MAX);
    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *field = &type->fields[i];
        void *value = codec_member(msg, field->offset);
        struct path here = {at, field->name, 0};

        /* A required time of 0 was sent, but says that it is absent. */
        if (field->required && (!(seen >> i & 1) || !codec_is_present(field, msg)))
            return codec_fail(err, &here, "is required");
        if (seen >> i & 1)
            continue;
        if (field->type == FIELD_BOOL)
            *(bool *)value = field->default_value != 0;
        else if (field->type == FIELD_INT)
            *(int64_t *)value = (int64_t)field->default_value;
        else if (field->type == FIELD_FLOAT)
            *(double *)value = field->default_value;
    }
    return 0;
}

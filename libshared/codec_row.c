/* codec_row.c - a message from a row of the database. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/clock.h"
#include "libshared/codec_internal.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"

static int read_number(const struct field *field, const struct path *at, const char *text, void *msg, struct err *err)
{
    int64_t integer;
    double number;
    char *end;

    if (field->type == FIELD_INT) {
        if (!text_to_int(text, INT64_MIN, INT64_MAX, &integer))
            return codec_fail(err, at, "must be an integer");
        return codec_set_int(field, at, integer, msg, err);
    }
    if (field->type == FIELD_TIME) {
        if (clock_parse(text, &integer) < 0)
            return codec_fail(err, at, "must be a time in PostgreSQL's ISO form, in UTC");
        return codec_set_time(field, at, integer, msg, err);
    }
    number = strtod(text, &end);
    if (end == text || *end)
        return codec_fail(err, at, "must be a number");
    return codec_set_float(field, at, number, msg, err);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* bytea as PostgreSQL writes it: \x and two digits a byte. */
static int read_bytes(const struct field *field, const struct path *at, const char *text, struct arena *arena,
                      void *msg, struct err *err)
{
    size_t len = strlen(text);
    uint8_t *data;

    if (len < 2 || len % 2 != 0 || text[0] != '\\' || text[1] != 'x')
        return codec_fail(err, at, "must be a bytea in hex form");
    len = len / 2 - 1;
    if (codec_check_length(field, at, len, err) < 0)
        return -1;
    if (!(data = arena_alloc(arena, len)))
        return codec_fail(err, at, "is too large for the memory set aside for it");
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 + 2 * i]), low = hex_digit(text[3 + 2 * i]);

        if (high < 0 || low < 0)
            return codec_fail(err, at, "must be a bytea in hex form");
        data[i] = (uint8_t)(high << 4 | low);
    }
    *(struct bytes *)codec_member(msg, field->offset) = (struct bytes){data, len};
    return 0;
}

/* ---- text[]: {plain,"with \"quotes\"",NULL} ---- */

/* Takes one element, unquoted into out, and moves *at_p to the ',' or '}' behind it. Returns its length, or -1 when it
 * is NULL or the text ends first. out has room for what is left of the text. */
static ssize_t take_element(const char **at_p, char *out)
{
    const char *at = *at_p;
    bool quoted = *at == '"';
    size_t len = 0;

    if (quoted)
        at++;
    while (*at && (quoted ? *at != '"' : *at != ',' && *at != '}')) {
        if (*at == '\\' && *++at == '\0')
            break;
        out[len++] = *at++;
    }
    if (quoted && *at++ != '"')
        return -1;
    if (*at != ',' && *at != '}')
        return -1;
    if (!quoted && len == 4 && strncasecmp(out, "NULL", 4) == 0)
        return -1;
    *at_p = at;
    return (ssize_t)len;
}

static size_t count_elements(const char *at, char *scratch)
{
    size_t n = 0;

    if (at[0] == '{' && at[1] == '}')
        return 0;
    while (*at == '{' || *at == ',') {
        at++;
        if (take_element(&at, scratch) < 0)
            return SIZE_MAX;
        n++;
    }
    return at[0] == '}' && at[1] == '\0' ? n : SIZE_MAX;
}

static int read_strings(const struct field *field, const struct path *at, const char *text, struct arena *arena,
                        void *msg, struct err *err)
{
    char *scratch = arena_alloc(arena, strlen(text) + 1);
    const char **items;
    size_t n;

    if (!scratch)
        return codec_fail(err, at, "is too large for the memory set aside for it");
    n = *text == '{' ? count_elements(text, scratch) : SIZE_MAX;
    if (n == SIZE_MAX)
        return codec_fail(err, at, "must be a text[] of one dimension without NULL");
    if (!(items = codec_set_list(field, at, n, arena, msg, err)))
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct path here = {at, NULL, i};
        ssize_t len;

        text++; /* '{' or ',' */
        len = take_element(&text, scratch);
        if (!(items[i] = codec_copy_item(&here, scratch, (size_t)len, arena, err)))
            return -1;
    }
    return 0;
}

static int read_column(const struct field *field, const struct path *at, const char *text, struct arena *arena,
                       void *msg, struct err *err)
{
    switch (field->type) {
    case FIELD_BOOL:
        if (strcmp(text, "t") != 0 && strcmp(text, "f") != 0)
            return codec_fail(err, at, "must be a boolean");
        *(bool *)codec_member(msg, field->offset) = text[0] == 't';
        return 0;
    case FIELD_INT:
    case FIELD_FLOAT:
    case FIELD_TIME:
        return read_number(field, at, text, msg, err);
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_JSON:
    case FIELD_ENUM:
        return codec_set_text(field, at, text, strlen(text), arena, msg, err);
    case FIELD_BIN:
        return read_bytes(field, at, text, arena, msg, err);
    case FIELD_STRS:
        return read_strings(field, at, text, arena, msg, err);
    case FIELD_MESSAGE:
    case FIELD_LIST:
        return codec_read_json_field(field, at, text, arena, msg, err);
    }
    return codec_fail(err, at, "has no type");
}

static int read_row(const struct message_type *type, const struct db_result *rows, int row, struct arena *arena,
                    void *msg, struct err *err)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < type->n_fields; i++) {
        const struct field *field = &type->fields[i];
        const char *text = db_get(rows, row, field->name);
        struct path here = {NULL, field->name, 0};

        if (!text)
            continue;
        seen |= (uint64_t)1 << i;
        if (read_column(field, &here, text, arena, msg, err) < 0)
            return -1;
    }
    return codec_finish(type, NULL, seen, msg, err);
}

int codec_from_row(const struct message_type *type, const struct db_result *rows, int row, struct arena *arena,
                   void *ret_msg, struct err *err)
{
    void *msg = arena_alloc(arena, type->size);

    if (!msg)
        return codec_fail(err, NULL, "is too large for the memory set aside for it");
    if (read_row(type, rows, row, arena, msg, err) < 0) {
        if (err)
            err->kind = ERR_INTERNAL; /* what we stored ourselves is nobody's wrong input */
        return -1;
    }
    memcpy(ret_msg, msg, type->size);
    return 0;
}

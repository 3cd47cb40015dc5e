/* codec_schema.c - messages as JSON schemas, for the OpenAPI document. */
#include "libshared/buf.h"
#include "libshared/codec_internal.h"

/* {"type":"string","enum":["a","b"]} */
static void write_words(const char *words, struct buf *out)
{
    buf_puts(out, "\"type\":\"string\",\"enum\":[\"");
    for (; *words; words++) {
        if (*words == '|')
            buf_puts(out, "\",\"");
        else
            buf_append(out, words, 1);
    }
    buf_puts(out, "\"]");
}

/* Whole numbers without an exponent: 1e+15 would not be an integer to every reader. */
static void write_number(const struct field *field, double value, struct buf *out)
{
    buf_printf(out, field->type == FIELD_FLOAT ? "%.15g" : "%.0f", value);
}

static void write_range(const char *low, const char *high, const struct field *field, struct buf *out)
{
    buf_printf(out, ",\"%s\":", low);
    write_number(field, field->min, out);
    buf_printf(out, ",\"%s\":", high);
    write_number(field, field->max, out);
}

/* A string of at least one byte has at least one character, and at most as many as bytes. */
static void write_string(const struct field *field, struct buf *out)
{
    buf_printf(out, "\"type\":\"string\",\"minLength\":%d,\"maxLength\":%.0f", field->min > 0 ? 1 : 0, field->max);
}

static void write_ref(const struct message_type *item, struct buf *out)
{
    buf_printf(out, "\"$ref\":\"#/components/schemas/%s\"", item->name);
}

static void write_default(const struct field *field, struct buf *out)
{
    if (field->required)
        return;
    if (field->type == FIELD_BOOL)
        buf_printf(out, ",\"default\":%s", field->default_value != 0 ? "true" : "false");
    if (field->type == FIELD_INT || field->type == FIELD_FLOAT) {
        buf_puts(out, ",\"default\":");
        write_number(field, field->default_value, out);
    }
}

static void write_type(const struct field *field, struct buf *out)
{
    switch (field->type) {
    case FIELD_BOOL:
        buf_puts(out, "\"type\":\"boolean\"");
        break;
    case FIELD_INT:
        buf_puts(out, "\"type\":\"integer\"");
        write_range("minimum", "maximum", field, out);
        break;
    case FIELD_FLOAT:
        buf_puts(out, "\"type\":\"number\"");
        write_range("minimum", "maximum", field, out);
        break;
    case FIELD_STR:
        write_string(field, out);
        break;
    case FIELD_UUID:
        buf_puts(out, "\"type\":\"string\",\"format\":\"uuid\"");
        break;
    case FIELD_TIME:
        buf_puts(out, "\"type\":\"string\",\"format\":\"date-time\"");
        break;
    case FIELD_STRS:
        buf_printf(out, "\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":%d}", CODEC_STRS_ITEM_MAX);
        write_range("minItems", "maxItems", field, out);
        break;
    case FIELD_ENUM:
        write_words(field->words, out);
        break;
    case FIELD_MESSAGE:
        write_ref(field->item, out);
        break;
    case FIELD_LIST:
        buf_puts(out, "\"type\":\"array\",\"items\":{");
        write_ref(field->item, out);
        buf_puts(out, "}");
        write_range("minItems", "maxItems", field, out);
        break;
    case FIELD_JSON: /* any value */
    case FIELD_BIN:  /* left out by the caller */
        break;
    }
}

static void write_property(const struct field *field, struct buf *out)
{
    size_t start;

    buf_printf(out, "\"%s\":{", field->name);
    start = out->len;
    write_type(field, out);
    write_default(field, out);
    if (out->len > start)
        buf_puts(out, ",");
    buf_puts(out, "\"description\":");
    buf_json_string(out, field->doc);
    buf_puts(out, "}");
}

void codec_schema(const struct message_type *type, struct buf *out)
{
    const char *comma = "";

    buf_puts(out, "{\"type\":\"object\",\"description\":");
    buf_json_string(out, type->doc);
    buf_puts(out, ",\"properties\":{");
    for (size_t i = 0; i < type->n_fields; i++) {
        if (type->fields[i].type == FIELD_BIN) /* JSON has no place for it */
            continue;
        buf_puts(out, comma);
        write_property(&type->fields[i], out);
        comma = ",";
    }
    buf_puts(out, "},\"required\":[");
    comma = "";
    for (size_t i = 0; i < type->n_fields; i++) {
        if (!type->fields[i].required || type->fields[i].type == FIELD_BIN)
            continue;
        buf_printf(out, "%s\"%s\"", comma, type->fields[i].name);
        comma = ",";
    }
    buf_puts(out, "]}");
}

/* test_schema.c - the JSON schemas of messages. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <string.h>

#include "codec_sample.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "proto/messages.h"

static void free_json(json_t **self_p)
{
    json_decref(*self_p);
}

static json_t *schema_of(const struct message_type *type)
{
    AUTO(buf_free) struct buf text = {0};
    json_error_t error;
    json_t *schema;

    codec_schema(type, &text);
    schema = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    cr_assert(schema != NULL, "%s: %s in %s", type->name, error.text, text.data);
    return schema;
}

static void expect_property(const json_t *schema, const char *name, const char *expected)
{
    AUTO(free_json) json_t *value = json_loads(expected, 0, NULL);
    const json_t *property = json_object_get(json_object_get(schema, "properties"), name);

    cr_assert(value != NULL, "%s", expected);
    cr_expect(json_equal(property, value), "%s: %s", name, json_dumps(property, 0));
}

Test(schema, each_type_has_its_bounds)
{
    AUTO(free_json) json_t *schema = schema_of(&sample_type);

    cr_expect(eq(str, (char *)json_string_value(json_object_get(schema, "type")), "object"));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(schema, "description")), "one of each"));
    expect_property(schema, "flag", "{\"type\":\"boolean\",\"default\":true,\"description\":\"a boolean\"}");
    expect_property(schema, "number",
                    "{\"type\":\"integer\",\"minimum\":-5,\"maximum\":1000000000000000,"
                    "\"description\":\"an integer\"}");
    expect_property(schema, "share",
                    "{\"type\":\"number\",\"minimum\":-1,\"maximum\":1,\"default\":0.25,"
                    "\"description\":\"a fraction\"}");
    expect_property(schema, "text",
                    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":8,"
                    "\"description\":\"a text, \\\"quoted\\\"\"}");
    expect_property(schema, "id", "{\"type\":\"string\",\"format\":\"uuid\",\"description\":\"an id\"}");
    expect_property(schema, "when", "{\"type\":\"string\",\"format\":\"date-time\",\"description\":\"a time\"}");
    expect_property(schema, "data", "{\"description\":\"any value\"}");
    expect_property(schema, "names",
                    "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":65536},"
                    "\"minItems\":0,\"maxItems\":3,\"description\":\"texts\"}");
    expect_property(schema, "score",
                    "{\"type\":\"string\",\"enum\":[\"HOT\",\"WARM\",\"COLD\"],\"description\":\"a word\"}");
    expect_property(schema, "part", "{\"$ref\":\"#/components/schemas/sample_part\",\"description\":\"a message\"}");
    expect_property(schema, "parts",
                    "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/sample_part\"},"
                    "\"minItems\":0,\"maxItems\":4,\"description\":\"messages\"}");
}

Test(schema, required_fields_are_listed)
{
    AUTO(free_json) json_t *schema = schema_of(&sample_type);
    AUTO(free_json) json_t *expected = json_pack("[ss]", "number", "text");

    cr_expect(json_equal(json_object_get(schema, "required"), expected));
}

/* JSON cannot hold them, so a request must not promise them. */
Test(schema, bytes_are_left_out)
{
    AUTO(free_json) json_t *schema = schema_of(&sample_type);

    cr_expect(json_object_get(json_object_get(schema, "properties"), "raw") == NULL);
}

static void expect_refs_resolve(const char *of, const json_t *value)
{
    const char *ref = json_string_value(json_object_get(value, "$ref"));
    const char *key;
    json_t *inner;
    size_t i;

    if (ref) {
        cr_assert(strncmp(ref, "#/components/schemas/", 21) == 0, "%s: %s", of, ref);
        cr_expect(message_type_find(ref + 21) != NULL, "%s: %s", of, ref);
    }
    json_object_foreach ((json_t *)value, key, inner)
        expect_refs_resolve(of, inner);
    json_array_foreach (value, i, inner)
        expect_refs_resolve(of, inner);
}

Test(schema, every_message_has_one_and_refers_only_to_messages)
{
    for (size_t i = 0; i < n_message_types; i++) {
        AUTO(free_json) json_t *schema = schema_of(message_types[i]);

        expect_refs_resolve(message_types[i]->name, schema);
    }
}

/* openapi.c - the API's description (OpenAPI 3.1), made from the route table and the messages' declarations. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/codec.h"
#include "libshared/err.h"
#include "proto/client_keys.h"
#include "services/gateway/gateway.h"

static void json_free(json_t **self_p)
{
    json_decref(*self_p);
    *self_p = NULL;
}

/* A new reference; NULL when out of memory. A client's configuration is any JSON to the messages; here its keys are
 * told. */
static json_t *schema_of(const struct message_type *type)
{
    AUTO(buf_free) struct buf text = {0};
    json_t *schema, *properties;

    codec_schema(type, &text);
    schema = text.failed || !text.data ? NULL : json_loadb(text.data, text.len, 0, NULL);
    properties = json_object_get(schema, "properties");
    if (json_object_get(properties, "config"))
        json_object_set_new(properties, "config", json_pack("{s:s}", "$ref", "#/components/schemas/client_config"));
    return schema;
}

/* Adds the schema of a message and of those within it. */
static void add_schema(json_t *schemas, const struct message_type *type)
{
    if (json_object_get(schemas, type->name))
        return;
    json_object_set_new(schemas, type->name, schema_of(type));
    for (size_t i = 0; i < type->n_fields; i++)
        if (type->fields[i].item)
            add_schema(schemas, type->fields[i].item);
}

static bool in_path(const struct route *route, const char *name)
{
    char part[ROUTE_PARAM_SIZE + 2];

    snprintf(part, sizeof part, "{%s}", name);
    return strstr(route->path, part) != NULL;
}

/* What the outside may give, and only it: an upload's id is the gateway's own. */
static bool is_own(const struct route *route, const char *name)
{
    return route->upload && strcmp(name, "upload_id") == 0;
}

/* Fields that a POST may also give in the query. */
static bool in_query(const struct route *route, const char *name)
{
    return !in_path(route, name) && (strcmp(route->method, "GET") == 0 || strcmp(name, "client_id") == 0);
}

static json_t *parameters_of(const struct route *route, const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties");
    json_t *list = json_array();

    for (size_t i = 0; i < route->request->n_fields; i++) {
        const struct field *field = &route->request->fields[i];
        bool path = in_path(route, field->name);
        bool required = path || (field->required && strcmp(route->method, "GET") == 0);

        if (path || (in_query(route, field->name) && !is_own(route, field->name)))
            json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s, s:O}", "name", field->name, "in",
                                                  path ? "path" : "query", "required", (int)required, "description",
                                                  field->doc, "schema", json_object_get(properties, field->name)));
    }
    return list;
}

static void require_not(json_t *schema, const char *name)
{
    json_t *required = json_object_get(schema, "required");

    for (size_t k = json_array_size(required); k-- > 0;)
        if (strcmp(json_string_value(json_array_get(required, k)), name) == 0)
            json_array_remove(required, k);
}

/* A field of the body that may be as large as the body. */
static void allow_large(json_t *schema, const struct route *route)
{
    json_t *field = json_object_get(json_object_get(schema, "properties"), route->upload);

    json_object_del(field, "maxLength");
    json_object_set_new(schema, "required", json_pack("[s]", route->upload));
}

/* The message without what stands in the path; a reference if nothing does. */
static json_t *body_of(const struct route *route, const json_t *schema)
{
    AUTO(json_free) json_t *copy = json_deep_copy(schema);

    if (route->body_field)
        return json_incref(json_object_get(json_object_get(copy, "properties"), route->body_field));
    if (!strchr(route->path, '{'))
        return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", route->request->name));
    for (size_t i = 0; i < route->request->n_fields; i++) {
        const char *name = route->request->fields[i].name;

        if (!in_path(route, name) && !is_own(route, name))
            continue;
        json_object_del(json_object_get(copy, "properties"), name);
        require_not(copy, name);
    }
    if (route->upload)
        allow_large(copy, route);
    return TAKE(copy);
}

/* The same as a form, with a file in the place of the field that may be large. */
static json_t *form_of(const struct route *route, const json_t *schema)
{
    json_t *form = body_of(route, schema);
    json_t *properties = json_object_get(form, "properties");

    json_object_del(properties, route->upload);
    json_object_set_new(properties, "file",
                        json_pack("{s:s, s:s, s:s}", "type", "string", "format", "binary", "description",
                                  "the file; its name and Content-Type count unless fields tell otherwise"));
    json_object_set_new(form, "required", json_pack("[s]", "file"));
    return form;
}

static json_t *json_content(json_t *schema)
{
    return json_pack("{s:{s:o}}", "application/json", "schema", schema);
}

static json_t *problem_response(void)
{
    return json_pack("{s:s}", "$ref", "#/components/responses/Problem");
}

static json_t *responses_of(const struct route *route)
{
    json_t *reply = json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", route->reply->name));
    json_t *responses = json_object();
    char status[8];

    snprintf(status, sizeof status, "%d", route->status);
    json_object_set_new(responses, status,
                        json_pack("{s:s, s:o}", "description", route->reply->doc, "content", json_content(reply)));
    if (route->created_field)
        json_object_set_new(responses, "200",
                            json_pack("{s:s, s:o}", "description", "nothing was created: it was there", "content",
                                      json_content(json_incref(reply))));
    if (route->upload)
        json_object_set_new(responses, "413", json_pack("{s:s}", "$ref", "#/components/responses/TooLarge"));
    if (strcmp(route->method, "GET") != 0)
        json_object_set_new(responses, "415", json_pack("{s:s}", "$ref", "#/components/responses/WrongType"));
    json_object_set_new(responses, "default", problem_response());
    return responses;
}

/* NULL where all fields stand in the path. */
static json_t *request_body_of(const struct route *route, const json_t *schema)
{
    AUTO(json_free) json_t *body = body_of(route, schema);
    const json_t *properties = json_object_get(body, "properties");
    json_t *content;

    if (properties && json_object_size(properties) == 0)
        return NULL;
    content = json_content(json_incref(body));
    if (route->multipart)
        json_object_set_new(content, "multipart/form-data", json_pack("{s:o}", "schema", form_of(route, schema)));
    return json_pack("{s:b, s:o}", "required", 1, "content", content);
}

static json_t *operation_of(const struct route *route)
{
    AUTO(json_free) json_t *schema = schema_of(route->request);
    json_t *operation, *parameters = parameters_of(route, schema), *body = NULL;

    if (strcmp(route->method, "POST") == 0)
        json_array_append_new(parameters, json_pack("{s:s}", "$ref", "#/components/parameters/IdempotencyKey"));
    operation = json_pack("{s:s, s:s, s:[s], s:o, s:o, s:[{s:[]}]}", "operationId",
                          route->id ? route->id : route->request->name, "summary", route->doc, "tags", route->role,
                          "parameters", parameters, "responses", responses_of(route), "security", "key");
    if (strcmp(route->method, "GET") != 0 && (body = request_body_of(route, schema)))
        json_object_set_new(operation, "requestBody", body);
    if (route->who == WHO_ADMIN)
        json_object_set_new(operation, "description", json_string("Needs an administrator's key."));
    return operation;
}

static void add_operation(json_t *paths, const char *path, const char *method, json_t *operation)
{
    json_t *item = json_object_get(paths, path);
    char name[8];
    size_t i;

    if (!item) {
        json_object_set_new(paths, path, json_object());
        item = json_object_get(paths, path);
    }
    for (i = 0; method[i] && i + 1 < sizeof name; i++)
        name[i] = (char)(method[i] | 0x20);
    name[i] = '\0';
    json_object_set_new(item, name, operation);
}

/* What a web form sends. */
static json_t *form_schema(void)
{
    static const struct {
        const char *name, *doc;
    } fields[] = {
        {"token", "the form's token, where no header can carry it; also in the query"},
        {"phone",
         "E.164, or as it is written in the country of the form or of the client's numbers; phone, email or both. The "
         "lead is who has it; without one, who has the email"},
        {"email",
         "an address. It never brings a phone to a lead that has it; where it is another lead's, it stays with that"},
        {"name", "of the person"},
        {"message", "what they want: it is answered. At most 16384 bytes"},
        {"service", "the one that they want"},
        {"consent", "yes, true, on or 1: without it the submission is refused"},
        {"consent_text", "what they agreed to; absent: the form's consent_text"},
        {"consent_at", "when, RFC 3339; absent: now"},
        {"source", "where the lead came from; absent: the form's name"},
        {"page_url", "the page of the form; absent: the header Referer"},
        {"language", "language tag of the page; absent: the form's"},
        {"submission_id",
         "the sender's: the same again has no effect. Without it the same content within 10 minutes has none"},
        {"redirect", "one of the form's redirect_urls, to which a browser is sent (303); any other is passed over"},
        {"_gotcha", "to be left empty: where it is filled in nothing is stored, and it is not told"},
    };
    json_t *properties = json_object();

    for (size_t i = 0; i < COUNT_OF(fields); i++)
        json_object_set_new(properties, fields[i].name,
                            json_pack("{s:s, s:s}", "type", "string", "description", fields[i].doc));
    return json_pack("{s:s, s:o, s:[s], s:b, s:s}", "type", "object", "properties", properties, "required", "consent",
                     "additionalProperties", 1, "description",
                     "Others are kept with the message: 40 of them, of 1000 bytes each; what is refused in any of them "
                     "(\"no texts please\", do_not_text: yes) is read. The form may name ours "
                     "otherwise (field_names).");
}

static json_t *form_operation(void)
{
    json_t *schema = form_schema(), *content = json_object(), *answer;
    static const char *const types[] = {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"};

    for (size_t i = 0; i < COUNT_OF(types); i++)
        json_object_set_new(content, types[i], json_pack("{s:O}", "schema", schema));
    json_decref(schema);
    answer = json_pack("{s:s, s:{s:{s:s}, s:{s:s, s:s}}}", "type", "object", "properties", "accepted", "type",
                       "boolean", "message_id", "type", "string", "format", "uuid");
    return json_pack(
        "{s:s, s:s, s:s, s:[{s:s, s:s, s:b, s:{s:s, s:s}}], s:{s:b, s:o}, s:{s:{s:s, s:{s:{s:o}}}, "
        "s:{s:s}, s:o}, s:[]}",
        "operationId", "submit_form", "summary", "A web form's submission: a lead, which is written to first.",
        "description",
        "The form's token comes in Authorization: Bearer, in X-Form-Token, as the field token or in the "
        "query. Scripts of "
        "any page may send it (Access-Control-Allow-Origin: *). Answered once it is stored, with JSON, or "
        "where a browser "
        "shows the answer with a page or a redirection. Numbers that have never texted are written to up to the form's "
        "max_new_per_day; a lead beyond that, one that has opted out or asks not to be texted is stored "
        "all the same, and people are told.",
        "parameters", "name", "client_id", "in", "path", "required", 1, "schema", "type", "string", "format", "uuid",
        "requestBody", "required", 1, "content", content, "responses", "200", "description", "it is stored", "content",
        "application/json", "schema", answer, "303", "description", "it is stored: the browser goes to the form's page",
        "default", problem_response(), "security");
}

/* What is not a row of the route table. */
static void add_pages(json_t *paths)
{
    static const struct {
        const char *path, *method, *id, *summary, *type;
    } pages[] = {
        {"/healthz", "GET", "healthz", "The process is alive.", "application/json"},
        {"/readyz", "GET", "readyz", "Everything that an answer needs is alive; 503 lists what is missing.",
         "application/json"},
        {"/metrics", "GET", "metrics", "Counters, for Prometheus.", "text/plain"},
        {"/openapi.json", "GET", "openapi", "This document.", "application/json"},
        {"/api/v1/webhooks/twilio/sms", "POST", "twilio_sms",
         "A lead's text, from Twilio: signed (X-Twilio-Signature), answered with empty TwiML once it is stored.",
         "text/xml"},
        {"/api/v1/webhooks/twilio/whatsapp", "POST", "twilio_whatsapp",
         "A lead's WhatsApp message, from Twilio: signed, answered with empty TwiML once it is stored.", "text/xml"},
        {"/api/v1/webhooks/twilio/status", "POST", "twilio_status",
         "What became of a message or a call of ours, from Twilio: signed (X-Twilio-Signature).", "text/plain"},
        {"/api/v1/webhooks/twilio/voice", "POST", "twilio_voice",
         "What an alert call is to say, and to do when a key is pressed, from Twilio: signed, answered with TwiML.",
         "text/xml"},
    };

    add_operation(paths, "/api/v1/webhooks/form/{client_id}", "POST", form_operation());
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        json_t *operation = json_pack("{s:s, s:s, s:{s:{s:s, s:{s:{}}}, s:o}, s:[]}", "operationId", pages[i].id,
                                      "summary", pages[i].summary, "responses", "200", "description", "done", "content",
                                      pages[i].type, "default", problem_response(), "security");

        if (strcmp(pages[i].method, "POST") == 0)
            json_object_set_new(operation, "requestBody",
                                json_pack("{s:b, s:{s:{s:{s:s}}}}", "required", 1, "content",
                                          "application/x-www-form-urlencoded", "schema", "type", "object"));
        add_operation(paths, pages[i].path, pages[i].method, operation);
    }
}

static json_t *problem_schema(void)
{
    return json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s, s:s}, s:{s:s}}, s:[s, s, s, s]}", "type",
                     "object", "properties", "type", "type", "string", "title", "type", "string", "status", "type",
                     "integer", "detail", "type", "string", "field", "type", "string", "description",
                     "the input field at fault", "request_id", "type", "string", "required", "type", "title", "status",
                     "detail");
}

static json_t *problem_answer(const char *description)
{
    return json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", description, "content", "application/problem+json",
                     "schema", "$ref", "#/components/schemas/Problem");
}

static json_t *components(json_t *schemas)
{
    json_object_set_new(schemas, "Problem", problem_schema());
    return json_pack("{s:o, s:{s:o, s:o, s:o}, s:{s:{s:s, s:s, s:s, s:{s:s, s:i, s:i}}}, s:{s:{s:s, s:s}}}", "schemas",
                     schemas, "responses", "Problem", problem_answer("What went wrong (RFC 9457)."), "TooLarge",
                     problem_answer("The body is larger than LEADWIRE_UPLOAD_MAX_BYTES (10 MiB by default)."),
                     "WrongType", problem_answer("The body is not of a type that is listed here."), "parameters",
                     "IdempotencyKey", "name", "Idempotency-Key", "in", "header", "description",
                     "a repeated request with the same key has one effect", "schema", "type", "string", "minLength", 1,
                     "maxLength", 255, "securitySchemes", "key", "type", "http", "scheme", "bearer");
}

char *openapi_document(const char *public_url, struct err *err)
{
    json_t *paths = json_object(), *schemas = json_object();
    AUTO(json_free) json_t *document = NULL;
    char *text;

    for (size_t i = 0; i < n_routes; i++) {
        add_operation(paths, routes[i].path, routes[i].method, operation_of(&routes[i]));
        add_schema(schemas, routes[i].request);
        add_schema(schemas, routes[i].reply);
    }
    json_object_set_new(schemas, "client_config", client_keys_schema());
    add_pages(paths);
    document = json_pack("{s:s, s:{s:s, s:s, s:s}, s:[{s:s}], s:o, s:o}", "openapi", "3.1.0", "info", "title",
                         "Leadwire", "version", LEADWIRE_VERSION, "description",
                         "Answers inbound sales leads. Errors are RFC 9457 problem documents; lists page with limit "
                         "and after.",
                         "servers", "url", public_url, "paths", paths, "components", components(schemas));
    text = document ? json_dumps(document, JSON_INDENT(1)) : NULL;
    if (!text)
        err_set(err, ERR_INTERNAL, "the OpenAPI document cannot be made");
    return text;
}

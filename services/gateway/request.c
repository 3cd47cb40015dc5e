/* request.c - see request.h.
 *
 * The fields are gathered in one JSON object, which the codec then reads into
 * the message: so every bound is checked in one place. */
#include "services/gateway/request.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/text.h"
#include "services/gateway/request_internal.h"
#include "services/gateway/routes.h"
#include "services/gateway/upload.h"

void json_free(json_t **self_p)
{
    json_decref(*self_p);
    *self_p = NULL;
}

void request_upload_free(struct request_upload *self)
{
    json_decref(self->holder);
    free(self->text);
    *self = (struct request_upload){0};
}

static const struct field *find_field(const struct message_type *type, const char *name)
{
    for (size_t i = 0; i < type->n_fields; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    return NULL;
}

const struct field *request_field(const struct route *route, const char *name)
{
    if (route->upload && strcmp(name, "upload_id") == 0) /* the gateway's own */
        return NULL;
    return find_field(route->request, name);
}

int request_refuse(struct err *err, const char *field, const char *why)
{
    char name[sizeof err->field];

    snprintf(name, sizeof name, "%.*s", (int)utf8_cut(field, strlen(field), sizeof name - 1), field);
    return err_set_field(err, ERR_INVALID, name, "%s %s", name, why);
}

/* A decimal number; strtod alone would take spaces, hexadecimal, inf and nan too. */
static bool text_to_float(const char *text, double *ret_value)
{
    char *end;

    if (!*text || text[strspn(text, "0123456789+-.eE")] != '\0')
        return false;
    *ret_value = strtod(text, &end);
    return *end == '\0' && isfinite(*ret_value);
}

json_t *request_convert(const struct field *field, const char *text, struct err *err)
{
    int64_t number;
    double real;

    switch (field->type) {
    case FIELD_INT:
        if (text_to_int(text, INT64_MIN, INT64_MAX, &number))
            return json_integer(number);
        request_refuse(err, field->name, "must be a whole number");
        return NULL;
    case FIELD_FLOAT:
        if (text_to_float(text, &real))
            return json_real(real);
        request_refuse(err, field->name, "must be a number");
        return NULL;
    case FIELD_BOOL:
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
            return json_boolean(*text == 't');
        request_refuse(err, field->name, "must be true or false");
        return NULL;
    case FIELD_STR:
    case FIELD_UUID:
    case FIELD_TIME:
    case FIELD_ENUM:
        return json_string(text);
    case FIELD_STRS:
        return json_pack("[s]", text);
    case FIELD_JSON:
    case FIELD_BIN:
    case FIELD_MESSAGE:
    case FIELD_LIST:
        break;
    }
    request_refuse(err, field->name, "can be given in the body only");
    return NULL;
}

/* Ids may differ in the case of their letters. */
static bool same_value(const struct field *field, const json_t *a, const json_t *b)
{
    if (field->type == FIELD_UUID && json_is_string(a) && json_is_string(b))
        return strcasecmp(json_string_value(a), json_string_value(b)) == 0;
    return json_equal(a, b);
}

/* Sets a value of the path or of the query; what the body or the other says about the field must be the same. */
static int put(json_t *object, const struct field *field, const char *text, struct err *err)
{
    AUTO(json_free) json_t *value = request_convert(field, text, err);
    json_t *before = json_object_get(object, field->name);

    if (!value)
        return err->kind == ERR_NONE ? err_set(err, ERR_INTERNAL, "no memory for the request") : -1;
    if (before && !json_is_null(before) && !same_value(field, before, value))
        return request_refuse(err, field->name, "is given twice, with different values");
    if (json_object_set(object, field->name, value) < 0)
        return err_set(err, ERR_INTERNAL, "no memory for the request");
    return 0;
}

static int put_path(json_t *object, const struct route_match *match, struct err *err)
{
    for (size_t i = 0; i < match->n_params; i++) {
        const struct route_param *param = &match->params[i];
        const struct field *field = find_field(match->route->request, param->name);

        if (!field)
            return err_set(err, ERR_INTERNAL, "%s has no field %s", match->route->request->name, param->name);
        if (!utf8_valid(param->value, strlen(param->value)))
            return request_refuse(err, field->name, "is not valid UTF-8");
        if (put(object, field, param->value, err) < 0)
            return -1;
    }
    return 0;
}

static int put_query(json_t *object, const struct request_input *input, struct arena *arena, struct err *err)
{
    struct form query;

    if (form_parse(input->query, strlen(input->query), arena, &query, err) < 0)
        return -1;
    for (size_t i = 0; i < query.n; i++) {
        const struct field *field = request_field(input->match->route, query.fields[i].name);

        if (!field)
            return request_refuse(err, query.fields[i].name, "is not a parameter of this request");
        if (put(object, field, query.fields[i].value, err) < 0)
            return -1;
    }
    return 0;
}

/* A client's key speaks for its own client alone. */
static int bind_client(json_t *object, const struct request_input *input, struct err *err)
{
    const struct field *field = find_field(input->match->route->request, "client_id");
    const json_t *named = json_object_get(object, "client_id");

    if (input->caller->admin || !field)
        return 0;
    if (json_is_string(named) && strcasecmp(json_string_value(named), input->caller->client_id) != 0)
        return err_set_field(err, ERR_NOT_FOUND, "client_id", "there is no such client");
    if ((!named || json_is_null(named)) &&
        json_object_set_new(object, "client_id", json_string(input->caller->client_id)) < 0)
        return err_set(err, ERR_INTERNAL, "no memory for the request");
    return 0;
}

static const char *concerned_client(const struct request_input *input, const json_t *object, struct arena *arena)
{
    if (!input->caller->admin)
        return arena_strdup(arena, input->caller->client_id);
    if (!find_field(input->match->route->request, "client_id"))
        return NULL;
    return arena_strdup(arena, json_string_value(json_object_get(object, "client_id")));
}

static void text_free(char **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/* What is too large is named by its id from here on. */
static int name_upload(json_t *object, const struct request_input *input, const char *client_id,
                       struct request_upload *upload, struct err *err)
{
    const struct route *route = input->match->route;
    const json_t *given;

    if (!route->upload)
        return 0;
    if (request_take_upload(object, route, upload, err) < 0)
        return -1;
    given = json_object_get(object, route->upload);
    if (!upload->data && (!given || json_is_null(given)))
        return request_refuse(err, route->upload, "is required");
    if (!upload->data)
        return 0;
    upload_make_id(client_id, upload->data, upload->len, upload->id);
    if (json_object_set_new(object, "upload_id", json_string(upload->id)) < 0)
        return err_set(err, ERR_INTERNAL, "no memory for the request");
    return 0;
}

int request_build(const struct request_input *input, struct arena *arena, void **ret_msg, const char **ret_client_id,
                  struct request_upload *ret_upload, struct err *err)
{
    const struct message_type *type = input->match->route->request;
    AUTO(json_free) json_t *object = NULL;
    AUTO(text_free) char *text = NULL;
    void *msg = arena_alloc(arena, type->size);
    const char *client_id;

    *err = (struct err){0};
    *ret_upload = (struct request_upload){0};
    if (!(object = request_read_body(input, arena, ret_upload, err)))
        return err->kind == ERR_NONE ? err_set(err, ERR_INTERNAL, "no memory for the request") : -1;
    if (put_path(object, input->match, err) < 0 || put_query(object, input, arena, err) < 0 ||
        bind_client(object, input, err) < 0)
        return -1;
    client_id = concerned_client(input, object, arena);
    if (name_upload(object, input, client_id, ret_upload, err) < 0)
        return -1;
    if (!msg || !(text = json_dumps(object, JSON_COMPACT)))
        return err_set(err, ERR_INTERNAL, "no memory for the request");
    if (codec_from_json(type, text, strlen(text), arena, msg, err) < 0)
        return -1;
    *ret_client_id = client_id;
    *ret_msg = msg;
    return 0;
}

/* Compares up to a ';' or a space. */
bool request_is_type(const char *content_type, const char *want)
{
    size_t len = strlen(want);

    return content_type && strncasecmp(content_type, want, len) == 0 && strchr("; \t", content_type[len]);
}

const char *request_types(const struct route *route)
{
    return route->multipart ? "application/json, multipart/form-data" : "application/json";
}

bool request_type_accepted(const struct route *route, const char *content_type)
{
    return request_is_type(content_type, "application/json") ||
           (route->multipart && request_is_type(content_type, "multipart/form-data"));
}

bool request_is_form(const char *content_type)
{
    return request_is_type(content_type, "application/x-www-form-urlencoded");
}

bool idempotency_key_valid(const char *key)
{
    size_t len = strlen(key);

    for (const char *p = key; *p; p++)
        if (*p < 0x21 || *p > 0x7e)
            return false;
    return len >= 1 && len <= 255;
}

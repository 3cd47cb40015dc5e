/* request_body.c - the body of a request as a JSON object of its fields: JSON as it is, or multipart/form-data, whose
 * file stays where it is. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/gateway/multipart.h"
#include "services/gateway/request_internal.h"
#include "services/gateway/routes.h"

#define VALUE_MAX 65536 /* bytes of a part that is not the file: more than any such field takes */

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "no memory for the request");
}

static int set(json_t *object, const char *name, json_t *value, struct err *err)
{
    return json_object_set_new(object, name, value) < 0 ? no_memory(err) : 0;
}

/* ---- JSON ---- */

/* The code unit of an escape \uXXXX; -1 if there is none at text. */
static int escaped_unit(const char *text, size_t len)
{
    int unit = 0;

    if (len < 6 || text[0] != '\\' || text[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        const char *digit = text[i] ? strchr("0123456789abcdef", tolower((unsigned char)text[i])) : NULL;
        if (!digit)
            return -1;
        unit = unit * 16 + (int)(digit - "0123456789abcdef");
    }
    return unit;
}

/* JSON can spell what is no character: half of a surrogate pair. The parser refuses the whole body for it; a NUL in its
 * place is refused alone, with its field or its entry of a bulk. */
static void surrogate_halves_to_nul(char *body, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int unit = escaped_unit(body + i, len - i), next;

        if (body[i] != '\\')
            continue;
        if (unit < 0xd800 || unit > 0xdfff) {
            i++; /* whatever is escaped; it may be a backslash */
            continue;
        }
        next = escaped_unit(body + i + 6, len - i > 6 ? len - i - 6 : 0);
        if (unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
            i += 11;
        } else {
            memcpy(body + i + 2, "0000", 4);
            i += 5;
        }
    }
}

/* A NUL is let through, for the codec to refuse with the field's name. NULL and *ret_why. */
static json_t *parse(const struct request_input *input, json_error_t *ret_why)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
    json_t *body = json_loadb(input->body, input->body_len, flags, ret_why);
    char *copy;

    if (body || json_error_code(ret_why) != json_error_invalid_syntax || !(copy = malloc(input->body_len + 1)))
        return body;
    memcpy(copy, input->body, input->body_len);
    surrogate_halves_to_nul(copy, input->body_len);
    body = json_loadb(copy, input->body_len, flags, ret_why);
    free(copy);
    return body;
}

static json_t *read_json(const struct request_input *input, struct err *err)
{
    const struct route *route = input->match->route;
    AUTO(json_free) json_t *body = NULL;
    json_error_t why;
    const char *name;
    json_t *value;

    if (!(body = parse(input, &why))) {
        err_set(err, ERR_INVALID, "the body is not valid JSON: line %d, column %d: %s", why.line, why.column,
                utf8_valid(why.text, strlen(why.text)) ? why.text : "invalid text");
        return NULL;
    }
    if (!json_is_object(body)) {
        err_set(err, ERR_INVALID, "the body must be a JSON object");
        return NULL;
    }
    if (route->body_field)
        return json_pack("{s:O}", route->body_field, body);
    json_object_foreach (body, name, value) {
        if (!request_field(route, name)) {
            request_refuse(err, name, "is not a field of this request");
            return NULL;
        }
    }
    return TAKE(body);
}

static int append(const char *text, size_t len, void *arg)
{
    struct buf *out = arg;

    buf_append(out, text, len);
    return out->failed ? -1 : 0;
}

/* As json_dumps, with one copy less of what may be large. NULL when out of memory. */
static char *dump(const json_t *value, size_t *ret_len)
{
    AUTO(buf_free) struct buf out = {0};

    if (json_dump_callback(value, append, &out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
        return NULL;
    *ret_len = out.len;
    return TAKE(out.data);
}

int request_take_upload(json_t *object, const struct route *route, struct request_upload *upload, struct err *err)
{
    const struct field *field = route->upload ? request_field(route, route->upload) : NULL;
    json_t *value = field ? json_object_get(object, field->name) : NULL;

    if (!value || upload->data)
        return 0;
    if (field->type == FIELD_STR && json_is_string(value)) {
        upload->len = json_string_length(value);
        upload->data = json_string_value(value);
    } else if (field->type == FIELD_JSON) {
        if (!(upload->text = dump(value, &upload->len)))
            return no_memory(err);
        upload->data = upload->text;
    }
    /* A bulk with a NUL is no message, but its other entries are to be taken. */
    if ((double)upload->len <= field->max && !(upload->text && strstr(upload->text, "\\u0000"))) {
        request_upload_free(upload);
        return 0;
    }
    upload->holder = json_incref(value);
    json_object_del(object, field->name);
    return 0;
}

/* ---- multipart/form-data ---- */

static bool is_file(const struct route *route, const struct multipart_part *part)
{
    return strcmp(part->name, "file") == 0 || strcmp(part->name, route->upload) == 0;
}

/* A field's value: JSON for a JSON field, else its text. */
static int put_part(json_t *object, const struct field *field, const struct multipart_part *part, struct arena *arena,
                    struct err *err)
{
    const char *text;
    json_t *value;

    if (json_object_get(object, field->name))
        return request_refuse(err, field->name, "is given twice");
    if (part->filename)
        return request_refuse(err, field->name, "is not a file; the file's field is named file");
    if (!utf8_valid(part->data, part->len))
        return request_refuse(err, field->name, "is not valid UTF-8");
    if (part->len > VALUE_MAX)
        return request_refuse(err, field->name, "is too long");
    if (!(text = arena_strndup(arena, part->data, part->len)))
        return no_memory(err);
    if (field->type == FIELD_JSON)
        value = json_loadb(text, part->len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    else
        value = request_convert(field, text, err);
    if (!value && field->type == FIELD_JSON)
        return request_refuse(err, field->name, "is not valid JSON");
    return value ? set(object, field->name, value, err) : -1;
}

/* What stands before the last slash of either kind is the sender's folder. */
static const char *without_folder(const char *filename)
{
    const char *name = filename;

    for (const char *p = filename; *p; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    return name;
}

/* The file's own headers say what it is, unless fields do. */
static int describe_file(json_t *object, const struct multipart_part *file, struct err *err)
{
    const char *type = file->content_type, *name = file->filename ? without_folder(file->filename) : "";

    if (type && *type && !request_is_type(type, "application/octet-stream") &&
        !json_object_get(object, "content_type") && set(object, "content_type", json_string(type), err) < 0)
        return -1;
    if (*name && !json_object_get(object, "filename"))
        return set(object, "filename", json_string(name), err);
    return 0;
}

static int put_parts(json_t *object, const struct route *route, const struct multipart *form, struct arena *arena,
                     struct request_upload *upload, struct err *err)
{
    const struct multipart_part *file = NULL;

    for (size_t i = 0; i < form->n; i++) {
        const struct multipart_part *part = &form->parts[i];
        const struct field *field = request_field(route, part->name);

        if (is_file(route, part)) {
            if (file)
                return request_refuse(err, part->name, "is a second file: one request takes one");
            file = part;
        } else if (!field) {
            return request_refuse(err, part->name, "is not a field of this request");
        } else if (put_part(object, field, part, arena, err) < 0) {
            return -1;
        }
    }
    if (!file)
        return request_refuse(err, "file", "is missing: the multipart body has no part of this name");
    if (file->len == 0)
        return request_refuse(err, file->name, "is empty");
    upload->data = file->data;
    upload->len = file->len;
    return describe_file(object, file, err);
}

static json_t *read_multipart(const struct request_input *input, struct arena *arena, struct request_upload *upload,
                              struct err *err)
{
    AUTO(json_free) json_t *object = json_object();
    struct multipart form;

    if (!object) {
        no_memory(err);
        return NULL;
    }
    if (multipart_parse(input->content_type, input->body, input->body_len, arena, &form, err) < 0 ||
        put_parts(object, input->match->route, &form, arena, upload, err) < 0)
        return NULL;
    return TAKE(object);
}

json_t *request_read_body(const struct request_input *input, struct arena *arena, struct request_upload *upload,
                          struct err *err)
{
    if (input->body_len > 0 && strcmp(input->match->route->method, "GET") == 0) {
        err_set(err, ERR_INVALID, "a GET request takes no body");
        return NULL;
    }
    if (input->match->route->multipart && request_is_type(input->content_type, "multipart/form-data"))
        return read_multipart(input, arena, upload, err);
    return input->body_len == 0 ? json_object() : read_json(input, err);
}

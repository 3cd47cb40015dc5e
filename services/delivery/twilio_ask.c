/* twilio_ask.c - what Twilio is asked without anything being done: Lookups, Content, and whether we are let in. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/http.h"
#include "libshared/text.h"
#include "services/delivery/twilio_internal.h"

#define LOOKUP_TIMEOUT_MS 8000 /* less than the gateway waits for an answer */
#define ASK_TIMEOUT_MS    10000
#define ANSWER_MAX        ((size_t)64 * 1024)
#define CONTENT_MAX       ((size_t)256 * 1024) /* a template has at most some kilobytes */
#define PHONE_MAX         32
#define NAME_MAX_BYTES    64 /* of a placeholder */
#define PLACEHOLDERS_MAX  100
#define DEPTH_MAX         16 /* of a template's parts */

static void json_free(json_t **json)
{
    json_decref(*json);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* Copies what fits, cut between characters, without control bytes. */
static void copy_text(const char *text, char *out, size_t size)
{
    size_t len = utf8_cut(text, strlen(text), size - 1);

    memcpy(out, text, len);
    out[len] = '\0';
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

int twilio_probe(struct twilio *self, const struct twilio_account *account, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(4 * ANSWER_MAX);
    AUTO(buf_free) struct buf url = {0};
    struct http_response response;

    twilio_url(&url, self, account, "/Messages.json?PageSize=1");
    return twilio_get(self, account, &url, ASK_TIMEOUT_MS, ANSWER_MAX, arena, &response, err);
}

/* ---- Lookups ---- */

int twilio_read_phone(const struct http_response *response, struct twilio_phone *ret_phone, struct err *err)
{
    AUTO(json_free) json_t *json = json_loadb(response->body, response->body_len, 0, NULL);
    const json_t *valid = json_object_get(json, "valid"), *errors = json_object_get(json, "validation_errors");
    const json_t *line = json_object_get(json, "line_type_intelligence");
    struct twilio_phone phone = {.valid = json_is_true(valid)};
    char *text;

    if (!json_is_boolean(valid) || !*text_of(json, "phone_number"))
        return err_set(err, ERR_UNAVAILABLE, "Twilio's answer to a lookup cannot be read");
    copy_text(text_of(json, "phone_number"), phone.phone, sizeof phone.phone);
    if (phone.valid) {
        copy_text(text_of(json, "country_code"), phone.country, sizeof phone.country);
        copy_text(text_of(line, "type"), phone.line_type, sizeof phone.line_type);
        copy_text(text_of(line, "carrier_name"), phone.carrier, sizeof phone.carrier);
    } else if (json_is_array(errors) && (text = json_dumps(errors, JSON_COMPACT))) {
        if (strlen(text) < sizeof phone.validation_errors)
            memcpy(phone.validation_errors, text, strlen(text) + 1);
        free(text);
    }
    *ret_phone = phone;
    return 0;
}

int twilio_lookup(struct twilio *self, const struct twilio_account *account, const char *phone,
                  struct twilio_phone *ret_phone, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(4 * ANSWER_MAX);
    AUTO(buf_free) struct buf url = {0};
    struct http_response response;

    if (!*phone || strlen(phone) > PHONE_MAX || !utf8_valid(phone, strlen(phone)) || text_has_control(phone))
        return err_set_field(err, ERR_INVALID, "phone", "phone must have 1 to %d bytes", PHONE_MAX);
    buf_puts(&url, self->lookups_url);
    buf_puts(&url, "/v2/PhoneNumbers/");
    url_encode(&url, phone);
    buf_puts(&url, "?Fields=line_type_intelligence");
    if (twilio_get(self, account, &url, LOOKUP_TIMEOUT_MS, ANSWER_MAX, arena, &response, err) < 0)
        return -1;
    return twilio_read_phone(&response, ret_phone, err);
}

/* ---- Content ---- */

/* Adds the names in {{name}} of one text, each once. */
static void add_placeholders(json_t *names, const char *text)
{
    while ((text = strstr(text, "{{"))) {
        const char *end = strstr(text, "}}");
        size_t skip, len;
        json_t *name;
        size_t i;

        if (!end)
            return;
        text += 2;
        skip = strspn(text, " ");
        len = (size_t)(end - text) > skip ? (size_t)(end - text) - skip : 0;
        while (len > 0 && text[skip + len - 1] == ' ')
            len--;
        if (len > 0 && len <= NAME_MAX_BYTES && json_array_size(names) < PLACEHOLDERS_MAX) {
            name = json_stringn(text + skip, len);
            for (i = 0; i < json_array_size(names) && !json_equal(json_array_get(names, i), name); i++)
                continue;
            if (i == json_array_size(names))
                json_array_append(names, name);
            json_decref(name);
        }
        text = end + 2;
    }
}

/* All texts of a part and of what it holds: body, title, buttons' addresses, media. */
static void walk(json_t *names, const json_t *part, int depth)
{
    const char *key;
    json_t *item;
    size_t i;

    if (depth > DEPTH_MAX)
        return;
    if (json_is_string(part))
        add_placeholders(names, json_string_value(part));
    if (json_is_array(part))
        json_array_foreach (part, i, item)
            walk(names, item, depth + 1);
    if (json_is_object(part))
        json_object_foreach ((json_t *)part, key, item)
            walk(names, item, depth + 1);
}

/* The text that a template shows: of its types, the first with a body, and where there are several, the one made for
 * WhatsApp. */
static const char *shown_body(const json_t *types)
{
    const char *body = "", *key;
    json_t *type;

    json_object_foreach ((json_t *)types, key, type) {
        const char *own = text_of(type, "body");

        if (*own && (!*body || strncmp(key, "whatsapp/", 9) == 0))
            body = own;
    }
    return body;
}

static char *dump(struct arena *arena, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT), *copy = text ? arena_strdup(arena, text) : NULL;

    free(text);
    return copy;
}

int twilio_read_template(const struct http_response *response, struct arena *arena, struct twilio_template *template,
                         struct err *err)
{
    AUTO(json_free) json_t *json = json_loadb(response->body, response->body_len, 0, NULL);
    AUTO(json_free) json_t *names = json_array(), *none = json_object();
    const json_t *types = json_object_get(json, "types"), *variables = json_object_get(json, "variables");

    if (!json_is_object(types))
        return err_set(err, ERR_UNAVAILABLE, "Twilio's template cannot be read");
    walk(names, types, 0);
    template->body = arena_strdup(arena, shown_body(types));
    template->placeholders = dump(arena, names);
    template->variables = dump(arena, json_is_object(variables) ? variables : none);
    if (!template->body || !template->placeholders || !template->variables)
        return err_set(err, ERR_UNAVAILABLE, "twilio: out of memory");
    return 0;
}

static int read_approval(const struct http_response *response, struct arena *arena, struct twilio_template *template,
                         struct err *err)
{
    AUTO(json_free) json_t *json = json_loadb(response->body, response->body_len, 0, NULL);
    const json_t *whatsapp = json_object_get(json, "whatsapp");

    template->approval = arena_strdup(arena, text_of(whatsapp, "status"));
    template->rejection = arena_strdup(arena, text_of(whatsapp, "rejection_reason"));
    if (!template->approval || !template->rejection)
        return err_set(err, ERR_UNAVAILABLE, "twilio: out of memory");
    return 0;
}

static int get_content(struct twilio *self, const struct twilio_account *account, const char *content_sid,
                       const char *path, struct arena *arena, struct http_response *ret_response, struct err *err)
{
    AUTO(buf_free) struct buf url = {0};

    buf_puts(&url, self->content_url);
    buf_puts(&url, "/v1/Content/");
    url_encode(&url, content_sid);
    buf_puts(&url, path);
    return twilio_get(self, account, &url, ASK_TIMEOUT_MS, CONTENT_MAX, arena, ret_response, err);
}

/* What the account has not got is the message's fault, not the account's. */
static int no_template(const struct err *why, const char *content_sid, struct err *err)
{
    *err = *why;
    if (why->provider_code == TWILIO_NOT_FOUND) {
        err_set(err, ERR_INVALID, "the account has no template %s", content_sid);
        err->provider_code = TWILIO_NOT_FOUND;
    }
    return -1;
}

int twilio_template(struct twilio *self, const struct twilio_account *account, const char *content_sid,
                    struct arena *arena, struct twilio_template *ret_template, struct err *err)
{
    AUTO(arena_destroy) struct arena *answers = arena_new(6 * CONTENT_MAX);
    struct twilio_template template = {.approval = "", .rejection = ""};
    struct http_response response;
    struct err why = {0};

    if (!twilio_is_sid(content_sid)) {
        err_set(err, ERR_INVALID, "the template's id is not one of Twilio's");
        err->provider_code = TWILIO_BAD_CONTENT;
        return -1;
    }
    if (get_content(self, account, content_sid, "", answers, &response, &why) < 0)
        return no_template(&why, content_sid, err);
    if (twilio_read_template(&response, arena, &template, err) < 0)
        return -1;
    /* A template that was never handed in for approval need not have an answer here. */
    if (get_content(self, account, content_sid, "/ApprovalRequests", answers, &response, &why) == 0) {
        if (read_approval(&response, arena, &template, err) < 0)
            return -1;
    } else if (why.provider_code != TWILIO_NOT_FOUND) {
        *err = why;
        return -1;
    }
    *ret_template = template;
    return 0;
}

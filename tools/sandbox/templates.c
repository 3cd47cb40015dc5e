/* templates.c - see templates.h. */
#include "tools/sandbox/templates.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/err.h"

#define TEMPLATES_MAX    1000
#define PLACEHOLDER_SIZE 64

struct templates {
    pthread_mutex_t lock;
    json_t *list; /* of {"sid", "account_sid", ..., "approval": {...}} in the order in which they came */
};

struct templates *templates_new(void)
{
    struct templates *self = calloc(1, sizeof *self);

    if (self) {
        pthread_mutex_init(&self->lock, NULL);
        self->list = json_array();
    }
    return self;
}

void templates_destroy(struct templates **self_p)
{
    if (!*self_p)
        return;
    json_decref((*self_p)->list);
    pthread_mutex_destroy(&(*self_p)->lock);
    free(*self_p);
    *self_p = NULL;
}

void templates_clear(struct templates *self)
{
    pthread_mutex_lock(&self->lock);
    json_array_clear(self->list);
    pthread_mutex_unlock(&self->lock);
}

static const char *text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* ---- telling ---- */

static int check(const json_t *json, const char **ret_status, struct err *err)
{
    static const char *const known[] = {"content_sid", "account_sid", "friendly_name", "language", "body",
                                        "types",       "variables",   "status",        "category", "rejection_reason"};
    static const char *const statuses[] = {"approved", "rejected", "paused", "pending", "received", "unsubmitted"};
    const char *sid = text_of(json, "content_sid"), *name;
    const json_t *value;
    bool found;

    json_object_foreach ((json_t *)json, name, value) {
        found = false;
        for (size_t i = 0; i < COUNT_OF(known); i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            return err_set_field(err, ERR_INVALID, name, "%.40s is not known", name);
    }
    if (!sid || !twilio_check_sid(sid, "HX"))
        return err_set_field(err, ERR_INVALID, "content_sid", "content_sid must be HX and 32 hex digits");
    if (!text_of(json, "body") == !json_is_object(json_object_get(json, "types")))
        return err_set_field(err, ERR_INVALID, "body", "a template has either body, a text, or types, an object");
    value = json_object_get(json, "variables");
    if (value && !json_is_object(value))
        return err_set_field(err, ERR_INVALID, "variables", "variables must be an object of texts");
    *ret_status = text_of(json, "status") ? text_of(json, "status") : "approved";
    found = false;
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        found = found || strcmp(statuses[i], *ret_status) == 0;
    if (!found)
        return err_set_field(err, ERR_INVALID, "status",
                             "status must be approved, rejected, paused, pending, received or unsubmitted");
    return 0;
}

static json_t *find(const struct templates *self, const char *account_sid, const char *sid, size_t *ret_index)
{
    json_t *template;
    size_t i;

    json_array_foreach (self->list, i, template)
        if (strcmp(text_of(template, "sid"), sid) == 0 &&
            (!account_sid || strcmp(text_of(template, "account_sid"), account_sid) == 0)) {
            if (ret_index)
                *ret_index = i;
            return template;
        }
    return NULL;
}

int templates_put(struct templates *self, const json_t *json, const char *account_sid, struct err *err)
{
    const char *status = "", *body = text_of(json, "body"), *given = text_of(json, "account_sid"),
               *name = text_of(json, "friendly_name"), *language = text_of(json, "language"),
               *category = text_of(json, "category"), *reason = text_of(json, "rejection_reason");
    json_t *types = json_object_get(json, "types"), *variables = json_object_get(json, "variables"), *template;
    time_t now = time(NULL);
    size_t i;
    char at[32];
    struct tm tm;
    int rc = 0;

    if (!json_is_object(json))
        return err_set(err, ERR_INVALID, "a template is a JSON object");
    if (check(json, &status, err) < 0)
        return -1;
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    types = body ? json_pack("{s{ss}}", "twilio/text", "body", body) : json_incref(types);
    template =
        json_pack("{ss ss ss ss so so ss ss s{ss ss ss ss ss sb}}", "sid", text_of(json, "content_sid"), "account_sid",
                  given ? given : account_sid, "friendly_name", name ? name : "A template", "language",
                  language ? language : "en", "variables", variables ? json_incref(variables) : json_object(), "types",
                  types, "date_created", at, "date_updated", at, "approval", "type", "whatsapp", "name",
                  name ? name : "a_template", "category", category ? category : "UTILITY", "status", status,
                  "rejection_reason", reason ? reason : "", "allow_category_change", 1);
    if (!template)
        return err_set(err, ERR_INTERNAL, "out of memory");
    pthread_mutex_lock(&self->lock);
    if (find(self, NULL, text_of(template, "sid"), &i))
        json_array_set(self->list, i, template);
    else if (json_array_size(self->list) == TEMPLATES_MAX)
        rc = err_set(err, ERR_INVALID, "there are %d templates already", TEMPLATES_MAX);
    else
        json_array_append(self->list, template);
    pthread_mutex_unlock(&self->lock);
    json_decref(template);
    return rc;
}

/* ---- showing ---- */

static json_t *shown(const json_t *template, const char *base)
{
    json_t *json = json_deep_copy(template);
    char url[256], fetch[288], create[320];

    snprintf(url, sizeof url, "%s/v1/Content/%s", base, text_of(template, "sid"));
    snprintf(fetch, sizeof fetch, "%s/ApprovalRequests", url);
    snprintf(create, sizeof create, "%s/whatsapp", fetch);
    json_object_del(json, "approval");
    json_object_set_new(json, "url", json_string(url));
    json_object_set_new(json, "links", json_pack("{ss ss}", "approval_create", create, "approval_fetch", fetch));
    return json;
}

json_t *templates_get(struct templates *self, const char *account_sid, const char *sid, const char *base)
{
    const json_t *template;
    json_t *json;

    pthread_mutex_lock(&self->lock);
    template = find(self, account_sid, sid, NULL);
    json = template ? shown(template, base) : NULL;
    pthread_mutex_unlock(&self->lock);
    return json;
}

json_t *templates_approval(struct templates *self, const char *account_sid, const char *sid, const char *base)
{
    const json_t *template;
    json_t *json = NULL;
    char url[256];

    snprintf(url, sizeof url, "%s/v1/Content/%s/ApprovalRequests", base, sid);
    pthread_mutex_lock(&self->lock);
    if ((template = find(self, account_sid, sid, NULL))) {
        json_t *approval = json_deep_copy(json_object_get(template, "approval")),
               *types = json_object_get(template, "types");

        json_object_set_new(approval, "content_type", json_string(json_object_iter_key(json_object_iter(types))));
        json = json_pack("{ss ss so ss}", "sid", sid, "account_sid", account_sid, "whatsapp", approval, "url", url);
    }
    pthread_mutex_unlock(&self->lock);
    return json;
}

json_t *templates_list(struct templates *self, const char *account_sid, const char *base)
{
    json_t *list = json_array();
    const json_t *template;
    size_t i;

    pthread_mutex_lock(&self->lock);
    json_array_foreach (self->list, i, template)
        if (strcmp(text_of(template, "account_sid"), account_sid) == 0)
            json_array_append_new(list, shown(template, base));
    pthread_mutex_unlock(&self->lock);
    return list;
}

/* ---- rendering ---- */

static bool refuse(struct twilio_refusal *ret, int code, const char *message)
{
    ret->code = code;
    snprintf(ret->message, sizeof ret->message, "%s", message);
    return false;
}

/* The name of the placeholder at text, and what is behind it; NULL: there is none. */
static const char *placeholder(const char *text, char name[PLACEHOLDER_SIZE])
{
    const char *end = strncmp(text, "{{", 2) == 0 ? strstr(text, "}}") : NULL;
    size_t len;

    if (!end)
        return NULL;
    len = (size_t)(end - text) - 2;
    if (len >= PLACEHOLDER_SIZE)
        return NULL;
    memcpy(name, text + 2, len);
    name[len] = '\0';
    return end + 2;
}

/* Sets used[name] for all placeholders in the texts of json. */
static void collect(const json_t *json, json_t *used)
{
    char name[PLACEHOLDER_SIZE];
    const json_t *value;
    const char *key;
    size_t i;

    json_object_foreach ((json_t *)json, key, value)
        collect(value, used);
    json_array_foreach (json, i, value)
        collect(value, used);
    for (const char *p = json_is_string(json) ? strstr(json_string_value(json), "{{") : NULL; p;
         p = strstr(p + 2, "{{"))
        if (placeholder(p, name))
            json_object_set_new(used, name, json_true());
}

/* Neither empty nor null, no newline, no tab, no five spaces in a row: error 21656's rules. */
static bool value_is_fine(const json_t *value)
{
    const char *text = json_string_value(value);

    return text && *text && !strchr(text, '\n') && !strchr(text, '\t') && !strstr(text, "     ");
}

/* The values of all placeholders: those given, else the template's own defaults. NULL: refused. */
static json_t *values_of(const json_t *template, const char *variables, struct twilio_refusal *ret)
{
    static const char wrong[] = "The Content Variables parameter is invalid.";
    json_auto_t *given = variables ? json_loads(variables, JSON_REJECT_DUPLICATES, NULL) : json_object();
    json_auto_t *used = json_object(), *values = json_object();
    const json_t *value;
    const char *name;

    collect(json_object_get(template, "types"), used);
    if (!json_is_object(given)) {
        refuse(ret, 21656, wrong);
        return NULL;
    }
    json_object_foreach (given, name, value) {
        if (!value_is_fine(value)) {
            refuse(ret, 21656, wrong);
            return NULL;
        }
        if (!json_object_get(used, name)) {
            refuse(ret, 63028, "Number of parameters provided does not match the expected number of params");
            return NULL;
        }
    }
    json_object_foreach (used, name, value) {
        value = json_object_get(given, name);
        if (!value)
            value = json_object_get(json_object_get(template, "variables"), name);
        if (!json_is_string(value)) {
            refuse(ret, 63028, "Number of parameters provided does not match the expected number of params");
            return NULL;
        }
        json_object_set(values, name, (json_t *)value);
    }
    return json_incref(values);
}

/* The text of the template's first type that has one; twilio/text before others. */
static const char *body_of(const json_t *template)
{
    const json_t *types = json_object_get(template, "types"), *type;
    const char *body = text_of(json_object_get(types, "twilio/text"), "body"), *name;

    json_object_foreach ((json_t *)types, name, type)
        if (!body)
            body = text_of(type, "body");
    return body ? body : "";
}

static bool may_be_sent(const json_t *template, bool in_window, struct twilio_refusal *ret)
{
    const char *status = text_of(json_object_get(template, "approval"), "status");

    if (strcmp(status, "rejected") == 0)
        return refuse(ret, 63040, "Template rejected");
    if (strcmp(status, "paused") == 0)
        return refuse(ret, 63041, "Template paused");
    if (strcmp(status, "approved") != 0 && !in_window)
        return refuse(ret, 63016,
                      "Failed to send freeform message because you are outside the allowed window. If you "
                      "are using WhatsApp, please use a Message Template.");
    return true;
}

static bool render(const json_t *template, const char *variables, struct buf *out, struct twilio_refusal *ret)
{
    json_auto_t *values = values_of(template, variables, ret);
    char name[PLACEHOLDER_SIZE];

    if (!values)
        return false;
    for (const char *p = body_of(template); *p;) {
        const char *behind = placeholder(p, name);

        if (behind) {
            buf_puts(out, text_of(values, name));
            p = behind;
        } else {
            buf_append(out, p++, 1);
        }
    }
    return true;
}

bool templates_render(struct templates *self, const char *account_sid, const char *sid, const char *variables,
                      bool whatsapp, bool in_window, struct buf *out, struct twilio_refusal *ret)
{
    const json_t *template;
    bool fine;

    pthread_mutex_lock(&self->lock);
    if (!(template = find(self, account_sid, sid, NULL)))
        fine = refuse(ret, 21655, "The ContentSid is Invalid");
    else
        fine = (!whatsapp || may_be_sent(template, in_window, ret)) && render(template, variables, out, ret);
    pthread_mutex_unlock(&self->lock);
    return fine;
}

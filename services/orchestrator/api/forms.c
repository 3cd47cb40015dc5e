/* forms.c - the requests about web forms. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/form_token.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/clients.h"
#include "proto/forms.h"
#include "services/orchestrator/api/client_store.h"
#include "services/orchestrator/api/form_store.h"
#include "services/orchestrator/handlers.h"

#define FIELD_NAME_MAX 100
#define URL_MAX        2048

/* ---- what may be set ---- */

/* What a submission may tell, as services/gateway/submission.c reads it. */
static bool is_submission_field(const char *name)
{
    static const char *const names[] = {"name",          "phone",        "email",      "message", "service",
                                        "consent",       "consent_text", "consent_at", "source",  "page_url",
                                        "submission_id", "language",     "redirect"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static int check_field_names(const char *text, struct err *err)
{
    json_auto_t *names = text ? json_loads(text, 0, NULL) : NULL;
    const char *ours;
    json_t *theirs;

    if (text && !json_is_object(names))
        return err_set_field(err, ERR_INVALID, "field_names",
                             "field_names must be an object: {\"phone\": \"your-tel\"}");
    json_object_foreach (names, ours, theirs) {
        const char *name = json_string_value(theirs);

        if (!is_submission_field(ours))
            return err_set_field(err, ERR_INVALID, "field_names", "field_names: %.40s is no field of a submission",
                                 ours);
        if (!name || !*name || strlen(name) > FIELD_NAME_MAX)
            return err_set_field(err, ERR_INVALID, "field_names", "field_names: %.40s needs a name of 1 to %d bytes",
                                 ours, FIELD_NAME_MAX);
    }
    return 0;
}

/* It is sent to browsers in a header. */
static bool is_url(const char *text)
{
    size_t len = strlen(text), scheme = strncmp(text, "https://", 8) == 0  ? 8
                                        : strncmp(text, "http://", 7) == 0 ? 7
                                                                           : 0;

    if (scheme == 0 || len <= scheme || len > URL_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

static int check_settings(const char *name, const char *field_names, const char *country_code, const char *language,
                          const char *const *urls, size_t n_urls, struct err *err)
{
    if (name && (!text_has_word(name) || text_has_control(name)))
        return err_set_field(err, ERR_INVALID, "name", "name must be one line with a word in it");
    if (country_code && (strspn(country_code, "0123456789") != strlen(country_code) || *country_code == '0'))
        return err_set_field(err, ERR_INVALID, "country_code", "country_code must be digits, e.g. 1 or 44");
    if (language && text_has_control(language))
        return err_set_field(err, ERR_INVALID, "language", "language must be a language tag, e.g. es");
    for (size_t i = 0; i < n_urls; i++)
        if (!is_url(urls[i]))
            return err_set_field(err, ERR_INVALID, "redirect_urls",
                                 "redirect_urls[%zu] must be a http or https address", i);
    return check_field_names(field_names, err);
}

/* ---- the requests ---- */

static int reply_with_token(struct call *call, const char *form_id, const struct form_token *token, struct err *err)
{
    struct form_with_token *reply = call->reply;

    if (!(reply->form = arena_calloc(call->arena, 1, sizeof *reply->form)) ||
        !(reply->token = arena_strdup(call->arena, token->text)))
        return err_set(err, ERR_INTERNAL, "a form: out of memory");
    if (form_store_get(call->tx, form_id, call->arena, reply->form, err) < 0)
        return -1;
    reply->path = arena_printf(call->arena, "/api/v1/webhooks/form/%s", reply->form->client_id);
    return reply->path ? 0 : err_set(err, ERR_INTERNAL, "a form: out of memory");
}

int on_create_form(struct worker *self, struct call *call, struct err *err)
{
    const struct create_form *request = call->request;
    struct client client = {0};
    struct form_token token;
    char form_id[UUID_SIZE];

    (void)self;
    if (!request->client_id)
        return err_set_field(err, ERR_INVALID, "client_id", "client_id is missing: whose form is it?");
    uuid_new(form_id);
    form_token_make(&token);
    if (check_settings(request->name, request->field_names, request->country_code, request->language,
                       request->redirect_urls, request->n_redirect_urls, err) < 0 ||
        client_store_get(call->tx, request->client_id, call->arena, &client, err) < 0 ||
        form_store_insert(call->tx, form_id, request, &token, call->arena, err) < 0)
        return -1;
    return reply_with_token(call, form_id, &token, err);
}

int on_get_form(struct worker *self, struct call *call, struct err *err)
{
    const struct get_form *request = call->request;

    (void)self;
    return form_store_get(call->tx, request->form_id, call->arena, call->reply, err);
}

int on_list_forms(struct worker *self, struct call *call, struct err *err)
{
    (void)self;
    return form_store_list(call->tx, call->request, call->arena, call->reply, err);
}

int on_update_form(struct worker *self, struct call *call, struct err *err)
{
    const struct update_form *request = call->request;

    (void)self;
    if (check_settings(request->name, request->field_names, request->country_code, request->language,
                       request->redirect_urls, request->n_redirect_urls, err) < 0 ||
        form_store_update(call->tx, request, call->arena, err) < 0)
        return -1;
    return form_store_get(call->tx, request->form_id, call->arena, call->reply, err);
}

int on_rotate_form(struct worker *self, struct call *call, struct err *err)
{
    const struct rotate_form *request = call->request;
    struct form_token token;

    (void)self;
    form_token_make(&token);
    if (form_store_set_token(call->tx, request->form_id, &token, err) < 0)
        return -1;
    return reply_with_token(call, request->form_id, &token, err);
}

/* What it has sent stays. */
int on_disable_form(struct worker *self, struct call *call, struct err *err)
{
    const struct disable_form *request = call->request;

    (void)self;
    if (form_store_disable(call->tx, request->form_id, err) < 0)
        return -1;
    return form_store_get(call->tx, request->form_id, call->arena, call->reply, err);
}

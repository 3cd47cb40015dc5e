/* submission.c - see submission.h. */
#include "services/gateway/submission.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/consent.h"
#include "libshared/err.h"
#include "libshared/phone_number.h"
#include "libshared/seal.h"
#include "libshared/text.h"
#include "services/gateway/refusal.h"

#define LINE_MAX_BYTES   200 /* of a name, a service, a source */
#define MESSAGE_MAX      16384
#define EMAIL_MAX        254
#define CONSENT_TEXT_MAX 2000
#define URL_MAX          2048
#define ID_MAX           200
#define LANGUAGE_MAX     35
#define OTHERS_MAX       40 /* fields beside ours that are kept */
#define OTHER_NAME_MAX   100
#define OTHER_MAX        1000
#define OTHERS_BYTES_MAX 16384
#define CLOCK_SLACK_US   (INT64_C(300) * 1000000) /* by which the visitor's clock may be ahead */
#define TRAP             "_gotcha"

/* Ours; all others are kept with the message as they are. */
static const char *const known[] = {"name",       "phone",         "email",    "message", "service",
                                    "source",     "page_url",      "language", "consent", "consent_text",
                                    "consent_at", "submission_id", "redirect", "token",   TRAP};

/* One submission being read. */
struct reading {
    const struct form *fields;
    const struct form_terms *terms;
    json_t *names; /* what the form calls our fields */
    struct arena *arena;
    struct submission out;
    const char *service, *language;
};

static const char *name_of(const struct reading *self, const char *field)
{
    const char *name = json_string_value(json_object_get(self->names, field));

    return name ? name : field;
}

/* NULL where it is not given, or has no word in it. */
static const char *get(const struct reading *self, const char *field)
{
    const char *value = form_get(self->fields, name_of(self, field));

    return value && text_has_word(value) ? value : NULL;
}

static int refuse(const struct reading *self, const char *field, const char *why, struct err *err)
{
    const char *name = name_of(self, field);

    return err_set_field(err, ERR_INVALID, name, "%.60s %s", name, why);
}

bool submission_is_trap(const struct form *fields)
{
    const char *value = form_get(fields, TRAP);

    return value && *value;
}

/* ---- who, and what ---- */

static int read_person(struct reading *self, struct err *err)
{
    const char *phone = get(self, "phone"), *email = get(self, "email");
    struct submission *out = &self->out;
    char number[PHONE_E164_SIZE];

    if (phone) {
        if (!phone_to_e164(phone, self->terms->country_code, number))
            return refuse(self, "phone",
                          self->terms->country_code
                              ? "must be a phone number, if it is of another country with + and its code"
                              : "must be a phone number with + and its country's code, e.g. +15551234567",
                          err);
        out->phone = arena_strdup(self->arena, number);
    }
    if (email) {
        email = text_line(self->arena, email + strspn(email, " "), strlen(email));
        for (char *end = (char *)email + strlen(email); end > email && end[-1] == ' ';)
            *--end = '\0';
        if (strlen(email) > EMAIL_MAX || !(out->email = email_normalise(self->arena, email)))
            return refuse(self, "email", "must be an address, e.g. ada@example.com", err);
    }
    if (!phone && !email)
        return refuse(self, "phone", "is missing: give phone, email or both", err);
    out->name = text_line(self->arena, get(self, "name"), LINE_MAX_BYTES);
    return 0;
}

static int read_words(struct reading *self, struct err *err)
{
    const char *message = get(self, "message"), *language = get(self, "language");
    struct submission *out = &self->out;

    if (message && strlen(message) > MESSAGE_MAX)
        return refuse(self, "message", "is longer than 16384 bytes", err);
    out->message = message ? message : "";
    self->service = text_line(self->arena, get(self, "service"), LINE_MAX_BYTES);
    if (language && (strlen(language) < 2 || strlen(language) > LANGUAGE_MAX || text_has_control(language)))
        language = NULL;
    self->language = language ? language : self->terms->language;
    out->source = text_line(self->arena, get(self, "source"), LINE_MAX_BYTES);
    if (!out->source)
        out->source = arena_printf(self->arena, "form: %s", self->terms->name);
    out->page_url = text_line(self->arena, get(self, "page_url"), URL_MAX);
    return 0;
}

/* ---- consent ---- */

static int read_consent(struct reading *self, int64_t now, struct err *err)
{
    const char *text = get(self, "consent_text"), *at = get(self, "consent_at");
    struct submission *out = &self->out;

    if (!field_is_yes(form_get(self->fields, name_of(self, "consent"))))
        return refuse(self, "consent", "must be yes: without it nobody may be written to", err);
    if (text && strlen(text) > CONSENT_TEXT_MAX)
        return refuse(self, "consent_text", "is longer than 2000 bytes", err);
    if (!(out->consent_text = text ? text : self->terms->consent_text))
        return refuse(self, "consent_text", "is missing: what was agreed to? (or set the form's consent_text)", err);
    out->consent_at = now;
    if (at && (clock_parse(at, &out->consent_at) < 0 || out->consent_at <= 0))
        return refuse(self, "consent_at", "must be a time, e.g. 2026-11-22T10:00:00Z", err);
    if (out->consent_at > now + CLOCK_SLACK_US)
        return refuse(self, "consent_at", "is in the future", err);
    return 0;
}

/* ---- all others ---- */

static bool is_ours(const struct reading *self, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(name_of(self, known[i]), name) == 0)
            return true;
    return false;
}

/* As many as fit. Of several of a name, the values with commas. */
static json_t *read_others(const struct reading *self)
{
    json_t *others = json_object();
    size_t bytes = 0;

    for (size_t i = 0; i < self->fields->n && json_object_size(others) < OTHERS_MAX; i++) {
        const struct form_field *field = &self->fields->fields[i];
        const char *before = json_string_value(json_object_get(others, field->name));
        size_t len = utf8_cut(field->value, strlen(field->value), OTHER_MAX);

        if (!*field->name || strlen(field->name) > OTHER_NAME_MAX || len == 0 || is_ours(self, field->name))
            continue;
        if ((bytes += strlen(field->name) + len) > OTHERS_BYTES_MAX)
            break;
        json_object_set_new(others, field->name,
                            before ? json_sprintf("%s, %.*s", before, (int)len, field->value)
                                   : json_stringn(field->value, len));
    }
    return others;
}

/* Whatever field it stands in, also one that is not kept. */
static bool read_refusal(const struct reading *self)
{
    if (consent_read(self->out.message).kind == CONSENT_OUT)
        return true;
    for (size_t i = 0; i < self->fields->n; i++) {
        const struct form_field *field = &self->fields->fields[i];

        if ((!is_ours(self, field->name) || strcmp(field->name, name_of(self, "service")) == 0) &&
            field_refuses_texts(field->name, field->value))
            return true;
    }
    return false;
}

/* ---- the same again ---- */

static void put_hashed(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=%zu:%s\n", name, strlen(value), value);
}

static int hash_content(const struct reading *self, const json_t *others, char ret_hash[65], struct err *err)
{
    const struct submission *s = &self->out;
    const char *const values[] = {self->terms->form_id, s->phone, s->email, s->name, s->message, self->service};
    AUTO(buf_free) struct buf text = {0};
    const char *name;
    json_t *value;

    for (size_t i = 0; i < COUNT_OF(values); i++)
        put_hashed(&text, "", values[i] ? values[i] : "");
    json_object_foreach ((json_t *)others, name, value)
        put_hashed(&text, name, json_string_value(value));
    if (text.failed)
        return err_set(err, ERR_UNAVAILABLE, "no memory for the form");
    sha256_hex(text.data, text.len, ret_hash);
    return 0;
}

static int read_id(struct reading *self, struct err *err)
{
    const char *id = get(self, "submission_id"), *named;
    char hash[65];

    if (!id)
        return 0;
    if (strlen(id) > ID_MAX)
        return refuse(self, "submission_id", "is longer than 200 bytes", err);
    if (!(named = arena_printf(self->arena, "%s\n%s", self->terms->form_id, id)))
        return err_set(err, ERR_UNAVAILABLE, "no memory for the form");
    sha256_hex(named, strlen(named), hash);
    self->out.sid = arena_printf(self->arena, "FORM%.40s", hash);
    return 0;
}

/* ---- messages.form ---- */

static int make_form(struct reading *self, struct err *err)
{
    json_auto_t *others = read_others(self), *form = NULL;
    char hash[65], *text;

    if (hash_content(self, others, hash, err) < 0)
        return -1;
    form =
        json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s, s:O}", "form_id", self->terms->form_id, "form",
                  self->terms->name, "name", self->out.name, "email", self->out.email, "service", self->service,
                  "language", self->language, "page_url", self->out.page_url, "content_hash", hash, "fields", others);
    if (form && read_refusal(self))
        json_object_set_new(form, "no_texts", json_true());
    text = form ? json_dumps(form, JSON_COMPACT) : NULL;
    self->out.form = arena_strdup(self->arena, text);
    free(text);
    return self->out.form ? 0 : err_set(err, ERR_UNAVAILABLE, "no memory for the form");
}

int submission_read(const struct form *fields, const struct form_terms *terms, int64_t now, struct arena *arena,
                    struct submission *ret_submission, struct err *err)
{
    json_auto_t *names = json_loads(terms->field_names ? terms->field_names : "{}", 0, NULL);
    struct reading self = {.fields = fields, .terms = terms, .names = names, .arena = arena};

    if (read_person(&self, err) < 0 || read_words(&self, err) < 0 || read_consent(&self, now, err) < 0 ||
        read_id(&self, err) < 0 || make_form(&self, err) < 0)
        return -1;
    *ret_submission = self.out;
    return 0;
}

const char *submission_redirect(const struct form *fields, const struct form_terms *terms, struct arena *arena)
{
    json_auto_t *names = json_loads(terms->field_names ? terms->field_names : "{}", 0, NULL);
    struct reading self = {.fields = fields, .terms = terms, .names = names, .arena = arena};
    const char *wanted = form_get(fields, name_of(&self, "redirect"));

    for (size_t i = 0; wanted && i < terms->n_redirect_urls; i++)
        if (strcmp(terms->redirect_urls[i], wanted) == 0)
            return terms->redirect_urls[i];
    return terms->n_redirect_urls > 0 ? terms->redirect_urls[0] : NULL;
}

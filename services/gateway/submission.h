/* submission.h - what a web form sends: JSON, application/x-www-form-urlencoded, or multipart/form-data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/form.h"

struct arena;
struct err;

/* Of the form, as far as reading a submission needs it; see migrations/0070. */
struct form_terms {
    const char *form_id, *name;
    const char *field_names;  /* JSON */
    const char *consent_text; /* NULL: the submission must have one */
    const char *country_code; /* NULL: phones must have theirs */
    const char *language;     /* NULL: not known */
    const char *const *redirect_urls;
    size_t n_redirect_urls;
};

/* Texts are within the arena. NULL: not given. */
struct submission {
    const char *phone; /* E.164 */
    const char *email; /* lower case */
    const char *name, *source, *page_url;
    const char *message; /* "" where there is none */
    const char *consent_text;
    int64_t consent_at; /* us */
    const char *sid;    /* from the sender's id of the submission: the same again is the same */
    const char *form;   /* JSON, messages.form */
};

/* The fields of a body, as pairs of name and value, in their order. What is no text in JSON is written as JSON; a list
 * of texts is one text with commas. A file is its name in brackets. ERR_INVALID where it is not what its type says;
 * there must be a type. */
int submission_fields(const char *content_type, const char *body, size_t len, struct arena *arena,
                      struct form *ret_fields, struct err *err);

/* Whether a program has filled the field that people do not see. */
bool submission_is_trap(const struct form *fields);

/* now: wall time in us, for a consent whose time is not told. ERR_INVALID names the field as the form calls it. */
int submission_read(const struct form *fields, const struct form_terms *terms, int64_t now, struct arena *arena,
                    struct submission *ret_submission, struct err *err);

/* Where the browser is sent afterwards: the field redirect if the form allows that address, else the form's first.
 * NULL: nowhere. */
const char *submission_redirect(const struct form *fields, const struct form_terms *terms, struct arena *arena);

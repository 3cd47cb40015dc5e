/* forms.h - the web forms of a client, whose submissions make leads. Served by the orchestrator; the submissions
 * themselves come to the gateway: POST /api/v1/webhooks/form/{client_id}. */
#pragma once

#include "libshared/codec.h"

/* What a form may say about itself; in creating and in changing. */
/* clang-format off */
#define FORM_SETTINGS(S, F, E)                                                                              \
    E(S, "sms|whatsapp",        channel, OPTIONAL,   "on which its leads are written to; sms by default")   \
    F(S, JSON, field_names,     OPTIONAL, 2, 4096,   "what the form calls our fields: {\"phone\": \"your-tel\"}") \
    F(S, STR,  consent_text,    OPTIONAL, 0, 2000,   "what its visitors agree to, where a submission has no consent_text") \
    F(S, STR,  country_code,    OPTIONAL, 0, 3,      "of phones written without one, 1 or 44; absent: that of the client's numbers") \
    F(S, STR,  language,        OPTIONAL, 0, 35,     "of the page: language tag, e.g. es")                  \
    F(S, STRS, redirect_urls,   OPTIONAL, 0, 10,     "pages to which a browser may be sent afterwards; the first by default") \
    F(S, INT,  max_per_minute,  OPTIONAL, 0, 10000,  "submissions that are taken a minute; absent or 0: as it is, and 30 at first") \
    F(S, INT,  max_new_per_day, OPTIONAL, 0, 100000, "numbers that have never texted which are written to a day for its sake, and leads without a phone, or that ask not to be texted, of each of which people get a text; further leads are kept, and people are told once; absent or 0: as it is, and 100 at first")

#define WEB_FORM(S, F, E, M, L)                                                                             \
    F(S, UUID, client_id,       REQUIRED, 0, 0,      "its client")                                          \
    F(S, UUID, form_id,         REQUIRED, 0, 0,      "its id")                                              \
    F(S, STR,  name,            REQUIRED, 1, 200,    "for people")                                          \
    F(S, STR,  token_prefix,    REQUIRED, 1, 16,     "the first characters of its token")                   \
    FORM_SETTINGS(S, F, E)                                                                                  \
    F(S, TIME, created_at,      REQUIRED, 0, 0,      "when it was made")                                    \
    F(S, TIME, disabled_at,     OPTIONAL, 0, 0,      "since when its submissions are refused; absent: they are taken")

#define CREATE_FORM(S, F, E, M, L)                                                                          \
    F(S, UUID, client_id,       OPTIONAL, 0, 0,      "whose form it is; absent: the key's client")          \
    F(S, STR,  name,            REQUIRED, 1, 200,    "for people")                                          \
    FORM_SETTINGS(S, F, E)

#define UPDATE_FORM(S, F, E, M, L)                                                                          \
    F(S, UUID, form_id,         REQUIRED, 0, 0,      "the form")                                            \
    F(S, STR,  name,            OPTIONAL, 1, 200,    "for people")                                          \
    FORM_SETTINGS(S, F, E)

/* The only time that the token is told. */
#define FORM_WITH_TOKEN(S, F, E, M, L)                                                                      \
    M(S, web_form, form,        REQUIRED,            "the form")                                            \
    F(S, STR,  token,           REQUIRED, 1, 100,    "what its submissions carry: in Authorization: Bearer, in X-Form-Token, or as the field token. It is not shown again") \
    F(S, STR,  path,            REQUIRED, 1, 200,    "where they are posted")

#define GET_FORM(S, F, E, M, L) F(S, UUID, form_id, REQUIRED, 0, 0, "the form")
#define ROTATE_FORM(S, F, E, M, L) F(S, UUID, form_id, REQUIRED, 0, 0, "the form")
#define DISABLE_FORM(S, F, E, M, L) F(S, UUID, form_id, REQUIRED, 0, 0, "the form")

#define LIST_FORMS(S, F, E, M, L)                                                                           \
    F(S, UUID, client_id,       OPTIONAL, 0, 0,      "only this client's")                                  \
    F(S, INT,  limit,           DEFAULT(50), 1, 200, "items a page")                                        \
    F(S, STR,  after,           OPTIONAL, 1, 200,    "next_after of the page before")

#define FORM_PAGE(S, F, E, M, L)                                                                            \
    L(S, web_form, items,       REQUIRED, 0, 200,    "newest first")                                        \
    F(S, STR,  next_after,      OPTIONAL, 1, 200,    "for the next page; absent: this is the last")

#define FORM_MESSAGES(MSG)                                                                                  \
    MSG(web_form, WEB_FORM, "a web form")                                                                         \
    MSG(create_form, CREATE_FORM, "a new web form")                                                         \
    MSG(form_with_token, FORM_WITH_TOKEN, "a web form and its new token")                                   \
    MSG(get_form, GET_FORM, "one web form")                                                                 \
    MSG(list_forms, LIST_FORMS, "web forms")                                                                \
    MSG(form_page, FORM_PAGE, "a page of web forms")                                                        \
    MSG(update_form, UPDATE_FORM, "change a web form")                                                      \
    MSG(rotate_form, ROTATE_FORM, "give a web form another token")                                          \
    MSG(disable_form, DISABLE_FORM, "refuse a web form's submissions")
/* clang-format on */

FORM_MESSAGES(MESSAGE_STRUCT)

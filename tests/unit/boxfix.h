/* boxfix.h - a sandbox to ask over HTTP, and a gateway that hears what it posts. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "libshared/http.h"

#define BOX_SID     "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BOX_TOKEN   "token"
#define OTHER_SID   "ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define OTHER_TOKEN "other"

/* The account BOX_SID owns nothing; OTHER_SID owns +15550200000 and +15550200001. */
void box_open(void);
void box_close(void);

int box_port(void);
const char *box_public_url(void);

/* Returns the status, 0: no answer came. The answer's JSON is box_answer(). */
int box_ask(struct http_request request, const char *path);
int box_control_ask(const char *method, const char *path, const char *body);
/* As an account, by its paths below /2010-04-01/Accounts/{sid}; a path that begins with "/v" is taken as it is. */
int box_post_as(const char *sid, const char *token, const char *path, const char *form);
int box_get_as(const char *sid, const char *token, const char *path);

const json_t *box_answer(void);
/* Of the answer's object, or of "a.b.0.c" in it. "" or 0: there is none. */
const char *box_text(const char *path);
int box_number(const char *path);
size_t box_size(const char *path);

/* What the gateway was posted, as "path?query|Name=value&Name=value" with decoded values in the order of the form, the
 * nth time from 1. Waits for it. */
const char *box_heard(int n);
int box_heard_count(void);
/* The value of that field of the nth post; "": none. */
const char *box_heard_field(int n, const char *name);
/* Whether the nth was signed with that token. */
bool box_heard_signed(int n, const char *token);
/* What the gateway answers from now on, as XML; text must live on. */
void box_gateway_says(const char *xml);

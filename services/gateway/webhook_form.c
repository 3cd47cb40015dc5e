/* webhook_form.c - what web forms send: /api/v1/webhooks/form/{client_id}.
 *
 * It needs no other service to be alive: the gateway stores it, and answers when it is committed. The token says which
 * form it is; it is public, as it stands in the page, and so any page may send it: Access-Control-Allow-Origin is *,
 * and no cookie counts. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/httpd.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/gateway/form_accept.h"
#include "services/gateway/gateway.h"
#include "services/gateway/request.h"

#define BODY_MAX      ((size_t)64 * 1024)
#define ARENA_MAX     ((size_t)2 * 1024 * 1024)
#define TOKEN_MAX     200 /* bytes */
#define FORWARDED_MAX 200
#define PAGE_MAX      2048
#define TYPES         "application/json, application/x-www-form-urlencoded, multipart/form-data"

static const char thanks_page[] = "<!doctype html><meta charset=\"utf-8\"><title>Thank you</title>"
                                  "<p>Thank you. We have received your request.</p>\n";

/* One submission on its way. */
struct form_call {
    struct job *job;
    const char *client_id;
    struct arena *arena;
    struct form fields;
    struct form_terms terms;
    struct submission submission;
};

/* ---- answering ---- */

/* A browser that shows what it gets, not a script. */
static bool shows_pages(const struct job *job)
{
    const char *accept = exchange_header(job->x, "Accept");

    return !request_is_type(exchange_header(job->x, "Content-Type"), "application/json") && accept &&
           strstr(accept, "text/html");
}

static void answer_taken(struct form_call *self, const char *message_id)
{
    struct job *job = self->job;
    const char *url = submission_redirect(&self->fields, &self->terms, self->arena);
    char location[PAGE_MAX + 32], body[128];

    if (!shows_pages(job)) {
        int len = snprintf(body, sizeof body, "{\"accepted\":true,\"message_id\":\"%s\"}\n", message_id);

        job_reply(job, 200, "application/json", body, (size_t)len);
    } else if (url) {
        snprintf(location, sizeof location, "Location: %s", url);
        job_reply_with(job, 303, "text/html; charset=utf-8", "", 0, (const char *const[]){location, NULL});
    } else {
        job_reply(job, 200, "text/html; charset=utf-8", thanks_page, strlen(thanks_page));
    }
}

static void answer_err(struct job *job, const struct err *err)
{
    if (err->kind == ERR_INVALID)
        job_problem(job, 400, err->field, NULL, "%s", err->text);
    else
        job_unavailable(job, "the form could not be stored; send it again");
}

/* ---- who sends ---- */

static const char *bearer_of(const struct job *job)
{
    const char *header = exchange_header(job->x, "Authorization");

    return header && strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : NULL;
}

/* A form of plain HTML cannot set headers: there it is a hidden field, or stands in the address. */
static const char *token_of(struct form_call *self)
{
    const char *query = exchange_query(self->job->x);
    const char *token = bearer_of(self->job);
    struct form address;

    if (!token)
        token = exchange_header(self->job->x, "X-Form-Token");
    if (!token)
        token = form_get(&self->fields, "token");
    if (!token && form_parse(query, strlen(query), self->arena, &address, NULL) == 0)
        token = form_get(&address, "token");
    return token && *token && strlen(token) <= TOKEN_MAX ? token : NULL;
}

static bool is_address_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || strchr(".:, []", c);
}

/* What a proxy says of whom it speaks for: addresses alone. */
static const char *forwarded_for(const struct job *job)
{
    const char *header = exchange_header(job->x, "X-Forwarded-For");

    if (!header || !*header || strlen(header) > FORWARDED_MAX)
        return NULL;
    for (const char *p = header; *p; p++)
        if (!is_address_byte(*p))
            return NULL;
    return header;
}

/* ---- storing ---- */

static void tell(struct worker *worker, const struct form_call *self, const struct form_stored *stored)
{
    struct message_event event = {.message_id = stored->message_id,
                                  .conversation_id = stored->conversation_id,
                                  .lead_id = stored->lead_id,
                                  .channel = "form",
                                  .state = "received"};

    if (*stored->task_id)
        bus_push_tasks(worker->bus, "orchestrator",
                       &(struct task_ref){.client_id = self->client_id, .task_id = stored->task_id}, 1);
    bus_publish(worker->bus, "message.received", self->client_id, &message_event_type, &event);
}

/* A deadlock, a connection that died while it was idle, a commit whose answer was lost: all are over at once, and what
 * was stored is known again. */
static int store(struct worker *worker, struct form_call *self, struct form_stored *ret_stored, struct err *err)
{
    const char *page = exchange_header(self->job->x, "Referer");
    struct form_origin origin = {.ip = exchange_remote(self->job->x),
                                 .forwarded_for = forwarded_for(self->job),
                                 .page_url = text_line(self->arena, page, PAGE_MAX),
                                 .trace_id = self->job->request_id};

    if (origin.page_url && !utf8_valid(page, strlen(page)))
        origin.page_url = NULL;
    failpoint("gateway.before_form");
    if (form_accept(worker->db, self->client_id, &self->terms, &self->submission, &origin, ret_stored, err) == 0)
        return 0;
    if (err->kind != ERR_UNAVAILABLE && err->kind != ERR_UNCERTAIN)
        return -1;
    return form_accept(worker->db, self->client_id, &self->terms, &self->submission, &origin, ret_stored, err);
}

static void answer_outcome(struct worker *worker, struct form_call *self, const struct form_stored *stored)
{
    struct job *job = self->job;

    switch (stored->outcome) {
    case FORM_STORED:
        failpoint("gateway.after_form");
        tell(worker, self, stored);
        answer_taken(self, stored->message_id);
        break;
    case FORM_DUPLICATE:
        answer_taken(self, stored->message_id);
        break;
    case FORM_TOO_MANY:
        log_warn("a form sends more than its max_per_minute", log_str("client_id", self->client_id),
                 log_str("form_id", self->terms.form_id));
        job_problem(job, 429, NULL, "Retry-After: 60", "too many submissions of this form; try again in a minute");
        break;
    case FORM_OWN_NUMBER:
        job_problem(job, 400, "phone", NULL, "phone: is the business's own number");
        break;
    case FORM_UNKNOWN:
        job_problem(job, 401, NULL, NULL, "the form's token is missing or wrong");
        break;
    }
}

static void take(struct worker *worker, struct form_call *self)
{
    struct form_stored stored = {0};
    const char *token = token_of(self);
    struct err err = {0};
    int found = token ? form_find(worker->db, self->client_id, token, self->arena, &self->terms, &err) : 0;

    if (found < 0) {
        log_err(LOG_WARN, "a form's token could not be looked up", &err);
        job_unavailable(self->job, "the form could not be stored; send it again");
    } else if (found == 0) {
        job_problem(self->job, 401, NULL, NULL, "the form's token is missing or wrong");
    } else if (submission_is_trap(&self->fields)) {
        log_info("a form's trap was filled in: nothing is stored", log_str("client_id", self->client_id),
                 log_str("form_id", self->terms.form_id));
        answer_taken(self, UUID_NIL);
    } else if (submission_read(&self->fields, &self->terms, clock_wall_us(), self->arena, &self->submission, &err) <
               0) {
        answer_err(self->job, &err);
    } else if (store(worker, self, &stored, &err) < 0) {
        log_err(err.kind == ERR_UNAVAILABLE ? LOG_WARN : LOG_ERROR, "a form could not be stored", &err);
        job_unavailable(self->job, "the form could not be stored; send it again");
    } else {
        answer_outcome(worker, self, &stored);
    }
}

static void run(struct worker *worker, void *arg)
{
    struct job *job = arg;
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    struct form_call self = {.job = job, .arena = arena, .client_id = job->match.params[0].value};
    struct err err = {0};

    log_set_trace(job->request_id);
    if (!arena || !(self.client_id = arena_strdup(arena, job->match.params[0].value)))
        job_unavailable(job, "no memory for this request");
    else if (submission_fields(exchange_header(job->x, "Content-Type"), exchange_body(job->x),
                               exchange_body_len(job->x), arena, &self.fields, &err) < 0)
        answer_err(job, &err);
    else
        take(worker, &self);
    log_set_trace(NULL);
}

void form_webhook_page(struct job *job)
{
    const char *type = exchange_header(job->x, "Content-Type");

    job->any_origin = true;
    if (!uuid_is_valid(job->match.params[0].value))
        job_problem(job, 401, NULL, NULL, "the form's token is missing or wrong");
    else if (exchange_body_len(job->x) > BODY_MAX)
        job_problem(job, 413, NULL, NULL, "a form may have %zu bytes", BODY_MAX);
    else if (!request_is_form(type) && !request_is_type(type, "application/json") &&
             !request_is_type(type, "multipart/form-data"))
        job_problem(job, 415, NULL, "Accept: " TYPES, "the body must be one of: " TYPES);
    else
        job_submit(job, run);
}

/* What a browser asks before a script of another page may send. */
void form_options_page(struct job *job)
{
    static const char *const headers[] = {"Access-Control-Allow-Methods: POST",
                                          "Access-Control-Allow-Headers: Authorization, Content-Type, X-Form-Token",
                                          "Access-Control-Max-Age: 86400", NULL};

    job->any_origin = true;
    job_reply_with(job, 204, "text/plain", "", 0, headers);
}

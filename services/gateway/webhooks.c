/* webhooks.c - what Twilio calls: texts of leads, and what became of ours.
 *
 * A text is checked in the server thread and queued for storing (accept.h); it
 * needs no other service to be alive. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/httpd.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/gateway/accept.h"
#include "services/gateway/gateway.h"
#include "services/gateway/optout.h"
#include "services/gateway/request.h"
#include "services/gateway/twilio_signature.h"

#define BODY_MAX    ((size_t)256 * 1024)
#define ARENA_MAX   ((size_t)2 * 1024 * 1024)
#define SID_MAX     64
#define TEXT_MAX    16384 /* bytes; Twilio's longest is 1600 characters */
#define EMPTY_TWIML "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>"

/* A webhook until it is answered. Lives in its arena. */
struct webhook {
    struct inbound in;
    struct job *job;
    struct arena *arena;
    struct form form;
};

static void webhook_free(struct webhook **self_p)
{
    struct arena *arena;

    if (!*self_p)
        return;
    arena = (*self_p)->arena;
    arena_destroy(&arena);
    *self_p = NULL;
}

static bool signature_valid(struct webhook *self)
{
    struct exchange *x = self->job->x;
    const struct config *config = self->job->gateway->worker->config;

    return twilio_signature_valid(config->twilio_auth_token,
                                  &(struct twilio_request){.public_url = config->public_url,
                                                           .target = exchange_target(x),
                                                           .form = &self->form,
                                                           .body = exchange_body(x),
                                                           .body_len = exchange_body_len(x)},
                                  exchange_header(x, "X-Twilio-Signature"), self->arena);
}

static void refuse_signature(struct job *job)
{
    job->gateway->counters.wrong_signatures++;
    if (gateway_may_warn(job->gateway))
        log_warn("a webhook without a valid signature was refused; is PUBLIC_URL what Twilio calls?",
                 log_str("remote", exchange_remote(job->x)),
                 log_int("refused_so_far", job->gateway->counters.wrong_signatures));
    job_problem(job, 403, NULL, NULL, "X-Twilio-Signature is missing or wrong");
}

/* Reads the form and checks who sent it. NULL: the job is answered. */
static struct webhook *webhook_open(struct job *job)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    struct webhook *self = arena ? arena_alloc(arena, sizeof *self) : NULL;
    struct err err = {0};

    if (!self) {
        job_unavailable(job, "no memory for this request");
        return NULL;
    }
    self->job = job;
    self->arena = arena;
    if (exchange_body_len(job->x) > BODY_MAX) {
        job_problem(job, 413, NULL, NULL, "a webhook's body may have %zu bytes", BODY_MAX);
    } else if (!exchange_header(job->x, "X-Twilio-Signature")) {
        refuse_signature(job);
    } else if (!request_is_form(exchange_header(job->x, "Content-Type"))) {
        job_problem(job, 415, NULL, "Accept: application/x-www-form-urlencoded",
                    "the body must be application/x-www-form-urlencoded");
    } else if (form_parse(exchange_body(job->x), exchange_body_len(job->x), arena, &self->form, &err) < 0) {
        job_problem_err(job, &err);
    } else if (!signature_valid(self)) {
        refuse_signature(job);
    } else {
        arena = NULL; /* self's from here on */
        return self;
    }
    return NULL;
}

/* ---- texts ---- */

static void answer_sms(struct inbound *in, enum accept_outcome outcome)
{
    struct webhook *self = (struct webhook *)in;
    struct job *job = self->job;

    switch (outcome) {
    case ACCEPT_STORED:
    case ACCEPT_DUPLICATE:
        job_reply(job, 200, "text/xml; charset=utf-8", EMPTY_TWIML, strlen(EMPTY_TWIML));
        break;
    case ACCEPT_UNKNOWN_NUMBER:
        /* Only Twilio can cause this, so each is worth a line. */
        log_warn("a text to a number of no client was refused", log_phone("to", in->to),
                 log_str("request_id", job->request_id));
        job_problem(job, 404, "To", NULL, "no client has this number");
        break;
    case ACCEPT_UNAVAILABLE:
        job_unavailable(job, "the text could not be stored; send it again");
        break;
    case ACCEPT_REFUSED:
        job_problem(job, 500, NULL, NULL, "the text cannot be stored; the log says why");
        break;
    }
    webhook_free(&self);
}

static bool sid_valid(const char *sid)
{
    size_t len = strlen(sid);

    return len >= 1 && len <= SID_MAX &&
           strspn(sid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == len;
}

/* Media alone come without words: what is stored says how many there were. NULL: there is nothing at all. */
static const char *text_of(const struct form *form, struct arena *arena)
{
    const char *body = form_get(form, "Body"), *media = form_get(form, "NumMedia");
    int64_t n = 0;

    if (body && *body)
        return body;
    if (!media || !text_to_int(media, 1, 100, &n))
        return NULL;
    return n == 1 ? "[1 attachment]" : arena_printf(arena, "[%d attachments]", (int)n);
}

/* Fills what is to be stored. -1 and *err names the parameter at fault. */
static int read_sms(struct webhook *self, struct err *err)
{
    struct inbound *in = &self->in;
    const struct config *config = self->job->gateway->worker->config;

    in->channel = "sms";
    in->sid = form_get(&self->form, "MessageSid");
    in->from = form_get(&self->form, "From");
    in->to = form_get(&self->form, "To");
    in->body = text_of(&self->form, self->arena);
    if (!in->sid || !sid_valid(in->sid))
        return err_set_field(err, ERR_INVALID, "MessageSid", "MessageSid must be 1 to %d letters and digits", SID_MAX);
    if (!in->from || !phone_is_e164(in->from))
        return err_set_field(err, ERR_INVALID, "From", "From must be an E.164 number");
    if (!in->to || !phone_is_e164(in->to))
        return err_set_field(err, ERR_INVALID, "To", "To must be an E.164 number");
    if (!in->body)
        return err_set_field(err, ERR_INVALID, "Body", "Body is required");
    if (strlen(in->body) > TEXT_MAX)
        return err_set_field(err, ERR_INVALID, "Body", "Body may have %d bytes", TEXT_MAX);
    in->trace_id = self->job->request_id;
    in->opt = optout_keyword(in->body);
    in->hold_ms = burst_hold_ms(in->body, config->burst_wait_ms);
    in->answer = answer_sms;
    return 0;
}

void sms_webhook_page(struct job *job)
{
    AUTO(webhook_free) struct webhook *self = webhook_open(job);
    struct err err = {0};

    if (!self)
        return;
    if (read_sms(self, &err) < 0) {
        job_problem_err(job, &err);
        return;
    }
    accept_inbound(job->gateway->accept, &TAKE(self)->in);
}

/* ---- status callbacks ---- */

/* The event that tells of a Twilio status: "sent" of message.sent. NULL: none. */
static const char *event_state(const char *status)
{
    static const struct {
        const char *status, *state;
    } states[] = {
        {"accepted", "sent"},
        {"scheduled", "sent"},
        {"queued", "sent"},
        {"sending", "sent"},
        {"sent", "sent"},
        {"delivered", "delivered"},
        {"partially_delivered", "delivered"},
        {"undelivered", "undelivered"},
        {"read", "read"},
        {"failed", "failed"},
        {"canceled", "failed"},
    };

    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (strcmp(states[i].status, status) == 0)
            return states[i].state;
    return NULL;
}

struct status_callback {
    const char *client_id, *message_id; /* which we put into the callback's address */
    const char *sid, *status, *text;    /* text: NULL if there is none */
    int64_t code;
};

static int read_status(struct webhook *self, struct status_callback *out, struct err *err)
{
    const char *query = exchange_query(self->job->x), *code = form_get(&self->form, "ErrorCode");
    struct form address;

    if (form_parse(query, strlen(query), self->arena, &address, err) < 0)
        return -1;
    *out = (struct status_callback){.client_id = form_get(&address, "client_id"),
                                    .message_id = form_get(&address, "message_id"),
                                    .sid = form_get(&self->form, "MessageSid"),
                                    .status = form_get(&self->form, "MessageStatus"),
                                    .text = form_get(&self->form, "ErrorMessage")};
    if (!out->text)
        out->text = form_get(&self->form, "ChannelStatusMessage");
    if (!out->client_id || !uuid_is_valid(out->client_id))
        return err_set_field(err, ERR_INVALID, "client_id", "client_id must be a UUID");
    if (!out->message_id || !uuid_is_valid(out->message_id))
        return err_set_field(err, ERR_INVALID, "message_id", "message_id must be a UUID");
    if (!out->sid || !sid_valid(out->sid))
        return err_set_field(err, ERR_INVALID, "MessageSid", "MessageSid must be 1 to %d letters and digits", SID_MAX);
    if (!out->status || !*out->status || strlen(out->status) > 32)
        return err_set_field(err, ERR_INVALID, "MessageStatus", "MessageStatus must have 1 to 32 bytes");
    if (!code || !text_to_int(code, 0, 1000000000, &out->code))
        out->code = 0;
    return 0;
}

static void publish_status(struct worker *worker, const struct status_callback *callback)
{
    const char *state = event_state(callback->status);
    struct message_event event = {.message_id = callback->message_id,
                                  .state = state,
                                  .provider_sid = callback->sid,
                                  .error_code = callback->code};
    char type[32];

    if (!state)
        return;
    snprintf(type, sizeof type, "message.%s", state);
    bus_publish(worker->bus, type, callback->client_id, &message_event_type, &event);
}

static void answer_status(struct job *job, struct worker *worker, const struct status_callback *callback)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct err err = {0};
    const char *outcome;

    /* Repeating it is harmless, so an uncertain commit is answered like one that failed. */
    if (db_run(worker->db, NULL, &rows, &err, "SELECT accept_message_status($1, $2, $3, $4, $5, $6) AS outcome",
               db_text(callback->client_id), db_text(callback->message_id), db_text(callback->sid),
               db_text(callback->status), db_int(callback->code), db_text(callback->text)) < 0) {
        log_err(LOG_WARN, "a status callback could not be stored", &err);
        if (err.kind == ERR_INVALID || err.kind == ERR_INTERNAL)
            job_problem(job, 500, NULL, NULL, "the status cannot be stored; the log says why");
        else
            job_unavailable(job, "the status could not be stored; send it again");
        return;
    }
    outcome = db_get(rows, 0, "outcome");
    if (outcome && strcmp(outcome, "unknown") == 0) {
        job_problem(job, 404, "message_id", NULL, "no such message");
        return;
    }
    if (outcome && strcmp(outcome, "changed") == 0)
        publish_status(worker, callback);
    job_reply(job, 200, "text/plain; charset=utf-8", "", 0);
}

static void run_status(struct worker *worker, void *arg)
{
    struct job *job = arg;
    AUTO(webhook_free) struct webhook *self = webhook_open(job);
    struct status_callback callback;
    struct err err = {0};

    if (!self)
        return;
    log_set_trace(job->request_id);
    if (read_status(self, &callback, &err) < 0)
        job_problem_err(job, &err);
    else
        answer_status(job, worker, &callback);
    log_set_trace(NULL);
}

void status_webhook_page(struct job *job)
{
    job_submit(job, run_status);
}

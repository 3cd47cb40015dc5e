/* webhook_status.c - what became of a message or a call of ours: /api/v1/webhooks/twilio/status.
 *
 * Callbacks come in any order, and more than once: each only ever moves its message forward (accept_message_status,
 * migrations/0037), so a repeated one changes nothing and needs no memory of its own. */
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/notices.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "libshared/twilio_codes.h"
#include "proto/messages.h"
#include "services/gateway/gateway.h"
#include "services/gateway/webhook.h"

#define STATUS_MAX 32

struct status_callback {
    const char *client_id, *message_id; /* which we put into the callback's address */
    bool is_call;
    const char *sid, *status, *text; /* text: NULL if there is none */
    int64_t code;
};

/* The first of the parameters that is there. */
static const char *first_of(const struct form *form, const char *a, const char *b)
{
    const char *value = form_get(form, a);

    return value ? value : form_get(form, b);
}

static int read_status(struct webhook *self, struct status_callback *out, struct err *err)
{
    const struct form *form = &self->form;
    const char *code = form_get(form, "ErrorCode");

    *out = (struct status_callback){.is_call = form_get(form, "CallSid") != NULL,
                                    .text = first_of(form, "ErrorMessage", "ChannelStatusMessage")};
    if (webhook_read_ids(self, &out->client_id, &out->message_id, err) < 0)
        return -1;
    if (out->is_call) {
        out->sid = form_get(form, "CallSid");
        out->status = form_get(form, "CallStatus");
        if (!out->text) /* "busy" and "no-answer" are all that is told */
            out->text = out->status;
    } else {
        out->sid = first_of(form, "MessageSid", "SmsSid");
        out->status = first_of(form, "MessageStatus", "SmsStatus");
    }
    if (!webhook_sid_valid(out->sid))
        return err_set_field(err, ERR_INVALID, out->is_call ? "CallSid" : "MessageSid",
                             "the sid must be 1 to %d letters and digits", WEBHOOK_SID_MAX);
    if (!out->status || !*out->status || strlen(out->status) > STATUS_MAX)
        return err_set_field(err, ERR_INVALID, out->is_call ? "CallStatus" : "MessageStatus",
                             "the status must have 1 to %d bytes", STATUS_MAX);
    if (!code || !text_to_int(code, 0, 1000000000, &out->code))
        out->code = 0;
    return 0;
}

/* Row 0 says what has changed. */
static void publish_status(struct worker *worker, const struct status_callback *callback, const struct db_result *rows)
{
    struct message_event event = {.message_id = callback->message_id,
                                  .conversation_id = db_get(rows, 0, "conversation_id"),
                                  .lead_id = db_get(rows, 0, "lead_id"),
                                  .channel = db_get(rows, 0, "channel"),
                                  .state = db_get(rows, 0, "state"),
                                  .provider_sid = callback->sid,
                                  .error_code = callback->code};
    struct lead_event opted_out = {.lead_id = event.lead_id,
                                   .conversation_id = event.conversation_id,
                                   .reason = "Twilio says that the number has opted out"};
    char type[STATUS_MAX];

    snprintf(type, sizeof type, "message.%s", event.state);
    bus_publish(worker->bus, type, callback->client_id, &message_event_type, &event);
    if (db_get_bool(rows, 0, "opted_out"))
        bus_publish(worker->bus, "lead.opted_out", callback->client_id, &lead_event_type, &opted_out);
}

/* A code that a person must see to: that a number is not registered, or a template is paused, is told here alone. */
static int tell_person(struct db_tx *tx, struct worker *worker, const struct status_callback *callback,
                       const struct db_result *rows, struct err *err)
{
    const char *state = db_get(rows, 0, "state");
    char subject[32];
    const struct notice_spec notice = {.client_id = callback->client_id,
                                       .kind = "message_failed",
                                       .subject = subject,
                                       .text = twilio_code_text((int)callback->code),
                                       .remedy = twilio_remedy((int)callback->code),
                                       .code = (int)callback->code};

    if (strcmp(db_get(rows, 0, "outcome"), "changed") != 0 ||
        (strcmp(state, "failed") != 0 && strcmp(state, "undelivered") != 0))
        return 0;
    snprintf(subject, sizeof subject, "code %d", (int)callback->code);
    return notice_raise(tx, worker->bus, &notice, err) < 0 ? -1 : 0;
}

static int store_status(struct worker *worker, const struct webhook *self, const struct status_callback *callback,
                        struct db_result **ret_rows, struct err *err)
{
    static const char sql[] = "SELECT outcome, state, lead_id, conversation_id, channel, opted_out"
                              "  FROM accept_message_status($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    const struct db_arg args[] = {db_text(callback->client_id), db_text(callback->message_id),
                                  db_text(self->account),       db_text(worker->config->twilio_account_sid),
                                  db_bool(callback->is_call),   db_text(callback->sid),
                                  db_text(callback->status),    db_int(callback->code),
                                  db_text(callback->text)};
    AUTO(db_rollback) struct db_tx *tx = NULL;

    if (!twilio_remedy((int)callback->code))
        return db_run_args(worker->db, NULL, ret_rows, err, sql, args, COUNT_OF(args));
    if (!(tx = db_begin(worker->db, NULL, err)) || db_query_args(tx, ret_rows, err, sql, args, COUNT_OF(args)) < 0 ||
        tell_person(tx, worker, callback, *ret_rows, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static void answer_status(struct webhook *self, struct worker *worker, const struct status_callback *callback)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct job *job = self->job;
    struct err err = {0};
    const char *outcome;

    /* Repeating it is harmless, so an uncertain commit is answered like one that failed. */
    if (store_status(worker, self, callback, &rows, &err) < 0) {
        log_err(LOG_WARN, "a status callback could not be stored", &err);
        if (err.kind == ERR_INVALID || err.kind == ERR_INTERNAL)
            job_problem(job, 500, NULL, NULL, "the status cannot be stored; the log says why");
        else
            job_unavailable(job, "the status could not be stored; send it again");
        return;
    }
    outcome = db_get(rows, 0, "outcome");
    if (strcmp(outcome, "wrong_account") == 0) {
        webhook_refuse(job);
        return;
    }
    if (strcmp(outcome, "unknown") == 0) {
        job_problem(job, 404, "message_id", NULL, "no such message");
        return;
    }
    if (strcmp(outcome, "changed") == 0)
        publish_status(worker, callback, rows);
    job_reply(job, 200, "text/plain; charset=utf-8", "", 0);
}

/* An account of a client's own tells of this client's messages alone. */
static bool is_of_signer(const struct webhook *self, const char *client_id)
{
    return !self->signers || strstr(self->signers, client_id);
}

static void run_status(struct worker *worker, struct webhook *self)
{
    struct status_callback callback;
    struct err err = {0};

    log_set_trace(self->job->request_id);
    if (read_status(self, &callback, &err) < 0)
        job_problem_err(self->job, &err);
    else if (!is_of_signer(self, callback.client_id))
        webhook_refuse(self->job);
    else
        answer_status(self, worker, &callback);
    log_set_trace(NULL);
    webhook_free(&self);
}

static void take_status(struct webhook *self)
{
    webhook_submit(self, run_status);
}

void status_webhook_page(struct job *job)
{
    webhook_begin(job, take_status);
}

/* webhook_voice.c - what an alert call is to do: /api/v1/webhooks/twilio/voice.
 *
 * Without a key pressed the call says the alert; 1 puts it through to the lead; all else ends it. Nothing is stored, so
 * a repeated request gets the same answer. */
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/twiml.h"
#include "services/gateway/gateway.h"
#include "services/gateway/webhook.h"

#define CONNECT_KEY "1"

static void put_answer(struct buf *out, const struct webhook *self, const char *client_id, const char *message_id,
                       const struct db_result *call)
{
    AUTO(buf_free) struct buf url = {0};
    const char *digits = form_get(&self->form, "Digits"), *lead = db_get(call, 0, "lead_phone");
    const char *language = db_get(call, 0, "language");

    if (!digits || !*digits) {
        twiml_voice_url(&url, self->job->gateway->worker->config->public_url, client_id, message_id);
        out->failed = url.failed;
        twiml_alert(out, url.failed ? "" : url.data, language, db_get(call, 0, "body"));
    } else if (strcmp(digits, CONNECT_KEY) == 0 && lead) {
        log_info("an alert call is put through to the lead", log_str("message_id", message_id),
                 log_phone("lead", lead));
        twiml_dial(out, db_get(call, 0, "our_number"), lead);
    } else {
        twiml_goodbye(out, language);
    }
}

static void answer_voice(struct webhook *self, struct worker *worker, const char *client_id, const char *message_id)
{
    AUTO(db_result_free) struct db_result *call = NULL;
    AUTO(buf_free) struct buf out = {0};
    struct job *job = self->job;
    struct err err = {0};
    int found = 0;

    if (client_id &&
        (found = db_run(worker->db, NULL, &call, &err,
                        "SELECT ours, body, our_number, lead_phone, language FROM alert_call($1, $2, $3, $4)",
                        db_text(client_id), db_text(message_id), db_text(self->account),
                        db_text(worker->config->twilio_account_sid))) < 0) {
        log_err(LOG_WARN, "an alert call could not be read", &err);
        job_unavailable(job, "what the call says could not be read; send it again");
        return;
    }
    if (found > 0 && !db_get_bool(call, 0, "ours")) {
        webhook_refuse(job);
        return;
    }
    if (found > 0)
        put_answer(&out, self, client_id, message_id, call);
    else
        twiml_goodbye(&out, NULL);
    if (out.failed)
        job_unavailable(job, "no memory for this request");
    else
        job_reply(job, 200, "text/xml; charset=utf-8", out.data, out.len);
}

/* A call that is none of ours has no ids in its address: somebody dials the number. */
static void run_voice(struct worker *worker, struct webhook *self)
{
    const char *client_id, *message_id;
    struct err err = {0};

    log_set_trace(self->job->request_id);
    if (webhook_read_ids(self, &client_id, &message_id, &err) < 0)
        client_id = NULL;
    if (client_id && self->signers && !strstr(self->signers, client_id))
        webhook_refuse(self->job);
    else
        answer_voice(self, worker, client_id, message_id);
    log_set_trace(NULL);
    webhook_free(&self);
}

static void take_voice(struct webhook *self)
{
    webhook_submit(self, run_voice);
}

void voice_webhook_page(struct job *job)
{
    webhook_begin(job, take_voice);
}

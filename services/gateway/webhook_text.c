/* webhook_text.c - what a lead writes, by SMS, MMS or WhatsApp: /api/v1/webhooks/twilio/sms and /whatsapp.
 *
 * A text is checked in the server thread and queued for storing (accept.h); it needs no other service to be alive. A
 * messaging service posts all of its channels to one address, so the channel is that of the addresses in the text, not
 * of the page.
 *
 * Twilio repeats a webhook whose answer it did not get (with the same I-Twilio-Idempotency-Token in each attempt): that
 * it is the same is known by MessageSid, which is the same in each attempt too, and also where the same message is
 * fetched or posted again by hand. */
#include <string.h>

#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "services/gateway/burst.h"
#include "services/gateway/gateway.h"
#include "services/gateway/inbound_form.h"
#include "services/gateway/webhook.h"

#define EMPTY_TWIML "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>"

/* ---- answering ---- */

static void answer_text(struct inbound *in, enum accept_outcome outcome)
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
    case ACCEPT_WRONG_ACCOUNT:
        log_warn(
            "a text to a number of another Twilio account was refused; is twilio_account_sid of the number's client"
            " right?",
            log_phone("to", in->to), log_str("account_sid", in->account), log_str("request_id", job->request_id));
        webhook_refuse(job);
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

static void take_text(struct webhook *self)
{
    struct inbound *in = &self->in;
    struct err err = {0};

    if (inbound_read_form(&self->form, self->arena, in, &err) < 0) {
        job_problem_err(self->job, &err);
        webhook_free(&self);
        return;
    }
    in->account = self->account;
    in->signers = self->signers;
    in->trace_id = self->job->request_id;
    in->hold_ms = burst_hold_ms(in->body, self->job->gateway->worker->config->burst_wait_ms);
    in->answer = answer_text;
    accept_inbound(self->job->gateway->accept, in);
}

void text_webhook_page(struct job *job)
{
    webhook_begin(job, take_text);
}

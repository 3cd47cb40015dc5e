/* send.c - the tasks that send a message: send_message_sms, send_message_whatsapp, send_sms_alert, make_alert_call.
 *
 * Twilio cannot recognise a repeated request, so a send is bracketed: the intent is committed (admit.h), then Twilio is
 * asked, then the outcome is committed (settle.h, outcome.h). Who finds an intent without an outcome does not send: see
 * reconcile.c. */
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/sms_segments.h"
#include "libshared/tasks.h"
#include "libshared/twiml.h"
#include "proto/messages.h"
#include "services/delivery/account.h"
#include "services/delivery/admit.h"
#include "services/delivery/breaker.h"
#include "services/delivery/delivery.h"
#include "services/delivery/lookup.h"
#include "services/delivery/message_store.h"
#include "services/delivery/outcome.h"
#include "services/delivery/settle.h"
#include "services/delivery/templates.h"
#include "services/delivery/twilio.h"

/* An intent is good for so long: then the lead may have said STOP, or the process have stood still so long that another
 * one has taken over. */
#define INTENT_MS 300

/* So often a number that cannot be looked up now is waited for: then the text itself tells. */
#define LOOKUP_ATTEMPTS 3

void publish_message(struct worker *self, const struct task *task, const struct outbound *message, const char *type,
                     const char *state, const char *sid, int error_code)
{
    struct message_event event = {
        .message_id = message->message_id,
        .conversation_id = message->conversation_id,
        .lead_id = message->lead_id,
        .channel = message->channel,
        .state = state,
        .provider_sid = sid,
        .error_code = error_code,
    };

    bus_publish(self->bus, type, task->client_id, &message_event_type, &event);
}

/* ---- asking Twilio ---- */

/* The address that Twilio reports the message's progress to; NULL without PUBLIC_URL. */
static const char *callback_address(const struct worker *self, const struct task *task, const struct outbound *message)
{
    if (!self->config->public_url)
        return NULL;
    return arena_printf(task->arena, "%s/api/v1/webhooks/twilio/status?client_id=%s&message_id=%s",
                        self->config->public_url, task->client_id, message->message_id);
}

static int send_text(struct worker *self, struct task *task, const struct outbound *message,
                     const struct twilio_account *account, struct twilio_sent *ret_sent, struct err *err)
{
    const struct delivery *delivery = self->state;
    const struct twilio_message text = {.whatsapp = strcmp(message->channel, "whatsapp") == 0,
                                        .to = message->to,
                                        .from = message->from,
                                        .messaging_service = message->messaging_service_sid,
                                        .body = message->body,
                                        .content_sid = message->content_sid,
                                        .content_variables = message->content_variables,
                                        .status_callback = callback_address(self, task, message)};

    if (twilio_send(delivery->twilio, account, &text, ret_sent, err) < 0)
        return -1;
    if (text.whatsapp)
        ret_sent->segments = 0;
    else if (ret_sent->segments == 0)
        ret_sent->segments = sms_segments(message->body);
    return 0;
}

/* Inline, what is said goes with the request; else Twilio asks the gateway for it. Without PUBLIC_URL nobody can hear
 * which key is pressed: then it is said inline, and that is all. */
static int call(struct worker *self, struct task *task, const struct admission *admission,
                const struct twilio_account *account, struct twilio_sent *ret_sent, struct err *err)
{
    const struct delivery *delivery = self->state;
    const struct outbound *message = &admission->message;
    const char *public_url = self->config->public_url;
    struct twilio_call wanted = {.to = message->to,
                                 .from = message->from,
                                 .status_callback = callback_address(self, task, message)};
    AUTO(buf_free) struct buf url = {0}, twiml = {0};
    const char *language;

    if (message_call_language(self->db, task->client_id, task->arena, &language, err) < 0) {
        if (err)
            err->kind = ERR_UNAVAILABLE; /* nothing has left us */
        return -1;
    }
    if (public_url)
        twiml_voice_url(&url, public_url, task->client_id, message->message_id);
    if (public_url && strcmp(admission->call_twiml, "url") == 0) {
        wanted.url = url.data;
    } else if (public_url) {
        twiml_alert(&twiml, url.data, language, message->body);
        wanted.twiml = twiml.data;
    } else {
        twiml_say(&twiml, language, message->body);
        wanted.twiml = twiml.data;
    }
    if (url.failed || twiml.failed)
        return err_set(err, ERR_UNAVAILABLE, "delivery: out of memory");
    return twilio_call(delivery->twilio, account, &wanted, ret_sent, err);
}

/* Whose account, and what is to be known before anything is sent: nothing has left us if this fails. */
static int prepare(struct worker *self, struct task *task, const struct admission *admission,
                   struct twilio_account *ret_account, struct err *err)
{
    const struct delivery *delivery = self->state;
    const struct outbound *message = &admission->message;
    const char *rendered;

    if (account_open(self->config, task->client_id, admission->client_account_sid, admission->client_auth_token,
                     task->arena, ret_account, err) < 0)
        return -1;
    if (admission->lookup && lookup_before_text(self, ret_account, task->client_id, message->lead_id, err) < 0 &&
        !(err->kind == ERR_UNAVAILABLE && task->attempt > LOOKUP_ATTEMPTS))
        return -1;
    if (!message->content_sid)
        return 0;
    if (template_render(delivery->twilio, ret_account, message->content_sid, message->content_variables, task->arena,
                        &rendered, err) < 0)
        return -1;
    if (strcmp(rendered, message->body) == 0)
        return 0;
    return message_keep_body(self->db, task->client_id, message->message_id, rendered, err);
}

/* ---- what became of it ---- */

/* Accepted. If the task is no longer ours, whoever holds it finds the message sent. */
static int record_sent(struct worker *self, struct task *task, const struct outbound *message,
                       const struct twilio_sent *sent, struct err *err)
{
    struct settlement settlement = {.task = task,
                                    .message_id = message->message_id,
                                    .sid = sent->sid,
                                    .segments = sent->segments};

    if (settle_sent(self, &settlement, err) < 0)
        return -1;
    log_info("message sent", log_str("message_id", message->message_id), log_phone("to", message->to),
             log_str("sid", sent->sid));
    if (settlement.changed) /* otherwise a status callback was faster, and was published */
        publish_message(self, task, message, "message.sent", "sent", sent->sid, 0);
    if (settlement.ours)
        return 0;
    return err_set(err, ERR_CONFLICT, "the task's attempt %d is no longer ours", task->attempt);
}

static bool is_final(const struct err *why)
{
    return why->kind == ERR_INVALID || why->kind == ERR_DENIED;
}

/* 1, 0: it must not be sent any more, or -1. admitted_ms: the intent is not older than that. */
static int may_still_go(struct worker *self, const struct task *task, const struct outbound *message,
                        int64_t admitted_ms, struct err *err)
{
    if (clock_mono_ms() - admitted_ms < INTENT_MS)
        return 1;
    return message_confirm(self->db, task, message, err);
}

/* The intent is committed: asks Twilio, with no connection held, and commits the outcome. */
static int send_and_record(struct worker *self, struct task *task, const struct admission *admission,
                           int64_t admitted_ms, struct err *err)
{
    const struct outbound *message = &admission->message;
    int64_t began_ms;
    struct twilio_account account = {0};
    struct twilio_sent sent = {0};
    struct err why = {0};
    int overtaken, confirmed, accepted;

    if ((overtaken = outcome_overtaken(self, task, message, err)) != 0)
        return overtaken < 0 ? -1 : 0;
    if (prepare(self, task, admission, &account, &why) < 0)
        return is_final(&why) ? outcome_refused(self, task, message, account.key ? &account : NULL, &why, err)
                              : outcome_not_taken(self, task, message, account.key ? &account : NULL, &why, err);
    if ((confirmed = may_still_go(self, task, message, admitted_ms, err)) <= 0)
        return confirmed < 0 ? -1 : outcome_decided_anew(self, task, message, err);
    began_ms = clock_mono_ms();
    if (strcmp(message->channel, "voice") == 0)
        accepted = call(self, task, admission, &account, &sent, &why);
    else
        accepted = send_text(self, task, message, &account, &sent, &why);

    failpoint("delivery.after_post");
    if (accepted == 0) {
        breaker_succeeded(self, &account);
        return record_sent(self, task, message, &sent, err);
    }
    if (is_final(&why))
        return outcome_refused(self, task, message, &account, &why, err);
    if (why.kind == ERR_UNAVAILABLE)
        return outcome_not_taken(self, task, message, &account, &why, err);
    return outcome_doubted(self, task, message, clock_mono_ms() - began_ms, &why, err);
}

/* What Twilio would refuse in any case is not asked of it. */
static int refuse_unasked(struct worker *self, struct task *task, const struct admission *admission, struct err *err)
{
    const char *text = twilio_code_text(admission->code);
    struct err why = {0};

    err_set(&why, ERR_INVALID, "not sent to Twilio, which would answer code %d: %s", admission->code,
            text ? text : "it is not valid");
    why.provider_code = admission->code;
    return outcome_refused(self, task, &admission->message, NULL, &why, err);
}

/* Sends one outbound message. A second run finds how far the first one came in the message's state: queued, it sends;
 * sending or uncertain, it asks Twilio what became of it; anything else, there is nothing to do. What failed without
 * Twilio having taken it had its task buried: only a person makes that run again, so that it is sent. */
int on_send_message(struct worker *self, struct task *task, struct err *err)
{
    const struct send_message *wanted = task->payload;
    int64_t began_ms = clock_mono_ms();
    struct admission admission;
    const struct outbound *message = &admission.message;

    if (admit(self, task, wanted->message_id, &admission, err) < 0)
        return -1;
    switch (admission.decision) {
    case ADMIT_SEND:
        failpoint("delivery.after_intent");
        return send_and_record(self, task, &admission, began_ms, err);
    case ADMIT_LOOK:
        return resolve_uncertain(self, task, &admission, err);
    case ADMIT_SETTLED:
        return outcome_settled(self, task, message, err);
    case ADMIT_DROP:
        return outcome_dropped(self, task, message, err);
    case ADMIT_REFUSE:
        return refuse_unasked(self, task, &admission, err);
    case ADMIT_WAIT:
        return outcome_waits(self, task, message, admission.wait_ms, admission.reason, err);
    case ADMIT_LOST:
        break;
    }
    return err_set(err, ERR_CONFLICT, "the task's attempt %d is no longer ours", task->attempt);
}

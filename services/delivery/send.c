/* send.c - task send_message_sms.
 *
 * Twilio cannot recognise a repeated request, so a send is bracketed: the intent is committed, then Twilio is asked,
 * then the outcome is committed. Who finds an intent without an outcome does not send: see reconcile.c. */
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/delivery/account.h"
#include "services/delivery/delivery.h"
#include "services/delivery/message_store.h"
#include "services/delivery/twilio.h"

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

/* What Twilio would refuse in any case is refused here, with the code that it would give. */
static int check_content(const struct outbound *message, struct err *err)
{
    int code = 0;

    if (!phone_is_e164(message->to))
        code = TWILIO_BAD_TO;
    else if (!phone_is_e164(message->from))
        code = TWILIO_BAD_FROM;
    else if (!*message->body)
        code = TWILIO_BODY_MISSING;
    else if (utf8_count(message->body) > TWILIO_BODY_CHARS_MAX)
        code = TWILIO_BODY_TOO_LONG;
    if (!code)
        return 0;
    err_set(err, ERR_INVALID, "not sent to Twilio, which would answer code %d: %s", code,
            code == TWILIO_BAD_TO     ? "the recipient is not an E.164 number"
            : code == TWILIO_BAD_FROM ? "the sender is not an E.164 number"
                                      : "the text must have 1 to 1600 characters");
    err->provider_code = code;
    return -1;
}

/* It was settled before: by an attempt whose answer to the database was lost, or by a status callback. */
static int finish_settled(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                          struct err *err)
{
    if (task_complete(*tx, self->bus, task, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    log_info("message was settled already", log_str("message_id", message->message_id),
             log_str("state", message->state));
    return 0;
}

static int drop(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                struct err *err)
{
    int dropped = message_drop(*tx, task->client_id, message->message_id, err);

    if (dropped < 0)
        return -1;
    if (dropped == 0)
        return err_set(err, ERR_CONFLICT, "message %s changed while it was to be sent", message->message_id);
    if (task_complete(*tx, self->bus, task, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    log_info("message dropped: the lead has opted out or a person took over",
             log_str("message_id", message->message_id));
    return 0;
}

/* Final: the message has failed and its task is dead, for a person to see. */
static int refuse(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                  const struct err *why, struct err *err)
{
    const char *remedy = twilio_remedy(why->provider_code);

    if (message_refuse(*tx, task->client_id, message->message_id, why->provider_code, why->text, err) < 0 ||
        task_bury(*tx, self->bus, task, why, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    log_error("message refused", log_str("message_id", message->message_id), log_phone("to", message->to),
              log_str("error", why->text), log_int("provider_code", why->provider_code),
              log_str("to_fix", remedy ? remedy : ""));
    publish_message(self, task, message, "message.failed", "failed", NULL, why->provider_code);
    if (why->provider_code == TWILIO_OPTED_OUT) {
        struct lead_event event = {.lead_id = message->lead_id,
                                   .conversation_id = message->conversation_id,
                                   .reason = "Twilio answers that the number has opted out"};

        bus_publish(self->bus, "lead.opted_out", task->client_id, &lead_event_type, &event);
    }
    return 0;
}

/* Accepted. The sid is kept even if another process holds the task by now: it must not send the message again. */
static int record_sent(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                       const char *sid, struct err *err)
{
    int changed = message_sent(*tx, task->client_id, message->message_id, sid, err);
    struct err why = {0};
    bool ours;

    if (changed < 0)
        return -1;
    ours = task_complete(*tx, self->bus, task, &why) == 0;
    if (!ours && why.kind != ERR_CONFLICT) {
        *err = why;
        return -1;
    }
    if (db_commit(tx, err) < 0)
        return -1;
    log_info("message sent", log_str("message_id", message->message_id), log_phone("to", message->to),
             log_str("sid", sid));
    if (changed) /* otherwise a status callback was faster, and was published */
        publish_message(self, task, message, "message.sent", "sent", sid, 0);
    if (ours)
        return 0;
    *err = why;
    return -1;
}

/* Surely not accepted: as if it had not been tried. After the last attempt it has failed. */
static int take_back(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                     const struct err *why, struct err *err)
{
    if (task->attempt >= task->max_attempts)
        return refuse(self, tx, task, message, why, err);
    if (message_take_back(*tx, task->client_id, message->message_id, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    *err = *why;
    return -1;
}

static int doubt(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                 int64_t elapsed_ms, const struct err *why, struct err *err)
{
    const struct delivery *delivery = self->state;
    int doubted = message_doubt(*tx, task->client_id, message->message_id, err);

    if (doubted < 0)
        return -1;
    if (doubted == 0) /* a status callback was faster */
        return finish_settled(self, tx, task, message, err);
    if (task_postpone(*tx, task, look_due_in_ms(&delivery->looks, 0, elapsed_ms), why->text, err) < 0 ||
        db_commit(tx, err) < 0)
        return -1;
    log_warn("it is uncertain whether the message was sent", log_str("message_id", message->message_id),
             log_str("error", why->text), log_int("provider_code", why->provider_code));
    return 0;
}

/* The address that Twilio reports the message's progress to; NULL without PUBLIC_URL. */
static const char *callback_address(const struct worker *self, const struct task *task, const struct outbound *message)
{
    if (!self->config->public_url)
        return NULL;
    return arena_printf(task->arena, "%s/api/v1/webhooks/twilio/status?client_id=%s&message_id=%s",
                        self->config->public_url, task->client_id, message->message_id);
}

/* The intent is committed: asks Twilio, with no connection held, and commits the outcome. */
static int send_and_record(struct worker *self, struct task *task, const struct outbound *message, struct err *err)
{
    const struct delivery *delivery = self->state;
    const struct twilio_message text = {.from = message->from,
                                        .to = message->to,
                                        .body = message->body,
                                        .status_callback = callback_address(self, task, message)};
    AUTO(db_rollback) struct db_tx *tx = NULL;
    int64_t began_ms = clock_mono_ms();
    struct twilio_account account;
    struct twilio_sent accepted;
    struct err why = {0};
    int sent;

    account_of_environment(self->config, &account);
    sent = twilio_send(delivery->twilio, &account, &text, &accepted, &why);

    failpoint("delivery.after_post");
    if (!(tx = db_begin(self->db, task->client_id, err)))
        return -1;
    if (sent == 0)
        return record_sent(self, &tx, task, message, accepted.sid, err);
    if (task_still_ours(tx, task, err) < 0)
        return -1;
    if (why.kind == ERR_UNAVAILABLE)
        return take_back(self, &tx, task, message, &why, err);
    if (why.kind == ERR_INVALID || why.kind == ERR_DENIED)
        return refuse(self, &tx, task, message, &why, err);
    return doubt(self, &tx, task, message, clock_mono_ms() - began_ms, &why, err);
}

/* Sends one outbound message as a text. A second run finds how far the first one came in the message's state: queued,
 * it sends; sending or uncertain, it asks Twilio what became of it; anything else, there is nothing to do. What failed
 * without Twilio having taken it had its task buried: only a person makes that run again, so that it is sent. */
int on_send_message_sms(struct worker *self, struct task *task, struct err *err)
{
    const struct send_message *wanted = task->payload;
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);
    struct outbound message;
    struct err why = {0};
    int allowed, requeued = 0;

    if (!tx || task_still_ours(tx, task, err) < 0 ||
        message_load(tx, task->client_id, wanted->message_id, task->arena, &message, err) < 0)
        return -1;
    if (strcmp(message.state, "sending") == 0 || strcmp(message.state, "uncertain") == 0) {
        db_rollback(&tx);
        return resolve_uncertain(self, task, &message, err);
    }
    if (strcmp(message.state, "failed") == 0)
        requeued = message_requeue(tx, task->client_id, message.message_id, err);
    if (requeued < 0)
        return -1;
    if (!requeued && strcmp(message.state, "queued") != 0)
        return finish_settled(self, &tx, task, &message, err);
    if (check_content(&message, &why) < 0)
        return refuse(self, &tx, task, &message, &why, err);

    if ((allowed = message_intend(tx, task->client_id, message.message_id, err)) < 0)
        return -1;
    if (!allowed)
        return drop(self, &tx, task, &message, err);
    failpoint("delivery.before_intent");
    if (db_commit(&tx, err) < 0)
        return -1;
    failpoint("delivery.after_intent");
    return send_and_record(self, task, &message, err);
}

/* outcome.c - see outcome.h. */
#include "services/delivery/outcome.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/notices.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "proto/messages.h"
#include "services/delivery/breaker.h"
#include "services/delivery/delivery.h"
#include "services/delivery/message_store.h"
#include "services/delivery/twilio.h"

static struct db_tx *begin(struct worker *self, const struct task *task, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);

    if (!tx || task_still_ours(tx, task, err) < 0)
        return NULL;
    return TAKE(tx);
}

/* The same; a message that had failed and that a person wants to be tried again is queued again. */
static struct db_tx *begin_unsent(struct worker *self, const struct task *task, const struct outbound *message,
                                  struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = begin(self, task, err);

    if (!tx ||
        (strcmp(message->state, "failed") == 0 && message_requeue(tx, task->client_id, message->message_id, err) < 0))
        return NULL;
    return TAKE(tx);
}

int outcome_settled(struct worker *self, struct task *task, const struct outbound *message, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = begin(self, task, err);

    if (!tx || task_complete(tx, self->bus, task, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    log_info("message was settled already", log_str("message_id", message->message_id),
             log_str("state", message->state));
    return 0;
}

int outcome_dropped(struct worker *self, struct task *task, const struct outbound *message, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = begin_unsent(self, task, message, err);
    int dropped = tx ? message_drop(tx, task->client_id, message->message_id, err) : -1;

    if (dropped < 0)
        return -1;
    if (dropped == 0)
        return err_set(err, ERR_CONFLICT, "message %s changed while it was to be sent", message->message_id);
    if (task_complete(tx, self->bus, task, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    log_info("message dropped: the lead has opted out or written again, or a person took over",
             log_str("message_id", message->message_id));
    return 0;
}

int outcome_overtaken(struct worker *self, struct task *task, const struct outbound *message, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;
    int dropped;

    if (strcmp(message->purpose, "consent") != 0)
        return 0;
    if (!(tx = begin(self, task, err)) ||
        (dropped = message_drop_overtaken(tx, task->client_id, message->message_id, err)) < 0)
        return -1;
    if (dropped == 0)
        return 0;
    if (task_complete(tx, self->bus, task, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    log_info("message dropped: the lead has opted out since", log_str("message_id", message->message_id));
    return 1;
}

/* A wait that is not over within a minute is one for hours. */
#define SHORT_WAIT_MS 60000

/* The hours may have been changed since it was judged by them: then who changed them has not seen it wait. */
static int judge_again(struct db_tx *tx, const struct task *task, const struct outbound *message, int64_t *wait_ms,
                       struct err *err)
{
    return *wait_ms <= SHORT_WAIT_MS ? 0 : message_hours_wait(tx, task->client_id, message->message_id, wait_ms, err);
}

int outcome_waits(struct worker *self, struct task *task, const struct outbound *message, int64_t wait_ms,
                  const char *reason, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = begin_unsent(self, task, message, err);

    if (!tx || judge_again(tx, task, message, &wait_ms, err) < 0 || task_postpone(tx, task, wait_ms, reason, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    log_info("message waits", log_str("message_id", message->message_id), log_str("reason", reason),
             log_int("wait_ms", wait_ms));
    return 0;
}

int outcome_decided_anew(struct worker *self, struct task *task, const struct outbound *message, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = begin(self, task, err);

    if (!tx || message_take_back(tx, task->client_id, message->message_id, err) < 0 ||
        task_postpone(tx, task, 0, "what was known when its sending began has changed", err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    log_info("message not sent: whether it may be is decided anew", log_str("message_id", message->message_id));
    return 0;
}

/* ---- refused ---- */

static bool is_about_template(const struct outbound *message, int code)
{
    return message->content_sid && (code == TWILIO_NOT_FOUND || (code >= 21654 && code <= 21656) ||
                                    (code >= 63027 && code <= 63028) || (code >= 63040 && code <= 63041));
}

/* Nobody has been told of a hot lead, and nobody will be. */
static void about_alert(const struct outbound *message, int code, struct notice_spec *notice)
{
    notice->kind = "alert_not_sent";
    notice->subject = message->to;
    notice->remedy = code == TWILIO_OPTED_OUT
                         ? "the number has opted out of our texts: text START from it to the client's number, or set "
                           "another hot_lead_sms_number"
                         : "check the client's hot_lead_sms_number and alert_call_number";
}

/* What a person must see to beyond this one message: the client's number, a template, a setting of the account, the
 * number that alerts go to. */
static int tell_person(struct worker *self, struct db_tx *tx, const struct task *task, const struct outbound *message,
                       const struct err *why, struct err *err)
{
    const char *remedy = twilio_remedy(why->provider_code);
    struct notice_spec notice = {.client_id = task->client_id,
                                 .text = why->text,
                                 .remedy = remedy,
                                 .code = why->provider_code};

    if (twilio_meaning(why->provider_code) == TWILIO_MEANS_CREDENTIALS) /* that has its own: see breaker.h */
        return 0;
    if (!remedy && strcmp(message->purpose, "alert") != 0)
        return 0;
    if (!remedy) {
        about_alert(message, why->provider_code, &notice);
    } else if (is_about_template(message, why->provider_code)) {
        notice.kind = "template_refused";
        notice.subject = message->content_sid;
    } else if (why->provider_code == TWILIO_BODY_MISSING ||
               twilio_meaning(why->provider_code) != TWILIO_MEANS_CONFIGURATION) {
        notice.kind = "message_failed";
        notice.subject = arena_printf(task->arena, "code %d", why->provider_code);
    } else {
        notice.kind = "sender_refused";
        notice.subject = message->messaging_service_sid ? message->messaging_service_sid
                         : *message->from               ? message->from
                                                        : message->channel;
    }
    if (!notice.subject)
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    return notice_raise(tx, self->bus, &notice, err) < 0 ? -1 : 0;
}

static void publish_opt_out(struct worker *self, const struct task *task, const struct outbound *message)
{
    struct lead_event event = {.lead_id = message->lead_id,
                               .conversation_id = message->conversation_id,
                               .reason = "Twilio answers that the number has opted out"};

    bus_publish(self->bus, "lead.opted_out", task->client_id, &lead_event_type, &event);
}

static int record_refusal(struct worker *self, struct task *task, const struct outbound *message, const struct err *why,
                          struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = begin_unsent(self, task, message, err);

    if (!tx || message_refuse(tx, task->client_id, message->message_id, why->provider_code, why->text, err) < 0 ||
        tell_person(self, tx, task, message, why, err) < 0 || task_bury(tx, self->bus, task, why, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

int outcome_refused(struct worker *self, struct task *task, const struct outbound *message,
                    const struct twilio_account *account, const struct err *why, struct err *err)
{
    const char *remedy = twilio_remedy(why->provider_code);
    struct err problem = {0};

    if (record_refusal(self, task, message, why, err) < 0)
        return -1;
    log_error("message refused", log_str("message_id", message->message_id), log_phone("to", message->to),
              log_str("error", why->text), log_int("provider_code", why->provider_code),
              log_str("to_fix", remedy ? remedy : ""));
    publish_message(self, task, message, "message.failed", "failed", NULL, why->provider_code);
    if (why->provider_code == TWILIO_OPTED_OUT && strcmp(message->purpose, "alert") != 0)
        publish_opt_out(self, task, message);
    /* Without the pause the next send finds the same. */
    if (account && twilio_meaning(why->provider_code) == TWILIO_MEANS_CREDENTIALS &&
        breaker_refused(self, account, why, &problem) < 0)
        log_err(LOG_ERROR, "account not paused", &problem);
    return 0;
}

/* ---- not taken, or nobody knows ---- */

int outcome_not_taken(struct worker *self, struct task *task, const struct outbound *message,
                      const struct twilio_account *account, const struct err *why, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct err problem = {0};

    if (account && why->provider_code == TWILIO_TOO_MANY &&
        breaker_limited(self, account, why->retry_after_s, &problem) < 0)
        log_err(LOG_WARN, "account not paused", &problem);
    if (task->attempt >= task->max_attempts)
        return outcome_refused(self, task, message, NULL, why, err);
    if (!(tx = begin(self, task, err)) || message_take_back(tx, task->client_id, message->message_id, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    *err = *why;
    return -1;
}

int outcome_doubted(struct worker *self, struct task *task, const struct outbound *message, int64_t elapsed_ms,
                    const struct err *why, struct err *err)
{
    const struct delivery *delivery = self->state;
    AUTO(db_rollback) struct db_tx *tx = begin(self, task, err);
    int doubted = tx ? message_doubt(tx, task->client_id, message->message_id, err) : -1;

    if (doubted < 0)
        return -1;
    if (doubted == 0) { /* a status callback was faster */
        db_rollback(&tx);
        return outcome_settled(self, task, message, err);
    }
    if (task_set_lane(tx, task, NULL, err) < 0 || /* a look sends nothing */
        task_postpone(tx, task, look_due_in_ms(&delivery->looks, 0, elapsed_ms), why->text, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    log_warn("it is uncertain whether the message was sent", log_str("message_id", message->message_id),
             log_str("error", why->text), log_int("provider_code", why->provider_code));
    return 0;
}

/* reconcile.c - what became of a send without a clear answer.
 *
 * Twilio is asked for its messages at set times after the intent, and as long as it does not answer after that, for a
 * day; but not after the last of the times where the account that the message went through is configured no more. One
 * that can only be ours is adopted. One that two whole listings in a row, the last ones, do not hold was never
 * accepted: it is sent again, up to seven times. In all other cases a person decides; nothing is repeated blindly. A
 * status callback may settle it at any time before. A call is not looked for, and never repeated: it waits for its
 * callback until the looks would be over. */
#include <string.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/notices.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "services/delivery/account.h"
#include "services/delivery/admit.h"
#include "services/delivery/delivery.h"
#include "services/delivery/message_store.h"
#include "services/delivery/templates.h"
#include "services/delivery/twilio.h"

/* Between Twilio's clock and the database's. Generous: what is not found is sent again, and what is found is nobody
 * else's. */
#define CLOCK_SKEW_US   ((int64_t)600 * 1000000)
#define SENDS_MAX       8 /* each was shown not to have arrived: one more is as safe as the first */
#define LISTINGS_NEEDED 2
#define PATIENCE_MS     ((int64_t)24 * 3600 * 1000) /* with a Twilio that lists nothing */

/* What a look saw that did not find the message. */
enum seen {
    SEEN_NOTHING,    /* a whole listing without it */
    SEEN_OTHER_TEXT, /* one that may be it, with its text changed on the way */
    NOT_SEEN,        /* no listing */
    ELSEWHERE,       /* none that could be had: the account is not ours to ask any more */
};

/* The task came before its time: after a crash, or somebody asked for it. A look sends nothing: it needs no turn in the
 * lane. */
static int wait_for_look(struct worker *self, struct task *task, const struct outbound *message, int64_t due_ms,
                         struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);

    if (!tx || task_still_ours(tx, task, err) < 0 || message_doubt(tx, task->client_id, message->message_id, err) < 0 ||
        task_set_lane(tx, task, NULL, err) < 0 ||
        task_postpone(tx, task, due_ms, "it is uncertain whether the message was sent", err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* It was accepted: as a listing shows now, or as a status callback has told meanwhile. */
static int adopt(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                 const char *sid, struct err *err)
{
    int changed = message_sent(*tx, task->client_id, message->message_id, sid, err);

    if (changed < 0 || task_complete(*tx, self->bus, task, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    log_info("uncertain message was accepted", log_str("message_id", message->message_id), log_str("sid", sid));
    if (changed)
        publish_message(self, task, message, "message.sent", "sent", sid, 0);
    return 0;
}

/* A status callback was faster than our look: nothing is left to do. */
static int finish_settled(struct worker *self, struct db_tx **tx, struct task *task, struct err *err)
{
    return task_complete(*tx, self->bus, task, err) < 0 ? -1 : db_commit(tx, err);
}

static int send_again(struct db_tx **tx, struct task *task, const struct outbound *message, struct err *err)
{
    char lane[TASK_LANE_SIZE];

    task_lane(message->channel, message->from, lane);
    if (message_send_again(*tx, task->client_id, message->message_id, err) < 0 ||
        task_set_lane(*tx, task, lane, err) < 0 ||
        task_postpone(*tx, task, 0, "Twilio does not have the message: it is sent again", err) < 0 ||
        db_commit(tx, err) < 0)
        return -1;
    log_warn("Twilio does not have the message: it is sent again", log_str("message_id", message->message_id));
    return 0;
}

static int leave_to_a_person(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                             const struct err *why, struct err *err)
{
    const char *sender = message->messaging_service_sid ? message->messaging_service_sid : message->from;
    const struct notice_spec notice = {
        .client_id = task->client_id,
        .kind = "message_uncertain",
        .subject = sender,
        .text = "nobody knows whether a message was sent, and it is not sent again by itself",
        .remedy =
            "leadctl task list --state dead tells which: look for it in Twilio's console, and retry the task if it "
            "is not there",
        .code = why->provider_code};

    if (task_bury(*tx, self->bus, task, why, err) < 0 || notice_raise(*tx, self->bus, &notice, err) < 0 ||
        db_commit(tx, err) < 0)
        return -1;
    log_error("nobody knows whether the message was sent: a person must decide",
              log_str("message_id", message->message_id), log_phone("to", message->to), log_str("error", why->text));
    publish_message(self, task, message, "message.failed", "uncertain", NULL, why->provider_code);
    return 0;
}

static bool is_never_accepted(const struct outbound *message, enum seen seen)
{
    return seen == SEEN_NOTHING && message->looks_listed + 1 >= LISTINGS_NEEDED;
}

/* Until the next look; 0: there is none. */
static int64_t next_look_in_ms(const struct look_schedule *schedule, const struct outbound *message, enum seen seen,
                               int64_t elapsed_ms)
{
    int looks = message->looks + 1;

    if (looks < schedule->n)
        return look_due_in_ms(schedule, looks, elapsed_ms) + 1;
    if (seen == SEEN_OTHER_TEXT || seen == ELSEWHERE || is_never_accepted(message, seen) ||
        strcmp(message->channel, "voice") == 0)
        return 0;
    return elapsed_ms < PATIENCE_MS ? schedule->after_ms[schedule->n - 1] : 0;
}

/* A look that did not find it. */
static int not_found(struct worker *self, struct db_tx **tx, struct task *task, const struct outbound *message,
                     enum seen seen, int64_t elapsed_ms, const struct err *why, struct err *err)
{
    const struct delivery *delivery = self->state;
    int64_t wait_ms = next_look_in_ms(&delivery->looks, message, seen, elapsed_ms);
    int noted = message_looked(*tx, task->client_id, message->message_id, seen == SEEN_NOTHING, why->text, err);

    if (noted < 0)
        return -1;
    if (noted == 0)
        return finish_settled(self, tx, task, err);
    if (wait_ms > 0) {
        if (task_set_lane(*tx, task, NULL, err) < 0 || task_postpone(*tx, task, wait_ms, why->text, err) < 0)
            return -1;
        return db_commit(tx, err);
    }
    if (is_never_accepted(message, seen) && message->send_attempt < SENDS_MAX)
        return send_again(tx, task, message, err);
    return leave_to_a_person(self, tx, task, message, why, err);
}

/* What the recipient reads: of a template, what it rendered to when it was sent. */
static const char *text_of(struct worker *self, struct task *task, const struct outbound *message,
                           const struct twilio_account *account)
{
    const struct delivery *delivery = self->state;
    const char *rendered;
    struct err ignored;

    if (message->content_sid && !*message->body &&
        template_render(delivery->twilio, account, message->content_sid, message->content_variables, task->arena,
                        &rendered, &ignored) == 0)
        return rendered;
    return message->body;
}

/* The account that it was sent with, as only that one knows of it: the client's, or the environment's, although the
 * client has one of its own by now. */
static int open_account(struct worker *self, struct task *task, const struct admission *admission,
                        struct twilio_account *ret_account, enum seen *ret_seen, struct err *why)
{
    const char *used = admission->message.account_sid, *environments = self->config->twilio_account_sid;
    bool was_environments = used && environments && strcmp(used, environments) == 0;

    if (account_open(self->config, task->client_id, was_environments ? NULL : admission->client_account_sid,
                     admission->client_auth_token, task->arena, ret_account, why) < 0)
        return -1;
    if (!used || strcmp(used, ret_account->sid) == 0)
        return 0;
    *ret_seen = ELSEWHERE;
    return err_set(why, ERR_UNCERTAIN, "the message went through another Twilio account than is configured now");
}

/* Asks for what may be the message. 0: the whole listing was seen; -1: it was not, *why tells the reason, and *ret_seen
 * is set where it never will be. */
static int look(struct worker *self, struct task *task, const struct admission *admission,
                struct twilio_matches *ret_matches, enum seen *ret_seen, struct err *why)
{
    const struct delivery *delivery = self->state;
    const struct outbound *message = &admission->message;
    struct twilio_account account;
    struct twilio_wanted wanted = {.whatsapp = strcmp(message->channel, "whatsapp") == 0,
                                   .to = message->to,
                                   .from = message->from,
                                   .messaging_service = message->messaging_service_sid,
                                   .not_before_us = message->sending_at_us - CLOCK_SKEW_US};

    if (strcmp(message->channel, "voice") == 0)
        return err_set(why, ERR_UNCERTAIN, "a call is not looked for: its status callback would have told of it");
    if (open_account(self, task, admission, &account, ret_seen, why) < 0)
        return -1;
    wanted.body = text_of(self, task, message, &account);
    return twilio_find(delivery->twilio, &account, &wanted, ret_matches, why);
}

int resolve_uncertain(struct worker *self, struct task *task, const struct admission *admission, struct err *err)
{
    const struct delivery *delivery = self->state;
    const struct outbound *message = &admission->message;
    int64_t due_ms = look_due_in_ms(&delivery->looks, message->looks, message->elapsed_ms);
    int64_t began_ms = clock_mono_ms();
    AUTO(db_rollback) struct db_tx *tx = NULL;
    struct twilio_matches matches = {0};
    const struct twilio_match *match = NULL;
    enum seen seen = NOT_SEEN;
    struct err why = {0};
    bool listed;

    if (due_ms > 0)
        return wait_for_look(self, task, message, due_ms, err);

    listed = look(self, task, admission, &matches, &seen, &why) == 0;
    failpoint("delivery.after_look");
    if (!(tx = db_begin(self->db, task->client_id, err)) || task_still_ours(tx, task, err) < 0 ||
        message_keep_unclaimed(tx, task->client_id, message->message_id, task->arena, &matches, err) < 0)
        return -1;
    for (size_t i = 0; i < matches.n && listed; i++)
        if (matches.items[i].same_body && (!match || matches.items[i].created_at_us < match->created_at_us))
            match = &matches.items[i];
    if (match)
        return adopt(self, &tx, task, message, match->sid, err);
    if (listed && matches.n > 0) {
        seen = SEEN_OTHER_TEXT;
        err_set(&why, ERR_UNCERTAIN, "Twilio has a message of that time between the two numbers, with another text");
    } else if (listed) {
        seen = SEEN_NOTHING;
        err_set(&why, ERR_UNCERTAIN, "Twilio's list does not hold the message");
    }
    return not_found(self, &tx, task, message, seen, message->elapsed_ms + clock_mono_ms() - began_ms, &why, err);
}

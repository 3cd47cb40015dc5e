/* follow_up.c - see follow_up.h. */
#include "services/orchestrator/later/follow_up.h"

#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "proto/messages.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/greeting/first_message.h"
#include "services/orchestrator/greeting/greeting_text.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/later/follow_up_plan.h"
#include "services/orchestrator/later/follow_up_store.h"
#include "services/orchestrator/later/follow_up_text.h"
#include "services/orchestrator/turn/outbound.h"
#include "services/orchestrator/turn/reply.h"
#include "services/orchestrator/turn/turn.h"

#define HOUR_MS   ((int64_t)3600 * 1000)
#define MINUTE_MS ((int64_t)60 * 1000)

/* What comes later than this after its time, because nothing ran or could be sent, is not said any more. */
#define LATE_MAX_MS       (24 * HOUR_MS)
#define LATE_ASKED_MAX_MS (7 * 24 * HOUR_MS)
/* Our answer goes out some moments after the turn from which the task's time counts. */
#define EARLY_MAX_MS (1 * MINUTE_MS)

#define KEY_SIZE  (UUID_SIZE + 16)
#define NAME_SIZE 16

/* ---- tasks ---- */

static int insert(struct db_tx *tx, struct bus *bus, const char *client_id, const char *trace_id,
                  const struct follow_up *wanted, int64_t delay_ms, struct err *err)
{
    char key[KEY_SIZE];

    snprintf(key, sizeof key, "follow_up:%s", wanted->conversation_id);
    return task_insert(tx, bus,
                       &(struct task_spec){.kind = TASK_follow_up,
                                           .client_id = client_id,
                                           .trace_id = trace_id,
                                           .payload = wanted,
                                           .serial_key = key,
                                           .delay_ms = delay_ms},
                       NULL, err) < 0
               ? -1
               : 0;
}

static int put_silence(struct db_tx *tx, struct bus *bus, const struct turn *turn, const struct task *task,
                       struct err *err)
{
    struct follow_up wanted = {.conversation_id = turn->conversation_id,
                               .reason = "silence",
                               .language = turn->out.language,
                               .epoch = turn->epoch,
                               .step = 1,
                               .after_seq = turn->last_seq,
                               .answer_id = turn->message_id};
    int hours[FOLLOW_UPS_MAX];

    if (client_config_ints(turn->in.config, "follow_up_after_hours", hours, FOLLOW_UPS_MAX) == 0)
        return 0;
    return insert(tx, bus, turn->client_id, task->trace_id, &wanted, hours[0] * HOUR_MS, err);
}

static int put_asked(struct db_tx *tx, struct bus *bus, const struct turn *turn, const struct task *task,
                     struct err *err)
{
    struct follow_up wanted = {.conversation_id = turn->conversation_id,
                               .reason = "asked",
                               .language = turn->out.language,
                               .epoch = turn->epoch,
                               .step = 1,
                               .write_at = turn->out.write_at,
                               .words = turn->out.write_words};
    int64_t delay_ms;

    if (follow_up_store_delay(tx, turn, wanted.write_at, &delay_ms, err) < 0)
        return -1;
    return insert(tx, bus, turn->client_id, task->trace_id, &wanted, delay_ms, err);
}

bool follow_up_may_change(const struct turn *turn, struct arena *arena)
{
    return turn->out.follow_up || turn->follow_up_waits || follow_up_taken_back(arena, &turn->in);
}

int follow_up_put(struct db_tx *tx, struct bus *bus, const struct turn *turn, const struct task *task, struct err *err)
{
    const char *next = turn->out.follow_up ? turn->out.follow_up : "";

    if (follow_up_taken_back(task->arena, &turn->in) &&
        follow_up_store_cancel(tx, turn->client_id, turn->lead_id, NULL, "void: the lead wants it no more", err) < 0)
        return -1;
    if (strcmp(next, "kept") == 0)
        return 0;
    if (turn->follow_up_waits && follow_up_store_cancel(tx, turn->client_id, turn->lead_id, turn->conversation_id,
                                                        "void: the lead has written", err) < 0)
        return -1;
    if (strcmp(next, "silence") == 0)
        return put_silence(tx, bus, turn, task, err);
    return strcmp(next, "asked") == 0 ? put_asked(tx, bus, turn, task, err) : 0;
}

/* ---- what to do about one that is due ---- */

/* One follow-up whose task runs. */
struct following {
    struct worker *worker;
    struct task *task;
    struct db_tx *tx;
    const struct follow_up *wanted;
    struct follow_up_state state;
    int hours[FOLLOW_UPS_MAX]; /* of the client, as it is set now */
    int n_hours;
};

static bool is_asked(const struct following *self)
{
    return strcmp(self->wanted->reason, "asked") == 0;
}

static bool is_one_of(const char *state, const char *const *states)
{
    for (; state && *states; states++)
        if (strcmp(state, *states) == 0)
            return true;
    return false;
}

/* A message of ours that will not reach the lead. */
static bool is_lost(const char *state)
{
    static const char *const lost[] = {"dropped", "failed", "undelivered", NULL};

    return is_one_of(state, lost);
}

/* A message of ours of which nobody knows yet whether it will. */
static bool is_under_way(const char *state)
{
    static const char *const under_way[] = {"queued", "sending", "uncertain", NULL};

    return is_one_of(state, under_way);
}

static const char *why_void_after_silence(const struct following *self)
{
    const struct follow_up_state *state = &self->state;

    if (state->wrote_since)
        return "void: the lead has written";
    if (self->wanted->step > self->n_hours)
        return "void: the client wants no follow-up after that time any more";
    if (!state->answer_state || is_lost(state->answer_state))
        return "void: our answer did not reach the lead";
    if (is_lost(state->previous_state))
        return "void: the follow-up before this one did not reach the lead";
    return state->may_be_written_to ? NULL : "void: the lead has not written itself, and has not consented";
}

/* By WhatsApp free text goes within 24 hours of the lead's last message alone; later a template. */
static bool needs_template(const struct following *self)
{
    return strcmp(self->state.writing.channel, "whatsapp") == 0 && !self->state.writing.window_open;
}

/* NULL: the client has none. */
static const char *template_sid(const struct following *self)
{
    return client_config_text(self->state.writing.config, "whatsapp_follow_up_content_sid", self->task->arena);
}

/* NULL: it is wanted. */
static const char *why_void(const struct following *self)
{
    const struct follow_up_state *state = &self->state;

    if (state->writing.opted_out)
        return "void: the lead has opted out";
    if (state->epoch != self->wanted->epoch || strcmp(state->state, "taken_over") == 0)
        return "void: a person writes or has taken over";
    if (strcmp(state->state, "open") != 0 && !(is_asked(self) && strcmp(state->state, "escalated") == 0))
        return "void: the conversation is not open";
    if (state->writing.lead_is_us)
        return "void: the lead's number is one of the client's own";
    if (strcmp(state->writing.channel, "form") == 0)
        return "void: over this channel nothing can be sent";
    if (!is_asked(self)) {
        const char *why = why_void_after_silence(self);

        if (why)
            return why;
    }
    if (needs_template(self) && !template_sid(self))
        return "not sent: the lead has not written by WhatsApp for 24 hours, so that only a template may be sent";
    return NULL;
}

/* Since the time at which it is due, negative before. Of a step after the first that is its distance from the step
 * before, as that was really sent, where that is later than its distance from the answer. */
static int64_t lateness_ms(const struct following *self)
{
    const struct follow_up_state *state = &self->state;
    int step = (int)self->wanted->step;
    int64_t late, after_previous;

    if (is_asked(self))
        return state->asked_age_ms;
    late = state->answer_age_ms - self->hours[step - 1] * HOUR_MS;
    if (step == 1 || !state->previous_state)
        return late;
    after_previous = state->previous_age_ms - (self->hours[step - 1] - self->hours[step - 2]) * HOUR_MS;
    return after_previous < late ? after_previous : late;
}

/* > 0: it is not sent before so many milliseconds; why tells. */
static int64_t wait_ms(const struct following *self, const char **ret_why)
{
    const struct follow_up_state *state = &self->state;
    int64_t late = lateness_ms(self);

    *ret_why = "it waits for what was written before it to be sent";
    if (!is_asked(self) && (is_under_way(state->answer_state) || is_under_way(state->previous_state)))
        return 10 * MINUTE_MS;
    *ret_why = "it waits for the lead's message to be answered";
    if (state->unanswered)
        return MINUTE_MS;
    *ret_why = "it waits for its time";
    if (late < -EARLY_MAX_MS)
        return -late;
    *ret_why = "it waits for the hours in which the lead may be written to";
    return state->allowed_in_ms;
}

/* ---- sending it ---- */

static enum language language_by_name(const char *name)
{
    return strcmp(name, "es") == 0 ? LANGUAGE_SPANISH : strcmp(name, "ar") == 0 ? LANGUAGE_ARABIC : LANGUAGE_ENGLISH;
}

static const char *compose(const struct following *self)
{
    const struct writing *writing = &self->state.writing;
    struct arena *arena = self->task->arena;
    enum language language = language_by_name(self->wanted->language);
    const char *const *texts;
    const char *text;
    size_t n;

    if (is_asked(self)) {
        text = follow_up_asked_text(arena, language, writing->client_name, self->state.asked_today);
    } else {
        texts = client_config_texts(writing->config, "follow_up_texts", arena, &n);
        text = texts ? follow_up_text(arena, texts, n, (int)self->wanted->step, language, writing->client_name,
                                      self->state.lead_name)
                     : NULL;
    }
    if (!text || !writing->first_message)
        return text;
    return first_message(arena,
                         &(struct first_message){
                             .name = writing->client_name,
                             .disclosure = client_config_text(writing->config, "disclosure_line", arena),
                             .line = client_config_text(writing->config, "first_message_opt_out_line", arena),
                         },
                         text, (size_t)client_config_int(writing->config, "reply_max_chars", REPLY_MAX));
}

/* After this step, sent as message_id or (NULL) left out. */
static int put_next(const struct following *self, const char *message_id, struct err *err)
{
    struct follow_up next = *self->wanted;
    int step = (int)next.step;
    int64_t since_this_ms;

    if (is_asked(self) || step >= self->n_hours)
        return 0;
    next.step = step + 1;
    next.previous_id = message_id;
    since_this_ms = (self->hours[step] - self->hours[step - 1]) * HOUR_MS;
    if (!message_id && (since_this_ms = self->hours[step] * HOUR_MS - self->state.answer_age_ms) < 0)
        since_this_ms = 0;
    return insert(self->tx, self->worker->bus, self->task->client_id, self->task->trace_id, &next, since_this_ms, err);
}

static int send(const struct following *self, struct err *err)
{
    const struct writing *writing = &self->state.writing;
    const char *template = needs_template(self) ? template_sid(self) : NULL;
    const char *variables =
        template ? greeting_variables(self->task->arena, self->state.lead_name, writing->client_name) : NULL;
    const char *body = template ? "" : compose(self);
    char message_id[UUID_SIZE], which[NAME_SIZE];
    struct outbound message = {.client_id = writing->client_id,
                               .conversation_id = writing->conversation_id,
                               .lead_id = writing->lead_id,
                               .message_id = message_id,
                               .purpose = "started",
                               .author = "agent",
                               .channel = writing->channel,
                               .from = writing->our_address_is_ours
                                           ? writing->our_address
                                           : client_config_sender(writing->config, writing->channel, self->task->arena),
                               .to = writing->lead_address,
                               .body = body,
                               .content_sid = template,
                               .content_variables = variables,
                               .follow_up = which,
                               .trace_id = self->task->trace_id,
                               .epoch = self->state.epoch};

    if (!body || (template && !variables))
        return err_set(err, ERR_INTERNAL, "a follow-up: out of memory");
    if (!message.from)
        return task_skip(self->tx, self->worker->bus, self->task, "not sent: the client has no number to send from",
                         err);
    uuid_new(message_id);
    if (is_asked(self))
        snprintf(which, sizeof which, "asked");
    else
        snprintf(which, sizeof which, "silence:%d", (int)self->wanted->step);
    if (outbound_put(self->tx, self->worker->bus, &message, NULL, err) < 0 || put_next(self, message_id, err) < 0 ||
        task_complete(self->tx, self->worker->bus, self->task, err) < 0)
        return -1;
    log_info("follow-up", log_str("client_id", writing->client_id),
             log_str("conversation_id", writing->conversation_id), log_str("message_id", message_id),
             log_str("follow_up", which));
    return 0;
}

static int act(const struct following *self, struct err *err)
{
    struct worker *worker = self->worker;
    const char *why = why_void(self);
    int64_t late, delay_ms;

    if (why)
        return task_skip(self->tx, worker->bus, self->task, why, err);
    late = lateness_ms(self);
    if (late > (is_asked(self) ? LATE_ASKED_MAX_MS : LATE_MAX_MS) + self->state.allowed_in_ms) {
        if (put_next(self, NULL, err) < 0)
            return -1;
        return task_skip(self->tx, worker->bus, self->task, "not sent: it is too late for it", err);
    }
    if ((delay_ms = wait_ms(self, &why)) > 0)
        return task_postpone(self->tx, self->task, delay_ms, why, err);
    return send(self, err);
}

/* Writes to a lead again. A second run finds its task gone: message, next step and the task's end are one transaction.
 */
int on_follow_up(struct worker *self, struct task *task, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);
    struct following following = {.worker = self, .task = task, .tx = tx, .wanted = task->payload};

    if (!tx)
        return -1;
    if (follow_up_store_load(tx, task->client_id, following.wanted, task->arena, &following.state, err) < 0)
        return -1;
    following.n_hours = (int)client_config_ints(following.state.writing.config, "follow_up_after_hours",
                                                following.hours, FOLLOW_UPS_MAX);
    if (act(&following, err) < 0)
        return -1;
    failpoint("orchestrator.follow_up_before_commit");
    return db_commit(&tx, err);
}

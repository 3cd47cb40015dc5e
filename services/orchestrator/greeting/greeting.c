/* greeting.c - see greeting.h. */
#include "services/orchestrator/greeting/greeting.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "libshared/notices.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/greeting/form_note.h"
#include "services/orchestrator/greeting/greeting_store.h"
#include "services/orchestrator/greeting/greeting_text.h"
#include "services/orchestrator/later/follow_up_store.h"
#include "services/orchestrator/turn/alert.h"
#include "services/orchestrator/turn/outbound.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_store.h"

/* A form's token is public: who fills in somebody else's number again and again must not make us text it each time. As
 * often a day may one be called on one subject in Florida: Florida Statutes, 501.616 (6) (b). */
#define UNASKED_MAX 3

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* Not the lead's doing: people are told once for all that come. */
static const char too_many_strangers[] = "its form has brought more numbers today than its max_new_per_day allows";

static const char too_many_told[] = "its form has brought more leads today than its max_new_per_day allows";

/* Why nothing is sent, and what helps. */
struct obstacle {
    const char *why, *remedy;
};

static const char *template_sid(const struct turn *turn, struct arena *arena)
{
    return client_config_text(turn->in.config, "whatsapp_greeting_content_sid", arena);
}

/* False if nothing is in the way. */
static bool find_obstacle(const struct turn *turn, const struct greeting_terms *terms, struct arena *arena,
                          struct obstacle *ret_obstacle)
{
    bool no_phone = strcmp(turn->channel, "form") == 0 && !phone_is_e164(turn->lead_address);

    *ret_obstacle = (struct obstacle){0};
    if (turn->opted_out)
        *ret_obstacle = (struct obstacle){"it has opted out of messages before",
                                          "call it; if it agrees, opt it in: POST /api/v1/leads/{lead_id}/opt-in"};
    else if (turn->over_bound > 0 && (turn->refuses_texts || no_phone))
        *ret_obstacle = (struct obstacle){
            too_many_told,
            "look at the leads that came by it (GET /api/v1/leads?channel=form): they are kept; where they are real, "
            "call or write to them, and raise the form's max_new_per_day; else give it another token"};
    else if (turn->refuses_texts || terms->refused)
        *ret_obstacle = (struct obstacle){"it asks not to be texted", "call it or write an e-mail"};
    else if (no_phone)
        *ret_obstacle = (struct obstacle){"it left no phone number", "write an e-mail"};
    else if (strcmp(turn->channel, "form") == 0)
        *ret_obstacle =
            (struct obstacle){"the client has no number to write from", "set the client's twilio_phone_number"};
    else if (strcmp(turn->channel, "whatsapp") == 0 && !terms->window_open && !template_sid(turn, arena))
        *ret_obstacle = (struct obstacle){"by WhatsApp only a template may open a conversation",
                                          "set the client's whatsapp_greeting_content_sid"};
    else if (terms->written >= UNASKED_MAX)
        *ret_obstacle = (struct obstacle){"it was written to 3 times within a day because of forms, and has not texted",
                                          "look at the forms: anybody may send one with another's number; if it is "
                                          "the lead's own, call it"};
    else if (turn->over_bound > 0)
        *ret_obstacle = (struct obstacle){
            too_many_strangers,
            "look at the leads that came by it (GET /api/v1/leads?channel=form): they are kept, and not written to; "
            "where they are real, write to them, and raise the form's max_new_per_day; else give it another token"};
    return ret_obstacle->why != NULL;
}

/* What the notice is about, and the key of the text to the client's people. */
static int name_notice(const struct turn *turn, const struct obstacle *obstacle, struct arena *arena,
                       struct notice_spec *notice, const char **ret_once, struct err *err)
{
    if (obstacle->why == too_many_strangers || obstacle->why == too_many_told) {
        notice->kind = "form_bound";
        notice->subject = form_id(turn->form, arena);
        notice->text = arena_printf(arena,
                                    obstacle->why == too_many_told
                                        ? "the form %s has brought more than %d leads today that may not be texted: "
                                          "nobody is told of each of the further ones"
                                        : "the form %s has brought more than %d numbers today that have never texted: "
                                          "further leads are not written to",
                                    form_name(turn->form, arena), turn->over_bound);
        *ret_once = arena_printf(arena, "alert:form:%s:%lld", notice->subject, (long long)(turn->in.now / DAY_US));
    } else {
        notice->kind = "lead_not_greeted";
        notice->subject = turn->lead_id;
        notice->text = arena_printf(arena, "a lead came by web form or API and is not written to: %s (%s)",
                                    obstacle->why, turn->lead_address);
        *ret_once =
            arena_printf(arena, "alert:form:%s:%lld", turn->conversation_id, (long long)(turn->in.now / DAY_US));
    }
    if (!notice->subject || !notice->text || !*ret_once)
        return err_set(err, ERR_INTERNAL, "greeting: out of memory");
    return 0;
}

/* The lead is not lost: its business is told, by notice and by text. */
static int tell_people(struct worker *self, struct task *task, struct turn *turn, const struct obstacle *obstacle,
                       struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);
    struct notice_spec notice = {.client_id = turn->client_id, .remedy = obstacle->remedy};
    const char *once;
    int answered;

    turn->out = decision_start(&turn->in, "scripted");
    if (name_notice(turn, obstacle, task->arena, &notice, &once, err) < 0)
        return -1;
    if (!tx || (turn->refuses_texts && follow_up_store_refused(tx, turn, err) < 0) ||
        notice_raise(tx, self->bus, &notice, err) < 0 ||
        alert_put_not_greeted(tx, self->bus, turn, obstacle->why, once, task->trace_id, task->arena, err) < 0)
        return -1;
    if ((answered = turn_store_answered(tx, turn, err)) <= 0)
        return answered;
    return task_complete(tx, self->bus, task, err) < 0 ? -1 : db_commit(&tx, err);
}

/* What has come meanwhile has a task of its own, which must not stand behind one that waits until morning. The hours
 * may have been changed since they were looked at: then who changed them has not seen this task wait. */
static int wait_for_hours(struct worker *self, struct task *task, const struct turn *turn, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);
    int more = tx ? greeting_store_wrote_more(tx, turn, err) : -1;
    int64_t wait_ms;

    if (more != 0)
        return more < 0 ? -1 : 0;
    if (greeting_store_wait(tx, turn, &wait_ms, err) < 0 ||
        task_postpone(tx, task, wait_ms, "the lead's allowed hours", err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* It opens the conversation and answers nothing: what the lead has asked is answered when it writes back. */
static int send_template(struct worker *self, struct task *task, const struct turn *turn, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);
    struct outbound message = {.client_id = turn->client_id,
                               .conversation_id = turn->conversation_id,
                               .lead_id = turn->lead_id,
                               .message_id = turn->message_id,
                               .purpose = "started",
                               .author = "agent",
                               .channel = turn->channel,
                               .from = turn->our_address,
                               .to = turn->lead_address,
                               .body = "",
                               .content_sid = template_sid(turn, task->arena),
                               .content_variables =
                                   greeting_variables(task->arena, turn->lead.name, turn->in.client_name),
                               .trace_id = task->trace_id,
                               .epoch = turn->epoch};

    if (!message.content_sid || !message.content_variables)
        return err_set(err, ERR_INTERNAL, "greeting: out of memory");
    if (!tx || outbound_put(tx, self->bus, &message, NULL, err) < 0 || task_complete(tx, self->bus, task, err) < 0)
        return -1;
    failpoint("orchestrator.before_commit");
    return db_commit(&tx, err);
}

static int load_terms(struct worker *self, const struct turn *turn, struct greeting_terms *ret_terms, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);

    if (!tx || greeting_store_terms(tx, turn, ret_terms, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

int greeting_answer(struct worker *self, struct task *task, struct turn *turn, int64_t load_us, struct err *err)
{
    struct greeting_terms terms;
    struct obstacle obstacle;

    if (load_terms(self, turn, &terms, err) < 0)
        return -1;
    if (find_obstacle(turn, &terms, task->arena, &obstacle)) {
        log_info("not greeted", log_str("client_id", turn->client_id),
                 log_str("conversation_id", turn->conversation_id), log_str("why", obstacle.why));
        return tell_people(self, task, turn, &obstacle, err);
    }
    if (!terms.recent && terms.wait_ms > 0)
        return wait_for_hours(self, task, turn, err);
    if (strcmp(turn->channel, "whatsapp") == 0 && !terms.window_open)
        return terms.template_sent ? 0 : send_template(self, task, turn, err);
    turn->purpose = terms.recent ? "reply" : "started";
    return turn_answer(self, task, turn, load_us, err);
}

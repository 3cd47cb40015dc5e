/* turn.c - answering what a lead has written: load, ask knowledge, decide, commit. */
#include "services/orchestrator/turn/turn.h"

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
#include "libshared/notices.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "proto/client_keys.h"
#include "proto/messages.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/api/usage_store.h"
#include "services/orchestrator/claude/claude_live.h"
#include "services/orchestrator/escalation/escalation.h"
#include "services/orchestrator/greeting/greeting.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/later/follow_up.h"
#include "services/orchestrator/turn/alert.h"
#include "services/orchestrator/turn/loop.h"
#include "services/orchestrator/turn/model_clients.h"
#include "services/orchestrator/turn/outbound.h"
#include "services/orchestrator/turn/patience.h"
#include "services/orchestrator/turn/turn_decide.h"
#include "services/orchestrator/turn/turn_search.h"
#include "services/orchestrator/turn/turn_store.h"
#include "services/orchestrator/turn/turn_together.h"

/* ---- what becomes of it ---- */

/* A model that was asked and did not answer. */
static void log_model_failure(const struct turn *turn)
{
    const struct err *err = &turn->model_err;
    bool lasting = err->kind == ERR_INVALID || err->kind == ERR_DENIED || err->kind == ERR_INTERNAL;

    if (err->kind == ERR_NONE || !turn->model)
        return;
    log_write(lasting ? LOG_ERROR : LOG_WARN, "the model gave no answer, the scripted agent answers",
              (struct log_field[]){log_str("client_id", turn->client_id),
                                   log_str("conversation_id", turn->conversation_id),
                                   log_str("turn_id", turn->turn_id),
                                   log_int("provider_code", err->provider_code),
                                   log_str("kind", err_kind_name(err->kind)),
                                   log_str("error", err->text),
                                   {0}});
}

static void publish(struct worker *self, const char *event, const struct turn *turn, const char *reason)
{
    if (self->bus)
        bus_publish(self->bus, event, turn->client_id, &lead_event_type,
                    &(struct lead_event){.lead_id = turn->lead_id,
                                         .conversation_id = turn->conversation_id,
                                         .score = turn->out.score,
                                         .reason = reason});
}

static void publish_all(struct worker *self, const struct turn *turn, const struct lead_change *change)
{
    if (change->score_changed)
        publish(self, "lead.qualified", turn, turn->out.score_reason);
    if (change->first_hot)
        publish(self, "lead.hot", turn, turn->out.score_reason);
    if (turn->out.escalate)
        publish(self, "conversation.escalated", turn, turn->out.escalation_reason);
}

/* What the statements of a commit answer that are sent ahead. */
struct commit_answers {
    struct db_result *lead, *answered, *completed;
};

static void free_answers(struct commit_answers *answers)
{
    db_result_free(&answers->lead);
    db_result_free(&answers->answered);
    db_result_free(&answers->completed);
}

/* Whether somebody is to be alerted depends on what the lead's row was: where it may be, that is waited for. */
static int change_lead(struct db_tx *tx, const struct turn *turn, struct commit_answers *answers,
                       struct lead_change *ret_change, struct err *err)
{
    int quiet_hours = client_config_int(turn->in.config, "alert_again_after_hours", CLIENT_ALERT_AGAIN_DEFAULT);

    if (turn_store_lead_send(tx, turn, quiet_hours, &answers->lead, err) < 0)
        return -1;
    if (strcmp(turn->out.score, "HOT") != 0)
        return 0;
    return db_read(tx, err) < 0 ? -1 : turn_store_lead_read(answers->lead, ret_change, err);
}

/* Reply, alerts, lead, conversation, record, the tasks that send, and the end of this one: all or nothing. The lead is
 * locked before the conversation, as the gateway does it, and the conversation last: the lead's next text waits for it.
 * But for the COMMIT all goes in one round trip, two where the lead is hot. Returns 1, or 0 where the turn was
 * overtaken: then nothing is kept of it. */
static int commit_alone(struct worker *self, struct task *task, const struct turn *turn, struct lead_change *ret_change,
                        struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);
    AUTO(free_answers) struct commit_answers answers = {0};
    struct outbound reply = {.client_id = turn->client_id,
                             .conversation_id = turn->conversation_id,
                             .lead_id = turn->lead_id,
                             .message_id = turn->message_id,
                             .purpose = turn->purpose,
                             .author = "agent",
                             .channel = turn->channel,
                             .from = turn->our_address,
                             .to = turn->lead_address,
                             .body = turn->out.reply,
                             .turn_id = turn->turn_id,
                             .trace_id = task->trace_id,
                             .answers_after = &turn->answered_seq,
                             .epoch = turn->epoch};
    int alerted, answered;

    if (!tx || change_lead(tx, turn, &answers, ret_change, err) < 0 ||
        outbound_put(tx, self->bus, &reply, NULL, err) < 0 || turn_store_record(tx, turn, task->task_id, err) < 0 ||
        (alerted = alert_put(tx, self->bus, turn, ret_change, task->trace_id, task->arena, err)) < 0 ||
        (turn->out.escalate && turn_store_escalation(tx, turn, alerted, err) < 0) ||
        follow_up_put(tx, self->bus, turn, task, err) < 0 ||
        turn_store_answered_send(tx, turn, &answers.answered, err) < 0 ||
        task_complete_send(tx, task, &answers.completed, err) < 0 || db_read(tx, err) < 0 ||
        turn_store_lead_read(answers.lead, ret_change, err) < 0)
        return -1;
    if ((answered = turn_store_answered_read(tx, turn, answers.answered, err)) <= 0)
        return answered;
    if (task_complete_read(tx, self->bus, task, answers.completed, err) < 0)
        return -1;
    failpoint("orchestrator.before_commit");
    return db_commit(&tx, err) < 0 ? -1 : 1;
}

/* The same, with the turns that are ready at the same time where it can be. */
static int commit_turn(struct worker *self, struct task *task, const struct turn *turn, struct lead_change *ret_change,
                       struct err *err)
{
    int together = turn_commit_together(self, task, turn, ret_change, err);

    return together != 0 ? together : commit_alone(self, task, turn, ret_change, err);
}

/* Nothing is said: the lead is opted out. (The gateway reads it in the lead's words, and stores it with them.) */
static int stay_silent(struct worker *self, struct task *task, const struct turn *turn, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);
    int answered = tx ? turn_store_answered(tx, turn, err) : -1;

    if (answered <= 0)
        return answered;
    return task_complete(tx, self->bus, task, err) < 0 ? -1 : db_commit(&tx, err);
}

/* Nothing is said: a machine seems to answer us. A person is told once; the lead is answered again when it writes
 * something else, or after a while. */
static int stop_loop(struct worker *self, struct task *task, struct turn *turn, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);
    struct notice_spec notice = {.client_id = turn->client_id,
                                 .kind = "loop_stopped",
                                 .subject = turn->lead_address,
                                 .text =
                                     "the texts of this number look like a machine's: the agent does not answer them",
                                 .remedy = "look at the conversation; if a person writes, answer it, or take it over"};
    int alerted = 0, answered;

    turn->out = decision_start(&turn->in, "scripted");
    turn->out.escalate = escalation_wanted(&turn->in, CAUSE_LOOP);
    turn->out.cause = escalation_name(CAUSE_LOOP);
    turn->out.escalation_reason = escalation_reason(CAUSE_LOOP, LANGUAGE_ENGLISH);
    if (!tx)
        return -1;
    if (turn->out.escalate &&
        ((alerted = alert_put(tx, self->bus, turn, &(struct lead_change){0}, task->trace_id, task->arena, err)) < 0 ||
         turn_store_escalation(tx, turn, alerted, err) < 0))
        return -1;
    if ((answered = turn_store_answered(tx, turn, err)) <= 0)
        return answered;
    if ((turn->out.escalate && notice_raise(tx, self->bus, &notice, err) < 0) ||
        task_complete(tx, self->bus, task, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    if (turn->out.escalate)
        publish(self, "conversation.escalated", turn, turn->out.escalation_reason);
    log_warn("not answered: a machine seems to write", log_str("client_id", turn->client_id),
             log_str("conversation_id", turn->conversation_id));
    return 0;
}

/* ---- the task ---- */

static int take_back(struct worker *self, const struct turn *turn, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);

    return !tx || turn_store_take_back(tx, turn, err) < 0 ? -1 : db_commit(&tx, err);
}

int turn_load(struct worker *self, const struct task *task, const char *conversation_id, struct turn *ret_turn,
              int64_t *ret_load_us, struct err *err)
{
    size_t window = (size_t)self->config->history_tokens;
    int64_t start = clock_mono_us();

    if (turn_store_load(self->db, task->client_id, conversation_id, task->arena, window, ret_turn, err) < 0)
        return -1;
    /* What we began and what the lead has written since get one answer. */
    if (ret_turn->greeting_waits && ret_turn->in.n_unanswered > 0 &&
        (take_back(self, ret_turn, err) < 0 ||
         turn_store_load(self->db, task->client_id, conversation_id, task->arena, window, ret_turn, err) < 0))
        return -1;
    *ret_load_us = clock_mono_us() - start;
    return 0;
}

static int64_t patience_deadline_ms(const struct worker *self, const struct task *task, const struct turn *turn)
{
    int patience_s = client_config_int(turn->in.config, "agent_patience_seconds", (int)self->config->agent_patience_s);

    return clock_mono_ms() +
           patience_left_ms((int64_t)patience_s * 1000, turn->waited_ms, service_task_left_ms(self, task));
}

/* Which model may be asked: the client's choice, else the setting; none without a key. */
static const char *model_of(const struct config *config, const struct turn *turn, struct arena *arena)
{
    const char *chosen = client_config_text(turn->in.config, "anthropic_model", arena);

    return !config->anthropic_api_key ? NULL : chosen ? chosen : config->anthropic_model;
}

int turn_answer(struct worker *self, struct task *task, struct turn *turn, int64_t load_us, struct err *err)
{
    struct orchestrator *state = self->state;
    struct turn_searcher searcher = {.worker = self,
                                     .client_id = task->client_id,
                                     .trace_id = *task->trace_id ? task->trace_id : NULL};
    struct claude_live live = {.api = {.base_url = self->config->anthropic_base_url,
                                       .api_key = self->config->anthropic_api_key,
                                       .http = state ? state->http : NULL},
                               .outage = state ? state->outage : NULL,
                               .deadline_ms = patience_deadline_ms(self, task, turn)};
    struct decider decider = {.api = {.call = claude_live_call, .arg = &live},
                              .search = {.search = turn_search, .arg = &searcher},
                              .arena = task->arena,
                              .load_us = load_us};
    struct lead_change change = {0};
    int64_t start;
    bool wants_model;
    int kept;

    turn->in.model = model_of(self->config, turn, task->arena);
    wants_model = turn_wants_model(turn, task->arena);
    if (!turn->in.greet)
        model_clients_note(state ? state->clients : NULL, task->client_id, wants_model);
    if (wants_model && !service_wait(self, task))
        return 0; /* for now */

    start = clock_mono_us();
    turn_add_passages(&searcher, turn, task->arena);
    decider.search_us = clock_mono_us() - start;
    if (turn_decide(&decider, turn, err) < 0)
        return -1;
    service_waited(self, task);
    log_model_failure(turn);
    if (turn->model)
        turn->cost_micro_usd = model_cost_micro_usd(state ? state->prices : NULL, turn->model, &turn->tokens);
    if ((kept = commit_turn(self, task, turn, &change, err)) <= 0) {
        usage_store_unused(self->db, turn);
        if (kept == 0)
            log_info("overtaken", log_str("client_id", turn->client_id),
                     log_str("conversation_id", turn->conversation_id));
        return kept;
    }
    failpoint("orchestrator.after_commit");
    publish_all(self, turn, &change);
    log_info("answered", log_str("client_id", turn->client_id), log_str("conversation_id", turn->conversation_id),
             log_str("turn_id", turn->turn_id), log_str("agent", turn->out.agent), log_str("score", turn->out.score),
             log_int("unanswered", turn->in.n_unanswered), log_int("waited_ms", turn->waited_ms));
    return 0;
}

/* Answers all that the lead has written since the last answer. A second run finds nothing unanswered, or loses at the
 * commit: conversations.answered_seq and the task's token let only one through. A turn that is overtaken, by a further
 * text or by a person writing or taking over, ends without a trace: what is still unanswered then has a task of its
 * own, or gets one when the person releases the conversation. */
static int answer(struct worker *self, struct task *task, const char *conversation_id, struct err *err)
{
    struct turn turn;
    int64_t load_us;

    if (turn_load(self, task, conversation_id, &turn, &load_us, err) < 0)
        return -1;
    failpoint("orchestrator.after_load");
    if (turn.in.n_unanswered == 0 || strcmp(turn.in.state, "taken_over") == 0)
        return 0;
    if (turn.only_forms || turn.refuses_texts || (turn.opted_out && turn.form))
        return greeting_answer(self, task, &turn, load_us, err);
    if (turn.opted_out)
        return stay_silent(self, task, &turn, err);
    if (loop_seen(task->arena, &turn.in))
        return stop_loop(self, task, &turn, err);
    return turn_answer(self, task, &turn, load_us, err);
}

/* The same. Where the lead was erased while it was being answered, whatever failed failed because of that: its task has
 * gone with it, and there is nobody to be answered. */
static int answer_if_there(struct worker *self, struct task *task, const char *conversation_id, struct err *err)
{
    struct err ignored = {0};

    if (answer(self, task, conversation_id, err) == 0)
        return 0;
    if (task->settled || turn_store_erased(self->db, task, conversation_id, &ignored) <= 0)
        return -1;
    task->settled = true;
    log_info("dropped: the lead was erased while it was being answered", log_str("client_id", task->client_id),
             log_str("conversation_id", conversation_id));
    return 0;
}

int process_ai_response(struct worker *self, struct task *task, struct err *err)
{
    const struct process_ai_response *payload = task->payload;
    const struct orchestrator *state = self->state;

    if (state && model_clients_has(state->clients, task->client_id) && service_put_off(self, task))
        return 0; /* for now */
    return answer_if_there(self, task, payload->conversation_id, err);
}

/* The same of what came by web form or API. It runs beside an answer to the lead's own texts, not before or after it:
 * it may wait until morning, and they do not. Whichever of both is first answers all there is; the other then finds
 * nothing, or loses at the commit and looks again. */
int generate_greeting(struct worker *self, struct task *task, struct err *err)
{
    const struct generate_greeting *payload = task->payload;

    return answer_if_there(self, task, payload->conversation_id, err);
}

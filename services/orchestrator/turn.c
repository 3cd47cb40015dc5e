/* turn.c - answering what a lead has written: load, ask knowledge, decide, commit. */
#include "services/orchestrator/turn.h"

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
#include "proto/client_keys.h"
#include "proto/messages.h"
#include "services/orchestrator/alert.h"
#include "services/orchestrator/client_config.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/outbound.h"
#include "services/orchestrator/turn_decide.h"
#include "services/orchestrator/turn_store.h"
#include "services/orchestrator/words.h"

#define SEARCH_TIMEOUT_MS 3000
#define SEARCH_QUERY_MAX  4000
#define SEARCH_RESULTS    5
#define SEARCHES_MAX      3 /* sentences that are looked up one by one */
#define SENTENCES_MAX     40
#define TRY_MIN_MS        5000  /* the model is given this long even where the lead has waited past all patience */
#define TRY_MAX_MS        90000 /* well within the task's deadline */

/* ---- knowledge ---- */

/* A search on behalf of one turn. */
struct searcher {
    struct worker *worker;
    const char *client_id, *trace_id;
};

static int search(void *arg, const char *query, struct arena *arena, const struct passage **ret_passages, size_t *ret_n,
                  struct err *err)
{
    const struct searcher *self = arg;
    struct search_knowledge question = {.client_id = self->client_id,
                                        .query = query,
                                        .max_results = SEARCH_RESULTS,
                                        .threshold = -1};
    struct search_result found = {0};

    if (!self->worker->bus)
        return err_set(err, ERR_UNAVAILABLE, "there is no bus");
    if (bus_ask(self->worker->bus,
                &(struct bus_request){.role = "knowledge",
                                      .client_id = self->client_id,
                                      .trace_id = self->trace_id,
                                      .timeout_ms = SEARCH_TIMEOUT_MS,
                                      .type = &search_knowledge_type,
                                      .msg = &question},
                &search_result_type, arena, &found, err) < 0)
        return -1;
    *ret_passages = found.passages;
    *ret_n = found.n_passages;
    return 0;
}

static void add_found(struct turn *turn, const struct passage *passages, size_t n, struct arena *arena)
{
    struct passage *all = arena_calloc(arena, turn->in.n_passages + n, sizeof *all);
    size_t kept = turn->in.n_passages;

    if (!all)
        return;
    for (size_t i = 0; i < kept; i++)
        all[i] = turn->in.passages[i];
    for (size_t i = 0; i < n && kept < DECISION_PASSAGES_MAX; i++) {
        bool known = false;

        for (size_t k = 0; k < kept && !known; k++)
            known = strcmp(all[k].chunk_id, passages[i].chunk_id) == 0;
        if (!known)
            all[kept++] = passages[i];
    }
    turn->in.passages = all;
    turn->in.n_passages = kept;
}

static int search_for(struct searcher *searcher, struct turn *turn, const char *query, struct arena *arena)
{
    const struct passage *passages = NULL;
    struct err err = {0};
    size_t n = 0;

    if (query[strspn(query, " \t\r\n")] == '\0')
        return 0;
    if (search(searcher, query, arena, &passages, &n, &err) == 0) {
        add_found(turn, passages, n, arena);
        return 0;
    }
    log_warn("answering without knowledge", log_str("client_id", turn->client_id),
             log_str("conversation_id", turn->conversation_id), log_str("error", err.text));
    turn->in.search_error = arena_strdup(arena, err.text);
    return -1;
}

/* A failure costs the context, not the answer. Several sentences together may be like nothing that is known, where one
 * of them alone is: then the last few are looked up one by one. */
static void add_passages(struct searcher *searcher, struct turn *turn, struct arena *arena)
{
    const char *query = decision_unanswered_text(&turn->in, SEARCH_QUERY_MAX, arena);
    struct sentence sentences[SENTENCES_MAX];
    size_t n;

    if (!query || search_for(searcher, turn, query, arena) < 0 || turn->in.n_passages > 0)
        return;
    n = words_sentences(arena, query, sentences, SENTENCES_MAX);
    for (size_t i = n > SEARCHES_MAX ? n - SEARCHES_MAX : 0; n > 1 && i < n; i++)
        if (search_for(searcher, turn, sentences[i].text, arena) < 0)
            return;
}

/* ---- what becomes of it ---- */

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

/* Reply, alerts, lead, conversation, record, the tasks that send, and the end of this one: all or nothing. The lead is
 * locked before the conversation, as the gateway does it, and the conversation last: the lead's next text waits for it.
 */
static int commit_turn(struct worker *self, struct task *task, const struct turn *turn, struct lead_change *ret_change,
                       struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);
    struct outbound reply = {.client_id = turn->client_id,
                             .conversation_id = turn->conversation_id,
                             .lead_id = turn->lead_id,
                             .message_id = turn->message_id,
                             .purpose = "reply",
                             .author = "agent",
                             .channel = turn->channel,
                             .from = turn->our_address,
                             .to = turn->lead_address,
                             .body = turn->out.reply,
                             .turn_id = turn->turn_id,
                             .trace_id = task->trace_id,
                             .epoch = turn->epoch};
    int quiet_hours = client_config_int(turn->in.config, "alert_again_after_hours", CLIENT_ALERT_AGAIN_DEFAULT);

    if (!tx || turn_store_lead(tx, turn, quiet_hours, ret_change, err) < 0 ||
        outbound_put(tx, self->bus, &reply, NULL, err) < 0 || turn_store_record(tx, turn, task->task_id, err) < 0 ||
        alert_put(tx, self->bus, turn, ret_change, task->trace_id, task->arena, err) < 0 ||
        turn_store_answered(tx, turn, err) < 0 || task_complete(tx, self->bus, task, err) < 0)
        return -1;
    failpoint("orchestrator.before_commit");
    return db_commit(&tx, err);
}

/* Nothing is said: the lead is opted out. (The gateway reads it in the lead's words, and stores it with them.) */
static int stay_silent(struct worker *self, struct task *task, const struct turn *turn, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, turn->client_id, err);

    if (!tx || turn_store_answered(tx, turn, err) < 0 || task_complete(tx, self->bus, task, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* ---- the task ---- */

static int load(struct worker *self, const struct task *task, struct turn *ret_turn, struct err *err)
{
    const struct process_ai_response *payload = task->payload;
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, task->client_id, err);

    if (!tx || turn_store_load(tx, task->client_id, payload->conversation_id, task->arena, ret_turn, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* The model is tried until the lead's patience ends, counted from the arrival of the oldest unanswered message. */
static int64_t patience_deadline_ms(const struct config *config, const struct turn *turn)
{
    int64_t left_ms = config->agent_patience_s * 1000 - turn->waited_ms;

    if (left_ms < TRY_MIN_MS)
        left_ms = TRY_MIN_MS;
    return clock_mono_ms() + (left_ms < TRY_MAX_MS ? left_ms : TRY_MAX_MS);
}

/* Answers all that the lead has written since the last answer. A second run finds nothing unanswered, or loses at the
 * commit: conversations.answered_seq and the task's token let only one through. */
int process_ai_response(struct worker *self, struct task *task, struct err *err)
{
    struct orchestrator *state = self->state;
    struct searcher searcher = {.worker = self,
                                .client_id = task->client_id,
                                .trace_id = *task->trace_id ? task->trace_id : NULL};
    struct decider decider = {.config = self->config,
                              .http = state ? state->http : NULL,
                              .outage = state ? state->outage : NULL,
                              .search = {.search = search, .arg = &searcher},
                              .arena = task->arena};
    int64_t start = clock_mono_us();
    struct lead_change change = {0};
    struct turn turn;

    if (load(self, task, &turn, err) < 0)
        return -1;
    failpoint("orchestrator.after_load");
    decider.load_us = clock_mono_us() - start;
    decider.deadline_ms = patience_deadline_ms(self->config, &turn);
    if (turn.in.n_unanswered == 0 || strcmp(turn.in.state, "taken_over") == 0)
        return 0;
    if (turn.opted_out)
        return stay_silent(self, task, &turn, err);

    start = clock_mono_us();
    add_passages(&searcher, &turn, task->arena);
    decider.search_us = clock_mono_us() - start;
    if (turn_decide(&decider, &turn, err) < 0 || commit_turn(self, task, &turn, &change, err) < 0)
        return -1;
    failpoint("orchestrator.after_commit");
    publish_all(self, &turn, &change);
    log_info("answered", log_str("client_id", turn.client_id), log_str("conversation_id", turn.conversation_id),
             log_str("turn_id", turn.turn_id), log_str("agent", turn.out.agent), log_str("score", turn.out.score),
             log_int("unanswered", turn.in.n_unanswered), log_int("waited_ms", turn.waited_ms));
    return 0;
}

/* takeover.c - a person takes a conversation over, hands it back to the agent, or closes it. Asked twice, each does
 * what it does once. */
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "proto/conversations.h"
#include "proto/envelope.h"
#include "proto/tasks.h"
#include "services/orchestrator/api/conversation_store.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/turn/lead_event.h"

static int check_line(const char *name, const char *text, struct err *err)
{
    if (text && (!text_has_word(text) || text_has_control(text)))
        return err_set_field(err, ERR_INVALID, name, "%s must be one line with a word in it", name);
    return 0;
}

static const char *who_of(const struct call *call, const char *who)
{
    return who ? who : call->client_id ? "client" : "administrator";
}

static int tell(struct worker *self, struct call *call, const char *event, const struct conversation *conversation,
                const char *reason, struct err *err)
{
    return lead_event_later(self->bus, call->tx,
                            &(struct lead_news){.event = event,
                                                .client_id = conversation->client_id,
                                                .lead_id = conversation->lead_id,
                                                .conversation_id = conversation->conversation_id,
                                                .reason = reason},
                            err);
}

int on_take_over_conversation(struct worker *self, struct call *call, struct err *err)
{
    const struct take_over_conversation *request = call->request;
    struct conversation conversation = {0};
    int changed;

    if (check_line("who", request->who, err) < 0 || check_line("reason", request->reason, err) < 0 ||
        conversation_store_get(call->tx, request->conversation_id, call->arena, &conversation, err) < 0 ||
        (changed = conversation_store_take_over(call->tx, &conversation, who_of(call, request->who), request->reason,
                                                err)) < 0 ||
        (changed && tell(self, call, "conversation.taken_over", &conversation, request->reason, err) < 0))
        return -1;
    failpoint("orchestrator.taken_over");
    return conversation_store_get(call->tx, request->conversation_id, call->arena, call->reply, err);
}

/* What the lead has written meanwhile is answered by a task of its own, in the order of the conversation's others. */
static int answer_the_rest(struct worker *self, struct call *call, const struct conversation *conversation,
                           struct err *err)
{
    struct task_spec spec = {.kind = TASK_process_ai_response,
                             .client_id = conversation->client_id,
                             .trace_id = call->env ? call->env->trace_id : NULL,
                             .payload = &(struct process_ai_response){.conversation_id = conversation->conversation_id},
                             .serial_key = conversation->conversation_id};

    return task_insert(call->tx, self->bus, &spec, NULL, err) < 0 ? -1 : 0;
}

int on_release_conversation(struct worker *self, struct call *call, struct err *err)
{
    const struct release_conversation *request = call->request;
    struct conversation conversation = {0};
    bool unanswered = false;
    int changed;

    if (check_line("who", request->who, err) < 0 || check_line("note", request->note, err) < 0 ||
        conversation_store_get(call->tx, request->conversation_id, call->arena, &conversation, err) < 0 ||
        (changed = conversation_store_release(call->tx, &conversation, who_of(call, request->who), request->note,
                                              &unanswered, err)) < 0 ||
        (changed && tell(self, call, "conversation.released", &conversation, request->note, err) < 0) ||
        (unanswered && answer_the_rest(self, call, &conversation, err) < 0))
        return -1;
    failpoint("orchestrator.released");
    return conversation_store_get(call->tx, request->conversation_id, call->arena, call->reply, err);
}

int on_close_conversation(struct worker *self, struct call *call, struct err *err)
{
    const struct close_conversation *request = call->request;
    struct conversation conversation = {0};
    int changed;

    if (check_line("who", request->who, err) < 0 || check_line("reason", request->reason, err) < 0 ||
        conversation_store_get(call->tx, request->conversation_id, call->arena, &conversation, err) < 0 ||
        (changed =
             conversation_store_close(call->tx, &conversation, who_of(call, request->who), request->reason, err)) < 0 ||
        (changed && tell(self, call, "conversation.closed", &conversation, request->reason, err) < 0))
        return -1;
    return conversation_store_get(call->tx, request->conversation_id, call->arena, call->reply, err);
}

/* timelines.c - the requests that show what has happened: in a conversation, and to a lead's score. */
#include "libshared/service.h"
#include "proto/conversations.h"
#include "proto/leads.h"
#include "services/orchestrator/api/conversation_store.h"
#include "services/orchestrator/api/lead_store.h"
#include "services/orchestrator/api/timeline_store.h"
#include "services/orchestrator/handlers.h"

int on_list_timeline(struct worker *self, struct call *call, struct err *err)
{
    const struct list_timeline *request = call->request;
    struct conversation conversation = {0};

    (void)self;
    if (conversation_store_get(call->tx, request->conversation_id, call->arena, &conversation, err) < 0)
        return -1;
    return timeline_store_list(call->tx, &conversation, request, call->arena, call->reply, err);
}

int on_list_scores(struct worker *self, struct call *call, struct err *err)
{
    const struct list_scores *request = call->request;
    struct lead lead = {0};

    (void)self;
    if (lead_store_get(call->tx, request->lead_id, call->arena, &lead, err) < 0)
        return -1;
    return score_store_list(call->tx, &lead, request, call->arena, call->reply, err);
}

/* conversations.c - the requests that show conversations and messages. */
#include "proto/conversations.h"
#include "libshared/service.h"
#include "services/orchestrator/api/conversation_store.h"
#include "services/orchestrator/handlers.h"

int on_get_conversation(struct worker *self, struct call *call, struct err *err)
{
    const struct get_conversation *request = call->request;

    (void)self;
    return conversation_store_get(call->tx, request->conversation_id, call->arena, call->reply, err);
}

int on_list_conversations(struct worker *self, struct call *call, struct err *err)
{
    (void)self;
    return conversation_store_list(call->tx, call->request, call->arena, call->reply, err);
}

int on_get_message(struct worker *self, struct call *call, struct err *err)
{
    const struct get_message *request = call->request;

    (void)self;
    return message_store_get(call->tx, request->message_id, call->arena, call->reply, err);
}

int on_list_messages(struct worker *self, struct call *call, struct err *err)
{
    const struct list_messages *request = call->request;
    struct conversation conversation = {0};

    (void)self;
    if (conversation_store_get(call->tx, request->conversation_id, call->arena, &conversation, err) < 0)
        return -1;
    return message_store_list(call->tx, &conversation, request, call->arena, call->reply, err);
}

/* conversations.c - the requests that show conversations and messages. */
#include <inttypes.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "proto/conversations.h"
#include "services/orchestrator/api/conversation_store.h"
#include "services/orchestrator/api/cursor.h"
#include "services/orchestrator/handlers.h"

int on_get_conversation(struct worker *self, struct call *call, struct err *err)
{
    const struct get_conversation *request = call->request;

    (void)self;
    return conversation_store_get(call->tx, request->conversation_id, call->arena, call->reply, err);
}

int on_list_conversations(struct worker *self, struct call *call, struct err *err)
{
    const struct list_conversations *request = call->request;
    struct conversation_page *page = call->reply;
    const char *before_id = NULL;
    int64_t before_us = 0;

    (void)self;
    if (request->after && cursor_read(request->after, call->arena, &before_us, &before_id, err) < 0)
        return -1;
    if (conversation_store_list(call->tx, request, before_us, before_id, call->arena, &page->items, &page->n_items,
                                err) < 0)
        return -1;
    if (page->n_items > (size_t)request->limit) {
        const struct conversation *last = &page->items[request->limit - 1];

        page->n_items = (size_t)request->limit;
        if (!(page->next_after = cursor_make(last->updated_at, last->conversation_id, call->arena, err)))
            return -1;
    }
    return 0;
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
    struct message_page *page = call->reply;
    struct conversation conversation = {0};
    int64_t after_seq = -1;
    bool more;

    (void)self;
    if (request->after && !text_to_int(request->after, 0, INT64_C(1000000000000000), &after_seq))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of a page");
    if (conversation_store_get(call->tx, request->conversation_id, call->arena, &conversation, err) < 0 ||
        message_store_list(call->tx, &conversation, after_seq, request->limit, call->arena, &page->items,
                           &page->n_items, &more, err) < 0)
        return -1;
    if (more) {
        page->next_after = arena_printf(call->arena, "%" PRId64, page->items[page->n_items - 1].seq);
        if (!page->next_after)
            return err_set(err, ERR_INTERNAL, "messages: out of memory");
    }
    return 0;
}

/* timelines.c - the requests that show what has happened: in a conversation, and to a lead's score. */
#include <inttypes.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "proto/conversations.h"
#include "proto/leads.h"
#include "services/orchestrator/api/conversation_store.h"
#include "services/orchestrator/api/cursor.h"
#include "services/orchestrator/api/lead_store.h"
#include "services/orchestrator/api/timeline_store.h"
#include "services/orchestrator/handlers.h"

int on_list_timeline(struct worker *self, struct call *call, struct err *err)
{
    const struct list_timeline *request = call->request;
    struct timeline_page *page = call->reply;
    struct conversation conversation = {0};
    const char *after_id = NULL;
    int64_t after_place = 0, place = 0;
    bool more;

    (void)self;
    if ((request->after && cursor_read(request->after, call->arena, &after_place, &after_id, err) < 0) ||
        conversation_store_get(call->tx, request->conversation_id, call->arena, &conversation, err) < 0 ||
        timeline_store_list(call->tx, &conversation, request, after_place, after_id, call->arena, &page->items,
                            &page->n_items, &place, &more, err) < 0)
        return -1;
    if (more && !(page->next_after = cursor_make(place, page->items[page->n_items - 1].id, call->arena, err)))
        return -1;
    return 0;
}

int on_list_scores(struct worker *self, struct call *call, struct err *err)
{
    const struct list_scores *request = call->request;
    struct score_page *page = call->reply;
    struct lead lead = {0};
    int64_t after = 0;
    bool more;

    (void)self;
    if (request->after && !text_to_int(request->after, 1, INT64_C(1000000000000000), &after))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of a page");
    if (lead_store_get(call->tx, request->lead_id, call->arena, &lead, err) < 0 ||
        score_store_list(call->tx, &lead, request->limit, after, call->arena, page, &more, err) < 0)
        return -1;
    if (more && !(page->next_after = arena_printf(call->arena, "%" PRId64, page->items[page->n_items - 1].change)))
        return err_set(err, ERR_INTERNAL, "scores: out of memory");
    return 0;
}

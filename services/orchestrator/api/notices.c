/* notices.c - the requests about what a person must see to. */
#include "libshared/notices.h"

#include "libshared/err.h"
#include "libshared/service.h"
#include "proto/notices.h"
#include "services/orchestrator/api/cursor.h"
#include "services/orchestrator/api/notice_store.h"
#include "services/orchestrator/handlers.h"

int on_list_notices(struct worker *self, struct call *call, struct err *err)
{
    const struct list_notices *request = call->request;
    struct notice_page *page = call->reply;
    const char *before_id = NULL;
    int64_t before_us = 0;
    bool more;

    (void)self;
    if (request->after && cursor_read(request->after, call->arena, &before_us, &before_id, err) < 0)
        return -1;
    if (notice_store_list(call->tx, request, before_us, before_id, call->arena, &page->items, &page->n_items, &more,
                          err) < 0)
        return -1;
    if (more) {
        const struct notice *last = &page->items[page->n_items - 1];

        page->next_after = cursor_make(last->created_at, last->notice_id, call->arena, err);
        return page->next_after ? 0 : -1;
    }
    return 0;
}

/* A person says that it is seen to. If it happens again, there is a new notice. */
int on_resolve_notice(struct worker *self, struct call *call, struct err *err)
{
    const struct resolve_notice *request = call->request;
    struct notice *notice = call->reply;

    if (notice_store_get(call->tx, request->notice_id, call->arena, notice, err) < 0)
        return -1;
    if (notice->resolved_at)
        return 0;
    if (notice_resolve(call->tx, self->bus, notice->client_id, notice->kind, notice->subject, err) < 0)
        return -1;
    return notice_store_get(call->tx, request->notice_id, call->arena, notice, err);
}

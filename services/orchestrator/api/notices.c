/* notices.c - the requests about what a person must see to. */
#include "libshared/notices.h"

#include "libshared/err.h"
#include "libshared/service.h"
#include "proto/notices.h"
#include "services/orchestrator/api/notice_store.h"
#include "services/orchestrator/handlers.h"

int on_list_notices(struct worker *self, struct call *call, struct err *err)
{
    (void)self;
    return notice_store_list(call->tx, call->request, call->arena, call->reply, err);
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

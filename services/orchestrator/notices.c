/* notices.c - the requests about what a person must see to. */
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/bus.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "proto/events.h"
#include "proto/notices.h"
#include "services/orchestrator/cursor.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/notice_store.h"

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

/* What is published once a notice is closed for good. Its strings are behind it. */
struct closed {
    struct bus *bus;
    const char *client_id, *kind, *subject;
};

static void publish_closed(void *arg, bool committed)
{
    struct closed *self = arg;

    if (committed)
        bus_publish(self->bus, "notice.resolved", self->client_id, &notice_event_type,
                    &(struct notice_event){.kind = self->kind, .subject = self->subject});
    free(self);
}

static int publish_after_commit(struct worker *self, struct db_tx *tx, const struct notice *notice, struct err *err)
{
    const char *client_id = notice->client_id ? notice->client_id : "";
    size_t id_size = strlen(client_id) + 1, kind_size = strlen(notice->kind) + 1;
    size_t subject_size = strlen(notice->subject) + 1;
    struct closed *closed = calloc(1, sizeof *closed + id_size + kind_size + subject_size);
    char *texts = (char *)(closed + 1);

    if (!closed)
        return err_set(err, ERR_INTERNAL, "a notice: out of memory");
    memcpy(texts, client_id, id_size);
    memcpy(texts + id_size, notice->kind, kind_size);
    memcpy(texts + id_size + kind_size, notice->subject, subject_size);
    *closed = (struct closed){.bus = self->bus,
                              .client_id = *client_id ? texts : NULL,
                              .kind = texts + id_size,
                              .subject = texts + id_size + kind_size};
    return db_after(tx, publish_closed, closed, err);
}

/* A person says that it is seen to. If it happens again, there is a new notice. */
int on_resolve_notice(struct worker *self, struct call *call, struct err *err)
{
    const struct resolve_notice *request = call->request;
    struct notice *notice = call->reply;
    bool resolved;

    if (notice_store_resolve(call->tx, request->notice_id, call->arena, notice, &resolved, err) < 0)
        return -1;
    return resolved && self->bus ? publish_after_commit(self, call->tx, notice, err) : 0;
}

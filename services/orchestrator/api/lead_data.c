/* lead_data.c - one person's data: handed out, and erased. */
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/page.h"
#include "libshared/service.h"
#include "proto/leads.h"
#include "services/orchestrator/api/cursor.h"
#include "services/orchestrator/api/lead_store.h"
#include "services/orchestrator/handlers.h"

/* Where a page ends: the rank of its last item's kind, as lead_export numbers them, and its id. */
static int64_t rank_of(const struct export_item *item)
{
    static const char *const kinds[] = {"lead", "consent", "conversation", "message", "turn", "task", "event"};
    int64_t rank = 0;

    while (rank < (int64_t)COUNT_OF(kinds) - 1 && strcmp(kinds[rank], item->kind) != 0)
        rank++;
    return rank;
}

/* With the lead come the last changes of its score. */
int on_export_lead(struct worker *self, struct call *call, struct err *err)
{
    const struct export_lead *request = call->request;
    struct export_page *page = call->reply;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct lead lead = {0};
    const struct export_item *last;
    struct cursor after;
    int n;

    (void)self;
    if (cursor_read(request->after, call->arena, &after, err) < 0 ||
        lead_store_get(call->tx, request->lead_id, call->arena, &lead, err) < 0 ||
        (n = db_query(call->tx, &rows, err,
                      "SELECT kind, id, record, CASE rank WHEN 0 THEN data || jsonb_build_object('scores', "
                      "ARRAY(SELECT to_jsonb(s)"
                      "  FROM lead_scores s WHERE s.client_id = $1 AND s.lead_id = $2 ORDER BY s.change DESC LIMIT "
                      "200)) ELSE data END AS data"
                      "  FROM lead_export($1, $2)"
                      " WHERE $4::uuid IS NULL OR (rank, id) > ($3::integer, $4::uuid)"
                      " ORDER BY rank, id LIMIT $5::bigint + 1",
                      db_text(lead.client_id), db_text(request->lead_id), db_int(after.value > 9 ? 9 : after.value),
                      db_text(after.id), db_int(request->limit))) < 0 ||
        !(page->items = page_from_rows(&export_item_type, rows, request->limit, call->arena, &page->n_items, err)))
        return -1;
    if (page->n_items == (size_t)n)
        return 0;
    last = &page->items[page->n_items - 1];
    return cursor_make(rank_of(last), last->id, call->arena, &page->next_after, err);
}

/* All or nothing: one statement in one transaction. */
int on_erase_lead(struct worker *self, struct call *call, struct err *err)
{
    const struct erase_lead *request = call->request;
    struct erased_lead *reply = call->reply;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct lead lead = {0};
    const char *outcome;

    (void)self;
    if (lead_store_get(call->tx, request->lead_id, call->arena, &lead, err) < 0 ||
        db_query(call->tx, &rows, err,
                 "SELECT outcome, conversations, messages, turns, tasks, opt_out_kept FROM erase_lead($1, $2)",
                 db_text(lead.client_id), db_text(request->lead_id)) < 0)
        return -1;
    failpoint("orchestrator.erased");
    outcome = db_get(rows, 0, "outcome");
    if (strcmp(outcome, "unknown") == 0)
        return err_set_field(err, ERR_NOT_FOUND, "lead_id", "there is no such lead");
    if (strcmp(outcome, "sending") == 0)
        return err_set_field(err, ERR_CONFLICT, "lead_id",
                             "a message to this lead, or about it, is being sent: once it is known what became of it "
                             "the lead can be erased, try again in a minute");
    *reply = (struct erased_lead){.lead_id = request->lead_id,
                                  .conversations = db_get_int(rows, 0, "conversations"),
                                  .messages = db_get_int(rows, 0, "messages"),
                                  .turns = db_get_int(rows, 0, "turns"),
                                  .tasks = db_get_int(rows, 0, "tasks"),
                                  .opt_out_kept = db_get_bool(rows, 0, "opt_out_kept")};
    return 0;
}

/* faq_admin.c - FAQs are looked at and removed. */
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/page.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/api/removal.h"
#include "services/knowledge/embedding/vector_index.h"
#include "services/knowledge/knowledge.h"

#define FAQ_COLUMNS "document_id, kb_id, title AS question, content AS answer, created_at, updated_at"

int on_get_faq(struct worker *self, struct call *call, struct err *err)
{
    const struct get_faq *in = call->request;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct kb kb;
    int n;

    (void)self;
    if (kb_open(call->tx, in->kb_id, call->arena, &kb, err) < 0)
        return -1;
    n = db_query(call->tx, &rows, err,
                 "SELECT " FAQ_COLUMNS
                 "  FROM documents WHERE client_id = $1 AND kb_id = $2 AND kind = 'faq' AND document_id = $3",
                 db_text(kb.client_id), db_text(kb.kb_id), db_text(in->document_id));
    if (n == 0)
        return err_set_field(err, ERR_NOT_FOUND, "document_id", "this knowledge base has no FAQ %.40s",
                             in->document_id);
    return n < 0 ? -1 : codec_from_row(&faq_type, rows, 0, call->arena, call->reply, err);
}

/* Ids are UUIDv7: their order is that of creation. */
int on_list_faqs(struct worker *self, struct call *call, struct err *err)
{
    const struct list_faqs *in = call->request;
    struct faq_page *page = call->reply;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct kb kb;
    int n;

    (void)self;
    if (in->after && !uuid_is_valid(in->after))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of an earlier page");
    if (kb_open(call->tx, in->kb_id, call->arena, &kb, err) < 0)
        return -1;
    n = db_query(call->tx, &rows, err,
                 "SELECT " FAQ_COLUMNS "  FROM documents WHERE client_id = $1 AND kb_id = $2 AND kind = 'faq'"
                 "   AND document_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')"
                 " ORDER BY document_id LIMIT $4::bigint + 1",
                 db_text(kb.client_id), db_text(kb.kb_id), db_text(in->after), db_int(in->limit));
    if (n < 0 || !(page->items = page_from_rows(&faq_type, rows, in->limit, call->arena, &page->n_items, err)))
        return -1;
    if (page->n_items < (size_t)n)
        page->next_after = page->items[page->n_items - 1].document_id;
    return 0;
}

int on_delete_faq(struct worker *self, struct call *call, struct err *err)
{
    const struct delete_faq *in = call->request;
    struct kb kb;

    if (kb_open_to_change(call->tx, in->kb_id, call->arena, &kb, err) < 0 ||
        removal_document(call->tx, &kb, "faq", in->document_id, call->arena, call->reply, err) < 0)
        return -1;
    return vector_index_check_all(self, call->tx, kb.client_id, err);
}

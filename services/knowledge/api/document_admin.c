/* document_admin.c - documents are looked at and removed. */
#include <inttypes.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/page.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/knowledge/api/kb_store.h"
#include "services/knowledge/api/removal.h"
#include "services/knowledge/embedding/vector_index.h"
#include "services/knowledge/knowledge.h"

/* Of one that is updating, chunks and tokens are those of the version that is searched. */
#define DOCUMENT_COLUMNS                                                                                             \
    "d.document_id, d.kb_id, d.title, nullif(d.source_url, '') AS source_url, d.content_type, d.metadata, d.state, " \
    "left(d.error, 250) AS error, d.task_id, c.chunks, c.tokens, d.bytes, d.created_at, d.ingested_at"

#define CHUNKS_OF_D                                                                                    \
    " CROSS JOIN LATERAL (SELECT count(*) AS chunks, coalesce(sum(tokens), 0) AS tokens FROM chunks c" \
    "                      WHERE c.client_id = d.client_id AND c.document_id = d.document_id) AS c"

static int no_document(const char *document_id, struct err *err)
{
    return err_set_field(err, ERR_NOT_FOUND, "document_id", "this knowledge base has no document %.40s", document_id);
}

static int bad_cursor(struct err *err)
{
    return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of an earlier page");
}

int on_get_document(struct worker *self, struct call *call, struct err *err)
{
    const struct get_document *in = call->request;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct kb kb;
    int n;

    (void)self;
    if (kb_open(call->tx, in->kb_id, call->arena, &kb, err) < 0)
        return -1;
    n = db_query(call->tx, &rows, err,
                 "SELECT " DOCUMENT_COLUMNS "  FROM documents d" CHUNKS_OF_D
                 " WHERE d.client_id = $1 AND d.kb_id = $2 AND d.kind = 'document' AND d.document_id = $3",
                 db_text(kb.client_id), db_text(kb.kb_id), db_text(in->document_id));
    if (n == 0)
        return no_document(in->document_id, err);
    return n < 0 ? -1 : codec_from_row(&document_type, rows, 0, call->arena, call->reply, err);
}

/* Ids are UUIDv7: their order is that of creation. */
int on_list_documents(struct worker *self, struct call *call, struct err *err)
{
    const struct list_documents *in = call->request;
    struct document_page *page = call->reply;
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct kb kb;
    int n;

    (void)self;
    if (in->after && !uuid_is_valid(in->after))
        return bad_cursor(err);
    if (kb_open(call->tx, in->kb_id, call->arena, &kb, err) < 0)
        return -1;
    n = db_query(call->tx, &rows, err,
                 "SELECT " DOCUMENT_COLUMNS "  FROM (SELECT * FROM documents"
                 "         WHERE client_id = $1 AND kb_id = $2 AND kind = 'document'"
                 "           AND document_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')"
                 "           AND ($4::text IS NULL OR state = $4::text)"
                 "         ORDER BY document_id LIMIT $5::bigint + 1) AS d" CHUNKS_OF_D " ORDER BY d.document_id",
                 db_text(kb.client_id), db_text(kb.kb_id), db_text(in->after), db_text(in->state), db_int(in->limit));
    if (n < 0 || !(page->items = page_from_rows(&document_type, rows, in->limit, call->arena, &page->n_items, err)))
        return -1;
    if (page->n_items < (size_t)n)
        page->next_after = page->items[page->n_items - 1].document_id;
    return 0;
}

static int check_document(struct db_tx *tx, const struct kb *kb, const char *document_id, struct err *err)
{
    int n = db_query(tx, NULL, err,
                     "SELECT FROM documents"
                     " WHERE client_id = $1 AND kb_id = $2 AND kind = 'document' AND document_id = $3",
                     db_text(kb->client_id), db_text(kb->kb_id), db_text(document_id));

    return n == 0 ? no_document(document_id, err) : n < 0 ? -1 : 0;
}

/* A cursor is the position of the last chunk. A new version of the document between two pages has other chunks: a page
 * then goes on where the old version ended. */
int on_list_chunks(struct worker *self, struct call *call, struct err *err)
{
    const struct list_chunks *in = call->request;
    struct chunk_page *page = call->reply;
    AUTO(db_result_free) struct db_result *rows = NULL;
    int64_t after = -1;
    struct kb kb;
    int n;

    (void)self;
    if (in->after && !text_to_int(in->after, 0, INT32_MAX, &after))
        return bad_cursor(err);
    if (kb_open(call->tx, in->kb_id, call->arena, &kb, err) < 0 ||
        check_document(call->tx, &kb, in->document_id, err) < 0)
        return -1;
    n = db_query(call->tx, &rows, err,
                 "SELECT chunk_id, position, nullif(heading, '') AS heading, body, tokens FROM chunks"
                 " WHERE client_id = $1 AND document_id = $2 AND part = 'text' AND position > $3"
                 " ORDER BY position LIMIT $4::bigint + 1",
                 db_text(kb.client_id), db_text(in->document_id), db_int(after), db_int(in->limit));
    if (n < 0 || !(page->items = page_from_rows(&chunk_type, rows, in->limit, call->arena, &page->n_items, err)))
        return -1;
    if (page->n_items == (size_t)n)
        return 0;
    page->next_after = arena_printf(call->arena, "%" PRId64, page->items[page->n_items - 1].position);
    return page->next_after ? 0 : err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

int on_delete_document(struct worker *self, struct call *call, struct err *err)
{
    const struct delete_document *in = call->request;
    struct kb kb;

    if (kb_open_to_change(call->tx, in->kb_id, call->arena, &kb, err) < 0 ||
        removal_document(call->tx, &kb, "document", in->document_id, call->arena, call->reply, err) < 0)
        return -1;
    return vector_index_check_all(self, call->tx, kb.client_id, err);
}

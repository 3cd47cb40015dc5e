/* notice_store.c - see notice_store.h. */
#include "services/orchestrator/api/notice_store.h"

#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/page.h"
#include "proto/notices.h"
#include "services/orchestrator/api/cursor.h"

/* The nil UUID stands for who operates Leadwire. */
#define NOTICE_COLUMNS                                                                                                \
    "nullif(client_id, '00000000-0000-0000-0000-000000000000') AS client_id, notice_id, kind, subject, text, remedy," \
    " code, count, created_at, last_at, resolved_at"

int notice_store_list(struct db_tx *tx, const struct list_notices *request, struct arena *arena,
                      struct notice_page *ret_page, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct notice *last;
    struct cursor before;
    int n;

    if (cursor_read(request->after, arena, &before, err) < 0 ||
        (n = db_query(tx, &rows, err,
                      "SELECT " NOTICE_COLUMNS "  FROM notices"
                      " WHERE ($1::uuid IS NULL OR client_id = $1::uuid)"
                      "   AND ($2::text IS NULL OR (resolved_at IS NULL) = ($2::text = 'open'))"
                      "   AND ($4::uuid IS NULL OR (created_at, notice_id)"
                      "        < ('epoch'::timestamptz + $3::bigint * interval '1 microsecond', $4::uuid))"
                      " ORDER BY created_at DESC, notice_id DESC"
                      " LIMIT $5::bigint + 1",
                      db_text(request->client_id), db_text(request->state), db_int(before.value), db_text(before.id),
                      db_int(request->limit))) < 0 ||
        !(ret_page->items = page_from_rows(&notice_type, rows, request->limit, arena, &ret_page->n_items, err)))
        return -1;
    if (ret_page->n_items == (size_t)n)
        return 0;
    last = &ret_page->items[ret_page->n_items - 1];
    return cursor_make(last->created_at, last->notice_id, arena, &ret_page->next_after, err);
}

int notice_store_get(struct db_tx *tx, const char *notice_id, struct arena *arena, struct notice *ret_notice,
                     struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err, "SELECT " NOTICE_COLUMNS " FROM notices WHERE notice_id = $1", db_text(notice_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "notice_id", "there is no such notice");
    return codec_from_row(&notice_type, rows, 0, arena, ret_notice, err);
}

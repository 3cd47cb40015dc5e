/* notice_store.c - see notice_store.h. */
#include "services/orchestrator/api/notice_store.h"

#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/page.h"
#include "proto/notices.h"

/* The nil UUID stands for who operates Leadwire. */
#define NOTICE_COLUMNS                                                                                                \
    "nullif(client_id, '00000000-0000-0000-0000-000000000000') AS client_id, notice_id, kind, subject, text, remedy," \
    " code, count, created_at, last_at, resolved_at"

int notice_store_list(struct db_tx *tx, const struct list_notices *filter, int64_t before_us, const char *before_id,
                      struct arena *arena, struct notice **ret_items, size_t *ret_n, bool *ret_more, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n;

    if ((n = db_query(tx, &rows, err,
                      "SELECT " NOTICE_COLUMNS "  FROM notices"
                      " WHERE ($1::uuid IS NULL OR client_id = $1::uuid)"
                      "   AND ($2::text IS NULL OR (resolved_at IS NULL) = ($2::text = 'open'))"
                      "   AND ($4::uuid IS NULL OR (created_at, notice_id)"
                      "        < ('epoch'::timestamptz + $3::bigint * interval '1 microsecond', $4::uuid))"
                      " ORDER BY created_at DESC, notice_id DESC"
                      " LIMIT $5::bigint + 1",
                      db_text(filter->client_id), db_text(filter->state), db_int(before_us), db_text(before_id),
                      db_int(filter->limit))) < 0)
        return -1;
    if (!(*ret_items = page_from_rows(&notice_type, rows, filter->limit, arena, ret_n, err)))
        return -1;
    *ret_more = *ret_n < (size_t)n;
    return 0;
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

/* form_store.c - see form_store.h. */
#include "services/orchestrator/api/form_store.h"

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/form_token.h"
#include "libshared/page.h"
#include "proto/forms.h"
#include "services/orchestrator/api/cursor.h"

#define FORM_COLUMNS                                                                                      \
    "client_id, form_id, name, token_prefix, channel, field_names, consent_text, country_code, language," \
    " redirect_urls, max_per_minute, max_new_per_day, created_at, disabled_at"

static int unknown_form(struct err *err)
{
    return err_set_field(err, ERR_NOT_FOUND, "form_id", "there is no such form");
}

int form_store_get(struct db_tx *tx, const char *form_id, struct arena *arena, struct web_form *ret_form,
                   struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err, "SELECT " FORM_COLUMNS "  FROM forms WHERE form_id = $1", db_text(form_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return unknown_form(err);
    return codec_from_row(&web_form_type, rows, 0, arena, ret_form, err);
}

int form_store_list(struct db_tx *tx, const struct list_forms *request, struct arena *arena, struct form_page *ret_page,
                    struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct web_form *last;
    struct cursor before;
    int n;

    if (cursor_read(request->after, arena, &before, err) < 0 ||
        (n = db_query(tx, &rows, err,
                      "SELECT " FORM_COLUMNS "  FROM forms"
                      " WHERE ($1::uuid IS NULL OR client_id = $1::uuid)"
                      "   AND ($3::uuid IS NULL OR (created_at, form_id)"
                      "        < ('epoch'::timestamptz + $2::bigint * interval '1 microsecond', $3::uuid))"
                      " ORDER BY created_at DESC, form_id DESC"
                      " LIMIT $4::bigint + 1",
                      db_text(request->client_id), db_int(before.value), db_text(before.id), db_int(request->limit))) <
            0 ||
        !(ret_page->items = page_from_rows(&web_form_type, rows, request->limit, arena, &ret_page->n_items, err)))
        return -1;
    if (ret_page->n_items == (size_t)n)
        return 0;
    last = &ret_page->items[ret_page->n_items - 1];
    return cursor_make(last->created_at, last->form_id, arena, &ret_page->next_after, err);
}

/* NULL where none are given. */
static const char *urls_of(const char *const *urls, size_t n, struct arena *arena)
{
    return urls ? db_array(arena, urls, n) : NULL;
}

/* A limit that is not given. */
static struct db_arg limit_of(int64_t limit)
{
    return limit ? db_int(limit) : db_text(NULL);
}

int form_store_insert(struct db_tx *tx, const char *form_id, const struct create_form *request,
                      const struct form_token *token, struct arena *arena, struct err *err)
{
    return db_query(tx, NULL, err,
                    "INSERT INTO forms (client_id, form_id, name, token_hash, token_prefix, channel, field_names,"
                    "                   consent_text, country_code, language, redirect_urls, max_per_minute,"
                    "                   max_new_per_day)"
                    "VALUES ($1, $2, $3, $4, $5, coalesce($6, 'sms'), coalesce($7::jsonb, '{}'), nullif($8, ''),"
                    "        nullif($9, ''), nullif($10, ''), coalesce($11::text[], '{}'), coalesce($12::integer, 30),"
                    "        coalesce($13::integer, 100))",
                    db_text(request->client_id), db_text(form_id), db_text(request->name), db_text(token->hash),
                    db_text(token->prefix), db_text(request->channel), db_text(request->field_names),
                    db_text(request->consent_text), db_text(request->country_code), db_text(request->language),
                    db_text(urls_of(request->redirect_urls, request->n_redirect_urls, arena)),
                    limit_of(request->max_per_minute), limit_of(request->max_new_per_day)) < 0
               ? -1
               : 0;
}

int form_store_update(struct db_tx *tx, const struct update_form *request, struct arena *arena, struct err *err)
{
    int n =
        db_query(tx, NULL, err,
                 "UPDATE forms SET name = coalesce($2, name), channel = coalesce($3, channel),"
                 "       field_names = coalesce($4::jsonb, field_names),"
                 "       consent_text = CASE WHEN $5::text IS NULL THEN consent_text ELSE nullif($5, '') END,"
                 "       country_code = CASE WHEN $6::text IS NULL THEN country_code ELSE nullif($6, '') END,"
                 "       language = CASE WHEN $7::text IS NULL THEN language ELSE nullif($7, '') END,"
                 "       redirect_urls = coalesce($8::text[], redirect_urls),"
                 "       max_per_minute = coalesce($9::integer, max_per_minute),"
                 "       max_new_per_day = coalesce($10::integer, max_new_per_day)"
                 " WHERE form_id = $1",
                 db_text(request->form_id), db_text(request->name), db_text(request->channel),
                 db_text(request->field_names), db_text(request->consent_text), db_text(request->country_code),
                 db_text(request->language), db_text(urls_of(request->redirect_urls, request->n_redirect_urls, arena)),
                 limit_of(request->max_per_minute), limit_of(request->max_new_per_day));

    return n == 0 ? unknown_form(err) : n < 0 ? -1 : 0;
}

int form_store_set_token(struct db_tx *tx, const char *form_id, const struct form_token *token, struct err *err)
{
    int n = db_query(tx, NULL, err, "UPDATE forms SET token_hash = $2, token_prefix = $3 WHERE form_id = $1",
                     db_text(form_id), db_text(token->hash), db_text(token->prefix));

    return n == 0 ? unknown_form(err) : n < 0 ? -1 : 0;
}

int form_store_disable(struct db_tx *tx, const char *form_id, struct err *err)
{
    int n = db_query(tx, NULL, err, "UPDATE forms SET disabled_at = coalesce(disabled_at, now()) WHERE form_id = $1",
                     db_text(form_id));

    return n == 0 ? unknown_form(err) : n < 0 ? -1 : 0;
}

/* lead_store.c - see lead_store.h. */
#include "services/orchestrator/api/lead_store.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/page.h"
#include "proto/leads.h"
#include "services/orchestrator/api/cursor.h"

#define SCORE_VALUE_MAX 2 /* see sort_value; no time is so small */

#define LEAD_COLUMNS                                                                                                 \
    "l.client_id, l.lead_id, l.phone, l.email, l.name, l.timezone, l.source,"                                        \
    " lead_status(l.client_id, l.lead_id, l.opted_out_at IS NOT NULL) AS status, l.score, l.score_reason, l.hot_at," \
    " l.service_interest, l.urgency, l.budget_range, l.timeline, l.opted_out_at, l.opted_out_channel,"               \
    " l.opted_out_words, CASE l.phone_valid WHEN true THEN 'yes' WHEN false THEN 'no' END AS phone_valid,"           \
    " l.phone_country, l.phone_line_type, l.phone_looked_up_at,"                                                     \
    " ARRAY(SELECT c.conversation_id::text FROM conversations c WHERE c.client_id = l.client_id"                     \
    "          AND c.lead_id = l.lead_id ORDER BY c.conversation_id DESC LIMIT 64) AS conversation_ids,"             \
    " l.created_at, l.updated_at"

static int get_locked(struct db_tx *tx, const char *lead_id, struct err *err)
{
    return db_query(tx, NULL, err, "SELECT FROM leads WHERE lead_id = $1 FOR NO KEY UPDATE", db_text(lead_id));
}

int lead_store_get(struct db_tx *tx, const char *lead_id, struct arena *arena, struct lead *ret_lead, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err, "SELECT " LEAD_COLUMNS " FROM leads l WHERE l.lead_id = $1", db_text(lead_id)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "lead_id", "there is no such lead");
    return codec_from_row(&lead_type, rows, 0, arena, ret_lead, err);
}

int lead_store_lock(struct db_tx *tx, const char *lead_id, struct arena *arena, struct lead *ret_lead, struct err *err)
{
    return get_locked(tx, lead_id, err) < 0 ? -1 : lead_store_get(tx, lead_id, arena, ret_lead, err);
}

/* ---- lists ---- */

static bool sorts_by(const struct list_leads *filter, const char *what)
{
    return filter->sort && strcmp(filter->sort, what) == 0;
}

/* What the list is ordered by: a time in us, or the score as 0 (COLD) to 2 (HOT). */
static int64_t sort_value(const struct list_leads *filter, const struct lead *lead)
{
    if (sorts_by(filter, "score"))
        return *lead->score == 'H' ? SCORE_VALUE_MAX : *lead->score == 'W' ? 1 : 0;
    return sorts_by(filter, "updated") ? lead->updated_at : lead->created_at;
}

static int read_after(const struct list_leads *request, struct arena *arena, struct cursor *ret_before, struct err *err)
{
    if (cursor_read(request->after, arena, ret_before, err) < 0)
        return -1;
    if (ret_before->id && sorts_by(request, "score") != (ret_before->value <= SCORE_VALUE_MAX))
        return err_set_field(err, ERR_INVALID, "after", "after must be the next_after of a page of the same sort");
    return 0;
}

#define BEFORE_TIME "'epoch'::timestamptz + $6::bigint * interval '1 microsecond'"
#define SCORE_VALUE "CASE l.score WHEN 'HOT' THEN 2 WHEN 'WARM' THEN 1 ELSE 0 END"

/* The ids are made in the order of time: within a score they put the newest first. */
#define LIST(value, before)                                                                               \
    "SELECT " LEAD_COLUMNS "  FROM leads l"                                                               \
    " WHERE ($1::uuid IS NULL OR l.client_id = $1::uuid)"                                                 \
    "   AND ($2::text IS NULL OR l.score = $2::text)"                                                     \
    "   AND ($3::text IS NULL OR lead_status(l.client_id, l.lead_id, l.opted_out_at IS NOT NULL) = $3)"   \
    "   AND ($4::text IS NULL OR EXISTS (SELECT FROM conversations c WHERE c.client_id = l.client_id"     \
    "                                       AND c.lead_id = l.lead_id AND c.channel = $4::text)"          \
    "        OR ($4::text = 'form' AND EXISTS (SELECT FROM consents s WHERE s.client_id = l.client_id"    \
    "                                             AND s.lead_id = l.lead_id AND s.form_id IS NOT NULL)))" \
    "   AND ($5::text IS NULL OR position(lower($5::text) IN"                                             \
    "        lower(concat_ws(E'\\n', l.name, l.phone, l.email, l.service_interest))) > 0)"                \
    "   AND ($7::uuid IS NULL OR (" value ", l.lead_id) < (" before ", $7::uuid))"                        \
    " ORDER BY " value " DESC, l.lead_id DESC"                                                            \
    " LIMIT $8::bigint + 1"

static int query_list(struct db_tx *tx, const struct list_leads *filter, const struct cursor *before,
                      struct db_result **ret_rows, struct err *err)
{
    struct db_arg args[] = {db_text(filter->client_id), db_text(filter->score), db_text(filter->status),
                            db_text(filter->channel),   db_text(filter->text),  db_int(before->value),
                            db_text(before->id),        db_int(filter->limit)};
    static const char by_created[] = LIST("l.created_at", BEFORE_TIME);
    static const char by_updated[] = LIST("l.updated_at", BEFORE_TIME);
    static const char by_score[] = LIST(SCORE_VALUE, "$6::bigint");

    return db_query_args(tx, ret_rows, err,
                         sorts_by(filter, "score")     ? by_score
                         : sorts_by(filter, "updated") ? by_updated
                                                       : by_created,
                         args, COUNT_OF(args));
}

int lead_store_list(struct db_tx *tx, const struct list_leads *request, struct arena *arena, struct lead_page *ret_page,
                    struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct lead *last;
    struct cursor before;
    int n;

    if (read_after(request, arena, &before, err) < 0 || (n = query_list(tx, request, &before, &rows, err)) < 0 ||
        !(ret_page->items = page_from_rows(&lead_type, rows, request->limit, arena, &ret_page->n_items, err)))
        return -1;
    if (ret_page->n_items == (size_t)n)
        return 0;
    last = &ret_page->items[ret_page->n_items - 1];
    return cursor_make(sort_value(request, last), last->lead_id, arena, &ret_page->next_after, err);
}

/* ---- changes ---- */

int lead_store_find(struct db_tx *tx, const char *client_id, const char *phone, const char *email, struct arena *arena,
                    const char **ret_by_phone, const char **ret_by_email, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(tx, &rows, err,
                     "SELECT lead_id, coalesce(phone = $2, false) AS by_phone, coalesce(email = $3, false) AS by_email"
                     "  FROM leads WHERE client_id = $1 AND (phone = $2 OR email = $3)"
                     " ORDER BY lead_id FOR NO KEY UPDATE",
                     db_text(client_id), db_text(phone), db_text(email));

    *ret_by_phone = *ret_by_email = NULL;
    for (int i = 0; i < n; i++) {
        const char *lead_id = arena_strdup(arena, db_get(rows, i, "lead_id"));

        if (!lead_id)
            return err_set(err, ERR_INTERNAL, "a lead: out of memory");
        if (db_get_bool(rows, i, "by_phone"))
            *ret_by_phone = lead_id;
        if (db_get_bool(rows, i, "by_email"))
            *ret_by_email = lead_id;
    }
    return n < 0 ? -1 : 0;
}

int lead_store_insert(struct db_tx *tx, const char *lead_id, const struct create_lead *request, struct err *err)
{
    return db_query(tx, NULL, err,
                    "INSERT INTO leads (client_id, lead_id, phone, email, name, timezone, source)"
                    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                    db_text(request->client_id), db_text(lead_id), db_text(request->phone), db_text(request->email),
                    db_text(request->name), db_text(request->timezone), db_text(request->source));
}

int lead_store_fill(struct db_tx *tx, const char *lead_id, const struct create_lead *request, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE leads SET phone = coalesce(phone, $3), email = coalesce(email, $4),"
                    "       name = coalesce(name, $5), timezone = coalesce(timezone, $6),"
                    "       source = coalesce(source, $7), updated_at = now()"
                    " WHERE client_id = $1 AND lead_id = $2"
                    "   AND ((phone IS NULL AND $3::text IS NOT NULL) OR (email IS NULL AND $4::text IS NOT NULL)"
                    "     OR (name IS NULL AND $5::text IS NOT NULL) OR (timezone IS NULL AND $6::text IS NOT NULL)"
                    "     OR (source IS NULL AND $7::text IS NOT NULL))",
                    db_text(request->client_id), db_text(lead_id), db_text(request->phone), db_text(request->email),
                    db_text(request->name), db_text(request->timezone), db_text(request->source));
}

static int taken(struct err *err)
{
    if (err && err->kind == ERR_CONFLICT && strcmp(err->field, "leads_phone") == 0)
        return err_set_field(err, ERR_CONFLICT, "phone", "another lead of the client has this phone");
    if (err && err->kind == ERR_CONFLICT && strcmp(err->field, "leads_email") == 0)
        return err_set_field(err, ERR_CONFLICT, "email", "another lead of the client has this email");
    return -1;
}

int lead_store_update(struct db_tx *tx, const struct lead *lead, const struct update_lead *request, struct err *err)
{
    int n =
        db_query(tx, NULL, err,
                 "UPDATE leads SET phone = coalesce($3, phone),"
                 "       email = CASE WHEN $4::text IS NULL THEN email ELSE nullif($4, '') END,"
                 "       name = CASE WHEN $5::text IS NULL THEN name ELSE nullif($5, '') END,"
                 "       timezone = CASE WHEN $6::text IS NULL THEN timezone ELSE nullif($6, '') END,"
                 "       service_interest = CASE WHEN $7::text IS NULL THEN service_interest ELSE nullif($7, '') END,"
                 "       urgency = CASE WHEN $8::text IS NULL THEN urgency ELSE nullif($8, '') END,"
                 "       budget_range = CASE WHEN $9::text IS NULL THEN budget_range ELSE nullif($9, '') END,"
                 "       timeline = CASE WHEN $10::text IS NULL THEN timeline ELSE nullif($10, '') END,"
                 "       phone_valid = CASE WHEN $3::text IS DISTINCT FROM phone AND $3 IS NOT NULL THEN NULL ELSE "
                 "phone_valid END,"
                 "       phone_country = CASE WHEN $3::text IS DISTINCT FROM phone AND $3 IS NOT NULL THEN NULL"
                 "                       ELSE phone_country END,"
                 "       phone_line_type = CASE WHEN $3::text IS DISTINCT FROM phone AND $3 IS NOT NULL THEN NULL"
                 "                         ELSE phone_line_type END,"
                 "       phone_looked_up_at = CASE WHEN $3::text IS DISTINCT FROM phone AND $3 IS NOT NULL THEN NULL"
                 "                            ELSE phone_looked_up_at END,"
                 "       updated_at = now()"
                 " WHERE client_id = $1 AND lead_id = $2",
                 db_text(lead->client_id), db_text(lead->lead_id), db_text(request->phone), db_text(request->email),
                 db_text(request->name), db_text(request->timezone), db_text(request->service_interest),
                 db_text(request->urgency), db_text(request->budget_range), db_text(request->timeline));

    return n < 0 ? taken(err) : 0;
}

int lead_store_set_opt_out(struct db_tx *tx, const struct lead *lead, const char *wanted, const char *reason,
                           const char *who, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err, "SELECT set_lead_opt_out($1, $2, $3, $4, $5) AS changed", db_text(lead->client_id),
                 db_text(lead->lead_id), db_text(wanted), db_text(reason), db_text(who)) < 0)
        return -1;
    return db_get_bool(rows, 0, "changed");
}

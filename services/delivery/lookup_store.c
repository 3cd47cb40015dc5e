/* lookup_store.c - see lookup_store.h. */
#include "services/delivery/lookup_store.h"

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/delivery/twilio.h"

int lookup_store_load(struct db_pool *pool, const char *client_id, const char *lead_id, struct arena *arena,
                      struct known_phone *ret_known, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_run(pool, client_id, &rows, err,
                   "SELECT l.phone, l.phone_looked_up_at IS NOT NULL AS looked_up,"
                   "       coalesce(l.phone_valid, true) AS valid, l.phone_line_type,"
                   "       l.phone IS NOT NULL AND c.config->>'lookup_new_numbers' = 'on'"
                   "           AND NOT EXISTS (SELECT FROM conversations v"
                   "                             JOIN messages m ON m.client_id = v.client_id"
                   "                              AND m.conversation_id = v.conversation_id"
                   "                            WHERE v.client_id = l.client_id AND v.lead_id = l.lead_id"
                   "                              AND m.direction = 'in' AND m.channel <> 'form') AS wanted"
                   "  FROM leads l JOIN clients c ON c.client_id = l.client_id"
                   " WHERE l.client_id = $1 AND l.lead_id = $2",
                   db_text(client_id), db_text(lead_id));

    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no lead %s", lead_id);
    *ret_known = (struct known_phone){
        .phone = arena_strdup(arena, db_get(rows, 0, "phone")),
        .looked_up = db_get_bool(rows, 0, "looked_up"),
        .valid = db_get_bool(rows, 0, "valid"),
        .line_type = arena_strdup(arena, db_get(rows, 0, "phone_line_type")),
        .wanted = db_get_bool(rows, 0, "wanted"),
    };
    return ret_known->phone || !db_get(rows, 0, "phone") ? 0 : err_set(err, ERR_INTERNAL, "delivery: out of memory");
}

int lookup_store_keep(struct db_tx *tx, const char *client_id, const char *number, const struct twilio_phone *phone,
                      struct arena *arena, const char **ret_lead_id, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(tx, &rows, err,
                     "UPDATE leads SET phone_valid = $3, phone_country = $4, phone_line_type = $5,"
                     "       phone_looked_up_at = now(), updated_at = now()"
                     " WHERE client_id = $1 AND phone = $2"
                     " RETURNING lead_id",
                     db_text(client_id), db_text(number), db_bool(phone->valid),
                     db_text(*phone->country ? phone->country : NULL),
                     db_text(*phone->line_type ? phone->line_type : NULL));

    if (n < 0)
        return -1;
    *ret_lead_id = n > 0 ? arena_strdup(arena, db_get(rows, 0, "lead_id")) : NULL;
    return n > 0 && !*ret_lead_id ? err_set(err, ERR_INTERNAL, "delivery: out of memory") : 0;
}

/* client_store.c - see client_store.h. */
#include "services/orchestrator/api/client_store.h"

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/codec.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/page.h"
#include "proto/clients.h"

int client_store_insert(struct db_tx *tx, const char *client_id, const char *name, const char *timezone,
                        const char *config, struct err *err)
{
    return db_query(tx, NULL, err, "INSERT INTO clients (client_id, name, timezone, config) VALUES ($1, $2, $3, $4)",
                    db_text(client_id), db_text(name), db_text(timezone), db_text(config)) < 0
               ? -1
               : 0;
}

static int read_one(struct db_result *rows, struct arena *arena, struct client *ret_client, struct err *err)
{
    if (db_result_count(rows) == 0)
        return err_set_field(err, ERR_NOT_FOUND, "client_id", "there is no such client");
    return codec_from_row(&client_type, rows, 0, arena, ret_client, err);
}

int client_store_get(struct db_tx *tx, const char *client_id, struct arena *arena, struct client *ret_client,
                     struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT client_id, name, timezone, config, config_version, created_at, updated_at"
                 "  FROM clients"
                 " WHERE client_id = $1",
                 db_text(client_id)) < 0)
        return -1;
    return read_one(rows, arena, ret_client, err);
}

int client_store_lock(struct db_tx *tx, const char *client_id, struct arena *arena, struct client *ret_client,
                      struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (db_query(tx, &rows, err,
                 "SELECT client_id, name, timezone, config, config_version, created_at, updated_at"
                 "  FROM clients"
                 " WHERE client_id = $1"
                 "   FOR UPDATE",
                 db_text(client_id)) < 0)
        return -1;
    return read_one(rows, arena, ret_client, err);
}

int client_store_list(struct db_tx *tx, const char *after, int64_t limit, struct arena *arena,
                      struct client **ret_clients, size_t *ret_n, bool *ret_more, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n;

    if ((n = db_query(tx, &rows, err,
                      "SELECT client_id, name, timezone, config, config_version, created_at, updated_at"
                      "  FROM clients"
                      " WHERE $1::uuid IS NULL OR client_id > $1::uuid"
                      " ORDER BY client_id"
                      " LIMIT $2::bigint + 1",
                      db_text(after), db_int(limit))) < 0)
        return -1;
    if (!(*ret_clients = page_from_rows(&client_type, rows, limit, arena, ret_n, err)))
        return -1;
    *ret_more = *ret_n < (size_t)n;
    return 0;
}

int client_store_update(struct db_tx *tx, const char *client_id, const char *name, const char *timezone,
                        struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE clients"
                    "   SET name = coalesce($2, name), timezone = coalesce($3, timezone), updated_at = now()"
                    " WHERE client_id = $1",
                    db_text(client_id), db_text(name), db_text(timezone)) < 0
               ? -1
               : 0;
}

int client_store_set_config(struct db_tx *tx, const char *client_id, const char *config, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE clients"
                    "   SET config = $2, config_version = config_version + 1, updated_at = now()"
                    " WHERE client_id = $1",
                    db_text(client_id), db_text(config)) < 0
               ? -1
               : 0;
}

int client_store_keep_numbers(struct db_tx *tx, const char *client_id, const char *channel, const char *numbers,
                              struct err *err)
{
    return db_query(tx, NULL, err,
                    "DELETE FROM client_numbers"
                    " WHERE client_id = $1 AND channel = $2 AND number <> ALL($3::text[])",
                    db_text(client_id), db_text(channel), db_text(numbers)) < 0
               ? -1
               : 0;
}

int client_store_set_number(struct db_tx *tx, const char *client_id, const char *channel, const char *number,
                            const char *account_sid, struct err *err)
{
    return db_query(
               tx, NULL, err,
               "INSERT INTO client_numbers (client_id, channel, number, account_sid) VALUES ($1, $2, $3, $4)"
               "    ON CONFLICT ON CONSTRAINT client_numbers_pkey DO UPDATE SET account_sid = excluded.account_sid",
               db_text(client_id), db_text(channel), db_text(number), db_text(account_sid)) < 0
               ? -1
               : 0;
}

int client_store_refresh_lanes(struct db_tx *tx, const char *client_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE task_lanes SET stale = true"
                    " WHERE lane IN (SELECT lane FROM task_lanes"
                    "                 WHERE client_id = $1"
                    "                    OR lane IN (SELECT kind || ':' || number"
                    "                                  FROM client_numbers,"
                    "                                       unnest('{sms,whatsapp,voice}'::text[]) AS kind"
                    "                                 WHERE client_id = $1)"
                    "                 ORDER BY lane FOR UPDATE)",
                    db_text(client_id)) < 0
               ? -1
               : 0;
}

/* What is being decided at this moment sees the change before it waits: migrations/0128. */
int client_store_wake_started(struct db_tx *tx, const char *client_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "UPDATE tasks SET run_at = now(), updated_at = now()"
                    " WHERE client_id = $1 AND task_id IN"
                    "       (SELECT task_id FROM tasks"
                    "         WHERE client_id = $1 AND state = 'ready' AND run_at > now()"
                    "           AND error_kind = 'postponed' AND serial_key ~ '^(started|greet|follow_up):'"
                    "         ORDER BY task_id FOR UPDATE SKIP LOCKED)",
                    db_text(client_id)) < 0
               ? -1
               : 0;
}

int client_store_end_silence(struct db_tx *tx, const char *client_id, struct err *err)
{
    return db_query(tx, NULL, err,
                    "SELECT cancel_silence_follow_ups($1, 'void: the client wants no follow-ups any more')",
                    db_text(client_id)) < 0
               ? -1
               : 0;
}

int client_store_unpause_account(struct db_tx *tx, const char *client_id, struct err *err)
{
    return db_query(tx, NULL, err, "SELECT provider_account_changed($1)", db_text(client_id)) < 0 ? -1 : 0;
}

int client_store_timezone_is_known(struct db_tx *tx, const char *name, struct err *err)
{
    int n = db_query(tx, NULL, err, "SELECT 1 FROM pg_timezone_names WHERE name = $1", db_text(name));

    return n < 0 ? -1 : n > 0;
}

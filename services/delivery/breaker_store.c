/* breaker_store.c - see breaker_store.h. */
#include "services/delivery/breaker_store.h"

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/delivery/account.h"

#define PAUSE_MAX_S 60

/* 1, 2, 4 ... 60 s. */
static int pause_s(int64_t failures)
{
    int pause = 1;

    for (int64_t i = 1; i < failures && pause < PAUSE_MAX_S; i++)
        pause *= 2;
    return pause < PAUSE_MAX_S ? pause : PAUSE_MAX_S;
}

int breaker_store_limit(struct db_pool *pool, const char *account, int retry_after_s, int64_t *ret_pause_ms,
                        struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(pool, NULL, err);
    AUTO(db_result_free) struct db_result *noted = NULL, *paused = NULL;
    int pause;

    /* After ten minutes without a limit the pauses begin anew. */
    if (!tx || db_query(tx, &noted, err,
                        "INSERT INTO provider_accounts AS a (account, client_id, reason, failures)"
                        " VALUES ($1, $2, 'rate', 1)"
                        " ON CONFLICT (account) DO UPDATE"
                        "    SET failures = CASE WHEN a.paused_until > now() THEN a.failures"
                        "                        WHEN a.updated_at < now() - interval '10 minutes' THEN 1"
                        "                        ELSE least(a.failures + 1, 1000) END,"
                        "        reason = CASE WHEN a.paused_until > now() THEN a.reason ELSE 'rate' END,"
                        "        updated_at = now()"
                        " RETURNING failures",
                        db_text(account), db_text(account_client(account))) < 0)
        return -1;
    pause = retry_after_s > 0 ? retry_after_s : pause_s(db_get_int(noted, 0, "failures"));
    if (db_query(tx, &paused, err,
                 "UPDATE provider_accounts"
                 "   SET paused_until = greatest(paused_until, now() + $2::integer * interval '1 second')"
                 " WHERE account = $1"
                 " RETURNING CASE WHEN isfinite(paused_until)"
                 "                THEN (extract(epoch FROM paused_until - now()) * 1000)::bigint END AS ms",
                 db_text(account), db_int(pause)) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    *ret_pause_ms = db_get(paused, 0, "ms") ? db_get_int(paused, 0, "ms") : pause * 1000;
    return 0;
}

int breaker_store_unlimit(struct db_pool *pool, const char *account, struct err *err)
{
    return db_run(pool, NULL, NULL, err,
                  "UPDATE provider_accounts SET failures = 0, updated_at = now()"
                  " WHERE account = $1 AND reason = 'rate' AND paused_until <= now() AND failures > 0",
                  db_text(account));
}

int breaker_store_refuse(struct db_tx *tx, const char *account, const char *fingerprint, struct err *err)
{
    return db_query(tx, NULL, err,
                    "INSERT INTO provider_accounts AS a (account, client_id, credentials, paused_until, reason)"
                    " VALUES ($1, $2, $3, 'infinity', 'credentials')"
                    " ON CONFLICT (account) DO UPDATE"
                    "    SET failures = CASE a.reason WHEN 'credentials' THEN a.failures ELSE 0 END,"
                    "        credentials = excluded.credentials, paused_until = 'infinity', reason = 'credentials',"
                    "        updated_at = now()",
                    db_text(account), db_text(account_client(account)), db_text(fingerprint));
}

int breaker_store_still_refused(struct db_tx *tx, const char *account, const char *fingerprint, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n;

    if (!fingerprint)
        n = db_query(tx, &rows, err, "SELECT failures FROM provider_accounts WHERE account = $1", db_text(account));
    else if (breaker_store_refuse(tx, account, fingerprint, err) < 0)
        return -1;
    else
        n = db_query(tx, &rows, err,
                     "UPDATE provider_accounts SET failures = least(failures + 1, 1000) WHERE account = $1"
                     " RETURNING failures",
                     db_text(account));
    if (n < 0)
        return -1;
    return n == 0 ? 0 : (int)db_get_int(rows, 0, "failures");
}

int breaker_store_let_in(struct db_tx *tx, const char *account, struct err *err)
{
    return db_query(tx, NULL, err, "DELETE FROM provider_accounts WHERE account = $1 AND reason = 'credentials'",
                    db_text(account));
}

int breaker_store_forget(struct db_tx *tx, const char *account, struct err *err)
{
    return db_query(tx, NULL, err, "DELETE FROM provider_accounts WHERE account = $1", db_text(account));
}

int breaker_store_has_probe(struct db_tx *tx, const char *client_id, const char *serial_key, struct err *err)
{
    int n = db_query(tx, NULL, err,
                     "SELECT FROM tasks WHERE client_id = $1 AND serial_key = $2 AND state <> 'dead' LIMIT 1",
                     db_text(client_id ? client_id : UUID_NIL), db_text(serial_key));

    return n > 0 ? 1 : n;
}

int breaker_store_start(struct db_pool *pool, const char *account, const char *fingerprint, const char *serial_key,
                        struct err *err)
{
    return db_run(pool, NULL, NULL, err,
                  "WITH changed AS ("
                  "    DELETE FROM provider_accounts"
                  "     WHERE account = $1 AND reason = 'credentials' AND credentials <> $2"
                  "    RETURNING account"
                  ")"
                  "UPDATE tasks SET run_at = now(), updated_at = now()"
                  " WHERE EXISTS (SELECT FROM changed) AND client_id = $4 AND serial_key = $3 AND state = 'ready'",
                  db_text(account), db_text(fingerprint), db_text(serial_key), db_text(UUID_NIL));
}

int breaker_store_list_unprobed(struct db_pool *pool, const char *serial_key, struct db_result **ret_rows,
                                struct err *err)
{
    return db_run(pool, NULL, ret_rows, err,
                  "SELECT account FROM provider_accounts a"
                  " WHERE reason = 'credentials'"
                  "   AND NOT EXISTS (SELECT FROM tasks t WHERE t.client_id = coalesce(a.client_id, $2)"
                  "                      AND t.serial_key = $1 AND t.state <> 'dead')"
                  " ORDER BY account LIMIT 1000",
                  db_text(serial_key), db_text(UUID_NIL));
}

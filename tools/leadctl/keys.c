/* keys.c - leadctl key create, key list, key revoke. Of a key its SHA-256 alone is kept. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "tools/leadctl/ctl.h"

#define KEY_PREFIX   "lw_"
#define KEY_SIZE     (sizeof KEY_PREFIX - 1 + 44)
#define PREFIX_SHOWN 9 /* the first characters, for people to tell keys apart */

static int check_client(struct ctl *ctl, const char *client_id, struct err *err)
{
    int n = db_run(ctl->db, client_id, NULL, err, "SELECT 1 FROM clients WHERE client_id = $1", db_text(client_id));

    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no client %s", client_id);
    return n < 0 ? -1 : 0;
}

int cmd_key_create(struct ctl *ctl, struct err *err)
{
    const char *client_id = ctl_option(ctl, "client"), *name = ctl_option(ctl, "name");
    char key[KEY_SIZE], hash[65], prefix[PREFIX_SHOWN + 1], key_id[UUID_SIZE];

    if (!client_id == !ctl_option(ctl, "admin"))
        return ctl_misuse(ctl, err, "key create wants either --admin or --client ID");
    if (client_id && ctl_check_uuid(ctl, client_id, "--client", err) < 0)
        return -1;
    if (name && (strlen(name) > 200 || !utf8_valid(name, strlen(name))))
        return ctl_misuse(ctl, err, "--name is longer than 200 bytes, or not UTF-8");
    if (!ctl_db(ctl, err) || (client_id && check_client(ctl, client_id, err) < 0))
        return -1;
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "no random numbers");
    random_token(KEY_PREFIX, key);
    sha256_hex(key, strlen(key), hash);
    snprintf(prefix, sizeof prefix, "%.*s", PREFIX_SHOWN, key);
    uuid_new(key_id);
    if (db_run(ctl->db, DB_EVERY_CLIENT, NULL, err,
               "INSERT INTO api_keys (key_id, client_id, name, hash, prefix) VALUES ($1, $2, $3, $4, $5)",
               db_text(key_id), db_text(client_id), db_text(name ? name : ""), db_text(hash), db_text(prefix)) < 0)
        return -1;
    printf("key_id %s\n%s\n", key_id, key);
    sodium_memzero(key, sizeof key);
    return 0;
}

static const struct ctl_column key_columns[] = {
    {"key_id", "KEY", CTL_TEXT},
    {"prefix", "BEGINS WITH", CTL_TEXT},
    {"client_id", "CLIENT", CTL_TEXT},
    {"name", "NAME", CTL_TEXT},
    {"created_at", "CREATED", CTL_TEXT},
    {"revoked_at", "REVOKED", CTL_TEXT},
    {0},
};

int cmd_key_list(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct ctl_table *table = ctl_table_new(key_columns, ctl->arena, err);
    const char *client_id = ctl_option(ctl, "client");

    if (!table || (client_id && ctl_check_uuid(ctl, client_id, "--client", err) < 0) || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT key_id, prefix, coalesce(client_id::text, 'administrator') AS client_id, name,"
               "       to_char(created_at" CTL_UTC " AS created_at,"
               "       to_char(revoked_at" CTL_UTC " AS revoked_at"
               "  FROM api_keys WHERE $1::uuid IS NULL OR client_id = $1 ORDER BY key_id",
               db_text(client_id)) < 0)
        return -1;
    ctl_table_put_rows(table, rows);
    return ctl_table_print(table, ctl_option(ctl, "json"), err);
}

/* The gateway may know a key for a second longer. */
int cmd_key_revoke(struct ctl *ctl, struct err *err)
{
    const char *key_id = ctl->args[0];
    int n;

    if (ctl_check_uuid(ctl, key_id, "KEY_ID", err) < 0 || !ctl_db(ctl, err))
        return -1;
    n = db_run(ctl->db, DB_EVERY_CLIENT, NULL, err,
               "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = $1", db_text(key_id));
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no key %s", key_id);
    return n < 0 ? -1 : 0;
}

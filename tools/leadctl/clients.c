/* clients.c - leadctl client create, client list. Secrets of a client are set through the API, which seals them. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/client_keys.h"
#include "tools/leadctl/ctl.h"

static void json_free(json_t **self_p)
{
    json_decref(*self_p);
    *self_p = NULL;
}

/* -1 and *err, exit code 2, unless all that --config holds may stand there. */
static int check_config(struct ctl *ctl, const json_t *config, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)config, name, value) {
        const struct client_key *key = client_key_find(name, err);

        if (key && key->secret)
            return ctl_misuse(ctl, err,
                              "%.60s is a secret: set it with PATCH /api/v1/clients/{id}/config, which seals it", name);
        if (!key || client_key_check(key, value, err) < 0)
            return ctl_misuse(ctl, err, "%s", err->text);
    }
    if (json_object_get(config, "twilio_account_sid"))
        return ctl_misuse(ctl, err,
                          "twilio_account_sid needs twilio_auth_token, a secret: set both with PATCH "
                          "/api/v1/clients/{id}/config");
    return client_keys_check_all(config, err) < 0 ? ctl_misuse(ctl, err, "%s", err->text) : 0;
}

/* What the client shall be configured with. NULL and *err if --config cannot be taken. */
static json_t *read_config(struct ctl *ctl, struct err *err)
{
    const char *text = ctl_option(ctl, "config"), *sms = ctl_option(ctl, "sms");
    AUTO(json_free) json_t *config = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_object();

    if (!json_is_object(config)) {
        ctl_misuse(ctl, err, "--config must be a JSON object");
        return NULL;
    }
    if (sms && !phone_is_e164(sms)) {
        ctl_misuse(ctl, err, "--sms must be an E.164 number, e.g. +15550100000");
        return NULL;
    }
    if (sms && json_object_set_new(config, "twilio_phone_number", json_string(sms)) < 0) {
        err_set(err, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    return check_config(ctl, config, err) == 0 ? TAKE(config) : NULL;
}

static int insert_number(struct db_tx *tx, const char *client_id, const char *channel, const json_t *number,
                         struct err *err)
{
    struct err why = {0};

    if (!number ||
        db_query(tx, NULL, &why, "INSERT INTO client_numbers (client_id, channel, number) VALUES ($1, $2, $3)",
                 db_text(client_id), db_text(channel), db_text(json_string_value(number))) >= 0)
        return 0;
    if (why.kind == ERR_CONFLICT)
        return err_set(err, ERR_CONFLICT, "the %s number %s belongs to another client", channel,
                       json_string_value(number));
    *err = why;
    return -1;
}

static int insert_numbers(struct db_tx *tx, const char *client_id, const json_t *config, struct err *err)
{
    const json_t *more = json_object_get(config, "twilio_phone_numbers");

    if (insert_number(tx, client_id, "sms", json_object_get(config, "twilio_phone_number"), err) < 0 ||
        insert_number(tx, client_id, "whatsapp", json_object_get(config, "twilio_whatsapp_number"), err) < 0)
        return -1;
    for (size_t i = 0; i < json_array_size(more); i++)
        if (insert_number(tx, client_id, "sms", json_array_get(more, i), err) < 0)
            return -1;
    return 0;
}

static int check_timezone(struct db_tx *tx, const char *timezone, struct err *err)
{
    int n = db_query(tx, NULL, err, "SELECT 1 FROM pg_timezone_names WHERE name = $1", db_text(timezone));

    if (n == 0)
        return err_set(err, ERR_INVALID, "%.60s is not a known time zone, e.g. America/New_York", timezone);
    return n < 0 ? -1 : 0;
}

int cmd_client_create(struct ctl *ctl, struct err *err)
{
    const char *name = ctl_option(ctl, "name"), *timezone = ctl_option(ctl, "timezone");
    AUTO(json_free) json_t *config = NULL;
    AUTO(db_rollback) struct db_tx *tx = NULL;
    char client_id[UUID_SIZE];
    char *stored;
    int rc;

    if (!name || !*name || strlen(name) > 200 || !utf8_valid(name, strlen(name)))
        return ctl_misuse(ctl, err, "--name wants 1 to 200 bytes of UTF-8");
    if (!timezone)
        timezone = "UTC";
    if (!(config = read_config(ctl, err)) || !ctl_db(ctl, err))
        return -1;
    uuid_new(client_id);
    if (!(tx = db_begin(ctl->db, client_id, err)) || check_timezone(tx, timezone, err) < 0)
        return -1;
    if (!(stored = json_dumps(config, JSON_COMPACT)))
        return err_set(err, ERR_INTERNAL, "out of memory");
    rc = db_query(tx, NULL, err, "INSERT INTO clients (client_id, name, timezone, config) VALUES ($1, $2, $3, $4)",
                  db_text(client_id), db_text(name), db_text(timezone), db_text(stored));
    free(stored);
    if (rc < 0 || insert_numbers(tx, client_id, config, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    printf("%s\n", client_id);
    return 0;
}

static const struct ctl_column client_columns[] = {
    {"client_id", "CLIENT", CTL_TEXT},
    {"name", "NAME", CTL_TEXT},
    {"timezone", "TIME ZONE", CTL_TEXT},
    {"numbers", "NUMBERS", CTL_TEXT},
    {"leads", "LEADS", CTL_NUMBER},
    {"created_at", "CREATED", CTL_TEXT},
    {0},
};

int cmd_client_list(struct ctl *ctl, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct ctl_table *table = ctl_table_new(client_columns, ctl->arena, err);

    if (!table || !ctl_db(ctl, err) ||
        db_run(ctl->db, DB_EVERY_CLIENT, &rows, err,
               "SELECT client_id, name, timezone, to_char(created_at" CTL_UTC " AS created_at,"
               "       (SELECT string_agg(channel || ' ' || number, ', ' ORDER BY channel)"
               "          FROM client_numbers n WHERE n.client_id = c.client_id) AS numbers,"
               "       (SELECT count(*) FROM leads l WHERE l.client_id = c.client_id) AS leads"
               "  FROM clients c ORDER BY client_id") < 0)
        return -1;
    ctl_table_put_rows(table, rows);
    return ctl_table_print(table, ctl_option(ctl, "json"), err);
}

static const struct ctl_column key_columns[] = {
    {"key", "KEY", CTL_TEXT},
    {"secret", "SECRET", CTL_TEXT},
    {"doc", "MEANING", CTL_TEXT},
    {0},
};

int cmd_client_keys(struct ctl *ctl, struct err *err)
{
    struct ctl_table *table = ctl_table_new(key_columns, ctl->arena, err);

    if (!table)
        return -1;
    for (size_t i = 0; i < n_client_keys; i++) {
        ctl_table_put(table, client_keys[i].name);
        ctl_table_put(table, client_keys[i].secret ? "yes" : NULL);
        ctl_table_put(table, client_keys[i].doc);
    }
    return ctl_table_print(table, ctl_option(ctl, "json"), err);
}

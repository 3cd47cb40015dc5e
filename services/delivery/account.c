/* account.c - see account.h. */
#include "services/delivery/account.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "services/delivery/twilio.h"

void account_of_environment(const struct config *config, struct twilio_account *ret_account)
{
    *ret_account = (struct twilio_account){
        .key = ACCOUNT_ENVIRONMENT,
        .sid = config->twilio_account_sid ? config->twilio_account_sid : "",
        .token = config->twilio_auth_token ? config->twilio_auth_token : "",
    };
}

/* Twilio would not let us in without a token: that is how it is told, to the message and to who runs the account. */
static int without_token(const char *field, const char *text, struct err *err)
{
    err_set_field(err, ERR_DENIED, field, "%s", text);
    if (err)
        err->provider_code = TWILIO_NOT_AUTHENTICATED;
    return -1;
}

int account_open(const struct config *config, const char *client_id, const char *sid, const char *sealed_token,
                 struct arena *arena, struct twilio_account *ret_account, struct err *err)
{
    const char *key, *context, *token;
    struct err why = {0};

    if (!sid) {
        account_of_environment(config, ret_account);
        return 0;
    }
    key = arena_printf(arena, "%s:%s", ACCOUNT_ENVIRONMENT, client_id);
    context = arena_printf(arena, "%s/twilio_auth_token", client_id);
    if (!key || !context)
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    *ret_account = (struct twilio_account){.key = key, .sid = sid, .token = ""};
    if (!sealed_token)
        return without_token("twilio_auth_token", "the client has a twilio_account_sid without a twilio_auth_token",
                             err);
    if (!config->master_key)
        return without_token("LEADWIRE_MASTER_KEY",
                             "LEADWIRE_MASTER_KEY is not set: the client's twilio_auth_token cannot be unsealed", err);
    if (!(token = unseal(config->master_key, context, sealed_token, arena, &why)))
        return why.kind != ERR_DENIED
                   ? err_set(err, why.kind, "%s", why.text)
                   : without_token("twilio_auth_token",
                                   "the client's twilio_auth_token cannot be unsealed: LEADWIRE_MASTER_KEY is another "
                                   "one than when it was set, or the configuration is damaged",
                                   err);
    ret_account->token = token;
    return 0;
}

int account_load(struct db_tx *tx, const struct config *config, const char *client_id, struct arena *arena,
                 struct twilio_account *ret_account, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = db_query(tx, &rows, err,
                     "SELECT client_id, config->>'twilio_account_sid' AS sid, config->>'twilio_auth_token' AS token"
                     "  FROM clients WHERE client_id = $1",
                     db_text(client_id));
    const char *sid;

    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no client %s", client_id);
    sid = arena_strdup(arena, db_get(rows, 0, "sid"));
    if (db_get(rows, 0, "sid") && !sid)
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    /* As the database writes the id: it is part of the account's key. */
    return account_open(config, db_get(rows, 0, "client_id"), sid, db_get(rows, 0, "token"), arena, ret_account, err);
}

const char *account_client(const char *key)
{
    size_t prefix = strlen(ACCOUNT_ENVIRONMENT ":");

    return strncmp(key, ACCOUNT_ENVIRONMENT ":", prefix) == 0 ? key + prefix : NULL;
}

void account_fingerprint(const struct twilio_account *account, char out[ACCOUNT_PRINT_SIZE])
{
    AUTO(buf_free) struct buf both = {0};

    buf_printf(&both, "%s:%s", account->sid, account->token);
    sha256_hex(both.failed ? "" : both.data, both.failed ? 0 : both.len, out);
}

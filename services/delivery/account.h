/* account.h - whose Twilio account a message is sent with.
 *
 * The environment's, or the client's own: twilio_account_sid and twilio_auth_token of its configuration, the token
 * sealed with LEADWIRE_MASTER_KEY. A token is never logged and never in an error. */
#pragma once

struct arena;
struct config;
struct db_tx;
struct err;
struct twilio_account;

#define ACCOUNT_ENVIRONMENT "twilio" /* its key in provider_accounts */
#define ACCOUNT_KEY_SIZE    64
#define ACCOUNT_PRINT_SIZE  65

/* TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN. What it points to is config's. */
void account_of_environment(const struct config *config, struct twilio_account *ret_account);

/* The client's account from its configuration; sid NULL: it has none of its own, and the environment's is given. In
 * arena, or config's. ERR_DENIED where the token cannot be had: the text says what a person must set, the code is that
 * of refused credentials, and *ret_account has an empty token, for breaker_refused. */
int account_open(const struct config *config, const char *client_id, const char *sid, const char *sealed_token,
                 struct arena *arena, struct twilio_account *ret_account, struct err *err);

/* The same, with the configuration read in a transaction of that client's. ERR_NOT_FOUND: there is no such client. */
int account_load(struct db_tx *tx, const struct config *config, const char *client_id, struct arena *arena,
                 struct twilio_account *ret_account, struct err *err);

/* Whose account a key is: the client's id, NULL for the environment's. Points into key. */
const char *account_client(const char *key);

/* What tells other credentials of the same account key apart, and nothing about them. */
void account_fingerprint(const struct twilio_account *account, char out[ACCOUNT_PRINT_SIZE]);

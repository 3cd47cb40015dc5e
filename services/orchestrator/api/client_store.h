/* client_store.h - the tables clients and client_numbers. config is in its stored form, secrets sealed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct client;
struct db_tx;
struct err;

int client_store_insert(struct db_tx *tx, const char *client_id, const char *name, const char *timezone,
                        const char *config, struct err *err);

/* ERR_NOT_FOUND also for another tenant's. Into arena. */
int client_store_get(struct db_tx *tx, const char *client_id, struct arena *arena, struct client *ret_client,
                     struct err *err);
/* The same, and nobody else changes it until the transaction ends. */
int client_store_lock(struct db_tx *tx, const char *client_id, struct arena *arena, struct client *ret_client,
                      struct err *err);

/* A page (see libshared/page.h), in the order of creation, behind the client after (NULL: from the first). */
int client_store_list(struct db_tx *tx, const char *after, int64_t limit, struct arena *arena,
                      struct client **ret_clients, size_t *ret_n, bool *ret_more, struct err *err);

/* NULL keeps what is there. */
int client_store_update(struct db_tx *tx, const char *client_id, const char *name, const char *timezone,
                        struct err *err);

/* Raises config_version. */
int client_store_set_config(struct db_tx *tx, const char *client_id, const char *config, struct err *err);

/* Gives up all numbers of that channel, "sms" or "whatsapp", but these (an array in text form, see db_array). */
int client_store_keep_numbers(struct db_tx *tx, const char *client_id, const char *channel, const char *numbers,
                              struct err *err);
/* Makes number the client's, of its own Twilio account or (NULL) the environment's. ERR_CONFLICT if it is another
 * client's. */
int client_store_set_number(struct db_tx *tx, const char *client_id, const char *channel, const char *number,
                            const char *account_sid, struct err *err);

/* The follow-ups of leads that do not answer, which wait, are not wanted any more. */
int client_store_end_silence(struct db_tx *tx, const char *client_id, struct err *err);

/* Has the account and the rate of the lanes that send for the client, or from its numbers, read again. */
int client_store_refresh_lanes(struct db_tx *tx, const char *client_id, struct err *err);
/* What waits for the client's hours is asked about again now: they are others. */
int client_store_wake_started(struct db_tx *tx, const char *client_id, struct err *err);
/* The client's own account may be called again: what refused it were other credentials. */
int client_store_unpause_account(struct db_tx *tx, const char *client_id, struct err *err);

/* 1 if PostgreSQL knows the time zone, 0 if not, -1 on failure. */
int client_store_timezone_is_known(struct db_tx *tx, const char *name, struct err *err);

/* breaker.c - see breaker.h. */
#include "services/delivery/breaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/notices.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/uuid.h"
#include "proto/messages.h"
#include "services/delivery/account.h"
#include "services/delivery/breaker_store.h"
#include "services/delivery/delivery.h"
#include "services/delivery/twilio.h"

#define NOTICE_KIND      "account_refused"
#define PROBE_SERIAL_KEY "probe_account" /* known to provider_account_changed too, migrations/0042 */
#define PROBE_FIRST_MS   30000
#define PROBE_MAX_MS     900000
#define RETRY_AFTER_MAX  3600
#define LIMITS_MAX       64

/* ---- limits ---- */

/* The accounts of which this process has noted a limit and no success since: so that a success is a write then alone.
 * Where there are more than fit, the oldest is forgotten; its pauses grow until it was quiet for a while. */
static struct limit {
    char key[ACCOUNT_KEY_SIZE];
    int64_t over_ms; /* when the pause ends, clock_mono_ms */
} limits[LIMITS_MAX];
static pthread_mutex_t limits_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int n_limits;

static void remember_limit(const char *key, int64_t over_ms)
{
    struct limit *place = &limits[0];

    pthread_mutex_lock(&limits_lock);
    for (int i = 0; i < LIMITS_MAX; i++) {
        if (strcmp(limits[i].key, key) == 0) {
            place = &limits[i];
            break;
        }
        if (*place->key && (!*limits[i].key || limits[i].over_ms < place->over_ms))
            place = &limits[i];
    }
    atomic_fetch_add(&n_limits, *place->key ? 0 : 1);
    snprintf(place->key, sizeof place->key, "%s", key);
    place->over_ms = over_ms;
    pthread_mutex_unlock(&limits_lock);
}

/* Whether there is a limit of the account whose pause is over; it is forgotten. */
static bool take_limit(const char *key)
{
    bool taken = false;

    if (atomic_load(&n_limits) == 0)
        return false;
    pthread_mutex_lock(&limits_lock);
    for (int i = 0; i < LIMITS_MAX && !taken; i++) {
        if (strcmp(limits[i].key, key) != 0 || limits[i].over_ms > clock_mono_ms())
            continue;
        limits[i] = (struct limit){0};
        atomic_fetch_sub(&n_limits, 1);
        taken = true;
    }
    pthread_mutex_unlock(&limits_lock);
    return taken;
}

int breaker_limited(struct worker *self, const struct twilio_account *account, int retry_after_s, struct err *err)
{
    int64_t pause_ms;

    if (retry_after_s > RETRY_AFTER_MAX)
        retry_after_s = RETRY_AFTER_MAX;
    if (breaker_store_limit(self->db, account->key, retry_after_s, &pause_ms, err) < 0)
        return -1;
    remember_limit(account->key, clock_mono_ms() + pause_ms);
    log_warn("Twilio limits the account: it is left alone for a while", log_str("account", account->key),
             log_int("pause_ms", pause_ms));
    return 0;
}

void breaker_succeeded(struct worker *self, const struct twilio_account *account)
{
    struct err err = {0};

    /* What is not written now makes the next pause a little longer. */
    if (take_limit(account->key) && breaker_store_unlimit(self->db, account->key, &err) < 0)
        log_err(LOG_WARN, "that Twilio takes more of the account again was not noted", &err);
}

/* ---- refused credentials ---- */

/* Whether a client's credentials are others by now than those that were used. 1, 0, or -1. */
static int is_outdated(struct db_tx *tx, const struct config *config, const struct twilio_account *account,
                       struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new((size_t)64 * 1024);
    const char *client_id = account_client(account->key);
    struct twilio_account current;
    struct err why = {0};

    if (!client_id)
        return 0;
    if (!arena)
        return err_set(err, ERR_INTERNAL, "delivery: out of memory");
    if (account_load(tx, config, client_id, arena, &current, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND || why.kind == ERR_DENIED)
            return *account->token != '\0';
        *err = why;
        return -1;
    }
    return strcmp(current.sid, account->sid) != 0 || strcmp(current.token, account->token) != 0;
}

static int insert_probe(struct db_tx *tx, struct worker *self, const char *account, struct err *err)
{
    const struct probe_account payload = {.account = account};
    const struct task_spec spec = {.kind = TASK_probe_account,
                                   .client_id = account_client(account),
                                   .payload = &payload,
                                   .serial_key = PROBE_SERIAL_KEY,
                                   .delay_ms = PROBE_FIRST_MS};
    int waits = breaker_store_has_probe(tx, spec.client_id, PROBE_SERIAL_KEY, err);

    if (waits != 0)
        return waits < 0 ? -1 : 0;
    return task_insert(tx, self->bus, &spec, NULL, err) < 0 ? -1 : 0;
}

int breaker_refused(struct worker *self, const struct twilio_account *account, const struct err *why, struct err *err)
{
    const char *client_id = account_client(account->key);
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, client_id, err);
    const struct notice_spec notice = {
        .client_id = client_id,
        .kind = NOTICE_KIND,
        .subject = account->sid,
        .text = why->text,
        .remedy = why->field[0] ? why->text : twilio_remedy(TWILIO_NOT_AUTHENTICATED),
        .code = why->provider_code,
    };
    char fingerprint[ACCOUNT_PRINT_SIZE];
    int outdated;

    if (!tx || (outdated = is_outdated(tx, self->config, account, err)) < 0)
        return -1;
    if (outdated)
        return 0;
    account_fingerprint(account, fingerprint);
    /* Locks the row until the commit: of several that are refused at once, one makes the probe. */
    if (breaker_store_refuse(tx, account->key, fingerprint, err) < 0 || insert_probe(tx, self, account->key, err) < 0 ||
        notice_raise(tx, self->bus, &notice, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* A paused account whose probe was given up (it is dead, and listed) gets a new one. */
static int revive_probes(struct worker *self, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    int n = breaker_store_list_unprobed(self->db, PROBE_SERIAL_KEY, &rows, err);

    for (int i = 0; i < n; i++) {
        const char *account = db_get(rows, i, "account");
        AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, account_client(account), err);

        if (!tx || insert_probe(tx, self, account, err) < 0 || db_commit(&tx, err) < 0)
            return -1;
    }
    return n < 0 ? -1 : 0;
}

int breaker_start(struct worker *self, struct err *err)
{
    struct twilio_account account;
    char fingerprint[ACCOUNT_PRINT_SIZE];

    account_of_environment(self->config, &account);
    account_fingerprint(&account, fingerprint);
    if (breaker_store_start(self->db, account.key, fingerprint, PROBE_SERIAL_KEY, err) < 0)
        return -1;
    return revive_probes(self, err);
}

/* ---- the probe ---- */

/* Nobody calls the account any more. */
static int account_is_gone(struct worker *self, struct db_tx **tx, struct task *task, const char *key, struct err *err)
{
    if (breaker_store_forget(*tx, key, err) < 0 ||
        notice_resolve(*tx, self->bus, account_client(key), NOTICE_KIND, NULL, err) < 0 ||
        task_complete(*tx, self->bus, task, err) < 0)
        return -1;
    return db_commit(tx, err);
}

/* Its sends begin with the next claims. */
static int let_in_again(struct worker *self, struct task *task, const struct twilio_account *account, struct err *err)
{
    const char *client_id = account_client(account->key);
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, client_id, err);
    int outdated;

    if (!tx || (outdated = is_outdated(tx, self->config, account, err)) < 0)
        return -1;
    if (outdated) { /* changed since we asked with the former ones: nothing is known of the new ones */
        if (task_postpone(tx, task, 0, "the account's credentials were changed", err) < 0)
            return -1;
        return db_commit(&tx, err);
    }
    if (breaker_store_let_in(tx, account->key, err) < 0)
        return -1;
    if (notice_resolve(tx, self->bus, client_id, NOTICE_KIND, NULL, err) < 0 ||
        task_complete(tx, self->bus, task, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    log_info("Twilio accepts the account's credentials again", log_str("account", account->key));
    return 0;
}

static int ask_again_later(struct worker *self, struct task *task, const char *key, const char *fingerprint,
                           const struct err *why, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, account_client(key), err);
    int64_t wait_ms = PROBE_FIRST_MS;
    int failures;

    if (!tx || (failures = breaker_store_still_refused(tx, key, fingerprint, err)) < 0)
        return -1;
    for (int i = 0; i < failures && wait_ms < PROBE_MAX_MS; i++)
        wait_ms *= 2;
    if (task_postpone(tx, task, wait_ms < PROBE_MAX_MS ? wait_ms : PROBE_MAX_MS, why->text, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* The credentials of an account as they are now. 1: there is no such account any more. */
static int load_account(struct db_tx *tx, const struct config *config, const char *key, struct arena *arena,
                        struct twilio_account *ret_account, struct err *err)
{
    const char *client_id = account_client(key);
    struct err why = {0};

    if (!client_id) {
        account_of_environment(config, ret_account);
        return 0;
    }
    if (account_load(tx, config, client_id, arena, ret_account, &why) < 0) {
        *err = why;
        return why.kind == ERR_NOT_FOUND ? 1 : -1;
    }
    return strcmp(ret_account->key, key) == 0 ? 0 : 1;
}

/* A second run asks once more, which does no harm. */
int on_probe_account(struct worker *self, struct task *task, struct err *err)
{
    const struct delivery *delivery = self->state;
    const struct probe_account *wanted = task->payload;
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, account_client(wanted->account), err);
    char fingerprint[ACCOUNT_PRINT_SIZE] = "";
    struct twilio_account account;
    struct err why = {0};
    int loaded;

    if (!tx || task_still_ours(tx, task, err) < 0)
        return -1;
    loaded = load_account(tx, self->config, wanted->account, task->arena, &account, &why);
    if (loaded == 1)
        return account_is_gone(self, &tx, task, wanted->account, err);
    db_rollback(&tx);
    if (loaded == 0) {
        if (twilio_probe(delivery->twilio, &account, &why) == 0)
            return let_in_again(self, task, &account, err);
        account_fingerprint(&account, fingerprint);
    }
    return ask_again_later(self, task, wanted->account, why.kind == ERR_DENIED ? fingerprint : NULL, &why, err);
}

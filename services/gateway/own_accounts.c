/* own_accounts.c - see own_accounts.h. */
#include "services/gateway/own_accounts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/seal.h"
#include "services/gateway/twilio_signature.h"

#define KEEP_MS   30000 /* one that has been there for so long is asked for again */
#define AGAIN_MS  1000  /* and no more often than this */
#define ARENA_MAX ((size_t)64 * 1024 * 1024)

struct own_account {
    const char *sid, *client_id, *token;
};

/* All of them, as they were read. Ordered by sid. */
struct snapshot {
    struct arena *arena;
    struct own_account *items;
    size_t n;
    int64_t read_ms; /* when the database was asked, monotonic */
};

struct own_accounts {
    struct db_pool *pool;
    const char *master_key;
    pthread_mutex_t reading; /* one thread reads, the others wait for it */
    pthread_mutex_t lock;    /* guards known */
    struct snapshot known;
};

struct own_accounts *own_accounts_new(struct db_pool *pool, const char *master_key, struct err *err)
{
    struct own_accounts *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "no memory for the clients' accounts");
        return NULL;
    }
    self->pool = pool;
    self->master_key = master_key;
    self->known.read_ms = -KEEP_MS;
    pthread_mutex_init(&self->reading, NULL);
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void own_accounts_destroy(struct own_accounts **self_p)
{
    struct own_accounts *self = *self_p;

    if (!self)
        return;
    arena_destroy(&self->known.arena);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->reading);
    free(self);
    *self_p = NULL;
}

/* ---- reading ---- */

static int64_t age_ms(struct own_accounts *self)
{
    int64_t read_ms;

    pthread_mutex_lock(&self->lock);
    read_ms = self->known.read_ms;
    pthread_mutex_unlock(&self->lock);
    return clock_mono_ms() - read_ms;
}

/* The token of a row; NULL, and a line in the log, if it cannot be unsealed. */
static const char *token_of(const struct own_accounts *self, const char *client_id, const char *sealed,
                            struct arena *arena)
{
    const char *context = arena_printf(arena, "%s/twilio_auth_token", client_id);
    struct err err = {0};
    const char *token = NULL;

    if (!self->master_key)
        err_set(&err, ERR_DENIED, "LEADWIRE_MASTER_KEY is not set");
    else if (context)
        token = unseal(self->master_key, context, sealed, arena, &err);
    if (!token)
        log_err(LOG_ERROR, "the webhooks of a client's own Twilio account cannot be checked", &err);
    return token;
}

static int read_rows(struct own_accounts *self, const struct db_result *rows, struct snapshot *out, struct err *err)
{
    int n = db_result_count(rows);

    if (!(out->items = arena_calloc(out->arena, (size_t)n + 1, sizeof *out->items)))
        return err_set(err, ERR_UNAVAILABLE, "no memory for the accounts of %d clients", n);
    for (int i = 0; i < n; i++) {
        struct own_account item = {.sid = arena_strdup(out->arena, db_get(rows, i, "account_sid")),
                                   .client_id = arena_strdup(out->arena, db_get(rows, i, "client_id"))};

        if (!item.sid || !item.client_id)
            return err_set(err, ERR_UNAVAILABLE, "no memory for the accounts of %d clients", n);
        if ((item.token = token_of(self, item.client_id, db_get(rows, i, "sealed_token"), out->arena)))
            out->items[out->n++] = item;
    }
    return 0;
}

static int compare_sids(const void *a, const void *b)
{
    const struct own_account *x = a, *y = b;

    return strcmp(x->sid, y->sid);
}

static int read_all(struct own_accounts *self, struct snapshot *out, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    out->read_ms = clock_mono_ms();
    if (!(out->arena = arena_new(ARENA_MAX)))
        return err_set(err, ERR_UNAVAILABLE, "no memory for the clients' accounts");
    if (db_run(self->pool, NULL, &rows, err,
               "SELECT account_sid, client_id, sealed_token FROM client_twilio_accounts()") < 0 ||
        read_rows(self, rows, out, err) < 0)
        return -1;
    /* The database may order letters in another way. */
    qsort(out->items, out->n, sizeof *out->items, compare_sids);
    return 0;
}

int own_accounts_read(struct own_accounts *self, struct err *err)
{
    struct snapshot fresh = {0}, old;
    int rc = 0;

    pthread_mutex_lock(&self->reading);
    if (age_ms(self) >= AGAIN_MS && (rc = read_all(self, &fresh, err)) == 0) {
        pthread_mutex_lock(&self->lock);
        old = self->known;
        self->known = fresh;
        pthread_mutex_unlock(&self->lock);
        fresh.arena = old.arena;
    }
    arena_destroy(&fresh.arena);
    pthread_mutex_unlock(&self->reading);
    return rc;
}

/* ---- asking ---- */

/* The clients of an account, copied: they are looked at without the lock. */
static size_t copy_account(struct own_accounts *self, const char *sid, struct arena *arena,
                           struct own_account **ret_items, int64_t *ret_age_ms)
{
    const struct own_account wanted = {.sid = sid}, *found = NULL;
    size_t first, n = 0;

    pthread_mutex_lock(&self->lock);
    *ret_age_ms = clock_mono_ms() - self->known.read_ms;
    if (self->known.n > 0)
        found = bsearch(&wanted, self->known.items, self->known.n, sizeof wanted, compare_sids);
    if (found) {
        first = (size_t)(found - self->known.items);
        while (first > 0 && strcmp(self->known.items[first - 1].sid, sid) == 0)
            first--;
        while (first + n < self->known.n && strcmp(self->known.items[first + n].sid, sid) == 0)
            n++;
        if (!(*ret_items = arena_calloc(arena, n, sizeof **ret_items)))
            n = 0;
        for (size_t i = 0; i < n; i++) {
            const struct own_account *item = &self->known.items[first + i];

            (*ret_items)[i].client_id = arena_strdup(arena, item->client_id);
            (*ret_items)[i].token = arena_strdup(arena, item->token);
        }
    }
    pthread_mutex_unlock(&self->lock);
    return n;
}

const char *own_accounts_signers(struct own_accounts *self, const char *account_sid,
                                 const struct twilio_request *request, const char *signature, struct arena *arena,
                                 bool *ret_current)
{
    AUTO(buf_free) struct buf signers = {0};
    struct own_account *items = NULL;
    int64_t age;
    size_t n = copy_account(self, account_sid, arena, &items, &age);
    const char *last_token = NULL;
    bool valid = false;

    for (size_t i = 0; i < n; i++) {
        if (!items[i].client_id || !items[i].token)
            continue;
        /* Those who share an account mostly have the same token. */
        if (!last_token || strcmp(items[i].token, last_token) != 0)
            valid = twilio_signature_valid(items[i].token, request, signature, arena);
        last_token = items[i].token;
        if (valid)
            buf_printf(&signers, "%s%s", signers.len ? "," : "{", items[i].client_id);
    }
    *ret_current = age < (signers.len ? KEEP_MS : AGAIN_MS);
    return signers.len && !signers.failed ? arena_printf(arena, "%s}", signers.data) : NULL;
}

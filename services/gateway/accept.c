/* accept.c - see accept.h: the queue, the thread, and what is told after the commit. */
#include "services/gateway/accept.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/log.h"
#include "proto/messages.h"
#include "services/gateway/accept_store.h"

#define QUEUE_MAX    10000
#define BUSY_BATCH   8       /* after a batch of this size the next one is given BUSY_WAIT_NS to gather */
#define BUSY_WAIT_NS 1000000 /* 1 ms */
#define STUCK_MS     3000    /* a batch that takes longer: nobody waits behind it */
#define REPEAT_MS    3000    /* a batch that failed within this time is tried once more */
#define CONNECTIONS  1

struct accept {
    struct db_pool *pool;
    struct bus *bus;
    char *own_account;
    int64_t burst_wait_ms;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct inbound *first, **last;
    size_t waiting;
    int64_t arrivals;
    int64_t busy_since_ms; /* 0: the thread is idle */
    bool stopping;
    struct accept_stats stats;

    struct stored stored[ACCEPT_BATCH_MAX]; /* the thread's own */
};

/* ---- the queue ---- */

/* Takes all that waits off the queue. With the lock held. */
static struct inbound *drop_all(struct accept *self)
{
    struct inbound *all = self->first;

    self->stats.unavailable += (int64_t)self->waiting;
    self->first = NULL;
    self->last = &self->first;
    self->waiting = 0;
    return all;
}

void accept_inbound(struct accept *self, struct inbound *in)
{
    struct inbound *dropped = NULL;
    bool taken = false;

    pthread_mutex_lock(&self->lock);
    if (self->busy_since_ms && clock_mono_ms() - self->busy_since_ms > STUCK_MS)
        dropped = drop_all(self);
    else
        taken = !self->stopping && self->waiting < QUEUE_MAX;
    if (taken) {
        in->next = NULL;
        in->number = self->arrivals++;
        *self->last = in;
        self->last = &in->next;
        if (self->waiting++ == 0)
            pthread_cond_signal(&self->wake);
    } else {
        self->stats.unavailable++;
    }
    pthread_mutex_unlock(&self->lock);

    if (!taken)
        in->answer(in, ACCEPT_UNAVAILABLE);
    while (dropped) {
        struct inbound *next = dropped->next;

        dropped->answer(dropped, ACCEPT_UNAVAILABLE);
        dropped = next;
    }
}

/* Waits for something to store and takes it. 0: stopping, and nothing is left. */
static size_t take(struct accept *self, bool busy, struct inbound **batch)
{
    static const struct timespec gather = {.tv_nsec = BUSY_WAIT_NS};
    size_t n = 0;

    pthread_mutex_lock(&self->lock);
    self->busy_since_ms = 0;
    while (!self->first && !self->stopping)
        pthread_cond_wait(&self->wake, &self->lock);
    if (busy && self->first && self->waiting < ACCEPT_BATCH_MAX) {
        pthread_mutex_unlock(&self->lock);
        nanosleep(&gather, NULL);
        pthread_mutex_lock(&self->lock);
    }
    while (self->first && n < ACCEPT_BATCH_MAX) {
        batch[n++] = self->first;
        self->first = self->first->next;
    }
    if (!self->first)
        self->last = &self->first;
    self->waiting -= n;
    if (n)
        self->busy_since_ms = clock_mono_ms();
    pthread_mutex_unlock(&self->lock);
    return n;
}

/* All gateways take their row locks in this order, so they do not deadlock. The texts of one lead stay in order. */
static int compare_inbound(const void *a, const void *b)
{
    const struct inbound *x = *(struct inbound *const *)a, *y = *(struct inbound *const *)b;
    int by_number = strcmp(x->to, y->to);

    if (!by_number)
        by_number = strcmp(x->from, y->from);
    return by_number ? by_number : x->number < y->number ? -1 : x->number > y->number;
}

/* ---- after the commit ---- */

static void publish(struct accept *self, const struct inbound *in, const struct stored *stored)
{
    struct message_event received = {.message_id = stored->message_id,
                                     .conversation_id = stored->conversation_id,
                                     .lead_id = stored->lead_id,
                                     .channel = in->channel,
                                     .state = "received",
                                     .provider_sid = in->sid};
    struct lead_event consent = {.lead_id = stored->lead_id,
                                 .conversation_id = stored->conversation_id,
                                 .reason = stored->opted_out ? "the lead asked for no more messages"
                                                             : "the lead asked for messages again"};

    bus_publish(self->bus, "message.received", stored->client_id, &message_event_type, &received);
    if (stored->opted_out || stored->opted_in)
        bus_publish(self->bus, stored->opted_out ? "lead.opted_out" : "lead.opted_in", stored->client_id,
                    &lead_event_type, &consent);
}

static void count(struct accept *self, const struct stored *stored, size_t n)
{
    pthread_mutex_lock(&self->lock);
    self->stats.batches++;
    for (size_t i = 0; i < n; i++) {
        self->stats.stored += stored[i].outcome == ACCEPT_STORED;
        self->stats.duplicates += stored[i].outcome == ACCEPT_DUPLICATE;
        self->stats.unknown_numbers += stored[i].outcome == ACCEPT_UNKNOWN_NUMBER;
        self->stats.wrong_accounts += stored[i].outcome == ACCEPT_WRONG_ACCOUNT;
    }
    pthread_mutex_unlock(&self->lock);
}

/* Answers are the orchestrator's, confirmations delivery's. */
static void push(struct accept *self, size_t n, bool confirms)
{
    struct task_ref refs[ACCEPT_BATCH_MAX];
    size_t n_refs = 0;

    for (size_t i = 0; i < n; i++)
        if (self->stored[i].due && self->stored[i].confirms == confirms)
            refs[n_refs++] =
                (struct task_ref){.client_id = self->stored[i].client_id, .task_id = self->stored[i].task_id};
    if (n_refs)
        bus_push_tasks(self->bus, confirms ? "delivery" : "orchestrator", refs, n_refs);
}

static void tell(struct accept *self, struct inbound **items, size_t n)
{
    push(self, n, false);
    push(self, n, true);
    count(self, self->stored, n);
    for (size_t i = 0; i < n; i++) {
        if (self->stored[i].outcome == ACCEPT_STORED)
            publish(self, items[i], &self->stored[i]);
        items[i]->answer(items[i], self->stored[i].outcome);
    }
}

/* ---- storing ---- */

/* A deadlock, a connection that died while it was idle, a commit whose answer was lost: all are over at once and a
 * repetition is harmless, because what was stored is recognized by its sid. */
static int try_store(struct accept *self, struct inbound **items, size_t n, struct err *err)
{
    int64_t began_ms = clock_mono_ms();

    failpoint("gateway.before_accept");
    if (accept_store(self->pool, self->own_account, self->burst_wait_ms, items, n, self->stored, err) == 0)
        return 0;
    if ((err->kind != ERR_UNAVAILABLE && err->kind != ERR_UNCERTAIN) || clock_mono_ms() - began_ms > REPEAT_MS)
        return -1;
    return accept_store(self->pool, self->own_account, self->burst_wait_ms, items, n, self->stored, err);
}

static void give_up(struct accept *self, struct inbound **items, size_t n, enum accept_outcome outcome,
                    const struct err *err)
{
    log_err(LOG_ERROR, outcome == ACCEPT_REFUSED ? "a message cannot be stored" : "messages could not be stored", err);
    pthread_mutex_lock(&self->lock);
    if (outcome == ACCEPT_REFUSED)
        self->stats.refused += (int64_t)n;
    else
        self->stats.unavailable += (int64_t)n;
    pthread_mutex_unlock(&self->lock);
    for (size_t i = 0; i < n; i++)
        items[i]->answer(items[i], outcome);
}

/* One that the database refuses must not take the others with it: the batch is halved until it stands alone. */
static void store(struct accept *self, struct inbound **items, size_t n)
{
    struct err err = {0};

    if (try_store(self, items, n, &err) == 0) {
        failpoint("gateway.after_accept");
        tell(self, items, n);
    } else if (err.kind == ERR_UNAVAILABLE || err.kind == ERR_UNCERTAIN) {
        give_up(self, items, n, ACCEPT_UNAVAILABLE, &err);
    } else if (n == 1) {
        log_set_trace(items[0]->trace_id);
        give_up(self, items, n, ACCEPT_REFUSED, &err);
        log_set_trace(NULL);
    } else {
        store(self, items, n / 2);
        store(self, items + n / 2, n - n / 2);
    }
}

static void *run(void *arg)
{
    struct accept *self = arg;
    struct inbound *batch[ACCEPT_BATCH_MAX];
    size_t n = 0;

    while ((n = take(self, n >= BUSY_BATCH, batch)) > 0) {
        qsort(batch, n, sizeof batch[0], compare_inbound);
        store(self, batch, n);
    }
    return NULL;
}

/* ---- starting and stopping ---- */

struct accept *accept_new(const struct config *config, struct bus *bus, struct err *err)
{
    AUTO(accept_destroy) struct accept *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "no memory to accept messages");
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->wake, NULL);
    self->last = &self->first;
    self->bus = bus;
    self->burst_wait_ms = config->burst_wait_ms;
    if (config->twilio_account_sid && !(self->own_account = strdup(config->twilio_account_sid))) {
        err_set(err, ERR_INTERNAL, "no memory to accept messages");
        return NULL;
    }
    if (!(self->pool = db_pool_new(config->database_url, "leadwire_gateway", CONNECTIONS, err)))
        return NULL;
    if (pthread_create(&self->thread, NULL, run, self) != 0) {
        err_set(err, ERR_INTERNAL, "no thread to accept messages");
        return NULL;
    }
    self->running = true;
    return TAKE(self);
}

void accept_stop(struct accept *self)
{
    if (!self->running)
        return;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    self->running = false;
}

void accept_destroy(struct accept **self_p)
{
    struct accept *self = *self_p;

    if (!self)
        return;
    accept_stop(self);
    db_pool_destroy(&self->pool);
    pthread_cond_destroy(&self->wake);
    pthread_mutex_destroy(&self->lock);
    free(self->own_account);
    free(self);
    *self_p = NULL;
}

void accept_stats(struct accept *self, struct accept_stats *ret_stats)
{
    pthread_mutex_lock(&self->lock);
    *ret_stats = self->stats;
    pthread_mutex_unlock(&self->lock);
}

/* outage.c - see outage.h. */
#include "services/orchestrator/claude/outage.h"

#include <pthread.h>
#include <stdlib.h>

#include "libshared/err.h"
#include "libshared/log.h"

enum {
    FAILED_TURNS = 5, /* in a row, of whichever client */
    PROBE_MS = 5000,  /* from one turn that asks all the same to the next */
};

struct outage {
    pthread_mutex_t lock;
    int failed_turns;
    int64_t probe_from_ms;
};

struct outage *outage_new(struct err *err)
{
    struct outage *self = calloc(1, sizeof *self);

    if (!self) {
        err_set(err, ERR_INTERNAL, "orchestrator: out of memory");
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void outage_destroy(struct outage **self_p)
{
    struct outage *self = *self_p;

    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_destroy(&self->lock);
    free(self);
}

bool outage_may_ask(struct outage *self, int64_t now_ms)
{
    bool may = true;

    if (!self)
        return true;
    pthread_mutex_lock(&self->lock);
    if (self->failed_turns >= FAILED_TURNS) {
        may = now_ms >= self->probe_from_ms;
        if (may)
            self->probe_from_ms = now_ms + PROBE_MS;
    }
    pthread_mutex_unlock(&self->lock);
    return may;
}

void outage_note(struct outage *self, bool answered)
{
    int before;

    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    before = self->failed_turns;
    self->failed_turns = answered ? 0 : before < FAILED_TURNS ? before + 1 : before;
    pthread_mutex_unlock(&self->lock);
    if (answered && before >= FAILED_TURNS)
        log_info("the model answers again");
    if (!answered && before == FAILED_TURNS - 1)
        log_warn("the model is away: the scripted agent answers at once until it is back");
}

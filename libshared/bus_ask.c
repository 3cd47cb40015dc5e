/* bus_ask.c - requests that wait for their answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus_internal.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "proto/envelope.h"

/* What an asker sleeps on. It lives as long as the bus, so that it can be rung without the lock, for which the asker
 * would have to sleep again; one that rings late wakes a later asker, who looks and goes on sleeping. */
struct bell {
    struct bell *next; /* in the list of free ones */
    pthread_cond_t rung;
};

/* On the asker's stack; guarded by asks_lock. */
struct ask {
    struct ask *next;
    const char *id;
    struct bell *bell;
    bool done;
    void *frame; /* the answer; NULL with done: nobody could be asked */
    size_t len;
};

static struct ask *find(struct bus *self, const char *id)
{
    for (struct ask *ask = self->asks; ask; ask = ask->next)
        if (!ask->done && strcmp(ask->id, id) == 0)
            return ask;
    return NULL;
}

bool bus_ask_deliver(struct bus *self, const char *id, const void *frame, size_t len)
{
    struct bell *bell = NULL;
    struct ask *ask;

    pthread_mutex_lock(&self->asks_lock);
    if ((ask = find(self, id)) && (ask->frame = malloc(len))) {
        memcpy(ask->frame, frame, len);
        ask->len = len;
        ask->done = true;
        bell = ask->bell;
    }
    pthread_mutex_unlock(&self->asks_lock);
    if (bell)
        pthread_cond_signal(&bell->rung);
    return ask;
}

void bus_ask_give_up(struct bus *self, const char *id)
{
    struct bell *bell = NULL;
    struct ask *ask;

    pthread_mutex_lock(&self->asks_lock);
    if ((ask = find(self, id))) {
        ask->done = true;
        bell = ask->bell;
    }
    pthread_mutex_unlock(&self->asks_lock);
    if (bell)
        pthread_cond_signal(&bell->rung);
}

void bus_asks_end(struct bus *self)
{
    while (self->free_bells) {
        struct bell *bell = self->free_bells;

        self->free_bells = bell->next;
        pthread_cond_destroy(&bell->rung);
        free(bell);
    }
}

/* One that is free, or a new one. With the lock held. */
static struct bell *take_bell(struct bus *self)
{
    struct bell *bell = self->free_bells;
    pthread_condattr_t attr;

    if (bell) {
        self->free_bells = bell->next;
        return bell;
    }
    if (!(bell = calloc(1, sizeof *bell)))
        return NULL;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&bell->rung, &attr);
    pthread_condattr_destroy(&attr);
    return bell;
}

static int ask_begin(struct bus *self, struct ask *ask, struct err *err)
{
    pthread_mutex_lock(&self->asks_lock);
    if ((ask->bell = take_bell(self))) {
        ask->next = self->asks;
        self->asks = ask;
    }
    pthread_mutex_unlock(&self->asks_lock);
    return ask->bell ? 0 : err_set(err, ERR_INTERNAL, "bus: out of memory");
}

/* Waits for the answer, and takes the ask off the list. */
static void ask_end(struct bus *self, struct ask *ask, int timeout_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&self->asks_lock);
    while (!ask->done && pthread_cond_timedwait(&ask->bell->rung, &self->asks_lock, &until) != ETIMEDOUT)
        ;
    for (struct ask **at = &self->asks; *at; at = &(*at)->next)
        if (*at == ask) {
            *at = ask->next;
            break;
        }
    ask->bell->next = self->free_bells;
    self->free_bells = ask->bell;
    pthread_mutex_unlock(&self->asks_lock);
}

static int send_request(struct bus *self, const struct bus_request *request, const char *id, struct err *err)
{
    AUTO(buf_free) struct buf body = {0};
    AUTO(buf_free) struct buf frame = {0};
    struct outgoing *out;
    struct envelope env = {
        .v = PROTOCOL_VERSION,
        .id = id,
        .type = request->type->name,
        .client_id = request->client_id,
        .trace_id = request->trace_id,
        .reply_to = self->me.mailbox,
        .deadline_ms = request->timeout_ms,
        .attempt = 1,
        .idempotency_key = request->idempotency_key,
    };

    if (codec_pack(request->type, request->msg, &body, err) < 0)
        return -1;
    env.body = (struct bytes){.data = (const uint8_t *)body.data, .len = body.len};
    if (codec_pack(&envelope_type, &env, &frame, err) < 0)
        return -1;
    if (frame.len > CODEC_FRAME_MAX)
        return err_set(err, ERR_INVALID, "%s is larger than a frame may be", request->type->name);
    if (body.failed || frame.failed || !(out = bus_outgoing_new(TO_ROLE, request->role, frame.data, frame.len)))
        return err_set(err, ERR_INTERNAL, "bus: out of memory");
    memcpy(out->ask_id, id, UUID_SIZE);
    out->patience_until_ms = clock_mono_ms() + request->timeout_ms;
    if (bus_enqueue(self, out) < 0)
        return err_set(err, ERR_UNAVAILABLE, "too much waits to be sent");
    return 0;
}

/* Their answer, not what they were asked, is wrong. */
static int unreadable(struct err *err)
{
    if (err)
        err->kind = ERR_INTERNAL;
    return -1;
}

static int problem_to_err(const struct envelope *env, struct arena *arena, struct err *err)
{
    struct problem problem;

    if (codec_unpack(&problem_type, env->body.data, env->body.len, arena, &problem, err) < 0)
        return unreadable(err);
    if (problem.field)
        err_set_field(err, err_kind_from_name(problem.kind), problem.field, "%s", problem.detail);
    else
        err_set(err, err_kind_from_name(problem.kind), "%s", problem.detail);
    if (err)
        err->retry_after_s = (int)problem.retry_after_s;
    return -1;
}

static int read_answer(const struct ask *ask, const struct bus_request *request, const struct message_type *reply_type,
                       struct arena *arena, void *ret_reply, struct err *err)
{
    struct envelope env;

    if (codec_unpack(&envelope_type, ask->frame, ask->len, arena, &env, err) < 0)
        return unreadable(err);
    if (strcmp(env.type, problem_type.name) == 0)
        return problem_to_err(&env, arena, err);
    if (strcmp(env.type, reply_type->name) != 0)
        return err_set(err, ERR_INTERNAL, "%s answered %s with %s instead of %s", request->role, request->type->name,
                       env.type, reply_type->name);
    if (codec_unpack(reply_type, env.body.data, env.body.len, arena, ret_reply, err) < 0)
        return unreadable(err);
    return 0;
}

int bus_ask(struct bus *self, const struct bus_request *request, const struct message_type *reply_type,
            struct arena *arena, void *ret_reply, struct err *err)
{
    char id[UUID_SIZE];
    struct ask ask = {.id = id};
    int rc;

    if (!bus_has_role(self, request->role))
        return err_set(err, ERR_UNAVAILABLE, "no %s is alive", request->role);
    uuid_new(id);
    if (ask_begin(self, &ask, err) < 0)
        return -1;
    rc = send_request(self, request, id, err);
    ask_end(self, &ask, rc == 0 ? request->timeout_ms : 0);
    if (rc < 0) {
        free(ask.frame);
        return -1;
    }
    if (!ask.done)
        return err_set(err, ERR_UNAVAILABLE, "%s did not answer within %d ms", request->role, request->timeout_ms);
    if (!ask.frame)
        return err_set(err, ERR_UNAVAILABLE, "no %s is alive", request->role);
    rc = read_answer(&ask, request, reply_type, arena, ret_reply, err);
    free(ask.frame);
    return rc;
}

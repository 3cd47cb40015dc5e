/* service_request.c - one request: decoded, run in its transaction, answered.
 *
 * With an idempotency key the answer is stored in the transaction of its effect,
 * so that a repeated request has no second effect and gets the same answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/db.h"
#include "libshared/log.h"
#include "libshared/seal.h"
#include "libshared/service_internal.h"
#include "libshared/text.h"
#include "proto/envelope.h"

const struct request_handler *request_handler_find(const struct service *service, const char *type)
{
    for (const struct request_handler *handler = service->requests; handler && handler->request; handler++)
        if (strcmp(handler->request->name, type) == 0)
            return handler;
    return NULL;
}

static void answer_problem(struct process *self, const struct envelope *env, const struct err *why)
{
    struct problem problem = {
        .kind = err_kind_name(why->kind == ERR_NONE ? ERR_INTERNAL : why->kind),
        .detail = why->text,
        .field = why->field[0] ? why->field : NULL,
        .retry_after_s = why->retry_after_s > 0 && why->retry_after_s <= 86400 ? why->retry_after_s : 0,
    };

    self->requests_failed++;
    bus_answer(self->bus, env, &problem_type, &problem);
}

static void refuse(struct process *self, const struct envelope *env, enum err_kind kind, const char *text)
{
    struct err why = {0};

    err_set(&why, kind, "%s", text);
    answer_problem(self, env, &why);
}

void request_receive(struct process *self, const struct envelope *env, const void *frame, size_t len)
{
    const struct request_handler *handler = request_handler_find(self->service, env->type);
    struct job *job;
    bool draining;

    pthread_mutex_lock(&self->lock);
    draining = self->draining;
    pthread_mutex_unlock(&self->lock);
    if (!handler) {
        refuse(self, env, ERR_INVALID, "this service does not answer such requests");
        return;
    }
    if (draining) {
        refuse(self, env, ERR_UNAVAILABLE, "the service is being stopped");
        return;
    }
    if (!(job = calloc(1, sizeof *job + len))) {
        refuse(self, env, ERR_UNAVAILABLE, "out of memory");
        return;
    }
    job->handler = handler;
    job->deadline_ms = env->deadline_ms > 0 ? clock_mono_ms() + env->deadline_ms : 0;
    job->len = len;
    memcpy(job->frame, frame, len);
    if (worker_add_job(self, job))
        return;
    free(job);
    refuse(self, env, ERR_UNAVAILABLE, "too many requests wait");
}

/* ---- idempotency ---- */

/* What a repeated request is answered with. */
struct stored {
    const char *type; /* NULL: the request is new */
    const void *body;
    size_t len;
};

static const char *owner_of(const struct call *call)
{
    return call->client_id ? call->client_id : UUID_NIL;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_stored(struct call *call, const char hash[65], struct stored *ret_stored, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const char *hex;
    unsigned char *body;
    size_t len;

    if (db_query(call->tx, &rows, err,
                 "SELECT request_hash, reply_type, encode(reply, 'hex') AS reply FROM idempotency_keys"
                 " WHERE client_id = $1 AND key = $2",
                 db_text(owner_of(call)), db_text(call->env->idempotency_key)) < 0)
        return -1;
    if (db_result_count(rows) == 0)
        return err_set(err, ERR_UNAVAILABLE, "the first request with this Idempotency-Key has just been rolled back");
    if (strcmp(db_get(rows, 0, "request_hash"), hash) != 0)
        return err_set_field(err, ERR_CONFLICT, "Idempotency-Key", "Idempotency-Key was used for another request");
    hex = db_get(rows, 0, "reply");
    len = strlen(hex) / 2;
    if (!(body = arena_alloc(call->arena, len + 1)) ||
        !(ret_stored->type = arena_strdup(call->arena, db_get(rows, 0, "reply_type"))))
        return err_set(err, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < len; i++)
        body[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    ret_stored->body = body;
    ret_stored->len = len;
    return 0;
}

/* Reserves the key, or reads what the request was answered the first time. Waits for a twin that is under way. */
static int idempotency_begin(struct call *call, struct stored *ret_stored, struct err *err)
{
    const struct envelope *env = call->env;
    AUTO(buf_free) struct buf hashed = {0};
    char hash[65];
    int n;

    buf_puts(&hashed, env->type);
    buf_append(&hashed, "\n", 1);
    buf_append(&hashed, env->body.data, env->body.len);
    if (hashed.failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    sha256_hex(hashed.data, hashed.len, hash);
    n = db_query(call->tx, NULL, err,
                 "INSERT INTO idempotency_keys (client_id, key, request_hash) VALUES ($1, $2, $3)"
                 " ON CONFLICT DO NOTHING",
                 db_text(owner_of(call)), db_text(env->idempotency_key), db_text(hash));
    if (n < 0)
        return -1;
    return n == 1 ? 0 : read_stored(call, hash, ret_stored, err);
}

static int idempotency_end(struct call *call, const char *reply_type, const struct buf *reply, struct err *err)
{
    char *hex = arena_alloc(call->arena, 2 * reply->len + 1);

    if (!hex)
        return err_set(err, ERR_INTERNAL, "out of memory");
    hex_encode(reply->data, reply->len, hex);
    return db_query(call->tx, NULL, err,
                    "UPDATE idempotency_keys SET reply_type = $3, reply = decode($4, 'hex')"
                    " WHERE client_id = $1 AND key = $2",
                    db_text(owner_of(call)), db_text(call->env->idempotency_key), db_text(reply_type), db_text(hex)) < 0
               ? -1
               : 0;
}

/* ---- running ---- */

/* Fills call->reply and packs it into *reply, in the transaction if there is one. */
static int run_and_pack(struct worker *worker, const struct request_handler *handler, struct call *call,
                        struct buf *reply, struct err *err)
{
    if (handler->run(worker, call, err) < 0)
        return -1;
    if (call->stored->type)
        return 0; /* answered already */
    if (codec_pack(handler->reply, call->reply, reply, err) < 0) {
        if (err)
            err->kind = ERR_INTERNAL; /* our reply, not their request */
        return -1;
    }
    return reply->failed ? err_set(err, ERR_INTERNAL, "out of memory") : 0;
}

int call_begin(struct worker *self, struct call *call, struct err *err)
{
    if (!(call->tx = db_begin(self->db, call->client_id ? call->client_id : DB_EVERY_CLIENT, err)))
        return -1;
    if (call->env->idempotency_key && idempotency_begin(call, call->stored, err) < 0)
        return -1;
    return call->stored && call->stored->type ? 1 : 0;
}

/* The handler opens its transaction, or finds it open. Rolls back on failure. */
static int run_in_transaction(struct worker *worker, const struct request_handler *handler, struct call *call,
                              struct buf *reply, struct err *err)
{
    int begun = handler->flags & CALL_LATE_TX ? 0 : call_begin(worker, call, err);
    int rc = begun;

    if (begun == 0)
        rc = run_and_pack(worker, handler, call, reply, err);
    if (rc == 0 && !call->tx)
        rc = err_set(err, ERR_INTERNAL, "%s opened no transaction", handler->request->name);
    if (rc == 0 && call->env->idempotency_key && !call->stored->type)
        rc = idempotency_end(call, handler->reply->name, reply, err);
    if (rc >= 0)
        return db_commit(&call->tx, err);
    db_rollback(&call->tx);
    return -1;
}

static int run_decoded(struct worker_slot *slot, const struct job *job, struct arena *arena, const struct envelope *env,
                       struct err *err)
{
    const struct request_handler *handler = job->handler;
    AUTO(buf_free) struct buf reply = {0};
    struct stored stored = {0};
    struct call call = {.env = env, .client_id = env->client_id, .arena = arena, .stored = &stored};
    void *request = arena_alloc(arena, handler->request->size);
    int rc;

    call.request = request;
    call.reply = arena_alloc(arena, handler->reply->size);
    if (!request || !call.reply)
        return err_set(err, ERR_INTERNAL, "out of memory");
    if (codec_unpack(handler->request, env->body.data, env->body.len, arena, request, err) < 0)
        return -1;
    if (handler->flags & CALL_NO_TX)
        rc = run_and_pack(&slot->worker, handler, &call, &reply, err);
    else
        rc = run_in_transaction(&slot->worker, handler, &call, &reply, err);
    if (rc < 0)
        return -1;
    if (stored.type)
        bus_answer_packed(slot->worker.bus, env, stored.type, stored.body, stored.len);
    else
        bus_answer_packed(slot->worker.bus, env, handler->reply->name, reply.data, reply.len);
    return 0;
}

void request_run(struct worker_slot *slot, const struct job *job)
{
    struct process *self = slot->worker.process;
    AUTO(arena_destroy) struct arena *arena = arena_new(REQUEST_MEMORY);
    int64_t began_us = clock_mono_us();
    struct envelope env;
    struct err err = {0};
    int rc;

    self->requests++;
    if (job->deadline_ms && clock_mono_ms() >= job->deadline_ms) {
        self->requests_dropped++; /* nobody waits any more */
        return;
    }
    if (!arena || codec_unpack(&envelope_type, job->frame, job->len, arena, &env, &err) < 0)
        return; /* it was well-formed in the bus thread: no memory */
    log_set_trace(env.trace_id);
    rc = run_decoded(slot, job, arena, &env, &err);
    if (rc < 0) {
        answer_problem(self, &env, &err);
        if (err.kind == ERR_INTERNAL || err.kind == ERR_NONE)
            log_err(LOG_ERROR, env.type, &err);
    }
    log_debug("request", log_str("type", env.type), log_str("outcome", rc < 0 ? err_kind_name(err.kind) : "ok"),
              log_float("ms", (double)(clock_mono_us() - began_us) / 1000.0));
    log_set_trace(NULL);
}

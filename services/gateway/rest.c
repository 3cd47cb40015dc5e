/* rest.c - the REST API: a row of the route table becomes a question to the role that answers it. */
#include <inttypes.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/bus.h"
#include "libshared/codec.h"
#include "libshared/err.h"
#include "libshared/httpd.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "services/gateway/auth.h"
#include "services/gateway/gateway.h"
#include "services/gateway/request.h"

#define ARENA_MAX      ((size_t)32 * 1024 * 1024)
#define ASK_TIMEOUT_MS 10000

/* The key's owner, or the refusal is sent. */
static bool authenticate(struct job *job, struct caller *ret_caller)
{
    struct err err = {0};
    int refused = auth_check(job->gateway->auth, exchange_header(job->x, "Authorization"), exchange_remote(job->x),
                             ret_caller, &err);

    if (refused == 503) {
        log_err(LOG_WARN, "a key cannot be looked up", &err);
        job_unavailable(job, "keys cannot be checked right now");
    } else if (refused == 429) {
        job_problem(job, 429, NULL, "Retry-After: 1", "%s", err.text);
    } else if (refused) {
        job_problem(job, 401, NULL, "WWW-Authenticate: Bearer realm=\"leadwire\"", "%s", err.text);
    } else if (job->match.route->who == WHO_ADMIN && !ret_caller->admin) {
        job_problem(job, 403, NULL, NULL, "this needs an administrator's key");
    } else {
        return true;
    }
    return false;
}

/* Answers with what went wrong. Where a service is away, its address and the like are for the log. */
static void answer_failure(struct job *job, struct err *err)
{
    const struct route *route = job->match.route;

    if (err->kind == ERR_UNAVAILABLE || err->kind == ERR_UNCERTAIN || err->kind == ERR_INTERNAL) {
        log_err(err->kind == ERR_INTERNAL ? LOG_ERROR : LOG_WARN, "an API call failed", err);
        if (err->kind == ERR_UNAVAILABLE) {
            int retry_after_s = err->retry_after_s;

            err_set(err, ERR_UNAVAILABLE, "the %s service cannot answer right now", route->role);
            err->retry_after_s = retry_after_s;
        }
    }
    job_problem_err(job, err);
}

static int ask(struct job *job, struct worker *worker, const struct caller *caller, struct arena *arena,
               struct buf *reply_json, struct err *err)
{
    const struct route *route = job->match.route;
    const char *idempotency_key = exchange_header(job->x, "Idempotency-Key");
    struct bus_request request = {.role = route->role,
                                  .trace_id = job->request_id,
                                  .timeout_ms = ASK_TIMEOUT_MS,
                                  .type = route->request};
    struct request_input input = {.match = &job->match,
                                  .caller = caller,
                                  .query = exchange_query(job->x),
                                  .body = exchange_body(job->x),
                                  .body_len = exchange_body_len(job->x)};
    void *msg, *reply = arena_alloc(arena, route->reply->size);

    if (!reply)
        return err_set(err, ERR_INTERNAL, "no memory for an API call");
    if (request_build(&input, arena, &msg, &request.client_id, err) < 0)
        return -1;
    request.msg = msg;
    if (strcmp(route->method, "POST") == 0)
        request.idempotency_key = idempotency_key;
    if (bus_ask(worker->bus, &request, route->reply, arena, reply, err) < 0)
        return -1;
    return codec_to_json(route->reply, reply, reply_json, err);
}

static void run(struct worker *worker, void *arg)
{
    struct job *job = arg;
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    AUTO(buf_free) struct buf reply = {0};
    struct caller caller;
    struct err err = {0};

    log_set_trace(job->request_id);
    if (!arena) {
        job_unavailable(job, "no memory for this request");
    } else if (authenticate(job, &caller)) {
        if (ask(job, worker, &caller, arena, &reply, &err) < 0) {
            answer_failure(job, &err);
        } else {
            buf_puts(&reply, "\n");
            job_reply(job, job->match.route->status, "application/json", reply.data, reply.len);
        }
    }
    log_set_trace(NULL);
}

void rest_page(struct job *job)
{
    const char *key = exchange_header(job->x, "Idempotency-Key");

    if (exchange_body_len(job->x) > 0 && strcmp(job->match.route->method, "GET") != 0 &&
        !request_is_json(exchange_header(job->x, "Content-Type")))
        job_problem(job, 415, NULL, "Accept: application/json", "the body must be application/json");
    else if (key && strcmp(job->match.route->method, "POST") == 0 && !idempotency_key_valid(key))
        job_problem(job, 400, "Idempotency-Key", NULL, "Idempotency-Key: 1 to 255 visible ASCII characters");
    else
        job_submit(job, run);
}

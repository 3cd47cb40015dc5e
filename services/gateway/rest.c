/* rest.c - the REST API: a row of the route table becomes a question to the role that answers it. */
#include <stdio.h>
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
#include "services/gateway/upload.h"

#define ARENA_MAX         ((size_t)32 * 1024 * 1024)
#define ASK_TIMEOUT_MS    10000
#define UPLOAD_TIMEOUT_MS 45000 /* a PDF's text is made before the answer, within 30 s */

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
    } else if (exchange_body_forgotten(job->x)) { /* the key could not be checked while the body came */
        job_unavailable(job, "the key could not be checked in time; send the request again");
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

/* Puts down what is too large, asks. What was put down long ago may be cleaned away just then: a second time it is new.
 */
static int put_and_ask(const struct job *job, struct worker *worker, const struct bus_request *request,
                       const struct request_upload *upload, struct arena *arena, void *reply, struct err *err)
{
    const struct route *route = job->match.route;

    for (int attempt = 1;; attempt++) {
        *err = (struct err){0};
        if (upload->data && upload_put(worker->bus, request, upload->id, upload->data, upload->len, err) < 0)
            return -1;
        if (bus_ask(worker->bus, request, route->reply, arena, reply, err) == 0)
            return 0;
        if (err->kind != ERR_NOT_FOUND || strcmp(err->field, "upload_id") != 0 || attempt == 2)
            return -1;
    }
}

/* Of a success. */
static int status_of(const struct route *route, const void *reply)
{
    for (size_t i = 0; route->created_field && i < route->reply->n_fields; i++) {
        const struct field *field = &route->reply->fields[i];

        if (strcmp(field->name, route->created_field) == 0 && !*(const bool *)((const char *)reply + field->offset))
            return 200;
    }
    return route->status;
}

static int ask(struct job *job, struct worker *worker, const struct caller *caller, struct arena *arena,
               struct buf *reply_json, int *ret_status, struct err *err)
{
    const struct route *route = job->match.route;
    AUTO(request_upload_free) struct request_upload upload = {0};
    struct bus_request request = {.role = route->role,
                                  .trace_id = job->request_id,
                                  .timeout_ms = route->upload ? UPLOAD_TIMEOUT_MS : ASK_TIMEOUT_MS,
                                  .type = route->request};
    struct request_input input = {.match = &job->match,
                                  .caller = caller,
                                  .query = exchange_query(job->x),
                                  .content_type = exchange_header(job->x, "Content-Type"),
                                  .body = exchange_body(job->x),
                                  .body_len = exchange_body_len(job->x)};
    void *msg, *reply = arena_alloc(arena, route->reply->size);

    if (!reply)
        return err_set(err, ERR_INTERNAL, "no memory for an API call");
    if (request_build(&input, arena, &msg, &request.client_id, &upload, err) < 0)
        return -1;
    request.msg = msg;
    if (strcmp(route->method, "POST") == 0)
        request.idempotency_key = exchange_header(job->x, "Idempotency-Key");
    if (put_and_ask(job, worker, &request, &upload, arena, reply, err) < 0)
        return -1;
    *ret_status = status_of(route, reply);
    return codec_to_json(route->reply, reply, reply_json, err);
}

static void run(struct worker *worker, void *arg)
{
    struct job *job = arg;
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    AUTO(buf_free) struct buf reply = {0};
    struct caller caller;
    struct err err = {0};
    int status = 500;

    log_set_trace(job->request_id);
    if (!arena) {
        job_unavailable(job, "no memory for this request");
    } else if (authenticate(job, &caller)) {
        if (ask(job, worker, &caller, arena, &reply, &status, &err) < 0) {
            answer_failure(job, &err);
        } else {
            buf_puts(&reply, "\n");
            job_reply(job, status, "application/json", reply.data, reply.len);
        }
    }
    log_set_trace(NULL);
}

void rest_page(struct job *job)
{
    const struct route *route = job->match.route;
    const char *key = exchange_header(job->x, "Idempotency-Key");

    if (exchange_body_len(job->x) > 0 && strcmp(route->method, "GET") != 0 &&
        !request_type_accepted(route, exchange_header(job->x, "Content-Type"))) {
        char accept[128];

        snprintf(accept, sizeof accept, "Accept: %s", request_types(route));
        job_problem(job, 415, NULL, accept, "the body must be one of: %s", request_types(route));
    } else if (key && strcmp(route->method, "POST") == 0 && !idempotency_key_valid(key)) {
        job_problem(job, 400, "Idempotency-Key", NULL, "Idempotency-Key: 1 to 255 visible ASCII characters");
    } else {
        job_submit(job, run);
    }
}

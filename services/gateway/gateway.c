/* gateway.c - from a request to its page, and back to an answer. See gateway.h. */
#include "services/gateway/gateway.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "services/gateway/accept.h"
#include "services/gateway/auth.h"
#include "services/gateway/own_accounts.h"
#include "services/gateway/problem.h"
#include "services/gateway/request.h"
#include "services/gateway/start.h"

#define MAX_BODY          ((size_t)1024 * 1024)
#define MAX_HELD          ((size_t)64 * 1024 * 1024) /* of all large bodies together */
#define SERVER_THREADS    2
#define CONNECTIONS_MAX   4096
#define OTHER_FILES       100   /* of the process: database, bus, log */
#define ANSWER_TIMEOUT_MS 14000 /* Twilio waits 15 s; a 503 before that is better than silence */
#define RETRY_AFTER_S     5

/* Of a large document: its text is made before the answer, of a PDF within 30 s (services/knowledge/ingest/extract.h).
 */
#define UPLOAD_ANSWER_TIMEOUT_MS 60000

/* A key that is looked up while its request's body is still to come. */
struct key_check {
    struct gateway *gateway;
    struct exchange *x;
};

/* What is not a row of the route table. Twilio can be told to call a webhook with GET. */
static const struct {
    const char *method, *path;
    void (*page)(struct job *job);
} pages[] = {
    {"POST", "/api/v1/webhooks/twilio/sms", text_webhook_page},
    {"GET", "/api/v1/webhooks/twilio/sms", text_webhook_page},
    {"POST", "/api/v1/webhooks/twilio/whatsapp", text_webhook_page},
    {"GET", "/api/v1/webhooks/twilio/whatsapp", text_webhook_page},
    {"POST", "/api/v1/webhooks/twilio/status", status_webhook_page},
    {"GET", "/api/v1/webhooks/twilio/status", status_webhook_page},
    {"POST", "/api/v1/webhooks/twilio/voice", voice_webhook_page},
    {"GET", "/api/v1/webhooks/twilio/voice", voice_webhook_page},
    {"POST", "/api/v1/webhooks/form/{client_id}", form_webhook_page},
    {"OPTIONS", "/api/v1/webhooks/form/{client_id}", form_options_page},
    {"GET", "/healthz", healthz_page},
    {"GET", "/readyz", readyz_page},
    {"GET", "/metrics", metrics_page},
    {"GET", "/openapi.json", openapi_page},
};

/* ---- answering ---- */

static void job_end(struct job *job, int status)
{
    if (status >= 100 && status < 600)
        job->gateway->counters.answered[status / 100]++;
    job->gateway->open--;
    free(job);
}

void job_reply(struct job *job, int status, const char *content_type, const char *body, size_t len)
{
    job_reply_with(job, status, content_type, body, len, (const char *const[]){NULL});
}

void job_reply_with(struct job *job, int status, const char *content_type, const char *body, size_t len,
                    const char *const *headers)
{
    char request_id[REQUEST_ID_SIZE + 16];
    const char *all[JOB_HEADERS_MAX + 4] = {request_id, "Cache-Control: no-store"};
    size_t n = 2;

    snprintf(request_id, sizeof request_id, "X-Request-Id: %s", job->request_id);
    for (size_t i = 0; i < JOB_HEADERS_MAX && headers[i]; i++)
        all[n++] = headers[i];
    if (job->any_origin)
        all[n++] = ANY_ORIGIN_HEADER;
    exchange_reply(job->x, status, content_type, body, len, all);
    job_end(job, status);
}

void job_problem(struct job *job, int status, const char *field, const char *header, const char *fmt, ...)
{
    struct err text = {0}; /* formats and cuts between characters */
    va_list args;
    char detail[sizeof text.text];

    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    err_set(&text, ERR_INVALID, "%s", detail);
    problem_reply(job->x,
                  &(struct problem_info){.status = status,
                                         .detail = text.text,
                                         .field = field,
                                         .request_id = job->request_id,
                                         .any_origin = job->any_origin},
                  header);
    job_end(job, status);
}

void job_unavailable(struct job *job, const char *detail)
{
    problem_reply(job->x,
                  &(struct problem_info){.status = 503,
                                         .detail = detail,
                                         .request_id = job->request_id,
                                         .retry_after_s = RETRY_AFTER_S,
                                         .any_origin = job->any_origin},
                  NULL);
    job_end(job, 503);
}

void job_not_ready(struct job *job, const char *missing)
{
    problem_reply(job->x,
                  &(struct problem_info){.status = 503,
                                         .detail = "not everything that an answer needs is alive",
                                         .request_id = job->request_id,
                                         .retry_after_s = 1,
                                         .missing = missing},
                  NULL);
    job_end(job, 503);
}

void job_problem_err(struct job *job, const struct err *err)
{
    problem_reply_err(job->x, err, job->request_id);
    job_end(job, problem_status(err->kind));
}

void job_submit(struct job *job, void (*fn)(struct worker *worker, void *job))
{
    if (!service_submit(job->gateway->worker, fn, job))
        job_unavailable(job, "too many requests are waiting");
}

bool gateway_may_warn(struct gateway *self)
{
    long long now_s = clock_mono_ms() / 1000, last_s = self->warned_s;

    return now_s != last_s && atomic_compare_exchange_strong(&self->warned_s, &last_s, now_s);
}

/* ---- taking a request ---- */

static struct job *job_new(struct gateway *self, struct exchange *x)
{
    struct job *job = calloc(1, sizeof *job);

    if (!job)
        return NULL;
    job->gateway = self;
    job->x = x;
    snprintf(job->request_id, sizeof job->request_id, "%s", exchange_id(x));
    self->open++;
    return job;
}

/* Whether a page has answered. allow: the methods that the path takes, for the 405; "" if there is no such page. */
static bool answer_page(struct job *job, char allow[ROUTE_METHODS_MAX])
{
    const char *path = exchange_path(job->x), *method = exchange_method(job->x);

    allow[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        size_t used = strlen(allow);

        if (!route_path_matches(pages[i].path, path, job->match.params, &job->match.n_params))
            continue;
        if (strcmp(pages[i].method, method) == 0) {
            pages[i].page(job);
            return true;
        }
        snprintf(allow + used, ROUTE_METHODS_MAX - used, "%s%s", used ? ", " : "", pages[i].method);
    }
    return false;
}

static void on_request(void *arg, struct exchange *x)
{
    struct gateway *self = arg;
    struct job *job = job_new(self, x);
    char allow[ROUTE_METHODS_MAX];

    if (!job) {
        exchange_cut(x);
        return;
    }
    if (self->stopping) {
        job_unavailable(job, "the gateway is stopping");
        return;
    }
    if (answer_page(job, allow))
        return;
    if (route_find(exchange_method(x), exchange_path(x), &job->match)) {
        rest_page(job);
    } else if (*allow || *job->match.allow) {
        char header[ROUTE_METHODS_MAX + 16];

        snprintf(header, sizeof header, "Allow: %s", *allow ? allow : job->match.allow);
        job_problem(job, 405, NULL, header, "this address does not take this method");
    } else {
        job_problem(job, 404, NULL, NULL, "there is nothing at this address");
    }
}

/* A large body is not kept unless its key is valid: rest.c then refuses the request. */
static void check_key(struct worker *worker, void *arg)
{
    struct key_check *check = arg;
    struct gateway *self = check->gateway;
    struct caller caller;
    struct err err = {0};

    (void)worker;
    if (auth_check(self->auth, exchange_header(check->x, "Authorization"), exchange_remote(check->x), &caller, &err))
        exchange_forget_body(check->x);
    exchange_release(check->x);
    free(check);
    self->open--;
}

/* While the body comes. Where it cannot be checked now, the bound on all bodies must do. */
static void begin_key_check(struct gateway *self, struct exchange *x)
{
    struct key_check *check = malloc(sizeof *check);

    if (!check)
        return;
    *check = (struct key_check){.gateway = self, .x = x};
    exchange_hold(x);
    self->open++;
    if (service_submit(self->worker, check_key, check))
        return;
    self->open--;
    exchange_release(x);
    free(check);
}

/* The routes that take large bodies. */
static void set_terms(void *arg, struct exchange *x, struct httpd_terms *terms)
{
    struct gateway *self = arg;
    struct route_match match;

    if (strcmp(exchange_method(x), "POST") != 0 || !route_find("POST", exchange_path(x), &match) ||
        !match.route->upload)
        return;
    terms->max_body = (size_t)self->worker->config->upload_max_bytes;
    terms->max_body_name = "LEADWIRE_UPLOAD_MAX_BYTES";
    terms->answer_timeout_ms = UPLOAD_ANSWER_TIMEOUT_MS;
    if (!self->stopping)
        begin_key_check(self, x);
}

/* At least two of the largest. */
static size_t max_held(const struct config *config)
{
    size_t two = 2 * (size_t)config->upload_max_bytes;

    return two > MAX_HELD ? two : MAX_HELD;
}

/* ---- starting and stopping ---- */

/* How many connections the limit of open files leaves room for. */
static int connections_possible(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 512;
    if (files.rlim_cur < CONNECTIONS_MAX + OTHER_FILES) {
        files.rlim_cur =
            files.rlim_max < CONNECTIONS_MAX + OTHER_FILES ? files.rlim_max : CONNECTIONS_MAX + OTHER_FILES;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur >= CONNECTIONS_MAX + OTHER_FILES)
        return CONNECTIONS_MAX;
    return files.rlim_cur > 2 * OTHER_FILES ? (int)files.rlim_cur - OTHER_FILES : OTHER_FILES;
}

static void gateway_destroy(struct gateway **self_p)
{
    struct gateway *self = *self_p;

    if (!self)
        return;
    /* Those that wait for a commit get their answer before the server ends. */
    if (self->accept)
        accept_stop(self->accept);
    httpd_destroy(&self->httpd);
    accept_destroy(&self->accept);
    own_accounts_destroy(&self->accounts);
    auth_destroy(&self->auth);
    free(self->openapi);
    free(self);
    *self_p = NULL;
}

int gateway_start(struct worker *worker, void **ret_gateway, struct err *err)
{
    AUTO(gateway_destroy) struct gateway *self = calloc(1, sizeof *self);
    const struct config *config = worker->config;

    if (!self)
        return err_set(err, ERR_INTERNAL, "no memory for the gateway");
    self->worker = worker;
    if (!(self->openapi = openapi_document(config->public_url, err)) || !(self->auth = auth_new(worker->db, err)) ||
        !(self->accounts = own_accounts_new(worker->db, config->master_key, err)) ||
        !(self->accept = accept_new(config, worker->bus, err)))
        return -1;
    self->httpd = httpd_new(&(struct httpd_options){.bind_address = config->gateway_bind,
                                                    .port = (int)config->gateway_port,
                                                    .threads = SERVER_THREADS,
                                                    .max_body = MAX_BODY,
                                                    .max_held = max_held(config),
                                                    .max_connections = connections_possible(),
                                                    .handler = on_request,
                                                    .arg = self,
                                                    .terms = set_terms,
                                                    .problem = problem_of_server,
                                                    .answer_timeout_ms = ANSWER_TIMEOUT_MS},
                            err);
    if (!self->httpd)
        return -1;
    log_info("listening", log_str("address", config->gateway_bind), log_int("port", httpd_port(self->httpd)));
    *ret_gateway = TAKE(self);
    return 0;
}

void gateway_stop(void *arg)
{
    struct gateway *self = arg;
    int64_t until_ms = clock_mono_ms() + self->worker->config->drain_s * 1000;

    /* What was begun may end; the workers still run. */
    self->stopping = true;
    while (self->open > 0 && clock_mono_ms() < until_ms)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    accept_stop(self->accept);
    httpd_destroy(&self->httpd);
    /* A worker that has not ended by now still uses the rest; the process ends in a moment. */
    if (self->open == 0)
        gateway_destroy(&self);
}

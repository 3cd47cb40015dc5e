/* webhook.c - see webhook.h. */
#include "services/gateway/webhook.h"

#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/err.h"
#include "libshared/httpd.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/uuid.h"
#include "services/gateway/gateway.h"
#include "services/gateway/own_accounts.h"
#include "services/gateway/request.h"
#include "services/gateway/twilio_signature.h"

#define BODY_MAX  ((size_t)256 * 1024)
#define ARENA_MAX ((size_t)2 * 1024 * 1024)

void webhook_free(struct webhook **self_p)
{
    struct arena *arena;

    if (!*self_p)
        return;
    arena = (*self_p)->arena;
    arena_destroy(&arena);
    *self_p = NULL;
}

bool webhook_sid_valid(const char *sid)
{
    size_t len = sid ? strlen(sid) : 0;

    return len >= 1 && len <= WEBHOOK_SID_MAX &&
           strspn(sid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == len;
}

int webhook_read_ids(struct webhook *self, const char **ret_client_id, const char **ret_message_id, struct err *err)
{
    const char *query = exchange_query(self->job->x);
    struct form address;

    if (form_parse(query, strlen(query), self->arena, &address, err) < 0)
        return -1;
    *ret_client_id = form_get(&address, "client_id");
    *ret_message_id = form_get(&address, "message_id");
    if (!*ret_client_id || !uuid_is_valid(*ret_client_id))
        return err_set_field(err, ERR_INVALID, "client_id", "client_id must be a UUID");
    if (!*ret_message_id || !uuid_is_valid(*ret_message_id))
        return err_set_field(err, ERR_INVALID, "message_id", "message_id must be a UUID");
    return 0;
}

/* ---- reading ---- */

static bool is_get(const struct job *job)
{
    return strcmp(exchange_method(job->x), "GET") == 0;
}

/* The parameters stand in the body, of a GET in the address. Another kind of body is not read, but may be signed. */
static int read_parameters(struct webhook *self, struct err *err)
{
    struct exchange *x = self->job->x;
    const char *query = exchange_query(x);

    if (is_get(self->job))
        return form_parse(query, strlen(query), self->arena, &self->form, err);
    if (!request_is_form(exchange_header(x, "Content-Type")))
        return 0;
    return form_parse(exchange_body(x), exchange_body_len(x), self->arena, &self->form, err);
}

/* NULL: the job is answered. */
static struct webhook *webhook_open(struct job *job)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    struct webhook *self = arena ? arena_calloc(arena, 1, sizeof *self) : NULL;
    struct err err = {0};

    if (!self) {
        job_unavailable(job, "no memory for this request");
        return NULL;
    }
    self->job = job;
    self->arena = arena;
    if (exchange_body_len(job->x) > BODY_MAX) {
        job_problem(job, 413, NULL, NULL, "a webhook's body may have %zu bytes", BODY_MAX);
    } else if (!exchange_header(job->x, "X-Twilio-Signature")) {
        webhook_refuse(job);
    } else if (read_parameters(self, &err) < 0) {
        job_problem_err(job, &err);
    } else {
        arena = NULL; /* self's from here on */
        return self;
    }
    return NULL;
}

/* ---- who signed ---- */

void webhook_refuse(struct job *job)
{
    job->gateway->counters.wrong_signatures++;
    if (gateway_may_warn(job->gateway))
        log_warn(
            "a webhook without a valid signature was refused; is PUBLIC_URL what Twilio calls, and is the account's"
            " token right?",
            log_str("remote", exchange_remote(job->x)),
            log_int("refused_so_far", job->gateway->counters.wrong_signatures));
    job_problem(job, 403, NULL, NULL, "X-Twilio-Signature is missing or wrong");
}

static struct twilio_request signed_request(const struct webhook *self)
{
    static const struct form none = {0};
    struct exchange *x = self->job->x;
    bool is_form = !is_get(self->job) && request_is_form(exchange_header(x, "Content-Type"));

    return (struct twilio_request){.public_url = self->job->gateway->worker->config->public_url,
                                   .target = exchange_target(x),
                                   .form = is_form             ? &self->form
                                           : is_get(self->job) ? &none
                                                               : NULL,
                                   .body = exchange_body(x),
                                   .body_len = exchange_body_len(x)};
}

/* Its signature is right. */
static void go_on(struct webhook *self)
{
    struct job *job = self->job;

    if (is_get(job) || request_is_form(exchange_header(job->x, "Content-Type"))) {
        self->then(self);
        return;
    }
    job_problem(job, 415, NULL, "Accept: application/x-www-form-urlencoded",
                "the body must be application/x-www-form-urlencoded");
    webhook_free(&self);
}

/* Not signed by the environment's account. False: whether it is signed cannot be told without asking the database.
 */
static bool check_own_account(struct webhook *self, bool is_last)
{
    const struct twilio_request request = signed_request(self);
    bool current;

    self->signers = own_accounts_signers(self->job->gateway->accounts, self->account, &request,
                                         exchange_header(self->job->x, "X-Twilio-Signature"), self->arena, &current);
    if (!current && !is_last)
        return false;
    if (self->signers) {
        go_on(self);
    } else {
        webhook_refuse(self->job);
        webhook_free(&self);
    }
    return true;
}

static void read_accounts(struct worker *worker, struct webhook *self)
{
    struct err err = {0};

    (void)worker;
    if (own_accounts_read(self->job->gateway->accounts, &err) == 0) {
        check_own_account(self, true);
        return;
    }
    log_err(LOG_WARN, "the accounts of clients could not be read", &err);
    job_unavailable(self->job, "the signature could not be checked; send it again");
    webhook_free(&self);
}

/* The environment's account first: most webhooks are its own, and whoever has its token may name any account. */
void webhook_begin(struct job *job, void (*then)(struct webhook *self))
{
    const struct config *config = job->gateway->worker->config;
    struct webhook *self = webhook_open(job);
    struct twilio_request request;

    if (!self)
        return;
    self->then = then;
    request = signed_request(self);
    if (twilio_signature_valid(config->twilio_auth_token, &request, exchange_header(job->x, "X-Twilio-Signature"),
                               self->arena)) {
        self->account = config->twilio_account_sid;
        go_on(self);
        return;
    }
    self->account = form_get(&self->form, "AccountSid");
    if (!webhook_sid_valid(self->account) || strcmp(self->account, config->twilio_account_sid) == 0) {
        webhook_refuse(job);
        webhook_free(&self);
    } else if (!check_own_account(self, false)) {
        webhook_submit(self, read_accounts);
    }
}

/* ---- in a worker ---- */

static void run(struct worker *worker, void *arg)
{
    struct webhook *self = arg;

    self->run(worker, self);
}

void webhook_submit(struct webhook *self, void (*fn)(struct worker *worker, struct webhook *self))
{
    self->run = fn;
    if (service_submit(self->job->gateway->worker, run, self))
        return;
    job_unavailable(self->job, "too many requests are waiting");
    webhook_free(&self);
}

/* webhook_status.c - what became of a message or a call of ours: /api/v1/webhooks/twilio/status.
 *
 * Callbacks come in any order, and more than once: each only ever moves its message forward (accept_message_statuses,
 * migrations/0117), so a repeated one changes nothing and needs no memory of its own. They are read in the server
 * thread and stored by a worker, those that are there at the same moment by one statement. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/failpoint.h"
#include "libshared/group.h"
#include "libshared/log.h"
#include "libshared/notices.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "libshared/twilio_codes.h"
#include "proto/messages.h"
#include "services/gateway/gateway.h"
#include "services/gateway/webhook.h"

#define STATUS_MAX 32
#define BATCH_MAX  64
#define ARENA_MAX  ((size_t)BATCH_MAX * 1024 * 1024) /* each comes of a webhook's body; quoted it is twice as long */
#define REPEAT_MS  3000                              /* a batch that failed within this time is tried once more */

struct status_callback {
    struct group_item item;
    struct webhook *webhook; /* in whose arena it lives */
    const char *account, *trace_id;
    const char *client_id, *message_id; /* which we put into the callback's address */
    bool is_call;
    const char *sid, *status, *text; /* text: NULL if there is none */
    int64_t code;

    /* Filled. */
    enum { STATUS_TAKEN, STATUS_UNKNOWN, STATUS_WRONG_ACCOUNT } outcome;
};

/* The first of the parameters that is there. */
static const char *first_of(const struct form *form, const char *a, const char *b)
{
    const char *value = form_get(form, a);

    return value ? value : form_get(form, b);
}

static int read_status(struct webhook *self, struct status_callback *out, struct err *err)
{
    const struct form *form = &self->form;
    const char *code = form_get(form, "ErrorCode");

    *out = (struct status_callback){.webhook = self,
                                    .account = self->account,
                                    .trace_id = self->job->request_id,
                                    .is_call = form_get(form, "CallSid") != NULL,
                                    .text = first_of(form, "ErrorMessage", "ChannelStatusMessage")};
    if (webhook_read_ids(self, &out->client_id, &out->message_id, err) < 0)
        return -1;
    if (out->is_call) {
        out->sid = form_get(form, "CallSid");
        out->status = form_get(form, "CallStatus");
        if (!out->text) /* "busy" and "no-answer" are all that is told */
            out->text = out->status;
    } else {
        out->sid = first_of(form, "MessageSid", "SmsSid");
        out->status = first_of(form, "MessageStatus", "SmsStatus");
    }
    if (!webhook_sid_valid(out->sid))
        return err_set_field(err, ERR_INVALID, out->is_call ? "CallSid" : "MessageSid",
                             "the sid must be 1 to %d letters and digits", WEBHOOK_SID_MAX);
    if (!out->status || !*out->status || strlen(out->status) > STATUS_MAX)
        return err_set_field(err, ERR_INVALID, out->is_call ? "CallStatus" : "MessageStatus",
                             "the status must have 1 to %d bytes", STATUS_MAX);
    if (!code || !text_to_int(code, 0, 1000000000, &out->code))
        out->code = 0;
    return 0;
}

/* The row says what has changed. */
static void publish_status(struct worker *worker, const struct status_callback *callback, const struct db_result *rows,
                           int row)
{
    struct message_event event = {.message_id = callback->message_id,
                                  .conversation_id = db_get(rows, row, "conversation_id"),
                                  .lead_id = db_get(rows, row, "lead_id"),
                                  .channel = db_get(rows, row, "channel"),
                                  .state = db_get(rows, row, "state"),
                                  .provider_sid = callback->sid,
                                  .error_code = callback->code};
    struct lead_event opted_out = {.lead_id = event.lead_id,
                                   .conversation_id = event.conversation_id,
                                   .reason = "Twilio says that the number has opted out"};
    char type[STATUS_MAX];

    snprintf(type, sizeof type, "message.%s", event.state);
    bus_publish(worker->bus, type, callback->client_id, &message_event_type, &event);
    if (db_get_bool(rows, row, "opted_out"))
        bus_publish(worker->bus, "lead.opted_out", callback->client_id, &lead_event_type, &opted_out);
}

/* ---- storing ---- */

/* A code that a person must see to: that a number is not registered, or a template is paused, is told here alone. */
static int tell_person(struct db_tx *tx, struct worker *worker, const struct status_callback *callback,
                       const struct db_result *rows, struct err *err)
{
    const char *state = db_get(rows, 0, "state");
    char subject[32];
    const struct notice_spec notice = {.client_id = callback->client_id,
                                       .kind = "message_failed",
                                       .subject = subject,
                                       .text = twilio_code_text((int)callback->code),
                                       .remedy = twilio_remedy((int)callback->code),
                                       .code = (int)callback->code};

    if (strcmp(db_get(rows, 0, "outcome"), "changed") != 0 ||
        (strcmp(state, "failed") != 0 && strcmp(state, "undelivered") != 0))
        return 0;
    snprintf(subject, sizeof subject, "code %d", (int)callback->code);
    return notice_raise(tx, worker->bus, &notice, err) < 0 ? -1 : 0;
}

/* As PostgreSQL arrays. */
enum column { CLIENTS, MESSAGES, ACCOUNTS, CALLS, SIDS, STATUSES, CODES, TEXTS, N_COLUMNS };

static const char *cell(enum column column, const struct status_callback *callback, struct arena *arena)
{
    switch (column) {
    case CLIENTS:
        return callback->client_id;
    case MESSAGES:
        return callback->message_id;
    case ACCOUNTS:
        return callback->account;
    case CALLS:
        return callback->is_call ? "true" : "false";
    case SIDS:
        return callback->sid;
    case STATUSES:
        return callback->status;
    case CODES:
        return arena_printf(arena, "%" PRId64, callback->code);
    default:
        return callback->text;
    }
}

static int make_columns(struct group_item *const *items, size_t n, struct arena *arena, const char *columns[N_COLUMNS],
                        struct err *err)
{
    const char *cells[BATCH_MAX];

    for (int column = 0; column < N_COLUMNS; column++) {
        for (size_t i = 0; arena && i < n; i++)
            cells[i] = cell((enum column)column, (const struct status_callback *)items[i], arena);
        if (!arena || !(columns[column] = db_array(arena, cells, n)))
            return err_set(err, ERR_UNAVAILABLE, "no memory for %zu status callbacks", n);
    }
    return 0;
}

/* alone: the only one, where a person may have to be told. */
static int query(struct worker *worker, const char *const c[N_COLUMNS], const struct status_callback *alone,
                 struct db_result **ret_rows, struct err *err)
{
    static const char sql[] =
        "SELECT item, outcome, state, lead_id, conversation_id, channel, opted_out"
        "  FROM accept_message_statuses($1::uuid[], $2::uuid[], $3::text[], $9, $4::boolean[], $5::text[], $6::text[],"
        "                               $7::integer[], $8::text[])";
    const struct db_arg args[] = {
        db_text(c[CLIENTS]), db_text(c[MESSAGES]), db_text(c[ACCOUNTS]),
        db_text(c[CALLS]),   db_text(c[SIDS]),     db_text(c[STATUSES]),
        db_text(c[CODES]),   db_text(c[TEXTS]),    db_text(worker->config->twilio_account_sid)};
    AUTO(db_rollback) struct db_tx *tx = NULL;

    if (!alone)
        return db_run_args(worker->db, NULL, ret_rows, err, sql, args, COUNT_OF(args));
    if (!(tx = db_begin(worker->db, NULL, err)) || db_query_args(tx, ret_rows, err, sql, args, COUNT_OF(args)) < 0 ||
        tell_person(tx, worker, alone, *ret_rows, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* What comes of a commit: the outcome of each, and events in the order in which the states changed. */
static void take_row(struct worker *worker, struct status_callback *callback, const struct db_result *rows, int row)
{
    const char *outcome = db_get(rows, row, "outcome");

    callback->outcome = strcmp(outcome, "wrong_account") == 0 ? STATUS_WRONG_ACCOUNT
                        : strcmp(outcome, "unknown") == 0     ? STATUS_UNKNOWN
                                                              : STATUS_TAKEN;
    if (strcmp(outcome, "changed") != 0)
        return;
    log_set_trace(callback->trace_id);
    publish_status(worker, callback, rows, row);
    log_set_trace(NULL);
}

/* A deadlock, a connection that died while it was idle, a commit whose answer was lost: all are over at once, and
 * repeating it is harmless. */
static int store_many(void *arg, struct group_item *const *items, size_t n, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(ARENA_MAX);
    AUTO(db_result_free) struct db_result *rows = NULL;
    struct worker *worker = arg;
    const struct status_callback *first = (const struct status_callback *)items[0];
    const struct status_callback *alone = n == 1 && twilio_remedy((int)first->code) ? first : NULL;
    int64_t began_ms = clock_mono_ms();
    const char *c[N_COLUMNS];

    failpoint("gateway.before_status");
    if (make_columns(items, n, arena, c, err) < 0)
        return -1;
    if (query(worker, c, alone, &rows, err) < 0) {
        if ((err->kind != ERR_UNAVAILABLE && err->kind != ERR_UNCERTAIN) || clock_mono_ms() - began_ms > REPEAT_MS)
            return -1;
        db_result_free(&rows);
        if (query(worker, c, alone, &rows, err) < 0)
            return -1;
    }
    failpoint("gateway.after_status");
    if ((size_t)db_result_count(rows) != n)
        return err_set(err, ERR_INTERNAL, "accept_message_statuses answered %d of %zu", db_result_count(rows), n);
    for (int row = 0; row < db_result_count(rows); row++)
        take_row(worker, (struct status_callback *)items[db_get_int(rows, row, "item") - 1], rows, row);
    return 0;
}

/* Of the process. */
static struct group callbacks = GROUP_INIT(store_many, BATCH_MAX);

/* ---- answering ---- */

static void answer_status(struct group_item *item)
{
    struct status_callback *self = (struct status_callback *)item;
    struct webhook *webhook = self->webhook;
    struct job *job = webhook->job;

    /* Repeating it is harmless, so an uncertain commit is answered like one that failed. */
    if (item->rc < 0) {
        log_set_trace(self->trace_id);
        log_err(LOG_WARN, "a status callback could not be stored", &item->err);
        log_set_trace(NULL);
        if (item->err.kind == ERR_INVALID || item->err.kind == ERR_INTERNAL)
            job_problem(job, 500, NULL, NULL, "the status cannot be stored; the log says why");
        else
            job_unavailable(job, "the status could not be stored; send it again");
    } else if (self->outcome == STATUS_WRONG_ACCOUNT) {
        webhook_refuse(job);
    } else if (self->outcome == STATUS_UNKNOWN) {
        job_problem(job, 404, "message_id", NULL, "no such message");
    } else {
        job_reply(job, 200, "text/plain; charset=utf-8", "", 0);
    }
    webhook_free(&webhook);
}

static void work(struct worker *worker, void *arg)
{
    group_work(arg, worker);
}

/* One that tells of an error may change its lead and raise a notice, whose rows others lock in orders of their own: it
 * goes alone. */
static void store_alone(struct worker *worker, void *arg)
{
    struct group_item *const alone[] = {arg};

    alone[0]->rc = store_many(worker, alone, 1, &alone[0]->err);
    answer_status(alone[0]);
}

/* An account of a client's own tells of this client's messages alone. */
static bool is_of_signer(const struct webhook *self, const char *client_id)
{
    return !self->signers || strstr(self->signers, client_id);
}

static void queue(struct worker *worker, struct status_callback *callback)
{
    callback->item.done = answer_status;
    if (callback->code) {
        if (service_submit(worker, store_alone, callback))
            return;
        err_set(&callback->item.err, ERR_UNAVAILABLE, "too many requests are waiting");
        callback->item.rc = -1;
        answer_status(&callback->item);
    } else if (group_add(&callbacks, &callback->item) && !service_submit(worker, work, &callbacks)) {
        group_give_up(&callbacks, "too many requests are waiting");
    }
}

static void take_status(struct webhook *self)
{
    struct status_callback *callback = arena_calloc(self->arena, 1, sizeof *callback);
    struct err err = {0};

    if (!callback) {
        job_unavailable(self->job, "no memory for this request");
    } else if (read_status(self, callback, &err) < 0) {
        job_problem_err(self->job, &err);
    } else if (!is_of_signer(self, callback->client_id)) {
        webhook_refuse(self->job);
    } else {
        queue(self->job->gateway->worker, callback);
        return;
    }
    webhook_free(&self);
}

void status_webhook_page(struct job *job)
{
    webhook_begin(job, take_status);
}

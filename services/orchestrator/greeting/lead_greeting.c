/* lead_greeting.c - see lead_greeting.h. */
#include "services/orchestrator/greeting/lead_greeting.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/bus.h"
#include "libshared/clock.h"
#include "libshared/consent.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "libshared/service.h"
#include "libshared/tasks.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/envelope.h"
#include "proto/leads.h"
#include "proto/tasks.h"

#define CLOCK_SLACK_US (INT64_C(300) * 1000000) /* by which the asker's clock may be ahead */

int lead_greeting_check(const struct create_lead *request, struct err *err)
{
    if (request->message && !request->greet)
        return err_set_field(err, ERR_INVALID, "message", "message belongs to greet: it is what the lead is answered");
    if (request->consent_text && !text_has_word(request->consent_text))
        return err_set_field(err, ERR_INVALID, "consent_text", "consent_text must say what the lead agreed to");
    if (request->consent_at > clock_wall_us() + CLOCK_SLACK_US)
        return err_set_field(err, ERR_INVALID, "consent_at", "consent_at is in the future");
    return 0;
}

/* ---- what is stored ---- */

/* messages.form. */
static const char *make_form(const struct create_lead *request, bool no_texts, struct arena *arena)
{
    const char *channel = request->channel ? request->channel : "sms";
    const char *content = arena_printf(arena, "api\n%s\n%s", channel, request->message ? request->message : "");
    json_auto_t *form = json_object();
    char hash[65], *text;
    const char *copy;

    if (!content)
        return NULL;
    sha256_hex(content, strlen(content), hash);
    json_object_set_new(form, "content_hash", json_string(hash));
    if (no_texts)
        json_object_set_new(form, "no_texts", json_true());
    text = json_dumps(form, JSON_COMPACT);
    copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

/* ---- after the commit ---- */

struct pushed {
    struct bus *bus;
    char client_id[UUID_SIZE], task_id[UUID_SIZE];
};

static void push(void *arg, bool committed)
{
    struct pushed *self = arg;

    if (committed && self->bus)
        bus_push_tasks(self->bus, "orchestrator",
                       &(struct task_ref){.client_id = self->client_id, .task_id = self->task_id}, 1);
    free(self);
}

static int push_later(struct worker *self, struct call *call, const char *client_id, const char *task_id,
                      struct err *err)
{
    struct pushed *pushed;

    if (!task_id)
        return 0; /* a person has taken over */
    if (!(pushed = calloc(1, sizeof *pushed)))
        return err_set(err, ERR_INTERNAL, "a lead: out of memory");
    pushed->bus = self->bus;
    snprintf(pushed->client_id, sizeof pushed->client_id, "%s", client_id);
    snprintf(pushed->task_id, sizeof pushed->task_id, "%s", task_id);
    return db_after(call->tx, push, pushed, err);
}

/* ---- putting it ---- */

static int put(struct call *call, const struct create_lead *request, const struct lead *lead, const char *form,
               struct db_result **ret_rows, struct err *err)
{
    const struct task_kind *kind = task_kind_find(TASK_generate_greeting);
    char conversation_id[UUID_SIZE], message_id[UUID_SIZE], task_id[UUID_SIZE], at[CLOCK_TEXT_SIZE];

    uuid_new(conversation_id);
    uuid_new(message_id);
    uuid_new(task_id);
    clock_format(request->consent_at ? request->consent_at : clock_wall_us(), at);
    return db_query(
        call->tx, ret_rows, err,
        "SELECT outcome, channel, task_id"
        "  FROM put_lead_message($1, $2, $3, $4, $5, $6, $7::jsonb, NULL, $8, 'api', $9, $10::timestamptz, NULL, NULL,"
        "                        NULL, $11, $12, $13, $14, $15::integer, $16::integer)",
        db_text(lead->client_id), db_text(lead->lead_id), db_text(lead->phone), db_text(lead->email),
        db_text(request->channel ? request->channel : "sms"), db_text(request->message ? request->message : ""),
        db_text(form), db_text(call->env ? call->env->trace_id : ""), db_text(request->consent_text), db_text(at),
        db_text(call->client_id ? "client" : "administrator"), db_text(conversation_id), db_text(message_id),
        db_text(task_id), db_int(kind->max_attempts), db_int(kind->deadline_s));
}

/* Before anything is stored; NULL: nothing is against it. */
static const char *not_asked(const struct create_lead *request, const struct lead *lead)
{
    if (!request->greet)
        return "greet was not asked for";
    if (!request->consent_text)
        return "no consent_text: a lead is written to only where it has agreed to it";
    if (request->phone && lead->phone && strcmp(request->phone, lead->phone) != 0)
        return "the lead is known with another phone";
    return NULL;
}

/* What is stored, but greeted is nobody: the client's people are told (greeting.c). */
static const char *not_sent(const struct lead *lead, const char *channel, bool no_texts)
{
    if (lead->opted_out_at)
        return "the lead has opted out";
    if (no_texts)
        return "its message asks not to be texted";
    if (strcmp(channel, "form") == 0)
        return lead->phone ? "the client has no number to write from" : "the lead has no phone";
    return NULL;
}

int lead_greeting_put(struct worker *self, struct call *call, const struct create_lead *request,
                      struct created_lead *reply, struct err *err)
{
    AUTO(db_result_free) struct db_result *rows = NULL;
    const struct lead *lead = reply->lead;
    bool no_texts = request->message && consent_read(request->message).kind == CONSENT_OUT;
    const char *form = make_form(request, no_texts, call->arena);

    reply->greeting = "none";
    if ((reply->greeting_why = not_asked(request, lead)))
        return 0;
    if (!form)
        return err_set(err, ERR_INTERNAL, "a lead: out of memory");
    if (put(call, request, lead, form, &rows, err) < 0 ||
        push_later(self, call, lead->client_id, db_get(rows, 0, "task_id"), err) < 0)
        return -1;
    if (strcmp(db_get(rows, 0, "outcome"), "duplicate") == 0)
        reply->greeting_why = "the same came within the last 10 minutes: it is greeted once";
    else if (!db_get(rows, 0, "task_id"))
        reply->greeting_why = "a person has taken over the conversation";
    else if (!(reply->greeting_why = not_sent(lead, db_get(rows, 0, "channel"), no_texts)))
        reply->greeting = "queued";
    return 0;
}

/* leads.c - the requests about leads: list, show, create, change, opt out and in. */
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "libshared/uuid.h"
#include "proto/clients.h"
#include "proto/leads.h"
#include "services/orchestrator/api/client_store.h"
#include "services/orchestrator/api/lead_store.h"
#include "services/orchestrator/greeting/lead_greeting.h"
#include "services/orchestrator/handlers.h"
#include "services/orchestrator/turn/lead_event.h"

/* ---- reading ---- */

int on_get_lead(struct worker *self, struct call *call, struct err *err)
{
    const struct get_lead *request = call->request;

    (void)self;
    return lead_store_get(call->tx, request->lead_id, call->arena, call->reply, err);
}

int on_list_leads(struct worker *self, struct call *call, struct err *err)
{
    (void)self;
    return lead_store_list(call->tx, call->request, call->arena, call->reply, err);
}

/* ---- what may be set ---- */

static int check_phone(const char *phone, struct err *err)
{
    if (phone && !phone_is_e164(phone))
        return err_set_field(err, ERR_INVALID, "phone", "phone must be in E.164, e.g. +15551234567");
    return 0;
}

/* In lower case, in arena. */
static int read_email(const char **email_p, struct arena *arena, struct err *err)
{
    if (!*email_p || !**email_p)
        return 0;
    if (!(*email_p = email_normalise(arena, *email_p)))
        return err_set_field(err, ERR_INVALID, "email", "email must be an address, e.g. ada@example.com");
    return 0;
}

static int check_line(const char *field, const char *text, struct err *err)
{
    if (text && *text && (!text_has_word(text) || text_has_control(text)))
        return err_set_field(err, ERR_INVALID, field, "%s must be one line with a word in it", field);
    return 0;
}

static int check_timezone(struct db_tx *tx, const char *timezone, struct err *err)
{
    int known = timezone && *timezone ? client_store_timezone_is_known(tx, timezone, err) : 1;

    if (known == 0)
        err_set_field(err, ERR_INVALID, "timezone", "timezone is not a known IANA name, e.g. America/New_York");
    return known > 0 ? 0 : -1;
}

/* ---- creating ---- */

static int check_create(struct call *call, struct create_lead *request, struct err *err)
{
    struct client client = {0};

    if (!request->client_id)
        return err_set_field(err, ERR_INVALID, "client_id", "client_id is missing: whose lead is it?");
    if (!request->phone && !request->email)
        return err_set_field(err, ERR_INVALID, "phone", "phone is missing: give phone, email or both");
    if (check_phone(request->phone, err) < 0 || read_email(&request->email, call->arena, err) < 0 ||
        check_line("name", request->name, err) < 0 || check_line("source", request->source, err) < 0 ||
        check_timezone(call->tx, request->timezone, err) < 0 || lead_greeting_check(request, err) < 0)
        return -1;
    return client_store_get(call->tx, request->client_id, call->arena, &client, err);
}

/* 1: it is new, 0: it was there; its id in ret_lead_id. Somebody else may make the same lead at this moment: then it is
 * that one. */
static int find_or_insert(struct call *call, const struct create_lead *request, char ret_lead_id[UUID_SIZE],
                          struct err *err)
{
    const char *by_phone, *by_email;
    int inserted = 0;

    uuid_new(ret_lead_id);
    for (int attempt = 0; attempt < 3 && inserted == 0; attempt++) {
        if (lead_store_find(call->tx, request->client_id, request->phone, request->email, call->arena, &by_phone,
                            &by_email, err) < 0)
            return -1;
        if (by_phone && by_email && strcmp(by_phone, by_email) != 0)
            return err_set_field(err, ERR_CONFLICT, "email",
                                 "phone and email belong to two leads: phone to %s, email to %s", by_phone, by_email);
        if (by_phone || by_email) {
            snprintf(ret_lead_id, UUID_SIZE, "%s", by_phone ? by_phone : by_email);
            return 0;
        }
        if ((inserted = lead_store_insert(call->tx, ret_lead_id, request, err)) < 0)
            return -1;
    }
    return inserted ? 1 : err_set(err, ERR_UNAVAILABLE, "the lead is being changed by somebody else: try again");
}

int on_create_lead(struct worker *self, struct call *call, struct err *err)
{
    struct create_lead request = *(const struct create_lead *)call->request;
    struct created_lead *reply = call->reply;
    char lead_id[UUID_SIZE];
    int created;

    if (!(reply->lead = arena_calloc(call->arena, 1, sizeof *reply->lead)))
        return err_set(err, ERR_INTERNAL, "a lead: out of memory");
    if (check_create(call, &request, err) < 0 || (created = find_or_insert(call, &request, lead_id, err)) < 0 ||
        (!created && lead_store_fill(call->tx, lead_id, &request, err) < 0))
        return -1;
    reply->created = created;
    return lead_store_lock(call->tx, lead_id, call->arena, reply->lead, err) < 0 ||
                   lead_greeting_put(self, call, &request, reply, err) < 0 ||
                   (request.greet && lead_store_get(call->tx, lead_id, call->arena, reply->lead, err) < 0)
               ? -1
               : 0;
}

/* ---- changing ---- */

static int check_update(struct call *call, struct update_lead *request, struct err *err)
{
    if (check_phone(request->phone, err) < 0 || read_email(&request->email, call->arena, err) < 0 ||
        check_line("name", request->name, err) < 0 ||
        check_line("service_interest", request->service_interest, err) < 0 ||
        check_line("urgency", request->urgency, err) < 0 ||
        check_line("budget_range", request->budget_range, err) < 0 ||
        check_line("timeline", request->timeline, err) < 0)
        return -1;
    return check_timezone(call->tx, request->timezone, err);
}

int on_update_lead(struct worker *self, struct call *call, struct err *err)
{
    struct update_lead request = *(const struct update_lead *)call->request;
    struct lead lead = {0};

    (void)self;
    if (check_update(call, &request, err) < 0 ||
        lead_store_lock(call->tx, request.lead_id, call->arena, &lead, err) < 0)
        return -1;
    /* The opt-out is of this number: it must not be lost with it. */
    if (request.phone && lead.opted_out_at && lead.phone && strcmp(request.phone, lead.phone) != 0)
        return err_set_field(err, ERR_CONFLICT, "phone", "the lead has opted out with its phone: it cannot be changed");
    if (request.email && !*request.email && !lead.phone && !request.phone)
        return err_set_field(err, ERR_INVALID, "email", "email is all by which the lead is known: it cannot be empty");
    if (lead_store_update(call->tx, &lead, &request, err) < 0)
        return -1;
    return lead_store_get(call->tx, request.lead_id, call->arena, call->reply, err);
}

/* ---- opting out and in ---- */

static int publish_later(struct worker *self, struct db_tx *tx, const struct lead *lead, bool opted_out,
                         const char *reason, struct err *err)
{
    return lead_event_later(self->bus, tx,
                            &(struct lead_news){.event = opted_out ? "lead.opted_out" : "lead.opted_in",
                                                .client_id = lead->client_id,
                                                .lead_id = lead->lead_id,
                                                .reason = reason},
                            err);
}

/* What is queued for the lead is dropped when it is to be sent. */
static int set_opt_out(struct worker *self, struct call *call, const char *lead_id, const char *wanted,
                       const char *reason, struct err *err)
{
    struct lead lead = {0};
    int changed;

    if (lead_store_lock(call->tx, lead_id, call->arena, &lead, err) < 0 ||
        (changed = lead_store_set_opt_out(call->tx, &lead, wanted, reason, call->client_id ? "client" : "administrator",
                                          err)) < 0 ||
        (changed && publish_later(self, call->tx, &lead, *wanted == 'o', reason, err) < 0))
        return -1;
    return lead_store_get(call->tx, lead_id, call->arena, call->reply, err);
}

int on_opt_out_lead(struct worker *self, struct call *call, struct err *err)
{
    const struct opt_out_lead *request = call->request;

    return set_opt_out(self, call, request->lead_id, "out", request->reason ? request->reason : "asked for by API",
                       err);
}

int on_opt_in_lead(struct worker *self, struct call *call, struct err *err)
{
    const struct opt_in_lead *request = call->request;

    if (!text_has_word(request->reason))
        return err_set_field(err, ERR_INVALID, "reason", "reason must say how the lead agreed");
    return set_opt_out(self, call, request->lead_id, "in", request->reason, err);
}

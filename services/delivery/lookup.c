/* lookup.c - see lookup.h. */
#include "services/delivery/lookup.h"

#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/log.h"
#include "libshared/service.h"
#include "libshared/text.h"
#include "proto/messages.h"
#include "services/delivery/account.h"
#include "services/delivery/breaker.h"
#include "services/delivery/delivery.h"
#include "services/delivery/lookup_store.h"
#include "services/delivery/twilio.h"

/* ---- on request ---- */

/* Whose account pays. Nothing is held while Twilio is awaited. */
static int load_account(struct worker *self, struct call *call, const char *client_id,
                        struct twilio_account *ret_account, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, client_id, err);

    if (call->client_id && strcasecmp(call->client_id, client_id) != 0)
        return err_set(err, ERR_NOT_FOUND, "there is no client %s", client_id);
    return tx ? account_load(tx, self->config, client_id, call->arena, ret_account, err) : -1;
}

/* What a limit or refused credentials mean for everything else that goes through the account is noted; a failure of
 * that is only logged: the next call finds it out again. */
static void note_failure(struct worker *self, const struct twilio_account *account, const struct err *why)
{
    struct err err = {0};
    int noted = 0;

    if (!account->key)
        return;
    if (why->provider_code == TWILIO_TOO_MANY)
        noted = breaker_limited(self, account, why->retry_after_s, &err);
    else if (twilio_meaning(why->provider_code) == TWILIO_MEANS_CREDENTIALS)
        noted = breaker_refused(self, account, why, &err);
    if (noted < 0)
        log_err(LOG_WARN, "that Twilio refuses an account was not noted", &err);
}

/* The asker may well be allowed to ask: that Twilio does not let us in is ours to mend. */
static int as_unavailable(const struct err *why, struct err *err)
{
    *err = *why;
    if (why->kind == ERR_DENIED)
        err->kind = ERR_UNAVAILABLE;
    return -1;
}

static int fill_reply(const struct twilio_phone *phone, struct call *call, struct err *err)
{
    struct phone_lookup *reply = call->reply;

    *reply = (struct phone_lookup){
        .phone = arena_strdup(call->arena, phone->phone),
        .valid = phone->valid,
        .country = *phone->country ? arena_strdup(call->arena, phone->country) : NULL,
        .line_type = *phone->line_type ? arena_strdup(call->arena, phone->line_type) : NULL,
        .carrier = *phone->carrier ? arena_strdup(call->arena, phone->carrier) : NULL,
        .validation_errors = *phone->validation_errors ? arena_strdup(call->arena, phone->validation_errors) : NULL,
    };
    return reply->phone ? 0 : err_set(err, ERR_INTERNAL, "delivery: out of memory");
}

/* Asks Twilio, whoever the number belongs to; where it is a lead's of the client, the answer is kept with the lead. */
int on_lookup_phone(struct worker *self, struct call *call, struct err *err)
{
    const struct delivery *delivery = self->state;
    const struct lookup_phone *request = call->request;
    struct phone_lookup *reply = call->reply;
    struct twilio_account account = {0};
    struct twilio_phone phone;
    struct err why = {0};
    int answered;

    if (!phone_is_e164(request->phone))
        return err_set_field(err, ERR_INVALID, "phone", "phone must be a number in E.164, e.g. +15551234567");
    if (load_account(self, call, request->client_id, &account, &why) < 0 ||
        twilio_lookup(delivery->twilio, &account, request->phone, &phone, &why) < 0) {
        note_failure(self, &account, &why);
        return as_unavailable(&why, err);
    }
    breaker_succeeded(self, &account);
    if ((answered = call_begin(self, call, err)) != 0)
        return answered < 0 ? -1 : 0;
    if (fill_reply(&phone, call, err) < 0)
        return -1;
    return lookup_store_keep(call->tx, request->client_id, request->phone, &phone, call->arena, &reply->lead_id, err);
}

/* ---- before the first text ---- */

static int verdict(bool valid, const char *line_type, struct err *err)
{
    if (!valid) {
        err_set(err, ERR_INVALID, "not texted: Twilio's lookup says that there is no such number");
        err->provider_code = TWILIO_BAD_TO;
        return -1;
    }
    if (line_type && strcmp(line_type, "landline") == 0) {
        err_set(err, ERR_INVALID, "not texted: Twilio's lookup says that it is a landline");
        err->provider_code = TWILIO_LANDLINE;
        return -1;
    }
    return 0;
}

static int keep(struct worker *self, const char *client_id, const char *number, const struct twilio_phone *phone,
                struct arena *arena, struct err *err)
{
    AUTO(db_rollback) struct db_tx *tx = db_begin(self->db, client_id, err);
    const char *lead_id;

    if (!tx || lookup_store_keep(tx, client_id, number, phone, arena, &lead_id, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

int lookup_before_text(struct worker *self, const struct twilio_account *account, const char *client_id,
                       const char *lead_id, struct err *err)
{
    AUTO(arena_destroy) struct arena *arena = arena_new((size_t)16 * 1024);
    const struct delivery *delivery = self->state;
    struct known_phone known;
    struct twilio_phone phone;
    struct err why = {0};

    if (!arena)
        return err_set(err, ERR_UNAVAILABLE, "delivery: out of memory");
    if (lookup_store_load(self->db, client_id, lead_id, arena, &known, err) < 0)
        return -1;
    if (known.looked_up)
        return verdict(known.valid, known.line_type, err);
    if (!known.wanted)
        return 0;
    if (twilio_lookup(delivery->twilio, account, known.phone, &phone, &why) < 0) {
        note_failure(self, account, &why);
        if (why.kind == ERR_UNAVAILABLE) {
            *err = why;
            return -1;
        }
        /* The account may not look up, or Twilio cannot make sense of the number: the text itself will tell. */
        log_err(LOG_WARN, "a new number could not be looked up", &why);
        return 0;
    }
    if (keep(self, client_id, known.phone, &phone, arena, err) < 0)
        return -1;
    return verdict(phone.valid, phone.line_type, err);
}

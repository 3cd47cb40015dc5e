/* lookup.h - what is known of a phone number, from Twilio's Lookups; kept with the lead. */
#pragma once

struct call;
struct err;
struct twilio_account;
struct worker;

/* Request lookup_phone. */
int on_lookup_phone(struct worker *self, struct call *call, struct err *err);

/* Before the first message that we start ourselves to a lead: asks about its number, where the client's
 * lookup_new_numbers is on, it was never looked up and nothing was ever written from it; keeps the answer with the
 * lead. To be called outside any transaction. 0: it may be texted as far as is known (also where Lookups has no answer
 * for us: the message itself will tell). -1: ERR_INVALID with code 30006 (a landline) or 21211 (no such number): final,
 * it is never texted; ERR_UNAVAILABLE: later; after a few attempts the caller may text all the same, for the text
 * itself will tell. */
int lookup_before_text(struct worker *self, const struct twilio_account *account, const char *client_id,
                       const char *lead_id, struct err *err);

/* lead_greeting.h - writing first to a lead that was created by API. */
#pragma once

struct call;
struct create_lead;
struct created_lead;
struct err;
struct worker;

/* Checks what belongs to it. ERR_INVALID names the field. */
int lead_greeting_check(const struct create_lead *request, struct err *err);

/* Stores message and consent of reply->lead, which is locked, and the task that writes to it (greeting.h); tells in
 * reply whether that will be, or why not. Nothing is stored where the lead is not to be written to, or no consent is
 * given. */
int lead_greeting_put(struct worker *self, struct call *call, const struct create_lead *request,
                      struct created_lead *reply, struct err *err);

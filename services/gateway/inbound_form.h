/* inbound_form.h - the parameters in which Twilio posts what a lead writes. */
#pragma once

struct arena;
struct err;
struct form;
struct inbound;

/* Fills what the parameters tell: sid, channel, from, to, service, body, media, name, and what the words say of
 * consent. Unknown ones are passed over; attachments and names beyond their bounds are cut or left out, as the text
 * must not be lost for them. A pressed button and a shared location become text. What is not in the form is in arena.
 * ERR_INVALID with err->field names the parameter without which it cannot be stored. */
int inbound_read_form(const struct form *form, struct arena *arena, struct inbound *in, struct err *err);

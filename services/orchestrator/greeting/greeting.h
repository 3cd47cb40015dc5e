/* greeting.h - writing first to a lead that came by web form or API.
 *
 * It is answered as one that texts is, but in the hours in which the lead may be written to unasked, and by WhatsApp
 * with a template while the lead has not written there. Where nothing may or can be sent, the client's people are told.
 */
#pragma once

#include <stdint.h>

struct err;
struct task;
struct turn;
struct worker;

/* The turn is loaded, and all that is unanswered in it are forms, or one of them is and the lead is not to be texted.
 */
int greeting_answer(struct worker *self, struct task *task, struct turn *turn, int64_t load_us, struct err *err);

/* inbound.h - leads' texts to the gateway. */
#pragma once

#include <jansson.h>

#include "tools/sandbox/box.h"
#include "tools/sandbox/ledger.h"

struct err;

/* Reads the control request for one (README.md, "inbound"), does what Twilio itself does with its words, and posts it,
 * signed, to the gateway. x gets the gateway's answer once it is there; NULL: nobody waits. ret_sid is filled at once.
 * ERR_INVALID tells what is wrong with it; then, or when out of memory, x is not answered. */
int inbound_post(struct sandbox *self, const json_t *json, struct exchange *x, char ret_sid[SID_SIZE], struct err *err);

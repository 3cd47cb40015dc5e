/* call_way.h - what becomes of a call: it rings, is answered, does what its TwiML says, ends. */
#pragma once

#include <stdbool.h>

#include "tools/sandbox/accounts.h"
#include "tools/sandbox/box.h"

struct call_plan {
    const char *sid, *account_sid, *to, *from;
    const char *twiml, *url;                /* one of them is NULL */
    const char *callback;                   /* NULL: nobody is told */
    bool initiated, ringing, answered, end; /* what is told */
};

/* Begins it; all is copied. */
void call_way_begin(struct sandbox *self, const struct call_plan *plan);

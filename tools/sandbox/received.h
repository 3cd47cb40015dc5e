/* received.h - the last requests that came in, for looking at. Thread-safe. */
#pragma once

#include <jansson.h>

#include "tools/sandbox/box.h"

#define RECEIVED_MAX      1000
#define RECEIVED_BODY_MAX (64 * 1024) /* a longer body is shown up to here */

struct received *received_new(void);
void received_destroy(struct received **self_p);
void received_clear(struct received *self);

/* status 0: it was not answered. */
void received_add(struct received *self, enum endpoint at, struct exchange *x, int status);

/* Those of endpoints whose name starts with provider, oldest first. */
json_t *received_list(struct received *self, const char *provider);

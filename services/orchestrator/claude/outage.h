/* outage.h - whether the model's provider is known to be away.
 *
 * A turn that asks a model in vain holds its worker, and its lead, until the
 * lead's patience ends: an outage would make all others wait as well. So after
 * a few turns in a row without an answer the scripted agent answers at once, and
 * one turn every few seconds finds out whether the model is back.
 *
 * Shared by all workers of the process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct outage;

struct outage *outage_new(struct err *err);
void outage_destroy(struct outage **self_p);

/* Whether a turn shall ask the model. now_ms: clock_mono_ms. self may be NULL: always. */
bool outage_may_ask(struct outage *self, int64_t now_ms);

/* How it went: answered, whatever the answer was worth; or not, after all tries. self may be NULL. */
void outage_note(struct outage *self, bool answered);

/* guard_receipts.h - "booked", "cancelled", "sent" leave only with the receipt of the action.
 *
 * The one deed that is done so far is that a person is called: where that has happened the lead may be told so. */
#pragma once

#include <stdbool.h>

struct guard_sources;

/* The sentence of draft that tells a deed as done, NULL if there is none. What the business's sources say word for word
 * may be repeated ("Estimates are sent by e-mail"). called: a person has been called into the conversation, in this
 * turn or before; "I've let the team know" is true then. In the arena of the sources. */
const char *guard_receipts(const char *draft, struct guard_sources *sources, bool called);

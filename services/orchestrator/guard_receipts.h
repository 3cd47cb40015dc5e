/* guard_receipts.h - "booked", "cancelled", "sent" leave only with the receipt of the action.
 *
 * No tool does such a deed yet, so none may be told as done. */
#pragma once

#include <stddef.h>

struct arena;

/* The sentence of draft that tells a deed as done, NULL if there is none. What a source says word for word may be
 * repeated ("Estimates are sent by e-mail"). In arena. */
const char *guard_receipts(struct arena *arena, const char *draft, const char *const *sources, size_t n_sources);

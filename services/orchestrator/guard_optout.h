/* guard_optout.h - "please don't text me again": opting out in free words.
 *
 * The keywords themselves (STOP and its kin) are taken by the gateway before anything is queued. */
#pragma once

struct arena;

/* The words by which the lead wants no more messages, NULL if it does not say so. Static. */
const char *guard_optout(struct arena *arena, const char *text);

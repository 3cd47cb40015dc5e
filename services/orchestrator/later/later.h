/* later.h - whether a lead asks to be written to, or called, at another time: "text me on Tuesday". Pure.
 *
 * English, Spanish and Arabic. How often it is wrong is measured on labelled messages: scripts/bench later. */
#pragma once

#include "services/orchestrator/later/later_time.h"

struct arena;

enum later_kind {
    LATER_NONE,
    LATER_WRITE, /* text me on Tuesday */
    LATER_CALL,  /* call me back tomorrow at 5 */
};

struct later {
    enum later_kind kind;
    char at[LATER_AT_SIZE]; /* local, like the time it was read at: "2026-12-01 10:00" */
    const char *words;      /* the sentence that says it; in the arena */
};

#define LATER_DEFAULT_HOUR 10 /* of a day that is named without an hour */
#define LATER_DAYS_MAX     92 /* who names a day that is farther off names none */

/* text: what the lead has written; the last wish in it counts. local_time: now where the lead is, "Monday 2026-11-23
 * 09:30". opens, closes: "08:00" and "20:00", within which the time is moved. LATER_NONE also when out of memory. */
struct later later_read(struct arena *arena, const char *text, const char *local_time, const char *opens,
                        const char *closes);

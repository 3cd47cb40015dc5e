/* guard_days.h - whether a source names the days that a draft names. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct claim;
struct claim_context;
struct claim_text;

/* The day that it is. */
struct guard_now {
    int weekday;    /* Monday is 0; -1: unknown */
    int month, day; /* month 0: unknown */
};

/* local_time: "Monday 2026-11-23 09:30"; NULL: unknown. */
struct guard_now guard_now(const char *local_time);

/* "Tomorrow" and the weekday or date that it is. */
bool guard_same_day(const struct guard_now *now, const struct claim *a, const struct claim *b);

/* Whether claim i of source, with the next one where they are a range, holds the weekday. */
bool guard_holds_day(const struct claim_text *source, size_t i, int day);

/* Whether source names the WEEKDAY, or all days of the WEEKDAYS, alone, in a set or in a range; where the draft does
 * not except them, other than to except them or to say no to them. */
bool guard_days_named(struct claim_text *source, const struct claim *claim, const struct claim_context *context);

/* "Open today until 6": the hours of the DAY's weekday. Who says that somebody comes says more than that. */
bool guard_today_named(struct claim_text *source, const struct guard_now *now, const struct claim *claim,
                       const struct claim_context *context);

/* timeline.h - when something is wanted.
 *
 * A timeline has one form in all languages: "asap", "today", "tomorrow", "this week", "next month", "in 3 weeks",
 * "within 10 days", "Friday", "March", "June 12", "after Eid", "summer", ...; "flexible": any time will do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

#define TIMELINE_UNKNOWN_DAYS 1000

/* Of a folded text (clause.h), NULL if it names none. *ret_words: the words that name it. In arena or static. */
const char *timeline_find(struct arena *arena, const char *folded, const char **ret_words);

/* Whether the word is a month's name, folded, in whole or short. */
bool timeline_is_month(const char *word, size_t len);

/* A date in numbers ("15/7") in a text with plain letters (plain.h), as it is written: which number is the month's,
 * nobody knows. NULL if there is none. In arena. */
const char *timeline_date(struct arena *arena, const char *plain);

/* Within how many days that is, at most; TIMELINE_UNKNOWN_DAYS where nobody can tell, also for NULL. */
int timeline_days(const char *timeline);

/* "high" or "medium" where the timeline alone tells; else NULL. */
const char *timeline_urgency(const char *timeline);

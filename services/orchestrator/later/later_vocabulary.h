/* later_vocabulary.h - the words of days and hours, in English, Spanish and Arabic. Folded: lower case, without
 * accents. */
#pragma once

#define LATER_NOON (12 * 60) /* minutes */

struct later_meaning {
    const char *words;
    int value;
};

enum { NEXT_WEEK, NEXT_MONTH };                                         /* of later_next */
enum { MINUTE = 1, HOUR = 60, DAY = 1440, WEEK = 7 * DAY, MONTH = -1 }; /* of later_units and later_pairs, in minutes */

/* Each ends with {0}; see what stands above them in later_vocabulary.c. */
extern const struct later_meaning later_weekdays[];
extern const struct later_meaning later_days[];
extern const struct later_meaning later_next[];
extern const struct later_meaning later_parts[];
extern const struct later_meaning later_months[];
extern const struct later_meaning later_units[];
extern const struct later_meaning later_pairs[];
extern const struct later_meaning later_numbers[];
extern const struct later_meaning later_halves[];

/* Each ends with NULL. */
extern const char *const later_todays[];
extern const char *const later_within[];
extern const char *const later_at[];
extern const char *const later_on[];

/* later_time.h - the time that words name: "tomorrow at 5", "en tres días". Part of later.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LATER_AT_SIZE 17 /* "2026-12-01 10:00" */

/* A word of a text, folded; "," stands for any mark that ends a part of a sentence. */
struct later_word {
    const char *text; /* not ended */
    size_t len;
};

/* What is named of a time. Days count from today. */
struct later_when {
    bool has_day, has_clock, in_minutes;
    int day;      /* has_day */
    int minute;   /* has_clock: of the day; in_minutes: from now */
    bool evening; /* a clock time without am or pm is one of the second half of the day */
    bool morning;
};

/* Today, as the words of a time are counted from it. */
struct later_now {
    int year, month, day; /* month from 1 */
    int weekday;          /* 0: Sunday */
    int minute;           /* of the day */
};

/* "Monday 2026-11-23 09:30". False if it is not that. */
bool later_now_read(const char *local_time, struct later_now *ret_now);

/* "2026-12-01 10:00", so many days after now. */
void later_now_write(const struct later_now *now, int days, int minute, char ret_at[LATER_AT_SIZE]);

/* From the day of the one to the day of the other. */
int later_days_between(const struct later_now *from, const struct later_now *to);

/* Reads the words of a time from the first on; returns how many there are, 0 if none, and adds to *when. */
size_t later_time_read(const struct later_word *words, size_t n, const struct later_now *now, struct later_when *when);

/* Whether the word is the next one, or one that may stand between the words of a time. */
bool later_word_is(const struct later_word *word, const char *text);

/* How many words the phrase has if they come first; 0 if they do not. */
size_t later_phrase_first(const struct later_word *words, size_t n, const char *phrase);

/* later_time.c - see later_time.h. Words are folded: lower case, without accents. */
#include "services/orchestrator/later/later_time.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "services/orchestrator/later/later_vocabulary.h"

#define DAY_S           86400
#define DAYS_TO_ORDINAL 62
#define AFTERNOON_END   7 /* "at 5" is in the afternoon, "at 8" in the morning */

bool later_word_is(const struct later_word *word, const char *text)
{
    return strlen(text) == word->len && memcmp(text, word->text, word->len) == 0;
}

size_t later_phrase_first(const struct later_word *words, size_t n, const char *phrase)
{
    size_t i = 0;

    if (n == 0 || *phrase != *words->text) /* nearly always */
        return 0;
    for (; *phrase; i++) {
        size_t len = strcspn(phrase, " ");

        if (i == n || words[i].len != len || memcmp(words[i].text, phrase, len) != 0)
            return 0;
        phrase += len + (phrase[len] == ' ');
    }
    return i;
}

static size_t find(const struct later_word *words, size_t n, const struct later_meaning *table, int *ret_value)
{
    for (; table->words; table++) {
        size_t taken = later_phrase_first(words, n, table->words);

        if (taken > 0) {
            *ret_value = table->value;
            return taken;
        }
    }
    return 0;
}

static size_t skip(const struct later_word *words, size_t n, const char *const *phrases)
{
    for (; *phrases; phrases++) {
        size_t taken = later_phrase_first(words, n, *phrases);

        if (taken > 0)
            return taken;
    }
    return 0;
}

/* A word of at most four digits and what follows them: "5", "5pm", "3rd", "5:30". False: it does not begin with one. */
static bool digits(const struct later_word *word, int *ret_number, const char **ret_rest, size_t *ret_rest_len)
{
    size_t i = 0;

    *ret_number = 0;
    for (; i < word->len && i < 4 && isdigit((unsigned char)word->text[i]); i++)
        *ret_number = 10 * *ret_number + word->text[i] - '0';
    *ret_rest = word->text + i;
    *ret_rest_len = word->len - i;
    return i > 0;
}

static bool rest_is(const char *rest, size_t len, const char *wanted)
{
    return strlen(wanted) == len && memcmp(rest, wanted, len) == 0;
}

/* ---- dates ---- */

static time_t seconds_of(const struct later_now *now, int days_after)
{
    struct tm tm = {.tm_year = now->year - 1900, .tm_mon = now->month - 1, .tm_mday = now->day};

    return timegm(&tm) + (time_t)days_after * DAY_S;
}

bool later_now_read(const char *local_time, struct later_now *ret_now)
{
    const char *date = strchr(local_time, ' ');
    struct later_now now = {0};
    int hour, minute;
    struct tm tm;
    time_t at_s;

    if (!date || sscanf(date, " %4d-%2d-%2d %2d:%2d", &now.year, &now.month, &now.day, &hour, &minute) != 5)
        return false;
    now.minute = hour * 60 + minute;
    at_s = seconds_of(&now, 0);
    gmtime_r(&at_s, &tm);
    now.weekday = tm.tm_wday;
    *ret_now = now;
    return true;
}

void later_now_write(const struct later_now *now, int days_after, int minute, char ret_at[LATER_AT_SIZE])
{
    time_t at_s = seconds_of(now, days_after);
    struct tm tm;

    gmtime_r(&at_s, &tm);
    snprintf(ret_at, LATER_AT_SIZE, "%04u-%02u-%02u %02u:%02u", (unsigned)(tm.tm_year + 1900) % 10000u,
             (unsigned)tm.tm_mon % 12u + 1, (unsigned)tm.tm_mday % 32u, (unsigned)minute / 60u % 24u,
             (unsigned)minute % 60u);
}

int later_days_between(const struct later_now *from, const struct later_now *to)
{
    return (int)((seconds_of(to, 0) - seconds_of(from, 0)) / DAY_S);
}

/* Days from now to a day of a month, of this year or the next; -1: there is no such day. */
static int days_to(const struct later_now *now, int month, int day)
{
    for (int year = now->year; year <= now->year + 1; year++) {
        struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
        time_t at_s = timegm(&tm);
        int after = (int)((at_s - seconds_of(now, 0)) / DAY_S);

        if (day < 1 || tm.tm_mon != month - 1)
            return -1;
        if (after > 0)
            return after;
    }
    return -1;
}

static int days_after_months(const struct later_now *now, int n)
{
    struct tm tm = {.tm_year = now->year - 1900, .tm_mon = now->month - 1 + n, .tm_mday = now->day};

    return (int)((timegm(&tm) - seconds_of(now, 0)) / DAY_S);
}

static int days_to_weekday(const struct later_now *now, int weekday)
{
    int after = (weekday - now->weekday + 7) % 7;

    return after ? after : 7;
}

/* Weeks begin on Monday. */
static int days_to_next_monday(const struct later_now *now)
{
    return 7 - (now->weekday + 6) % 7;
}

static void set_day(struct later_when *when, int day)
{
    when->has_day = true;
    when->day = day;
}

/* ---- what is named ---- */

/* "in 3 days", "half an hour", "بعد يومين" */
static size_t read_span(const struct later_word *words, size_t n, const struct later_now *now, struct later_when *when)
{
    size_t taken = skip(words, n, later_within), of_number, of_unit;
    int number = 0, unit;
    const char *rest;
    size_t rest_len;

    if (taken == 0)
        return 0;
    if ((of_number = find(words + taken, n - taken, later_halves, &number)) > 0) {
        when->in_minutes = true;
        when->minute = number;
        return taken + of_number;
    }
    if ((of_unit = find(words + taken, n - taken, later_pairs, &unit)) > 0) {
        number = 2;
        of_number = 0;
    } else {
        of_number = find(words + taken, n - taken, later_numbers, &number);
        if (of_number == 0 && taken < n && digits(&words[taken], &number, &rest, &rest_len) && rest_len == 0)
            of_number = 1;
        of_unit = find(words + taken + of_number, n - taken - of_number, later_units, &unit);
        if (of_number == 0 && (unsigned char)*words[0].text >= 0x80)
            number = 1; /* "بعد ساعة" */
    }
    if (of_unit == 0 || number < 1 || number > 999)
        return 0;
    if (unit == MONTH)
        set_day(when, days_after_months(now, number));
    else if (unit >= DAY)
        set_day(when, number * (unit / DAY));
    else {
        when->in_minutes = true;
        when->minute = number * unit;
    }
    return taken + of_number + of_unit;
}

/* "December 3", "3 de diciembre", "the 3rd" */
static size_t read_date(const struct later_word *words, size_t n, const struct later_now *now, struct later_when *when)
{
    int month = 0, day = 0, after;
    size_t taken = find(words, n, later_months, &month), rest_len;
    const char *rest;
    bool ordinal;

    if (taken > 0) {
        if (taken == n || !digits(&words[taken], &day, &rest, &rest_len))
            return 0;
        taken++;
    } else {
        if (!digits(&words[0], &day, &rest, &rest_len))
            return 0;
        ordinal = rest_is(rest, rest_len, "st") || rest_is(rest, rest_len, "nd") || rest_is(rest, rest_len, "rd") ||
                  rest_is(rest, rest_len, "th");
        taken = 1;
        if (taken < n && (later_word_is(&words[taken], "of") || later_word_is(&words[taken], "de")))
            taken++;
        if (find(words + taken, n - taken, later_months, &month) > 0 && (rest_len == 0 || ordinal))
            taken++;
        else if (ordinal)
            taken = 1;
        else
            return 0;
    }
    /* "the 31st" is that of the next month that has one. */
    for (int k = 0; month == 0 && k < 3; k++)
        if ((after = days_to(now, (now->month - 1 + k) % 12 + 1, day)) > 0 && after <= DAYS_TO_ORDINAL)
            month = (now->month - 1 + k) % 12 + 1;
    if (month == 0 || (after = days_to(now, month, day)) < 0)
        return 0;
    set_day(when, after);
    return taken;
}

/* "next Friday", "tomorrow", "la próxima semana" */
static size_t read_day(const struct later_word *words, size_t n, const struct later_now *now, struct later_when *when)
{
    int value;
    size_t taken = find(words, n, later_next, &value);

    if (taken > 0) {
        set_day(when, value == NEXT_WEEK ? days_to_next_monday(now) : days_after_months(now, 1) - (now->day - 1));
        return taken;
    }
    if ((taken = find(words, n, later_days, &value)) > 0) {
        set_day(when, value);
        return taken;
    }
    if (n > 1 && later_word_is(&words[0], "next") && (taken = find(words + 1, n - 1, later_weekdays, &value)) > 0) {
        set_day(when, days_to_next_monday(now) + (value + 6) % 7);
        return taken + 1;
    }
    if ((taken = find(words, n, later_weekdays, &value)) > 0) {
        int after = days_to_weekday(now, value);

        taken += later_phrase_first(words + taken, n - taken, "que viene");
        set_day(when, after);
    }
    return taken;
}

static size_t read_part(const struct later_word *words, size_t n, struct later_when *when)
{
    int minute;
    size_t taken = find(words, n, later_parts, &minute);

    if (taken == 0)
        return 0;
    when->evening |= minute > LATER_NOON;
    when->morning |= minute < LATER_NOON;
    if (!when->has_clock) {
        when->has_clock = true;
        when->minute = minute;
    } else if (minute > LATER_NOON && when->minute < LATER_NOON) {
        when->minute += LATER_NOON;
    } else if (minute < LATER_NOON && when->minute > LATER_NOON) {
        when->minute -= LATER_NOON;
    }
    for (const char *const *today = later_todays; *today; today++)
        if (!when->has_day && later_phrase_first(words, n, *today) > 0)
            set_day(when, 0);
    return taken;
}

/* "5", "5pm", "5 pm", "17:30". needs_mark: a bare number is none. */
static size_t read_hour(const struct later_word *words, size_t n, bool needs_mark, struct later_when *when)
{
    int hour, minute = 0;
    const char *rest, *behind;
    size_t rest_len, behind_len, taken = 1;
    bool am, pm;

    if (n == 0 || !digits(&words[0], &hour, &rest, &rest_len))
        return 0;
    if (rest_len >= 3 && *rest == ':') {
        struct later_word minutes = {rest + 1, rest_len - 1};

        if (!digits(&minutes, &minute, &behind, &behind_len) || behind - minutes.text != 2)
            return 0;
        rest = behind;
        rest_len = behind_len;
        needs_mark = false;
    }
    am = rest_is(rest, rest_len, "am") || rest_is(rest, rest_len, "a");
    pm = rest_is(rest, rest_len, "pm") || rest_is(rest, rest_len, "p");
    if (rest_len > 0 && !am && !pm)
        return 0;
    if (!am && !pm && n > 1 && (later_word_is(&words[1], "am") || later_word_is(&words[1], "pm"))) {
        am = words[1].text[0] == 'a';
        pm = !am;
        taken = 2;
    }
    if (!am && !pm && n > 1 && later_word_is(&words[1], "oclock"))
        taken = 2;
    if ((needs_mark && !am && !pm) || hour > 24 || minute > 59 || ((am || pm) && hour > 12))
        return 0;
    if (pm || (!am && hour < 12 && (when->evening || (!when->morning && hour <= AFTERNOON_END))))
        hour = hour % 12 + 12;
    else if (am && hour == 12)
        hour = 0;
    when->has_clock = true;
    when->minute = hour % 24 * 60 + minute;
    return taken;
}

static size_t read_one(const struct later_word *words, size_t n, const struct later_now *now, struct later_when *when)
{
    size_t before, taken;

    if ((taken = read_span(words, n, now, when)) > 0 || (taken = read_part(words, n, when)) > 0 ||
        (taken = read_date(words, n, now, when)) > 0 || (taken = read_day(words, n, now, when)) > 0)
        return taken;
    if ((before = skip(words, n, later_at)) > 0) {
        if ((taken = read_hour(words + before, n - before, false, when)) > 0 ||
            (taken = read_part(words + before, n - before, when)) > 0 ||
            (taken = read_day(words + before, n - before, now, when)) > 0)
            return before + taken;
        return 0;
    }
    if ((taken = read_hour(words, n, true, when)) > 0)
        return taken;
    if ((before = skip(words, n, later_on)) > 0 && before < n &&
        ((taken = read_date(words + before, n - before, now, when)) > 0 ||
         (taken = read_day(words + before, n - before, now, when)) > 0 ||
         (taken = read_part(words + before, n - before, when)) > 0)) {
        /* "this evening" is today's. */
        if (!when->has_day && later_word_is(&words[0], "this"))
            set_day(when, 0);
        return before + taken;
    }
    return 0;
}

size_t later_time_read(const struct later_word *words, size_t n, const struct later_now *now, struct later_when *when)
{
    size_t taken = 0, more;

    while (taken < n && (more = read_one(words + taken, n - taken, now, when)) > 0)
        taken += more;
    return taken;
}

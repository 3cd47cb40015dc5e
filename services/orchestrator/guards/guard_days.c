/* guard_days.c - see guard_days.h. */
#include "services/orchestrator/guards/guard_days.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "services/orchestrator/guards/claim_text.h"

static int weekday_of(const char *local_time)
{
    static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

    for (int i = 0; local_time && i < 7; i++)
        if (strncmp(local_time, names[i], 3) == 0)
            return i;
    return -1;
}

/* The weekday of a date: Sakamoto's method. */
static int weekday_of_date(int year, int month, int day)
{
    static const int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};

    year -= month < 3;
    return (year + year / 4 - year / 100 + year / 400 + shift[month - 1] + day + 6) % 7;
}

struct guard_now guard_now(const char *local_time)
{
    const char *date = local_time ? strpbrk(local_time, "0123456789") : NULL;
    struct guard_now now = {.weekday = weekday_of(local_time)};
    int year;

    if (!date || sscanf(date, "%4d-%2d-%2d", &year, &now.month, &now.day) != 3 || now.month < 1 || now.month > 12)
        now.month = 0;
    else
        now.weekday = weekday_of_date(year, now.month, now.day);
    return now;
}

/* month * 100 + day of a few days from now; a leap day is nobody's tomorrow here. */
static int date_from_now(const struct guard_now *now, int days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int month = now->month, day = now->day + days;

    if (day > lengths[month - 1]) {
        day -= lengths[month - 1];
        month = month % 12 + 1;
    }
    return month * 100 + day;
}

bool guard_same_day(const struct guard_now *now, const struct claim *a, const struct claim *b)
{
    if (a->kind != CLAIM_DAY || a->value > 2 || now->weekday < 0)
        return false;
    if (b->kind == CLAIM_WEEKDAY)
        return (now->weekday + (int)a->value) % 7 == (int)b->value;
    return b->kind == CLAIM_DATE && now->month > 0 && date_from_now(now, (int)a->value) == (int)b->value;
}

static bool covers(const struct claim *set, int day)
{
    return set->kind == CLAIM_WEEKDAYS && (set->value == 2 || (set->value == 0 ? day < 5 : day >= 5));
}

static bool is_excepted(struct claim_text *source, size_t i)
{
    const struct claim_context *context = claim_text_context(source, i);

    return !context || context->excepted || context->negated;
}

bool guard_holds_day(const struct claim_text *source, size_t i, int day)
{
    const struct claim *a = &source->claims[i], *b = a + 1;

    if ((a->kind == CLAIM_WEEKDAY && (int)a->value == day) || covers(a, day))
        return true;
    return i + 1 < source->n && a->kind == CLAIM_WEEKDAY && b->kind == CLAIM_WEEKDAY && a->in_range && b->in_range &&
           fmod(day - a->value + 7, 7) <= fmod(b->value - a->value + 7, 7);
}

/* open: other than to except it. */
static bool names_weekday(struct claim_text *source, int day, bool open)
{
    for (size_t i = 0; i < source->n; i++)
        if (guard_holds_day(source, i, day) && !(open && is_excepted(source, i)))
            return true;
    return false;
}

/* "Open every day except Friday": the day that the source excepts while it names all. */
static bool excepts_weekday(struct claim_text *source, int day)
{
    for (size_t i = 0; i < source->n; i++)
        if (source->claims[i].kind == CLAIM_WEEKDAY && (int)source->claims[i].value == day && is_excepted(source, i))
            return true;
    return false;
}

/* The set as such: "weekdays" and "Monday to Friday" apart. */
static bool names_set(struct claim_text *source, double set, bool open)
{
    for (size_t i = 0; i < source->n; i++)
        if (source->claims[i].kind == CLAIM_WEEKDAYS && source->claims[i].value == set &&
            !(open && is_excepted(source, i)))
            return true;
    return false;
}

bool guard_days_named(struct claim_text *source, const struct claim *claim, const struct claim_context *context)
{
    bool open = !context->excepted && !context->negated && !context->question;
    int from = (int)claim->value, to = from;

    if (claim->kind == CLAIM_WEEKDAYS) {
        if (names_set(source, claim->value, open))
            return true;
        from = claim->value == 1 ? 5 : 0;
        to = claim->value == 0 ? 4 : 6;
    }
    for (int day = from; day <= to; day++)
        if (!names_weekday(source, day, open) || (open && excepts_weekday(source, day)))
            return false;
    return true;
}

bool guard_today_named(struct claim_text *source, const struct guard_now *now, const struct claim *claim,
                       const struct claim_context *context)
{
    if (claim->value > 2 || now->weekday < 0 || !context->opening || context->committing)
        return false;
    return names_weekday(source, (now->weekday + (int)claim->value) % 7, !context->excepted);
}

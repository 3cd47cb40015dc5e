/* guard_claims.c - see guard_claims.h. */
#include "services/orchestrator/guard_claims.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/canon.h"
#include "services/orchestrator/claim_context.h"
#include "services/orchestrator/claim_support.h"
#include "services/orchestrator/claim_topic.h"
#include "services/orchestrator/claims.h"
#include "services/orchestrator/words.h"

/* A source, read once. */
struct source {
    const char *plain, *folded;
    struct claim *claims;
    struct claim_context *contexts; /* of each claim */
    size_t n;
    bool leads;
};

/* The claim that is checked. */
struct checked {
    const char *text; /* the draft, plain */
    const struct claim *claim;
    struct claim_context context;
    int today, month, day; /* Monday is 0; month 0: unknown */
};

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

static void read_now(const char *local_time, struct checked *checked)
{
    const char *date = local_time ? strpbrk(local_time, "0123456789") : NULL;
    int year;

    checked->today = weekday_of(local_time);
    if (!date || sscanf(date, "%4d-%2d-%2d", &year, &checked->month, &checked->day) != 3 || checked->month < 1 ||
        checked->month > 12)
        checked->month = 0;
    else
        checked->today = weekday_of_date(year, checked->month, checked->day);
}

/* month * 100 + day of a few days from now; a leap day is nobody's tomorrow here. */
static int date_from_now(const struct checked *checked, int days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int month = checked->month, day = checked->day + days;

    if (day > lengths[month - 1]) {
        day -= lengths[month - 1];
        month = month % 12 + 1;
    }
    return month * 100 + day;
}

/* "Tomorrow" and the weekday or date that it is. */
static bool same_day(const struct checked *checked, const struct claim *a, const struct claim *b)
{
    if (a->kind != CLAIM_DAY || a->value > 2 || checked->today < 0)
        return false;
    if (b->kind == CLAIM_WEEKDAY)
        return (checked->today + (int)a->value) % 7 == (int)b->value;
    return b->kind == CLAIM_DATE && checked->month > 0 && date_from_now(checked, (int)a->value) == (int)b->value;
}

static bool covers(const struct claim *set, int day)
{
    return set->kind == CLAIM_WEEKDAYS && (set->value == 2 || (set->value == 0 ? day < 5 : day >= 5));
}

/* Whether the source names the day, alone, in a set or in a range; open: other than to except it. */
static bool names_weekday(const struct source *source, int day, bool open)
{
    for (size_t i = 0; i < source->n; i++) {
        const struct claim *a = &source->claims[i], *b = a + 1;

        if (open && source->contexts[i].excepted)
            continue;
        if ((a->kind == CLAIM_WEEKDAY && (int)a->value == day) || covers(a, day))
            return true;
        if (i + 1 < source->n && a->kind == CLAIM_WEEKDAY && b->kind == CLAIM_WEEKDAY && a->in_range && b->in_range &&
            fmod(day - a->value + 7, 7) <= fmod(b->value - a->value + 7, 7))
            return true;
    }
    return false;
}

/* "Open every day except Friday": the day that the source excepts while it names all. */
static bool excepts_weekday(const struct source *source, int day)
{
    for (size_t i = 0; i < source->n; i++)
        if (source->claims[i].kind == CLAIM_WEEKDAY && (int)source->claims[i].value == day &&
            source->contexts[i].excepted)
            return true;
    return false;
}

static bool supports_days(const struct source *source, const struct checked *checked)
{
    const struct claim *claim = checked->claim;
    const struct claim_context *context = &checked->context;
    bool open = (context->opening || context->committing) && !context->excepted;
    int from = (int)claim->value, to = from;

    if (claim->kind == CLAIM_WEEKDAYS) {
        from = claim->value == 1 ? 5 : 0;
        to = claim->value == 0 ? 4 : 6;
        for (size_t i = 0; i < source->n; i++)
            if (source->claims[i].kind == CLAIM_WEEKDAYS && source->claims[i].value == claim->value &&
                !(open && source->contexts[i].excepted))
                return true;
    }
    for (int day = from; day <= to; day++)
        if (!names_weekday(source, day, open) || (open && excepts_weekday(source, day)))
            return false;
    return true;
}

/* "Open today until 6": the hours of the day that it is. Who says that somebody comes says more than that. */
static bool supports_today(const struct source *source, const struct checked *checked)
{
    const struct claim *claim = checked->claim;

    if (claim->value > 2 || checked->today < 0 || !checked->context.opening || checked->context.committing)
        return false;
    return names_weekday(source, (checked->today + (int)claim->value) % 7, !checked->context.excepted);
}

/* A number and the word before it: "Alcala 120", "floor 3". */
static bool stands_with_its_name(struct arena *arena, const struct source *source, const struct checked *checked)
{
    const struct claim *claim = checked->claim;
    size_t start = claim->start, spaces;
    const char *folded;
    size_t len;

    for (spaces = 0; start > 0 && strchr(" ,", checked->text[start - 1]); spaces++)
        start--;
    if (spaces == 0 || claim->unit != UNIT_NONE)
        return false;
    len = start;
    while (start > 0 && !strchr(" ,.\n", checked->text[start - 1]))
        start--;
    if (len - start < 4 || !(folded = arena_strndup(arena, checked->text + start, claim->end - start)) ||
        !(folded = words_fold(arena, folded)))
        return false;
    return strstr(source->folded, folded) != NULL;
}

/* A word such as "free" is true of one thing alone; a bare number may be a price if it stands by that thing. */
static bool needs_topic(const struct claim *source, const struct claim *draft)
{
    return draft->kind == CLAIM_WORD || (draft->kind == CLAIM_MONEY && source->kind == CLAIM_NUMBER);
}

static bool source_supports(struct arena *arena, const struct source *source, const struct checked *checked)
{
    const struct claim *claim = checked->claim;

    switch (claim->kind) {
    case CLAIM_WEEKDAY:
    case CLAIM_WEEKDAYS:
        if (supports_days(source, checked))
            return true;
        break;
    case CLAIM_DAY:
        if (!source->leads && supports_today(source, checked))
            return true;
        break;
    case CLAIM_NUMBER:
        if (stands_with_its_name(arena, source, checked))
            return true;
        break;
    case CLAIM_ADDRESS:
        if (words_have(source->folded, claim->key))
            return true;
        break;
    default:
        break;
    }
    for (size_t i = 0; i < source->n; i++) {
        const struct claim *stands = &source->claims[i];

        if ((claim->kind == CLAIM_WEEKDAY || claim->kind == CLAIM_WEEKDAYS) && stands->kind == claim->kind)
            continue; /* was asked above */
        if (claim_supports(stands, claim, source->leads) &&
            (!needs_topic(stands, claim) || source->leads ||
             claim_topic_shared(arena, checked->text, &checked->context, source->plain, &source->contexts[i])))
            return true;
        if (source->leads && (same_day(checked, claim, stands) || same_day(checked, stands, claim)))
            return true;
    }
    return false;
}

/* One that counts nothing, and is neither an hour nor a year; or pounds. */
static bool may_be_price(const struct claim *number)
{
    bool year = number->value >= 1900 && number->value < 2100 && fmod(number->value, 1) == 0;

    return number->unit == UNIT_POUND || (number->unit == UNIT_NONE && number->value >= 13 && !year);
}

/* Whether the lead's own words are enough for a claim that is put so. */
static bool lead_is_enough(const struct checked *checked)
{
    const struct claim_context *context = &checked->context;

    switch (checked->claim->kind) {
    case CLAIM_WORD:
        return false;
    case CLAIM_MONEY:
    case CLAIM_PERCENT:
        return context->leads || context->unsure;
    case CLAIM_PHONE:
    case CLAIM_EMAIL:
    case CLAIM_URL:
    case CLAIM_ADDRESS:
        return context->leads || context->unsure || context->question;
    case CLAIM_NUMBER:
        return !may_be_price(checked->claim) || context->leads || context->unsure || context->question;
    default:
        return context->leads || context->unsure || context->question || !(context->opening || context->committing);
    }
}

/* What claims nothing by the way it is put: "I don't know whether it is free", "How can we help you today?" */
static bool claims_nothing(const struct checked *checked)
{
    const struct claim *claim = checked->claim;

    return (claim->kind == CLAIM_WORD && checked->context.unsure) ||
           (claim->kind == CLAIM_DAY && claim->value == 0 && checked->context.question);
}

static bool is_supported(struct arena *arena, const struct source *sources, size_t n, const struct checked *checked)
{
    bool lead = lead_is_enough(checked);

    if (claims_nothing(checked))
        return true;
    for (size_t s = 0; s < n; s++)
        if ((lead || !sources[s].leads) && source_supports(arena, &sources[s], checked))
            return true;
    return false;
}

static bool read_source(struct arena *arena, const char *text, struct source *ret)
{
    ret->plain = canon_text(arena, text);
    ret->folded = ret->plain ? words_fold(arena, ret->plain) : NULL;
    if (!ret->folded)
        return false;
    ret->n = claims_find(arena, ret->plain, &ret->claims);
    ret->contexts = arena_calloc(arena, ret->n + 1, sizeof *ret->contexts);
    if (!ret->claims || !ret->contexts)
        return false;
    for (size_t i = 0; i < ret->n; i++)
        if (!claim_context(arena, ret->plain, &ret->claims[i], &ret->contexts[i]))
            return false;
    return true;
}

static struct source *read_sources(struct arena *arena, const struct guard_sources *from)
{
    struct source *sources = arena_calloc(arena, from->n + 1, sizeof *sources);

    for (size_t i = 0; sources && i < from->n; i++) {
        sources[i].leads = i >= from->n_ours;
        if (!read_source(arena, from->texts[i], &sources[i]))
            return NULL;
    }
    return sources;
}

size_t guard_claims(struct arena *arena, const char *draft, const struct guard_sources *from,
                    const char ***ret_unsupported)
{
    struct checked checked = {.text = canon_text(arena, draft)};
    struct claim *claims = NULL;
    struct source *sources;
    const char **unsupported;
    size_t n, n_unsupported = 0;

    if (!checked.text)
        return (size_t)-1;
    n = claims_find(arena, checked.text, &claims);
    *ret_unsupported = unsupported = arena_calloc(arena, n + 1, sizeof *unsupported);
    if (n == 0 && claims)
        return 0; /* nothing is claimed: the sources need not be read */
    if (!claims || !unsupported || !(sources = read_sources(arena, from)))
        return (size_t)-1;
    read_now(from->local_time, &checked);
    for (size_t i = 0; i < n; i++) {
        checked.claim = &claims[i];
        if (!claim_context(arena, checked.text, &claims[i], &checked.context))
            return (size_t)-1;
        if (!is_supported(arena, sources, from->n, &checked))
            unsupported[n_unsupported++] =
                arena_strndup(arena, checked.text + claims[i].start, claims[i].end - claims[i].start);
    }
    return n_unsupported;
}

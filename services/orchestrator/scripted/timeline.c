/* timeline.c - see timeline.h. */
#include "services/orchestrator/scripted/timeline.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/words.h"

#define TOKENS_MAX 64

struct token {
    const char *text;
    size_t len;
};

struct meaning {
    const char *word;
    int value;
};

/* Of both a day and a span: what it is within at most. */
static const struct {
    const char *timeline;
    int days;
    const char *urgency;
} known[] = {
    {"asap", 0, "high"},          {"today", 0, "high"},
    {"tomorrow", 1, "medium"},    {"this weekend", 7, "medium"},
    {"this week", 7, "medium"},   {"next week", 14, NULL},
    {"next weekend", 14, NULL},   {"in a few days", 5, "medium"},
    {"in a few weeks", 28, NULL}, {"in a few months", 120, NULL},
    {"this month", 31, NULL},     {"next month", 62, NULL},
    {"this year", 365, NULL},     {"next year", 730, NULL},
    {"Monday", 7, NULL},          {"Tuesday", 7, NULL},
    {"Wednesday", 7, NULL},       {"Thursday", 7, NULL},
    {"Friday", 7, NULL},          {"Saturday", 7, NULL},
    {"Sunday", 7, NULL},
};

static const char *const leads[] = {"in", "within", "en", "dentro", "بعد", "خلال", "في", NULL};
static const char *const between[] = {"about", "around",  "de",  "unos", "unas", "like",  "maybe",
                                      "حوالي", "roughly", "the", "next", "of",   "couple"};
static const struct meaning units[] = {
    {"hour", 0},  {"hours", 0},  {"hora", 0},    {"horas", 0},   {"ساعه", 0},   {"ساعات", 0},  {"day", 1},
    {"days", 1},  {"dia", 1},    {"dias", 1},    {"يوم", 1},     {"ايام", 1},   {"يوما", 1},   {"week", 7},
    {"weeks", 7}, {"semana", 7}, {"semanas", 7}, {"اسبوع", 7},   {"اسابيع", 7}, {"month", 30}, {"months", 30},
    {"mes", 30},  {"meses", 30}, {"شهر", 30},    {"اشهر", 30},   {"شهور", 30},  {"year", 365}, {"years", 365},
    {"ano", 365}, {"anos", 365}, {"سنه", 365},   {"سنوات", 365},
};
/* Arabic has a form of its own for two of a thing. */
static const struct meaning pairs[] = {{"يومين", 1}, {"اسبوعين", 7}, {"شهرين", 30}, {"سنتين", 365}, {"ساعتين", 0}};
static const struct meaning numbers[] = {
    {"a", 1},    {"an", 1},    {"one", 1},   {"two", 2},  {"couple", 2}, {"three", 3}, {"four", 4},   {"five", 5},
    {"six", 6},  {"ten", 10},  {"un", 1},    {"una", 1},  {"dos", 2},    {"tres", 3},  {"cuatro", 4}, {"cinco", 5},
    {"seis", 6}, {"diez", 10}, {"ثلاثه", 3}, {"ثلاث", 3}, {"اربعه", 4},  {"خمسه", 5},  {"سته", 6},
};

static bool is(const struct token *token, const char *word)
{
    return strlen(word) == token->len && memcmp(word, token->text, token->len) == 0;
}

static int look_up(const struct token *token, const struct meaning *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is(token, table[i].word))
            return table[i].value;
    return -1;
}

/* -1 if it is none, or has more than three characters. */
static int read_number(const struct token *token)
{
    int value = 0;

    if (!isdigit((unsigned char)*token->text) || token->len > 3)
        return look_up(token, numbers, COUNT_OF(numbers));
    for (size_t i = 0; i < token->len && isdigit((unsigned char)token->text[i]); i++)
        value = 10 * value + token->text[i] - '0';
    return value;
}

static const char *unit_name(int days)
{
    return days == 0 ? "hour" : days == 1 ? "day" : days == 7 ? "week" : days == 30 ? "month" : "year";
}

static bool is_between(const struct token *token)
{
    for (size_t i = 0; i < COUNT_OF(between); i++)
        if (is(token, between[i]))
            return true;
    return false;
}

/* "in about 3 weeks": tokens behind the "in". */
static const char *counted(struct arena *arena, const struct token *tokens, size_t n, bool within,
                           const struct token **ret_last)
{
    for (size_t i = 0; i < n && i < 4; i++) {
        int pair = look_up(&tokens[i], pairs, COUNT_OF(pairs)), number = read_number(&tokens[i]), unit = -1;

        if (pair >= 0) {
            *ret_last = &tokens[i];
            return arena_printf(arena, "%s 2 %ss", within ? "within" : "in", unit_name(pair));
        }
        for (size_t k = i + 1; number > 0 && k < n && k < i + 3 && unit < 0; k++) {
            unit = look_up(&tokens[k], units, COUNT_OF(units));
            if (unit < 0 && read_number(&tokens[k]) > 0)
                number = read_number(&tokens[k]); /* "a couple of weeks" */
            else if (unit < 0 && !is_between(&tokens[k]))
                break;
            *ret_last = &tokens[k];
        }
        if (unit >= 0)
            return arena_printf(arena, "%s %d %s%s", within ? "within" : "in", number, unit_name(unit),
                                number == 1 ? "" : "s");
        if (number < 0 && !is_between(&tokens[i]))
            return NULL;
    }
    return NULL;
}

static size_t read_tokens(const char *folded, struct token *tokens)
{
    size_t n = 0;

    for (const char *p = folded + strspn(folded, " "); *p && n < TOKENS_MAX; p += strspn(p, " ")) {
        tokens[n] = (struct token){p, strcspn(p, " ")};
        p += tokens[n++].len;
    }
    return n;
}

static const char *find_counted(struct arena *arena, const char *folded, const char **ret_words)
{
    struct token tokens[TOKENS_MAX];
    size_t n = read_tokens(folded, tokens);

    for (size_t i = 0; i + 1 < n; i++)
        for (size_t k = 0; leads[k]; k++) {
            const struct token *last = &tokens[i];
            const char *found;

            if (!is(&tokens[i], leads[k]))
                continue;
            if ((found = counted(arena, tokens + i + 1, n - i - 1, strcmp(leads[k], "within") == 0, &last))) {
                *ret_words = arena_strndup(arena, tokens[i].text, (size_t)(last->text + last->len - tokens[i].text));
                return found;
            }
        }
    return NULL;
}

/* ---- a day of a month ---- */

static const struct {
    const char *name, *written[8];
} months[] = {
    {"January", {"january", "jan", "enero", "يناير", NULL}},
    {"February", {"february", "feb", "febrero", "فبراير", NULL}},
    {"March", {"march", "mar", "marzo", "مارس", NULL}},
    {"April", {"april", "apr", "abril", "ابريل", NULL}},
    {"May", {"may", "mayo", "مايو", NULL}},
    {"June", {"june", "jun", "junio", "يونيو", NULL}},
    {"July", {"july", "jul", "julio", "يوليو", NULL}},
    {"August", {"august", "aug", "agosto", "اغسطس", NULL}},
    {"September", {"september", "sept", "sep", "septiembre", "سبتمبر", NULL}},
    {"October", {"october", "oct", "octubre", "اكتوبر", NULL}},
    {"November", {"november", "nov", "noviembre", "نوفمبر", NULL}},
    {"December", {"december", "dec", "diciembre", "ديسمبر", NULL}},
};

static const char *month_name(const struct token *token)
{
    for (size_t i = 0; i < COUNT_OF(months); i++)
        for (size_t k = 0; months[i].written[k]; k++)
            if (is(token, months[i].written[k]))
                return months[i].name;
    return NULL;
}

bool timeline_is_month(const char *word, size_t len)
{
    return month_name(&(struct token){word, len}) != NULL;
}

/* 1 to 31, with or without "st" and its kin behind it; else 0. */
static int day_number(const struct token *token, bool *ret_ordinal)
{
    size_t digits = 0, rest;
    int day = 0;

    while (digits < token->len && digits < 2 && isdigit((unsigned char)token->text[digits]))
        day = 10 * day + token->text[digits++] - '0';
    rest = token->len - digits;
    *ret_ordinal = rest == 2 && strchr("snrt", token->text[digits]) && strchr("tdh", token->text[digits + 1]);
    return (rest == 0 || *ret_ordinal) && day <= 31 ? day : 0;
}

/* "12 june", "12th of june", "june 12"; "may 12" may have another verb's may: "it may 2 weeks take". */
static const char *find_dated(struct arena *arena, const char *folded, const char **ret_words)
{
    struct token tokens[TOKENS_MAX];
    size_t n = read_tokens(folded, tokens);

    for (size_t i = 0; i < n; i++) {
        const char *month = month_name(&tokens[i]);
        size_t before = i;
        bool ordinal;
        int day = 0;

        if (!month)
            continue;
        if (i > 1 && (is(&tokens[i - 1], "of") || is(&tokens[i - 1], "de")))
            before = i - 1;
        if (before > 0 && (day = day_number(&tokens[before - 1], &ordinal)) > 0) {
            *ret_words = arena_strndup(arena, tokens[before - 1].text,
                                       (size_t)(tokens[i].text + tokens[i].len - tokens[before - 1].text));
        } else if (i + 1 < n && (day = day_number(&tokens[i + 1], &ordinal)) > 0) {
            if (is(&tokens[i], "may") && !ordinal && i + 2 < n)
                continue;
            *ret_words =
                arena_strndup(arena, tokens[i].text, (size_t)(tokens[i + 1].text + tokens[i + 1].len - tokens[i].text));
        } else {
            continue;
        }
        return arena_printf(arena, "%s %d", month, day);
    }
    return NULL;
}

/* "sat" and "sun" where they are days: "on sat", "sat morning", "free sat?", and not "the cat sat on the sun bed". */
static const char *find_short_day(const char *folded)
{
    static const char *const before[] = {"on",   "this", "next",   "for", "til",       "till",  "by", "or",
                                         "free", "come", "coming", "and", "available", "until", "do"};
    static const char *const behind[] = {"morning", "afternoon", "evening", "at", "am",   "pm",     "noon",
                                         "ok",      "work",      "works",   "or", "arvo", "around", "please"};
    struct token tokens[TOKENS_MAX];
    size_t n = read_tokens(folded, tokens);

    for (size_t i = 0; i < n; i++) {
        bool timed = i + 1 < n && isdigit((unsigned char)*tokens[i + 1].text);

        if (!is(&tokens[i], "sat") && !is(&tokens[i], "sun"))
            continue;
        for (size_t k = 0; i > 0 && k < COUNT_OF(before); k++)
            timed |= is(&tokens[i - 1], before[k]);
        for (size_t k = 0; i + 1 < n && k < COUNT_OF(behind); k++)
            timed |= is(&tokens[i + 1], behind[k]);
        if (timed || n == 1 || (i + 1 == n && is(&tokens[i], "sat") && phrase_find(folded, phrases_booking)))
            return is(&tokens[i], "sat") ? "Saturday" : "Sunday";
    }
    return NULL;
}

/* "el sábado por la mañana" is not tomorrow, as "mañana por la mañana" is. */
static const char *without_mornings(struct arena *arena, const char *folded)
{
    static const char *const mornings[] = {" por la manana ", " de la manana ", " en la manana ", " a la manana "};

    for (size_t i = 0; i < COUNT_OF(mornings); i++)
        for (const char *at; folded && (at = strstr(folded, mornings[i]));)
            folded = arena_printf(arena, "%.*s%s", (int)(at - folded), folded, at + strlen(mornings[i]) - 1);
    return folded;
}

const char *timeline_find(struct arena *arena, const char *folded, const char **ret_words)
{
    const struct phrase *phrase;
    const char *found;

    if (!(folded = without_mornings(arena, folded)))
        return NULL;
    found = find_counted(arena, folded, ret_words);
    if (found || (found = find_dated(arena, folded, ret_words)))
        return found;
    if ((phrase = phrase_find(folded, phrases_timeline))) {
        *ret_words = phrase->text;
        return phrase->value;
    }
    return *ret_words = find_short_day(folded);
}

/* Two or three numbers with slashes: "15/7", "7/15/2027". */
static bool is_date(const char *p, size_t *ret_len)
{
    int parts[3] = {0}, n = 0;
    const char *start = p;

    while (n < 3 && isdigit((unsigned char)*p)) {
        while (isdigit((unsigned char)*p) && parts[n] < 10000)
            parts[n] = 10 * parts[n] + *p++ - '0';
        n++;
        if (*p != '/' || !isdigit((unsigned char)p[1]))
            break;
        p++;
    }
    *ret_len = (size_t)(p - start);
    if (n < 2 || isalnum((unsigned char)*p) || *p == '/' || (n == 2 && parts[0] == 24 && parts[1] == 7))
        return false;
    return parts[0] > 0 && parts[1] > 0 && ((parts[0] <= 31 && parts[1] <= 12) || (parts[0] <= 12 && parts[1] <= 31));
}

const char *timeline_date(struct arena *arena, const char *plain)
{
    static const char *const before[] = {"on",   "by",  "for",  "before", "from", "until", "el",   "del",
                                         "para", "the", "date", "fecha",  "يوم",  "في",    "تاريخ"};
    const char *word = plain;
    size_t len, word_len = 0;

    for (const char *p = plain; *p; p++) {
        bool led = p == plain;

        if (p > plain && p[-1] != ' ')
            continue;
        for (size_t i = 0; i < COUNT_OF(before) && !led; i++)
            led = strlen(before[i]) == word_len && strncasecmp(before[i], word, word_len) == 0;
        if (isdigit((unsigned char)*p) && is_date(p, &len) && (led || memchr(p, '/', len) != memrchr(p, '/', len)))
            return arena_strndup(arena, p, len);
        word = p;
        word_len = strcspn(p, " ");
    }
    return NULL;
}

int timeline_days(const char *timeline)
{
    char unit[8];
    int n;

    for (size_t i = 0; timeline && i < COUNT_OF(known); i++)
        if (strcmp(known[i].timeline, timeline) == 0)
            return known[i].days;
    if (!timeline ||
        (sscanf(timeline, "in %3d %7[a-z]", &n, unit) != 2 && sscanf(timeline, "within %3d %7[a-z]", &n, unit) != 2))
        return TIMELINE_UNKNOWN_DAYS;
    if (unit[strlen(unit) - 1] == 's')
        unit[strlen(unit) - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcmp(units[i].word, unit) == 0)
            return units[i].value * n;
    return TIMELINE_UNKNOWN_DAYS;
}

const char *timeline_urgency(const char *timeline)
{
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i].timeline, timeline) == 0)
            return known[i].urgency;
    return NULL;
}

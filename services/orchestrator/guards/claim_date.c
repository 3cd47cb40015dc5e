/* claim_date.c - dates, months, weekdays, and days told from now. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/orchestrator/guards/claim_readers.h"

static const struct term month_terms[] = {
    {"january", 1},    {"jan", 1},     {"february", 2},   {"feb", 2},       {"march", 3},     {"mar", 3},
    {"april", 4},      {"apr", 4},     {"may", 5},        {"june", 6},      {"jun", 6},       {"july", 7},
    {"jul", 7},        {"august", 8},  {"aug", 8},        {"september", 9}, {"sept", 9},      {"sep", 9},
    {"october", 10},   {"oct", 10},    {"november", 11},  {"nov", 11},      {"december", 12}, {"dec", 12},
    {"enero", 1},      {"febrero", 2}, {"marzo", 3},      {"abril", 4},     {"mayo", 5},      {"junio", 6},
    {"julio", 7},      {"agosto", 8},  {"septiembre", 9}, {"setiembre", 9}, {"octubre", 10},  {"noviembre", 11},
    {"diciembre", 12}, {"يناير", 1},   {"فبراير", 2},     {"مارس", 3},      {"ابريل", 4},     {"مايو", 5},
    {"يونيو", 6},      {"يوليو", 7},   {"اغسطس", 8},      {"سبتمبر", 9},    {"اكتوبر", 10},   {"نوفمبر", 11},
    {"ديسمبر", 12},    {NULL, 0}};
static struct terms months = {.list = month_terms};

static const struct term weekday_terms[] = {{"monday", 0},    {"mondays", 0},    {"tuesday", 1},  {"tuesdays", 1},
                                            {"wednesday", 2}, {"wednesdays", 2}, {"thursday", 3}, {"thursdays", 3},
                                            {"friday", 4},    {"fridays", 4},    {"saturday", 5}, {"saturdays", 5},
                                            {"sunday", 6},    {"sundays", 6},    {"tues", 1},     {"thur", 3},
                                            {"thurs", 3},     {"lunes", 0},      {"martes", 1},   {"miercoles", 2},
                                            {"jueves", 3},    {"viernes", 4},    {"sabado", 5},   {"sabados", 5},
                                            {"domingo", 6},   {"domingos", 6},   {"الاثنين", 0},  {"الثلاثاء", 1},
                                            {"الاربعاء", 2},  {"الخميس", 3},     {"الجمعه", 4},   {"السبت", 5},
                                            {"الاحد", 6},     {"يوم اثنين", 0},  {"يوم جمعه", 4}, {"يوم سبت", 5},
                                            {NULL, 0}};
static struct terms weekdays = {.list = weekday_terms};

/* "sat" and "sun" are words as well, unless written as names. */
static const struct term short_weekday_terms[] = {{"mon", 0}, {"tue", 1}, {"wed", 2}, {"thu", 3},
                                                  {"fri", 4}, {"sat", 5}, {"sun", 6}, {NULL, 0}};
static struct terms short_weekdays = {.list = short_weekday_terms};

static const struct term weekday_set_terms[] = {{"weekdays", 0},
                                                {"weekday", 0},
                                                {"working days", 0},
                                                {"entre semana", 0},
                                                {"dias laborables", 0},
                                                {"ايام العمل", 0},
                                                {"weekend", 1},
                                                {"weekends", 1},
                                                {"fin de semana", 1},
                                                {"fines de semana", 1},
                                                {"نهايه الاسبوع", 1},
                                                {"عطله نهايه الاسبوع", 1},
                                                {"every day", 2},
                                                {"daily", 2},
                                                {"seven days a week", 2},
                                                {"7 days a week", 2},
                                                {"todos los dias", 2},
                                                {"a diario", 2},
                                                {"cada dia", 2},
                                                {"كل يوم", 2},
                                                {"يوميا", 2},
                                                {"طوال الاسبوع", 2},
                                                {NULL, 0}};
static struct terms weekday_sets = {.list = weekday_set_terms};

static const struct term day_terms[] = {{"today", 0},
                                        {"tonight", 0},
                                        {"this morning", 0},
                                        {"this afternoon", 0},
                                        {"this evening", 0},
                                        {"same day", 0},
                                        {"same-day", 0},
                                        {"hoy", 0},
                                        {"hoy mismo", 0},
                                        {"esta tarde", 0},
                                        {"esta noche", 0},
                                        {"esta manana", 0},
                                        {"اليوم", 0},
                                        {"الليله", 0},
                                        {"هذا المساء", 0},
                                        {"tomorrow", 1},
                                        {"manana", 1},
                                        {"غدا", 1},
                                        {"بكره", 1},
                                        {"يوم غد", 1},
                                        {"day after tomorrow", 2},
                                        {"pasado manana", 2},
                                        {"بعد غد", 2},
                                        {"next week", 7},
                                        {"la proxima semana", 7},
                                        {"la semana que viene", 7},
                                        {"الاسبوع القادم", 7},
                                        {NULL, 0}};
static struct terms days = {.list = day_terms};

static size_t day_number(const char *p, int *ret_day)
{
    size_t n = isdigit((unsigned char)*p) ? strspn(p, "0123456789") : 0, len = n;

    if (n < 1 || n > 2)
        return 0;
    *ret_day = (int)strtol(p, NULL, 10);
    if (*ret_day < 1 || *ret_day > 31)
        return 0;
    if (word_at(p + n, "st") || word_at(p + n, "nd") || word_at(p + n, "rd") || word_at(p + n, "th"))
        len += 2;
    return isalnum((unsigned char)p[len]) || strchr(":%", p[len] ? p[len] : ' ') ? 0 : len;
}

/* 2026-11-30, 11/30, 30/11/2026; 5/12 may be either. */
static size_t read_numeric_date(const char *p, struct claim *ret)
{
    int a, b, c, n = 0;

    if (!isdigit((unsigned char)*p))
        return 0;
    if (sscanf(p, "%4d-%2d-%2d%n", &a, &b, &c, &n) == 3 && n >= 8 && a > 1900 && b >= 1 && b <= 12) {
        *ret = (struct claim){.kind = CLAIM_DATE, .value = b * 100 + c};
        return (size_t)n;
    }
    if (sscanf(p, "%2d/%2d%n", &a, &b, &n) != 2 || p[n - 1] == '/')
        return 0;
    if (a < 1 || b < 1 || (a > 12 && b > 12) || a > 31 || b > 31)
        return 0;
    if (p[n] == '/')
        n += 1 + (int)strspn(p + n + 1, "0123456789");
    if (isalnum((unsigned char)p[n]))
        return 0;
    *ret = (struct claim){.kind = CLAIM_DATE,
                          .value = a > 12 ? b * 100 + a : a * 100 + b,
                          .half_known = a <= 12 && b <= 12};
    return (size_t)n;
}

/* "March 5th", "5 March", "5th of March", "5 de marzo", "in March" */
static size_t read_named_date(const char *p, struct claim *ret)
{
    size_t name, len, number;
    int month = 0, day = 0;

    if ((name = phrase_at(p, &months, &month))) {
        len = name + (p[name] == '.');
        number = p[len] == ' ' ? day_number(p + len + 1, &day) : 0;
        /* "May I", "march in" and "mar" are no months. */
        if (number == 0 && (word_at(p, "may") || word_at(p, "mar") || (word_at(p, "march") && p[0] == 'm')))
            return 0;
        *ret = number > 0 ? (struct claim){.kind = CLAIM_DATE, .value = month * 100 + day}
                          : (struct claim){.kind = CLAIM_MONTH, .value = month};
        return number > 0 ? len + 1 + number : name;
    }
    if ((number = day_number(p, &day)) && p[number] == ' ') {
        len = number + 1;
        len += strncasecmp(p + len, "of ", 3) == 0 || strncasecmp(p + len, "de ", 3) == 0 ? 3 : 0;
        if ((name = phrase_at(p + len, &months, &month)) && !(month == 5 && word_at(p + len, "may") && p[len] == 'm')) {
            *ret = (struct claim){.kind = CLAIM_DATE, .value = month * 100 + day};
            return len + name;
        }
    }
    return 0;
}

size_t read_date(const char *p, struct claim *ret)
{
    size_t len = read_numeric_date(p, ret);

    return len > 0 ? len : read_named_date(p, ret);
}

/* "la manana" and "good morning" are no days. */
static bool is_part_of_day(const char *text, const char *p)
{
    static const struct term before[] = {{"la", 0}, {NULL, 0}};

    return word_at(p, "manana") && phrase_before(text, p, before);
}

size_t read_day(const char *text, const char *p, struct claim *ret)
{
    enum claim_kind kind = CLAIM_WEEKDAY;
    int value = 0;
    size_t len = phrase_at(p, &weekdays, &value);

    if (len == 0 && isupper((unsigned char)*p))
        len = phrase_at(p, &short_weekdays, &value);
    if (len == 0) {
        kind = CLAIM_WEEKDAYS;
        len = phrase_at(p, &weekday_sets, &value);
    }
    if (len == 0 && !is_part_of_day(text, p)) {
        kind = CLAIM_DAY;
        len = phrase_at(p, &days, &value);
    }
    if (len > 0)
        *ret = (struct claim){.kind = kind, .value = value};
    return len;
}

const struct term *const date_starts[] = {month_terms,       weekday_terms, short_weekday_terms,
                                          weekday_set_terms, day_terms,     NULL};

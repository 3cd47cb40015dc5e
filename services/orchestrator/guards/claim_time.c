/* claim_time.c - times of the day. */
#include <ctype.h>
#include <string.h>

#include "services/orchestrator/guards/claim_readers.h"

enum { IN_MORNING, IN_AFTERNOON, AT_NIGHT };

static const struct term part_terms[] = {{"am", IN_MORNING},
                                         {"a.m", IN_MORNING},
                                         {"a.m.", IN_MORNING},
                                         {"a. m.", IN_MORNING},
                                         {"pm", IN_AFTERNOON},
                                         {"p.m", IN_AFTERNOON},
                                         {"p.m.", IN_AFTERNOON},
                                         {"p. m.", IN_AFTERNOON},
                                         {"in the morning", IN_MORNING},
                                         {"in the afternoon", IN_AFTERNOON},
                                         {"in the evening", IN_AFTERNOON},
                                         {"at night", AT_NIGHT},
                                         {"de la manana", IN_MORNING},
                                         {"de la tarde", IN_AFTERNOON},
                                         {"de la noche", AT_NIGHT},
                                         {"صباحا", IN_MORNING},
                                         {"ص", IN_MORNING},
                                         {"مساء", IN_AFTERNOON},
                                         {"م", IN_AFTERNOON},
                                         {"ظهرا", IN_AFTERNOON},
                                         {"عصرا", IN_AFTERNOON},
                                         {"ليلا", AT_NIGHT},
                                         {"مساءا", IN_AFTERNOON},
                                         {NULL, 0}};
static struct terms parts = {.list = part_terms};

static const struct term named_terms[] = {{"noon", 720},     {"midday", 720},    {"midnight", 0}, {"mediodia", 720},
                                          {"medianoche", 0}, {"منتصف الليل", 0}, {NULL, 0}};
static struct terms named = {.list = named_terms};

/* Behind these a number up to 24 is a time, unless it counts something. */
static const struct term before[] = {{"at", 0},     {"by", 0},     {"from", 0},    {"until", 0},      {"till", 0},
                                     {"til", 0},    {"before", 0}, {"after", 0},   {"las", 0},        {"a la", 0},
                                     {"الساعه", 0}, {"للساعه", 0}, {"open at", 0}, {"o'clock at", 0}, {NULL, 0}};

static const struct term ordinal_terms[] = {{"الواحده", 1}, {"الثانيه", 2},  {"الثالثه", 3},       {"الرابعه", 4},
                                            {"الخامسه", 5}, {"السادسه", 6},  {"السابعه", 7},       {"الثامنه", 8},
                                            {"التاسعه", 9}, {"العاشره", 10}, {"الحاديه عشره", 11}, {"الثانيه عشره", 12},
                                            {"una", 1},     {NULL, 0}};
static struct terms ordinals = {.list = ordinal_terms};

static const struct term minutes_before_terms[] = {
    {"half past", 30},     {"half-past", 30}, {"quarter past", 15}, {"a quarter past", 15}, {"quarter to", -15},
    {"a quarter to", -15}, {NULL, 0}};
static struct terms minutes_before = {.list = minutes_before_terms};
static const struct term minutes_behind_terms[] = {{"y media", 30}, {"y cuarto", 15}, {"menos cuarto", -15},
                                                   {"والنصف", 30},  {"والربع", 15},   {"الا ربع", -15},
                                                   {"o'clock", 0},  {"oclock", 0},    {"en punto", 0},
                                                   {NULL, 0}};
static struct terms minutes_behind = {.list = minutes_behind_terms};

static const struct term hours[] = {{"h", 0}, {"hs", 0}, {"hrs", 0}, {"horas", 0}, {NULL, 0}};

/* "9", "9:30", "9.30", "nine"; the hour is -1 if there is none. *ret_after_word: told, or found, to stand behind a word
 * that makes a number a time. */
static size_t read_clock(const char *text, const char *p, bool *ret_after_word, int *ret_hour, int *ret_minute,
                         bool *ret_exact)
{
    double value = -1;
    size_t len = isdigit((unsigned char)*p) ? strspn(p, "0123456789") : 0;
    int ordinal;

    *ret_minute = 0;
    *ret_exact = false;
    *ret_hour = -1;
    if (len > 2)
        return 0;
    if (len > 0) {
        *ret_after_word = *ret_after_word || phrase_before(text, p, before);
        value = number_digits_at(p, &value) > 0 ? (double)(p[0] - '0') : -1;
        if (len == 2)
            value = value * 10 + (p[1] - '0');
        if ((p[len] == ':' || p[len] == '.') && strspn(p + len + 1, "0123456789") == 2 && p[len + 1] <= '5') {
            *ret_minute = (p[len + 1] - '0') * 10 + (p[len + 2] - '0');
            *ret_exact = p[len] == ':';
            len += 3;
        }
    } else if ((len = phrase_at(p, &ordinals, &ordinal)) && (*ret_after_word || phrase_before(text, p, before))) {
        *ret_after_word = true;
        value = ordinal;
    } else if ((len = number_words_at(p, &value))) {
        *ret_after_word = *ret_after_word || phrase_before(text, p, before);
    }
    if (len > 0 && value >= 0 && value <= 24)
        *ret_hour = (int)value;
    return len;
}

static int to_hour(int hour, int part)
{
    if (part == AT_NIGHT)
        return hour >= 6 && hour < 12 ? hour + 12 : hour % 12;
    return hour > 12 ? hour : hour % 12 + (part == IN_AFTERNOON ? 12 : 0);
}

/* Whether what stands behind a bare number lets it be a time: nothing, or a word that counts nothing. */
static bool counts_nothing(const char *p, size_t len)
{
    struct claim amount = {.kind = CLAIM_NUMBER};

    return read_amount(p, &amount) <= len && amount.kind == CLAIM_NUMBER && amount.unit == UNIT_NONE;
}

size_t read_time(const char *text, const char *p, struct claim *ret)
{
    int value = 0, hour, minute, shift = 0, part = -1;
    size_t skip = phrase_at(p, &minutes_before, &shift), len = phrase_at(p, &named, &value), behind;
    bool after_word = skip > 0, exact;

    if (len > 0) {
        *ret = (struct claim){.kind = CLAIM_TIME, .value = value};
        return len;
    }
    if (skip > 0)
        skip += p[skip] == ' ';
    len = skip + read_clock(text, p + skip, &after_word, &hour, &minute, &exact);
    if (hour < 0)
        return 0;
    exact |= skip > 0;
    minute += shift;
    if (p[len] == ' ' && (behind = phrase_at(p + len + 1, &minutes_behind, &value))) {
        len += 1 + behind;
        minute += value;
        exact = true;
    }
    if (after_word && (behind = term_at(p + len + (p[len] == ' '), hours, &value))) {
        len += behind + (p[len] == ' ');
        exact = true;
    }
    if ((behind = phrase_at(p + len + (p[len] == ' '), &parts, &part)))
        len += behind + (p[len] == ' ');
    if (!exact && part < 0 && !(after_word && counts_nothing(p, len)))
        return 0;
    if (isdigit((unsigned char)p[len]))
        return 0;
    *ret = (struct claim){.kind = CLAIM_TIME, .half_known = part < 0 && hour <= 12, .by_word = !exact && part < 0};
    if (part >= 0)
        hour = to_hour(hour, part);
    ret->value = (hour * 60 + minute + 1440) % 1440;
    return len;
}

const struct term *const time_starts[] = {named_terms, ordinal_terms, minutes_before_terms, NULL};

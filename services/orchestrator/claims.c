/* claims.c - see claims.h. A scanner: at the start of each word the readers are asked in turn, the most special
 * first. Each returns the bytes it read, or 0. */
#include "services/orchestrator/claims.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"

#define KEY_MAX 256

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Whether word (lower case) stands at p, any case, and ends there. */
static bool word_at(const char *p, const char *word)
{
    size_t len = strlen(word);

    return strncasecmp(p, word, len) == 0 && !isalnum((unsigned char)p[len]);
}

static const char *lower_copy(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_strndup(arena, text, len);

    for (size_t i = 0; copy && i < len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return copy;
}

/* ---- addresses ---- */

static size_t read_email(struct arena *arena, const char *p, struct claim *ret)
{
    static const char domain_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    static const char local_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-";
    size_t local = strspn(p, local_bytes), domain;

    if (local == 0 || p[local] != '@')
        return 0;
    domain = strspn(p + local + 1, domain_bytes);
    while (domain > 0 && strchr(".-", p[local + domain]))
        domain--;
    if (!memchr(p + local + 1, '.', domain))
        return 0;
    *ret = (struct claim){.kind = CLAIM_EMAIL, .key = lower_copy(arena, p, local + 1 + domain)};
    return local + 1 + domain;
}

/* The bytes of a host name that ends in a well-known top level domain, 0 if there is none. */
static size_t host_length(const char *p)
{
    static const char *const ends[] = {"com", "net",  "org", "io",    "co",     "us",  "info", "biz",  "app",
                                       "dev", "ai",   "me",  "uk",    "ca",     "de",  "es",   "mx",   "au",
                                       "nz",  "shop", "xyz", "site",  "online", "edu", "gov",  "link", "ly",
                                       "ae",  "sa",   "fr",  "store", "tv",     "eu"};
    size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
    size_t dot;

    while (len > 0 && strchr(".-", p[len - 1]))
        len--;
    for (dot = len; dot > 0 && p[dot - 1] != '.'; dot--)
        ;
    if (dot < 2)
        return 0;
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (strlen(ends[i]) == len - dot && strncasecmp(p + dot, ends[i], len - dot) == 0)
            return len;
    return 0;
}

static size_t read_url(struct arena *arena, const char *p, struct claim *ret)
{
    size_t scheme = strncasecmp(p, "https://", 8) == 0 ? 8 : strncasecmp(p, "http://", 7) == 0 ? 7 : 0;
    size_t www = strncasecmp(p + scheme, "www.", 4) == 0 ? 4 : 0;
    size_t host = host_length(p + scheme + www), len = scheme + www + host, key;

    if (host == 0 && scheme == 0)
        return 0;
    if (p[len] == '/' || p[len] == '?' || p[len] == '#' || p[len] == ':' || host == 0)
        len += strcspn(p + len, " \n\t<>\"");
    while (len > 0 && strchr(".,;:!?)/'", p[len - 1]))
        len--;
    key = scheme + www;
    if (len <= key || len > KEY_MAX * 8)
        return 0;
    *ret = (struct claim){.kind = CLAIM_URL, .key = lower_copy(arena, p + key, len - key)};
    return len;
}

/* Seven digits and more, with the marks that phone numbers have. */
static size_t read_phone(struct arena *arena, const char *p, struct claim *ret)
{
    char digits[24];
    size_t n = 0, len = 0, i = 0;

    if (*p == '+' || *p == '(')
        i++;
    for (; p[i]; i++) {
        if (isdigit((unsigned char)p[i])) {
            if (n + 1 >= sizeof digits)
                return 0;
            digits[n++] = p[i];
            len = i + 1;
        } else if (!strchr("-.() ", p[i]) || (p[i] == ' ' && p[i + 1] == ' ') || i - len > 2) {
            break;
        }
    }
    digits[n] = '\0';
    if (n < 7 || isalpha((unsigned char)p[len]) || p[len] == '%' || n > 15)
        return 0;
    /* 1234567 may as well be a sum: only with marks, or ten digits and more, it is a phone number. */
    if (n == len && n < 10)
        return 0;
    *ret = (struct claim){.kind = CLAIM_PHONE, .key = arena_strdup(arena, digits)};
    return len;
}

/* ---- dates and times ---- */

static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                     "july",    "august",   "september", "october", "november", "december"};
static const char *const weekdays[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

/* 1 to n, and the bytes of the name; 0 if none of the names, whole or cut to three letters, stands at p. */
static int name_at(const char *p, const char *const *names, int n, size_t *ret_len)
{
    size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    for (int i = 0; i < n; i++) {
        size_t whole = strlen(names[i]);
        bool plural = len == whole + 1 && (p[whole] == 's' || p[whole] == 'S');

        if ((len == whole || plural || len == 3 || (len == 4 && whole > 6)) &&
            strncasecmp(p, names[i], plural ? whole : len) == 0) {
            *ret_len = len;
            return i + 1;
        }
    }
    return 0;
}

static size_t day_number(const char *p, int *ret_day)
{
    size_t n = strspn(p, "0123456789");
    size_t len = n;

    if (n < 1 || n > 2)
        return 0;
    *ret_day = (int)strtol(p, NULL, 10);
    if (*ret_day < 1 || *ret_day > 31)
        return 0;
    if (word_at(p + n, "st") || word_at(p + n, "nd") || word_at(p + n, "rd") || word_at(p + n, "th"))
        len += 2;
    return isalnum((unsigned char)p[len]) || strchr(":%", p[len] ? p[len] : ' ') ? 0 : len;
}

/* 2026-11-30, 11/30, 11/30/2026 */
static size_t read_numeric_date(const char *p, struct claim *ret)
{
    int a, b, c, n = 0;

    if (sscanf(p, "%4d-%2d-%2d%n", &a, &b, &c, &n) == 3 && n >= 8 && a > 1900 && b >= 1 && b <= 12) {
        *ret = (struct claim){.kind = CLAIM_DATE, .value = b * 100 + c};
        return (size_t)n;
    }
    if (sscanf(p, "%2d/%2d%n", &a, &b, &n) == 2 && a >= 1 && a <= 12 && b >= 1 && b <= 31) {
        if (p[n] == '/')
            n += 1 + (int)strspn(p + n + 1, "0123456789");
        if (isalnum((unsigned char)p[n]))
            return 0;
        *ret = (struct claim){.kind = CLAIM_DATE, .value = a * 100 + b};
        return (size_t)n;
    }
    return 0;
}

/* "March 5th", "5 March", "5th of March", "in March" */
static size_t read_named_date(const char *p, struct claim *ret)
{
    size_t name, len, number;
    int month, day;

    if ((month = name_at(p, months, 12, &name))) {
        len = name + (p[name] == '.');
        number = p[len] == ' ' ? day_number(p + len + 1, &day) : 0;
        /* "May I" and "march in" are no months. */
        if (number == 0 && (month == 5 || (month == 3 && p[0] >= 'a')))
            return 0;
        *ret = number > 0 ? (struct claim){.kind = CLAIM_DATE, .value = month * 100 + day}
                          : (struct claim){.kind = CLAIM_MONTH, .value = month};
        return number > 0 ? len + 1 + number : name;
    }
    if ((number = day_number(p, &day)) && p[number] == ' ') {
        len = number + 1 + (strncasecmp(p + number + 1, "of ", 3) == 0 ? 3 : 0);
        if ((month = name_at(p + len, months, 12, &name)) && !(month == 5 && p[len] == 'm')) {
            *ret = (struct claim){.kind = CLAIM_DATE, .value = month * 100 + day};
            return len + name;
        }
    }
    return 0;
}

static size_t read_weekday(const char *p, struct claim *ret)
{
    size_t len;
    int day = name_at(p, weekdays, 7, &len);

    /* "sat" and "sun" are words as well, unless written as names. */
    if (!day || (len == 3 && !isupper((unsigned char)*p)))
        return 0;
    *ret = (struct claim){.kind = CLAIM_WEEKDAY, .value = day - 1};
    return len;
}

/* "am", "p.m." and so on behind a time; 0 if there is none. */
static size_t meridiem(const char *p, bool *ret_afternoon)
{
    size_t space = *p == ' ';
    char c = (char)tolower((unsigned char)p[space]);
    const char *q = p + space + 1;

    if (c != 'a' && c != 'p')
        return 0;
    *ret_afternoon = c == 'p';
    if (*q == '.')
        q++;
    if (tolower((unsigned char)*q) != 'm' || isalnum((unsigned char)q[1]))
        return 0;
    return (size_t)(q + 1 - p);
}

static size_t read_time(const char *p, struct claim *ret)
{
    size_t n = strspn(p, "0123456789"), len = n, behind;
    int hour = n > 0 && n <= 2 ? (int)strtol(p, NULL, 10) : -1, minute = 0;
    bool afternoon = false;

    if (word_at(p, "noon") || word_at(p, "midnight")) {
        *ret = (struct claim){.kind = CLAIM_TIME, .value = *p == 'n' || *p == 'N' ? 720 : 0};
        return *p == 'n' || *p == 'N' ? 4 : 8;
    }
    if (hour < 0 || hour > 24)
        return 0;
    if (p[n] == ':' && strspn(p + n + 1, "0123456789") == 2) {
        minute = (int)strtol(p + n + 1, NULL, 10);
        len = n + 3;
    }
    behind = meridiem(p + len, &afternoon);
    if ((len == n && behind == 0 && !word_at(p + len, " o'clock")) || minute > 59 || isdigit((unsigned char)p[len]))
        return 0;
    *ret = (struct claim){.kind = CLAIM_TIME, .half_known = behind == 0 && hour <= 12};
    if (behind > 0)
        hour = hour % 12 + (afternoon ? 12 : 0);
    ret->value = hour % 24 * 60 + minute;
    return len + behind;
}

/* ---- numbers ---- */

static size_t currency_before(const char *p)
{
    static const char *const signs[] = {"$", "€", "£", "¥", "US$", "USD ", "EUR ", "USD", "EUR", "GBP ", "AED ", "AED"};

    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        size_t len = strlen(signs[i]);

        if (strncmp(p, signs[i], len) == 0) {
            len += p[len] == ' ';
            return isdigit((unsigned char)p[len]) ? len : 0;
        }
    }
    return 0;
}

static size_t currency_behind(const char *p)
{
    static const char *const words[] = {"$",      "€",      "£",     " $",   " €",   " dollars", " dollar",
                                        " bucks", " euros", " euro", " usd", " eur", " pounds",  " cents",
                                        " gbp",   " aed",   "usd",   "eur",  "gbp"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (word_at(p, words[i]))
            return strlen(words[i]);
    return 0;
}

static size_t percent_behind(const char *p)
{
    if (*p == '%')
        return 1;
    if (strncmp(p, " %", 2) == 0)
        return 2;
    return word_at(p, " percent") ? 8 : word_at(p, " per cent") ? 9 : 0;
}

/* Digits with their separators: 1,200.50; 1 to 3 decimals behind a point. */
static size_t read_digits(const char *p, double *ret_value)
{
    char digits[32];
    size_t n = 0, i = 0;

    for (; n + 1 < sizeof digits; i++) {
        bool separator = (p[i] == ',' || p[i] == '\'') && i > 0 && strspn(p + i + 1, "0123456789") == 3;
        bool point = p[i] == '.' && isdigit((unsigned char)p[i + 1]);

        if (isdigit((unsigned char)p[i]) || point)
            digits[n++] = p[i];
        else if (!separator)
            break;
    }
    digits[n] = '\0';
    *ret_value = strtod(digits, NULL);
    return n > 0 ? i : 0;
}

static size_t read_number(const char *p, struct claim *ret)
{
    size_t before = currency_before(p), behind, len;
    double value;

    if (!(len = read_digits(p + before, &value)))
        return 0;
    len += before;
    if ((p[len] == 'k' || p[len] == 'K') && !isalnum((unsigned char)p[len + 1])) {
        value *= 1000;
        len++;
    }
    *ret = (struct claim){.kind = before > 0 ? CLAIM_MONEY : CLAIM_NUMBER, .value = value};
    if ((behind = percent_behind(p + len)))
        ret->kind = CLAIM_PERCENT;
    else if ((behind = currency_behind(p + len)))
        ret->kind = CLAIM_MONEY;
    return len + behind;
}

/* "twenty-five", "two hundred"; a bare "one" is no claim. */
static size_t read_number_words(const char *p, struct claim *ret)
{
    static const struct {
        const char *word;
        int value;
    } words[] = {{"one", 1},      {"two", 2},        {"three", 3},     {"four", 4},        {"five", 5},
                 {"six", 6},      {"seven", 7},      {"eight", 8},     {"nine", 9},        {"ten", 10},
                 {"eleven", 11},  {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14},   {"fifteen", 15},
                 {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19},   {"twenty", 20},
                 {"thirty", 30},  {"forty", 40},     {"fifty", 50},    {"sixty", 60},      {"seventy", 70},
                 {"eighty", 80},  {"ninety", 90},    {"hundred", 100}, {"thousand", 1000}, {"dozen", 12}};
    double total = 0, part = 0;
    size_t len = 0, behind;
    int n = 0;

    for (const char *q = p;;) {
        size_t i = 0;

        while (i < COUNT_OF(words) && !word_at(q, words[i].word))
            i++;
        if (i == COUNT_OF(words))
            break;
        if (words[i].value >= 100 || strcmp(words[i].word, "dozen") == 0) {
            part = (part > 0 ? part : 1) * words[i].value;
            if (words[i].value == 1000) {
                total += part;
                part = 0;
            }
        } else {
            part += words[i].value;
        }
        n++;
        q += strlen(words[i].word);
        len = (size_t)(q - p);
        if (*q != ' ' && *q != '-')
            break;
        q++;
    }
    if (n == 0 || (n == 1 && total + part == 1))
        return 0;
    *ret = (struct claim){.kind = CLAIM_NUMBER, .value = total + part};
    if ((behind = percent_behind(p + len)))
        ret->kind = CLAIM_PERCENT;
    else if ((behind = currency_behind(p + len)))
        ret->kind = CLAIM_MONEY;
    return len + behind;
}

/* "Free estimates", "at no charge"; not "feel free", "are you free on Monday", "free to write". */
static size_t read_free(const char *text, const char *p, struct claim *ret)
{
    static const char *const other[] = {" to", " on", " at", " tomorrow", " today", " this", " next", " from", "?"};
    static const char *const before[] = {"feel ", "you ", "are ", "youre ", "you're "};
    size_t len = word_at(p, "free")            ? 4
                 : word_at(p, "complimentary") ? 13
                 : word_at(p, "no charge")     ? 9
                 : word_at(p, "no cost")       ? 7
                                               : 0;

    if (len == 0)
        return 0;
    for (size_t i = 0; len == 4 && i < COUNT_OF(other); i++)
        if (strncasecmp(p + len, other[i], strlen(other[i])) == 0)
            return 0;
    for (size_t i = 0; len == 4 && i < COUNT_OF(before); i++) {
        size_t n = strlen(before[i]);

        if ((size_t)(p - text) >= n && strncasecmp(p - n, before[i], n) == 0)
            return 0;
    }
    *ret = (struct claim){.kind = CLAIM_FREE};
    return len;
}

/* ---- together ---- */

static size_t read_claim(struct arena *arena, const char *text, const char *p, struct claim *ret)
{
    size_t len;

    if ((len = read_email(arena, p, ret)) || (len = read_url(arena, p, ret)) || (len = read_numeric_date(p, ret)) ||
        (len = read_named_date(p, ret)) || (len = read_time(p, ret)) || (len = read_phone(arena, p, ret)) ||
        (len = read_number(p, ret)) || (len = read_weekday(p, ret)) || (len = read_number_words(p, ret)))
        return len;
    return read_free(text, p, ret);
}

/* In "8-5pm", "10 to 20 %" and "$80-120" the kind is said once. */
static void join_ranges(const char *text, struct claim *claims, size_t n)
{
    static const char *const joints[] = {"-", " - ", "–", " – ", "—", " to ", " and ", " or ", " until ", " till "};

    for (size_t i = 0; i + 1 < n; i++) {
        struct claim *a = &claims[i], *b = &claims[i + 1];
        bool joined = false;

        for (size_t j = 0; j < COUNT_OF(joints); j++)
            joined |=
                strlen(joints[j]) == b->start - a->end && strncasecmp(text + a->end, joints[j], b->start - a->end) == 0;
        if (!joined)
            continue;
        a->in_range = b->in_range = true;
        if (a->kind == CLAIM_NUMBER && b->kind == CLAIM_TIME && a->value >= 0 && a->value <= 24)
            *a = (struct claim){.kind = CLAIM_TIME,
                                .value = a->value * 60,
                                .half_known = true,
                                .in_range = true,
                                .start = a->start,
                                .end = a->end};
        else if (a->kind == CLAIM_NUMBER && (b->kind == CLAIM_MONEY || b->kind == CLAIM_PERCENT))
            a->kind = b->kind;
        else if (b->kind == CLAIM_NUMBER && a->kind == CLAIM_MONEY)
            b->kind = CLAIM_MONEY;
    }
}

size_t claims_find(struct arena *arena, const char *text, struct claim **ret_claims)
{
    struct claim claims[CLAIMS_MAX];
    size_t n = 0;

    for (const char *p = text; *p && n < CLAIMS_MAX;) {
        bool starts = p == text || !is_word_byte(p[-1]) || (unsigned char)*p >= 0x80;
        size_t len = starts && *p != ' ' ? read_claim(arena, text, p, &claims[n]) : 0;

        if (len == 0) {
            p++;
            continue;
        }
        claims[n].start = (size_t)(p - text);
        claims[n].end = claims[n].start + len;
        p += len;
        n++;
    }
    if (n == CLAIMS_MAX) {
        claims[n - 1].kind = CLAIM_NUMBER;
        claims[n - 1].value = NAN;
    }
    join_ranges(text, claims, n);
    if (!(*ret_claims = arena_calloc(arena, n, sizeof *claims)))
        return 0;
    memcpy(*ret_claims, claims, n * sizeof *claims);
    return n;
}

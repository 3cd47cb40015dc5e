/* phone_number.c - see phone_number.h. */
#include "libshared/phone_number.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/text.h"

#define DIGITS_MAX 24 /* of what is written, prefixes and all */

/* trunk: what stands before a national number and is not part of it; "": nothing does. min, max: digits of the national
 * number without it. Numbers of Italy keep their zero. */
static const struct country {
    const char *code, *trunk;
    int min, max;
} countries[] = {
    {"1", "1", 10, 10},  {"20", "0", 9, 10},  {"27", "0", 9, 9},   {"30", "", 10, 10}, {"31", "0", 9, 9},
    {"32", "0", 8, 9},   {"33", "0", 9, 9},   {"34", "", 9, 9},    {"39", "", 8, 11},  {"41", "0", 9, 9},
    {"43", "0", 7, 13},  {"44", "0", 9, 10},  {"45", "", 8, 8},    {"46", "0", 7, 9},  {"47", "", 8, 8},
    {"48", "", 9, 9},    {"49", "0", 7, 11},  {"51", "0", 8, 9},   {"52", "", 10, 10}, {"54", "0", 10, 11},
    {"55", "0", 10, 11}, {"56", "", 9, 9},    {"57", "", 10, 10},  {"60", "0", 8, 10}, {"61", "0", 9, 9},
    {"62", "0", 8, 12},  {"63", "0", 9, 10},  {"64", "0", 8, 10},  {"65", "", 8, 8},   {"81", "0", 9, 10},
    {"82", "0", 8, 10},  {"90", "0", 10, 10}, {"91", "0", 10, 10}, {"92", "0", 9, 10}, {"212", "0", 9, 9},
    {"213", "0", 8, 9},  {"216", "", 8, 8},   {"234", "0", 8, 10}, {"254", "0", 9, 9}, {"351", "", 9, 9},
    {"353", "0", 7, 9},  {"358", "0", 6, 10}, {"420", "", 9, 9},   {"852", "", 8, 8},  {"961", "0", 7, 8},
    {"962", "0", 8, 9},  {"965", "", 8, 8},   {"966", "0", 9, 9},  {"968", "", 8, 8},  {"971", "0", 8, 9},
    {"972", "0", 8, 9},  {"973", "", 8, 8},   {"974", "", 8, 8},
};

static const struct country *country_of(const char *digits)
{
    for (size_t len = 3; len > 0; len--)
        for (size_t i = 0; i < COUNT_OF(countries); i++)
            if (strlen(countries[i].code) == len && strncmp(digits, countries[i].code, len) == 0)
                return &countries[i];
    return NULL;
}

static const struct country *country_find(const char *code)
{
    for (size_t i = 0; code && i < COUNT_OF(countries); i++)
        if (strcmp(countries[i].code, code) == 0)
            return &countries[i];
    return NULL;
}

const char *phone_country_code(const char *e164)
{
    const struct country *country = phone_is_e164(e164) ? country_of(e164 + 1) : NULL;

    return country ? country->code : NULL;
}

/* The digit at *p, also an Arabic-Indic (U+0660..) or Persian one (U+06F0..), and the bytes it takes; -1: it is none.
 */
static int digit_at(const unsigned char *p, size_t *ret_len)
{
    *ret_len = 1;
    if (*p >= '0' && *p <= '9')
        return *p - '0';
    *ret_len = 2;
    if (p[0] == 0xd9 && p[1] >= 0xa0 && p[1] <= 0xa9)
        return p[1] - 0xa0;
    if (p[0] == 0xdb && p[1] >= 0xb0 && p[1] <= 0xb9)
        return p[1] - 0xb0;
    return -1;
}

/* What may stand between digits: the bytes it takes; 0: it may not. No-break spaces, dashes and direction marks too. */
static size_t separator_len(const char *p)
{
    static const char *const wide[] = {"\xC2\xA0",     "\xE2\x80\x8B", "\xE2\x80\x8E", "\xE2\x80\x8F", "\xE2\x80\x90",
                                       "\xE2\x80\x91", "\xE2\x80\x92", "\xE2\x80\x93", "\xE2\x80\xAA", "\xE2\x80\xAC",
                                       "\xE2\x80\xAF", "\xE2\x81\xA6", "\xE2\x81\xA9"};

    if (strchr(" \t.-/()", *p))
        return 1;
    for (size_t i = 0; i < COUNT_OF(wide); i++)
        if (strncmp(p, wide[i], strlen(wide[i])) == 0)
            return strlen(wide[i]);
    return 0;
}

/* The digits of text, without the (0) of "+44 (0)20". *ret_plus: a '+' stands before them. False for anything else. */
static bool read_digits(const char *text, char digits[DIGITS_MAX + 1], bool *ret_plus)
{
    size_t n = 0, len;
    int digit;

    *ret_plus = false;
    while (*text) {
        if ((digit = digit_at((const unsigned char *)text, &len)) >= 0) {
            if (n == DIGITS_MAX)
                return false;
            digits[n++] = (char)('0' + digit);
        } else if (*text == '+' && n == 0 && !*ret_plus) {
            *ret_plus = true;
            len = 1;
        } else if (*ret_plus && n > 0 && strncmp(text, "(0)", 3) == 0) {
            len = 3;
        } else if ((len = separator_len(text)) == 0) {
            return false;
        }
        text += len;
    }
    digits[n] = '\0';
    return n > 0;
}

static const char *put(const char *code, const char *digits, char out[PHONE_E164_SIZE])
{
    int len = (int)strlen(digits);

    if (strlen(code) + (size_t)len > PHONE_E164_SIZE - 2)
        return NULL;
    snprintf(out, PHONE_E164_SIZE, "+%s%.*s", code, len, digits);
    return phone_is_e164(out) ? out : NULL;
}

static const char *international(const char *digits, char out[PHONE_E164_SIZE])
{
    const struct country *country = country_of(digits);
    int len = (int)strlen(digits);

    return country && len < (int)strlen(country->code) + country->min ? NULL : put("", digits, out);
}

static bool is_national(const struct country *country, const char *digits)
{
    int len = (int)strlen(digits);

    if (len < country->min || len > country->max)
        return false;
    return strcmp(country->code, "1") != 0 || digits[0] >= '2'; /* no area code of North America begins with 0 or 1 */
}

static const char *national(const char *digits, const struct country *country, char out[PHONE_E164_SIZE])
{
    size_t trunk = strlen(country->trunk), code = strlen(country->code);
    bool whole = is_national(country, digits);

    if (trunk && strncmp(digits, country->trunk, trunk) == 0 && is_national(country, digits + trunk))
        digits += trunk;
    else if (trunk && *country->trunk == '0' && strncmp(digits, country->code, code) == 0 && !whole &&
             is_national(country, digits + code))
        digits += code; /* 44 20 7946 0000 */
    else if (!whole || (*country->trunk == '0' && (*digits == '0' || country->min < country->max)))
        return NULL; /* without its zero a short one may be a number within a town */
    return put(country->code, digits, out);
}

const char *phone_to_e164(const char *text, const char *country_code, char out[PHONE_E164_SIZE])
{
    const struct country *country = country_find(country_code);
    bool plus, north_america = country && strcmp(country->code, "1") == 0;
    char digits[DIGITS_MAX + 1];

    if (!read_digits(text, digits, &plus))
        return NULL;
    if (plus)
        return international(digits, out);
    if (north_america && strncmp(digits, "011", 3) == 0)
        return international(digits + 3, out);
    if (!north_america && strncmp(digits, "00", 2) == 0)
        return international(digits + 2, out);
    return country ? national(digits, country, out) : NULL;
}

/* clock.c - see clock.h. */
#include "libshared/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t now_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return now_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

void clock_format(int64_t wall_us, char out[CLOCK_TEXT_SIZE])
{
    int64_t us = wall_us % 1000000;
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;

    if (us < 0) {
        us += 1000000;
        seconds--;
    }
    /* The years 0000 to 9999 fit the form; nothing of ours lies outside. */
    if (!gmtime_r(&seconds, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
        snprintf(out, CLOCK_TEXT_SIZE, "0000-01-01T00:00:00.000000Z");
        return;
    }
    snprintf(out, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)us);
}

/* Reads exactly n digits and moves on. */
static bool digits(const char **text, int n, int *ret_value)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)(*text)[i]))
            return false;
        value = value * 10 + ((*text)[i] - '0');
    }
    *text += n;
    *ret_value = value;
    return true;
}

static bool one_of(const char **text, const char *chars)
{
    if (**text == '\0' || !strchr(chars, **text))
        return false;
    (*text)++;
    return true;
}

/* ".5" -> 500000; digits beyond microseconds are dropped. Without a point: 0. */
static bool fraction(const char **text, int *ret_us)
{
    int us = 0, n = 0;

    if (**text == '.') {
        (*text)++;
        for (; isdigit((unsigned char)**text) && n < 9; (*text)++, n++)
            if (n < 6)
                us = us * 10 + (**text - '0');
        if (n == 0)
            return false;
        for (; n < 6; n++)
            us *= 10;
    }
    *ret_us = us;
    return true;
}

/* "Z", "+02:00", "+00", "-0330". */
static bool zone(const char **text, int *ret_minutes)
{
    int hours, minutes = 0;
    bool west = **text == '-';

    if (one_of(text, "Zz")) {
        *ret_minutes = 0;
        return true;
    }
    if (!one_of(text, "+-") || !digits(text, 2, &hours))
        return false;
    if (**text != '\0' && (one_of(text, ":"), !digits(text, 2, &minutes)))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *ret_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

int clock_parse(const char *text, int64_t *ret_wall_us)
{
    struct tm tm = {0}, back;
    int us, minutes;
    time_t seconds;

    if (!digits(&text, 4, &tm.tm_year) || !one_of(&text, "-") || !digits(&text, 2, &tm.tm_mon) || !one_of(&text, "-") ||
        !digits(&text, 2, &tm.tm_mday) || !one_of(&text, "Tt ") || !digits(&text, 2, &tm.tm_hour) ||
        !one_of(&text, ":") || !digits(&text, 2, &tm.tm_min) || !one_of(&text, ":") || !digits(&text, 2, &tm.tm_sec) ||
        !fraction(&text, &us) || !zone(&text, &minutes) || *text != '\0')
        return -1;
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    back = tm;
    seconds = timegm(&back);
    if (tm.tm_sec < 60 && (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon)) /* 31st of a shorter month */
        return -1;
    *ret_wall_us = ((int64_t)seconds - minutes * 60) * 1000000 + us;
    return 0;
}

/* segments.c - see segments.h. GSM 03.38's default alphabet and its extension. */
#include "tools/sandbox/segments.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libshared/auto.h"

/* Beyond ASCII; of ASCII all but those of the extension and "`" are in the alphabet. */
static const uint16_t beyond_ascii[] = {
    0xA3,  0xA5,  0xE8,  0xE9,  0xF9,  0xEC,  0xF2,  0xC7,  0xD8,  0xF8, 0xC5, 0xE5, 0x394,
    0x3A6, 0x393, 0x39B, 0x3A9, 0x3A0, 0x3A8, 0x3A3, 0x398, 0x39E, 0xC6, 0xE6, 0xDF, 0xC9,
    0xA4,  0xA1,  0xC4,  0xD6,  0xD1,  0xDC,  0xA7,  0xBF,  0xE4,  0xF6, 0xF1, 0xFC, 0xE0,
};

static uint32_t next_character(const char **p)
{
    const unsigned char *s = (const unsigned char *)*p;
    int more = s[0] < 0x80 ? 0 : s[0] < 0xE0 ? 1 : s[0] < 0xF0 ? 2 : 3;
    uint32_t c = more == 0 ? s[0] : s[0] & (0x3Fu >> more);

    for (int i = 1; i <= more; i++)
        c = c << 6 | (s[i] & 0x3F);
    *p += 1 + more;
    return c;
}

/* 1, 2 (escaped), or 0: not in it. */
static int septets(uint32_t c)
{
    switch (c) {
    case '^':
    case '{':
    case '}':
    case '\\':
    case '[':
    case '~':
    case ']':
    case '|':
    case '\f':
    case 0x20AC:
        return 2;
    case '`':
        return 0;
    case '\n':
    case '\r':
        return 1;
    default:
        break;
    }
    if (c < 0x80)
        return c >= 0x20 && c < 0x7F;
    for (size_t i = 0; i < COUNT_OF(beyond_ascii); i++)
        if (beyond_ascii[i] == c)
            return 1;
    return 0;
}

int sms_segments_of(const char *body)
{
    bool gsm = true;
    int units = 0, parts = 1, filled = 0, each;

    for (const char *p = body; *p;)
        gsm = septets(next_character(&p)) && gsm;
    each = gsm ? 153 : 67;
    for (const char *p = body; *p;) {
        uint32_t c = next_character(&p);
        int size = gsm ? septets(c) : c > 0xFFFF ? 2 : 1;

        units += size;
        if (filled + size > each) {
            parts++;
            filled = 0;
        }
        filled += size;
    }
    return units <= (gsm ? 160 : 70) ? 1 : parts;
}

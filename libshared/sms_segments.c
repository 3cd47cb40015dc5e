/* sms_segments.c - see sms_segments.h. */
#include "libshared/sms_segments.h"

#include <stddef.h>
#include <stdint.h>

#define GSM_ONE   160
#define GSM_EACH  153
#define UCS2_ONE  70
#define UCS2_EACH 67

/* The next character of valid UTF-8; 0 at its end. */
static uint32_t next_char(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    int more = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? p[0] : p[0] & (0x3fU >> more);

    if (p[0] == '\0')
        return 0;
    for (int i = 1; i <= more && p[i]; i++)
        c = c << 6 | (p[i] & 0x3fU);
    *text += 1;
    for (int i = 0; i < more && **text; i++)
        *text += 1;
    return c;
}

/* The characters of the alphabet's basic table beyond ASCII. */
static bool is_gsm_beyond_ascii(uint32_t c)
{
    static const uint16_t chars[] = {
        0xa1, 0xa3, 0xa4, 0xa5,  0xa7,  0xbf,  0xc4,  0xc5,  0xc6,  0xc7,  0xc9,  0xd1,  0xd6,
        0xd8, 0xdc, 0xdf, 0xe0,  0xe4,  0xe5,  0xe6,  0xe8,  0xe9,  0xec,  0xf1,  0xf2,  0xf6,
        0xf8, 0xf9, 0xfc, 0x393, 0x394, 0x398, 0x39b, 0x39e, 0x3a0, 0x3a3, 0x3a6, 0x3a8, 0x3a9,
    };

    for (size_t i = 0; i < sizeof chars / sizeof chars[0]; i++)
        if (chars[i] == c)
            return true;
    return false;
}

/* Septets of a character; 0: the alphabet does not have it. */
static int gsm_septets(uint32_t c)
{
    switch (c) {
    case '\f':
    case '^':
    case '{':
    case '}':
    case '\\':
    case '[':
    case ']':
    case '~':
    case '|':
    case 0x20ac: /* the euro */
        return 2;
    case '`':
        return 0;
    case '\n':
    case '\r':
        return 1;
    }
    if (c < 0x7f)
        return c >= ' ';
    return is_gsm_beyond_ascii(c);
}

static int ucs2_units(uint32_t c)
{
    return c > 0xffff ? 2 : 1;
}

static bool is_gsm(const char *text)
{
    for (uint32_t c; (c = next_char(&text));)
        if (!gsm_septets(c))
            return false;
    return true;
}

struct sms_size sms_size(const char *text)
{
    struct sms_size size = {.ucs2 = !is_gsm(text)};
    int each = size.ucs2 ? UCS2_EACH : GSM_EACH;
    int segments = 0, left = 0; /* were the text cut into several */

    for (uint32_t c; (c = next_char(&text));) {
        int units = size.ucs2 ? ucs2_units(c) : gsm_septets(c);

        size.units += units;
        if (units > left) {
            segments++;
            left = each;
        }
        left -= units;
    }
    if (size.units > 0)
        size.segments = size.units <= (size.ucs2 ? UCS2_ONE : GSM_ONE) ? 1 : segments;
    return size;
}

int sms_segments(const char *text)
{
    int segments = sms_size(text).segments;

    return segments > 0 ? segments : 1;
}

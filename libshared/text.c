/* text.c - see text.h. */
#include "libshared/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"

/* Bytes of the character that starts with lead, 0 if none can. */
static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    if (lead >= 0xf0 && lead <= 0xf4)
        return 4;
    return 0;
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

bool utf8_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;

    for (size_t i = 0; i < len;) {
        size_t n = sequence_length(p[i]);

        if (n == 0 || p[i] == 0 || n > len - i)
            return false;
        for (size_t k = 1; k < n; k++)
            if (!is_continuation(p[i + k]))
                return false;
        if ((p[i] == 0xe0 && p[i + 1] < 0xa0) ||  /* overlong */
            (p[i] == 0xed && p[i + 1] >= 0xa0) || /* surrogate */
            (p[i] == 0xf0 && p[i + 1] < 0x90) ||  /* overlong */
            (p[i] == 0xf4 && p[i + 1] >= 0x90))   /* above U+10FFFF */
            return false;
        i += n;
    }
    return true;
}

size_t utf8_cut(const char *text, size_t len, size_t max)
{
    size_t end = len < max ? len : max;
    size_t start = end;

    /* Back to the lead byte of the last character: kept if all of it is within. */
    while (start > 0 && end - start < 4) {
        unsigned char c = (unsigned char)text[--start];

        if (!is_continuation(c))
            return sequence_length(c) > end - start ? start : end;
    }
    return end;
}

size_t utf8_count(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        if (!is_continuation((unsigned char)*text))
            n++;
    return n;
}

bool phone_is_e164(const char *text)
{
    size_t digits;

    if (text[0] != '+' || text[1] == '0')
        return false;
    digits = strspn(text + 1, "0123456789");
    return digits >= 7 && digits <= 15 && text[1 + digits] == '\0';
}

void phone_mask(const char *phone, char out[PHONE_MASK_SIZE])
{
    size_t len = phone ? strlen(phone) : 0;

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)phone[i] >= 0x7f || (unsigned char)phone[i] < 0x20)
            len = 0;
    if (len < 12)
        snprintf(out, PHONE_MASK_SIZE, "***");
    else
        snprintf(out, PHONE_MASK_SIZE, "%.5s***%s", phone, phone + len - 4);
}

bool text_to_int(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t n = strspn(digits, "0123456789");
    long long value;

    if (n == 0 || digits[n] != '\0')
        return false;
    errno = 0;
    value = strtoll(text, NULL, 10);
    if (errno || value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

bool text_has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

bool text_has_word(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at >= 0x80 || (*at >= '0' && *at <= '9') || ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z'))
            return true;
    return false;
}

void hex_encode(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 0xf];
    }
    *out = '\0';
}

const char *text_line(struct arena *arena, const char *text, size_t max)
{
    char *copy;

    if (!text || !text_has_word(text) || !(copy = arena_strndup(arena, text, utf8_cut(text, strlen(text), max))))
        return NULL;
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return copy;
}

const char *email_normalise(struct arena *arena, const char *text)
{
    const char *at = strchr(text, '@');
    char *lower;

    if (!at || at == text || strchr(at + 1, '@') || !strchr(at + 1, '.') || at[1] == '.' || at[strlen(at) - 1] == '.' ||
        strpbrk(text, " ,;<>\"") || text_has_control(text) || !(lower = arena_strdup(arena, text)))
        return NULL;
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return lower;
}

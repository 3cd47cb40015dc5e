/* canon.c - see canon.h. */
#include "services/orchestrator/guards/canon.h"

#include <stdint.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"

/* What stands for the code points from first to last; NULL: nothing does. */
static const struct {
    uint32_t first, last;
    const char *plain;
} signs[] = {
    {0x00a0, 0x00a0, " "},  {0x00a1, 0x00a1, " "},   {0x00a2, 0x00a2, " cents"}, {0x00ab, 0x00ab, "\""},
    {0x00ad, 0x00ad, NULL}, {0x00b4, 0x00b4, "'"},   {0x00b7, 0x00b7, " "},      {0x00ba, 0x00ba, NULL},
    {0x00aa, 0x00aa, NULL}, {0x00bb, 0x00bb, "\""},  {0x00bd, 0x00bd, " half"},  {0x00bf, 0x00bf, " "},
    {0x00c0, 0x00c5, "A"},  {0x00c7, 0x00c7, "C"},   {0x00c8, 0x00cb, "E"},      {0x00cc, 0x00cf, "I"},
    {0x00d1, 0x00d1, "N"},  {0x00d2, 0x00d6, "O"},   {0x00d9, 0x00dc, "U"},      {0x00e0, 0x00e5, "a"},
    {0x00e7, 0x00e7, "c"},  {0x00e8, 0x00eb, "e"},   {0x00ec, 0x00ef, "i"},      {0x00f1, 0x00f1, "n"},
    {0x00f2, 0x00f6, "o"},  {0x00f9, 0x00fc, "u"},   {0x0300, 0x036f, NULL},     {0x060c, 0x060c, ","},
    {0x061b, 0x061b, ";"},  {0x061c, 0x061c, NULL},  {0x061f, 0x061f, "?"},      {0x0622, 0x0623, "ا"},
    {0x0625, 0x0625, "ا"},  {0x0629, 0x0629, "ه"},   {0x0640, 0x0640, NULL},     {0x0649, 0x0649, "ي"},
    {0x064b, 0x065f, NULL}, {0x066a, 0x066a, "%"},   {0x066b, 0x066b, "."},      {0x066c, 0x066c, ","},
    {0x0670, 0x0670, NULL}, {0x0671, 0x0671, "ا"},   {0x06d4, 0x06d4, "."},      {0x2000, 0x200a, " "},
    {0x200b, 0x200f, NULL}, {0x2010, 0x2015, "-"},   {0x2018, 0x201b, "'"},      {0x201c, 0x201f, "\""},
    {0x2022, 0x2022, " "},  {0x2026, 0x2026, "..."}, {0x2028, 0x2029, "\n"},     {0x202a, 0x202e, NULL},
    {0x202f, 0x202f, " "},  {0x2032, 0x2032, "'"},   {0x2060, 0x2069, NULL},     {0x20aa, 0x20aa, "ILS"},
    {0x2190, 0x21ff, " "},  {0x2212, 0x2212, "-"},   {0x2300, 0x27bf, " "},      {0x2b00, 0x2bff, " "},
    {0x3000, 0x3000, " "},  {0xfe00, 0xfe0f, NULL},  {0xfeff, 0xfeff, NULL},     {0xff04, 0xff04, "$"},
    {0xff05, 0xff05, "%"},  {0x1f000, 0x1faff, " "}, {0xe0000, 0xe007f, NULL},
};

/* The zeros of the scripts whose ten digits follow each other. */
static const uint32_t zeros[] = {0x0660, 0x06f0, 0x0966, 0xff10, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6};

/* One code point at p, which is not ASCII; the bytes that it has, 1 where they are no UTF-8. */
static size_t decode(const unsigned char *p, uint32_t *ret)
{
    size_t len = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc0 ? 2 : 1;

    *ret = len == 1 ? *p : *p & (0x7f >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        *ret = *ret << 6 | (p[i] & 0x3f);
    }
    return len;
}

static char *put(char *w, const char *text, size_t len)
{
    memcpy(w, text, len);
    return w + len;
}

static char *put_code(char *w, const char *p, size_t len, uint32_t code)
{
    for (size_t i = 0; i < COUNT_OF(zeros); i++)
        if (code >= zeros[i] && code <= zeros[i] + 9) {
            *w++ = (char)('0' + (code - zeros[i]));
            return w;
        }
    for (size_t i = 0; i < COUNT_OF(signs); i++)
        if (code >= signs[i].first && code <= signs[i].last)
            return signs[i].plain ? put(w, signs[i].plain, strlen(signs[i].plain)) : w;
    return put(w, p, len);
}

char *canon_text(struct arena *arena, const char *text)
{
    /* A sign of two bytes becomes at most six. */
    char *plain = arena_alloc(arena, strlen(text) * 3 + 1), *w = plain;

    if (!plain)
        return NULL;
    while (*text) {
        uint32_t code;
        size_t len;

        if ((unsigned char)*text < 0x80) {
            *w++ = *text++;
            continue;
        }
        len = decode((const unsigned char *)text, &code);
        w = put_code(w, text, len, code);
        text += len;
    }
    *w = '\0';
    return plain;
}

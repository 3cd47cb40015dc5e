/* chunker_tokens.c - about how many tokens a text has, without a vocabulary. */
#include "services/knowledge/ingest/chunker.h"
#include "services/knowledge/ingest/chunker_internal.h"

enum script {
    SCRIPT_BLANK,
    SCRIPT_LETTER,
    SCRIPT_DIGIT,
    SCRIPT_SIGN,
    SCRIPT_ACCENTED,
    SCRIPT_ARABIC,
    SCRIPT_WIDE,
    SCRIPT_OTHER
};

static enum script script_of(const unsigned char *p)
{
    unsigned char c = *p;

    if (c < 0x80) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            return SCRIPT_LETTER;
        if (c >= '0' && c <= '9')
            return SCRIPT_DIGIT;
        return is_blank((char)c) ? SCRIPT_BLANK : SCRIPT_SIGN;
    }
    if (c >= 0xc3 && c <= 0xc9)
        return SCRIPT_ACCENTED;
    if (c >= 0xd8 && c <= 0xdb)
        return SCRIPT_ARABIC;
    if (c >= 0xe3 && c <= 0xed)
        return SCRIPT_WIDE;
    return SCRIPT_OTHER;
}

/* In hundredths of a token. */
int64_t token_estimate(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    int64_t sum = 0;
    enum script before = SCRIPT_BLANK;
    size_t run = 0; /* letters of the word so far, digits of the number */

    for (size_t i = 0; i < len; i++) {
        enum script now;

        if ((p[i] & 0xc0) == 0x80)
            continue;
        now = script_of(p + i);
        run = now == before || (now == SCRIPT_ACCENTED && before == SCRIPT_LETTER) ||
                      (now == SCRIPT_LETTER && before == SCRIPT_ACCENTED)
                  ? run + 1
                  : 1;
        switch (now) {
        case SCRIPT_BLANK:
            sum += p[i] == '\n' && run == 1 ? 50 : 0;
            break;
        case SCRIPT_LETTER:
            sum += run == 1 ? 82 : run > 5 ? 20 : 4;
            break;
        case SCRIPT_DIGIT:
            sum += run % 3 == 1 ? 100 : 15;
            break;
        case SCRIPT_SIGN:
            sum += run == 1 ? 95 : 45;
            break;
        case SCRIPT_ACCENTED:
            sum += 100;
            break;
        case SCRIPT_ARABIC:
            sum += 92;
            break;
        case SCRIPT_WIDE:
            sum += 115;
            break;
        case SCRIPT_OTHER:
            sum += 130;
            break;
        }
        before = now;
    }
    return (sum + 99) / 100;
}

/* wording_fold.c - the words of a text, however they are written. See wording.h. */
#include <string.h>
#include <utf8proc.h>

#include "libshared/auto.h"
#include "libshared/wording.h"

#define DECOMPOSED_MAX 20 /* U+FDFA becomes 18 */

static bool is_one_of(utf8proc_int32_t c, const utf8proc_int32_t *set, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (set[i] == c)
            return true;
    return false;
}

/* ' ` ´ ʹ ʼ ʾ ‘ ’ ‛ ′ and the full-width one: what people type for the apostrophe of don't. */
static bool is_apostrophe(utf8proc_int32_t c)
{
    static const utf8proc_int32_t set[] = {0x27,   0x60,   0xb4,   0x2b9,  0x2bc, 0x2be,
                                           0x2018, 0x2019, 0x201b, 0x2032, 0xff07};

    return is_one_of(c, set, COUNT_OF(set));
}

static enum wording_break break_of(utf8proc_int32_t c)
{
    /* . ! ? line break, their inverted, Arabic and ideographic forms, ellipsis, double marks. */
    static const utf8proc_int32_t sentence[] = {'.',    '!',    '?',    '\n',   '\r',   0xa1,   0xbf,
                                                0x61f,  0x6d4,  0x964,  0x2026, 0x203c, 0x2047, 0x2048,
                                                0x2049, 0x3002, 0xff01, 0xff0e, 0xff1f};
    /* , ; : ( ) " dashes between words (not the hyphen), Arabic and ideographic forms, quotation marks. */
    static const utf8proc_int32_t clause[] = {',',    ';',    ':',    '(',    ')',    '"',    0x60c,
                                              0x61b,  0xab,   0xbb,   0x2013, 0x2014, 0x201c, 0x201d,
                                              0x201e, 0x3001, 0xff0c, 0xff1a, 0xff1b};

    if (is_one_of(c, sentence, COUNT_OF(sentence)))
        return BREAK_SENTENCE;
    return is_one_of(c, clause, COUNT_OF(clause)) ? BREAK_CLAUSE : BREAK_NONE;
}

/* After decomposition: letters that Arabic writers use for one another; 0: not written down at all. */
static utf8proc_int32_t same_letter(utf8proc_int32_t c)
{
    switch (c) {
    case 0x621: /* hamza */
    case 0x640: /* tatweel */
        return 0;
    case 0x629: /* teh marbuta */
        return 0x647;
    case 0x649: /* alef maksura */
    case 0x6cc: /* Farsi yeh */
        return 0x64a;
    case 0x671: /* alef wasla */
        return 0x627;
    case 0x6a9: /* keheh */
        return 0x643;
    default:
        return c;
    }
}

static bool is_word_letter(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
        return true;
    default:
        return false;
    }
}

/* The character at the cursor, which moves behind it; a byte that is no UTF-8 is a space. */
static utf8proc_int32_t take_char(struct wording_cursor *self)
{
    utf8proc_int32_t c = ' ';
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)self->text, (utf8proc_ssize_t)self->left, &c);

    if (n <= 0) {
        c = ' ';
        n = 1;
    }
    self->text += n;
    self->left -= (size_t)n;
    return c;
}

/* The plain letters that c stands for. 0: none, it parts words; -1: none, but it does not (an accent, a joiner). */
static int plain_letters(utf8proc_int32_t c, utf8proc_int32_t out[DECOMPOSED_MAX])
{
    int bound = 0;
    utf8proc_ssize_t n;
    int kept = 0;
    bool parts = false;

    if (c < 0x80) {
        bool upper = c >= 'A' && c <= 'Z';

        out[0] = upper ? c + 32 : c;
        return upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    }
    n = utf8proc_decompose_char(c, out, DECOMPOSED_MAX,
                                UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK |
                                    UTF8PROC_IGNORE,
                                &bound);
    if (n > DECOMPOSED_MAX)
        n = 0;
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        utf8proc_int32_t letter = same_letter(out[i]);

        if (letter && is_word_letter(letter))
            out[kept++] = letter;
        else
            parts |= letter != 0;
    }
    if (kept > 0)
        return kept;
    return parts ? 0 : -1;
}

/* A word that does not fit comes out cut: it is longer than any of ours. */
static size_t append(char word[WORDING_WORD], size_t len, utf8proc_int32_t letter)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char(letter, bytes);

    if (n <= 0 || len + (size_t)n > WORDING_WORD - 1)
        return len;
    memcpy(word + len, bytes, (size_t)n);
    return len + (size_t)n;
}

bool wording_next_word(struct wording_cursor *self, char word[WORDING_WORD], enum wording_break *ret_break)
{
    utf8proc_int32_t letters[DECOMPOSED_MAX];
    size_t len = 0;

    *ret_break = BREAK_NONE;
    memset(word, 0, WORDING_WORD);
    while (self->left > 0) {
        struct wording_cursor here = *self;
        utf8proc_int32_t c = take_char(self);
        int n = is_apostrophe(c) ? -1 : plain_letters(c, letters);

        if (n == 0 && len > 0) {
            *self = here; /* its mark belongs to the next word */
            return true;
        }
        if (n == 0 && break_of(c) > *ret_break)
            *ret_break = break_of(c);
        for (int i = 0; i < n; i++)
            len = append(word, len, letters[i]);
    }
    return len > 0;
}

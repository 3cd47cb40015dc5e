/* extract_plain.c - bytes become valid UTF-8 with plain ends of lines, or are refused. */
#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/knowledge/ingest/extract_internal.h"

#define CONTROL_SHARE 100  /* more than one control byte in so many: no text */
#define META_WITHIN   4096 /* bytes in which a page must name its charset; HTML says 1,024 */
#define CHARSET_BYTES 40

/* Charsets of the web (WHATWG's labels) that are still met, and iconv's name where it is another. */
static const struct {
    const char *label, *iconv;
} charsets[] = {
    {"iso-8859-1", "CP1252"},   {"latin1", "CP1252"},       {"us-ascii", "CP1252"},     {"ascii", "CP1252"},
    {"windows-1250", "CP1250"}, {"windows-1251", "CP1251"}, {"windows-1252", "CP1252"}, {"windows-1253", "CP1253"},
    {"windows-1254", "CP1254"}, {"windows-1255", "CP1255"}, {"windows-1256", "CP1256"}, {"windows-1257", "CP1257"},
    {"windows-1258", "CP1258"}, {"iso-8859-2", NULL},       {"iso-8859-3", NULL},       {"iso-8859-4", NULL},
    {"iso-8859-5", NULL},       {"iso-8859-6", NULL},       {"iso-8859-7", NULL},       {"iso-8859-8", NULL},
    {"iso-8859-9", "CP1254"},   {"iso-8859-10", NULL},      {"iso-8859-13", NULL},      {"iso-8859-14", NULL},
    {"iso-8859-15", NULL},      {"iso-8859-16", NULL},      {"koi8-r", NULL},           {"koi8-u", NULL},
    {"shift_jis", "CP932"},     {"euc-jp", NULL},           {"euc-kr", "CP949"},        {"gb2312", "GB18030"},
    {"gbk", "GB18030"},         {"gb18030", NULL},          {"big5", "BIG5-HKSCS"},
};

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "extract: out of memory");
}

bool text_is_blank(const char *text)
{
    while (*text) {
        if (strncmp(text, "\xc2\xa0", 2) == 0) /* a space that does not break */
            text += 2;
        else if (strchr(" \t\n\r\f\v", *text))
            text++;
        else
            return false;
    }
    return true;
}

/* The first byte that belongs to no character. */
static size_t invalid_at(const char *text, size_t len)
{
    size_t low = 0;

    while (low < len) {
        size_t n = 1;

        while (n < 4 && low + n < len && ((unsigned char)text[low + n] & 0xc0) == 0x80)
            n++;
        if (!utf8_valid(text + low, n))
            return low;
        low += n;
    }
    return len;
}

/* Tabs, ends of lines and pages are in texts; other control bytes are hardly, a NUL never. */
static int check_binary(const char *text, size_t len, struct err *err)
{
    size_t controls = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == 0)
            return err_set_field(err, ERR_INVALID, "content", "is a binary file, not text: byte %zu is a NUL", i);
        controls += (c < 0x20 && !strchr("\t\n\v\f\r\x1b", c)) || c == 0x7f;
    }
    if (controls > 8 && controls > len / CONTROL_SHARE)
        return err_set_field(err, ERR_INVALID, "content",
                             "is a binary file, not text: %zu of its %zu bytes are control characters", controls, len);
    return 0;
}

/* In place: CRLF and CR become LF, a page's end the end of a paragraph, other control characters a blank. */
static size_t clean_lines(char *text, size_t len)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\r' && i + 1 < len && text[i + 1] == '\n')
            continue;
        if (c == '\r' || c == '\f' || c == '\v')
            c = '\n';
        else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            c = ' ';
        text[out++] = (char)c;
    }
    text[out] = '\0';
    return out;
}

/* No charset makes more than three bytes of UTF-8 of one byte, apart from single marks; UTF-16 not more than 1.5. */
static int convert(const char *charset, const char *shown, const char *data, size_t len, struct arena *arena,
                   char **ret_text, size_t *ret_len, struct err *err)
{
    size_t room = len * 3 + 16, left = room, in_left = len, rc;
    iconv_t cd = iconv_open("UTF-8", charset);
    char *text, *in = (char *)data, *out;

    if (cd == (iconv_t)-1)
        return err_set_field(err, ERR_INVALID, "content", "its charset %s is not supported: use UTF-8", shown);
    if (!(text = out = arena_alloc(arena, room + 1))) {
        iconv_close(cd);
        return out_of_memory(err);
    }
    rc = iconv(cd, &in, &in_left, &out, &left);
    iconv_close(cd);
    if (rc == (size_t)-1)
        return err_set_field(err, ERR_INVALID, "content", "byte %zu is not valid in its charset %s",
                             (size_t)(in - data), shown);
    *ret_text = text;
    *ret_len = room - left;
    return 0;
}

/* The charset that a byte order mark tells, NULL without one. */
static const char *charset_by_mark(const char *data, size_t len, size_t *ret_mark)
{
    *ret_mark = 2;
    if (len >= 2 && memcmp(data, "\xff\xfe", 2) == 0)
        return "UTF-16LE";
    if (len >= 2 && memcmp(data, "\xfe\xff", 2) == 0)
        return "UTF-16BE";
    *ret_mark = len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    return NULL;
}

/* What stands behind "charset=" near the page's start; "" if nothing does. */
static void charset_by_meta(const char *data, size_t len, char out[CHARSET_BYTES + 1])
{
    size_t end = len < META_WITHIN ? len : META_WITHIN;
    size_t n = 0;

    for (size_t i = 0; n == 0 && i + 8 < end; i++) {
        if (strncasecmp(data + i, "charset=", 8) != 0)
            continue;
        i += 8;
        while (i < end && (data[i] == '"' || data[i] == '\'' || data[i] == ' '))
            i++;
        while (i < end && n < CHARSET_BYTES && data[i] > ' ' && !strchr("\"'>;/", data[i]))
            out[n++] = data[i++];
    }
    out[n] = '\0';
}

static const char *charset_known(const char *label)
{
    for (size_t i = 0; i < COUNT_OF(charsets); i++)
        if (strcasecmp(charsets[i].label, label) == 0)
            return charsets[i].iconv ? charsets[i].iconv : charsets[i].label;
    return NULL;
}

static int not_utf8(const char *data, size_t len, size_t mark, struct err *err)
{
    size_t at = invalid_at(data, len);

    return err_set_field(err, ERR_INVALID, "content", "is not valid UTF-8: byte %zu is 0x%02x", mark + at,
                         (unsigned char)data[at]);
}

/* text is UTF-8 or what should be: checked and copied. */
static int take_utf8(const char *data, size_t len, size_t mark, struct arena *arena, char **ret_text, size_t *ret_len,
                     struct err *err)
{
    char *text;

    if (check_binary(data, len, err) < 0)
        return -1;
    if (!utf8_valid(data, len))
        return not_utf8(data, len, mark, err);
    if (!(text = arena_strndup(arena, data, len)))
        return out_of_memory(err);
    *ret_len = clean_lines(text, len);
    *ret_text = text;
    return 0;
}

static int take_converted(const char *charset, const char *shown, const char *data, size_t len, struct arena *arena,
                          char **ret_text, size_t *ret_len, struct err *err)
{
    char *text = NULL;
    size_t n = 0;

    if (convert(charset, shown, data, len, arena, &text, &n, err) < 0 || check_binary(text, n, err) < 0)
        return -1;
    *ret_len = clean_lines(text, n);
    *ret_text = text;
    return 0;
}

int plain_text(const char *data, size_t len, struct arena *arena, char **ret_text, size_t *ret_len, struct err *err)
{
    size_t mark;
    const char *charset = charset_by_mark(data, len, &mark);

    data += mark;
    len -= mark;
    if (charset)
        return take_converted(charset, charset, data, len, arena, ret_text, ret_len, err);
    return take_utf8(data, len, mark, arena, ret_text, ret_len, err);
}

int page_text(const char *data, size_t len, struct arena *arena, char **ret_text, size_t *ret_len, struct err *err)
{
    size_t mark;
    char label[CHARSET_BYTES + 1];
    const char *charset = charset_by_mark(data, len, &mark);

    if (charset || mark > 0 || utf8_valid(data, len) || memchr(data, '\0', len))
        return plain_text(data, len, arena, ret_text, ret_len, err);
    charset_by_meta(data, len, label);
    if (!*label || strcasecmp(label, "utf-8") == 0 || strcasecmp(label, "utf8") == 0)
        return take_utf8(data, len, 0, arena, ret_text, ret_len, err);
    if (!(charset = charset_known(label)))
        return err_set_field(err, ERR_INVALID, "content", "its charset %s is not supported: use UTF-8", label);
    return take_converted(charset, label, data, len, arena, ret_text, ret_len, err);
}

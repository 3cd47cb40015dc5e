/* reply_channel.c - see reply_channel.h. */
#include "services/orchestrator/turn/reply_channel.h"

#include <stdint.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/sms_segments.h"
#include "libshared/text.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/reply.h"

#define GSM_ONE   160
#define GSM_EACH  153
#define UCS2_ONE  70
#define UCS2_EACH 67

struct reply_limit reply_limit(const struct decision_input *in)
{
    int chars = client_config_int(in->config, "reply_max_chars", REPLY_MAX);
    bool sms = !in->channel || strcmp(in->channel, "whatsapp") != 0;

    return (struct reply_limit){.chars = (size_t)chars,
                                .segments = !sms               ? 0
                                            : chars <= GSM_ONE ? 1
                                                               : (chars + GSM_EACH - 1) / GSM_EACH};
}

size_t reply_limit_ucs2(const struct reply_limit *limit)
{
    size_t units = limit->segments == 1 ? UCS2_ONE : (size_t)limit->segments * UCS2_EACH;

    return limit->segments > 0 && units < limit->chars ? units : limit->chars;
}

bool reply_fits(const char *plain, const struct reply_limit *limit)
{
    return utf8_count(plain) <= limit->chars && (limit->segments == 0 || sms_size(plain).segments <= limit->segments);
}

/* What stands for a mark in the GSM alphabet. */
static const struct {
    const char *mark, *gsm;
} marks[] = {{"\u2018", "'"},  {"\u2019", "'"},  {"\u201a", "'"},   {"\u201b", "'"},  {"\u2032", "'"},
             {"\u00b4", "'"},  {"`", "'"},       {"\u201c", "\""},  {"\u201d", "\""}, {"\u201e", "\""},
             {"\u2033", "\""}, {"\u00ab", "\""}, {"\u00bb", "\""},  {"\u2010", "-"},  {"\u2011", "-"},
             {"\u2012", "-"},  {"\u2013", "-"},  {"\u2014", "-"},   {"\u2015", "-"},  {"\u2212", "-"},
             {"\u2022", "-"},  {"\u00b7", "-"},  {"\u2026", "..."}, {"\u00a0", " "},  {"\u2009", " "},
             {"\u200a", " "},  {"\u202f", " "},  {"\u200b", ""},    {"\u200d", ""},   {"\ufe0f", ""},
             {"\u00d7", "x"},  {"\t", " "},      {"\u2192", "->"},  {"\u2713", ""},   {"\u2714", ""},
             {"\u2705", ""}};

/* Emoji: the planes of pictures, and the older dingbats and symbols. p: valid UTF-8. The bytes, 0 if it is none. */
static size_t picture(const char *p)
{
    const unsigned char *c = (const unsigned char *)p;

    if (c[0] == 0xf0 && c[1] == 0x9f)
        return 4;
    if (c[0] == 0xe2 && c[1] >= 0x98 && c[1] <= 0x9e) /* U+2600 to U+27BF */
        return 3;
    return 0;
}

static size_t find_mark(const char *p)
{
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (*p == *marks[i].mark && strncmp(p, marks[i].mark, strlen(marks[i].mark)) == 0)
            return i;
    return COUNT_OF(marks);
}

/* text with what GSM has in place of each mark, and without emoji and the space before them. */
static const char *without_marks(struct arena *arena, const char *text)
{
    AUTO(buf_free) struct buf out = {0};

    for (const char *p = text; *p;) {
        size_t i = find_mark(p), n = picture(p);

        if (i < COUNT_OF(marks)) {
            buf_puts(&out, marks[i].gsm);
            p += strlen(marks[i].mark);
        } else if (n > 0) {
            p += n;
            if (out.len > 0 && out.data[out.len - 1] == ' ' && (*p == ' ' || *p == '\0' || *p == '\n'))
                out.data[--out.len] = '\0';
        } else {
            buf_append(&out, p++, 1);
        }
    }
    return out.failed ? NULL : arena_strdup(arena, out.data ? out.data : "");
}

const char *reply_plain(struct arena *arena, const char *text, const struct reply_limit *limit)
{
    const char *plain = reply_fit(arena, text, SIZE_MAX), *gsm;

    if (!plain || limit->segments == 0 || !sms_size(plain).ucs2)
        return plain;
    if (!(gsm = without_marks(arena, plain)))
        return NULL;
    return *gsm && !sms_size(gsm).ucs2 ? gsm : plain;
}

const char *reply_within(struct arena *arena, const char *text, const struct reply_limit *limit)
{
    const char *plain = reply_plain(arena, text, limit), *cut = plain;

    for (size_t max = limit->chars; cut && !reply_fits(cut, limit) && max > 0; max -= max / 16 + 1)
        cut = reply_fit(arena, plain, max);
    return cut;
}

/* said, and before or behind it as much of a plain text as fits. */
static const char *with_rest(struct arena *arena, const char *said, const char *plain, bool rest_first,
                             const struct reply_limit *limit)
{
    for (size_t max = limit->chars; max > 0; max -= max / 16 + 1) {
        const char *rest = reply_fit(arena, plain, max), *both;

        if (!rest || !(both = arena_printf(arena, "%s %s", rest_first ? rest : said, rest_first ? said : rest)))
            return NULL;
        if (*rest && reply_fits(both, limit))
            return both;
    }
    return said;
}

const char *reply_behind(struct arena *arena, const char *said, const char *plain, const struct reply_limit *limit)
{
    return with_rest(arena, said, plain, false, limit);
}

const char *reply_before(struct arena *arena, const char *plain, const char *said, const struct reply_limit *limit)
{
    return with_rest(arena, said, plain, true, limit);
}

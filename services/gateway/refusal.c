/* refusal.c - see refusal.h. */
#include "services/gateway/refusal.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "libshared/auto.h"
#include "libshared/consent.h"

#define NAME_MAX_BYTES 100

/* What of it a name says: do_not_text, doNotText, "May we text you?". */
struct said {
    bool texts, negated;
};

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

bool field_is_yes(const char *value)
{
    static const char *const words[] = {"yes",    "y",      "true",     "1",  "on", "ok",  "agree",
                                        "agreed", "accept", "accepted", "si", "sí", "نعم", "أوافق"};

    return value && is_one_of(value, words, COUNT_OF(words));
}

static bool is_no(const char *value)
{
    static const char *const words[] = {"no", "n", "false", "0", "off", "never", "no thanks", "no, thanks", "لا"};

    return is_one_of(value, words, COUNT_OF(words));
}

static void hear(const char *word, struct said *said)
{
    static const char *const texts[] = {"sms", "text", "texts", "texted", "texting", "whatsapp"};
    static const char *const negations[] = {"no", "not", "dont", "never", "stop", "out", "without", "optout"};

    said->texts = said->texts || is_one_of(word, texts, COUNT_OF(texts));
    said->negated = said->negated || is_one_of(word, negations, COUNT_OF(negations));
}

/* Words end at what is no letter, and before a capital behind a small letter; "don't" is dont. */
static struct said read_name(const char *name)
{
    struct said said = {0};
    char word[NAME_MAX_BYTES + 1];
    size_t len = 0;

    for (const char *p = name; *p && p - name < NAME_MAX_BYTES; p++) {
        if (*p == '\'')
            continue;
        if (len > 0 && (!isalpha((unsigned char)*p) || (isupper((unsigned char)*p) && islower((unsigned char)p[-1])))) {
            word[len] = '\0';
            hear(word, &said);
            len = 0;
        }
        if (isalpha((unsigned char)*p))
            word[len++] = *p;
    }
    word[len] = '\0';
    hear(word, &said);
    return said;
}

/* The words of a page under its box, which some forms send along: "Reply STOP to opt out." */
static bool tells_how_to_stop(const char *value)
{
    static const char *const before[] = {"reply",   "text",     "txt",   "send",  "texting",
                                         "respond", "responda", "envie", "envíe", "escriba"};

    for (const char *stop = value; (stop = strstr(stop, "STOP")); stop += 4) {
        char word[NAME_MAX_BYTES + 1] = "";
        const char *end = stop, *start;

        while (end > value && strchr(" \"'", end[-1]))
            end--;
        for (start = end; start > value && !strchr(" .,;\n", start[-1]) && end - start < NAME_MAX_BYTES;)
            start--;
        memcpy(word, start, (size_t)(end - start));
        if (end < stop && is_one_of(word, before, COUNT_OF(before)))
            return true;
    }
    return false;
}

bool field_refuses_texts(const char *name, const char *value)
{
    struct consent consent = consent_read(value);
    struct said said = read_name(name);

    if (consent.kind == CONSENT_OUT && !consent.keyword && !tells_how_to_stop(value))
        return true;
    return said.texts && (said.negated ? field_is_yes(value) : is_no(value));
}

/* contact.c - see contact.h. */
#include "services/orchestrator/scripted/contact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/scripted/clause.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/words.h"

#define NAME_MAX_BYTES  60
#define EMAIL_MAX_BYTES 254

static bool is_upper(const char *p)
{
    return isupper((unsigned char)*p) ||
           ((unsigned char)p[0] == 0xc3 && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] <= 0x9e);
}

static size_t letters(const char *p)
{
    size_t n = 0;

    while (isalpha((unsigned char)p[n]) || (unsigned char)p[n] >= 0xc3 || ((unsigned char)p[n] >= 0x80 && n > 0) ||
           (n > 0 && (p[n] == '\'' || p[n] == '-') && isalpha((unsigned char)p[n + 1])))
        n++;
    return n;
}

/* Words that begin with a capital and are no name. */
static const char *const no_names[] = {
    "looking", "interested", "not",  "just",      "very",   "trying", "here",   "having",   "the",   "a",     "an",
    "urgent",  "in",         "so",   "good",      "sorry",  "fine",   "really", "this",     "that",  "going", "my",
    "hi",      "hello",      "hey",  "thanks",    "thank",  "please", "yes",    "no",       "ok",    "okay",  "we",
    "i",       "you",        "need", "can",       "how",    "what",   "when",   "where",    "do",    "is",    "are",
    "hola",    "gracias",    "si",   "buenas",    "buenos", "para",   "quiero", "necesito", "la",    "el",    "un",
    "una",     "sure",       "cool", "great",     "nope",   "yeah",   "asap",   "call",     "text",  "any",   "it",
    "there",   "ready",      "free", "available", "happy",  "new",    "still",  "also",     "on",    "at",    "for",
    "from",    "moving",     "de",   "con",       "pm",     "am",     "update", "quote",    "price", "never"};

static bool is_no_name(struct arena *arena, const char *word, size_t len)
{
    const char *text = arena_strndup(arena, word, len), *folded = text ? words_fold(arena, text) : NULL;

    if (!folded)
        return true;
    for (size_t i = 0; i < COUNT_OF(no_names); i++)
        if (strlen(no_names[i]) + 2 == strlen(folded) && strncmp(folded + 1, no_names[i], strlen(no_names[i])) == 0)
            return true;
    return phrase_find(folded, phrases_timeline) || phrase_find(folded, phrases_urgency) ||
           phrase_find(folded, phrases_booking) || phrase_find(folded, phrases_greeting);
}

/* The bytes of up to max words of a name at start; any_case: the first one also without a capital. */
static size_t name_length(struct arena *arena, const char *start, int max, bool any_case)
{
    size_t len = 0;

    for (int word = 0; word < max; word++) {
        const char *p = start + len + (word > 0);
        size_t n =
            (word == 0 || start[len] == ' ') && (is_upper(p) || (any_case && (word == 0 || (unsigned char)*p >= 0xd8)))
                ? letters(p)
                : 0;

        if (n == 0 || is_no_name(arena, p, n))
            break;
        len += n + (word > 0);
    }
    return len;
}

static const char *take(struct arena *arena, const char *start, size_t len)
{
    return len >= 2 && len <= NAME_MAX_BYTES ? arena_strndup(arena, start, len) : NULL;
}

/* Whose name it is says the word before "name is": "his name is Rex", "my dog's name is Rex". */
static bool is_anothers(const char *text, const char *name)
{
    static const char *const words[] = {"her", "their", "company", "business"};
    const char *end = name, *start;

    while (end > text && end[-1] == ' ')
        end--;
    for (start = end; start > text && start[-1] != ' ';)
        start--;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strlen(words[i]) == (size_t)(end - start) && strncasecmp(words[i], start, strlen(words[i])) == 0)
            return true;
    return end > start && end[-1] == 's';
}

const char *contact_name(struct arena *arena, const struct clause *clause)
{
    static const struct {
        const char *lead;
        bool any_case;
    } leads[] = {{"my name is ", true}, {"my name's ", true}, {"my names ", true},     {"name: ", true},
                 {"name is ", true},    {"me llamo ", true},  {"mi nombre es ", true}, {"اسمي ", true},
                 {"انا اسمي ", true},   {"معك ", true},       {"this is ", false},     {"i'm ", false},
                 {"i’m ", false},       {"im ", false},       {"i am ", false},        {"it's ", false},
                 {"its ", false},       {"call me ", false},  {"soy ", false},         {"- ", false}};

    for (size_t i = 0; i < COUNT_OF(leads); i++) {
        const char *found = strcasestr(clause->text, leads[i].lead), *start, *name;
        bool arabic = (unsigned char)*leads[i].lead >= 0xd8;

        if (!found || (found > clause->text && isalnum((unsigned char)found[-1])) ||
            (strcmp(leads[i].lead, "name is ") == 0 && is_anothers(clause->text, found)))
            continue;
        start = found + strlen(leads[i].lead);
        /* In lower case the second word is as likely the next one of the sentence. */
        name = take(arena, start,
                    name_length(arena, start,
                                !leads[i].any_case || arabic ? 2
                                : is_upper(start)            ? 3
                                                             : 1,
                                leads[i].any_case));
        if (name)
            return name;
    }
    return NULL;
}

const char *contact_bare_name(struct arena *arena, const char *text)
{
    size_t len = name_length(arena, text, 3, false);
    const char *rest = text + len;
    bool two = memchr(text, ' ', len) != NULL;

    rest += strspn(rest, " ,.\n");
    /* One word alone is a name before a number or an address: "Tom, tom@example.org". */
    if (len == 0 ||
        (!two && !isdigit((unsigned char)*rest) && *rest != '+' && strcspn(rest, "@") >= strcspn(rest, " \n")) ||
        (rest[strspn(rest, "0123456789+-() ")] && !contact_email(arena, rest)))
        return NULL;
    return take(arena, text, len);
}

const char *contact_email(struct arena *arena, const char *text)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-";
    static const char host[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

    for (const char *at = text; (at = strchr(at, '@')); at++) {
        const char *start = at, *end = at + 1;
        char *email;

        while (start > text && strchr(name, start[-1]))
            start--;
        end += strspn(end, host);
        while (end > at + 1 && strchr(".-", end[-1]))
            end--;
        if (start == at || *start == '.' || !memchr(at + 1, '.', (size_t)(end - at - 1)) || at[1] == '.' ||
            end - start > EMAIL_MAX_BYTES || !(email = arena_strndup(arena, start, (size_t)(end - start))))
            continue;
        for (char *p = email; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        return email;
    }
    return NULL;
}

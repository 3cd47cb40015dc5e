/* phrases.c - see phrases.h. */
#include "services/orchestrator/scripted/phrases.h"

#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "services/orchestrator/scripted/words.h"

/* And, so, with, for, the, and combinations. */
static const char *const particles[] = {"و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "فال", "لل", "ولل", "وب", "ول"};

static bool is_arabic(const char *phrase)
{
    return (unsigned char)*phrase >= 0xd8;
}

/* Whether only a particle stands between p and the space before it. */
static bool is_behind_particle(const char *folded, const char *p)
{
    const char *start = p;

    while (start > folded && start[-1] != ' ')
        start--;
    for (size_t i = 0; i < COUNT_OF(particles); i++)
        if (strlen(particles[i]) == (size_t)(p - start) && memcmp(particles[i], start, (size_t)(p - start)) == 0)
            return true;
    return false;
}

bool phrase_is_in(const char *folded, const char *phrase)
{
    size_t len = strlen(phrase);

    for (const char *p = folded; (p = strstr(p, phrase)); p++) {
        if (p == folded || p[len] != ' ')
            continue;
        if (p[-1] == ' ' || (is_arabic(phrase) && is_behind_particle(folded, p)))
            return true;
    }
    return false;
}

const struct phrase *phrase_find(const char *folded, const struct phrase *table)
{
    struct word_starts starts = words_starts(folded);

    /* An Arabic phrase may stand behind a particle, and so not at the start of a word. */
    for (; table->text; table++)
        if ((is_arabic(table->text) || words_may_have(&starts, table->text)) && phrase_is_in(folded, table->text))
            return table;
    return NULL;
}

const struct phrase *phrase_is(const char *folded, const struct phrase *table)
{
    size_t len = strlen(folded);

    for (; table->text; table++)
        if (folded[1] == *table->text && len == strlen(table->text) + 2 &&
            strncmp(folded + 1, table->text, len - 2) == 0)
            return table;
    return NULL;
}

bool phrases_say_nothing(const char *folded)
{
    static const struct phrase *const tables[] = {phrases_nothing, phrases_yes,      phrases_no,
                                                  phrases_thanks,  phrases_greeting, phrases_polite};

    for (const char *p = folded + strspn(folded, " "); *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        bool found = false;
        char word[32];

        if (len + 3 > sizeof word)
            return false;
        snprintf(word, sizeof word, " %.*s ", (int)len, p);
        for (size_t i = 0; i < COUNT_OF(tables) && !found; i++)
            found = phrase_is(word, tables[i]) != NULL;
        if (!found)
            return phrase_is(folded, phrases_nothing) != NULL;
        p += len;
    }
    return true;
}

static bool ends_with_one_of(const char *folded, const char *const *ends)
{
    size_t len = strlen(folded);

    for (; *ends; ends++)
        if (len > strlen(*ends) && strcmp(folded + len - strlen(*ends), *ends) == 0)
            return true;
    return false;
}

bool phrases_ask_for_assent(const char *folded)
{
    static const char *const ends[] = {" ok ", " okay ", " right ", " vale ", " si ", " صح ", " تمام ", NULL};

    return ends_with_one_of(folded, ends);
}

bool phrases_ask_for_time(const char *folded)
{
    static const char *const ends[] = {" work ",  " works ",   " available ", " free ",    " possible ", " disponible ",
                                       " libre ", " posible ", " مناسب ",     " يناسبكم ", " متاح ",     NULL};

    return ends_with_one_of(folded, ends);
}

bool phrases_ask_shortly(const char *folded)
{
    static const struct phrase hours[] = {{"open", NULL},    {"opening", NULL}, {"close", NULL},   {"closed", NULL},
                                          {"hours", NULL},   {"abren", NULL},   {"abierto", NULL}, {"abiertos", NULL},
                                          {"horario", NULL}, {"cierran", NULL}, {"دوام", NULL},    {"دوامكم", NULL},
                                          {"فاتحين", NULL},  {"تفتحون", NULL},  {"مفتوح", NULL},   {NULL, NULL}};

    return !phrase_find(folded, hours) && !phrase_find(folded, phrases_price) &&
           !phrase_find(folded, phrases_question) && !phrase_find(folded, phrases_asked_within);
}

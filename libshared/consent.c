/* consent.c - see consent.h. Free wording is told by the phrases of consent_english.c and its kin (wording.h), single
 * words by the lists of consent_keywords.c. */
#include "libshared/consent.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "libshared/auto.h"
#include "libshared/consent_internal.h"

#define LISTS_MAX 16

/* ---- the book ---- */

static struct consent_words {
    struct wording_tables tables;
    struct wording_set keywords[LISTS_MAX], bare[LISTS_MAX];
} made;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make(void)
{
    const struct wording_chapter chapters[] = {{consent_english, consent_n_english},
                                               {consent_spanish, consent_n_spanish},
                                               {consent_arabic, consent_n_arabic},
                                               {0}};
    const struct wording_book book = {.synonyms = consent_synonyms,
                                      .compounds = consent_compounds,
                                      .classes = consent_classes,
                                      .fillers = consent_fillers,
                                      .oaths = consent_oaths,
                                      .joints = consent_joints,
                                      .chapters = chapters};

    wording_make(&made.tables, &book);
    assert(consent_n_keywords <= LISTS_MAX && consent_n_bare <= LISTS_MAX);
    for (size_t i = 0; i < consent_n_keywords; i++)
        wording_add_set(&made.tables, &made.keywords[i], consent_keywords[i].words);
    for (size_t i = 0; i < consent_n_bare; i++)
        wording_add_set(&made.tables, &made.bare[i], consent_bare[i].words);
}

/* Made at the first call, by whichever thread. */
static const struct consent_words *words(void)
{
    pthread_once(&once, make);
    return &made;
}

/* ---- what a text says ---- */

static struct consent result(int kind, const char *language)
{
    struct consent consent = {.kind = (enum consent_kind)kind};

    memcpy(consent.language, language, strlen(language));
    return consent;
}

static bool find_phrase(const struct wording_text *text, enum consent_kind kind, struct consent *ret_consent)
{
    const struct wording_rule *rule = wording_find(text, (int)kind);

    if (!rule)
        return false;
    *ret_consent = result(rule->kind, rule->language);
    return true;
}

/* Which of the bare words' lists has the id; consent_n_bare: none. */
static size_t bare_list(uint16_t id)
{
    size_t k = 0;

    while (k < consent_n_bare && !wording_has(&made.bare[k], id))
        k++;
    return k;
}

/* Whether the clause is a bare word and fillers: "please stop", "ok stop now thanks". */
static bool is_bare(const struct wording_text *text, size_t from, size_t to, struct consent *ret_consent)
{
    size_t found = consent_n_bare;

    for (size_t i = from; i < to; i++) {
        size_t k = bare_list(text->all[i].id);

        if (k == consent_n_bare && !wording_has(&text->tables->fillers, text->all[i].id))
            return false;
        if (k < consent_n_bare && found == consent_n_bare)
            found = k;
    }
    if (found == consent_n_bare)
        return false;
    *ret_consent = result(consent_bare[found].kind, consent_bare[found].language);
    return true;
}

/* Looks at whole sentences, and at the first and the last clause of each: "not interested, stop". */
static bool find_bare(const struct wording_text *text, struct consent *ret_consent)
{
    for (size_t from = 0, to; from < text->n; from = to) {
        to = wording_end(text, from, BREAK_SENTENCE);
        if (is_bare(text, from, to, ret_consent) || is_bare(text, from, text->all[from].to, ret_consent) ||
            is_bare(text, text->all[to - 1].from, to, ret_consent))
            return true;
    }
    return false;
}

/* ---- keywords ---- */

/* Twilio acts where the text is the word, in any letter case, and spaces: with a mark behind it, it may or may not. */
static bool is_twilio_keyword(const char *text)
{
    static const char *const words[] = {"STOP",   "STOPALL", "UNSUBSCRIBE", "CANCEL", "END",  "QUIT", "REVOKE",
                                        "OPTOUT", "START",   "UNSTOP",      "YES",    "HELP", "INFO"};
    size_t len;

    text += strspn(text, " \t\r\n");
    len = strcspn(text, " \t\r\n");
    if (text[len + strspn(text + len, " \t\r\n")])
        return false;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strlen(words[i]) == len && strncasecmp(words[i], text, len) == 0)
            return true;
    return false;
}

/* A word whose letters stand apart, joined: "s.t.o.p", "S-T-O-P". False where there is anything else. */
static bool join_letters(const char *text, char *ret, size_t size)
{
    bool is_letter, was_letter = false;
    size_t n = 0;

    for (; *text; text++, was_letter = is_letter) {
        is_letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
        if (is_letter ? was_letter || n + 1 == size : (unsigned char)*text >= 0x80 || (*text >= '0' && *text <= '9'))
            return false;
        if (is_letter)
            ret[n++] = *text;
    }
    ret[n] = '\0';
    return n > 1;
}

struct consent consent_read(const char *text)
{
    struct consent consent = {.kind = CONSENT_NONE};
    struct wording_text tokens;
    char joined[16];

    wording_read(&tokens, &words()->tables, join_letters(text, joined, sizeof joined) ? joined : text);
    if (tokens.n == 1)
        for (size_t i = 0; i < consent_n_keywords; i++)
            if (wording_has(&made.keywords[i], tokens.all[0].id)) {
                consent = result(consent_keywords[i].kind, consent_keywords[i].language);
                consent.keyword = is_twilio_keyword(text);
                return consent;
            }
    if (!find_phrase(&tokens, CONSENT_OUT, &consent) && !find_bare(&tokens, &consent))
        find_phrase(&tokens, CONSENT_IN, &consent);
    return consent;
}

const char *consent_name(enum consent_kind kind)
{
    switch (kind) {
    case CONSENT_OUT:
        return "out";
    case CONSENT_IN:
        return "in";
    case CONSENT_HELP:
        return "help";
    case CONSENT_NONE:
        break;
    }
    return "";
}

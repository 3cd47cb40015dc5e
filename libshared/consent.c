/* consent.c - see consent.h. A text becomes the numbers of its words, in which the phrases of consent_english.c and its
 * kin are looked for. */
#include "libshared/consent.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "libshared/auto.h"
#include "libshared/consent_internal.h"

#define GAP_WORDS 4

/* ---- the words of a text ---- */

struct consent_token {
    uint16_t id;
    uint16_t from, to; /* of its clause */
    uint8_t mark;      /* enum consent_break: what stands before it */
};

struct consent_tokens {
    const struct consent_tables *tables;
    struct consent_token all[CONSENT_TOKENS];
    size_t n;
};

static void add_token(struct consent_tokens *self, uint16_t id, enum consent_break mark)
{
    if (self->n > 0 && mark == BREAK_NONE)
        for (size_t i = 0; i < self->tables->n_compounds; i++)
            if (self->tables->compounds[i].first == self->all[self->n - 1].id &&
                self->tables->compounds[i].second == id) {
                self->all[self->n - 1].id = self->tables->compounds[i].result;
                return;
            }
    self->all[self->n++] = (struct consent_token){.id = id, .mark = (uint8_t)mark};
}

/* Behind the last word of the clause (or, with BREAK_SENTENCE, of the sentence) that has word i. */
static size_t end_of(const struct consent_tokens *text, size_t i, enum consent_break mark)
{
    do
        i++;
    while (i < text->n && text->all[i].mark < mark);
    return i;
}

enum script { NEUTRAL, LATIN, ARABIC };

/* Of a folded word, by its first byte: Arabic letters are U+0600 to U+06FF. */
static enum script script_of(const char *word)
{
    uint8_t first = (uint8_t)word[0];

    if (first >= 'a' && first <= 'z')
        return LATIN;
    return first >= 0xd8 && first <= 0xdb ? ARABIC : NEUTRAL;
}

static void read_tokens(struct consent_tokens *self, const char *text)
{
    struct consent_cursor cursor = {text, strnlen(text, CONSENT_BYTES)};
    char word[CONSENT_WORD];
    enum consent_break mark, pending = BREAK_NONE;
    enum script last = NEUTRAL;
    uint16_t id;

    self->tables = consent_tables();
    self->n = 0;
    while (self->n < CONSENT_TOKENS && consent_next_word(&cursor, word, &mark)) {
        enum script script = script_of(word);

        /* Who goes on in another script begins anew: "رقم غلط stop texting". */
        if (mark == BREAK_NONE && script != NEUTRAL && last != NEUTRAL && script != last)
            mark = BREAK_CLAUSE;
        /* "(555) 013-4477" is of what is said before it. */
        if (mark == BREAK_CLAUSE && isdigit((unsigned char)word[0]))
            mark = BREAK_NONE;
        last = script == NEUTRAL ? last : script;
        id = consent_id(word);
        pending = mark > pending ? mark : pending;
        if (consent_has(&self->tables->oaths, id))
            continue;
        add_token(self, id, pending);
        pending = BREAK_NONE;
    }
    for (size_t from = 0, to; from < self->n; from = to) {
        to = end_of(self, from, BREAK_CLAUSE);
        for (size_t i = from; i < to; i++) {
            self->all[i].from = (uint16_t)from;
            self->all[i].to = (uint16_t)to;
        }
    }
}

/* ---- looking for phrases ---- */

static bool any_of(const struct consent_tokens *text, size_t from, size_t to, const struct consent_set *set)
{
    for (size_t i = from; i < to; i++)
        if (consent_has(set, text->all[i].id))
            return true;
    return false;
}

/* Where what was said before word i of the clause begins to bear on it. */
static size_t after_joint(const struct consent_tokens *text, size_t from, size_t i)
{
    while (i > from && !consent_has(&text->tables->joints, text->all[i - 1].id))
        i--;
    return i;
}

static bool begins(const struct consent_tokens *text, size_t from, size_t i)
{
    from = after_joint(text, from, i);
    while (i > from && consent_has(&text->tables->fillers, text->all[i - 1].id))
        i--;
    return i == from;
}

static bool ends(const struct consent_tokens *text, size_t i, size_t to)
{
    while (i < to && consent_has(&text->tables->fillers, text->all[i].id))
        i++;
    return i == to || consent_has(&text->tables->joints, text->all[i].id);
}

/* Whether the word of this number is what the element asks for. */
static bool is_meant(const struct consent_tables *tables, uint16_t element, uint16_t id)
{
    uint16_t asked = element & (uint16_t) ~(CONSENT_OPTIONAL | CONSENT_CLASS);

    return element & CONSENT_CLASS ? consent_has(&tables->classes[asked], id) : asked == id;
}

/* Behind the match of elements[0..n) that begins at word i of a clause that ends before to; 0: none. */
static size_t match(const struct consent_tokens *text, size_t i, size_t to, const uint16_t *elements, size_t n)
{
    size_t end = 0;

    if (n == 0)
        return i;
    if (elements[0] == CONSENT_ENDS)
        return ends(text, i, to) ? match(text, i, to, elements + 1, n - 1) : 0;
    if (elements[0] == CONSENT_GAP || elements[0] == CONSENT_ONE) {
        size_t most = elements[0] == CONSENT_GAP ? GAP_WORDS : 1;

        for (size_t skip = 0; skip <= most && i + skip < to && !end; skip++)
            end = match(text, i + skip, to, elements + 1, n - 1);
        return end;
    }
    if (i < to && is_meant(text->tables, elements[0], text->all[i].id))
        end = match(text, i + 1, to, elements + 1, n - 1);
    return !end && elements[0] & CONSENT_OPTIONAL ? match(text, i, to, elements + 1, n - 1) : end;
}

/* Whether the phrase stands at word i, and nothing in the text speaks against it. */
static bool says(const struct consent_tokens *text, size_t i, const struct consent_phrase *phrase)
{
    const struct consent_veto *veto = &text->tables->vetoes[phrase->rule];
    size_t from = text->all[i].from, to = text->all[i].to, end;
    bool anchored = phrase->elements[0] == CONSENT_BEGINS;

    if (anchored && !begins(text, from, i))
        return false;
    end = match(text, i, to, phrase->elements + anchored, phrase->n - (size_t)anchored);
    return end && !any_of(text, after_joint(text, from, i), i, &veto->before) && !any_of(text, end, to, &veto->after) &&
           !(end < to && consent_has(&veto->next, text->all[end].id)) && !any_of(text, 0, i, &veto->text) &&
           !any_of(text, end, text->n, &veto->text) && (!veto->has_needs || any_of(text, 0, text->n, &veto->needs));
}

static struct consent result(enum consent_kind kind, const char *language)
{
    struct consent consent = {.kind = kind};

    memcpy(consent.language, language, strlen(language));
    return consent;
}

/* The first phrase of the kind. */
static bool find_phrase(const struct consent_tokens *text, enum consent_kind kind, struct consent *ret_consent)
{
    for (size_t i = 0; i < text->n; i++)
        for (uint16_t at = text->tables->by_word[text->all[i].id]; at; at = text->tables->entries[at - 1].next) {
            const struct consent_phrase *phrase = &text->tables->phrases[text->tables->entries[at - 1].phrase];
            const struct consent_rule *rule = text->tables->rules[phrase->rule];

            if (rule->kind == kind && says(text, i, phrase)) {
                *ret_consent = result(kind, rule->language);
                return true;
            }
        }
    return false;
}

/* Which of the bare words' lists has the id; consent_n_bare: none. */
static size_t bare_list(const struct consent_tables *tables, uint16_t id)
{
    size_t k = 0;

    while (k < consent_n_bare && !consent_has(&tables->bare[k], id))
        k++;
    return k;
}

/* Whether the clause is a bare word and fillers: "please stop", "ok stop now thanks". */
static bool is_bare(const struct consent_tokens *text, size_t from, size_t to, struct consent *ret_consent)
{
    size_t found = consent_n_bare;

    for (size_t i = from; i < to; i++) {
        size_t k = bare_list(text->tables, text->all[i].id);

        if (k == consent_n_bare && !consent_has(&text->tables->fillers, text->all[i].id))
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
static bool find_bare(const struct consent_tokens *text, struct consent *ret_consent)
{
    for (size_t from = 0, to; from < text->n; from = to) {
        to = end_of(text, from, BREAK_SENTENCE);
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

struct consent consent_read(const char *text)
{
    struct consent consent = {.kind = CONSENT_NONE};
    struct consent_tokens tokens;

    read_tokens(&tokens, text);
    if (tokens.n == 1)
        for (size_t i = 0; i < consent_n_keywords; i++)
            if (consent_has(&tokens.tables->keywords[i], tokens.all[0].id)) {
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

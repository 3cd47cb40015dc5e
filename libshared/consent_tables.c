/* consent_tables.c - the vocabulary and the phrases as numbers, made once, in static memory. See consent_internal.h. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/consent_internal.h"

#define SLOTS        4096 /* a power of two */
#define POOL_BYTES   (32 * 1024)
#define PHONE_DIGITS 3 /* fewer are no part of a phone number */
#define SLIP_LETTERS 6 /* a shorter word is too like others */

static struct {
    char pool[POOL_BYTES];
    size_t pool_used;
    struct {
        uint16_t text; /* in pool */
        uint16_t id;
        uint16_t next; /* word with the same first letter, plus 1 */
    } words[CONSENT_WORDS];
    size_t n_words;
    uint16_t slots[SLOTS];         /* word plus 1 */
    uint16_t by_letter[UINT8_MAX]; /* word plus 1 */
    uint16_t n_ids;
    char classes[CONSENT_CLASSES][CONSENT_WORD]; /* their names */
    size_t n_classes;
    size_t n_phrases;
    size_t n_entries;
} made;

static struct consent_tables tables;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- the vocabulary ---- */

static size_t hash(const char *word)
{
    uint32_t h = 2166136261u;

    for (; *word; word++)
        h = (h ^ (uint8_t)*word) * 16777619u;
    return h & (SLOTS - 1);
}

/* The slot of the word, or the empty one where it belongs. */
static uint16_t *slot_of(const char *word)
{
    size_t i = hash(word);

    while (made.slots[i] && strcmp(made.pool + made.words[made.slots[i] - 1].text, word) != 0)
        i = (i + 1) & (SLOTS - 1);
    return &made.slots[i];
}

static uint16_t find(const char *word)
{
    uint16_t at = *slot_of(word);

    return at ? made.words[at - 1].id : CONSENT_UNKNOWN;
}

static void add_word(const char *word, uint16_t id)
{
    size_t len = strlen(word) + 1, at = made.n_words++;
    uint8_t letter = (uint8_t)word[0];

    assert(at < CONSENT_WORDS && made.pool_used + len <= POOL_BYTES && letter < UINT8_MAX);
    memcpy(made.pool + made.pool_used, word, len);
    made.words[at].text = (uint16_t)made.pool_used;
    made.words[at].id = id;
    made.words[at].next = made.by_letter[letter];
    made.by_letter[letter] = (uint16_t)(at + 1);
    *slot_of(word) = (uint16_t)(at + 1);
    made.pool_used += len;
}

static uint16_t new_id(void)
{
    assert(made.n_ids < CONSENT_IDS);
    return made.n_ids++;
}

static uint16_t find_or_add(const char *word)
{
    uint16_t id = find(word);

    if (id == CONSENT_UNKNOWN)
        add_word(word, id = new_id());
    return id;
}

static void add_synonyms(const char *line)
{
    struct consent_cursor cursor = {line, strlen(line)};
    char word[CONSENT_WORD];
    enum consent_break mark;
    uint16_t id = CONSENT_UNKNOWN;

    while (consent_next_word(&cursor, word, &mark)) {
        if (id == CONSENT_UNKNOWN)
            id = find_or_add(word);
        else if (find(word) == CONSENT_UNKNOWN)
            add_word(word, id);
        assert(find(word) == id); /* a word has one meaning */
    }
}

static void add_set(struct consent_set *set, const char *words)
{
    struct consent_cursor cursor = {words, words ? strlen(words) : 0};
    char word[CONSENT_WORD];
    enum consent_break mark;

    while (consent_next_word(&cursor, word, &mark)) {
        uint16_t id = find_or_add(word);

        set->bits[id / 64] |= UINT64_C(1) << id % 64;
    }
}

static void add_compound(const char *line)
{
    struct consent_cursor cursor = {line, strlen(line)};
    uint16_t ids[3];
    char word[CONSENT_WORD];
    enum consent_break mark;

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        bool more = consent_next_word(&cursor, word, &mark);

        assert(more);
        ids[i] = more ? find_or_add(word) : CONSENT_UNKNOWN;
    }
    assert(tables.n_compounds < COUNT_OF(tables.compounds));
    tables.compounds[tables.n_compounds].first = ids[0];
    tables.compounds[tables.n_compounds].second = ids[1];
    tables.compounds[tables.n_compounds++].result = ids[2];
}

/* "name = word word" */
static void add_class(const char *line)
{
    size_t at = made.n_classes++, len = strcspn(line, " ");

    assert(at < CONSENT_CLASSES && len < CONSENT_WORD && strncmp(line + len, " = ", 3) == 0);
    memcpy(made.classes[at], line, len);
    add_set(&tables.classes[at], line + len + 3);
}

/* ---- the phrases ---- */

static uint16_t class_of(const char *name, size_t len)
{
    size_t at = 0;

    while (at < made.n_classes && (strncmp(made.classes[at], name, len) != 0 || made.classes[at][len]))
        at++;
    assert(at < made.n_classes); /* a phrase names what consent_classes has */
    return (uint16_t)(at | CONSENT_CLASS);
}

static uint16_t element_of(const char *part, size_t len)
{
    bool optional = part[0] == '?';
    uint16_t flag = optional ? CONSENT_OPTIONAL : 0;
    struct consent_cursor cursor = {part + optional, len - optional};
    char word[CONSENT_WORD];
    enum consent_break mark;

    if (len == 1 && strchr("*+<>", part[0]))
        return part[0] == '*'   ? CONSENT_GAP
               : part[0] == '+' ? CONSENT_ONE
               : part[0] == '<' ? CONSENT_BEGINS
                                : CONSENT_ENDS;
    if (part[optional] == '@')
        return class_of(part + optional + 1, len - optional - 1) | flag;
    return consent_next_word(&cursor, word, &mark) ? find_or_add(word) | flag : CONSENT_UNKNOWN;
}

static void add_entry(uint16_t id, uint16_t phrase)
{
    size_t at = made.n_entries++;

    assert(at < CONSENT_ENTRIES);
    tables.entries[at].phrase = phrase;
    tables.entries[at].next = tables.by_word[id];
    tables.by_word[id] = (uint16_t)(at + 1);
}

/* Up to the comma, or the end. */
static void add_phrase(const char *text, size_t size, size_t rule)
{
    uint16_t at = (uint16_t)made.n_phrases++, first;
    struct consent_phrase *phrase = &tables.phrases[at];

    assert(made.n_phrases <= CONSENT_PHRASES);
    while (size > 0) {
        size_t len = strcspn(text, " ,");
        size_t step = len + (len < size);

        assert(phrase->n < CONSENT_PHRASE_WORDS);
        phrase->elements[phrase->n++] = element_of(text, len);
        text += step;
        size -= step;
    }
    phrase->rule = (uint16_t)rule;
    first = phrase->elements[phrase->elements[0] == CONSENT_BEGINS];
    assert(first >= CONSENT_FIRST_ID && !(first & CONSENT_OPTIONAL));
    for (uint16_t id = CONSENT_FIRST_ID; id < made.n_ids; id++)
        if (first & CONSENT_CLASS ? consent_has(&tables.classes[first & ~CONSENT_CLASS], id) : id == first)
            add_entry(id, at);
}

static void add_rules(const struct consent_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct consent_rule *rule = &rules[i];
        size_t at = tables.n_rules++;

        assert(at < CONSENT_RULES);
        tables.rules[at] = rule;
        for (const char *phrase = rule->phrases; *phrase; phrase += strspn(phrase, ", ")) {
            size_t size = strcspn(phrase, ",");

            add_phrase(phrase, size, at);
            phrase += size;
        }
        add_set(&tables.vetoes[at].before, rule->before);
        add_set(&tables.vetoes[at].after, rule->after);
        add_set(&tables.vetoes[at].next, rule->next);
        add_set(&tables.vetoes[at].text, rule->text);
        add_set(&tables.vetoes[at].needs, rule->needs);
        tables.vetoes[at].has_needs = rule->needs != NULL;
    }
}

static void build(void)
{
    made.n_ids = CONSENT_FIRST_ID;
    for (const char *const *line = consent_synonyms; *line; line++)
        add_synonyms(*line);
    for (const char *const *line = consent_compounds; *line; line++)
        add_compound(*line);
    for (const char *const *line = consent_classes; *line; line++)
        add_class(*line);
    add_set(&tables.fillers, consent_fillers);
    add_set(&tables.joints, consent_joints);
    add_set(&tables.oaths, consent_oaths);
    assert(consent_n_keywords <= COUNT_OF(tables.keywords) && consent_n_bare <= COUNT_OF(tables.bare));
    for (size_t i = 0; i < consent_n_keywords; i++)
        add_set(&tables.keywords[i], consent_keywords[i].words);
    for (size_t i = 0; i < consent_n_bare; i++)
        add_set(&tables.bare[i], consent_bare[i].words);
    add_rules(consent_english, consent_n_english);
    add_rules(consent_spanish, consent_n_spanish);
    add_rules(consent_arabic, consent_n_arabic);
}

const struct consent_tables *consent_tables(void)
{
    pthread_once(&once, build);
    return &tables;
}

/* ---- looking words up ---- */

/* Whether the two are one slip apart: a letter too many, one missing, a wrong one, or two the wrong way round. */
static bool is_slip(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (!*a || !*b)
        return strlen(a) + strlen(b) == 1;
    return strcmp(a + 1, b) == 0 || strcmp(a, b + 1) == 0 || strcmp(a + 1, b + 1) == 0 ||
           (a[0] == b[1] && a[1] == b[0] && strcmp(a + 2, b + 2) == 0);
}

static uint16_t find_slip(const char *word)
{
    size_t len = strlen(word);

    if (len < SLIP_LETTERS || (uint8_t)word[0] >= 0x80)
        return CONSENT_UNKNOWN;
    for (uint16_t at = made.by_letter[(uint8_t)word[0]]; at; at = made.words[at - 1].next) {
        const char *ours = made.pool + made.words[at - 1].text;

        if (strlen(ours) >= SLIP_LETTERS && is_slip(word, ours))
            return made.words[at - 1].id;
    }
    return CONSENT_UNKNOWN;
}

/* "pleaseee", "stoooop": three and more of a letter are as many as keep. */
static uint16_t find_squeezed(const char *word, size_t keep)
{
    char out[CONSENT_WORD];
    size_t n = 0;

    for (size_t i = 0, run; word[i]; i += run) {
        run = strspn(word + i, (char[]){word[i], '\0'});
        for (size_t k = 0; k < (run < 3 ? run : keep); k++)
            out[n++] = word[i];
    }
    out[n] = '\0';
    return find(out);
}

/* Without "and" and the article, which Arabic writes together with the word. */
static uint16_t find_stem(const char *word)
{
    static const char *const prefixes[] = {"و", "ف", "ال", "وال", "ب", "بال"};
    uint16_t id = CONSENT_UNKNOWN;

    for (size_t i = 0; i < COUNT_OF(prefixes) && id == CONSENT_UNKNOWN; i++) {
        size_t len = strlen(prefixes[i]);

        if (strncmp(word, prefixes[i], len) == 0 && word[len])
            id = find(word + len);
    }
    return id;
}

/* Without what Arabic writes behind the word: who does it, to whom, whose it is. At least three letters stay. */
static uint16_t find_without_suffix(const char *word)
{
    static const char *const suffixes[] = {"ولنا", "ولي", "وني", "ونا", "كم",  "كن", "كو", "وا", "ون", "ين",
                                           "ش",    "ني",  "نا",  "لي",  "لنا", "ي",  "ك",  "و",  "ه"};
    size_t len = strlen(word);
    char stem[CONSENT_WORD];
    uint16_t id = CONSENT_UNKNOWN;

    if ((uint8_t)word[0] < 0xd8 || (uint8_t)word[0] > 0xdb)
        return id;
    for (size_t i = 0; i < COUNT_OF(suffixes) && id == CONSENT_UNKNOWN; i++) {
        size_t cut = strlen(suffixes[i]);

        if (len < cut + 6 || strcmp(word + len - cut, suffixes[i]) != 0)
            continue;
        memcpy(stem, word, len - cut);
        stem[len - cut] = '\0';
        id = find(stem);
        if (id == CONSENT_UNKNOWN)
            id = find_stem(stem);
    }
    return id;
}

uint16_t consent_id(const char *word)
{
    uint16_t id = find(word);

    if (id == CONSENT_UNKNOWN)
        id = find_squeezed(word, 1);
    if (id == CONSENT_UNKNOWN)
        id = find_squeezed(word, 2);
    if (id == CONSENT_UNKNOWN)
        id = find_stem(word);
    if (id == CONSENT_UNKNOWN)
        id = find_without_suffix(word);
    if (id == CONSENT_UNKNOWN && word[strspn(word, "0123456789")] == '\0')
        return strlen(word) < PHONE_DIGITS ? id : find("digits");
    return id == CONSENT_UNKNOWN ? find_slip(word) : id;
}

/* consent_tables.c - the vocabulary and the phrases as numbers, made once, in static memory. See consent_internal.h. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/consent_internal.h"

#define SLOTS        4096 /* a power of two */
#define POOL_BYTES   (16 * 1024)
#define SLIP_LETTERS 6 /* a shorter word is too like others */

static struct {
    char pool[POOL_BYTES];
    size_t pool_used;
    struct {
        uint16_t text; /* in pool */
        uint16_t id;
        uint16_t next; /* word with the same first letter, plus 1 */
    } words[CONSENT_IDS];
    size_t n_words;
    uint16_t slots[SLOTS];         /* word plus 1 */
    uint16_t by_letter[UINT8_MAX]; /* word plus 1 */
    uint16_t n_ids;
    size_t n_phrases;
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

    assert(at < CONSENT_IDS && made.pool_used + len <= POOL_BYTES && letter < UINT8_MAX);
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

/* ---- the phrases ---- */

static uint16_t element_of(const char *part, size_t len)
{
    bool optional = part[0] == '?';
    struct consent_cursor cursor = {part + optional, len - optional};
    char word[CONSENT_WORD];
    enum consent_break mark;

    if (len == 1 && strchr("*<>", part[0]))
        return part[0] == '*' ? CONSENT_GAP : part[0] == '<' ? CONSENT_BEGINS : CONSENT_ENDS;
    return consent_next_word(&cursor, word, &mark) ? (uint16_t)(find_or_add(word) | (optional ? CONSENT_OPTIONAL : 0))
                                                   : CONSENT_UNKNOWN;
}

static void add_phrase(const char *text, size_t rule)
{
    struct consent_phrase *phrase = &tables.phrases[made.n_phrases++];
    uint16_t first;

    assert(made.n_phrases <= CONSENT_PHRASES);
    while (*text) {
        size_t len = strcspn(text, " ");

        assert(phrase->n < CONSENT_PHRASE_WORDS);
        phrase->elements[phrase->n++] = element_of(text, len);
        text += len + (text[len] == ' ');
    }
    phrase->rule = (uint16_t)rule;
    first = phrase->elements[phrase->elements[0] == CONSENT_BEGINS];
    assert(first >= CONSENT_FIRST_ID && !(first & CONSENT_OPTIONAL));
    phrase->next = tables.by_word[first];
    tables.by_word[first] = (uint16_t)made.n_phrases;
}

static void build(void)
{
    made.n_ids = CONSENT_FIRST_ID;
    for (const char *const *line = consent_synonyms; *line; line++)
        add_synonyms(*line);
    for (const char *const *line = consent_compounds; *line; line++)
        add_compound(*line);
    add_set(&tables.fillers, consent_fillers);
    add_set(&tables.joints, consent_joints);
    assert(consent_n_rules <= CONSENT_RULES && consent_n_keywords <= COUNT_OF(tables.keywords) &&
           consent_n_bare <= COUNT_OF(tables.bare));
    for (size_t i = 0; i < consent_n_keywords; i++)
        add_set(&tables.keywords[i], consent_keywords[i].words);
    for (size_t i = 0; i < consent_n_bare; i++)
        add_set(&tables.bare[i], consent_bare[i].words);
    for (size_t i = 0; i < consent_n_rules; i++) {
        for (const char *const *phrase = consent_rules[i].phrases; *phrase; phrase++)
            add_phrase(*phrase, i);
        add_set(&tables.vetoes[i].before, consent_rules[i].before);
        add_set(&tables.vetoes[i].after, consent_rules[i].after);
        add_set(&tables.vetoes[i].next, consent_rules[i].next);
        add_set(&tables.vetoes[i].text, consent_rules[i].text);
    }
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
    static const char *const prefixes[] = {"و", "ف", "ال", "وال"};
    uint16_t id = CONSENT_UNKNOWN;

    for (size_t i = 0; i < COUNT_OF(prefixes) && id == CONSENT_UNKNOWN; i++) {
        size_t len = strlen(prefixes[i]);

        if (strncmp(word, prefixes[i], len) == 0 && word[len])
            id = find(word + len);
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
    return id == CONSENT_UNKNOWN ? find_slip(word) : id;
}

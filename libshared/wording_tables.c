/* wording_self->c - the vocabulary and the phrases of a book as numbers. See wording.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/wording.h"

#define PHONE_DIGITS 3 /* fewer are no part of a phone number */
#define SLIP_LETTERS 6 /* a shorter word is too like others */

/* ---- the vocabulary ---- */

static size_t hash(const char *word)
{
    uint32_t h = 2166136261u;

    for (; *word; word++)
        h = (h ^ (uint8_t)*word) * 16777619u;
    return h & (WORDING_SLOTS - 1);
}

/* The slot of the word, or the empty one where it belongs. */
static size_t slot_of(const struct wording_tables *self, const char *word)
{
    size_t i = hash(word);

    while (self->slots[i] && strcmp(self->pool + self->words[self->slots[i] - 1].text, word) != 0)
        i = (i + 1) & (WORDING_SLOTS - 1);
    return i;
}

static uint16_t find(const struct wording_tables *self, const char *word)
{
    uint16_t at = self->slots[slot_of(self, word)];

    return at ? self->words[at - 1].id : WORDING_UNKNOWN;
}

static void add_word(struct wording_tables *self, const char *word, uint16_t id)
{
    size_t len = strlen(word) + 1, at = self->n_words++;
    uint8_t letter = (uint8_t)word[0];

    assert(at < WORDING_WORDS && self->pool_used + len <= WORDING_POOL && letter < UINT8_MAX);
    memcpy(self->pool + self->pool_used, word, len);
    self->words[at].text = (uint16_t)self->pool_used;
    self->words[at].id = id;
    self->words[at].next = self->by_letter[letter];
    self->by_letter[letter] = (uint16_t)(at + 1);
    self->slots[slot_of(self, word)] = (uint16_t)(at + 1);
    self->pool_used += len;
}

static uint16_t new_id(struct wording_tables *self)
{
    assert(self->n_ids < WORDING_IDS);
    return self->n_ids++;
}

static uint16_t find_or_add(struct wording_tables *self, const char *word)
{
    uint16_t id = find(self, word);

    if (id == WORDING_UNKNOWN)
        add_word(self, word, id = new_id(self));
    return id;
}

static void add_synonyms(struct wording_tables *self, const char *line)
{
    struct wording_cursor cursor = {line, strlen(line)};
    char word[WORDING_WORD];
    enum wording_break mark;
    uint16_t id = WORDING_UNKNOWN;

    while (wording_next_word(&cursor, word, &mark)) {
        if (id == WORDING_UNKNOWN)
            id = find_or_add(self, word);
        else if (find(self, word) == WORDING_UNKNOWN)
            add_word(self, word, id);
        assert(find(self, word) == id); /* a word has one meaning */
    }
}

void wording_add_set(struct wording_tables *self, struct wording_set *set, const char *words)
{
    struct wording_cursor cursor = {words, words ? strlen(words) : 0};
    char word[WORDING_WORD];
    enum wording_break mark;

    while (wording_next_word(&cursor, word, &mark)) {
        uint16_t id = find_or_add(self, word);

        set->bits[id / 64] |= UINT64_C(1) << id % 64;
    }
}

static void add_compound(struct wording_tables *self, const char *line)
{
    struct wording_cursor cursor = {line, strlen(line)};
    uint16_t ids[3];
    char word[WORDING_WORD];
    enum wording_break mark;

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        bool more = wording_next_word(&cursor, word, &mark);

        assert(more);
        ids[i] = more ? find_or_add(self, word) : WORDING_UNKNOWN;
    }
    assert(self->n_compounds < COUNT_OF(self->compounds));
    self->compounds[self->n_compounds].first = ids[0];
    self->compounds[self->n_compounds].second = ids[1];
    self->compounds[self->n_compounds++].result = ids[2];
}

/* "name = word word" */
static void add_class(struct wording_tables *self, const char *line)
{
    size_t at = self->n_classes++, len = strcspn(line, " ");

    assert(at < WORDING_CLASSES && len < WORDING_WORD && strncmp(line + len, " = ", 3) == 0);
    memcpy(self->class_names[at], line, len);
    wording_add_set(self, &self->classes[at], line + len + 3);
}

/* ---- the phrases ---- */

static uint16_t class_of(const struct wording_tables *self, const char *name, size_t len)
{
    size_t at = 0;

    while (at < self->n_classes && (strncmp(self->class_names[at], name, len) != 0 || self->class_names[at][len]))
        at++;
    assert(at < self->n_classes); /* a phrase names what the book has */
    return (uint16_t)(at | WORDING_CLASS);
}

static uint16_t element_of(struct wording_tables *self, const char *part, size_t len)
{
    bool optional = part[0] == '?';
    uint16_t flag = optional ? WORDING_OPTIONAL : 0;
    struct wording_cursor cursor = {part + optional, len - optional};
    char word[WORDING_WORD];
    enum wording_break mark;

    if (len == 1 && strchr("*+<>", part[0]))
        return part[0] == '*'   ? WORDING_GAP
               : part[0] == '+' ? WORDING_ONE
               : part[0] == '<' ? WORDING_BEGINS
                                : WORDING_ENDS;
    if (part[optional] == '@')
        return class_of(self, part + optional + 1, len - optional - 1) | flag;
    return wording_next_word(&cursor, word, &mark) ? find_or_add(self, word) | flag : WORDING_UNKNOWN;
}

static void add_entry(struct wording_tables *self, uint16_t id, uint16_t phrase)
{
    size_t at = self->n_entries++;

    assert(at < WORDING_ENTRIES);
    self->entries[at].phrase = phrase;
    self->entries[at].next = self->by_word[id];
    self->by_word[id] = (uint16_t)(at + 1);
}

/* Up to the comma, or the end. */
static void add_phrase(struct wording_tables *self, const char *text, size_t size, size_t rule)
{
    uint16_t at = (uint16_t)self->n_phrases++, first;
    struct wording_phrase *phrase = &self->phrases[at];

    assert(self->n_phrases <= WORDING_PHRASES);
    while (size > 0) {
        size_t len = strcspn(text, " ,");
        size_t step = len + (len < size);

        assert(phrase->n < WORDING_PHRASE_WORDS);
        phrase->elements[phrase->n++] = element_of(self, text, len);
        text += step;
        size -= step;
    }
    phrase->rule = (uint16_t)rule;
    first = phrase->elements[phrase->elements[0] == WORDING_BEGINS];
    assert(first >= WORDING_FIRST_ID && !(first & WORDING_OPTIONAL));
    for (uint16_t id = WORDING_FIRST_ID; id < self->n_ids; id++)
        if (first & WORDING_CLASS ? wording_has(&self->classes[first & ~WORDING_CLASS], id) : id == first)
            add_entry(self, id, at);
}

static void add_rules(struct wording_tables *self, const struct wording_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct wording_rule *rule = &rules[i];
        size_t at = self->n_rules++;

        assert(at < WORDING_RULES);
        self->rules[at] = rule;
        for (const char *phrase = rule->phrases; *phrase; phrase += strspn(phrase, ", ")) {
            size_t size = strcspn(phrase, ",");

            add_phrase(self, phrase, size, at);
            phrase += size;
        }
        wording_add_set(self, &self->vetoes[at].before, rule->before);
        wording_add_set(self, &self->vetoes[at].after, rule->after);
        wording_add_set(self, &self->vetoes[at].next, rule->next);
        wording_add_set(self, &self->vetoes[at].text, rule->text);
        wording_add_set(self, &self->vetoes[at].needs, rule->needs);
        self->vetoes[at].has_needs = rule->needs != NULL;
    }
}

void wording_make(struct wording_tables *self, const struct wording_book *book)
{
    self->n_ids = WORDING_FIRST_ID;
    for (const char *const *line = book->synonyms; *line; line++)
        add_synonyms(self, *line);
    for (const char *const *line = book->compounds; *line; line++)
        add_compound(self, *line);
    for (const char *const *line = book->classes; *line; line++)
        add_class(self, *line);
    wording_add_set(self, &self->fillers, book->fillers);
    wording_add_set(self, &self->joints, book->joints);
    wording_add_set(self, &self->oaths, book->oaths);
    for (const struct wording_chapter *chapter = book->chapters; chapter->rules; chapter++)
        add_rules(self, chapter->rules, chapter->n);
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

static uint16_t find_slip(const struct wording_tables *self, const char *word)
{
    size_t len = strlen(word);

    if (len < SLIP_LETTERS || (uint8_t)word[0] >= 0x80)
        return WORDING_UNKNOWN;
    for (uint16_t at = self->by_letter[(uint8_t)word[0]]; at; at = self->words[at - 1].next) {
        const char *ours = self->pool + self->words[at - 1].text;

        if (strlen(ours) >= SLIP_LETTERS && is_slip(word, ours))
            return self->words[at - 1].id;
    }
    return WORDING_UNKNOWN;
}

/* "pleaseee", "stoooop": three and more of a letter are as many as keep. */
static uint16_t find_squeezed(const struct wording_tables *self, const char *word, size_t keep)
{
    char out[WORDING_WORD];
    size_t n = 0;

    for (size_t i = 0, run; word[i]; i += run) {
        run = strspn(word + i, (char[]){word[i], '\0'});
        for (size_t k = 0; k < (run < 3 ? run : keep); k++)
            out[n++] = word[i];
    }
    out[n] = '\0';
    return find(self, out);
}

/* Without "and" and the article, which Arabic writes together with the word. */
static uint16_t find_stem(const struct wording_tables *self, const char *word)
{
    static const char *const prefixes[] = {"و", "ف", "ال", "وال", "ب", "بال"};
    uint16_t id = WORDING_UNKNOWN;

    for (size_t i = 0; i < COUNT_OF(prefixes) && id == WORDING_UNKNOWN; i++) {
        size_t len = strlen(prefixes[i]);

        if (strncmp(word, prefixes[i], len) == 0 && word[len])
            id = find(self, word + len);
    }
    return id;
}

/* Without what Arabic writes behind the word: who does it, to whom, whose it is. At least three letters stay. */
static uint16_t find_without_suffix(const struct wording_tables *self, const char *word)
{
    static const char *const suffixes[] = {"ولنا", "ولي", "وني", "ونا", "كم",  "كن", "كو", "وا", "ون", "ين",
                                           "ش",    "ني",  "نا",  "لي",  "لنا", "ي",  "ك",  "و",  "ه"};
    size_t len = strlen(word);
    char stem[WORDING_WORD];
    uint16_t id = WORDING_UNKNOWN;

    if ((uint8_t)word[0] < 0xd8 || (uint8_t)word[0] > 0xdb)
        return id;
    for (size_t i = 0; i < COUNT_OF(suffixes) && id == WORDING_UNKNOWN; i++) {
        size_t cut = strlen(suffixes[i]);

        if (len < cut + 6 || strcmp(word + len - cut, suffixes[i]) != 0)
            continue;
        memcpy(stem, word, len - cut);
        stem[len - cut] = '\0';
        id = find(self, stem);
        if (id == WORDING_UNKNOWN)
            id = find_stem(self, stem);
    }
    return id;
}

uint16_t wording_id(const struct wording_tables *self, const char *word)
{
    uint16_t id = find(self, word);

    if (id == WORDING_UNKNOWN)
        id = find_squeezed(self, word, 1);
    if (id == WORDING_UNKNOWN)
        id = find_squeezed(self, word, 2);
    if (id == WORDING_UNKNOWN)
        id = find_stem(self, word);
    if (id == WORDING_UNKNOWN)
        id = find_without_suffix(self, word);
    if (id == WORDING_UNKNOWN && word[strspn(word, "0123456789")] == '\0')
        return strlen(word) < PHONE_DIGITS ? id : find(self, "digits");
    return id == WORDING_UNKNOWN ? find_slip(self, word) : id;
}

/* wording.c - a text becomes the numbers of its words, in which the phrases of a book are looked for. See wording.h. */
#include "libshared/wording.h"

#include <ctype.h>
#include <string.h>

#define GAP_WORDS 4

/* ---- the words of a text ---- */

static void add_token(struct wording_text *self, uint16_t id, enum wording_break mark)
{
    if (self->n > 0 && mark == BREAK_NONE)
        for (size_t i = 0; i < self->tables->n_compounds; i++)
            if (self->tables->compounds[i].first == self->all[self->n - 1].id &&
                self->tables->compounds[i].second == id) {
                self->all[self->n - 1].id = self->tables->compounds[i].result;
                return;
            }
    self->all[self->n++] = (struct wording_token){.id = id, .mark = (uint8_t)mark};
}

size_t wording_end(const struct wording_text *text, size_t i, enum wording_break mark)
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

void wording_read(struct wording_text *self, const struct wording_tables *tables, const char *text)
{
    struct wording_cursor cursor = {text, strnlen(text, WORDING_BYTES)};
    char word[WORDING_WORD];
    enum wording_break mark, pending = BREAK_NONE;
    enum script last = NEUTRAL;
    uint16_t id;

    self->tables = tables;
    self->n = 0;
    while (self->n < WORDING_TOKENS && wording_next_word(&cursor, word, &mark)) {
        enum script script = script_of(word);

        /* Who goes on in another script begins anew: "رقم غلط stop texting". */
        if (mark == BREAK_NONE && script != NEUTRAL && last != NEUTRAL && script != last)
            mark = BREAK_CLAUSE;
        /* "(555) 013-4477" is of what is said before it. */
        if (mark == BREAK_CLAUSE && isdigit((unsigned char)word[0]))
            mark = BREAK_NONE;
        last = script == NEUTRAL ? last : script;
        id = wording_id(tables, word);
        pending = mark > pending ? mark : pending;
        if (wording_has(&self->tables->oaths, id))
            continue;
        add_token(self, id, pending);
        pending = BREAK_NONE;
    }
    for (size_t from = 0, to; from < self->n; from = to) {
        to = wording_end(self, from, BREAK_CLAUSE);
        for (size_t i = from; i < to; i++) {
            self->all[i].from = (uint16_t)from;
            self->all[i].to = (uint16_t)to;
        }
    }
}

/* ---- looking for phrases ---- */

static bool any_of(const struct wording_text *text, size_t from, size_t to, const struct wording_set *set)
{
    for (size_t i = from; i < to; i++)
        if (wording_has(set, text->all[i].id))
            return true;
    return false;
}

/* Where what was said before word i of the clause begins to bear on it. */
static size_t after_joint(const struct wording_text *text, size_t from, size_t i)
{
    while (i > from && !wording_has(&text->tables->joints, text->all[i - 1].id))
        i--;
    return i;
}

static bool begins(const struct wording_text *text, size_t from, size_t i)
{
    from = after_joint(text, from, i);
    while (i > from && wording_has(&text->tables->fillers, text->all[i - 1].id))
        i--;
    return i == from;
}

static bool ends(const struct wording_text *text, size_t i, size_t to)
{
    while (i < to && wording_has(&text->tables->fillers, text->all[i].id))
        i++;
    return i == to || wording_has(&text->tables->joints, text->all[i].id);
}

/* Whether the word of this number is what the element asks for. */
static bool is_meant(const struct wording_tables *tables, uint16_t element, uint16_t id)
{
    uint16_t asked = element & (uint16_t) ~(WORDING_OPTIONAL | WORDING_CLASS);

    return element & WORDING_CLASS ? wording_has(&tables->classes[asked], id) : asked == id;
}

/* Behind the match of elements[0..n) that begins at word i of a clause that ends before to; 0: none. */
static size_t match(const struct wording_text *text, size_t i, size_t to, const uint16_t *elements, size_t n)
{
    size_t end = 0;

    if (n == 0)
        return i;
    if (elements[0] == WORDING_ENDS)
        return ends(text, i, to) ? match(text, i, to, elements + 1, n - 1) : 0;
    if (elements[0] == WORDING_GAP || elements[0] == WORDING_ONE) {
        size_t most = elements[0] == WORDING_GAP ? GAP_WORDS : 1;

        for (size_t skip = 0; skip <= most && i + skip < to && !end; skip++)
            end = match(text, i + skip, to, elements + 1, n - 1);
        return end;
    }
    if (i < to && is_meant(text->tables, elements[0], text->all[i].id))
        end = match(text, i + 1, to, elements + 1, n - 1);
    return !end && elements[0] & WORDING_OPTIONAL ? match(text, i, to, elements + 1, n - 1) : end;
}

/* Whether the phrase stands at word i, and nothing in the text speaks against it. */
static bool says(const struct wording_text *text, size_t i, const struct wording_phrase *phrase)
{
    const struct wording_veto *veto = &text->tables->vetoes[phrase->rule];
    size_t from = text->all[i].from, to = text->all[i].to, end;
    bool anchored = phrase->elements[0] == WORDING_BEGINS;

    if (anchored && !begins(text, from, i))
        return false;
    end = match(text, i, to, phrase->elements + anchored, phrase->n - (size_t)anchored);
    return end && !any_of(text, after_joint(text, from, i), i, &veto->before) && !any_of(text, end, to, &veto->after) &&
           !(end < to && wording_has(&veto->next, text->all[end].id)) && !any_of(text, 0, i, &veto->text) &&
           !any_of(text, end, text->n, &veto->text) && (!veto->has_needs || any_of(text, 0, text->n, &veto->needs));
}

const struct wording_rule *wording_find(const struct wording_text *self, int kind)
{
    const struct wording_tables *tables = self->tables;

    for (size_t i = 0; i < self->n; i++)
        for (uint16_t at = tables->by_word[self->all[i].id]; at; at = tables->entries[at - 1].next) {
            const struct wording_phrase *phrase = &tables->phrases[tables->entries[at - 1].phrase];
            const struct wording_rule *rule = tables->rules[phrase->rule];

            if (rule->kind == kind && says(self, i, phrase))
                return rule;
        }
    return NULL;
}

/* terms.c - see terms.h. */
#include "services/knowledge/search/terms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/knowledge/search/asked.h"
#include "services/knowledge/search/fillers.h"
#include "services/knowledge/search/slips.h"

#define TERMS_MAX      64   /* as leadwire_query_words tells */
#define CONCEPT_WEIGHT 0.9  /* of a word of the same concept */
#define STOP_VALUE     0.4  /* of a term that its language takes for one that says nothing */
#define NEAR_WEIGHT    0.9  /* of a misspelt word's right one */
#define NEAR_SHORT     0.75 /* of less than SHORT_LETTERS */
#define NEAR_TWO       0.8  /* with two slips */
#define SHORT_LETTERS  6
#define UNKNOWN_MIN    4 /* letters of a word that may be misspelt */
#define UNKNOWN_MAX    40

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* ---- the lines ---- */

/* Cuts *at_p off behind its next field. */
static const char *next_field(char **at_p, char end)
{
    char *field = *at_p, *behind = strchr(field, end);

    if (behind)
        *behind++ = '\0';
    *at_p = behind ? behind : field + strlen(field);
    return field;
}

static const char *concept_of(const struct fillers *common, const char *lexeme)
{
    for (size_t i = 0; i < common->n_words; i++)
        if (strcmp(common->words[i].lexeme, lexeme) == 0)
    return common->words[i].concept;
    return NULL;
}

static int compare_terms(const void *a, const void *b)
{
    const struct term *x = a, *y = b;
    int order = strcmp(x->lexeme, y->lexeme);

    return order ? order : strcmp(x->word, y->word);
}

/* By their lexemes, each once. */
static void sort_terms(struct terms *terms)
{
    size_t n = 0;

    if (terms->n > 0)
        qsort(terms->items, terms->n, sizeof *terms->items, compare_terms);
    for (size_t i = 0; i < terms->n; i++)
        if (n == 0 || strcmp(terms->items[n - 1].lexeme, terms->items[i].lexeme) != 0)
            terms->items[n++] = terms->items[i];
    terms->n = n;
}

int terms_parse(const char *asked, const struct fillers *common, struct arena *arena, struct terms *ret_terms,
                struct err *err)
{
    struct terms terms = {.items = arena_calloc(arena, TERMS_MAX, sizeof *terms.items)};
    char *at = arena_strdup(arena, asked);

    if (!at || !terms.items)
        return out_of_memory(err);
    terms.folded = next_field(&at, '\n');
    while (*at && terms.n < TERMS_MAX) {
        const char *word = next_field(&at, '\t'), *lexeme = next_field(&at, '\n');
        struct term term = {.stop = !*lexeme, .word = word, .lexeme = *lexeme ? lexeme : word};

        term.concept = concept_of(common, term.lexeme);
        if (term.concept ? *term.concept != '\0' : !term.stop)
            terms.items[terms.n++] = term;
    }
    sort_terms(&terms);
    *ret_terms = terms;
    return 0;
}

/* ---- what stands for a term ---- */

struct asking {
    const struct vocabulary *vocabulary;
    struct arena *arena;
    struct asked asked;
    size_t room; /* for lexemes */
    size_t from; /* of the term that is looked at, where its lexemes begin */
    size_t term;
};

static int compare_lexemes(const void *key, const void *item)
{
    return strcmp(key, ((const struct vocabulary_lexeme *)item)->lexeme);
}

static int64_t units_of(const struct vocabulary *vocabulary, const char *lexeme)
{
    const struct vocabulary_lexeme *found = NULL;

    if (vocabulary->n_lexemes > 0)
        found = bsearch(lexeme, vocabulary->lexemes, vocabulary->n_lexemes, sizeof *found, compare_lexemes);
    return found ? found->units : 0;
}

static int make_room(struct asking *self, struct err *err)
{
    size_t room = self->room ? 2 * self->room : 128;
    struct asked_lexeme *lexemes;

    if (self->asked.n < self->room)
        return 0;
    if (!(lexemes = arena_calloc(self->arena, room, sizeof *lexemes)))
        return out_of_memory(err);
    if (self->asked.n > 0)
        memcpy(lexemes, self->asked.lexemes, self->asked.n * sizeof *lexemes);
    self->asked.lexemes = lexemes;
    self->room = room;
    return 0;
}

/* A lexeme stands for a term once, with its highest weight. */
static int add(struct asking *self, const char *lexeme, double weight, struct err *err)
{
    for (size_t i = self->from; i < self->asked.n; i++) {
        struct asked_lexeme *known = &self->asked.lexemes[i];
        if (strcmp(known->lexeme, lexeme) != 0)
            continue;
        if (weight > known->weight)
            known->weight = weight;
        return 0;
    }
    if (make_room(self, err) < 0)
        return -1;
    self->asked.lexemes[self->asked.n++] = (struct asked_lexeme){self->term, weight, lexeme};
    return 0;
}

static int add_concept(struct asking *self, const char *concept, double weight, struct err *err)
{
    const struct fillers *common = self->vocabulary->common;

    for (size_t i = 0; i < common->n_words; i++)
        if (strcmp(common->words[i].concept, concept) == 0 && add(self, common->words[i].lexeme, weight, err) < 0)
            return -1;
    return 0;
}

/* ---- misspelt words ---- */

struct near {
    const char *lexeme; /* NULL: there is none */
    int slips;
};

/* Of several as near, the first by their bytes. */
static void take_nearer(struct near *best, const char *asked, const char *word, const char *lexeme)
{
    int slips = slips_between(word, asked);

    if (slips < 0)
        return;
    if (!best->lexeme || slips < best->slips || (slips == best->slips && strcmp(lexeme, best->lexeme) < 0))
        *best = (struct near){lexeme, slips};
}

static struct near find_near(const struct vocabulary *vocabulary, const char *word)
{
    struct near best = {0};

    for (size_t i = 0; i < vocabulary->n_words; i++)
        take_nearer(&best, word, vocabulary->words[i].word, vocabulary->words[i].lexeme);
    for (size_t i = 0; i < vocabulary->common->n_words; i++)
        take_nearer(&best, word, vocabulary->common->words[i].word, vocabulary->common->words[i].lexeme);
    return best;
}

/* What a word that the base does not have was meant to be, if that can be told. *ret_empty: a word that says nothing.
 */
static int add_near(struct asking *self, const char *word, bool *ret_empty, struct err *err)
{
    struct near near = find_near(self->vocabulary, word);
    const char *concept = near.lexeme ? concept_of(self->vocabulary->common, near.lexeme) : NULL;
    double weight = near.slips == 2 ? NEAR_TWO : utf8_count(word) < SHORT_LETTERS ? NEAR_SHORT : NEAR_WEIGHT;

    *ret_empty = concept && !*concept;
    if (!near.lexeme || *ret_empty)
        return 0;
    if (add(self, near.lexeme, weight, err) < 0)
        return -1;
    return concept ? add_concept(self, concept, CONCEPT_WEIGHT * weight, err) : 0;
}

/* ---- */

static double value_of(const struct asking *self, bool stop)
{
    const struct vocabulary *vocabulary = self->vocabulary;
    int64_t units = 0;

    for (size_t i = self->from; i < self->asked.n; i++)
        units += units_of(vocabulary, self->asked.lexemes[i].lexeme);
    if (units > vocabulary->units)
        units = vocabulary->units;
    return log(1 + (double)vocabulary->units / (0.5 + (double)units)) * (stop ? STOP_VALUE : 1);
}

static int ask_term(struct asking *self, const struct term *term, struct err *err)
{
    size_t letters = utf8_count(term->word);
    bool empty = false;

    self->from = self->asked.n;
    if (add(self, term->lexeme, 1, err) < 0)
        return -1;
    if (term->concept && add_concept(self, term->concept, CONCEPT_WEIGHT, err) < 0)
        return -1;
    if (!term->concept && letters >= UNKNOWN_MIN && letters <= UNKNOWN_MAX &&
        units_of(self->vocabulary, term->lexeme) <= 0 && add_near(self, term->word, &empty, err) < 0)
        return -1;
    if (empty) {
        self->asked.n = self->from;
        return 0;
    }
    self->asked.values[self->term] = value_of(self, term->stop);
    self->asked.n_terms = self->term + 1;
    return 0;
}

static int compare_asked(const void *a, const void *b)
{
    return strcmp(((const struct asked_lexeme *)a)->lexeme, ((const struct asked_lexeme *)b)->lexeme);
}

int terms_ask(const struct terms *terms, const struct vocabulary *vocabulary, struct arena *arena,
              struct asked *ret_asked, struct err *err)
{
    struct asking self = {.vocabulary = vocabulary, .arena = arena};

    if (!(self.asked.values = arena_calloc(arena, TERMS_MAX, sizeof *self.asked.values)) || make_room(&self, err) < 0)
        return out_of_memory(err);
    for (self.term = 0; self.term < terms->n; self.term++)
        if (ask_term(&self, &terms->items[self.term], err) < 0)
            return -1;
    if (self.asked.n > 0)
        qsort(self.asked.lexemes, self.asked.n, sizeof *self.asked.lexemes, compare_asked);
    for (size_t i = 0; i < self.asked.n_terms; i++)
        self.asked.total += self.asked.values[i];
    *ret_asked = self.asked;
    return 0;
}

/* postings.c - see postings.h. */
#include "services/knowledge/search/postings.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "services/knowledge/search/asked.h"
#include "services/knowledge/search/drafts.h"
#include "services/knowledge/search/lexemes.h"
#include "services/knowledge/search/terms.h"

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
}

/* Where the lexeme stands, looked for from a place on. False: it is not there, and *place is where it would be. */
static bool find_lexeme(const struct vocabulary *vocabulary, const char *lexeme, size_t len, size_t *place)
{
    size_t to = vocabulary->n_lexemes;

    while (*place < to) {
        size_t middle = *place + (to - *place) / 2;
        int order = lexeme_compare(lexeme, len, vocabulary->lexemes[middle].lexeme);
        if (order == 0) {
            *place = middle;
            return true;
        }
        if (order < 0)
            to = middle;
        else
            *place = middle + 1;
    }
    return false;
}

/* ---- making ---- */

/* Counts the piece's lexemes in places; or, with items, puts it where their places say. */
static void add_piece(const struct vocabulary *vocabulary, const struct said *said, uint32_t *places, uint32_t *items)
{
    const char *text = said->words, *lexeme;
    char buffer[LEXEME_SIZE];
    size_t len, place = 0;

    while ((lexeme = lexeme_next(&text, buffer, &len))) { /* sorted, as the vocabulary is */
        if (!find_lexeme(vocabulary, lexeme, len, &place))
            continue;
        if (items)
            items[places[place]++] = 2 * said->unit + said->is_answer;
        else
            places[place]++;
    }
}

int postings_make(const struct vocabulary *vocabulary, const struct said *said, size_t n, size_t n_units,
                  struct arena *arena, struct postings *ret_postings, struct err *err)
{
    uint32_t *from = arena_calloc(arena, vocabulary->n_lexemes + 1, sizeof *from);
    uint32_t *places = arena_calloc(arena, vocabulary->n_lexemes + 1, sizeof *places), *items;

    if (!from || !places)
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        add_piece(vocabulary, &said[i], places, NULL);
    for (size_t i = 0; i < vocabulary->n_lexemes; i++) {
        if (__builtin_add_overflow(from[i], places[i], &from[i + 1]))
            return err_set(err, ERR_INTERNAL, "knowledge: too many words");
        places[i] = from[i];
    }
    if (!(items = arena_calloc(arena, from[vocabulary->n_lexemes], sizeof *items)))
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        add_piece(vocabulary, &said[i], places, items);
    *ret_postings = (struct postings){.vocabulary = vocabulary, .n_units = n_units, .from = from, .items = items};
    return 0;
}

/* ---- finding ---- */

/* What is known of the units so far. */
struct tally {
    float *scores;
    float *said;          /* of the term that is looked at: the most that the unit says of it */
    unsigned char *terms; /* which term that is, from 1 */
};

static void add_lexeme(const struct postings *self, size_t place, size_t term, double weight, double value,
                       struct tally *tally)
{
    for (uint32_t i = self->from[place]; i < self->from[place + 1]; i++) {
        uint32_t unit = self->items[i] / 2;
        float said = (float)(self->items[i] % 2 ? weight * ANSWER_WEIGHT : weight);

        if (tally->terms[unit] != term + 1) {
            tally->terms[unit] = (unsigned char)(term + 1);
            tally->said[unit] = 0;
        }
        if (said <= tally->said[unit])
            continue;
        tally->scores[unit] += (said - tally->said[unit]) * (float)value;
        tally->said[unit] = said;
    }
}

static void add_term(const struct postings *self, const struct asked *asked, size_t term, struct tally *tally)
{
    for (size_t i = 0; i < asked->n; i++) {
        const struct asked_lexeme *lexeme = &asked->lexemes[i];
        size_t place = 0;

        if (lexeme->term == term && find_lexeme(self->vocabulary, lexeme->lexeme, strlen(lexeme->lexeme), &place))
            add_lexeme(self, place, term, lexeme->weight, asked->values[term], tally);
    }
}

/* Puts a unit among the best, which are in order. Returns how many there are then. */
static size_t take(uint32_t *best, size_t n, size_t most, uint32_t unit, const float *scores)
{
    size_t at = n < most ? n++ : n - 1;

    for (; at > 0 && scores[best[at - 1]] < scores[unit]; at--)
        best[at] = best[at - 1];
    best[at] = unit;
    return n;
}

int postings_best(const struct postings *self, const struct asked *asked, size_t most, struct arena *arena,
                  uint32_t **ret_units, size_t *ret_n, struct err *err)
{
    struct tally tally = {
        .scores = arena_calloc(arena, self->n_units, sizeof *tally.scores),
        .said = arena_calloc(arena, self->n_units, sizeof *tally.said),
        .terms = arena_calloc(arena, self->n_units, sizeof *tally.terms),
    };
    uint32_t *best = arena_calloc(arena, most, sizeof *best);
    size_t n = 0;

    if (!tally.scores || !tally.said || !tally.terms || !best)
        return out_of_memory(err);
    for (size_t term = 0; term < asked->n_terms; term++)
        add_term(self, asked, term, &tally);
    for (uint32_t unit = 0; most > 0 && unit < self->n_units; unit++)
        if (tally.scores[unit] > 0 && (n < most || tally.scores[unit] > tally.scores[best[n - 1]]))
            n = take(best, n, most, unit, tally.scores);
    *ret_units = best;
    *ret_n = n;
    return 0;
}

/* asked.c - see asked.h. */
#include "services/knowledge/search/asked.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "services/knowledge/search/lexemes.h"

#define TERMS_MAX 64 /* as leadwire_candidates looks at */

static int broken(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "knowledge: a query's words cannot be read");
}

/* "place value weight lexeme" up to the line's end, which is cut off. Returns the next line, NULL behind the last. */
static char *parse_line(char *line, size_t *ret_place, double *ret_value, struct asked_lexeme *ret_lexeme)
{
    char *next = strchr(line, '\n'), *at;

    if (next)
        *next++ = '\0';
    *ret_place = strtoul(line, &at, 10);
    *ret_value = strtod(at, &at);
    ret_lexeme->weight = strtod(at, &at);
    ret_lexeme->lexeme = *at == ' ' ? at + 1 : at;
    return next;
}

static int compare_lexemes(const void *a, const void *b)
{
    return strcmp(((const struct asked_lexeme *)a)->lexeme, ((const struct asked_lexeme *)b)->lexeme);
}

int asked_parse(const char *lines, struct arena *arena, struct asked *ret_asked, struct err *err)
{
    struct asked asked = {0};
    char *line = arena_strdup(arena, lines ? lines : "");
    size_t n = 1;

    for (const char *at = lines; at && (at = strchr(at, '\n')); at++)
        n++;
    asked.values = arena_calloc(arena, TERMS_MAX, sizeof *asked.values);
    asked.lexemes = arena_calloc(arena, n, sizeof *asked.lexemes);
    if (!line || !asked.values || !asked.lexemes)
        return err_set(err, ERR_INTERNAL, "knowledge: out of memory");
    while (line && *line) {
        struct asked_lexeme *lexeme = &asked.lexemes[asked.n++];
        double value;
        size_t place;

        line = parse_line(line, &place, &value, lexeme);
        if (place < 1 || place > TERMS_MAX)
            return broken(err);
        lexeme->term = place - 1;
        asked.values[lexeme->term] = value;
        if (place > asked.n_terms)
            asked.n_terms = place;
    }
    qsort(asked.lexemes, asked.n, sizeof *asked.lexemes, compare_lexemes);
    for (size_t i = 0; i < asked.n_terms; i++)
        asked.total += asked.values[i];
    *ret_asked = asked;
    return 0;
}

/* Both are sorted by their bytes, so that each is gone through once. */
void asked_mark(const struct asked *self, const char *text, double weight, double *best)
{
    char buffer[LEXEME_SIZE];
    const char *lexeme;
    size_t len, from = 0;

    while (from < self->n && (lexeme = lexeme_next(&text, buffer, &len))) {
        int order = 1;
        while (from < self->n && (order = lexeme_compare(lexeme, len, self->lexemes[from].lexeme)) > 0)
            from++;
        for (size_t i = from; order == 0; i++) {
            const struct asked_lexeme *own = &self->lexemes[i];
            if (own->weight * weight > best[own->term])
                best[own->term] = own->weight * weight;
            if (i + 1 == self->n || lexeme_compare(lexeme, len, own[1].lexeme) != 0)
                break;
        }
    }
}

double asked_covered(const struct asked *self, const double *best)
{
    double sum = 0;

    for (size_t i = 0; i < self->n_terms; i++)
        sum += best[i] * self->values[i];
    return self->total > 0 ? sum / self->total : 0;
}

static int is_filler(const char *lexeme, size_t len, const char *const *fillers, size_t n)
{
    size_t from = 0, to = n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = lexeme_compare(lexeme, len, fillers[middle]);
        if (order == 0)
            return 1;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return 0;
}

double asked_about(const struct asked *self, const char *text, const char *const *fillers, size_t n_fillers,
                   int64_t *ret_words)
{
    int64_t words = 0, all = 0;
    const char *lexeme;
    double sum = 0;
    char buffer[LEXEME_SIZE];
    size_t len;

    while ((lexeme = lexeme_next(&text, buffer, &len))) {
        double best = 0;
        for (size_t i = 0; i < self->n; i++)
            if (self->lexemes[i].weight > best && lexeme_compare(lexeme, len, self->lexemes[i].lexeme) == 0)
                best = self->lexemes[i].weight;
        sum += best;
        words += best > 0;
        all += best > 0 || !is_filler(lexeme, len, fillers, n_fillers);
    }
    *ret_words = words;
    return all ? sum / (double)all : 0;
}

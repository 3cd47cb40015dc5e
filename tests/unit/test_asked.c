/* What of a query a chunk says, read from its tsvector as PostgreSQL writes it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/knowledge/search/asked.h"

/* Three terms: two lexemes stand for the first, and "tap" for two of them. */
static const char lines[] = "1 2 1 leak\n"
                            "1 2 0.9 drip\n"
                            "2 1 1 o'brien\n"
                            "3 5 1 tap\n"
                            "1 2 0.5 tap";

static struct asked parse(struct arena *arena)
{
    struct asked asked;

    cr_assert(eq(int, asked_parse(lines, arena, &asked, NULL), 0));
    cr_assert(eq(sz, asked.n_terms, 3));
    return asked;
}

static double covered(const char *words, double weight)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    struct asked asked = parse(arena);
    double best[3] = {0};

    asked_mark(&asked, words, weight, best);
    return asked_covered(&asked, best);
}

Test(asked, each_lexeme_of_a_text_counts_for_every_term_that_it_stands_for)
{
    cr_expect(ieee_ulp_eq(dbl, covered("'all' 'tap' 'water'", 1), (0.5 * 2 + 5) / 8, 4));
    cr_expect(ieee_ulp_eq(dbl, covered("'drip' 'leak'", 1), 2.0 / 8, 4));
    cr_expect(ieee_ulp_eq(dbl, covered("'drip' 'leaky' 'ta'", 0.5), 0.45 * 2 / 8, 4));
    cr_expect(ieee_ulp_eq(dbl, covered("", 1), 0, 4));
}

Test(asked, apostrophes_and_backslashes_are_read_as_they_are_written)
{
    cr_expect(ieee_ulp_eq(dbl, covered("'a\\\\b' 'o''brien' 'tap'", 1), (1 + 0.5 * 2 + 5) / 8, 4));
    cr_expect(ieee_ulp_eq(dbl, covered("'o'", 1), 0, 4));
    cr_expect(ieee_ulp_eq(dbl, covered("'o''brien", 1), 1.0 / 8, 4), "the end of the text ends a lexeme too");
}

Test(asked, places_behind_a_lexeme_are_passed_over)
{
    cr_expect(ieee_ulp_eq(dbl, covered("'drip':1,7A 'leak':2", 1), 2.0 / 8, 4));
}

Test(asked, a_question_is_about_what_remains_without_its_small_words)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(65536);
    static const char *const fillers[] = {"could", "pleas"};
    struct asked asked = parse(arena);
    int64_t words;

    cr_expect(ieee_ulp_eq(dbl,
                          asked_about(&asked, "'could' 'drip' 'o''brien' 'pleas' 'roof' 'tap'", fillers, 2, &words),
                          (0.9 + 1 + 1) / 4, 4));
    cr_expect(eq(i64, words, 3));
}

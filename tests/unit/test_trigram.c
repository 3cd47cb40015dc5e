/* How alike two texts are by their letters. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "services/knowledge/search/trigram.h"

static double alike(const char *a, const char *b)
{
    struct trigrams trigrams;

    trigrams_read(&trigrams, a);
    return trigrams_similarity(&trigrams, b);
}

Test(trigram, it_is_the_share_of_trigrams_in_common)
{
    /* "  w", " wo", "wor", "ord", and "rd " here, "rds", "ds " there; as similarity() of pg_trgm. */
    cr_expect(ieee_ulp_eq(dbl, alike("word", "words"), 4.0 / 7, 4));
    cr_expect(ieee_ulp_eq(dbl, alike("two words", "words, two"), 1.0, 4),
              "their order and what is between do not count");
    cr_expect(ieee_ulp_eq(dbl, alike("abc", "xyz"), 0.0, 4));
}

Test(trigram, one_that_comes_again_counts_once)
{
    cr_expect(ieee_ulp_eq(dbl, alike("no no no", "no"), 1.0, 4));
}

Test(trigram, the_case_of_ascii_letters_does_not_count)
{
    cr_expect(ieee_ulp_eq(dbl, alike("do you repair boilers", "Do YOU repair Boilers?"), 1.0, 4));
}

Test(trigram, a_text_without_letters_is_like_nothing)
{
    cr_expect(ieee_ulp_eq(dbl, alike("", ""), 0.0, 4));
    cr_expect(ieee_ulp_eq(dbl, alike("?!", "word"), 0.0, 4));
}

Test(trigram, of_a_long_text_the_first_500_count)
{
    char longer[4000], start[TRIGRAMS_MAX];

    for (size_t i = 0; i < sizeof longer; i++)
        longer[i] = (char)('a' + (i * i + i / 7) % 26);
    longer[sizeof longer - 1] = '\0';
    memcpy(start, longer, sizeof start); /* its end makes one trigram of its own, behind the 500 of the other */
    start[TRIGRAMS_MAX - 1] = '\0';
    cr_expect(ge(dbl, alike(longer, start), 0.98));
    cr_expect(ieee_ulp_eq(dbl, alike(longer, longer), 1.0, 4));
}

/* score.c - see score.h. Each view is brought to one scale first; then the best of them counts, and agreement adds. */
#include "services/knowledge/score.h"

#include "services/knowledge/embed.h"
#include "services/knowledge/search_store.h"

/* How much of what is missing to 1 the other view adds. Of 0.3 to 0.6, this found most on the development half of
 * tests/bench/knowledge: the entry is among the first three for 0.90 of the questions (0.86 with 0.3). */
#define AGREEMENT 0.6

static double at_most(double value, double limit)
{
    return value < limit ? value : limit;
}

static double at_least(double value, double limit)
{
    return value > limit ? value : limit;
}

double score_words(const struct candidate *candidate)
{
    double covered = candidate->covered, about = candidate->about, agreed = 0;

    if (candidate->exact)
        return 1;
    /* A piece of a document has no question of its own to be about. */
    if (!candidate->is_faq)
        return 0.92 * covered;
    /* Two words in common are much more than one. */
    if (candidate->words >= 2)
        agreed = 0.12 * at_most(covered, about);
    return at_most(0.7 * covered + 0.3 * about + agreed, 0.99);
}

double score_trigrams(const struct candidate *candidate)
{
    return candidate->exact ? 1 : candidate->alike;
}

double score_text(const struct candidate *candidate)
{
    return score_words(candidate);
}

double score_fused(const struct candidate *candidate)
{
    double text = score_text(candidate), vector, high, low;

    if (!candidate->has_cosine)
        return text;
    vector = embed_calibrate(candidate->model, candidate->cosine);
    high = at_least(text, vector);
    low = at_most(text, vector);
    return high + AGREEMENT * low * (1 - high);
}

/* score.c - see score.h. Each view tells how likely a candidate answers; that one of them is right is what they have
 * together: 1 - (1 - a)(1 - b). Of the built-in model more is known, and the views are weighed. */
#include "services/knowledge/search/score.h"

#include <math.h>
#include <string.h>

#include "services/knowledge/embedding/embed.h"
#include "services/knowledge/embedding/minilm.h"
#include "services/knowledge/search/search_store.h"

/* Found on the development half of tests/bench/knowledge with the built-in model. Words weigh less than meaning, and
 * what both give together is worth 0.75 from where four of five messages out of scope stay below. Compared with taking
 * the better view and adding 0.6 of the other: the right entry first for 0.79 of the questions instead of 0.77, and
 * 0.31 of the questions refused instead of 0.39, at the same share of messages out of scope. */
#define WORDS_WEIGHT 0.8
#define ENOUGH       0.457 /* on the scale of 1 - (1 - a)(1 - b); 0.75 as a score */
#define THRESHOLD    0.75

/* Words alone are worth 0.75 from here: on the development half, without a model, 0.97 of the messages out of scope
 * stay below, and 0.57 of the questions (of those with hardly a word in common, nearly all). */
#define ENOUGH_WORDS 0.55

/* What speaks for a candidate by the built-in model, in logits: that it answers, and not another or none. Found by
 * tools/ranking/fit.py on other trades than those of tests/bench/knowledge. Few words in common say little, many
 * much. */
#define ASKS  9.39
#define SAYS  8.53
#define WORDS 4.60 /* of their square */
#define ALIKE 4.23
#define NONE  5.38

/* As a probability that is worth 0.75: on trades that were left out four of five messages out of scope stay below. */
#define ENOUGH_BUILTIN 0.168

static double at_most(double value, double limit)
{
    return value < limit ? value : limit;
}

/* From a scale on which enough is worth THRESHOLD to that of scores, and back. */
static double to_score(double x, double enough)
{
    return x < enough ? x / enough * THRESHOLD : THRESHOLD + (x - enough) / (1 - enough) * (1 - THRESHOLD);
}

static double from_score(double score, double enough)
{
    return score < THRESHOLD ? score / THRESHOLD * enough
                             : enough + (score - THRESHOLD) / (1 - THRESHOLD) * (1 - enough);
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

static double score_builtin(const struct candidate *c)
{
    double words = score_words(c);
    double logit = ASKS * c->asks + SAYS * c->says + WORDS * words * words + ALIKE * c->alike - NONE;

    return to_score(1 / (1 + exp(-logit)), ENOUGH_BUILTIN);
}

double score_fused(const struct candidate *candidate)
{
    double text = score_text(candidate), vector;

    if (candidate->exact)
        return 1;
    if (!candidate->has_cosine)
        return to_score(text, ENOUGH_WORDS);
    if (strcmp(candidate->model, MINILM_NAME) == 0)
        return score_builtin(candidate);
    vector = from_score(embed_calibrate(candidate->model, candidate->cosine), ENOUGH);
    return to_score(1 - (1 - vector) * (1 - WORDS_WEIGHT * text), ENOUGH);
}

/* How the views of a candidate are fused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "services/knowledge/embedding/minilm.h"
#include "services/knowledge/search/score.h"
#include "services/knowledge/search/search_store.h"

static struct candidate by_words(double covered, double about, int words)
{
    return (struct candidate){
        .is_faq = true, .model = "text-embedding-3-small", .covered = covered, .about = about, .words = words};
}

Test(score, the_question_itself_scores_1)
{
    struct candidate c = by_words(0, 0, 0);

    c.exact = true;
    cr_expect(eq(dbl, score_text(&c), 1));
    cr_expect(eq(dbl, score_fused(&c), 1));
}

Test(score, nothing_in_common_scores_0)
{
    struct candidate c = by_words(0, 0, 0);

    cr_expect(eq(dbl, score_fused(&c), 0));
    c.has_cosine = true;
    c.cosine = -0.3;
    cr_expect(eq(dbl, score_fused(&c), 0));
}

Test(score, words_alone_never_reach_the_question_itself)
{
    struct candidate c = by_words(1, 1, 5);

    cr_expect(score_text(&c) > 0.9 && score_text(&c) < 1);
}

Test(score, one_word_of_two_is_no_answer_and_all_but_a_side_remark_is)
{
    struct candidate half = by_words(0.45, 0.5, 1), most = by_words(0.7, 0.9, 3);

    cr_expect(score_fused(&half) < 0.7);
    cr_expect(score_fused(&most) >= 0.85);
}

Test(score, meaning_alone_can_answer)
{
    struct candidate c = by_words(0, 0, 0);

    c.has_cosine = true;
    c.cosine = 0.5;
    cr_expect(score_fused(&c) >= 0.75);
    c.cosine = 0.2;
    cr_expect(score_fused(&c) < 0.5);
}

static struct candidate by_builtin(double asks, double says)
{
    return (struct candidate){.is_faq = true,
                              .model = MINILM_NAME,
                              .has_cosine = true,
                              .cosine = asks > says ? asks : says,
                              .asks = asks,
                              .says = says};
}

Test(score, of_the_built_in_model_question_and_answer_both_speak)
{
    struct candidate both = by_builtin(0.4, 0.4), question = by_builtin(0.4, 0.1), none = by_builtin(0.05, 0.05);

    cr_expect(score_fused(&both) >= 0.75);
    cr_expect(score_fused(&question) < score_fused(&both));
    cr_expect(score_fused(&none) < 0.1);
}

Test(score, of_the_built_in_model_words_add_to_meaning)
{
    struct candidate c = by_builtin(0.25, 0.2);
    double before = score_fused(&c);

    c.covered = 0.8;
    c.about = 0.8;
    c.words = 3;
    cr_expect(score_fused(&c) > before);
    cr_expect(score_fused(&c) >= 0.75);
    cr_expect(score_fused(&c) <= 1);
}

Test(score, of_the_built_in_model_too_the_question_itself_scores_1_and_without_a_vector_words_count_as_ever)
{
    struct candidate c = by_builtin(0, 0), words = by_words(0.6, 0.6, 2);

    c.exact = true;
    cr_expect(eq(dbl, score_fused(&c), 1));
    words.model = MINILM_NAME;
    c = by_words(0.6, 0.6, 2);
    cr_expect(eq(dbl, score_fused(&words), score_fused(&c)));
}

Test(score, views_that_agree_score_more_than_either)
{
    struct candidate both = by_words(0.6, 0.6, 2), words = both;

    both.has_cosine = true;
    both.cosine = 0.4;
    cr_expect(score_fused(&both) > score_fused(&words));
    cr_expect(score_fused(&both) <= 1);
}

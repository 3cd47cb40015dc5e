/* What tokens cost: the list, the operator's own prices, and a model that nobody knows. */
#include <criterion/criterion.h>
#include <string.h>

#include "libshared/err.h"
#include "services/orchestrator/claude/model_prices.h"

static struct err err;
static struct model_prices own;

#define MILLION 1000000

static const struct model_tokens all = {.input = MILLION,
                                        .output = MILLION,
                                        .cache_read = MILLION,
                                        .cache_write = MILLION};

static int64_t cost(const char *model)
{
    return model_cost_micro_usd(&own, model, &all);
}

TestSuite(orchestrator_prices, .timeout = 10);

Test(orchestrator_prices, a_model_costs_what_the_longest_fitting_name_says)
{
    cr_expect_eq(cost("claude-sonnet-5-5"), (2 + 10 + 0.1 + 2.5) * MILLION);
    cr_expect_eq(cost("claude-sonnet-5-5-20260928"), (2 + 10 + 0.1 + 2.5) * MILLION);
    cr_expect_eq(cost("claude-sonnet-4-6"), (3 + 15 + 0.3 + 3.75) * MILLION);
    cr_expect_eq(cost("claude-haiku-4-5"), (1 + 5 + 0.1 + 1.25) * MILLION);
    cr_expect_eq(cost("claude-opus-4-6"), (5 + 25 + 0.5 + 6.25) * MILLION);
    cr_expect_eq(cost("claude-opus-4-1"), (15 + 75 + 1.5 + 18.75) * MILLION);
}

Test(orchestrator_prices, an_unknown_model_costs_as_the_dearest)
{
    cr_expect_eq(cost("gpt-9"), cost("claude-opus-4-1"));
    cr_expect_eq(cost(""), cost("claude-opus-4-1"));
}

Test(orchestrator_prices, a_part_of_a_micro_dollar_is_rounded_up_and_a_whole_one_stays)
{
    cr_expect_eq(model_cost_micro_usd(NULL, "claude-sonnet-5", &(struct model_tokens){.cache_read = 1}), 1);
    cr_expect_eq(model_cost_micro_usd(NULL, "claude-sonnet-5", &(struct model_tokens){.cache_read = 5}), 1);
    cr_expect_eq(model_cost_micro_usd(NULL, "claude-haiku-4-5", &(struct model_tokens){.cache_read = 70}), 7);
    cr_expect_eq(model_cost_micro_usd(NULL, "claude-sonnet-5", &(struct model_tokens){0}), 0);
}

Test(orchestrator_prices, the_operators_own_prices_go_first)
{
    cr_assert_eq(model_prices_read("claude-sonnet-=1.5/6,gpt-=0.25/2", &own, &err), 0, "%s", err.text);
    cr_expect_eq(cost("claude-sonnet-5-5"), (1.5 + 6 + 0.15 + 1.875) * MILLION);
    cr_expect_eq(cost("gpt-9"), (0.25 + 2 + 0.025 + 0.3125) * MILLION);
    cr_expect_eq(cost("claude-haiku-4-5"), (1 + 5 + 0.1 + 1.25) * MILLION);
    cr_assert_eq(model_prices_read(NULL, &own, &err), 0);
    cr_expect_eq(own.n, 0);
}

Test(orchestrator_prices, wrong_prices_are_refused_and_the_setting_is_named)
{
    static const char *const wrong[] = {"claude",         "claude=",      "claude=3",       "claude=3/",
                                        "=3/15",          "claude=3/15,", ",claude=3/15",   "claude=-3/15",
                                        "claude=3/1e9",   "claude=3/15 ", "claude =3/15",   "claude=.5/1",
                                        "claude=1.2.3/1", "claude=nan/1", "claude=10001/1", "claude=3/15;b=1/1"};
    char many[2048] = "";

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (struct err){0};
        cr_expect_eq(model_prices_read(wrong[i], &own, &err), -1, "%s", wrong[i]);
        cr_expect_eq(err.kind, ERR_INVALID);
        cr_expect_str_eq(err.field, "ANTHROPIC_PRICES");
    }
    for (int i = 0; i <= MODEL_PRICES_MAX; i++)
        strcat(many, i ? ",a=1/1" : "a=1/1");
    cr_expect_eq(model_prices_read(many, &own, &err), -1);
    many[strlen(many) - 6] = '\0';
    cr_expect_eq(model_prices_read(many, &own, &err), 0);
    cr_expect_eq(own.n, MODEL_PRICES_MAX);
}

/* model_prices.h - what the tokens of a model cost. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

/* As Anthropic bills them: the three kinds of what is read exclude each other. */
struct model_tokens {
    int64_t input, output, cache_read, cache_write;
};

/* USD per million tokens, which is the same number of micro-USD per token. */
struct model_price {
    char prefix[64]; /* of the model's name; of several that fit the longest counts */
    double input, output;
    double cache_read; /* of what input costs: 0.1 */
};

#define MODEL_PRICES_MAX 32

/* The operator's own prices, which go before the list's. */
struct model_prices {
    struct model_price items[MODEL_PRICES_MAX];
    size_t n;
};

/* Reads ANTHROPIC_PRICES: "claude-sonnet-5=2/10,claude-opus-=5/25", the input's price and the output's. text NULL:
 * none. ERR_INVALID, err->field naming the setting. */
int model_prices_read(const char *text, struct model_prices *ret_prices, struct err *err);

/* What tokens of a model cost, rounded up. own may be NULL. A model that neither own nor the list knows costs what the
 * dearest of the list does; the first time that is logged. Thread-safe. */
int64_t model_cost_micro_usd(const struct model_prices *own, const char *model, const struct model_tokens *tokens);

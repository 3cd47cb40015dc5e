/* model_prices.c - see model_prices.h. */
#include "services/orchestrator/claude/model_prices.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/log.h"

#define SETTING "ANTHROPIC_PRICES"

#define CACHE_WRITE   1.25 /* of what input costs, where the cache lasts five minutes, as prompt.c asks for */
#define CACHE_READ    0.1
#define PRICE_MAX     10000.0
#define UNKNOWN_NAMES 16 /* so many are logged, each once */

/* Source: platform.claude.com/docs/en/about-claude/pricing, as of November 2026. claude-haiku-5-5 costs more where a
 * prompt has more than 100,000 tokens, which ours do not come to. */
static const struct model_price list[] = {
    {"claude-fable-", 10, 50, CACHE_READ},      {"claude-mythos-", 10, 50, CACHE_READ},
    {"claude-opus-4-0", 15, 75, CACHE_READ},    {"claude-opus-4-1", 15, 75, CACHE_READ},
    {"claude-opus-4-2", 15, 75, CACHE_READ}, /* claude-opus-4-20250514 */
    {"claude-opus-", 5, 25, CACHE_READ},        {"claude-opus-5-5", 4, 20, 0.05},
    {"claude-sonnet-", 3, 15, CACHE_READ},      {"claude-sonnet-5", 2, 10, CACHE_READ},
    {"claude-sonnet-5-5", 2, 10, 0.05},         {"claude-haiku-", 1, 5, CACHE_READ},
    {"claude-haiku-5-5", 0.1, 0.5, CACHE_READ},
};

/* ---- the setting ---- */

/* "3.75": digits, perhaps a point and digits; what follows is *ret_end. */
static bool read_price(const char *text, double *ret_price, const char **ret_end)
{
    size_t len = strspn(text, "0123456789.");
    char number[16], *end;

    if (len == 0 || len >= sizeof number)
        return false;
    snprintf(number, sizeof number, "%.*s", (int)len, text);
    *ret_price = strtod(number, &end);
    *ret_end = text + len;
    return *end == '\0' && *number != '.' && *ret_price <= PRICE_MAX;
}

/* One "prefix=in/out"; *text_p is then what follows it. */
static bool read_item(const char **text_p, struct model_price *ret_price)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@";
    const char *text = *text_p;
    size_t len = strspn(text, letters);

    if (len == 0 || len >= sizeof ret_price->prefix || text[len] != '=')
        return false;
    snprintf(ret_price->prefix, sizeof ret_price->prefix, "%.*s", (int)len, text);
    ret_price->cache_read = CACHE_READ;
    if (!read_price(text + len + 1, &ret_price->input, &text) || *text != '/' ||
        !read_price(text + 1, &ret_price->output, &text) || (*text != '\0' && *text != ','))
        return false;
    *text_p = text;
    return true;
}

int model_prices_read(const char *text, struct model_prices *ret_prices, struct err *err)
{
    struct model_prices prices = {0};

    while (text && *text) {
        if (prices.n == MODEL_PRICES_MAX)
            return err_set_field(err, ERR_INVALID, SETTING, SETTING " names more than %d models", MODEL_PRICES_MAX);
        if (!read_item(&text, &prices.items[prices.n++]) || (*text == ',' && !*++text))
            return err_set_field(err, ERR_INVALID, SETTING,
                                 SETTING
                                 " must be names or beginnings of names of models with the prices in USD of a "
                                 "million tokens of input and output, e.g. claude-sonnet-5=2/10,claude-opus-=5/25");
    }
    *ret_prices = prices;
    return 0;
}

/* ---- the cost ---- */

static const struct model_price *longest(const struct model_price *prices, size_t n, const char *model)
{
    const struct model_price *best = NULL;

    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(prices[i].prefix);

        if (strncmp(prices[i].prefix, model, len) == 0 && (!best || len > strlen(best->prefix)))
            best = &prices[i];
    }
    return best;
}

static const struct model_price *dearest(void)
{
    const struct model_price *best = &list[0];

    for (size_t i = 1; i < COUNT_OF(list); i++)
        if (list[i].output > best->output)
            best = &list[i];
    return best;
}

static void log_unknown_once(const char *model, const struct model_price *taken)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char names[UNKNOWN_NAMES][128];
    bool is_new = false;
    size_t i = 0;

    pthread_mutex_lock(&lock);
    while (i < UNKNOWN_NAMES && *names[i] && strncmp(names[i], model, sizeof names[i] - 1) != 0)
        i++;
    if (i < UNKNOWN_NAMES && !*names[i]) {
        snprintf(names[i], sizeof names[i], "%s", model);
        is_new = true;
    }
    pthread_mutex_unlock(&lock);
    if (is_new)
        log_warn("the price of this model is not known: it is counted as the dearest one; set " SETTING,
                 log_str("model", model), log_str("as", taken->prefix));
}

int64_t model_cost_micro_usd(const struct model_prices *own, const char *model, const struct model_tokens *tokens)
{
    const struct model_price *price = own ? longest(own->items, own->n, model) : NULL;
    double cost;

    if (!price && !(price = longest(list, COUNT_OF(list), model))) {
        price = dearest();
        log_unknown_once(model, price);
    }
    cost = price->input * ((double)tokens->input + CACHE_WRITE * (double)tokens->cache_write +
                           price->cache_read * (double)tokens->cache_read) +
           price->output * (double)tokens->output;
    return (int64_t)ceil(cost - 1e-6); /* what is whole stays whole, whatever the binary fractions */
}

/* claim_amount.c - sums of money, percentages, and numbers with what they count. */
#include <ctype.h>
#include <string.h>

#include "libshared/auto.h"
#include "services/orchestrator/guards/claim_readers.h"

static const struct term currencies_before[] = {
    {"$", CURRENCY_DOLLAR_SIGN}, {"us$", CURRENCY_DOLLAR}, {"usd", CURRENCY_DOLLAR},
    {"mxn", CURRENCY_PESO},      {"€", CURRENCY_EURO},     {"eur", CURRENCY_EURO},
    {"£", CURRENCY_POUND},       {"gbp", CURRENCY_POUND},  {"¥", CURRENCY_OTHER},
    {"₹", CURRENCY_OTHER},       {"aed", CURRENCY_DIRHAM}, {"dhs", CURRENCY_DIRHAM},
    {"sar", CURRENCY_RIYAL},     {"ils", CURRENCY_OTHER},  {NULL, 0}};

static const struct term currency_terms[] = {{"$", CURRENCY_DOLLAR_SIGN},  {"dollars", CURRENCY_DOLLAR},
                                             {"dollar", CURRENCY_DOLLAR},  {"bucks", CURRENCY_DOLLAR},
                                             {"usd", CURRENCY_DOLLAR},     {"dolares", CURRENCY_DOLLAR},
                                             {"dolar", CURRENCY_DOLLAR},   {"دولار", CURRENCY_DOLLAR},
                                             {"دولارا", CURRENCY_DOLLAR},  {"دولارات", CURRENCY_DOLLAR},
                                             {"pesos", CURRENCY_PESO},     {"mxn", CURRENCY_PESO},
                                             {"€", CURRENCY_EURO},         {"euros", CURRENCY_EURO},
                                             {"euro", CURRENCY_EURO},      {"eur", CURRENCY_EURO},
                                             {"يورو", CURRENCY_EURO},      {"£", CURRENCY_POUND},
                                             {"quid", CURRENCY_POUND},     {"gbp", CURRENCY_POUND},
                                             {"libras", CURRENCY_POUND},   {"aed", CURRENCY_DIRHAM},
                                             {"dirhams", CURRENCY_DIRHAM}, {"درهم", CURRENCY_DIRHAM},
                                             {"درهما", CURRENCY_DIRHAM},   {"دراهم", CURRENCY_DIRHAM},
                                             {"ريال", CURRENCY_RIYAL},     {"ريالا", CURRENCY_RIYAL},
                                             {"ريالات", CURRENCY_RIYAL},   {"sar", CURRENCY_RIYAL},
                                             {"cents", CURRENCY_OTHER},    {"دينار", CURRENCY_OTHER},
                                             {"جنيه", CURRENCY_OTHER},     {NULL, 0}};
static struct terms currencies_behind = {.list = currency_terms};

static const struct term percent_terms[] = {{"%", 0},      {"percent", 0}, {"per cent", 0}, {"por ciento", 0},
                                            {"بالمئه", 0}, {"بالمائه", 0}, {"في المئه", 0}, {"في المائه", 0},
                                            {"بالميه", 0}, {NULL, 0}};
static struct terms percents = {.list = percent_terms};

/* Words that count nothing, and words of talk: "two things", "the first". */
static const struct term no_unit_terms[] = {
    {"and", 0},   {"or", 0},    {"to", 0},        {"for", 0},    {"per", 0},    {"plus", 0},    {"off", 0},
    {"in", 0},    {"on", 0},    {"at", 0},        {"with", 0},   {"is", 0},     {"are", 0},     {"as", 0},
    {"if", 0},    {"but", 0},   {"each", 0},      {"flat", 0},   {"max", 0},    {"maximum", 0}, {"total", 0},
    {"the", 0},   {"a", 0},     {"an", 0},        {"of", 0},     {"from", 0},   {"until", 0},   {"till", 0},
    {"by", 0},    {"it", 0},    {"including", 0}, {"via", 0},    {"right", 0},  {"works", 0},   {"was", 0},
    {"then", 0},  {"so", 0},    {"best", 0},      {"still", 0},  {"suits", 0},  {"noted", 0},   {"would", 0},
    {"will", 0},  {"y", 0},     {"o", 0},         {"de", 0},     {"en", 0},     {"por", 0},     {"es", 0},
    {"al", 0},    {"si", 0},    {"que", 0},       {"hasta", 0},  {"con", 0},    {"esta", 0},    {"les", 0},
    {"le", 0},    {"الي", 0},   {"حتي", 0},       {"من", 0},     {"في", 0},     {"او", 0},      {"علي", 0},
    {"عند", 0},   {"ان", 0},    {"يا", 0},        {"فقط", 0},    {"تقريبا", 0}, {"ممكنا", 0},   {"مع", 0},
    {"every", 0}, {"today", 0}, {"early", 0},     {"before", 0}, {"after", 0},  {"sharp", 0},   {NULL, 0}};
static struct terms no_units = {.list = no_unit_terms};
static const struct term talk[] = {{"things", 0},         {"questions", 0}, {"options", 0}, {"quick", 0},
                                   {"more questions", 0}, {"ways", 0},      {"cosas", 0},   {"preguntas", 0},
                                   {"opciones", 0},       {"اسئله", 0},     {NULL, 0}};
static const struct term rate_terms[] = {{"an", 0}, {"a", 0},  {"per", 0}, {"each", 0}, {"every", 0}, {"por", 0},
                                         {"al", 0}, {"la", 0}, {"في", 0},  {"لكل", 0},  {NULL, 0}};
static struct terms rates = {.list = rate_terms};

static size_t skip_space(const char *p)
{
    return *p == ' ' || *p == '-' || *p == '/';
}

/* "an hour", "/month", "monthly" behind a sum. */
static void read_rate(const char *p, struct claim *ret)
{
    size_t space = skip_space(p), len;
    int value;

    if (*p != '/' && (len = phrase_at(p + space, &rates, &value)))
        space += len + skip_space(p + space + len);
    else if (*p != '/' && !word_at(p + space, "monthly") && !word_at(p + space, "weekly"))
        return;
    unit_at(p + space, ret);
}

static size_t currency_before(const char *p, enum claim_currency *ret)
{
    for (const struct term *sign = currencies_before; sign->text; sign++) {
        size_t len = strlen(sign->text);

        if (tolower((unsigned char)*p) != (unsigned char)*sign->text || strncasecmp(p, sign->text, len) != 0)
            continue;
        len += p[len] == ' ';
        if (!isdigit((unsigned char)p[len]))
            continue;
        *ret = (enum claim_currency)sign->value;
        return len;
    }
    return 0;
}

static double multiplier(const char *p, size_t *ret_len)
{
    static const struct term words[] = {{"k", 1000},    {" thousand", 1000},   {" mil", 1000},
                                        {"m", 1000000}, {" million", 1000000}, {" millones", 1000000},
                                        {" الف", 1000}, {" الاف", 1000},       {NULL, 0}};
    int value = 1;

    for (const struct term *word = words; word->text; word++)
        if (word_at(p, word->text)) {
            *ret_len = strlen(word->text);
            value = word->value;
        }
    return value;
}

/* What stands behind the number makes it a percentage, a sum or a count. */
static size_t read_behind(const char *p, struct claim *ret)
{
    size_t space = skip_space(p), len;
    struct claim day;
    int value;

    if ((len = phrase_at(p + (*p == ' '), &percents, &value))) {
        ret->kind = CLAIM_PERCENT;
        return len + (*p == ' ');
    }
    if (ret->kind == CLAIM_NUMBER && (len = phrase_at(p + space, &currencies_behind, &value)) && *p != '/' &&
        !isdigit((unsigned char)p[space + len])) { /* "each further one $80" */
        ret->kind = CLAIM_MONEY;
        ret->currency = (enum claim_currency)value;
        read_rate(p + space + len, ret);
        return space + len;
    }
    if (ret->kind == CLAIM_MONEY) {
        if ((len = phrase_at(p + space, &currencies_behind, &value)) && *p != '/')
            ret->currency = (enum claim_currency)value;
        else
            len = space = 0;
        read_rate(p + len + space, ret);
        return len + space;
    }
    /* British money and the weight have one word. */
    if (word_at(p + space, "pounds") || word_at(p + space, "pound")) {
        ret->unit = UNIT_POUND;
        ret->factor = 1;
        return 0;
    }
    if (unit_at(p + space, ret) == 0 && is_word_byte(p[space]) && phrase_at(p + space, &no_units, &value) == 0 &&
        !isdigit((unsigned char)p[space]) && read_date(p + space, &day) == 0 && read_day(p, p + space, &day) == 0) {
        ret->unit = UNIT_OTHER;
        ret->counted = p + space;
    }
    return 0;
}

/* One of something is a claim where it is a length of time: "one year", "una hora"; not "one moment". */
static bool is_bare_one(const char *p, size_t len, const struct claim *claim)
{
    if (claim->kind != CLAIM_NUMBER || claim->value != 1 || isdigit((unsigned char)*p))
        return false;
    return claim->unit <= UNIT_OTHER || (claim->unit == UNIT_MINUTE && claim->factor <= 1) || len == 0;
}

static const struct term una[] = {{"una", 0}, {"un", 0}, {NULL, 0}};

size_t read_amount(const char *p, struct claim *ret)
{
    enum claim_currency currency = CURRENCY_UNKNOWN;
    size_t before = currency_before(p, &currency), len, more = 0, space;
    double value = 1;
    int ignored;

    if (!(len = number_digits_at(p + before, &value)) && !(len = number_words_at(p + before, &value)) &&
        !(len = term_at(p, una, &ignored)))
        return 0;
    len += before;
    value *= multiplier(p + len, &more);
    len += more;
    space = skip_space(p + len);
    if (before == 0 && term_at(p + len + space, talk, &ignored))
        return 0;
    *ret = (struct claim){.kind = before > 0 ? CLAIM_MONEY : CLAIM_NUMBER,
                          .value = value,
                          .currency = currency,
                          .factor = 1};
    len += read_behind(p + len, ret);
    return is_bare_one(p, len, ret) ? 0 : len;
}

const struct term *const amount_starts[] = {currencies_before, una, NULL};

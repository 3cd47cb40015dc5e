/* claim_amount.c - sums of money, percentages, lengths of time, and what a number counts. */
#include <ctype.h>
#include <string.h>

#include "libshared/auto.h"
#include "services/orchestrator/claim_readers.h"

static const struct term currencies_before[] = {
    {"$", CURRENCY_DOLLAR_SIGN}, {"us$", CURRENCY_DOLLAR}, {"usd", CURRENCY_DOLLAR},
    {"mxn", CURRENCY_PESO},      {"€", CURRENCY_EURO},     {"eur", CURRENCY_EURO},
    {"£", CURRENCY_POUND},       {"gbp", CURRENCY_POUND},  {"¥", CURRENCY_OTHER},
    {"₹", CURRENCY_OTHER},       {"aed", CURRENCY_DIRHAM}, {"dhs", CURRENCY_DIRHAM},
    {"sar", CURRENCY_RIYAL},     {"ils", CURRENCY_OTHER},  {NULL, 0}};

static const struct term currencies_behind[] = {{"$", CURRENCY_DOLLAR_SIGN},  {"dollars", CURRENCY_DOLLAR},
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

static const struct term percents[] = {{"%", 0},      {"percent", 0}, {"per cent", 0}, {"por ciento", 0},
                                       {"بالمئه", 0}, {"بالمائه", 0}, {"في المئه", 0}, {"في المائه", 0},
                                       {"بالميه", 0}, {NULL, 0}};

/* Numbers from here on count as many of these as the factor tells. */
static const struct {
    enum claim_unit unit;
    double factor;
    struct term names[14];
} units[] = {
    {UNIT_MINUTE, 1.0 / 60, {{"seconds", 0}, {"second", 0}, {"sec", 0}, {"segundos", 0}, {"ثانيه", 0}, {NULL, 0}}},
    {UNIT_MINUTE,
     1,
     {{"minutes", 0}, {"minute", 0}, {"mins", 0}, {"min", 0}, {"minutos", 0}, {"دقيقه", 0}, {"دقائق", 0}, {NULL, 0}}},
    {UNIT_MINUTE,
     60,
     {{"hours", 0},
      {"hour", 0},
      {"hrs", 0},
      {"hr", 0},
      {"horas", 0},
      {"hora", 0},
      {"h", 0},
      {"ساعه", 0},
      {"ساعات", 0},
      {NULL, 0}}},
    {UNIT_WORKING_DAY,
     1,
     {{"business days", 0},
      {"working days", 0},
      {"business day", 0},
      {"dias habiles", 0},
      {"dias laborables", 0},
      {"ايام عمل", 0},
      {NULL, 0}}},
    {UNIT_DAY, 1, {{"days", 0}, {"day", 0}, {"dias", 0}, {"dia", 0}, {"يوم", 0}, {"يوما", 0}, {"ايام", 0}, {NULL, 0}}},
    {UNIT_DAY,
     7,
     {{"weeks", 0}, {"week", 0}, {"weekly", 0}, {"semanas", 0}, {"semana", 0}, {"اسبوع", 0}, {"اسابيع", 0}, {NULL, 0}}},
    {UNIT_MONTH,
     1,
     {{"months", 0},
      {"month", 0},
      {"monthly", 0},
      {"meses", 0},
      {"mes", 0},
      {"شهر", 0},
      {"شهرا", 0},
      {"اشهر", 0},
      {"شهور", 0},
      {"month's", 0},
      {NULL, 0}}},
    {UNIT_MONTH,
     12,
     {{"years", 0},
      {"year", 0},
      {"yrs", 0},
      {"anos", 0},
      {"ano", 0},
      {"سنه", 0},
      {"سنوات", 0},
      {"عام", 0},
      {"عاما", 0},
      {"اعوام", 0},
      {NULL, 0}}},
    {UNIT_MILE, 1, {{"miles", 0}, {"mile", 0}, {"mi", 0}, {"millas", 0}, {NULL, 0}}},
    {UNIT_KILOMETRE,
     1,
     {{"km", 0},
      {"kms", 0},
      {"kilometers", 0},
      {"kilometres", 0},
      {"kilometros", 0},
      {"كم", 0},
      {"كيلومتر", 0},
      {NULL, 0}}},
    {UNIT_SQUARE_FOOT,
     1,
     {{"sq ft", 0}, {"sq. ft", 0}, {"sqft", 0}, {"square feet", 0}, {"square foot", 0}, {NULL, 0}}},
    {UNIT_SQUARE_METRE,
     1,
     {{"sq m", 0},
      {"sqm", 0},
      {"square meters", 0},
      {"square metres", 0},
      {"m2", 0},
      {"metros cuadrados", 0},
      {"متر مربع", 0},
      {NULL, 0}}},
    {UNIT_FOOT, 1, {{"feet", 0}, {"foot", 0}, {"ft", 0}, {"pies", 0}, {"قدم", 0}, {NULL, 0}}},
    {UNIT_METRE, 1, {{"meters", 0}, {"metres", 0}, {"meter", 0}, {"metros", 0}, {"متر", 0}, {"امتار", 0}, {NULL, 0}}},
    {UNIT_POUND, 1, {{"lbs", 0}, {"lb", 0}, {NULL, 0}}},
    {UNIT_KILOGRAM, 1, {{"kg", 0}, {"kgs", 0}, {"kilos", 0}, {"kilograms", 0}, {"كيلو", 0}, {"كجم", 0}, {NULL, 0}}},
};

/* Lengths of time that need no number. */
static const struct {
    const char *text;
    double value;
    enum claim_unit unit;
} durations[] = {
    {"half an hour", 30, UNIT_MINUTE},
    {"half a hour", 30, UNIT_MINUTE},
    {"a half hour", 30, UNIT_MINUTE},
    {"media hora", 30, UNIT_MINUTE},
    {"نصف ساعه", 30, UNIT_MINUTE},
    {"quarter of an hour", 15, UNIT_MINUTE},
    {"un cuarto de hora", 15, UNIT_MINUTE},
    {"ربع ساعه", 15, UNIT_MINUTE},
    {"an hour and a half", 90, UNIT_MINUTE},
    {"hora y media", 90, UNIT_MINUTE},
    {"ساعه ونصف", 90, UNIT_MINUTE},
    {"half a day", 0.5, UNIT_DAY},
    {"medio dia", 0.5, UNIT_DAY},
    {"نصف يوم", 0.5, UNIT_DAY},
    {"couple of hours", 120, UNIT_MINUTE},
    {"ساعتين", 120, UNIT_MINUTE},
    {"ساعتان", 120, UNIT_MINUTE},
    {"دقيقتين", 2, UNIT_MINUTE},
    {"يومين", 2, UNIT_DAY},
    {"يومان", 2, UNIT_DAY},
    {"اسبوعين", 14, UNIT_DAY},
    {"شهرين", 2, UNIT_MONTH},
    {"سنتين", 24, UNIT_MONTH},
    {"سنتان", 24, UNIT_MONTH},
    {"عامين", 24, UNIT_MONTH},
    {"couple of days", 2, UNIT_DAY},
    {"couple of weeks", 14, UNIT_DAY},
};

/* Words that count nothing, and words of talk: "two things", "the first". */
static const struct term no_units[] = {
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
static const struct term talk[] = {{"things", 0},         {"questions", 0}, {"options", 0}, {"quick", 0},
                                   {"more questions", 0}, {"ways", 0},      {"cosas", 0},   {"preguntas", 0},
                                   {"opciones", 0},       {"اسئله", 0},     {NULL, 0}};
static const struct term rates[] = {{"an", 0}, {"a", 0},  {"per", 0}, {"each", 0}, {"every", 0}, {"por", 0},
                                    {"al", 0}, {"la", 0}, {"في", 0},  {"لكل", 0},  {NULL, 0}};
/* Behind these a unit alone counts one. */
static const struct term ones_before[] = {{"in an", 0},         {"in a", 0},     {"within an", 0}, {"within a", 0},
                                          {"under an", 0},      {"about an", 0}, {"takes an", 0},  {"takes a", 0},
                                          {"less than an", 0},  {"for a", 0},    {"en una", 0},    {"en un", 0},
                                          {"dentro de una", 0}, {"por un", 0},   {"خلال", 0},      {"بعد", 0},
                                          {"لمده", 0},          {"ضمان", 0},     {"الضمان", 0},    {"تستغرق", 0},
                                          {"في غضون", 0},       {NULL, 0}};

static size_t skip_space(const char *p)
{
    return *p == ' ' || *p == '-' || *p == '/';
}

static size_t unit_at(const char *p, struct claim *ret)
{
    int value;

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        size_t len = phrase_at(p, units[i].names, &value);

        if (len > 0) {
            ret->unit = units[i].unit;
            ret->factor = units[i].factor;
            return len;
        }
    }
    return 0;
}

/* "an hour", "/month", "monthly" behind a sum. */
static void read_rate(const char *p, struct claim *ret)
{
    size_t space = skip_space(p), len;
    int value;

    if (*p != '/' && (len = phrase_at(p + space, rates, &value)))
        space += len + skip_space(p + space + len);
    else if (*p != '/' && !word_at(p + space, "monthly") && !word_at(p + space, "weekly"))
        return;
    unit_at(p + space, ret);
}

static size_t currency_before(const char *p, enum claim_currency *ret)
{
    for (const struct term *sign = currencies_before; sign->text; sign++) {
        size_t len = strlen(sign->text);

        if (strncasecmp(p, sign->text, len) != 0)
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

    if ((len = phrase_at(p + (*p == ' '), percents, &value))) {
        ret->kind = CLAIM_PERCENT;
        return len + (*p == ' ');
    }
    if (ret->kind == CLAIM_NUMBER && (len = phrase_at(p + space, currencies_behind, &value)) && *p != '/' &&
        !isdigit((unsigned char)p[space + len])) { /* "each further one $80" */
        ret->kind = CLAIM_MONEY;
        ret->currency = (enum claim_currency)value;
        read_rate(p + space + len, ret);
        return space + len;
    }
    if (ret->kind == CLAIM_MONEY) {
        if ((len = phrase_at(p + space, currencies_behind, &value)) && *p != '/')
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
    if (unit_at(p + space, ret) == 0 && is_word_byte(p[space]) && phrase_at(p + space, no_units, &value) == 0 &&
        !isdigit((unsigned char)p[space]) && read_date(p + space, &day) == 0 && read_day(p, p + space, &day) == 0) {
        ret->unit = UNIT_OTHER;
        ret->counted = p + space;
    }
    return 0;
}

size_t read_duration(const char *p, struct claim *ret)
{
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        const struct term one[] = {{durations[i].text, 0}, {NULL, 0}};
        int value;
        size_t len = phrase_at(p, one, &value);

        if (len > 0) {
            *ret = (struct claim){.kind = CLAIM_NUMBER,
                                  .value = durations[i].value,
                                  .unit = durations[i].unit,
                                  .factor = 1};
            return len;
        }
    }
    for (const struct term *one = ones_before; one->text; one++)
        if (word_at(p, one->text)) {
            size_t len = strlen(one->text), unit;
            struct claim claim = {.kind = CLAIM_NUMBER, .value = 1, .factor = 1};

            if (p[len] == ' ' && (unit = unit_at(p + len + 1, &claim)) &&
                (claim.unit != UNIT_MINUTE || claim.factor > 1)) {
                *ret = claim;
                return len + 1 + unit;
            }
        }
    return 0;
}

bool read_one_unit(const char *p, struct claim *ret)
{
    struct claim claim = {.kind = CLAIM_NUMBER, .value = 1, .factor = 1, .start = ret->start, .end = ret->end};

    if (unit_at(p, &claim) == 0)
        return false;
    *ret = claim;
    return true;
}

/* One of something is a claim where it is a length of time: "one year", "una hora"; not "one moment". */
static bool is_bare_one(const char *p, size_t len, const struct claim *claim)
{
    if (claim->kind != CLAIM_NUMBER || claim->value != 1 || isdigit((unsigned char)*p))
        return false;
    return claim->unit <= UNIT_OTHER || (claim->unit == UNIT_MINUTE && claim->factor <= 1) || len == 0;
}

size_t read_amount(const char *p, struct claim *ret)
{
    static const struct term una[] = {{"una", 0}, {"un", 0}, {NULL, 0}};
    enum claim_currency currency = CURRENCY_UNKNOWN;
    size_t before = currency_before(p, &currency), len, more = 0, space;
    double value = 1;
    int ignored;

    if (!(len = number_digits_at(p + before, &value)) && !(len = number_words_at(p + before, &value)) &&
        !(len = phrase_at(p, una, &ignored)))
        return 0;
    len += before;
    value *= multiplier(p + len, &more);
    len += more;
    space = skip_space(p + len);
    if (before == 0 && phrase_at(p + len + space, talk, &ignored))
        return 0;
    *ret = (struct claim){.kind = before > 0 ? CLAIM_MONEY : CLAIM_NUMBER,
                          .value = value,
                          .currency = currency,
                          .factor = 1};
    len += read_behind(p + len, ret);
    return is_bare_one(p, len, ret) ? 0 : len;
}

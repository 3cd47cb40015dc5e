/* claim_unit.c - what a number counts: lengths of time, distances, areas, weights. */
#include "services/orchestrator/guards/claim_readers.h"

enum measure {
    SECONDS,
    MINUTES,
    HOURS,
    WORKING_DAYS,
    DAYS,
    WEEKS,
    MONTHS,
    YEARS,
    MILES,
    KILOMETRES,
    SQUARE_FEET,
    SQUARE_METRES,
    FEET,
    METRES,
    POUNDS,
    KILOGRAMS
};

/* A measure is so many of a unit. */
static const struct {
    enum claim_unit unit;
    double factor;
} measures[] = {
    [SECONDS] = {UNIT_MINUTE, 1.0 / 60},
    [MINUTES] = {UNIT_MINUTE, 1},
    [HOURS] = {UNIT_MINUTE, 60},
    [WORKING_DAYS] = {UNIT_WORKING_DAY, 1},
    [DAYS] = {UNIT_DAY, 1},
    [WEEKS] = {UNIT_DAY, 7},
    [MONTHS] = {UNIT_MONTH, 1},
    [YEARS] = {UNIT_MONTH, 12},
    [MILES] = {UNIT_MILE, 1},
    [KILOMETRES] = {UNIT_KILOMETRE, 1},
    [SQUARE_FEET] = {UNIT_SQUARE_FOOT, 1},
    [SQUARE_METRES] = {UNIT_SQUARE_METRE, 1},
    [FEET] = {UNIT_FOOT, 1},
    [METRES] = {UNIT_METRE, 1},
    [POUNDS] = {UNIT_POUND, 1},
    [KILOGRAMS] = {UNIT_KILOGRAM, 1},
};

static const struct term unit_terms[] = {{"seconds", SECONDS},
                                         {"second", SECONDS},
                                         {"sec", SECONDS},
                                         {"segundos", SECONDS},
                                         {"ثانيه", SECONDS},
                                         {"minutes", MINUTES},
                                         {"minute", MINUTES},
                                         {"mins", MINUTES},
                                         {"min", MINUTES},
                                         {"minutos", MINUTES},
                                         {"دقيقه", MINUTES},
                                         {"دقائق", MINUTES},
                                         {"hours", HOURS},
                                         {"hour", HOURS},
                                         {"hrs", HOURS},
                                         {"hr", HOURS},
                                         {"horas", HOURS},
                                         {"hora", HOURS},
                                         {"h", HOURS},
                                         {"ساعه", HOURS},
                                         {"ساعات", HOURS},
                                         {"business days", WORKING_DAYS},
                                         {"working days", WORKING_DAYS},
                                         {"business day", WORKING_DAYS},
                                         {"dias habiles", WORKING_DAYS},
                                         {"dias laborables", WORKING_DAYS},
                                         {"ايام عمل", WORKING_DAYS},
                                         {"days", DAYS},
                                         {"day", DAYS},
                                         {"dias", DAYS},
                                         {"dia", DAYS},
                                         {"يوم", DAYS},
                                         {"يوما", DAYS},
                                         {"ايام", DAYS},
                                         {"weeks", WEEKS},
                                         {"week", WEEKS},
                                         {"weekly", WEEKS},
                                         {"semanas", WEEKS},
                                         {"semana", WEEKS},
                                         {"اسبوع", WEEKS},
                                         {"اسابيع", WEEKS},
                                         {"months", MONTHS},
                                         {"month", MONTHS},
                                         {"monthly", MONTHS},
                                         {"meses", MONTHS},
                                         {"mes", MONTHS},
                                         {"شهر", MONTHS},
                                         {"شهرا", MONTHS},
                                         {"اشهر", MONTHS},
                                         {"شهور", MONTHS},
                                         {"month's", MONTHS},
                                         {"years", YEARS},
                                         {"year", YEARS},
                                         {"yrs", YEARS},
                                         {"anos", YEARS},
                                         {"ano", YEARS},
                                         {"سنه", YEARS},
                                         {"سنوات", YEARS},
                                         {"عام", YEARS},
                                         {"عاما", YEARS},
                                         {"اعوام", YEARS},
                                         {"miles", MILES},
                                         {"mile", MILES},
                                         {"mi", MILES},
                                         {"millas", MILES},
                                         {"km", KILOMETRES},
                                         {"kms", KILOMETRES},
                                         {"kilometers", KILOMETRES},
                                         {"kilometres", KILOMETRES},
                                         {"kilometros", KILOMETRES},
                                         {"كم", KILOMETRES},
                                         {"كيلومتر", KILOMETRES},
                                         {"sq ft", SQUARE_FEET},
                                         {"sq. ft", SQUARE_FEET},
                                         {"sqft", SQUARE_FEET},
                                         {"square feet", SQUARE_FEET},
                                         {"square foot", SQUARE_FEET},
                                         {"sq m", SQUARE_METRES},
                                         {"sqm", SQUARE_METRES},
                                         {"square meters", SQUARE_METRES},
                                         {"square metres", SQUARE_METRES},
                                         {"m2", SQUARE_METRES},
                                         {"metros cuadrados", SQUARE_METRES},
                                         {"متر مربع", SQUARE_METRES},
                                         {"feet", FEET},
                                         {"foot", FEET},
                                         {"ft", FEET},
                                         {"pies", FEET},
                                         {"قدم", FEET},
                                         {"meters", METRES},
                                         {"metres", METRES},
                                         {"meter", METRES},
                                         {"metros", METRES},
                                         {"متر", METRES},
                                         {"امتار", METRES},
                                         {"lbs", POUNDS},
                                         {"lb", POUNDS},
                                         {"kg", KILOGRAMS},
                                         {"kgs", KILOGRAMS},
                                         {"kilos", KILOGRAMS},
                                         {"kilograms", KILOGRAMS},
                                         {"كيلو", KILOGRAMS},
                                         {"كجم", KILOGRAMS},
                                         {NULL, 0}};
static struct terms units = {.list = unit_terms};

/* Lengths of time that need no number. */
static const struct term in_minutes_terms[] = {{"half an hour", 30},
                                               {"half a hour", 30},
                                               {"a half hour", 30},
                                               {"media hora", 30},
                                               {"نصف ساعه", 30},
                                               {"quarter of an hour", 15},
                                               {"un cuarto de hora", 15},
                                               {"ربع ساعه", 15},
                                               {"an hour and a half", 90},
                                               {"hora y media", 90},
                                               {"ساعه ونصف", 90},
                                               {"couple of hours", 120},
                                               {"ساعتين", 120},
                                               {"ساعتان", 120},
                                               {"دقيقتين", 2},
                                               {NULL, 0}};
static struct terms in_minutes = {.list = in_minutes_terms};
static const struct term in_half_days_terms[] = {
    {"half a day", 1}, {"medio dia", 1},      {"نصف يوم", 1},          {"يومين", 4}, {"يومان", 4},
    {"اسبوعين", 28},   {"couple of days", 4}, {"couple of weeks", 28}, {NULL, 0}};
static struct terms in_half_days = {.list = in_half_days_terms};
static const struct term in_months_terms[] = {{"شهرين", 2}, {"سنتين", 24}, {"سنتان", 24}, {"عامين", 24}, {NULL, 0}};
static struct terms in_months = {.list = in_months_terms};

/* Behind these a unit alone counts one. */
static const struct term one_before_terms[] = {{"in an", 0},         {"in a", 0},     {"within an", 0}, {"within a", 0},
                                               {"under an", 0},      {"about an", 0}, {"takes an", 0},  {"takes a", 0},
                                               {"less than an", 0},  {"for a", 0},    {"en una", 0},    {"en un", 0},
                                               {"dentro de una", 0}, {"por un", 0},   {"خلال", 0},      {"بعد", 0},
                                               {"لمده", 0},          {"ضمان", 0},     {"الضمان", 0},    {"تستغرق", 0},
                                               {"في غضون", 0},       {NULL, 0}};
static struct terms ones_before = {.list = one_before_terms};

size_t unit_at(const char *p, struct claim *ret)
{
    int measure = 0;
    size_t len = phrase_at(p, &units, &measure);

    if (len > 0) {
        ret->unit = measures[measure].unit;
        ret->factor = measures[measure].factor;
    }
    return len;
}

/* "two hours" in a word of its own. */
static size_t duration_at(const char *p, struct claim *ret)
{
    int value = 0;
    size_t len;

    *ret = (struct claim){.kind = CLAIM_NUMBER, .factor = 1};
    if ((len = phrase_at(p, &in_minutes, &value)))
        ret->unit = UNIT_MINUTE;
    else if ((len = phrase_at(p, &in_half_days, &value)))
        ret->unit = UNIT_DAY;
    else if ((len = phrase_at(p, &in_months, &value)))
        ret->unit = UNIT_MONTH;
    ret->value = ret->unit == UNIT_DAY ? value / 2.0 : value;
    return len;
}

size_t read_duration(const char *p, struct claim *ret)
{
    struct claim claim;
    size_t len = duration_at(p, &claim), unit;
    int ignored;

    if (len > 0) {
        *ret = claim;
        return len;
    }
    if (!(len = phrase_at(p, &ones_before, &ignored)) || p[len] != ' ')
        return 0;
    claim = (struct claim){.kind = CLAIM_NUMBER, .value = 1, .factor = 1};
    if (!(unit = unit_at(p + len + 1, &claim)) || (claim.unit == UNIT_MINUTE && claim.factor <= 1))
        return 0;
    *ret = claim;
    return len + 1 + unit;
}

bool read_one_unit(const char *p, struct claim *ret)
{
    struct claim claim = {.kind = CLAIM_NUMBER, .value = 1, .factor = 1, .start = ret->start, .end = ret->end};

    if (unit_at(p, &claim) == 0)
        return false;
    *ret = claim;
    return true;
}

const struct term *const unit_starts[] = {in_minutes_terms, in_half_days_terms, in_months_terms, one_before_terms,
                                          NULL};

/* claim_support.c - see claim_support.h. */
#include "services/orchestrator/guards/claim_support.h"

#include <math.h>
#include <string.h>

#include "services/orchestrator/guards/claims.h"

static bool same(double a, double b)
{
    return fabs(a - b) < 0.005;
}

/* Two phone numbers are the same when the shorter one, of seven digits at least and without the zero that leads within
 * a country, is the end of the longer. */
static bool same_phone(const char *a, const char *b)
{
    size_t la, lb;

    a += strspn(a, "0");
    b += strspn(b, "0");
    la = strlen(a);
    lb = strlen(b);
    return la <= lb ? la >= 7 && strcmp(b + lb - la, a) == 0 : lb >= 7 && strcmp(a + la - lb, b) == 0;
}

static bool same_time(const struct claim *a, const struct claim *b)
{
    if (same(a->value, b->value))
        return true;
    return (a->half_known || b->half_known) && same(fmod(a->value, 720), fmod(b->value, 720));
}

static bool same_date(const struct claim *a, const struct claim *b)
{
    double swapped = fmod(a->value, 100) * 100 + floor(a->value / 100);

    return same(a->value, b->value) || ((a->half_known || b->half_known) && same(swapped, b->value));
}

static bool same_currency(const struct claim *source, const struct claim *draft)
{
    enum claim_currency s = source->currency, d = draft->currency;

    if (s == d || s == CURRENCY_UNKNOWN || d == CURRENCY_UNKNOWN)
        return true;
    return (d == CURRENCY_DOLLAR_SIGN && (s == CURRENCY_DOLLAR || s == CURRENCY_PESO)) ||
           (d == CURRENCY_DOLLAR && s == CURRENCY_DOLLAR_SIGN);
}

/* Whether two words have their first three letters in common, or all of a shorter one. */
static bool same_start(const char *a, const char *b)
{
    size_t letters = (unsigned char)*a < 0x80 ? 3 : 6, la = strcspn(a, " -,.;:!?"), lb = strcspn(b, " -,.;:!?");

    if (la < letters || lb < letters)
        return la > 0 && la == lb && strncasecmp(a, b, la) == 0;
    return strncasecmp(a, b, letters) == 0;
}

bool claim_counts_same(const struct claim *source, const struct claim *draft)
{
    const char *a = draft->counted;

    for (int i = 0; a && *a && i < 2; i++) {
        const char *b = source->counted;

        for (int k = 0; b && *b && k < 2; k++) {
            if (same_start(a, b))
                return true;
            b += strcspn(b, " -,.;");
            b += strspn(b, " -");
        }
        a += strcspn(a, " -,.;");
        a += strspn(a, " -");
    }
    return false;
}

static bool counts_the_same(const struct claim *source, const struct claim *draft, bool from_lead)
{
    if (draft->unit == UNIT_NONE)
        return same(source->value, draft->value);
    if (draft->unit == UNIT_OTHER || source->unit == UNIT_NONE)
        return same(source->value, draft->value) &&
               ((source->unit == UNIT_OTHER && claim_counts_same(source, draft)) ||
                (source->unit == UNIT_NONE && (draft->unit == UNIT_OTHER || from_lead)));
    return source->unit == draft->unit && same(source->value * source->factor, draft->value * draft->factor);
}

/* A number of pounds may be money, or a weight. */
static bool same_pounds(const struct claim *source, const struct claim *draft)
{
    return draft->unit == UNIT_POUND && source->kind == CLAIM_MONEY && source->currency == CURRENCY_POUND &&
           same(source->value, draft->value);
}

/* A bare number may stand for a sum ("costs 99"), not for a percentage. */
static bool supports_amount(const struct claim *source, const struct claim *draft, bool from_lead)
{
    switch (draft->kind) {
    case CLAIM_PERCENT:
        return source->kind == CLAIM_PERCENT && same(source->value, draft->value);
    case CLAIM_MONEY:
        if (!same(source->value, draft->value))
            return false;
        if (source->kind == CLAIM_NUMBER)
            return source->unit == UNIT_NONE || (from_lead && source->unit == UNIT_OTHER) ||
                   (source->unit == UNIT_POUND && draft->currency == CURRENCY_POUND);
        return source->kind == CLAIM_MONEY && same_currency(source, draft) &&
               (draft->unit == UNIT_NONE || (draft->unit == source->unit && same(draft->factor, source->factor)));
    default:
        if (source->kind == CLAIM_NUMBER)
            return counts_the_same(source, draft, from_lead);
        return (draft->unit == UNIT_NONE && same(source->value, draft->value)) || same_pounds(source, draft);
    }
}

static bool is_amount(enum claim_kind kind)
{
    return kind == CLAIM_NUMBER || kind == CLAIM_MONEY || kind == CLAIM_PERCENT;
}

/* Hours are often given as "9 to 5", and a time as its hour alone. */
static bool same_hour(const struct claim *time, const struct claim *number)
{
    bool hours = number->unit == UNIT_NONE || (number->unit == UNIT_MINUTE && number->factor > 1);

    return hours && number->value <= 24 && fmod(time->value, 60) == 0 &&
           (same(time->value, number->value * 60) || (number->value <= 12 && number->unit == UNIT_NONE &&
                                                      same(fmod(time->value, 720), fmod(number->value * 60, 720))));
}

bool claim_supports(const struct claim *source, const struct claim *draft, bool from_lead)
{
    if (is_amount(draft->kind) && is_amount(source->kind))
        return supports_amount(source, draft, from_lead);
    if (draft->kind == CLAIM_TIME && source->kind == CLAIM_NUMBER)
        return source->in_range && same_hour(draft, source);
    if (draft->kind == CLAIM_NUMBER && source->kind == CLAIM_TIME)
        return (draft->unit == UNIT_NONE || draft->in_range) && same_hour(source, draft);
    if (draft->kind == CLAIM_MONTH && source->kind == CLAIM_DATE)
        return (int)source->value / 100 == (int)draft->value;
    if (draft->kind == CLAIM_NUMBER && source->kind == CLAIM_WORD)
        return source->value == WORD_ALWAYS && same(draft->value, 24) && draft->unit == UNIT_MINUTE;
    if (draft->kind != source->kind)
        return false;
    switch (draft->kind) {
    case CLAIM_PHONE:
        return same_phone(source->key, draft->key);
    case CLAIM_EMAIL:
        return strcmp(source->key, draft->key) == 0;
    case CLAIM_URL: /* the page itself, or the site that it is on */
        return strncmp(source->key, draft->key, strlen(draft->key)) == 0 &&
               (source->key[strlen(draft->key)] == '\0' || source->key[strlen(draft->key)] == '/');
    case CLAIM_TIME:
        return same_time(source, draft);
    case CLAIM_DATE:
        return same_date(source, draft);
    case CLAIM_ADDRESS:
        return source->key && strcmp(source->key, draft->key) == 0;
    default:
        return same(source->value, draft->value);
    }
}

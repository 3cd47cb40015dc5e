/* budget.c - see budget.h. */
#include "services/orchestrator/budget.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/words.h"

struct amount {
    double value;
    const char *currency; /* "$", "€", "£" or "" */
    bool thousands;       /* written with a k */
    const char *start, *end;
};

static const struct {
    const char *written, *sign;
} currencies[] = {{"$", "$"},       {"€", "€"},      {"£", "£"},      {" dollars", "$"}, {" dollar", "$"},
                  {" bucks", "$"},  {" usd", "$"},   {" euros", "€"}, {" euro", "€"},    {" eur", "€"},
                  {" pounds", "£"}, {" pound", "£"}, {" gbp", "£"},   {"usd", "$"},      {"eur", "€"}};

/* Reads 1,200.50 or 5k at p, with the currency before or behind it. False if there is no number. */
static bool read_amount(const char *text, const char *p, struct amount *ret)
{
    char digits[24];
    size_t n = 0;
    const char *end = p;

    *ret = (struct amount){.currency = "", .start = p};
    for (; n < sizeof digits - 1; end++) {
        if (isdigit((unsigned char)*end) || (*end == '.' && isdigit((unsigned char)end[1])))
            digits[n++] = *end;
        else if (!(*end == ',' && isdigit((unsigned char)end[1]) && isdigit((unsigned char)end[2]) &&
                   isdigit((unsigned char)end[3])))
            break;
    }
    digits[n] = '\0';
    ret->value = strtod(digits, NULL);
    if ((*end == 'k' || *end == 'K') && !isalnum((unsigned char)end[1])) {
        ret->value *= 1000;
        ret->thousands = true;
        end++;
    }
    ret->end = end;
    for (size_t i = 0; i < COUNT_OF(currencies); i++) {
        size_t len = strlen(currencies[i].written);

        if ((size_t)(p - text) >= len && strncmp(p - len, currencies[i].written, len) == 0) {
            ret->currency = currencies[i].sign;
            ret->start = p - len;
            return true;
        }
        if (strncasecmp(end, currencies[i].written, len) == 0 && !isalnum((unsigned char)end[len])) {
            ret->currency = currencies[i].sign;
            ret->end = end + len;
            return true;
        }
    }
    return n > 0 && !isalnum((unsigned char)*end) && *end != '%' && *end != ':';
}

static bool is_range_word(const char *from, const char *to)
{
    static const char *const words[] = {"-", " - ", "–", " – ", " to ", " and ", " or "};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strlen(words[i]) == (size_t)(to - from) && strncmp(words[i], from, (size_t)(to - from)) == 0)
            return true;
    return false;
}

static size_t read_amounts(const char *text, struct amount *ret, size_t max)
{
    size_t n = 0;

    for (const char *p = text; *p && n < max;) {
        bool starts = isdigit((unsigned char)*p) && (p == text || !isalnum((unsigned char)p[-1]));

        if (starts && read_amount(text, p, &ret[n]))
            p = ret[n++].end;
        else if (starts)
            p += strspn(p, "0123456789.,");
        else
            p++;
    }
    return n;
}

static const char *qualifier(const char *folded)
{
    if (words_have(folded, "under") || words_have(folded, "less than") || words_have(folded, "below"))
        return "under ";
    if (words_have(folded, "up to") || words_have(folded, "at most") || words_have(folded, "max") ||
        words_have(folded, "maximum"))
        return "up to ";
    if (words_have(folded, "about") || words_have(folded, "around") || words_have(folded, "roughly"))
        return "about ";
    return "";
}

const char *budget_find(struct arena *arena, const struct sentence *sentence, bool asked)
{
    static const char *const offers[] = {"budget", "spend", "pay", "afford", "up to", "under", "for", "willing", NULL};
    struct amount amounts[8];
    size_t n = read_amounts(sentence->text, amounts, COUNT_OF(amounts));
    bool offered = asked || words_find(sentence->folded, offers);

    if (sentence->question && !words_have(sentence->folded, "budget") &&
        !words_find(sentence->folded, (const char *const[]){"for", "under", NULL}))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct amount *a = &amounts[i], *b = i + 1 < n ? &amounts[i + 1] : NULL;
        bool range = b && is_range_word(a->end, b->start);
        const char *currency = *a->currency ? a->currency : range ? b->currency : "";
        bool named = *currency || (a->thousands && offered) || (range && b->thousands && offered);
        bool bare = asked || words_have(sentence->folded, "budget");

        if (!named && !bare)
            continue;
        if (range) /* "3 to 5k" means 3000 to 5000 */
            return arena_printf(arena, "%s%.10g-%s%.10g", currency,
                                b->thousands && a->value * 1000 < b->value ? a->value * 1000 : a->value, currency,
                                b->value);
        return arena_printf(arena, "%s%s%.10g", qualifier(sentence->folded), currency, a->value);
    }
    return NULL;
}

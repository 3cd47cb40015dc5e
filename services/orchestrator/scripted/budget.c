/* budget.c - see budget.h. */
#include "services/orchestrator/scripted/budget.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/scripted/clause.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/timeline.h"
#include "services/orchestrator/scripted/words.h"

#define AMOUNTS_MAX   8
#define BARE_MIN      20  /* a smaller number without a currency counts things, unless we have asked */
#define LIMIT_MIN     500 /* "2400 tops" is a sum, "max 3 rooms" is none */
#define QUALIFIER_MAX 64  /* bytes before an amount that may qualify it */

struct amount {
    double value;
    const char *currency; /* "$", "€", "AED " or "" */
    double scale;         /* 1; 1000 for "5k" */
    const char *start, *end;
};

/* Of two that both are there, the longer one stands first. */
static const struct {
    const char *written, *sign;
} currencies[] = {
    {"us$", "$"},        {"$", "$"},         {"€", "€"},          {"£", "£"},       {"dollars", "$"},
    {"dollar", "$"},     {"dolars", "$"},    {"dolares", "$"},    {"dolar", "$"},   {"bucks", "$"},
    {"usd", "$"},        {"euros", "€"},     {"euro", "€"},       {"eur", "€"},     {"pounds", "£"},
    {"pound", "£"},      {"libras", "£"},    {"gbp", "£"},        {"quid", "£"},    {"aed", "AED "},
    {"dirhams", "AED "}, {"dirham", "AED "}, {"dhs", "AED "},     {"sar", "SAR "},  {"riyals", "SAR "},
    {"riyal", "SAR "},   {"mxn", "MXN "},    {"pesos", "pesos "}, {"درهم", "AED "}, {"دراهم", "AED "},
    {"ريال", "SAR "},    {"دولار", "$"},     {"يورو", "€"},       {"جنيه", "EGP "}, {"دينار", "KWD "},
};

static const struct {
    const char *written;
    double scale;
} scales[] = {{"k", 1e3},   {"thousand", 1e3}, {"grand", 1e3}, {"million", 1e6}, {"millon", 1e6}, {"millones", 1e6},
              {"mil", 1e3}, {"mill", 1e6},     {"m", 1e6},     {"الف", 1e3},     {"الاف", 1e3},   {"مليون", 1e6}};

/* The letters of a word at p; 0 if another letter follows. Any case. */
static size_t word_at(const char *p, const char *word)
{
    size_t len = strlen(word);
    bool is_sign = !isalpha((unsigned char)word[len - 1]) && (unsigned char)*word < 0xd8;

    if (strncasecmp(p, word, len) != 0)
        return 0;
    return is_sign || (!isalnum((unsigned char)p[len]) && (unsigned char)p[len] < 0xc3) ? len : 0;
}

/* 1,200.50, 1.500 and 1500; dots and commas before three digits are those of thousands. */
static const char *read_digits(const char *p, double *ret)
{
    char digits[24];
    size_t n = 0;

    for (; n < sizeof digits - 1; p++) {
        size_t group = (*p == '.' || *p == ',') && n > 0 ? strspn(p + 1, "0123456789") : 0;

        if (isdigit((unsigned char)*p))
            digits[n++] = *p;
        else if (group > 0 && group != 3 && !memchr(digits, '.', n))
            digits[n++] = '.';
        else if (group != 3)
            break;
    }
    digits[n] = '\0';
    *ret = strtod(digits, NULL);
    return p;
}

static const char *read_scale(const char *p, struct amount *amount)
{
    const char *word = p + strspn(p, " ");

    for (size_t i = 0; i < COUNT_OF(scales); i++) {
        size_t len = word_at(word, scales[i].written);

        /* "5 m" may be metres. */
        if (len > 0 && (len > 1 || word == p)) {
            amount->scale = scales[i].scale;
            return word + len;
        }
    }
    return p;
}

/* Before the number or behind it. */
static void read_currency(const char *text, struct amount *amount)
{
    const char *behind = amount->end + strspn(amount->end, " "), *before = amount->start;

    if (strncmp(behind, "de ", 3) == 0) /* dos millones de pesos */
        behind += 3;
    while (before > text && before[-1] == ' ')
        before--;
    for (size_t i = 0; i < COUNT_OF(currencies); i++) {
        size_t len = strlen(currencies[i].written);

        if ((size_t)(before - text) >= len && word_at(before - len, currencies[i].written) == len) {
            amount->start = before - len;
            amount->currency = currencies[i].sign;
            return;
        }
        if ((len = word_at(behind, currencies[i].written)) > 0) {
            amount->end = behind + len;
            amount->currency = currencies[i].sign;
            return;
        }
    }
}

/* Digits in groups as telephones have them. */
static size_t phone_length(const char *p)
{
    size_t len = strspn(p, "0123456789-+() "), digits = 0, dashes = 0;

    for (size_t i = 0; i < len; i++) {
        digits += isdigit((unsigned char)p[i]) != 0;
        dashes += p[i] == '-';
    }
    return digits >= 7 && (dashes >= 2 || *p == '+') ? len : 0;
}

/* False if the number at p is none of money: a percentage, a time, part of a word. */
static bool read_amount(const char *text, const char *p, struct amount *ret)
{
    *ret = (struct amount){.currency = "", .scale = 1, .start = p};
    ret->end = read_scale(read_digits(p, &ret->value), ret);
    ret->value *= ret->scale;
    read_currency(text, ret);
    return *ret->currency || !(isalnum((unsigned char)*ret->end) || *ret->end == '%' || *ret->end == ':');
}

/* "two thousand nineteen" is a year, and "two thousand five hundred" more than two thousand. */
static bool goes_on(const char *p)
{
    static const char *const numbers[] = {"one",      "two",      "three",   "four",    "five",      "six",
                                          "seven",    "eight",    "nine",    "ten",     "eleven",    "twelve",
                                          "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
                                          "nineteen", "twenty",   "thirty",  "forty",   "fifty",     "sixty",
                                          "seventy",  "eighty",   "ninety",  "and"};

    p += strspn(p, " ");
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (word_at(p, numbers[i]) > 0)
            return strcmp(numbers[i], "and") != 0 || goes_on(p + strlen("and"));
    return false;
}

/* "a grand": the bytes of it at p, where a word begins; 0 if it is none. */
static size_t read_words(const char *text, const char *p, struct amount *ret)
{
    static const struct {
        const char *written;
        double value;
    } words[] = {{"a grand", 1e3},       {"one grand", 1e3},    {"two grand", 2e3},    {"three grand", 3e3},
                 {"a thousand", 1e3},    {"one thousand", 1e3}, {"two thousand", 2e3}, {"three thousand", 3e3},
                 {"five thousand", 5e3}, {"ten thousand", 1e4}, {"a million", 1e6},    {"half a million", 5e5},
                 {"one million", 1e6},   {"un millon", 1e6},    {"dos mil", 2e3},      {"tres mil", 3e3},
                 {"cinco mil", 5e3},     {"a hundred", 100},    {"two hundred", 200},  {"three hundred", 300},
                 {"five hundred", 500},  {"doscientos", 200},   {"quinientos", 500}};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        size_t len = word_at(p, words[i].written);

        if (len == 0 || goes_on(p + len))
            continue;
        *ret = (struct amount){.value = words[i].value, .currency = "", .scale = 1e3, .start = p, .end = p + len};
        read_currency(text, ret);
        return (size_t)(ret->end - p);
    }
    return 0;
}

static size_t read_amounts(const char *text, struct amount *ret, size_t max)
{
    size_t n = 0;

    for (const char *p = text; *p && n < max;) {
        bool starts = (isdigit((unsigned char)*p) || *p == '+') && (p == text || !isalnum((unsigned char)p[-1]));
        size_t phone = starts ? phone_length(p) : 0;
        size_t words_len = p == text || p[-1] == ' ' ? read_words(text, p, &ret[n]) : 0;

        if (words_len > 0) {
            p += words_len;
            n++;
        } else if (phone > 0)
            p += phone;
        else if (starts && *p != '+' && read_amount(text, p, &ret[n]))
            p = ret[n++].end;
        else if (starts)
            p += 1 + strspn(p + 1, "0123456789.,:");
        else
            p++;
    }
    return n;
}

/* ---- what stands around it ---- */

static bool is_range(const struct amount *a, const struct amount *b)
{
    static const char *const words[] = {"-", "–", "—",     "to",  "and", "or", "a",
                                        "y", "o", "hasta", "الي", "و",   "ل",  "او"};
    const char *from = a->end, *to = b->start;

    from += strspn(from, " ");
    while (to > from && to[-1] == ' ')
        to--;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strlen(words[i]) == (size_t)(to - from) && strncasecmp(words[i], from, (size_t)(to - from)) == 0)
            return true;
    return false;
}

static const struct phrase qualifiers[] = {
    {"not more than", "up to "},
    {"no more than", "up to "},
    {"under", "under "},
    {"less than", "under "},
    {"below", "under "},
    {"up to", "up to "},
    {"at most", "up to "},
    {"max", "up to "},
    {"maximum", "up to "},
    {"tops", "up to "},
    {"at least", "at least "},
    {"minimum", "at least "},
    {"about", "about "},
    {"around", "about "},
    {"roughly", "about "},
    {"maybe", "about "},
    {"approximately", "about "},
    {"approx", "about "},
    {"like", "about "},
    {"menos de", "under "},
    {"hasta", "up to "},
    {"maximo", "up to "},
    {"como mucho", "up to "},
    {"minimo", "at least "},
    {"unos", "about "},
    {"unas", "about "},
    {"alrededor de", "about "},
    {"mas o menos", "about "},
    {"aproximadamente", "about "},
    {"اقل من", "under "},
    {"حتي", "up to "},
    {"حد اقصي", "up to "},
    {"كحد اقصي", "up to "},
    {"بحد اقصي", "up to "},
    {"حوالي", "about "},
    {"تقريبا", "about "},
    {"بحدود", "about "},
    {"حدود", "about "},
    {"علي الاقل", "at least "},
    {NULL, NULL},
};

static const char *qualifier_in(struct arena *arena, const char *start, const char *end)
{
    const char *words = arena_strndup(arena, start, (size_t)(end - start));
    const char *folded = words ? words_fold(arena, words) : NULL;
    const struct phrase *found = folded ? phrase_find(folded, qualifiers) : NULL;

    return found ? found->value : NULL;
}

/* Between the amount and what comes before and behind it. */
static const char *qualifier(struct arena *arena, const char *since, const struct amount *a, const char *until)
{
    const char *start = a->start - since > QUALIFIER_MAX ? a->start - QUALIFIER_MAX : since, *found;

    if ((found = qualifier_in(arena, start, a->start)) || (found = qualifier_in(arena, a->end, until)))
        return found;
    return "";
}

static const struct phrase offers[] = {
    {"budget", NULL},  {"spend", NULL},    {"pay", NULL},       {"afford", NULL},  {"up to", NULL},
    {"under", NULL},   {"willing", NULL},  {"have", NULL},      {"hav", NULL},     {"max", NULL},
    {"around", NULL},  {"about", NULL},    {"enough", NULL},    {"between", NULL}, {"presupuesto", NULL},
    {"gastar", NULL},  {"pagar", NULL},    {"tengo", NULL},     {"hasta", NULL},   {"maximo", NULL},
    {"ميزانيه", NULL}, {"ميزانيتي", NULL}, {"ميزانيتنا", NULL}, {"ادفع", NULL},    {"بحدود", NULL},
    {"for", NULL},     {"بين", NULL},      {NULL, NULL},
};
/* With one of them even a number without a currency is a sum. */
static const struct phrase sums[] = {{"budget", NULL},      {"spend", NULL},     {"pay", NULL},   {"afford", NULL},
                                     {"presupuesto", NULL}, {"gastar", NULL},    {"pagar", NULL}, {"ميزانيه", NULL},
                                     {"ميزانيتي", NULL},    {"ميزانيتنا", NULL}, {"ادفع", NULL},  {NULL, NULL}};
/* What somebody else has asked or got. */
static const struct phrase others[] = {{"quoted", NULL}, {"charged", NULL},     {"paid", NULL},
                                       {"costs", NULL},  {"cost me", NULL},     {"asking price", NULL},
                                       {"pague", NULL},  {"me cobraron", NULL}, {"me cobran", NULL},
                                       {"دفعت", NULL},   {NULL, NULL}};

/* "he's 70 pounds" */
static bool weighs(const struct clause *clause, const struct amount *amount)
{
    static const struct phrase heavy[] = {{"weighs", NULL}, {"weigh", NULL}, {"weight", NULL}, {"hes", NULL},
                                          {"shes", NULL},   {"he is", NULL}, {"she is", NULL}, {"heavy", NULL},
                                          {"dog", NULL},    {"cat", NULL},   {"lbs", NULL},    {NULL, NULL}};
    const char *written = amount->end;

    while (written > amount->start && isalpha((unsigned char)written[-1]))
        written--;
    return strncasecmp(written, "pound", strlen("pound")) == 0 && phrase_find(clause->folded, heavy);
}

/* "December 20" */
static bool is_day(struct arena *arena, const char *folded, int number)
{
    const char *words = NULL, *timeline = timeline_find(arena, folded, &words);
    int day = 0;

    return timeline && sscanf(timeline, "%*[A-Za-z] %2d", &day) == 1 && day == number;
}

/* What has a number and costs nothing: "gate code 4471". */
static const struct phrase numbered[] = {{"code", NULL},   {"apt", NULL},    {"apartment", NULL}, {"unit", NULL},
                                         {"order", NULL},  {"zip", NULL},    {"address", NULL},   {"street", NULL},
                                         {"st", NULL},     {"ave", NULL},    {"pedido", NULL},    {"calle", NULL},
                                         {"numero", NULL}, {"codigo", NULL}, {"piso", NULL},      {"رقم", NULL},
                                         {"شارع", NULL},   {NULL, NULL}};

const char *budget_find(struct arena *arena, const struct clause *clause, bool asked)
{
    struct amount amounts[AMOUNTS_MAX];
    size_t n = read_amounts(clause->plain, amounts, COUNT_OF(amounts));
    bool offered = asked || phrase_find(clause->folded, offers), sum = phrase_find(clause->folded, sums) != NULL;

    bool names = phrase_find(clause->folded, numbered) != NULL;

    if (n == 0 || (clause->question && !phrase_find(clause->folded, offers)) || phrase_find(clause->folded, others))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct amount *a = &amounts[i], *b = i + 1 < n ? &amounts[i + 1] : NULL;
        bool range = b && is_range(a, b);
        const char *currency = *a->currency ? a->currency : range ? b->currency : "";
        bool scaled = a->scale > 1 || (range && b->scale > 1);
        const char *qualified =
            qualifier(arena, i > 0 ? amounts[i - 1].end : clause->plain, a, b ? b->start : strchr(a->end, '\0'));
        bool limit = strcmp(qualified, "up to ") == 0 && a->value >= LIMIT_MIN;
        double low = a->value;

        if ((strcmp(currency, "£") == 0 && weighs(clause, a)) ||
            (!*currency && !scaled && !(range && b->value >= BARE_MIN) && a->value < BARE_MIN))
            continue;
        if (!*currency && !scaled && !sum && names)
            continue;
        if (!*currency && !scaled && !range && a->value <= 31 && is_day(arena, clause->folded, (int)a->value))
            continue;
        if (!*currency && !(scaled && offered) && !asked && !limit && !(sum && a->value >= BARE_MIN))
            continue;
        if (range) { /* "3 to 5k" means 3000 to 5000 */
            if (a->scale < b->scale && low * b->scale < b->value)
                low *= b->scale;
            return arena_printf(arena, "%s%.10g-%s%.10g", currency, low, currency, b->value);
        }
        return arena_printf(arena, "%s%s%.10g", qualified, currency, a->value);
    }
    return NULL;
}

double budget_highest(const char *budget)
{
    double highest = 0;

    for (const char *p = budget ? budget : ""; *p;) {
        char *end;
        double value = isdigit((unsigned char)*p) ? strtod(p, &end) : 0;

        if (value > highest)
            highest = value;
        p = isdigit((unsigned char)*p) ? end : p + 1;
    }
    return highest;
}

/* claims.h - the checkable facts in a text: numbers, prices, percentages, times, dates, URLs, phones, e-mails,
 * addresses, and words that promise ("free", "guaranteed"). English, Spanish and Arabic. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum claim_kind {
    CLAIM_NUMBER,
    CLAIM_MONEY,
    CLAIM_PERCENT,
    CLAIM_TIME,     /* value: minutes since midnight */
    CLAIM_DATE,     /* value: month * 100 + day */
    CLAIM_MONTH,    /* value: 1 to 12 */
    CLAIM_WEEKDAY,  /* value: 0 (Monday) to 6 */
    CLAIM_WEEKDAYS, /* value: 0 the working days, 1 the weekend, 2 every day */
    CLAIM_DAY,      /* value: days from now; 7: next week */
    CLAIM_PHONE,    /* key: its digits */
    CLAIM_URL,      /* key: lower case, without scheme, www. and closing marks */
    CLAIM_EMAIL,    /* key: lower case */
    CLAIM_ADDRESS,  /* key: number and name of a street, or what follows "calle", folded */
    CLAIM_WORD,     /* value: enum claim_word */
};

enum claim_word {
    WORD_FREE,
    WORD_DISCOUNT,
    WORD_COUPON,
    WORD_OFFER,
    WORD_GUARANTEE,
    WORD_LIFETIME,
    WORD_BEST_PRICE,
    WORD_LICENSED,
    WORD_ALWAYS, /* 24/7 */
};

/* What a number counts. Lengths of time that convert exactly are counted in one unit. */
enum claim_unit {
    UNIT_NONE,  /* nothing is said */
    UNIT_OTHER, /* some word follows */
    UNIT_MINUTE,
    UNIT_DAY,
    UNIT_WORKING_DAY,
    UNIT_MONTH,
    UNIT_MILE,
    UNIT_KILOMETRE,
    UNIT_FOOT,
    UNIT_METRE,
    UNIT_SQUARE_FOOT,
    UNIT_SQUARE_METRE,
    UNIT_POUND,
    UNIT_KILOGRAM,
};

enum claim_currency {
    CURRENCY_UNKNOWN,
    CURRENCY_DOLLAR_SIGN, /* dollars, or pesos */
    CURRENCY_DOLLAR,
    CURRENCY_PESO,
    CURRENCY_EURO,
    CURRENCY_POUND,
    CURRENCY_DIRHAM,
    CURRENCY_RIYAL,
    CURRENCY_OTHER,
};

struct claim {
    enum claim_kind kind;
    double value;      /* as it is written */
    const char *key;   /* of PHONE, URL, EMAIL, ADDRESS */
    bool half_known;   /* TIME: morning or afternoon is not said; DATE: 5/12, by month or by day */
    bool in_range;     /* joined to a neighbour by a dash or "to" */
    bool by_word;      /* TIME: a bare number behind "at" */
    size_t start, end; /* bytes in the text */

    enum claim_unit unit;         /* of NUMBER; of MONEY: what it is paid for ("an hour"), else UNIT_NONE */
    const char *counted;          /* of UNIT_OTHER: the word that follows, in the text */
    double factor;                /* value * factor is the number of units */
    enum claim_currency currency; /* of MONEY */
};

/* Every claim of plain, which canon_text made, in order; into arena. Of more than CLAIMS_MAX the last one kept is a
 * NUMBER of value NAN, which nothing supports. *ret_claims is NULL when out of memory. */
#define CLAIMS_MAX 256
size_t claims_find(struct arena *arena, const char *plain, struct claim **ret_claims);

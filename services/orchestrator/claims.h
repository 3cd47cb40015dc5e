/* claims.h - the checkable facts in a text: numbers, prices, percentages, times, dates, URLs, phones, e-mails. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum claim_kind {
    CLAIM_NUMBER,
    CLAIM_MONEY,
    CLAIM_PERCENT,
    CLAIM_TIME,    /* value: minutes since midnight */
    CLAIM_DATE,    /* value: month * 100 + day */
    CLAIM_MONTH,   /* value: 1 to 12 */
    CLAIM_WEEKDAY, /* value: 0 (Monday) to 6 */
    CLAIM_PHONE,   /* key: its digits */
    CLAIM_URL,     /* key: lower case, without scheme, www. and closing marks */
    CLAIM_EMAIL,   /* key: lower case */
    CLAIM_FREE,    /* "free", "no charge" */
};

struct claim {
    enum claim_kind kind;
    double value;
    const char *key;   /* of PHONE, URL, EMAIL */
    bool half_known;   /* TIME: morning or afternoon is not said */
    bool in_range;     /* joined to a neighbour by a dash or "to" */
    size_t start, end; /* bytes in the text */
};

/* Every claim of text, in order; into arena. Of more than CLAIMS_MAX the last one kept is a NUMBER of value NAN, which
 * nothing supports. *ret_claims is NULL when out of memory. */
#define CLAIMS_MAX 256
size_t claims_find(struct arena *arena, const char *text, struct claim **ret_claims);

/* qualification_rules.h - when a lead is HOT, WARM or COLD: the key qualification_rules of a client's configuration.
 *
 * {"hot": [["service", "urgent"], ["budget", "soon"]], "warm": [["service"]], "cold": [["not_interested"]],
 *  "soon_days": 7, "min_budget": 0}
 *
 * Each score has alternatives; one fits where all of its conditions hold, "no_" before a condition turns it round. COLD
 * is looked at first, then HOT, then WARM; where nothing fits, the lead is COLD. What is left out is as by default. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct err;

#define QUALIFICATION_ALTERNATIVES_MAX 10
#define QUALIFICATION_CONDITIONS_MAX   8

enum qualification_condition {
    QUALIFY_SERVICE,        /* what is wanted is known */
    QUALIFY_LISTED_SERVICE, /* and is one of the client's services */
    QUALIFY_URGENCY,        /* it is known how urgent it is */
    QUALIFY_URGENT,         /* it is: high */
    QUALIFY_BUDGET,         /* a budget is known */
    QUALIFY_ENOUGH_BUDGET,  /* and reaches min_budget */
    QUALIFY_TIMELINE,       /* it is known when */
    QUALIFY_SOON,           /* within soon_days */
    QUALIFY_APPOINTMENT,    /* wants an appointment, or somebody to come */
    QUALIFY_JUST_LOOKING,   /* says so */
    QUALIFY_NOT_INTERESTED, /* says so */
    QUALIFY_NAME,
    QUALIFY_EMAIL,
    QUALIFY_CONDITIONS,
};

struct qualification_alternative {
    unsigned wanted, unwanted; /* bits 1 << condition */
};

struct qualification_score {
    struct qualification_alternative alternatives[QUALIFICATION_ALTERNATIVES_MAX];
    size_t n;
};

struct qualification_rules {
    struct qualification_score hot, warm, cold;
    int soon_days;
    double min_budget;
};

/* Reads a value of the key; NULL: the defaults. ERR_INVALID, the text naming what is wrong in it. */
int qualification_rules_read(const json_t *value, struct qualification_rules *ret_rules, struct err *err);

/* Whether one of the alternatives fits what holds (bits 1 << condition). */
bool qualification_fits(const struct qualification_score *score, unsigned holds);

/* The JSON schema of the key. A new reference. */
json_t *qualification_rules_schema(void);

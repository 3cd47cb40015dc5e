/* qualification_rules.c - see qualification_rules.h. */
#include "proto/qualification_rules.h"

#include <string.h>

#include "libshared/auto.h"
#include "libshared/err.h"

#define KEY             "qualification_rules"
#define SOON_DAYS_MAX   365
#define MIN_BUDGET_MAX  1e12
#define BIT(condition)  (1u << QUALIFY_##condition)
#define UNWANTED_PREFIX "no_"

static const char *const names[QUALIFY_CONDITIONS] = {
    [QUALIFY_SERVICE] = "service",
    [QUALIFY_LISTED_SERVICE] = "listed_service",
    [QUALIFY_URGENCY] = "urgency",
    [QUALIFY_URGENT] = "urgent",
    [QUALIFY_BUDGET] = "budget",
    [QUALIFY_ENOUGH_BUDGET] = "enough_budget",
    [QUALIFY_TIMELINE] = "timeline",
    [QUALIFY_SOON] = "soon",
    [QUALIFY_APPOINTMENT] = "appointment",
    [QUALIFY_JUST_LOOKING] = "just_looking",
    [QUALIFY_NOT_INTERESTED] = "not_interested",
    [QUALIFY_NAME] = "name",
    [QUALIFY_EMAIL] = "email",
};

static const struct qualification_rules defaults = {
    .hot = {{{BIT(SERVICE) | BIT(URGENT), 0},
             {BIT(ENOUGH_BUDGET) | BIT(SOON), 0},
             {BIT(SERVICE) | BIT(APPOINTMENT) | BIT(SOON), 0}},
            3},
    .warm = {{{BIT(SERVICE), 0}, {BIT(URGENCY), 0}, {BIT(BUDGET), 0}, {BIT(TIMELINE), 0}, {BIT(APPOINTMENT), 0}}, 5},
    .cold = {{{BIT(NOT_INTERESTED), 0}, {BIT(JUST_LOOKING), BIT(BUDGET) | BIT(TIMELINE)}}, 2},
    .soon_days = 7,
};

static int read_condition(const char *where, const json_t *value, struct qualification_alternative *ret,
                          struct err *err)
{
    const char *text = json_string_value(value), *name = text;
    bool unwanted = text && strncmp(text, UNWANTED_PREFIX, strlen(UNWANTED_PREFIX)) == 0;

    if (unwanted)
        name += strlen(UNWANTED_PREFIX);
    for (size_t i = 0; name && i < QUALIFY_CONDITIONS; i++)
        if (strcmp(names[i], name) == 0) {
            *(unwanted ? &ret->unwanted : &ret->wanted) |= 1u << i;
            return 0;
        }
    return err_set_field(err, ERR_INVALID, KEY,
                         KEY ": \"%.40s\" in %s is no condition; service, listed_service, urgency, urgent, budget, "
                             "enough_budget, timeline, soon, appointment, just_looking, not_interested, name and email "
                             "are, each also with no_ before it",
                         text ? text : "(no string)", where);
}

static int read_score(const json_t *rules, const char *where, struct qualification_score *ret, struct err *err)
{
    const json_t *value = json_object_get(rules, where);
    size_t n = json_array_size(value);

    if (!value)
        return 0;
    if (!json_is_array(value) || n > QUALIFICATION_ALTERNATIVES_MAX)
        return err_set_field(err, ERR_INVALID, KEY, KEY ": %s must be an array of at most %d arrays of conditions",
                             where, QUALIFICATION_ALTERNATIVES_MAX);
    *ret = (struct qualification_score){.n = n};
    for (size_t i = 0; i < n; i++) {
        const json_t *conditions = json_array_get(value, i);
        size_t k = json_array_size(conditions);

        if (k == 0 || k > QUALIFICATION_CONDITIONS_MAX)
            return err_set_field(err, ERR_INVALID, KEY, KEY ": %s[%zu] must be an array of 1 to %d conditions", where,
                                 i, QUALIFICATION_CONDITIONS_MAX);
        while (k-- > 0)
            if (read_condition(where, json_array_get(conditions, k), &ret->alternatives[i], err) < 0)
                return -1;
    }
    return 0;
}

static int read_numbers(const json_t *value, struct qualification_rules *ret, struct err *err)
{
    const json_t *days = json_object_get(value, "soon_days"), *budget = json_object_get(value, "min_budget");

    if (days && (!json_is_integer(days) || json_integer_value(days) < 0 || json_integer_value(days) > SOON_DAYS_MAX))
        return err_set_field(err, ERR_INVALID, KEY, KEY ": soon_days must be an integer from 0 to %d", SOON_DAYS_MAX);
    if (budget &&
        (!json_is_number(budget) || json_number_value(budget) < 0 || json_number_value(budget) > MIN_BUDGET_MAX))
        return err_set_field(err, ERR_INVALID, KEY, KEY ": min_budget must be a number from 0 to 1e12");
    if (days)
        ret->soon_days = (int)json_integer_value(days);
    if (budget)
        ret->min_budget = json_number_value(budget);
    return 0;
}

int qualification_rules_read(const json_t *value, struct qualification_rules *ret_rules, struct err *err)
{
    static const char *const keys[] = {"hot", "warm", "cold", "soon_days", "min_budget"};
    struct qualification_rules rules = defaults;
    const char *name;
    json_t *item;

    if (value && !json_is_object(value))
        return err_set_field(err, ERR_INVALID, KEY, KEY " must be an object");
    json_object_foreach ((json_t *)value, name, item) {
        bool known = false;

        for (size_t i = 0; i < COUNT_OF(keys); i++)
            known |= strcmp(keys[i], name) == 0;
        if (!known)
            return err_set_field(err, ERR_INVALID, KEY,
                                 KEY ": %.40s is not known; hot, warm, cold, soon_days and min_budget are", name);
    }
    if (read_score(value, "hot", &rules.hot, err) < 0 || read_score(value, "warm", &rules.warm, err) < 0 ||
        read_score(value, "cold", &rules.cold, err) < 0 || read_numbers(value, &rules, err) < 0)
        return -1;
    *ret_rules = rules;
    return 0;
}

bool qualification_fits(const struct qualification_score *score, unsigned holds)
{
    for (size_t i = 0; i < score->n; i++) {
        const struct qualification_alternative *a = &score->alternatives[i];

        if ((holds & a->wanted) == a->wanted && !(holds & a->unwanted))
            return true;
    }
    return false;
}

json_t *qualification_rules_schema(void)
{
    json_t *words = json_array(), *score;

    for (size_t i = 0; i < QUALIFY_CONDITIONS; i++) {
        json_array_append_new(words, json_string(names[i]));
        json_array_append_new(words, json_sprintf(UNWANTED_PREFIX "%s", names[i]));
    }
    score = json_pack("{s:s, s:i, s:{s:s, s:i, s:i, s:{s:s, s:o}}}", "type", "array", "maxItems",
                      QUALIFICATION_ALTERNATIVES_MAX, "items", "type", "array", "minItems", 1, "maxItems",
                      QUALIFICATION_CONDITIONS_MAX, "items", "type", "string", "enum", words);
    return json_pack("{s:s, s:b, s:{s:O, s:O, s:o, s:{s:s, s:i, s:i}, s:{s:s, s:i}}}", "type", "object",
                     "additionalProperties", 0, "properties", "hot", score, "warm", score, "cold", score, "soon_days",
                     "type", "integer", "minimum", 0, "maximum", SOON_DAYS_MAX, "min_budget", "type", "number",
                     "minimum", 0);
}

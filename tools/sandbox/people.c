/* people.c - see people.h. */
#include "tools/sandbox/people.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "tools/sandbox/table.h"

#define WINDOW_US (INT64_C(24) * 3600 * 1000000)
#define E164_MIN  7 /* digits */
#define E164_MAX  15

/* What is between a number and one sender. */
struct pair {
    bool opted_out;
    bool wrote;
    int64_t wrote_us; /* wall time */
    struct pair *next;
    char sender[];
};

struct known {
    bool told; /* of its facts */
    struct person facts;
    bool out_of_all;
    struct pair *pairs;
};

struct people {
    pthread_mutex_t lock;
    struct table by_number; /* struct known */
};

struct people *people_new(void)
{
    struct people *self = calloc(1, sizeof *self);

    if (self)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

static void known_free(void *value)
{
    struct known *known = value;

    while (known && known->pairs) {
        struct pair *pair = known->pairs;

        known->pairs = pair->next;
        free(pair);
    }
    free(known);
}

void people_clear(struct people *self)
{
    pthread_mutex_lock(&self->lock);
    table_clear(&self->by_number, known_free);
    pthread_mutex_unlock(&self->lock);
}

void people_destroy(struct people **self_p)
{
    struct people *self = *self_p;

    if (!self)
        return;
    people_clear(self);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

/* Within the lock; NULL when out of memory. */
static struct known *known_at(struct people *self, const char *number)
{
    void **place = table_at(&self->by_number, number);

    if (place && !*place)
        *place = calloc(1, sizeof(struct known));
    return place ? *place : NULL;
}

static struct pair *find_pair(const struct known *known, const char *sender)
{
    struct pair *pair = known ? known->pairs : NULL;

    while (pair && strcmp(pair->sender, sender) != 0)
        pair = pair->next;
    return pair;
}

static struct pair *pair_at(struct people *self, const char *sender, const char *number)
{
    struct known *known = known_at(self, number);
    struct pair *pair = find_pair(known, sender);

    if (pair || !known || !(pair = calloc(1, sizeof *pair + strlen(sender) + 1)))
        return pair;
    memcpy(pair->sender, sender, strlen(sender) + 1);
    pair->opted_out = known->out_of_all;
    pair->next = known->pairs;
    return known->pairs = pair;
}

/* ---- facts ---- */

/* What its digits alone say. */
static void guess(const char *number, struct person *ret)
{
    static const struct {
        const char *calling_code, *country;
    } countries[] = {
        {"1", "US"},   {"20", "EG"},  {"27", "ZA"},  {"30", "GR"},  {"31", "NL"},  {"33", "FR"},  {"34", "ES"},
        {"39", "IT"},  {"44", "GB"},  {"49", "DE"},  {"52", "MX"},  {"54", "AR"},  {"55", "BR"},  {"57", "CO"},
        {"61", "AU"},  {"81", "JP"},  {"91", "IN"},  {"212", "MA"}, {"353", "IE"}, {"351", "PT"}, {"962", "JO"},
        {"965", "KW"}, {"966", "SA"}, {"971", "AE"}, {"974", "QA"},
    };
    size_t digits = strspn(number + (number[0] == '+'), "0123456789");
    const char *wrong = "";

    *ret = (struct person){.valid = phone_is_e164(number)};
    if (number[0] != '+' || number[1 + digits])
        wrong = "NOT_A_NUMBER";
    else if (digits < E164_MIN)
        wrong = "TOO_SHORT";
    else if (digits > E164_MAX)
        wrong = "TOO_LONG";
    else if (!ret->valid)
        wrong = "INVALID_COUNTRY_CODE";
    snprintf(ret->validation_error, sizeof ret->validation_error, "%s", wrong);
    if (!ret->valid)
        return;
    snprintf(ret->line_type, sizeof ret->line_type, "mobile");
    for (size_t i = 0; i < COUNT_OF(countries); i++)
        if (strncmp(number + 1, countries[i].calling_code, strlen(countries[i].calling_code)) == 0) {
            snprintf(ret->calling_code, sizeof ret->calling_code, "%s", countries[i].calling_code);
            snprintf(ret->country, sizeof ret->country, "%s", countries[i].country);
        }
}

static int read_text(const json_t *json, const char *name, char *out, size_t size, struct err *err)
{
    const json_t *value = json_object_get(json, name);

    if (!value)
        return 0;
    if (!json_is_string(value) || json_string_length(value) >= size)
        return err_set_field(err, ERR_INVALID, name, "%s must be a text of less than %zu bytes", name, size);
    snprintf(out, size, "%s", json_string_value(value));
    return 0;
}

static int read_facts(const json_t *json, const char *number, struct person *ret, struct err *err)
{
    static const char *const known[] = {"number",  "valid", "validation_error", "country_code", "line_type",
                                        "carrier", "code"};
    const json_t *valid = json_object_get(json, "valid"), *code = json_object_get(json, "code"), *value;
    const char *name;

    json_object_foreach ((json_t *)json, name, value) {
        bool found = false;

        for (size_t i = 0; i < COUNT_OF(known); i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found)
            return err_set_field(err, ERR_INVALID, name, "%.40s is not known", name);
    }
    guess(number, ret);
    if (valid)
        ret->valid = json_is_true(valid);
    if (!ret->valid && !ret->validation_error[0])
        snprintf(ret->validation_error, sizeof ret->validation_error, "INVALID_BUT_POSSIBLE");
    if (read_text(json, "validation_error", ret->validation_error, sizeof ret->validation_error, err) < 0 ||
        read_text(json, "country_code", ret->country, sizeof ret->country, err) < 0 ||
        read_text(json, "line_type", ret->line_type, sizeof ret->line_type, err) < 0 ||
        read_text(json, "carrier", ret->carrier, sizeof ret->carrier, err) < 0)
        return -1;
    if (strcmp(ret->line_type, "landline") == 0)
        ret->code = 21614;
    if (code && (!json_is_integer(code) || json_integer_value(code) < 0 || json_integer_value(code) > 99999))
        return err_set_field(err, ERR_INVALID, "code", "code must be one of Twilio's: 21614, 30006, 63003; 0: none");
    if (code)
        ret->code = (int)json_integer_value(code);
    return 0;
}

int people_put(struct people *self, const json_t *json, struct err *err)
{
    const char *number = json_string_value(json_object_get(json, "number"));
    struct person facts;
    struct known *known;

    if (!number || number[0] != '+' || strlen(number) > 20)
        return err_set_field(err, ERR_INVALID, "number", "number must be one like +15557654321");
    if (read_facts(json, number, &facts, err) < 0)
        return -1;
    pthread_mutex_lock(&self->lock);
    if ((known = known_at(self, number))) {
        known->facts = facts;
        known->told = true;
    }
    pthread_mutex_unlock(&self->lock);
    return known ? 0 : err_set(err, ERR_INTERNAL, "out of memory");
}

void people_get(struct people *self, const char *number, struct person *ret)
{
    const struct known *known;

    guess(number, ret);
    pthread_mutex_lock(&self->lock);
    if ((known = table_get(&self->by_number, number)) && known->told)
        *ret = known->facts;
    pthread_mutex_unlock(&self->lock);
}

/* ---- opting out ---- */

void people_opt_out(struct people *self, const char *sender, const char *number, bool out)
{
    struct known *known;
    struct pair *pair;

    pthread_mutex_lock(&self->lock);
    if (sender) {
        if ((pair = pair_at(self, sender, number)))
            pair->opted_out = out;
    } else if ((known = known_at(self, number))) {
        known->out_of_all = out;
        for (pair = known->pairs; pair; pair = pair->next)
            pair->opted_out = out;
    }
    pthread_mutex_unlock(&self->lock);
}

bool people_opted_out(struct people *self, const char *sender, const char *number)
{
    const struct known *known;
    const struct pair *pair;
    bool out;

    pthread_mutex_lock(&self->lock);
    known = table_get(&self->by_number, number);
    pair = find_pair(known, sender);
    out = pair ? pair->opted_out : known && known->out_of_all;
    pthread_mutex_unlock(&self->lock);
    return out;
}

/* ---- WhatsApp ---- */

void people_wrote(struct people *self, const char *sender, const char *number, int64_t seconds_ago)
{
    struct pair *pair;

    pthread_mutex_lock(&self->lock);
    if ((pair = pair_at(self, sender, number))) {
        pair->wrote = true;
        pair->wrote_us = clock_wall_us() - seconds_ago * 1000000;
    }
    pthread_mutex_unlock(&self->lock);
}

bool people_in_window(struct people *self, const char *sender, const char *number)
{
    const struct pair *pair;
    bool in;

    pthread_mutex_lock(&self->lock);
    pair = find_pair(table_get(&self->by_number, number), sender);
    in = pair && pair->wrote && clock_wall_us() - pair->wrote_us < WINDOW_US;
    pthread_mutex_unlock(&self->lock);
    return in;
}

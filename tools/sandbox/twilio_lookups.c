/* twilio_lookups.c - Twilio's Lookup API: what a number is. */
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/form.h"
#include "libshared/httpd.h"
#include "tools/sandbox/people.h"
#include "tools/sandbox/twilio.h"

#define QUERY_ARENA_SIZE ((size_t)64 * 1024)

static const char *const packages[] = {"caller_name",      "sim_swap",
                                       "call_forwarding",  "line_status",
                                       "identity_match",   "reassigned_number",
                                       "sms_pumping_risk", "phone_number_quality_score",
                                       "pre_fill"};

/* Whether all of the list are known; *ret_line_type: whether line_type_intelligence is among them. */
static bool read_fields(const char *fields, bool *ret_line_type)
{
    *ret_line_type = false;
    while (fields && *fields) {
        size_t len = strcspn(fields, ",");
        bool known = len == 10 && strncmp(fields, "validation", len) == 0;

        if (len == 22 && strncmp(fields, "line_type_intelligence", len) == 0)
            known = *ret_line_type = true;
        for (size_t i = 0; i < COUNT_OF(packages); i++)
            known = known || (strlen(packages[i]) == len && strncmp(packages[i], fields, len) == 0);
        if (!known)
            return false;
        fields += len + (fields[len] == ',');
    }
    return true;
}

static json_t *line_type(const struct person *person)
{
    bool known = person->valid && person->line_type[0];

    return json_pack("{sn sn ss? ss? sn}", "mobile_country_code", "mobile_network_code", "carrier_name",
                     known && person->carrier[0] ? person->carrier : NULL, "type", known ? person->line_type : NULL,
                     "error_code");
}

static json_t *lookup(const char *number, const struct person *person, bool with_line_type)
{
    char url[160];
    json_t *json;

    snprintf(url, sizeof url, "https://lookups.twilio.com/v2/PhoneNumbers/%.100s", number);
    json = json_pack("{ss? ss? ss ss? sb so so ss}", "calling_country_code",
                     person->valid && person->calling_code[0] ? person->calling_code : NULL, "country_code",
                     person->valid && person->country[0] ? person->country : NULL, "phone_number", number,
                     "national_format", person->valid ? number + 1 + strlen(person->calling_code) : NULL, "valid",
                     person->valid, "validation_errors",
                     person->valid ? json_null() : json_pack("[s]", person->validation_error), "line_type_intelligence",
                     with_line_type ? line_type(person) : json_null(), "url", url);
    for (size_t i = 0; i < COUNT_OF(packages); i++)
        json_object_set_new(json, packages[i], json_null());
    return json;
}

void box_lookups(struct sandbox *self, struct exchange *x, struct answer *answer)
{
    AUTO(arena_destroy) struct arena *arena = arena_new(QUERY_ARENA_SIZE);
    const char *number = exchange_path(x) + sizeof "/v2/PhoneNumbers/" - 1;
    struct person person;
    struct form query;
    bool with_line_type;

    if (!*number || strchr(number, '/')) {
        answer_twilio_error(answer, 404, 20404, "The requested resource was not found");
    } else if (!arena || form_parse(exchange_query(x), strlen(exchange_query(x)), arena, &query, NULL) < 0 ||
               !read_fields(form_get(&query, "Fields"), &with_line_type)) {
        answer_twilio_error(answer, 400, 20001, "Invalid parameter");
    } else {
        people_get(self->people, number, &person);
        answer_json(answer, 200, lookup(number, &person, with_line_type));
    }
}

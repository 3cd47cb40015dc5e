/* people.h - what Twilio knows of the numbers on the other side: what kind of line each is, from whom it has opted out,
 * when it wrote by WhatsApp last. Thread-safe. A number is plain E.164, also where WhatsApp is meant. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct err;
struct people;

struct person {
    bool valid;
    char validation_error[24];                       /* "" where it is valid */
    char country[3], calling_code[4];                /* "": not known */
    char line_type[24], carrier[64], mcc[4], mnc[4]; /* line_type "": not known */
    int code;                                        /* with which texts to it are refused (2xxxx) or not delivered */
};

struct people *people_new(void);
void people_destroy(struct people **self_p);
void people_clear(struct people *self);

/* Reads {"number", "valid"?, "validation_error"?, "country_code"?, "line_type"?, "carrier"?, "code"?}; what is not
 * given is as of a number that was never told. A landline's code is 21614 unless another is given. */
int people_put(struct people *self, const json_t *json, struct err *err);

/* number: any text; one that is not a number is not valid. */
void people_get(struct people *self, const char *number, struct person *ret);

/* sender: a number or a messaging service; NULL: all there are. */
void people_opt_out(struct people *self, const char *sender, const char *number, bool out);
bool people_opted_out(struct people *self, const char *sender, const char *number);

/* It wrote to the sender by WhatsApp, seconds ago. */
void people_wrote(struct people *self, const char *sender, const char *number, int64_t seconds_ago);
/* Whether that is less than 24 hours ago. */
bool people_in_window(struct people *self, const char *sender, const char *number);

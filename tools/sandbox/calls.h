/* calls.h - the calls that the sandbox's Twilio has accepted, and what their callees do. Thread-safe. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct calls;
struct err;

#define CALLS_MAX 10000

struct calls *calls_new(void);
void calls_destroy(struct calls **self_p);
void calls_clear(struct calls *self);

struct call_request {
    const char *account_sid, *to, *from;
};

/* false when out of memory, or there are CALLS_MAX. ret_sid holds 35. */
bool calls_add(struct calls *self, const struct call_request *request, char *ret_sid);

/* status: a text that lives on. */
void calls_move(struct calls *self, const char *sid, const char *status);
/* Adds to what is known of it: list is "said", "digits", "dialled", "fetched" or "errors". Takes value. */
void calls_note(struct calls *self, const char *sid, const char *list, json_t *value);

/* As Twilio's API shows it; NULL: the account has no such call, or it is younger than hide_ms. */
json_t *calls_get(struct calls *self, const char *account_sid, const char *sid, int64_t hide_ms);
/* Newest first, at most n; to, from NULL: any. */
json_t *calls_list(struct calls *self, const char *account_sid, const char *to, const char *from, int64_t hide_ms,
                   int n);

/* For the control path: oldest first, at most 1000, to that number or (NULL) all. */
json_t *calls_accepted(struct calls *self, const char *to);

struct callee {
    char does[16];  /* "answer", "busy", "no-answer", "failed" */
    json_t *digits; /* what is pressed at each <Gather>; the caller's to json_decref */
};

/* Reads {"number", "does"?, "digits"?: ["1"]}; "does" is answer unless it is told. ERR_INVALID tells what is wrong. */
int calls_put_callee(struct calls *self, const json_t *json, struct err *err);
void calls_get_callee(struct calls *self, const char *number, struct callee *ret);

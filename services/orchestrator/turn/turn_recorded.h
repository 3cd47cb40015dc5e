/* turn_recorded.h - a decision's record, read back: what deciding saw, and what the model and the search said to it.
 *
 * turn_recorded_call and turn_recorded_search give deciding the same again, in the same order, without a provider. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "libshared/err.h"
#include "services/orchestrator/turn/decision.h"

struct arena;

struct turn_recorded {
    const json_t *json; /* the whole record; the caller's, outlives this */
    int version;
    struct decision_input in;
    struct decision_output out;

    /* How far the recorded answers have been used. */
    size_t n_tries, n_receipts;
    struct err damaged; /* what is wrong with one that was needed; kind ERR_NONE: nothing */
};

/* Into arena. ERR_INVALID says what is wrong with a record, with the field's name in the text. */
int turn_recorded_read(const json_t *record, struct arena *arena, struct turn_recorded *ret, struct err *err);

/* The call of struct claude_api (agent_claude.h); arg is a struct turn_recorded. Fails as the recorded call failed, and
 * with ERR_NOT_FOUND where the record holds no further one, or a damaged one. */
int turn_recorded_call(void *arg, const char *request, size_t len, struct arena *arena, json_t *tries,
                       json_t **ret_message, struct err *err);

/* The search of struct claude_search; arg is a struct turn_recorded. Finds what was found for the same words. */
int turn_recorded_search(void *arg, const char *query, struct arena *arena, const struct passage **ret_passages,
                         size_t *ret_n, struct err *err);

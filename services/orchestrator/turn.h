/* turn.h - one turn: what process_ai_response reads, and what it writes in the end.
 *
 * Strings are in the task's arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/orchestrator/decision.h"
#include "services/orchestrator/model_prices.h"

/* Of turns.record. 1, until November 2026, did not tell which model might be asked, nor what a search had found. */
#define TURN_RECORD_VERSION 2

struct turn {
    char turn_id[UUID_SIZE];
    char message_id[UUID_SIZE]; /* of the reply */
    const char *client_id, *conversation_id, *lead_id;
    const char *channel, *lead_address, *our_address;
    int64_t epoch; /* of the conversation as it was read */
    int64_t answered_seq;
    int64_t last_seq;  /* the highest unanswered message */
    int64_t waited_ms; /* since the oldest unanswered message was stored */
    bool opted_out;
    bool follow_up_waits;      /* a task is to write to the lead again */
    const char *stored_config; /* secrets sealed */

    struct decision_lead lead;
    struct decision_input in; /* in.n_unanswered == 0: there is nothing to answer */
    struct decision_output out;

    struct err model_err; /* why the model did not answer; kind ERR_NONE: it did, or was not to be asked */

    /* For the record. */
    const char *record; /* JSON */
    const char *model;  /* that was asked, with or without an answer; NULL: none was */
    struct model_tokens tokens;
    int64_t cost_micro_usd;
    bool fallback; /* the scripted agent answers because the model gave no answer, or might not be asked */
};

/* turn.h - one turn: what an answer reads, and what it writes in the end.
 *
 * Strings are in the task's arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libshared/err.h"
#include "libshared/uuid.h"
#include "services/orchestrator/claude/model_prices.h"
#include "services/orchestrator/turn/decision.h"

/* Of turns.record. 1, until November 2026, did not tell which model might be asked, nor what a search had found. */
#define TURN_RECORD_VERSION 2
struct err;
struct task;
struct worker;

struct turn {
    char turn_id[UUID_SIZE];
    char message_id[UUID_SIZE]; /* of the reply */
    const char *client_id, *conversation_id, *lead_id;
    const char *channel, *lead_address, *our_address;
    const char *purpose;  /* of the reply: "reply", or "started" where the lead has not just written to us */
    int64_t epoch;        /* of the conversation as it was read */
    int64_t answered_seq; /* the same; the commit fails where it has become another */
    int64_t last_seq;     /* the highest unanswered message */
    int64_t waited_ms;    /* since the oldest unanswered message was stored */
    bool opted_out;
    bool follow_up_waits;      /* a task is to write to the lead again */
    bool greeting_waits;       /* something that we began here is decided and not sent yet */
    bool only_forms;           /* all that is unanswered came by web form or API: the lead has not written to us */
    bool refuses_texts;        /* a form asks for that, and the lead has not texted since */
    int over_bound;            /* all of those came beyond their form's max_new_per_day, which is this; 0: not all */
    const char *form;          /* of the newest of those, its data as JSON; NULL: there is none */
    const char *stored_config; /* secrets sealed */
    int64_t history_from;      /* messages.seq: what is older is not looked at any more */

    struct decision_lead lead;
    struct decision_input in; /* in.n_unanswered == 0: there is nothing to answer */
    struct decision_output out;

    struct err model_err; /* why the model did not answer; kind ERR_NONE: it did, or was not to be asked */

    /* For the record. */
    const char *record;   /* JSON */
    const char *exchange; /* with the model, for later turns (decision_exchange.messages); NULL: none */
    const char *model;    /* that was asked, with or without an answer; NULL: none was */
    struct model_tokens tokens;
    int64_t cost_micro_usd;
    bool fallback; /* the scripted agent answers because the model gave no answer, or might not be asked */
};

/* turn.c: reads what a conversation's unanswered messages want decided. load_us: how long it took. */
int turn_load(struct worker *self, const struct task *task, const char *conversation_id, struct turn *ret_turn,
              int64_t *ret_load_us, struct err *err);

/* Asks knowledge, decides, and commits the answer with the end of the task: all or nothing. */
int turn_answer(struct worker *self, struct task *task, struct turn *turn, int64_t load_us, struct err *err);

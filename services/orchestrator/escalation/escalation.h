/* escalation.h - why a person is called into a conversation, and what a lead's own words tell of it. */
#pragma once

#include <stdbool.h>

#include "services/orchestrator/scripted/language.h"

struct decision_input;

/* The first ones are read in the lead's words (escalation_rules.c); the worse, the earlier. */
enum escalation_cause {
    CAUSE_NONE,
    CAUSE_LEGAL,   /* threatens with a lawyer, a court, an authority */
    CAUSE_ANGER,   /* is angry, or complains of what the business did */
    CAUSE_HUMAN,   /* asks for a person, or to be called */
    CAUSE_LOOP,    /* a machine seems to answer us */
    CAUSE_CLAIM,   /* the agent could not answer without a claim that nothing supports */
    CAUSE_UNKNOWN, /* two answers in a row that knew nothing */
    CAUSE_APPOINTMENT,
    CAUSE_MODEL, /* the model called one, for a reason of its own */
    CAUSES,
};

/* "legal", ...: as conversation_events.cause has it. */
const char *escalation_name(enum escalation_cause cause);

/* In words, for the client's people, in a language; static. */
const char *escalation_reason(enum escalation_cause cause, enum language language);

/* The worst cause that the text names itself: CAUSE_LEGAL, CAUSE_ANGER, CAUSE_HUMAN or CAUSE_NONE. English, Spanish and
 * Arabic. */
enum escalation_cause escalation_read(const char *text);

/* The worst of the unanswered texts. */
enum escalation_cause escalation_of(const struct decision_input *in);

/* Whether a person is to be called for it now: the conversation is open, or the cause is a grave one (legal, anger,
 * human, loop) for which nobody was called within the client's alert_again_after_hours. */
bool escalation_wanted(const struct decision_input *in, enum escalation_cause cause);

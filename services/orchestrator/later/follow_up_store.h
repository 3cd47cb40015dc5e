/* follow_up_store.h - what is known of a lead at the moment in which it would be written to again, as SQL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/orchestrator/api/writing_store.h"

struct arena;
struct db_tx;
struct err;
struct follow_up;
struct turn;

/* Strings are in the arena. */
struct follow_up_state {
    struct writing writing; /* its opted_out, first_message and window_open too */
    const char *state;      /* of the conversation */
    int64_t epoch;          /* of the conversation */
    const char *lead_name;  /* NULL: not known */
    bool wrote_since;       /* the lead, on any channel, after the payload's after_seq */
    bool unanswered;        /* what the lead wrote here last waits for its answer */
    bool may_be_written_to; /* it has written itself, or has consented */

    /* How far our answer, and the follow-up before this one, came; NULL: there is none. */
    const char *answer_state, *previous_state;
    int64_t answer_age_ms, previous_age_ms; /* since they were sent; 0 if they were not */

    int64_t asked_age_ms;  /* since the time that the lead asked for; negative: to come */
    bool asked_today;      /* it is the same day, where the lead is */
    int64_t allowed_in_ms; /* until the lead's allowed hours; 0: now */
};

/* Locks the lead, then the conversation: whatever the lead or a person does comes before, and is seen, or after the end
 * of the transaction. ERR_NOT_FOUND where the conversation is gone. */
int follow_up_store_load(struct db_tx *tx, const char *client_id, const struct follow_up *wanted, struct arena *arena,
                         struct follow_up_state *ret_state, struct err *err);

/* Ends what waits for the lead of the conversation, and keeps why. */
int follow_up_store_cancel(struct db_tx *tx, const char *client_id, const char *lead_id, const char *conversation_id,
                           const char *why, struct err *err);

/* The same of all the lead's, and of what we began and have not sent yet, where it has asked by web form not to be
 * texted. Locks the lead and the conversation. */
int follow_up_store_refused(struct db_tx *tx, const struct turn *turn, struct err *err);

/* Milliseconds until a local time of the lead's ("2026-11-24 10:00"), at least 0, or until its allowed hours after
 * that.
 */
int follow_up_store_delay(struct db_tx *tx, const struct turn *turn, const char *write_at, int64_t *ret_ms,
                          struct err *err);

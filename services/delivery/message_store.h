/* message_store.h - the outbound messages in the database.
 *
 * Every change of a message's state names the states it may come from: a status callback may move a message forward
 * at any moment, and nothing here moves one back. All return 1 if the row was changed, 0 if its state forbids it and
 * -1 with *err on failure, unless said otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct db_result;
struct db_pool;
struct db_tx;
struct err;
struct task;
struct twilio_matches;

struct outbound {
    const char *message_id, *conversation_id, *lead_id, *channel, *purpose;
    const char *from, *to, *body;
    const char *content_sid, *content_variables; /* of a WhatsApp template; NULL: body is the text */
    const char *state;
    const char *provider_sid; /* NULL: none yet */
    int send_attempt;         /* intents so far; those that surely did not leave us are taken back */
    int looks, looks_listed;  /* see migrations/0003 and 0006 */
    int64_t sending_at_us;    /* of the last intent, in the database's clock; 0: none */
    int64_t elapsed_ms;       /* since then */

    /* With what the last intent was; NULL: none, see migrations/0033. */
    const char *account_sid, *messaging_service_sid;
};

/* A row that has the columns of a message, as admit_sends gives them. In arena. ERR_INTERNAL without memory. */
int message_from_row(const struct db_result *rows, int row, struct arena *arena, struct outbound *ret_message,
                     struct err *err);

/* queued -> dropped, with the reason why: the lead has opted out, or a person took over. */
int message_drop(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err);

/* sending -> dropped: the confirmation of a START, or the answer to HELP, whose lead has opted out since it was
 * written. (That of the opt-out itself is as old as the opt-out.) */
int message_drop_overtaken(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err);

/* sending -> queued: the provider surely did not take it. The attempt does not count. */
int message_take_back(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err);

/* Whether the intent is still what is wanted: it is the last one, the task's run is ours, and the lead has neither
 * opted out nor a person taken over since. 1: sending_at is now; 0: it must be decided anew. */
int message_confirm(struct db_pool *pool, const struct task *task, const struct outbound *message, struct err *err);

/* How long a message that we start waits for the lead's allowed hours, which stay as they are until the transaction
 * ends. 0, or -1 with *err. */
int message_hours_wait(struct db_tx *tx, const char *client_id, const char *message_id, int64_t *ret_wait_ms,
                       struct err *err);

/* The tag of the language that the client's people are called in, in arena; NULL: none is configured. 0, or -1 with
 * *err. */
int message_call_language(struct db_pool *pool, const char *client_id, struct arena *arena, const char **ret_language,
                          struct err *err);

/* failed -> queued, if the provider never took it: 0 otherwise. */
int message_requeue(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err);

/* sending -> uncertain. */
int message_doubt(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err);

/* queued, sending, uncertain -> sent. ERR_CONFLICT if another message of the client has the sid. */
int message_sent(struct db_tx *tx, const char *client_id, const char *message_id, const char *sid, struct err *err);

/* queued, sending -> failed: refused for good. code: the provider's, 0 if none. What it says about the lead is noted
 * with the lead, if the message was to it: that it has opted out (and the proof in consents), that it has a landline.
 */
int message_refuse(struct db_tx *tx, const char *client_id, const char *message_id, int code, const char *text,
                   struct err *err);

/* sending, uncertain -> uncertain: notes a look and what it saw. listed: it got a whole listing that does not hold the
 * message. */
int message_looked(struct db_tx *tx, const char *client_id, const char *message_id, bool listed, const char *text,
                   struct err *err);

/* sending, uncertain -> queued: the provider never had it. The attempt counts. */
int message_send_again(struct db_tx *tx, const char *client_id, const char *message_id, struct err *err);

/* Keeps what a template renders to, before it is sent: it is what the lead reads, and what Twilio lists. 0, or -1. */
int message_keep_body(struct db_pool *pool, const char *client_id, const char *message_id, const char *body,
                      struct err *err);

/* Takes out of matches what other messages of the client already are. 0, or -1. */
int message_keep_unclaimed(struct db_tx *tx, const char *client_id, const char *message_id, struct arena *arena,
                           struct twilio_matches *matches, struct err *err);

/* outcome.h - what is recorded where a message was not simply sent: each a transaction of its own, which holds only if
 * the task is still ours (else ERR_CONFLICT). All return 0, or -1 with *err, which is the task's outcome. */
#pragma once

#include <stdint.h>

struct err;
struct outbound;
struct task;
struct twilio_account;
struct worker;

/* Nothing is left to do: an attempt whose answer to the database was lost, or a status callback, has settled it. */
int outcome_settled(struct worker *self, struct task *task, const struct outbound *message, struct err *err);

/* queued -> dropped. */
int outcome_dropped(struct worker *self, struct task *task, const struct outbound *message, struct err *err);

/* Where the message is what a consent is answered with, and the lead has opted out since it was written: sending ->
 * dropped, and 1. 0: it may be sent. */
int outcome_overtaken(struct worker *self, struct task *task, const struct outbound *message, struct err *err);

/* Not before wait_ms from now; a wait of more than a minute is one for the lead's allowed hours, and until then as the
 * client has them now. */
int outcome_waits(struct worker *self, struct task *task, const struct outbound *message, int64_t wait_ms,
                  const char *reason, struct err *err);

/* Not sent, because what it was decided by may have changed meanwhile: it is decided anew. */
int outcome_decided_anew(struct worker *self, struct task *task, const struct outbound *message, struct err *err);

/* Final: the message has failed and its task is dead, for a person to see; where a person must act, a notice tells it.
 * Refused credentials also pause the account; account NULL: nobody was asked. */
int outcome_refused(struct worker *self, struct task *task, const struct outbound *message,
                    const struct twilio_account *account, const struct err *why, struct err *err);

/* Surely not accepted: as if it had not been tried, and *err is *why, for the next attempt. After the last attempt it
 * is refused. A limit (429) also pauses the account. */
int outcome_not_taken(struct worker *self, struct task *task, const struct outbound *message,
                      const struct twilio_account *account, const struct err *why, struct err *err);

/* It may have been accepted: somebody looks later. elapsed_ms: since the intent. */
int outcome_doubted(struct worker *self, struct task *task, const struct outbound *message, int64_t elapsed_ms,
                    const struct err *why, struct err *err);

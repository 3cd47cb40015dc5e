/* delivery.h - what the files of the delivery service share. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct admission;
struct err;
struct outbound;
struct task;
struct twilio;
struct worker;

#define LOOKS_MAX 8

/* When Twilio is asked what became of an uncertain send: milliseconds after the intent. */
struct look_schedule {
    int64_t after_ms[LOOKS_MAX];
    int n;
};

/* worker->state */
struct delivery {
    struct twilio *twilio;
    struct look_schedule looks;
};

/* "5,15,60,300": 2 to LOOKS_MAX ascending whole seconds, each from 1 to 86400. */
int look_schedule_parse(const char *text, struct look_schedule *ret_schedule, struct err *err);

/* How long after now the next look is due, in milliseconds, 0 if it is due; looks: how many there were, elapsed_ms:
 * since the intent. Beyond the last one a look is due at once: somebody has asked for it. */
int64_t look_due_in_ms(const struct look_schedule *schedule, int looks, int64_t elapsed_ms);

/* The tasks of all kinds that send a message. */
int on_send_message(struct worker *self, struct task *task, struct err *err);

/* The task of a message whose sending had no clear answer. */
int resolve_uncertain(struct worker *self, struct task *task, const struct admission *admission, struct err *err);

/* Publishes message.sent or message.failed, after the commit. */
void publish_message(struct worker *self, const struct task *task, const struct outbound *message, const char *type,
                     const char *state, const char *sid, int error_code);

/* breaker.h - accounts of the provider that are not to be called for a while (provider_accounts).
 *
 * The claim of a task leaves alone what goes through a paused account, in all processes. A limit (429) pauses for as
 * long as Twilio says, else for 1 s, doubling to 60 s while no send succeeds. Refused credentials pause until the task
 * probe_account, or other credentials, get through; a notice tells who runs the account, once.
 *
 * Each function is transactions of its own: to be called outside of any other. What is lost when the process dies
 * before or in one is found out again by the next send. */
#pragma once

struct err;
struct task;
struct twilio_account;
struct worker;

/* Twilio has answered 429. retry_after_s: as it has asked; 0: it has not. */
int breaker_limited(struct worker *self, const struct twilio_account *account, int retry_after_s, struct err *err);

/* Twilio has accepted something. Writes only if this process has noted a limit of the account whose pause is over. */
void breaker_succeeded(struct worker *self, const struct twilio_account *account);

/* Twilio has refused the credentials (meaning TWILIO_MEANS_CREDENTIALS), or they cannot be had (account_open: then
 * account->token is ""). Why is what the notice says. */
int breaker_refused(struct worker *self, const struct twilio_account *account, const struct err *why, struct err *err);

/* Once per process: with other credentials in the environment than those that were refused, its account is called at
 * once. (For a client's own account the function provider_account_changed does it, when its configuration changes.)
 * Paused accounts whose probe was given up get a new one. */
int breaker_start(struct worker *self, struct err *err);

/* Task probe_account: asks whether an account's credentials are accepted again, after 30 s, doubling to 15 min. */
int on_probe_account(struct worker *self, struct task *task, struct err *err);

/* sandbox.h - the providers in a box: Twilio's messages, Anthropic's messages,
 * OpenAI's embeddings, on one port, as strict as the real ones.
 *
 * It keeps what it accepted in memory, can be told to fail, and is told and
 * asked through the paths under /_sandbox/ (see README.md). Not for production:
 * its control paths ask for no credentials. */
#pragma once

struct err;
struct sandbox;

#define SANDBOX_ACCOUNTS_MAX 64

/* All texts must live as long as the sandbox. */
struct sandbox_options {
    const char *bind_address;
    int port;               /* 0: any free one */
    const char *public_url; /* the gateway, to which webhooks are posted; NULL: no inbound webhooks */
    /* "SID:TOKEN" or "SID:TOKEN:+15550100000,+15550100001": Twilio's accounts and the numbers that they own. One at
     * least; the first owns what nobody else does. */
    const char *accounts[SANDBOX_ACCOUNTS_MAX];
    int n_accounts;
    const char *anthropic_key, *openai_key; /* what it accepts */
};

/* http_global_init must have been called. */
struct sandbox *sandbox_new(const struct sandbox_options *options, struct err *err);
void sandbox_destroy(struct sandbox **self_p);
int sandbox_port(const struct sandbox *self);

/* form_token.h - the tokens of web forms. Like API keys they are kept as SHA-256 alone; unlike them they are public, as
 * they stand in the page. */
#pragma once

#define FORM_TOKEN_PREFIX       "lwf_"
#define FORM_TOKEN_SIZE         (sizeof FORM_TOKEN_PREFIX - 1 + 44)
#define FORM_TOKEN_PREFIX_SHOWN 10 /* the first characters, for people to tell tokens apart */

struct form_token {
    char text[FORM_TOKEN_SIZE];
    char hash[65];
    char prefix[FORM_TOKEN_PREFIX_SHOWN + 1];
};

/* libsodium must be initialized. */
void form_token_make(struct form_token *ret_token);

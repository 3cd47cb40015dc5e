/* form_token.c - see form_token.h. */
#include "libshared/form_token.h"

#include <stdio.h>
#include <string.h>

#include "libshared/seal.h"

void form_token_make(struct form_token *ret_token)
{
    random_token(FORM_TOKEN_PREFIX, ret_token->text);
    sha256_hex(ret_token->text, strlen(ret_token->text), ret_token->hash);
    snprintf(ret_token->prefix, sizeof ret_token->prefix, "%.*s", FORM_TOKEN_PREFIX_SHOWN, ret_token->text);
}

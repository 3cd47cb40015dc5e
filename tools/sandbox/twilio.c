/* twilio.c - who asks Twilio, and for what. */
#include <stdio.h>
#include <string.h>

#include "libshared/httpd.h"
#include "tools/sandbox/twilio.h"

#define ACCOUNTS "/2010-04-01/Accounts/"

static void not_found(struct answer *answer)
{
    answer_twilio_error(answer, 404, 20404, "The requested resource was not found");
}

/* The paths below an account's own. */
static void of_account(struct sandbox *self, struct exchange *x, enum endpoint at, const struct account *account,
                       struct answer *answer)
{
    const char *sid = exchange_path(x) + sizeof ACCOUNTS - 1, *resource = strchr(sid, '/');

    if (strlen(account->sid) != (size_t)(resource - sid) || memcmp(sid, account->sid, (size_t)(resource - sid)) != 0)
        not_found(answer);
    else if (at == AT_TWILIO_SEND)
        box_messages_create(self, x, account, answer);
    else if (at == AT_TWILIO_CALLS)
        box_calls_create(self, x, account, answer);
    else if (strcmp(resource, "/Messages.json") == 0)
        box_messages_list(self, x, account, answer);
    else if (strcmp(resource, "/Calls.json") == 0)
        box_calls_list(self, x, account, answer);
    else if (strncmp(resource, "/Calls/", 7) == 0)
        box_calls_fetch(self, resource + 7, account, answer);
    else
        box_messages_fetch(self, resource + sizeof "/Messages/" - 1, account, answer);
}

void box_twilio(struct sandbox *self, struct exchange *x, enum endpoint at, struct answer *answer)
{
    struct account account;
    char request_id[40];

    box_random_id("RQ", 16, request_id);
    answer_header(answer, "Twilio-Request-Id", request_id);
    if (!accounts_authenticate(self->accounts, exchange_header(x, "Authorization"), &account))
        answer_twilio_error(answer, 401, 20003, "Authenticate");
    else if (at == AT_TWILIO_CONTENT)
        box_content(self, x, &account, answer);
    else if (at == AT_TWILIO_LOOKUPS)
        box_lookups(self, x, answer);
    else
        of_account(self, x, at, &account, answer);
}

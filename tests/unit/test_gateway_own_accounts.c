/* test_gateway_own_accounts.c - whose token signed a webhook of a client's own account. Needs a database. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gatewayfix.h"
#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/seal.h"
#include "services/gateway/own_accounts.h"
#include "services/gateway/twilio_signature.h"

#define MASTER_KEY "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
#define TARGET     "/api/v1/webhooks/twilio/sms"

static struct own_accounts *accounts;
static struct arena *arena;
static char sid[35];

static void open_accounts(void)
{
    struct err err = {0};

    gw_open();
    snprintf(sid, sizeof sid, "AC%.8s%.4s%.4s%.4s%.12s", gw_client, gw_client + 9, gw_client + 14, gw_client + 19,
             gw_client + 24);
    arena = arena_new(1024 * 1024);
    accounts = own_accounts_new(gw_gateway, MASTER_KEY, &err);
    cr_assert(arena && accounts);
}

static void close_accounts(void)
{
    own_accounts_destroy(&accounts);
    arena_destroy(&arena);
    gw_close();
}

TestSuite(own_accounts, .init = open_accounts, .fini = close_accounts, .timeout = 120);

static void set_token(const char *client, const char *token)
{
    struct err err = {0};
    const char *sealed = seal(MASTER_KEY, arena_printf(arena, "%s/twilio_auth_token", client), token, arena, &err);

    cr_assert(sealed, "%s", err.text);
    cr_assert_eq(db_run(gw_root, NULL, NULL, &err,
                        "INSERT INTO clients (client_id, name, config)"
                        "VALUES ($1, 'B', jsonb_build_object('twilio_account_sid', $2::text, 'twilio_auth_token',"
                        "                                    $3::text))"
                        "ON CONFLICT (client_id) DO UPDATE SET config = excluded.config",
                        db_text(client), db_text(sid), db_text(sealed)),
                 1, "%s", err.text);
}

/* Who signed with the token, as it is known now. */
static const char *signers(const char *token, bool *ret_current)
{
    static const struct form empty = {0};
    struct twilio_request request = {.public_url = "https://a.example", .target = TARGET, .form = &empty};
    char signature[29];

    hmac_sha1_base64(token, "https://a.example" TARGET, strlen("https://a.example" TARGET), signature);
    return own_accounts_signers(accounts, sid, &request, signature, arena, ret_current);
}

static void read_them(void)
{
    struct err err = {0};

    cr_assert_eq(own_accounts_read(accounts, &err), 0, "%s", err.text);
}

Test(own_accounts, the_client_whose_token_it_is_has_signed)
{
    bool current;

    set_token(gw_client, "one");
    cr_expect_null(signers("one", &current));
    cr_expect_not(current, "nothing was read yet");
    read_them();
    cr_expect_str_eq(signers("one", &current), arena_printf(arena, "{%s}", gw_client));
    cr_expect(current);
    cr_expect_null(signers("two", &current));
    cr_expect(current, "just read: no need to ask again");
}

Test(own_accounts, several_may_share_an_account)
{
    char second[UUID_SIZE], third[UUID_SIZE];
    const char *found;
    bool current;

    uuid_new(second);
    uuid_new(third);
    set_token(gw_client, "one");
    set_token(second, "one");
    set_token(third, "of somebody who only says that it is theirs");
    read_them();
    found = signers("one", &current);
    cr_assert_not_null(found);
    cr_expect(strstr(found, gw_client) && strstr(found, second) && !strstr(found, third), "%s", found);
}

Test(own_accounts, a_changed_token_counts_within_a_second)
{
    bool current;

    set_token(gw_client, "one");
    read_them();
    set_token(gw_client, "two");
    usleep(1100000);
    cr_expect_null(signers("two", &current));
    cr_expect_not(current);
    cr_expect_not_null(signers("one", &current));
    cr_expect(current, "what fits is believed longer");
    read_them();
    cr_expect_not_null(signers("two", &current));
    cr_expect_null(signers("one", &current));
}

Test(own_accounts, a_token_that_cannot_be_unsealed_signs_nothing)
{
    struct err err = {0};
    struct own_accounts *without = own_accounts_new(gw_gateway, NULL, &err);
    bool current;

    set_token(gw_client, "one");
    own_accounts_destroy(&accounts);
    accounts = without;
    read_them();
    cr_expect_null(signers("one", &current));
}

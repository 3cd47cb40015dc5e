/* test_gateway_inbound.c - attachments, names, messaging services and accounts of what leads write. Needs a database.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "gatewayfix.h"
#include "libshared/auto.h"
#include "libshared/db.h"
#include "libshared/err.h"

#define OWN "AC00000000000000000000000000000002"

TestSuite(inbound, .init = gw_open, .fini = gw_close, .timeout = 120);

Test(inbound, attachments_are_kept_as_references_and_the_text_stays_as_it_is)
{
    struct inbound in = gw_text("SM1", "");
    struct stored stored;

    in.media = "[{\"url\": \"https://api.twilio.com/ME1\", \"content_type\": \"image/jpeg\"}]";
    stored = gw_store_one(in);
    cr_expect_str_neq(stored.task_id, "");
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1 AND body = ''"
                        " AND media->0->>'url' = 'https://api.twilio.com/ME1'"),
                 1);
    gw_store_one(gw_text("SM2", "and a text"));
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1 AND media IS NULL"), 1);
}

Test(inbound, a_name_is_taken_where_none_is_known)
{
    struct inbound in = gw_whatsapp("SM1", "Hi");

    gw_store_one(in);
    in.sid = "SM2";
    in.name = "Ada";
    gw_store_one(in);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND name = 'Ada'"), 1);
    in.sid = "SM3";
    in.name = "Somebody";
    gw_store_one(in);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND name = 'Ada'"), 1);
}

Test(inbound, a_first_message_brings_its_name)
{
    struct inbound in = gw_whatsapp("SM1", "Hi");

    in.name = "Ada";
    gw_store_one(in);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1 AND name = 'Ada'"), 1);
}

Test(inbound, the_same_number_is_one_lead_with_a_conversation_for_each_channel)
{
    gw_store_one(gw_text("SM1", "Hi"));
    gw_store_one(gw_whatsapp("SM2", "Hi"));
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1"), 1);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM conversations WHERE client_id = $1"), 2);
}

Test(inbound, a_messaging_service_tells_the_client_where_the_number_does_not)
{
    struct inbound in = gw_text("SM1", "Hi");
    struct stored stored;

    gw_change(
        "INSERT INTO client_numbers SELECT c, 'sms', 'MG' || replace(c::text, '-', '') FROM (SELECT $1::uuid AS c) x");
    in.to = "+15550009999";
    stored = gw_store_one(in);
    cr_expect_eq(stored.outcome, ACCEPT_UNKNOWN_NUMBER);
    in.service = "MG00000000000000000000000000000000";
    stored = gw_store_one(in);
    cr_expect_eq(stored.outcome, ACCEPT_UNKNOWN_NUMBER);
    in.service = (char[35]){0};
    snprintf((char *)in.service, 35, "MG%.8s%.4s%.4s%.4s%.12s", gw_client, gw_client + 9, gw_client + 14,
             gw_client + 19, gw_client + 24);
    stored = gw_store_one(in);
    cr_expect_eq(stored.outcome, ACCEPT_STORED);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM conversations c JOIN messages m USING (client_id, conversation_id)"
                        " WHERE c.client_id = $1 AND c.our_address LIKE 'MG%' AND m.to_address = '+15550009999'"),
                 1);
}

Test(inbound, a_number_of_the_environments_account_is_not_reached_through_another)
{
    struct inbound in = gw_text("SM1", "Hi");
    struct stored stored;
    char signers[64];

    snprintf(signers, sizeof signers, "{%s}", gw_client);
    in.account = OWN;
    in.signers = signers;
    stored = gw_store_one(in);
    cr_expect_eq(stored.outcome, ACCEPT_WRONG_ACCOUNT);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM messages WHERE client_id = $1"), 0);
    cr_expect_eq(gw_ask("SELECT count(*) AS n FROM leads WHERE client_id = $1"), 0);
}

Test(inbound, a_number_in_an_account_of_its_own_takes_this_accounts_webhooks_alone)
{
    struct inbound in = gw_text("SM1", "Hi");
    char signers[128], stranger[UUID_SIZE], strangers[64];

    uuid_new(stranger);
    snprintf(signers, sizeof signers, "{%s,%s}", stranger, gw_client);
    snprintf(strangers, sizeof strangers, "{%s}", stranger);
    gw_change("UPDATE client_numbers SET account_sid = '" OWN "' WHERE client_id = $1");
    cr_expect_eq(gw_store_one(in).outcome, ACCEPT_WRONG_ACCOUNT, "the environment's");
    in.account = OWN;
    in.signers = strangers;
    cr_expect_eq(gw_store_one(in).outcome, ACCEPT_WRONG_ACCOUNT, "signed with the token that another client gave");
    in.account = "AC00000000000000000000000000000003";
    in.signers = signers;
    cr_expect_eq(gw_store_one(in).outcome, ACCEPT_WRONG_ACCOUNT, "a third account");
    in.account = OWN;
    cr_expect_eq(gw_store_one(in).outcome, ACCEPT_STORED);
}

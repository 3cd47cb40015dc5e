/* A client's configuration: known keys, values, secrets. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "services/orchestrator/api/client_config.h"

static const char master_key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char client_id[] = "0193a000-0000-7000-8000-000000000001";
#define AC_SID "AC0123456789abcdef0123456789abcdeF"
#define MG_SID "MG0123456789abcdef0123456789abcdef"

static struct arena *arena;
static struct err err;
static const char *stored;
static unsigned changes;

static void open_arena(void)
{
    arena = arena_new(1024 * 1024);
    memset(&err, 0, sizeof err);
}

static void close_arena(void)
{
    arena_destroy(&arena);
}

static int merge(const char *before, const char *patch)
{
    return client_config_merge(master_key, client_id, before, patch, arena, &stored, &changes, &err);
}

TestSuite(orchestrator_config, .init = open_arena, .fini = close_arena, .timeout = 10);

Test(orchestrator_config, an_unknown_key_is_refused_and_the_nearest_is_named)
{
    cr_assert_eq(merge("{}", "{\"twillio_phone_numbr\": \"+15551234567\"}"), -1);
    cr_expect_eq(err.kind, ERR_INVALID);
    cr_expect_str_eq(err.field, "twillio_phone_numbr");
    cr_expect(strstr(err.text, "twilio_phone_number"), "%s", err.text);
}

Test(orchestrator_config, a_key_with_the_same_words_is_nearer_than_one_of_like_letters)
{
    static const char *const cases[][2] = {
        {"follow_up_hours", "follow_up_after_hours"},
        {"whatsapp_sid", "whatsapp_greeting_content_sid"},
        {"monthly_budget", "monthly_budget_usd"},
        {"alowed_hours", "allowed_hours"},
        {"langauge", "language"},
        {"hot_lead_number", "hot_lead_sms_number"},
    };
    char patch[100], nearest[100];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(patch, sizeof patch, "{\"%s\": \"x\"}", cases[i][0]);
        snprintf(nearest, sizeof nearest, "the nearest is %s", cases[i][1]);
        cr_assert_eq(merge("{}", patch), -1);
        cr_expect(strstr(err.text, nearest), "%s", err.text);
    }
}

Test(orchestrator_config, alerts_go_to_a_person_and_not_to_a_number_that_leads_write_to)
{
    static const char numbers[] = "{\"twilio_phone_number\": \"+15550100000\", \"twilio_phone_numbers\":"
                                  " [\"+15550100002\"], \"twilio_whatsapp_number\": \"+15550100001\"}";

    cr_expect_eq(merge(numbers, "{\"hot_lead_sms_number\": \"+15550109999\"}"), 0, "%s", err.text);
    cr_expect_eq(merge(numbers, "{\"hot_lead_sms_number\": \"+15550100000\"}"), -1);
    cr_expect_str_eq(err.field, "hot_lead_sms_number");
    cr_expect_eq(merge(numbers, "{\"alert_call_number\": \"+15550100001\"}"), -1);
    cr_expect_str_eq(err.field, "alert_call_number");
    cr_expect_eq(merge("{\"hot_lead_sms_number\": \"+15550100002\"}", numbers), -1);
    cr_expect_str_eq(err.field, "hot_lead_sms_number");
}

Test(orchestrator_config, placeholders_that_stand_for_something_are_taken)
{
    cr_expect_eq(merge("{}", "{\"lead_greeting\": \"Hi {name}, {business} here, for {service}. {} {a b} {{x\"}"), 0,
                 "%s", err.text);
    cr_expect_eq(merge("{}", "{\"follow_up_texts\": [\"{name}, still there?\"], \"greeting\": \"{nme}\"}"), 0, "%s",
                 err.text);
    cr_expect_eq(merge("{}", "{\"lead_greeting\": \"Hi {nme}\"}"), -1);
    cr_expect(strstr(err.text, "{nme}") && strstr(err.text, "name|service|business"), "%s", err.text);
}

Test(orchestrator_config, every_wrong_value_names_its_key)
{
    static const struct {
        const char *patch, *field;
    } cases[] = {
        {"{\"twilio_phone_number\": \"555-1234\"}", "twilio_phone_number"},
        {"{\"twilio_phone_number\": 15551234567}", "twilio_phone_number"},
        {"{\"calcom_event_type_id\": \"5\"}", "calcom_event_type_id"},
        {"{\"calcom_event_type_id\": 0}", "calcom_event_type_id"},
        {"{\"services\": \"plumbing\"}", "services"},
        {"{\"services\": [\"plumbing\", 5]}", "services"},
        {"{\"services\": [\"\"]}", "services"},
        {"{\"agent\": \"gpt\"}", "agent"},
        {"{\"agent\": \"auto|claude\"}", "agent"},
        {"{\"greeting\": \"\"}", "greeting"},
        {"{\"greeting\": \"a\\u0007b\"}", "greeting"},
        {"{\"hubspot_access_token\": \"a\\nb\"}", "hubspot_access_token"},
        {"{\"twilio_messaging_service_sid\": \"MG1\"}", "twilio_messaging_service_sid"},
        {"{\"twilio_messaging_service_sid\": \"" AC_SID "\"}", "twilio_messaging_service_sid"},
        {"{\"twilio_account_sid\": \"AC0123456789abcdef0123456789abcdeg\"}", "twilio_account_sid"},
        {"{\"twilio_account_sid\": \"AC0123456789abcdef0123456789abcdef0\"}", "twilio_account_sid"},
        {"{\"twilio_phone_numbers\": \"+15551234567\"}", "twilio_phone_numbers"},
        {"{\"twilio_phone_numbers\": [\"+15551234567\", \"15551234568\"]}", "twilio_phone_numbers"},
        {"{\"twilio_phone_numbers\": [\"+15551234567\", \"+15551234567\"]}", "twilio_phone_numbers"},
        {"{\"twilio_phone_number\": \"+15551234567\", \"twilio_phone_numbers\": [\"+15551234567\"]}",
         "twilio_phone_numbers"},
        {"{\"twilio_messages_per_second\": 0}", "twilio_messages_per_second"},
        {"{\"twilio_messages_per_second\": 1001}", "twilio_messages_per_second"},
        {"{\"twilio_messages_per_second\": 1.5}", "twilio_messages_per_second"},
        {"{\"follow_up_after_hours\": 24}", "follow_up_after_hours"},
        {"{\"follow_up_after_hours\": [0]}", "follow_up_after_hours"},
        {"{\"follow_up_after_hours\": [721]}", "follow_up_after_hours"},
        {"{\"follow_up_after_hours\": [1.5]}", "follow_up_after_hours"},
        {"{\"follow_up_after_hours\": [24, 1]}", "follow_up_after_hours"},
        {"{\"follow_up_after_hours\": [1, 1]}", "follow_up_after_hours"},
        {"{\"follow_up_after_hours\": [1, 2, 3, 4, 5, 6]}", "follow_up_after_hours"},
        {"{\"follow_up_texts\": [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]}", "follow_up_texts"},
        {"{\"follow_up_texts\": [\"Hello {name}\", \"{service}?\"]}", "follow_up_texts"},
        {"{\"lead_greeting\": \"Hi {nme}, thanks\"}", "lead_greeting"},
        {"{\"alert_again_after_hours\": -1}", "alert_again_after_hours"},
        {"{\"qualification_rules\": []}", "qualification_rules"},
        {"{\"qualification_rules\": {\"hott\": []}}", "qualification_rules"},
        {"{\"qualification_rules\": {\"hot\": [\"urgent\"]}}", "qualification_rules"},
        {"{\"qualification_rules\": {\"hot\": [[]]}}", "qualification_rules"},
        {"{\"qualification_rules\": {\"hot\": [[\"rich\"]]}}", "qualification_rules"},
        {"{\"qualification_rules\": {\"hot\": [[7]]}}", "qualification_rules"},
        {"{\"qualification_rules\": {\"soon_days\": 1000}}", "qualification_rules"},
        {"{\"qualification_rules\": {\"min_budget\": \"5k\"}}", "qualification_rules"},
        {"{\"alert_call\": true}", "alert_call"},
        {"{\"alert_call_twiml\": \"file\"}", "alert_call_twiml"},
        {"{\"lookup_new_numbers\": \"yes\"}", "lookup_new_numbers"},
        {"{\"alert_call_number\": \"555\"}", "alert_call_number"},
        {"{\"monthly_budget_usd\": \"20\"}", "monthly_budget_usd"},
        {"{\"monthly_budget_usd\": -0.01}", "monthly_budget_usd"},
        {"{\"monthly_budget_usd\": 1000000.5}", "monthly_budget_usd"},
        {"{\"monthly_budget_usd\": [20]}", "monthly_budget_usd"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&err, 0, sizeof err);
        cr_expect_eq(merge("{}", cases[i].patch), -1, "%s", cases[i].patch);
        cr_expect_str_eq(err.field, cases[i].field);
        cr_expect_eq(err.kind, ERR_INVALID);
    }
}

Test(orchestrator_config, the_hours_of_follow_ups_are_read_in_their_order)
{
    int hours[5] = {0};

    cr_assert_eq(merge("{}", "{\"follow_up_after_hours\": [1, 24, 720]}"), 0, "%s", err.text);
    cr_expect_eq(changes, CLIENT_CHANGED | CLIENT_CHANGED_FOLLOW_UPS);
    cr_expect_eq(client_config_ints(stored, "follow_up_after_hours", hours, 5), 3);
    cr_expect(hours[0] == 1 && hours[1] == 24 && hours[2] == 720);
    cr_expect_eq(client_config_ints(stored, "follow_up_after_hours", hours, 2), 2);
    cr_assert_eq(merge(stored, "{\"follow_up_after_hours\": []}"), 0, "%s", err.text);
    cr_expect_eq(client_config_ints(stored, "follow_up_after_hours", hours, 5), 0);
    cr_expect_eq(client_config_ints("{}", "follow_up_after_hours", hours, 5), 0);
}

Test(orchestrator_config, a_number_may_be_whole_or_not)
{
    cr_assert_eq(merge("{}", "{\"monthly_budget_usd\": 12.5}"), 0, "%s", err.text);
    cr_expect_float_eq(client_config_number(stored, "monthly_budget_usd", -1), 12.5, 1e-9);
    cr_assert_eq(merge("{}", "{\"monthly_budget_usd\": 0}"), 0, "%s", err.text);
    cr_expect_float_eq(client_config_number(stored, "monthly_budget_usd", -1), 0, 1e-9);
    cr_expect_float_eq(client_config_number("{}", "monthly_budget_usd", -1), -1, 1e-9);
}

Test(orchestrator_config, what_is_no_object_is_refused)
{
    cr_expect_eq(merge("{}", "[]"), -1);
    cr_expect_eq(merge("{}", "{\"greeting\": \"a\", \"greeting\": \"b\"}"), -1);
    cr_expect_eq(merge("{}", "{"), -1);
}

Test(orchestrator_config, a_patch_merges_and_null_removes)
{
    cr_assert_eq(merge("{\"greeting\":\"Hello\",\"persona\":\"dry\"}", "{\"persona\":null,\"agent\":\"scripted\"}"), 0);
    cr_expect_str_eq(stored, "{\"agent\":\"scripted\",\"greeting\":\"Hello\"}");
    cr_expect_eq(changes, CLIENT_CHANGED);
    cr_assert_eq(merge("{\"greeting\":\"Hello\"}", "{\"greeting\":\"Hello\",\"persona\":null}"), 0);
    cr_expect_eq(changes, 0);
}

Test(orchestrator_config, one_key_is_read_whatever_stands_around_it)
{
    static const char config[] = "{ \"greeting\" : \"a \\\"persona\\\": \\\\\", \"nested\": {\"persona\": [\"no\", "
                                 "{\"agent\": \"no\"}], \"x\": \"}\"},"
                                 " \"services\": [\"Drain, \\\"cleaning\\\"\", \"]\"],\n\"alert_again_after_hours\": "
                                 "12, \"off\": false, \"persona\": \"Kind \\u00e9.\"}";
    static const char *const broken[] = {"",
                                         "[]",
                                         "{",
                                         "{\"persona",
                                         "{\"persona\"",
                                         "{\"persona\":",
                                         "{\"persona\": \"x",
                                         "{\"persona\": [\"x\"",
                                         "{\"other\": {\"persona\": \"x\"}}",
                                         "{\"persona\": 5}"};
    const char *const *texts;
    size_t n;

    cr_expect_str_eq(client_config_text(config, "persona", arena), "Kind \u00e9.");
    cr_expect_str_eq(client_config_text(config, "greeting", arena), "a \"persona\": \\");
    cr_expect_eq(client_config_int(config, "alert_again_after_hours", 24), 12);
    cr_expect_eq(client_config_int(config, "off", 24), 24);
    cr_expect_null(client_config_text(config, "agent", arena));
    texts = client_config_texts(config, "services", arena, &n);
    cr_assert_eq(n, 2);
    cr_expect_str_eq(texts[0], "Drain, \"cleaning\"");
    cr_expect_str_eq(texts[1], "]");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        cr_expect_null(client_config_text(broken[i], "persona", arena), "%s", broken[i]);
}

Test(orchestrator_config, a_secret_is_sealed_for_its_client_and_key_and_never_shown)
{
    const char *shown, *sealed, *context;

    cr_assert_eq(merge("{}", "{\"calcom_api_key\":\"cal_live_123\"}"), 0);
    cr_expect_not(strstr(stored, "cal_live_123"));
    sealed = client_config_text(stored, "calcom_api_key", arena);
    context = arena_printf(arena, "%s/calcom_api_key", client_id);
    cr_expect_str_eq(unseal(master_key, context, sealed, arena, &err), "cal_live_123");
    shown = client_config_show(stored, arena, &err);
    cr_expect_str_eq(shown, "{\"calcom_api_key\":\"********\"}");
}

Test(orchestrator_config, sending_the_shown_secret_back_keeps_the_old_one)
{
    const char *before;

    cr_assert_eq(merge("{}", "{\"calcom_api_key\":\"cal_live_123\"}"), 0);
    before = stored;
    cr_assert_eq(merge(before, "{\"calcom_api_key\":\"********\"}"), 0);
    cr_expect_str_eq(stored, before);
    cr_expect_eq(changes, 0);
    cr_expect_eq(merge("{}", "{\"calcom_api_key\":\"********\"}"), -1);
}

Test(orchestrator_config, without_a_master_key_no_secret_is_taken)
{
    cr_assert_eq(client_config_merge(NULL, client_id, "{}", "{\"calcom_api_key\":\"x\"}", arena, &stored, &changes,
                                     &err),
                 -1);
    cr_expect(strstr(err.text, "LEADWIRE_MASTER_KEY"));
    cr_expect_str_eq(err.field, "calcom_api_key");
    cr_expect_eq(client_config_merge(NULL, client_id, "{}", "{\"greeting\":\"Hi\"}", arena, &stored, &changes, &err),
                 0);
}

Test(orchestrator_config, hours_are_two_times_of_one_day)
{
    static const char *const good[] = {"08:00-20:00", "00:00-24:00", "09:30-09:31", "00:00-23:59"};
    static const char *const bad[] = {"8:00-20:00",   "08:00-25:00", "08:00-24:01",
                                      "08:60-20:00",  "20:00-08:00", "08:00-08:00",
                                      "08:00 20:00",  "08:00-20:0",  "",
                                      "08:00-20:000", "a8:00-20:00", "08:00-20:00 "};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect_eq(merge("{}", arena_printf(arena, "{\"allowed_hours\":\"%s\"}", good[i])), 0, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memset(&err, 0, sizeof err);
        cr_expect_eq(merge("{}", arena_printf(arena, "{\"allowed_hours\":\"%s\"}", bad[i])), -1, "%s", bad[i]);
        cr_expect_str_eq(err.field, "allowed_hours");
    }
}

Test(orchestrator_config, an_account_and_its_token_stand_together)
{
    cr_expect_eq(merge("{}", "{\"twilio_account_sid\":\"" AC_SID "\"}"), -1);
    cr_expect_str_eq(err.field, "twilio_auth_token");
    cr_expect_eq(merge("{}", "{\"twilio_auth_token\":\"secret\"}"), -1);
    cr_expect_str_eq(err.field, "twilio_account_sid");

    cr_assert_eq(merge("{}", "{\"twilio_account_sid\":\"" AC_SID "\",\"twilio_auth_token\":\"secret\"}"), 0);
    cr_expect_not(strstr(stored, "secret"));
    cr_expect_str_eq(client_config_show(stored, arena, &err),
                     "{\"twilio_account_sid\":\"" AC_SID "\",\"twilio_auth_token\":\"********\"}");
    cr_expect_eq(merge(stored, "{\"twilio_auth_token\":null}"), -1);
    cr_expect_eq(merge(stored, "{\"twilio_auth_token\":\"********\"}"), 0);
    cr_expect_eq(changes, 0);
    cr_expect_eq(merge(stored, "{\"twilio_auth_token\":null,\"twilio_account_sid\":null}"), 0);
    cr_expect_str_eq(stored, "{}");
}

Test(orchestrator_config, what_a_change_concerns_is_told)
{
    cr_assert_eq(merge("{}", "{\"greeting\":\"Hello\"}"), 0);
    cr_expect_eq(changes, CLIENT_CHANGED);
    cr_assert_eq(merge("{}", "{\"twilio_messaging_service_sid\":\"" MG_SID "\"}"), 0);
    cr_expect_eq(changes, CLIENT_CHANGED | CLIENT_CHANGED_TWILIO);
    cr_assert_eq(merge("{}", "{\"twilio_account_sid\":\"" AC_SID "\",\"twilio_auth_token\":\"secret\"}"), 0);
    cr_expect_eq(changes, CLIENT_CHANGED | CLIENT_CHANGED_TWILIO | CLIENT_CHANGED_CREDENTIALS);
}

Test(orchestrator_config, an_array_of_texts_is_read)
{
    size_t n;
    const char *const *texts = client_config_texts("{\"services\":[\"a\",\"b\"]}", "services", arena, &n);

    cr_assert_eq(n, 2);
    cr_expect_str_eq(texts[1], "b");
    cr_expect(client_config_texts("{}", "services", arena, &n));
    cr_expect_eq(n, 0);
}

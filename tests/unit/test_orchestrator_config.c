/* A client's configuration: known keys, values, secrets. */
#include <criterion/criterion.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/seal.h"
#include "services/orchestrator/client_config.h"

static const char master_key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char client_id[] = "0193a000-0000-7000-8000-000000000001";
static struct arena *arena;
static struct err err;
static const char *stored;
static bool changed;

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
    return client_config_merge(master_key, client_id, before, patch, arena, &stored, &changed, &err);
}

TestSuite(orchestrator_config, .init = open_arena, .fini = close_arena, .timeout = 10);

Test(orchestrator_config, an_unknown_key_is_refused_and_the_nearest_is_named)
{
    cr_assert_eq(merge("{}", "{\"twillio_phone_numbr\": \"+15551234567\"}"), -1);
    cr_expect_eq(err.kind, ERR_INVALID);
    cr_expect_str_eq(err.field, "twillio_phone_numbr");
    cr_expect(strstr(err.text, "twilio_phone_number"), "%s", err.text);
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
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&err, 0, sizeof err);
        cr_expect_eq(merge("{}", cases[i].patch), -1, "%s", cases[i].patch);
        cr_expect_str_eq(err.field, cases[i].field);
        cr_expect_eq(err.kind, ERR_INVALID);
    }
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
    cr_expect(changed);
    cr_assert_eq(merge("{\"greeting\":\"Hello\"}", "{\"greeting\":\"Hello\",\"persona\":null}"), 0);
    cr_expect_not(changed);
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
    cr_expect_not(changed);
    cr_expect_eq(merge("{}", "{\"calcom_api_key\":\"********\"}"), -1);
}

Test(orchestrator_config, without_a_master_key_no_secret_is_taken)
{
    cr_assert_eq(client_config_merge(NULL, client_id, "{}", "{\"calcom_api_key\":\"x\"}", arena, &stored, &changed,
                                     &err),
                 -1);
    cr_expect(strstr(err.text, "LEADWIRE_MASTER_KEY"));
    cr_expect_str_eq(err.field, "calcom_api_key");
    cr_expect_eq(client_config_merge(NULL, client_id, "{}", "{\"greeting\":\"Hi\"}", arena, &stored, &changed, &err),
                 0);
}

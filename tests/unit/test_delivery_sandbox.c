/* Twilio's operations against the sandbox, which is as strict as the real one. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "services/delivery/templates.h"
#include "services/delivery/twilio.h"
#include "tools/sandbox/sandbox.h"

#define SID     "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER   "ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SERVICE "MGcccccccccccccccccccccccccccccccc"
#define HELLO   "HXdddddddddddddddddddddddddddddddd"
#define OURS    "+15550100000"
#define THEIRS  "+15557654321"

static struct sandbox *sandbox;
static struct twilio *twilio;
static struct arena *arena;
static struct twilio_sent sent;
static struct err err;
static char url[64];
static const struct twilio_account account = {.key = "twilio", .sid = SID, .token = "token"};

static void open_all(void)
{
    const struct sandbox_options options = {.bind_address = "127.0.0.1",
                                            .accounts = {SID ":token:" OURS, OTHER ":other:+15550100001"},
                                            .n_accounts = 2,
                                            .anthropic_key = "k",
                                            .openai_key = "k"};

    cr_assert(http_global_init(&err) == 0);
    sandbox = sandbox_new(&options, &err);
    cr_assert(sandbox != NULL, "%s", err.text);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", sandbox_port(sandbox));
    twilio = twilio_new(url, &err);
    arena = arena_new((size_t)4 << 20);
    cr_assert(twilio && arena);
}

static void close_all(void)
{
    templates_forget();
    arena_destroy(&arena);
    twilio_destroy(&twilio);
    sandbox_destroy(&sandbox);
}

TestSuite(delivery_sandbox, .init = open_all, .fini = close_all, .timeout = 30);

static void tell(const char *method, const char *path, const char *json)
{
    struct http *http = http_new(&err);
    struct http_response response;
    struct http_request request = {.method = method,
                                   .url = arena_printf(arena, "%s/_sandbox/%s", url, path),
                                   .content_type = "application/json",
                                   .body = json,
                                   .body_len = strlen(json)};

    cr_assert(http_do(http, &request, arena, &response, &err) == 0, "%s", err.text);
    cr_assert(response.status < 300, "%s: %d %s", path, response.status, response.body);
    http_destroy(&http);
}

static int send_message(const struct twilio_message *message)
{
    err = (struct err){0};
    sent = (struct twilio_sent){0};
    return twilio_send(twilio, &account, message, &sent, &err);
}

/* How many of the wanted one there are, with the same text. */
static int find(struct twilio_wanted wanted)
{
    struct twilio_matches matches;
    int same = 0;

    wanted.not_before_us = ((int64_t)time(NULL) - 60) * 1000000;
    cr_assert(eq(int, twilio_find(twilio, &account, &wanted, &matches, &err), 0), "%s", err.text);
    for (size_t i = 0; i < matches.n; i++)
        same += matches.items[i].same_body;
    return same;
}

Test(delivery_sandbox, a_text_is_accepted_and_found)
{
    const struct twilio_message message = {.to = THEIRS, .from = OURS, .body = "hello"};
    const struct twilio_wanted wanted = {.to = THEIRS, .from = OURS, .body = "hello"};

    cr_expect(eq(int, find(wanted), 0));
    cr_assert(eq(int, send_message(&message), 0), "%s", err.text);
    cr_expect(eq(int, sent.segments, 1));
    cr_expect(eq(int, find(wanted), 1));
}

Test(delivery_sandbox, what_was_accepted_without_an_answer_is_uncertain_and_found)
{
    const struct twilio_message message = {.to = THEIRS, .from = OURS, .body = "hello"};
    const struct twilio_wanted wanted = {.to = THEIRS, .from = OURS, .body = "hello"};

    tell("POST", "faults", "{\"endpoint\":\"twilio.send\",\"kind\":\"accept-then-cut\",\"count\":1}");
    cr_expect(eq(int, send_message(&message), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN));
    tell("POST", "faults", "{\"endpoint\":\"twilio.send\",\"kind\":\"accept-then-500\",\"count\":1}");
    cr_expect(eq(int, send_message(&message), -1));
    cr_expect(eq(int, err.kind, ERR_UNCERTAIN));
    cr_expect(eq(int, find(wanted), 2));
}

Test(delivery_sandbox, what_a_messaging_service_sends_is_found_by_it)
{
    const struct twilio_message message = {.to = THEIRS, .messaging_service = SERVICE, .body = "hello"};
    const struct twilio_wanted wanted = {.to = THEIRS, .messaging_service = SERVICE, .body = "hello"};
    const struct twilio_wanted from_number = {.to = THEIRS, .from = "+15550100009", .body = "hello"};

    tell("PUT", "accounts", "{\"account_sid\":\"" SID "\",\"services\":{\"" SERVICE "\":[\"" OURS "\"]}}");
    cr_assert(eq(int, send_message(&message), 0), "%s", err.text);
    cr_expect(eq(int, sent.segments, 0), "not known yet");
    cr_expect(eq(int, find(wanted), 1));
    cr_expect(eq(int, find(from_number), 0));
}

static struct twilio_message whatsapp(const char *body, const char *content_sid, const char *variables)
{
    return (struct twilio_message){.whatsapp = true,
                                   .to = THEIRS,
                                   .from = OURS,
                                   .body = body,
                                   .content_sid = content_sid,
                                   .content_variables = variables};
}

Test(delivery_sandbox, free_text_by_whatsapp_goes_within_24_hours)
{
    const struct twilio_message message = whatsapp("hello", NULL, NULL);

    cr_expect(eq(int, send_message(&message), -1));
    cr_expect(eq(int, twilio_meaning(err.provider_code), TWILIO_MEANS_WINDOW_CLOSED));
    tell("PUT", "whatsapp", "{\"from\":\"" THEIRS "\",\"to\":\"" OURS "\",\"wrote_seconds_ago\":60}");
    cr_assert(eq(int, send_message(&message), 0), "%s", err.text);
    cr_expect(eq(int, find((struct twilio_wanted){.whatsapp = true, .to = THEIRS, .from = OURS, .body = "hello"}), 1));
    cr_expect(eq(int, find((struct twilio_wanted){.to = THEIRS, .from = OURS, .body = "hello"}), 0), "not by SMS");
}

Test(delivery_sandbox, a_template_reads_as_it_was_rendered)
{
    const char *variables = "{\"1\":\"Ada\",\"2\":\"Monday\"}", *body = NULL;
    const struct twilio_message message = whatsapp(NULL, HELLO, variables);

    tell("PUT", "templates", "{\"content_sid\":\"" HELLO "\",\"body\":\"Hi {{1}}, see you on {{2}}\"}");
    cr_assert(eq(int, template_render(twilio, &account, HELLO, variables, arena, &body, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)body, "Hi Ada, see you on Monday"));
    cr_assert(eq(int, send_message(&message), 0), "%s", err.text);
    cr_expect(eq(int, find((struct twilio_wanted){.whatsapp = true, .to = THEIRS, .from = OURS, .body = body}), 1));
}

static int code_of_render(const char *variables)
{
    const char *body = NULL;

    err = (struct err){0};
    cr_expect(eq(int, template_render(twilio, &account, HELLO, variables, arena, &body, &err), -1));
    return err.provider_code;
}

/* What our check refuses with, and what Twilio would have answered. */
static void expect_same_code(const char *variables, int code)
{
    const struct twilio_message message = whatsapp(NULL, HELLO, variables);

    cr_expect(eq(int, code_of_render(variables), code), "%s", variables);
    cr_expect(eq(int, send_message(&message), -1));
    cr_expect(eq(int, err.provider_code, code), "%s", variables);
}

Test(delivery_sandbox, our_check_refuses_as_twilio_does)
{
    tell("PUT", "templates", "{\"content_sid\":\"" HELLO "\",\"body\":\"Hi {{1}}, see you on {{2}}\"}");
    expect_same_code("{\"1\":\"Ada\"}", 63028);
    expect_same_code("{\"1\":\"Ada\",\"2\":\"x\",\"3\":\"y\"}", 63028);
    expect_same_code("{\"1\":\"Ada\",\"2\":\"\"}", 21656);
    expect_same_code("[1]", 21656);
    templates_forget();
    tell("PUT", "templates", "{\"content_sid\":\"" HELLO "\",\"body\":\"Hi {{1}}\",\"status\":\"rejected\"}");
    expect_same_code("{\"1\":\"Ada\"}", 63040);
    templates_forget();
    tell("PUT", "templates", "{\"content_sid\":\"" HELLO "\",\"body\":\"Hi {{1}}\",\"status\":\"paused\"}");
    expect_same_code("{\"1\":\"Ada\"}", 63041);
}

Test(delivery_sandbox, a_template_of_another_account_is_none)
{
    tell("PUT", "templates", "{\"content_sid\":\"" HELLO "\",\"body\":\"Hi\",\"account_sid\":\"" OTHER "\"}");
    cr_expect(eq(int, code_of_render(NULL), 20404));
    cr_expect(eq(int, err.kind, ERR_INVALID));
}

Test(delivery_sandbox, a_call_is_made)
{
    const struct twilio_call call = {.to = THEIRS,
                                     .from = OURS,
                                     .twiml = "<Response><Say>A lead is hot</Say></Response>",
                                     .status_callback = "http://127.0.0.1:1/x",
                                     .ring_s = 20};
    const struct twilio_call to_nobody = {.to = "+1", .from = OURS, .twiml = "<Response/>"};

    cr_assert(eq(int, twilio_call(twilio, &account, &call, &sent, &err), 0), "%s", err.text);
    cr_expect(strncmp(sent.sid, "CA", 2) == 0);
    cr_expect(eq(int, twilio_call(twilio, &account, &to_nobody, &sent, &err), -1));
    cr_expect(eq(int, err.kind, ERR_INVALID));
}

Test(delivery_sandbox, a_lookup_tells_the_line)
{
    struct twilio_phone phone;

    cr_assert(eq(int, twilio_lookup(twilio, &account, THEIRS, &phone, &err), 0), "%s", err.text);
    cr_expect(phone.valid);
    cr_expect(eq(str, phone.line_type, "mobile"));
    tell("PUT", "numbers", "{\"number\":\"" THEIRS "\",\"line_type\":\"landline\",\"country_code\":\"CA\"}");
    cr_assert(eq(int, twilio_lookup(twilio, &account, THEIRS, &phone, &err), 0), "%s", err.text);
    cr_expect(eq(str, phone.line_type, "landline"));
    cr_expect(eq(str, phone.country, "CA"));
    tell("PUT", "numbers", "{\"number\":\"" THEIRS "\",\"valid\":false,\"validation_error\":\"TOO_LONG\"}");
    cr_assert(eq(int, twilio_lookup(twilio, &account, THEIRS, &phone, &err), 0), "%s", err.text);
    cr_expect(not(phone.valid));
    cr_expect(eq(str, phone.validation_errors, "[\"TOO_LONG\"]"));
}

Test(delivery_sandbox, refused_credentials_are_told_apart_from_a_twilio_that_is_away)
{
    cr_expect(eq(int, twilio_probe(twilio, &account, &err), 0), "%s", err.text);
    tell("PUT", "accounts", "{\"account_sid\":\"" SID "\",\"refuse\":true}");
    cr_expect(eq(int, twilio_probe(twilio, &account, &err), -1));
    cr_expect(eq(int, err.kind, ERR_DENIED));
    cr_expect(eq(int, twilio_meaning(err.provider_code), TWILIO_MEANS_CREDENTIALS));
    tell("PUT", "accounts", "{\"account_sid\":\"" SID "\",\"refuse\":false}");
    tell("POST", "faults", "{\"endpoint\":\"twilio.list\",\"kind\":\"status\",\"status\":503,\"count\":1}");
    cr_expect(eq(int, twilio_probe(twilio, &account, &err), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, twilio_probe(twilio, &account, &err), 0), "%s", err.text);
}

Test(delivery_sandbox, a_limit_says_for_how_long)
{
    const struct twilio_message message = {.to = THEIRS, .from = OURS, .body = "hello"};

    tell("POST", "faults",
         "{\"endpoint\":\"twilio.send\",\"kind\":\"status\",\"status\":429,\"retry_after\":9,\"count\":1}");
    cr_expect(eq(int, send_message(&message), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, err.provider_code, 20429));
    cr_expect(eq(int, err.retry_after_s, 9));
}

/* test_sandbox_calls.c - the sandbox's calls, templates as they are listed, and what it knows of numbers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boxfix.h"
#include "libshared/buf.h"
#include "libshared/form.h"
#include "tools/sandbox/twiml.h"

TestSuite(sandbox_calls, .init = box_open, .fini = box_close, .timeout = 30);

#define TEMPLATE "HX00000000000000000000000000000001"

/* Calls +15557654321. more: further parameters, or "". */
static int call(const char *twiml, const char *url, const char *more)
{
    struct buf form = {0};
    int status;

    form_put(&form, "To", "+15557654321");
    form_put(&form, "From", "+15550100000");
    if (twiml)
        form_put(&form, "Twiml", twiml);
    if (url)
        form_put(&form, "Url", url);
    buf_puts(&form, more);
    status = box_post_as(BOX_SID, BOX_TOKEN, "/Calls.json", form.data);
    buf_free(&form);
    return status;
}

static char *gateway(const char *path)
{
    static char url[256];

    snprintf(url, sizeof url, "%s%s", box_public_url(), path);
    return url;
}

/* Waits until the last call has ended, and leaves it in the answer as "calls.0". */
static void await_end(void)
{
    static const char *const ends[] = {"completed", "busy", "no-answer", "failed"};
    bool ended = false;

    while (!ended) {
        usleep(10000);
        cr_assert(eq(int, box_control_ask("GET", "calls?to=%2B15557654321", NULL), 200));
        for (size_t i = 0; i < 4; i++)
            ended = ended || strcmp(box_text("calls.0.status"), ends[i]) == 0;
    }
}

static void callee(const char *does_and_digits)
{
    char body[256];

    snprintf(body, sizeof body, "{\"number\":\"+15557654321\",%s}", does_and_digits);
    cr_assert(eq(int, box_control_ask("PUT", "callees", body), 200));
}

/* ---- calls ---- */

Test(sandbox_calls, a_call_says_its_words_and_dials_when_a_key_is_pressed)
{
    char twiml[512];

    box_gateway_says("<?xml version=\"1.0\"?><Response><Say>One moment.</Say>"
                     "<Dial callerId=\"+15550100000\"><Number>+15551112222</Number></Dial></Response>");
    callee("\"digits\":[\"12\"]");
    snprintf(
        twiml, sizeof twiml,
        "<Response><Gather numDigits=\"1\" action=\"%s/voice?message_id=1&amp;x=2\"><Say>A hot lead. Press 1 &amp; "
        "talk.</Say></Gather><Say>Goodbye.</Say></Response>",
        box_public_url());
    cr_expect(eq(int, call(twiml, NULL, ""), 201));
    cr_expect(eq(str, (char *)box_text("status"), "queued"));
    cr_expect(strncmp(box_text("sid"), "CA", 2) == 0);
    await_end();
    cr_expect(eq(str, (char *)box_text("calls.0.said.0"), "A hot lead. Press 1 & talk."));
    cr_expect(eq(str, (char *)box_text("calls.0.digits.0"), "1"), "as many as numDigits");
    cr_expect(eq(str, (char *)box_text("calls.0.said.1"), "One moment."));
    cr_expect(eq(str, (char *)box_text("calls.0.dialled.0.number"), "+15551112222"));
    cr_expect(eq(str, (char *)box_text("calls.0.dialled.0.caller_id"), "+15550100000"));
    cr_expect(eq(sz, box_size("calls.0.errors"), 0));
    cr_expect(strncmp(box_heard(1), "/voice?message_id=1&x=2|", 24) == 0);
    cr_expect(eq(str, (char *)box_heard_field(1, "Digits"), "1"));
    cr_expect(eq(str, (char *)box_heard_field(1, "CallStatus"), "in-progress"));
    cr_expect(box_heard_signed(1, BOX_TOKEN));
}

Test(sandbox_calls, without_a_key_it_goes_on_behind_the_gather)
{
    char twiml[512];

    snprintf(twiml, sizeof twiml,
             "<Response><Gather action=\"%s/voice\"><Say>Press 1.</Say></Gather><Say>Goodbye.</Say></Response>",
             box_public_url());
    cr_assert(eq(int, call(twiml, NULL, ""), 201));
    await_end();
    cr_expect(eq(str, (char *)box_text("calls.0.said.1"), "Goodbye."));
    cr_expect(eq(int, box_heard_count(), 0));
}

Test(sandbox_calls, its_states_are_told_as_asked_for)
{
    char more[256];

    box_gateway_says("<Response><Say>Hello</Say></Response>");
    snprintf(more, sizeof more,
             "&StatusCallback=%s/status%%3Fm%%3D1&StatusCallbackEvent=ringing&StatusCallbackEvent=answered"
             "&StatusCallbackEvent=completed&StatusCallbackEvent=initiated",
             box_public_url());
    cr_assert(eq(int, call(NULL, gateway("/voice"), more), 201));
    cr_expect(eq(str, (char *)box_heard_field(1, "CallStatus"), "initiated"));
    cr_expect(eq(str, (char *)box_heard_field(2, "CallStatus"), "ringing"));
    cr_expect(eq(str, (char *)box_heard_field(3, "CallStatus"), "in-progress"));
    cr_expect(strncmp(box_heard(4), "/voice|", 7) == 0);
    cr_expect(eq(str, (char *)box_heard_field(5, "CallStatus"), "completed"));
    cr_expect(strncmp(box_heard(5), "/status?m=1|", 12) == 0);
    cr_expect(box_heard_signed(5, BOX_TOKEN));
    await_end();
    cr_expect(eq(str, (char *)box_text("calls.0.said.0"), "Hello"));
}

Test(sandbox_calls, who_is_busy_or_does_not_answer_hears_nothing)
{
    static const char *const doings[] = {"busy", "no-answer", "failed"};

    for (size_t i = 0; i < 3; i++) {
        char does[32], more[128];

        cr_assert(eq(int, box_control_ask("POST", "reset", NULL), 200));
        snprintf(does, sizeof does, "\"does\":\"%s\"", doings[i]);
        callee(does);
        snprintf(more, sizeof more, "&StatusCallback=%s/status", box_public_url());
        cr_assert(eq(int, call("<Response><Say>Hello</Say></Response>", NULL, more), 201));
        await_end();
        cr_expect(eq(str, (char *)box_text("calls.0.status"), (char *)doings[i]));
        cr_expect(eq(sz, box_size("calls.0.said"), 0));
        cr_expect(eq(str, (char *)box_heard_field((int)i + 1, "CallStatus"), (char *)doings[i]));
    }
}

Test(sandbox_calls, wrong_twiml_is_told)
{
    static const struct {
        const char *twiml;
        int code;
    } cases[] = {
        {"<Response><Say>x</Response>", 12100},
        {"<Other/>", 12100},
        {"<Response><Dial callerId=\"+15550200000\"><Number>+15551112222</Number></Dial></Response>", 13214},
        {"<Response><Dial>nobody</Dial></Response>", 13224},
        {"<Response><Sing/></Response>", 12200},
        {"<Response><Redirect>http://127.0.0.1:1/</Redirect></Response>", 11200},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert(eq(int, box_control_ask("POST", "reset", NULL), 200));
        cr_assert(eq(int, call(cases[i].twiml, NULL, ""), 201));
        await_end();
        cr_expect(box_number("calls.0.errors.0.code") == cases[i].code, "%s gives %d", cases[i].twiml,
                  box_number("calls.0.errors.0.code"));
    }
}

Test(sandbox_calls, a_call_that_is_asked_for_wrongly_is_not_made)
{
    static const struct {
        const char *form;
        int code;
    } cases[] = {
        {"From=%2B15550100000&Twiml=x", 21201},
        {"To=5551&From=%2B15550100000&Twiml=x", 21211},
        {"To=%2B15557654321&Twiml=x", 21213},
        {"To=%2B15557654321&From=me&Twiml=x", 21212},
        {"To=%2B15557654321&From=%2B15550200000&Twiml=x", 21210},
        {"To=%2B15557654321&From=%2B15550100000", 21205},
        {"To=%2B15557654321&From=%2B15550100000&Twiml=x&Url=http%3A%2F%2Fx.example%2F", 21205},
        {"To=%2B15557654321&From=%2B15550100000&Url=x.example", 21205},
        {"To=%2B15557654321&From=%2B15550100000&Twiml=x&StatusCallback=x", 21609},
        {"To=%2B15557654321&From=%2B15550100000&Twiml=x&StatusCallbackEvent=ringing%20answered", 21626},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect(eq(int, box_post_as(BOX_SID, BOX_TOKEN, "/Calls.json", cases[i].form), 400));
        cr_expect(box_number("code") == cases[i].code, "%s gives %d", cases[i].form, box_number("code"));
    }
    cr_expect(eq(int, box_control_ask("GET", "calls", NULL), 200));
    cr_expect(eq(sz, box_size("calls"), 0));
    cr_expect(eq(int, box_control_ask("PUT", "callees", "{\"number\":\"+15557654321\",\"does\":\"sing\"}"), 400));
    cr_expect(eq(int, box_control_ask("PUT", "callees", "{\"number\":\"+15557654321\",\"digits\":[\"a\"]}"), 400));
}

Test(sandbox_calls, calls_are_listed_and_fetched_and_break_as_told)
{
    char path[80];

    cr_assert(eq(int,
                 box_control_ask("POST", "faults",
                                 "{\"endpoint\":\"twilio.calls\",\"kind\":\"accept-then-500\",\"count\":1}"),
                 201));
    cr_expect(eq(int, call("<Response/>", NULL, ""), 500));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/Calls.json?To=%2B15557654321"), 200));
    cr_expect(eq(sz, box_size("calls"), 1));
    snprintf(path, sizeof path, "/Calls/%s.json", box_text("calls.0.sid"));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, path), 200));
    cr_expect(eq(str, (char *)box_text("direction"), "outbound-api"));
    cr_expect(eq(int, box_get_as(OTHER_SID, OTHER_TOKEN, path), 404));
}

Test(sandbox_calls, twiml_is_read_with_its_attributes)
{
    static const char text[] = "<Response><!-- x --><Gather a=\"1 &amp; 2\"><Say> Hi </Say></Gather></Response>";
    json_t *verbs = twiml_read(text, sizeof text - 1);

    cr_assert(verbs != NULL);
    cr_expect(eq(sz, json_array_size(verbs), 1));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json_array_get(verbs, 0), "a")), "1 & 2"));
    json_decref(verbs);
    cr_expect(twiml_read("", 0) == NULL);
}

/* ---- templates ---- */

Test(sandbox_calls, templates_are_listed_page_by_page_and_fetched_with_their_approval)
{
    char body[256];

    for (int i = 1; i <= 3; i++) {
        snprintf(body, sizeof body,
                 "{\"content_sid\":\"HX0000000000000000000000000000000%d\",\"body\":\"Hi {{1}}\",\"variables\":"
                 "{\"1\":\"you\"},\"friendly_name\":\"t%d\"}",
                 i, i);
        cr_assert(eq(int, box_control_ask("PUT", "templates", body), 200));
    }
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v1/Content?PageSize=2"), 200));
    cr_expect(eq(sz, box_size("contents"), 2));
    cr_expect(strstr(box_text("meta.next_page_url"), "/v1/Content?PageSize=2&Page=1") != NULL);
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v1/Content?PageSize=2&Page=1"), 200));
    cr_expect(eq(sz, box_size("contents"), 1));
    cr_expect(eq(str, (char *)box_text("contents.0.friendly_name"), "t3"));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v1/Content/" TEMPLATE), 200));
    cr_expect(eq(str, (char *)box_text("types.twilio/text.body"), "Hi {{1}}"));
    cr_expect(eq(str, (char *)box_text("variables.1"), "you"));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v1/Content/" TEMPLATE "/ApprovalRequests"), 200));
    cr_expect(eq(str, (char *)box_text("whatsapp.status"), "approved"));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v1/ContentAndApprovals"), 200));
    cr_expect(eq(str, (char *)box_text("contents.0.approval_requests.status"), "approved"));
    cr_expect(eq(int, box_get_as(OTHER_SID, OTHER_TOKEN, "/v1/Content/" TEMPLATE), 404));
    cr_expect(eq(int, box_number("code"), 20404));
    cr_expect(eq(int, box_get_as(BOX_SID, "wrong", "/v1/Content"), 401));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v1/Content?PageSize=0"), 400));
}

/* ---- numbers ---- */

Test(sandbox_calls, a_number_is_looked_up)
{
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v2/PhoneNumbers/%2B15557654321"), 200));
    cr_expect(eq(int, box_number("valid"), 1));
    cr_expect(eq(str, (char *)box_text("country_code"), "US"));
    cr_expect(eq(int, json_is_null(json_object_get(box_answer(), "line_type_intelligence")), 1), "was not asked for");
    cr_assert(
        eq(int, box_control_ask("PUT", "numbers", "{\"number\":\"+15557654321\",\"line_type\":\"landline\"}"), 200));
    cr_expect(
        eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v2/PhoneNumbers/%2B15557654321?Fields=line_type_intelligence"), 200));
    cr_expect(eq(str, (char *)box_text("line_type_intelligence.type"), "landline"));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v2/PhoneNumbers/%2B15557?Fields=line_type_intelligence"), 200));
    cr_expect(eq(int, box_number("valid"), 0));
    cr_expect(eq(str, (char *)box_text("validation_errors.0"), "TOO_SHORT"));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v2/PhoneNumbers/%2B15557654321?Fields=colour"), 400));
    cr_expect(eq(int,
                 box_control_ask("POST", "faults",
                                 "{\"endpoint\":\"twilio.lookups\",\"kind\":\"status\",\"status\":429,"
                                 "\"retry_after\":7}"),
                 201));
    cr_expect(eq(int, box_get_as(BOX_SID, BOX_TOKEN, "/v2/PhoneNumbers/%2B15557654321"), 429));
    cr_expect(eq(int, box_number("code"), 20429));
}

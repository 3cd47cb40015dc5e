/* test_sandbox_twilio.c - the sandbox's Twilio is as strict as the real one: accounts, services, WhatsApp, templates.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boxfix.h"
#include "libshared/sms_segments.h"
#include "tools/sandbox/keywords.h"
#include "tools/sandbox/segments.h"

TestSuite(sandbox_twilio, .init = box_open, .fini = box_close, .timeout = 30);

#define TO       "To=%2B15557654321"
#define SERVICE  "MG00000000000000000000000000000001"
#define TEMPLATE "HX00000000000000000000000000000001"
#define WHATSAPP "To=whatsapp:%2B15557654321&From=whatsapp:%2B15550100000"
#define WROTE    "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"wrote_seconds_ago\":%d}"

static int post(const char *form)
{
    return box_post_as(BOX_SID, BOX_TOKEN, "/Messages.json", form);
}

static int post_other(const char *form)
{
    return box_post_as(OTHER_SID, OTHER_TOKEN, "/Messages.json", form);
}

/* And it shall be told what becomes of it. */
static int post_told(const char *sid, const char *token, const char *form)
{
    char whole[1024];

    snprintf(whole, sizeof whole, "%s&StatusCallback=%s/status", form, box_public_url());
    return box_post_as(sid, token, "/Messages.json", whole);
}

/* The code with which it was refused; 0: it was not. */
static int code_of(int status)
{
    return status < 300 ? 0 : box_number("code");
}

static void wrote(int seconds_ago)
{
    char body[128];

    snprintf(body, sizeof body, WROTE, seconds_ago);
    cr_assert(eq(int, box_control_ask("PUT", "whatsapp", body), 200));
}

/* Waits until the message has ended. */
static void await_end(const char *sid)
{
    char path[80];

    snprintf(path, sizeof path, "/Messages/%s.json", sid);
    do {
        usleep(5000);
        cr_assert(eq(int, box_get_as(BOX_SID, BOX_TOKEN, path), 200));
    } while (strcmp(box_text("status"), "delivered") != 0 && strcmp(box_text("status"), "failed") != 0 &&
             strcmp(box_text("status"), "undelivered") != 0);
}

/* ---- accounts ---- */

Test(sandbox_twilio, each_account_has_its_own_credentials_numbers_and_ledger)
{
    cr_expect(eq(int, post_other(TO "&From=%2B15550200000&Body=Hi"), 201));
    cr_expect(eq(str, (char *)box_text("account_sid"), OTHER_SID));
    cr_expect(eq(int, code_of(post_other(TO "&From=%2B15550100000&Body=Hi")), 21606));
    cr_expect(eq(int, code_of(post(TO "&From=%2B15550200000&Body=Hi")), 21606), "another account's");
    cr_expect(eq(int, post(TO "&From=%2B15550100000&Body=Hi"), 201), "it owns nothing, and nobody owns that");
    cr_expect(eq(int, box_get_as(OTHER_SID, OTHER_TOKEN, "/Messages.json?To=%2B15557654321"), 200));
    cr_expect(eq(sz, box_size("messages"), 1));
    cr_expect(eq(str, (char *)box_text("messages.0.from"), "+15550200000"));
    cr_expect(eq(int, code_of(box_get_as(OTHER_SID, BOX_TOKEN, "/Messages.json")), 20003));
}

Test(sandbox_twilio, webhooks_are_signed_with_the_token_of_the_account_that_owns_the_number)
{
    cr_assert(eq(int,
                 box_control_ask("POST", "inbound",
                                 "{\"from\":\"+15557654321\",\"to\":\"+15550200001\",\"body\":\"x\",\"wait\":true}"),
                 200));
    cr_expect(box_heard_signed(1, OTHER_TOKEN));
    cr_expect(not(box_heard_signed(1, BOX_TOKEN)));
    cr_expect(eq(str, (char *)box_heard_field(1, "AccountSid"), OTHER_SID));
    cr_assert(eq(int, post_told(OTHER_SID, OTHER_TOKEN, TO "&From=%2B15550200000&Body=Hi"), 201));
    cr_expect(box_heard_signed(2, OTHER_TOKEN));
    cr_expect(eq(str, (char *)box_heard_field(2, "AccountSid"), OTHER_SID));
}

Test(sandbox_twilio, an_account_is_added_and_refused_and_taken_again)
{
    static const char sid[] = "ACcccccccccccccccccccccccccccccccc";

    cr_expect(
        eq(int, box_control_ask("PUT", "accounts", "{\"account_sid\":\"ACcccccccccccccccccccccccccccccccc\"}"), 400));
    cr_assert(eq(int,
                 box_control_ask("PUT", "accounts",
                                 "{\"account_sid\":\"ACcccccccccccccccccccccccccccccccc\",\"auth_token\":\"c\","
                                 "\"numbers\":[\"+15550300000\"]}"),
                 200));
    cr_expect(eq(int, box_post_as(sid, "c", "/Messages.json", TO "&From=%2B15550300000&Body=Hi"), 201));
    cr_assert(eq(int,
                 box_control_ask("PUT", "accounts",
                                 "{\"account_sid\":\"ACcccccccccccccccccccccccccccccccc\",\"refuse\":true}"),
                 200));
    cr_expect(eq(int, box_get_as(sid, "c", "/Messages.json"), 401));
    cr_expect(eq(int, box_number("code"), 20003));
    cr_assert(eq(int,
                 box_control_ask("PUT", "accounts",
                                 "{\"account_sid\":\"ACcccccccccccccccccccccccccccccccc\",\"refuse\":false}"),
                 200));
    cr_expect(eq(int, box_get_as(sid, "c", "/Messages.json"), 200));
    cr_expect(eq(int,
                 box_control_ask("PUT", "accounts",
                                 "{\"account_sid\":\"ACcccccccccccccccccccccccccccccccc\",\"numbers\":"
                                 "[\"+15550200000\"]}"),
                 400),
              "it is another account's");
    cr_expect(eq(int, box_control_ask("POST", "reset", NULL), 200));
    cr_expect(eq(int, box_get_as(sid, "c", "/Messages.json"), 401));
    cr_expect(eq(int, box_get_as(OTHER_SID, OTHER_TOKEN, "/Messages.json"), 200));
}

/* ---- messaging services ---- */

Test(sandbox_twilio, a_service_chooses_the_sender_and_tells_it_when_it_is_sent)
{
    char sid[40];

    cr_assert(eq(int,
                 box_control_ask("PUT", "accounts",
                                 "{\"account_sid\":\"" BOX_SID "\",\"services\":{\"" SERVICE "\":[\"+15550100007\"]}}"),
                 200));
    cr_assert(eq(int, post_told(BOX_SID, BOX_TOKEN, TO "&MessagingServiceSid=" SERVICE "&Body=Hi"), 201));
    cr_expect(eq(str, (char *)box_text("status"), "accepted"));
    cr_expect(eq(str, (char *)box_text("num_segments"), "0"));
    cr_expect(eq(int, json_is_null(json_object_get(box_answer(), "from")), 1));
    snprintf(sid, sizeof sid, "%s", box_text("sid"));
    await_end(sid);
    cr_expect(eq(str, (char *)box_text("from"), "+15550100007"));
    cr_expect(eq(str, (char *)box_text("num_segments"), "1"));
    cr_expect(eq(str, (char *)box_text("messaging_service_sid"), SERVICE));
    cr_expect(eq(str, (char *)box_heard_field(1, "MessageStatus"), "queued"));
    cr_expect(eq(str, (char *)box_heard_field(2, "MessageStatus"), "sent"));
    cr_expect(eq(str, (char *)box_heard_field(3, "MessageStatus"), "delivered"));
    cr_expect(eq(int, code_of(post(TO "&MessagingServiceSid=MG00000000000000000000000000000009&Body=Hi")), 21703));
    cr_expect(eq(int, code_of(post(TO "&From=%2B15550100008&MessagingServiceSid=" SERVICE "&Body=Hi")), 21606));
    cr_assert(eq(int,
                 box_control_ask("POST", "inbound",
                                 "{\"from\":\"+15557654321\",\"to\":\"+15550100007\",\"body\":\"stop\",\"wait\":true}"),
                 200));
    cr_expect(eq(str, (char *)box_heard_field(4, "MessagingServiceSid"), SERVICE));
    cr_expect(eq(int, code_of(post(TO "&MessagingServiceSid=" SERVICE "&Body=Hi")), 21610));
}

Test(sandbox_twilio, texts_are_counted_as_they_are_billed)
{
    char text[400];

    memset(text, 'x', sizeof text);
    text[160] = '\0';
    cr_expect(eq(int, sms_segments_of(text), 1));
    cr_expect(eq(int, sms_segments_of(""), 1));
    text[160] = 'x';
    text[161] = '\0';
    cr_expect(eq(int, sms_segments_of(text), 2));
    memset(text, 'x', sizeof text);
    memcpy(text + 152, "^", 1); /* escaped: it does not fit in the first part, which has 153 */
    text[306] = '\0';
    cr_expect(eq(int, sms_segments_of(text), 3));
    memset(text, 'x', sizeof text);
    text[305] = '\0';
    memcpy(text, "^", 1);
    cr_expect(eq(int, sms_segments_of(text), 2));
    memset(text, 'x', sizeof text);
    memcpy(text, "\xE2\x9C\x93", 3); /* not in GSM-7 */
    text[72] = '\0';
    cr_expect(eq(int, sms_segments_of(text), 1), "70 of UCS-2");
    text[72] = 'x';
    text[73] = '\0';
    cr_expect(eq(int, sms_segments_of(text), 2));
    cr_expect(eq(int, sms_segments_of("\xC3\xA9\xE2\x82\xAC"), 1));
    memset(text, 'x', sizeof text);
    memcpy(text + 158, "\xC3\xA9\xC3\xA9", 5);
    cr_expect(eq(int, sms_segments_of(text), 1), "160 characters, of GSM-7 all");
    memcpy(text + 158, "\xE2\x82\xAC", 4);
    cr_expect(eq(int, sms_segments_of(text), 1), "the euro counts twice");
}

/* Two countings that were written apart. */
Test(sandbox_twilio, texts_are_counted_as_delivery_counts_them)
{
    static const char *const pieces[] = {"a",
                                         " ",
                                         "\n",
                                         "^",
                                         "]",
                                         "`",
                                         "\xC3\xA9",
                                         "\xC3\xA7",
                                         "\xE2\x82\xAC",
                                         "\xCE\xA9",
                                         "\xE2\x9C\x93",
                                         "\xF0\x9F\x99\x82"};
    unsigned seed = 1;
    char text[2048];

    for (int i = 0; i < 20000; i++) {
        size_t len = 0, n = (size_t)rand_r(&seed) % 400, kinds = i % 2 ? 12 : 5; /* half of them of GSM-7 alone */

        for (size_t k = 0; k < n; k++)
            len += (size_t)sprintf(text + len, "%s", pieces[rand_r(&seed) % 3 ? 0 : (size_t)rand_r(&seed) % kinds]);
        text[len] = '\0';
        cr_assert(sms_segments_of(text) == sms_segments(text), "%d, %d: %s", sms_segments_of(text), sms_segments(text),
                  text);
    }
}

/* ---- who may not be texted ---- */

Test(sandbox_twilio, an_opt_out_is_of_one_sender_and_twilio_answers_it_itself)
{
    cr_assert(eq(int,
                 box_control_ask("POST", "inbound",
                                 "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\" Stop \","
                                 "\"wait\":true}"),
                 200));
    cr_expect(eq(int, code_of(post(TO "&From=%2B15550100000&Body=Hi")), 21610));
    cr_expect(eq(int, post(TO "&From=%2B15550100001&Body=Hi"), 201));
    cr_assert(eq(int,
                 box_control_ask("POST", "inbound",
                                 "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\"Info\",\"wait\":true}"),
                 200));
    cr_assert(eq(int,
                 box_control_ask("POST", "inbound",
                                 "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\"x\",\"opt_out_type\":"
                                 "\"START\",\"wait\":true}"),
                 200));
    cr_expect(eq(str, (char *)box_heard_field(3, "OptOutType"), "START"));
    cr_expect(eq(int, post(TO "&From=%2B15550100000&Body=Hi"), 201));
    cr_expect(eq(int, box_control_ask("GET", "keywords?to=%2B15557654321", NULL), 200));
    cr_expect(eq(sz, box_size("keywords"), 3));
    cr_expect(eq(str, (char *)box_text("keywords.1.keyword"), "HELP"));
    cr_expect(eq(int, box_control_ask("GET", "messages?to=%2B15557654321", NULL), 200));
    cr_expect(eq(sz, box_size("messages"), 2), "Twilio's own answers are not among them");
}

Test(sandbox_twilio, keywords_are_the_whole_text)
{
    cr_expect(eq(int, keyword_of("unsubscribe\n", "+15550100000"), KEYWORD_STOP));
    cr_expect(eq(int, keyword_of("Stop by tomorrow", "+15550100000"), KEYWORD_NONE));
    cr_expect(eq(int, keyword_of("", "+15550100000"), KEYWORD_NONE));
    cr_expect(eq(int, keyword_of("yes", "+15550100000"), KEYWORD_START));
    cr_expect(eq(int, keyword_of("yes", "+18885550100"), KEYWORD_NONE), "toll-free: START and UNSTOP");
    cr_expect(eq(int, keyword_of("unstop", "+18885550100"), KEYWORD_START));
}

Test(sandbox_twilio, a_landline_gets_no_text_at_once_or_later)
{
    char sid[40];

    cr_assert(
        eq(int, box_control_ask("PUT", "numbers", "{\"number\":\"+15557654321\",\"line_type\":\"landline\"}"), 200));
    cr_expect(eq(int, code_of(post(TO "&From=%2B15550100000&Body=Hi")), 21614));
    cr_assert(
        eq(int,
           box_control_ask("PUT", "numbers", "{\"number\":\"+15557654321\",\"line_type\":\"landline\",\"code\":30006}"),
           200));
    cr_expect(eq(int, post(TO "&From=%2B15550100000&Body=Hi"), 201));
    snprintf(sid, sizeof sid, "%s", box_text("sid"));
    await_end(sid);
    cr_expect(eq(str, (char *)box_text("status"), "undelivered"));
    cr_expect(eq(int, box_number("error_code"), 30006));
    cr_expect(eq(int, box_control_ask("PUT", "numbers", "{\"number\":\"me\"}"), 400));
    cr_expect(eq(int, box_control_ask("PUT", "numbers", "{\"number\":\"+15557654321\",\"colour\":\"red\"}"), 400));
}

/* ---- WhatsApp ---- */

Test(sandbox_twilio, free_words_by_whatsapp_need_a_message_of_the_last_24_hours)
{
    cr_expect(eq(int, code_of(post(WHATSAPP "&Body=Hi")), 63016));
    wrote(86399);
    cr_expect(eq(int, post(WHATSAPP "&Body=Hi"), 201));
    wrote(86401);
    cr_expect(eq(int, code_of(post(WHATSAPP "&Body=Hi")), 63016));
    cr_assert(eq(int,
                 box_control_ask("POST", "inbound",
                                 "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\"stop\",\"channel\":"
                                 "\"whatsapp\",\"wait\":true}"),
                 200));
    cr_expect(eq(int, post(WHATSAPP "&Body=Hi"), 201), "Twilio does nothing about words by WhatsApp");
    cr_expect(eq(int, code_of(post("To=whatsapp:%2B15557654321&From=whatsapp:%2B15550100001&Body=Hi")), 63016),
              "it wrote to another number");
    cr_expect(eq(int, code_of(post("To=whatsapp:%2B15557654321&From=whatsapp:%2B15550200000&Body=Hi")), 63007));
}

Test(sandbox_twilio, what_whatsapp_refuses_may_come_as_a_callback_alone)
{
    cr_assert(eq(int, box_control_ask("PUT", "whatsapp", "{\"refuse_late\":true}"), 200));
    cr_assert(eq(int, post_told(BOX_SID, BOX_TOKEN, WHATSAPP "&Body=Hi"), 201));
    cr_expect(eq(str, (char *)box_heard_field(1, "MessageStatus"), "failed"));
    cr_expect(eq(str, (char *)box_heard_field(1, "ErrorCode"), "63016"));
    cr_expect(eq(str, (char *)box_heard_field(1, "ChannelPrefix"), "whatsapp"));
    cr_expect(box_heard_field(1, "ChannelStatusMessage")[0] != 0);
}

Test(sandbox_twilio, a_template_is_checked_as_whatsapp_does)
{
    static const struct {
        const char *more;
        int code;
    } cases[] = {
        {"&ContentSid=" TEMPLATE "&ContentVariables=%7B%221%22%3A%22Ada%22%2C%22when%22%3A%22noon%22%7D", 0},
        {"&ContentSid=" TEMPLATE "&ContentVariables=%7B%221%22%3A%22Ada%22%7D", 0}, /* when has a default */
        {"&ContentSid=" TEMPLATE, 63028},
        {"&ContentSid=" TEMPLATE "&ContentVariables=%7B%221%22%3A%22Ada%22%2C%222%22%3A%22x%22%7D", 63028},
        {"&ContentSid=" TEMPLATE "&ContentVariables=Ada", 21656},
        {"&ContentSid=" TEMPLATE "&ContentVariables=%7B%221%22%3A%22%22%7D", 21656},
        {"&ContentSid=" TEMPLATE "&ContentVariables=%7B%221%22%3A1%7D", 21656},
        {"&ContentSid=HX00000000000000000000000000000002", 21655},
        {"&ContentVariables=%7B%7D&Body=Hi", 21654},
        {"&ContentSid=" TEMPLATE "&Body=Hi", 63016},
        {"&ContentSid=" TEMPLATE "&MediaUrl=https%3A%2F%2Fx.example%2Fa.png", 63016},
    };

    cr_assert(eq(int,
                 box_control_ask("PUT", "templates",
                                 "{\"content_sid\":\"" TEMPLATE "\",\"body\":\"Hi {{1}}, at {{when}}?\","
                                 "\"variables\":{\"when\":\"nine\"}}"),
                 200));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char form[512];
        int code;

        snprintf(form, sizeof form, "%s%s", WHATSAPP, cases[i].more);
        code = code_of(post(form));
        cr_expect(code == cases[i].code, "%s gives %d", cases[i].more, code);
        if (i == 0)
            cr_expect(eq(str, (char *)box_text("body"), "Hi Ada, at noon?"));
        if (i == 1)
            cr_expect(eq(str, (char *)box_text("body"), "Hi Ada, at nine?"));
    }
    cr_expect(eq(int,
                 code_of(post_other("To=whatsapp:%2B15557654321&From=whatsapp:%2B15550200000&ContentSid=" TEMPLATE)),
                 21655),
              "it is another account's");
}

Test(sandbox_twilio, a_rejected_or_paused_template_is_refused)
{
    static const struct {
        const char *status;
        int code;
    } cases[] = {{"approved", 0}, {"rejected", 63040}, {"paused", 63041}, {"pending", 63016}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];

        snprintf(body, sizeof body, "{\"content_sid\":\"%s\",\"body\":\"Hi\",\"status\":\"%s\"}", TEMPLATE,
                 cases[i].status);
        cr_assert(eq(int, box_control_ask("PUT", "templates", body), 200));
        cr_expect(eq(int, code_of(post(WHATSAPP "&ContentSid=" TEMPLATE)), cases[i].code));
    }
    wrote(0);
    cr_expect(eq(int, post(WHATSAPP "&ContentSid=" TEMPLATE), 201), "what is pending goes within the window");
    cr_expect(eq(int, box_control_ask("PUT", "templates", "{\"content_sid\":\"HX1\",\"body\":\"Hi\"}"), 400));
    cr_expect(eq(int, box_control_ask("PUT", "templates", "{\"content_sid\":\"" TEMPLATE "\"}"), 400));
}

/* ---- leads' texts ---- */

Test(sandbox_twilio, a_whatsapp_message_has_its_own_fields_media_and_place)
{
    cr_assert(eq(int,
                 box_control_ask(
                     "POST", "inbound",
                     "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\"\",\"channel\":\"whatsapp\","
                     "\"profile_name\":\"Ada\",\"media\":[{\"url\":\"https://x.example/1\",\"content_type\":"
                     "\"image/png\"},{\"url\":\"https://x.example/2\"}],\"latitude\":\"1.5\",\"button_text\":\"Yes\","
                     "\"fields\":{\"Forwarded\":\"true\",\"FromCity\":\"Bern\"},\"wait\":true}"),
                 200));
    cr_expect(strncmp(box_heard(1), "/api/v1/webhooks/twilio/whatsapp|", 33) == 0);
    cr_expect(eq(str, (char *)box_heard_field(1, "From"), "whatsapp:+15557654321"));
    cr_expect(eq(str, (char *)box_heard_field(1, "WaId"), "15557654321"));
    cr_expect(eq(str, (char *)box_heard_field(1, "ProfileName"), "Ada"));
    cr_expect(eq(str, (char *)box_heard_field(1, "NumMedia"), "2"));
    cr_expect(eq(str, (char *)box_heard_field(1, "MediaContentType0"), "image/png"));
    cr_expect(eq(str, (char *)box_heard_field(1, "MediaUrl1"), "https://x.example/2"));
    cr_expect(eq(str, (char *)box_heard_field(1, "Latitude"), "1.5"));
    cr_expect(eq(str, (char *)box_heard_field(1, "ButtonText"), "Yes"));
    cr_expect(eq(str, (char *)box_heard_field(1, "FromCity"), "Bern"));
    cr_expect(strncmp(box_heard_field(1, "MessageSid"), "MM", 2) == 0);
    cr_expect(box_heard_signed(1, BOX_TOKEN));
}

/* ---- faults, rates ---- */

Test(sandbox_twilio, callbacks_go_wrong_in_several_ways_at_once)
{
    box_control_ask("POST", "faults", "{\"endpoint\":\"callbacks\",\"kind\":\"twice\"}");
    box_control_ask("POST", "faults", "{\"endpoint\":\"callbacks\",\"kind\":\"late\",\"ms\":60}");
    box_control_ask("POST", "faults", "{\"endpoint\":\"callbacks\",\"kind\":\"shuffle\"}");
    box_control_ask("POST", "faults", "{\"endpoint\":\"callbacks\",\"kind\":\"read\"}");
    cr_assert(eq(int, post_told(BOX_SID, BOX_TOKEN, TO "&From=%2B15550100000&Body=Hi"), 201));
    cr_expect(eq(str, (char *)box_heard_field(1, "MessageStatus"), "read"));
    cr_expect(eq(str, (char *)box_heard_field(1, "EventType"), "READ"));
    box_heard(6);
    cr_expect(eq(str, (char *)box_heard_field(6, "MessageStatus"), "sent"));
}

Test(sandbox_twilio, rates_are_kept_for_each_sender)
{
    cr_assert(eq(int, post(TO "&From=%2B15550100000&Body=1"), 201));
    usleep(30000);
    cr_assert(eq(int, post(TO "&From=%2B15550100000&Body=2"), 201));
    usleep(10000);
    cr_assert(eq(int, post(TO "&From=%2B15550100000&Body=3"), 201));
    cr_assert(eq(int, post(TO "&From=%2B15550100001&Body=1"), 201));
    cr_expect(eq(int, box_control_ask("GET", "rates", NULL), 200));
    cr_expect(eq(sz, box_size("rates"), 2));
    cr_expect(eq(int, box_control_ask("GET", "rates?from=%2B15550100000", NULL), 200));
    cr_expect(eq(int, box_number("rates.0.n"), 3));
    cr_expect(eq(int, box_number("rates.0.segments"), 3));
    cr_expect(ge(int, box_number("rates.0.shortest_us"), 10000));
    cr_expect(ge(int, box_number("rates.0.last_us") - box_number("rates.0.first_us"), 40000));
}

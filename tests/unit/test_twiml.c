/* test_twiml.c - what Twilio is told to do with a call. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/twiml.h"

#define CLIENT  "0193d9a4-7b1c-7000-8000-000000000001"
#define MESSAGE "0193d9a4-7b1c-7000-8000-000000000002"
#define HEAD    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>"

Test(twiml, an_alert_is_said_twice_and_waits_for_a_key)
{
    AUTO(buf_free) struct buf url = {0}, out = {0};
    const char *gather =
        "<Gather numDigits=\"1\" timeout=\"10\" action=\"https://a.example/api/v1/webhooks/twilio/voice"
        "?client_id=" CLIENT "&amp;message_id=" MESSAGE "\" method=\"POST\">"
        "<Say>Ada &amp; Bob want &lt;a boiler&gt;. Press 1 to be connected to the lead now.</Say>"
        "</Gather>";
    char expected[2048];

    twiml_voice_url(&url, "https://a.example", CLIENT, MESSAGE);
    cr_expect_str_eq(url.data,
                     "https://a.example/api/v1/webhooks/twilio/voice?client_id=" CLIENT "&message_id=" MESSAGE);
    twiml_alert(&out, url.data, NULL, "Ada & Bob want <a boiler>");
    snprintf(expected, sizeof expected, HEAD "%s%s<Say>Goodbye.</Say></Response>", gather, gather);
    cr_expect_str_eq(out.data, expected);
}

Test(twiml, an_alert_is_said_in_the_language_of_its_text)
{
    static const struct {
        const char *language, *say, *press, *goodbye;
    } cases[] = {
        {"es", "<Say language=\"es-MX\" voice=\"Polly.Mia\">", "Pulse 1", "Adiós."},
        {"es-419", "<Say language=\"es-MX\" voice=\"Polly.Mia\">", "Pulse 1", "Adiós."},
        {"ar", "<Say language=\"arb\" voice=\"Polly.Zeina\">", "اضغط 1", "مع السلامة."},
        {"en-GB", "<Say>", "Press 1", "Goodbye."},
        {"fr", "<Say>", "Press 1", "Goodbye."},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(buf_free) struct buf out = {0}, end = {0}, all = {0};
        char goodbye[300];

        twiml_alert(&out, "u", cases[i].language, "Ada & Bob.");
        snprintf(goodbye, sizeof goodbye, "%s%s</Say>", cases[i].say, cases[i].goodbye);
        cr_expect(strstr(out.data, cases[i].say) && strstr(out.data, cases[i].press) && strstr(out.data, goodbye), "%s",
                  out.data);
        twiml_goodbye(&end, cases[i].language);
        cr_expect_not_null(strstr(end.data, goodbye), "%s", end.data);
        twiml_say(&all, cases[i].language, "Ada & Bob.");
        cr_expect(strstr(all.data, cases[i].say) && strstr(all.data, "Ada &amp; Bob.</Say></Response>"), "%s",
                  all.data);
    }
}

Test(twiml, one_is_put_through_to_the_lead)
{
    AUTO(buf_free) struct buf out = {0};

    twiml_dial(&out, "+15550100000", "+15557654321");
    cr_expect_str_eq(out.data, HEAD "<Dial callerId=\"+15550100000\"><Number>+15557654321</Number></Dial></Response>");
}

Test(twiml, what_xml_cannot_hold_is_left_out_and_the_rest_is_escaped)
{
    AUTO(buf_free) struct buf out = {0};

    xml_text(&out, "\"a\"\x01\x1f'b'\n\tc\x7f ]]> \xEF\xBF\xBE\xEF\xBF\xBF\xEF\xBF\xBD é\xEF");
    cr_expect_str_eq(out.data, "&quot;a&quot;&apos;b&apos;  c ]]&gt; \xEF\xBF\xBD é\xEF");
}

Test(twiml, no_text_is_no_text)
{
    AUTO(buf_free) struct buf out = {0};

    xml_text(&out, "");
    cr_expect_eq(out.len, 0);
    twiml_goodbye(&out, NULL);
    cr_expect_str_eq(out.data, HEAD "<Say>Goodbye.</Say><Hangup/></Response>");
}

/* test_sandbox_checks.c - what the sandbox's providers accept and refuse; its own replies and vectors. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "tools/sandbox/anthropic_check.h"
#include "tools/sandbox/anthropic_script.h"
#include "tools/sandbox/embed.h"
#include "tools/sandbox/twilio_check.h"
#include "tools/sandbox/webhooks.h"

TestSuite(sandbox_checks, .timeout = 20);

/* ---- Twilio ---- */

/* The code with which a form is refused, 0: it is fine. */
static int twilio_code(const char *text)
{
    struct arena *arena = arena_new(1 << 20);
    struct twilio_refusal refusal = {0};
    struct form form;
    bool fine;

    cr_assert(zero(int, form_parse(text, strlen(text), arena, &form, NULL)));
    fine = twilio_check_message(&form, &refusal);
    arena_destroy(&arena);
    return fine ? 0 : refusal.code;
}

#define TO   "To=%2B15557654321"
#define FROM "&From=%2B15550100000"
#define BODY "&Body=Hi"

Test(sandbox_checks, twilio_refuses_with_its_own_codes)
{
    static const struct {
        const char *form;
        int code;
    } cases[] = {
        {TO FROM BODY, 0},
        {FROM BODY, 21604},
        {"To=" FROM BODY, 21604},
        {"To=5557654321" FROM BODY, 21211},
        {"To=%2B0157654321" FROM BODY, 21211},
        {TO BODY, 21603},
        {TO "&From=nonsense%21" BODY, 21212},
        {TO FROM, 21602},
        {TO FROM "&Body=", 21602},
        {TO FROM "&MediaUrl=https%3A%2F%2Fx.example%2Fa.png", 0},
        {TO "&MessagingServiceSid=MG00000000000000000000000000000000" BODY, 0},
        {TO "&MessagingServiceSid=MG0" BODY, 20001},
        {TO FROM BODY "&StatusCallback=https%3A%2F%2Fx.example%2Fcb%3Fm%3D1%23rc%3D3", 0},
        {TO FROM BODY "&StatusCallback=x.example%2Fcb", 21609},
        {TO FROM BODY "&StatusCallback=https%3A%2F%2Fx_y.example%2Fcb", 21609},
        {TO FROM BODY "&StatusCallback=https%3A%2F%2Fx.example%2Fc%20b", 21609},
        {"To=whatsapp:%2B15557654321&From=whatsapp:%2B15550100000" BODY, 0},
        {"To=whatsapp:%2B15557654321" FROM BODY, 63007},
        {TO FROM "&ContentSid=HX0", 21655},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(twilio_code(cases[i].form) == cases[i].code, "%s gives %d", cases[i].form,
                  twilio_code(cases[i].form));
}

Test(sandbox_checks, a_text_has_at_most_1600_characters_not_bytes)
{
    static char form[8192];
    int n = snprintf(form, sizeof form, "%s", TO FROM "&Body=");

    for (int i = 0; i < 1600; i++)
        memcpy(form + n + 2 * i, "\xC3\xA9", 3);
    cr_expect(eq(int, twilio_code(form), 0));
    memcpy(form + n + 3200, "x", 2);
    cr_expect(eq(int, twilio_code(form), 21617));
}

Test(sandbox_checks, dates_of_filters_cover_a_day_or_a_second)
{
    int64_t from_s = 0, until_s = 0;

    cr_expect(twilio_check_date("2026-11-22", &from_s, &until_s));
    cr_expect(eq(i64, from_s, 1795305600));
    cr_expect(eq(i64, until_s, from_s + 86400));
    cr_expect(twilio_check_date("2026-11-22T10:00:01Z", &from_s, &until_s));
    cr_expect(eq(i64, from_s, 1795341601));
    cr_expect(eq(i64, until_s, from_s + 1));
    cr_expect(not(twilio_check_date("22.11.2026", &from_s, &until_s)));
    cr_expect(not(twilio_check_date("2026-11-22T10:00:01", &from_s, &until_s)));
    cr_expect(not(twilio_check_date("2026-1-2", &from_s, &until_s)));
}

Test(sandbox_checks, signatures_are_those_of_twilios_own_libraries)
{
    struct form_field fields[] = {{"To", "+18005551212"},
                                  {"Digits", "1234"},
                                  {"From", "+14158675309"},
                                  {"Caller", "+14158675309"},
                                  {"CallSid", "CA1234567890ABCDE"}};
    char signature[29];

    cr_expect(webhook_sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", fields, 5, signature));
    cr_expect(eq(str, signature, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
}

/* ---- Anthropic ---- */

#define HEAD "{\"model\":\"claude-sonnet-4-6\",\"max_tokens\":100,"
#define ASK  "{\"role\":\"user\",\"content\":\"Hello\"}"
#define USE(id) \
    "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"t\",\"input\":{}}]}"
#define RESULT(id) "{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\",\"content\":\"ok\"}"
#define TOOL(name) "{\"name\":\"" name "\",\"input_schema\":{\"type\":\"object\"}}"

static int check(const char *text, struct err *err)
{
    json_t *request = json_loads(text, 0, NULL);
    int rc;

    cr_assert(request != NULL, "%s", text);
    rc = anthropic_check(request, err);
    json_decref(request);
    return rc;
}

Test(sandbox_checks, anthropic_takes_what_is_right)
{
    static const char *const requests[] = {
        HEAD "\"messages\":[" ASK "]}",
        HEAD "\"messages\":[" ASK "," ASK "],\"system\":\"Be brief.\",\"temperature\":0.5,\"stop_sequences\":[\"x\"]}",
        HEAD "\"messages\":[" ASK "],\"system\":[{\"type\":\"text\",\"text\":\"x\",\"cache_control\":{\"type\":"
             "\"ephemeral\",\"ttl\":\"1h\"}}],\"tools\":[" TOOL("a") "," TOOL(
                 "b") "],\"tool_choice\":{\"type\":\"tool\",\"name\":\"b\"}}",
        HEAD
        "\"messages\":[" ASK
        "," USE("u1") ",{\"role\":\"user\",\"content\":[" RESULT("u1") ",{\"type\":\"text\",\"text\":\"and more\"}]}]}",
        HEAD "\"messages\":[" ASK "," USE("u1") "," USE("u2") ",{\"role\":\"user\",\"content\":[" RESULT(
            "u2") "," RESULT("u1") "]}," USE("u3") ",{\"role\":\"user\",\"content\":[" RESULT("u3") "]}]}",
        HEAD "\"messages\":[" ASK ",{\"role\":\"assistant\",\"content\":\"\"}]}",
    };
    struct err err = {0};

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        cr_expect(check(requests[i], &err) == 0, "%zu: %s", i, err.text);
}

Test(sandbox_checks, anthropic_refuses_what_is_wrong)
{
    static const struct {
        const char *request, *says;
    } cases[] = {
        {"[]", "dictionary"},
        {"{\"max_tokens\":1,\"messages\":[" ASK "]}", "model"},
        {"{\"model\":\"gpt\",\"max_tokens\":1,\"messages\":[" ASK "]}", "model: gpt"},
        {"{\"model\":\"claude-x\",\"messages\":[" ASK "]}", "max_tokens: Field required"},
        {"{\"model\":\"claude-x\",\"max_tokens\":\"9\",\"messages\":[" ASK "]}", "max_tokens"},
        {HEAD "\"messages\":[" ASK "],\"maxtokens\":1}", "maxtokens: Extra inputs"},
        {HEAD "\"messages\":[" ASK "],\"temperature\":1.5}", "temperature"},
        {HEAD "\"messages\":[" ASK "],\"stream\":true}", "stream"},
        {HEAD "\"messages\":[]}", "at least one message"},
        {HEAD "\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}", "role"},
        {HEAD "\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]}", "first message"},
        {HEAD "\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}", "non-empty"},
        {HEAD "\"messages\":[{\"role\":\"user\",\"content\":\"  \"}]}", "non-whitespace"},
        {HEAD "\"messages\":[{\"role\":\"user\",\"content\":[]}]}", "non-empty"},
        {HEAD "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\"}]}]}", "non-empty"},
        {HEAD "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"poem\"}]}]}", "poem"},
        {HEAD "\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"name\":\"y\"}]}", "messages.0.name"},
        {HEAD "\"messages\":[" ASK "," USE("u1") "]}", "without `tool_result`"},
        {HEAD "\"messages\":[" ASK "," USE("u1") "," ASK "]}", "without `tool_result`"},
        {HEAD "\"messages\":[" ASK "," USE("u1") ",{\"role\":\"user\",\"content\":[" RESULT("u2") "]}]}", "unexpected"},
        {HEAD "\"messages\":[{\"role\":\"user\",\"content\":[" RESULT("u1") "]}]}", "unexpected"},
        {HEAD "\"messages\":[" ASK
              "," USE("u1") ",{\"role\":\"user\",\"content\":[" RESULT("u1") "," RESULT("u1") "]}]}",
         "single result"},
        {HEAD "\"messages\":[" ASK
              "," USE("u1") ",{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}," RESULT("u1") "]}]}",
         "before all others"},
        {HEAD "\"messages\":[" ASK "," USE("u1") ",{\"role\":\"user\",\"content\":[" RESULT("u1") "]}," USE(
             "u1") ",{\"role\":\"user\",\"content\":[" RESULT("u1") "]}]}",
         "unique"},
        {HEAD "\"messages\":[" ASK "],\"tools\":[" TOOL("a b") "]}", "pattern"},
        {HEAD "\"messages\":[" ASK "],\"tools\":[" TOOL("a") "," TOOL("a") "]}", "unique"},
        {HEAD "\"messages\":[" ASK "],\"tools\":[{\"name\":\"a\",\"input_schema\":{\"type\":\"string\"}}]}", "object"},
        {HEAD "\"messages\":[" ASK "],\"tools\":[{\"name\":\"a\"}]}", "input_schema"},
        {HEAD "\"messages\":[" ASK "],\"tool_choice\":{\"type\":\"auto\"}}", "while providing tools"},
        {HEAD "\"messages\":[" ASK "],\"tools\":[" TOOL("a") "],\"tool_choice\":{\"type\":\"tool\",\"name\":\"b\"}}",
         "not found"},
        {HEAD "\"messages\":[" ASK "],\"system\":[{\"type\":\"text\"}]}", "system.0"},
    };
    struct err err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err = (struct err){0};
        cr_expect(check(cases[i].request, &err) == -1, "%zu: %s", i, cases[i].request);
        cr_expect(strstr(err.text, cases[i].says) != NULL, "%zu: %s", i, err.text);
    }
}

static json_t *script(const char *text)
{
    json_t *request = json_loads(text, 0, NULL), *content;

    cr_assert(request != NULL);
    content = anthropic_script(request);
    json_decref(request);
    return content;
}

#define QUALIFY                                                                                                       \
    "\"tools\":[{\"name\":\"record_qualification\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"score\":{" \
    "\"type\":\"string\",\"enum\":[\"HOT\",\"WARM\",\"COLD\"]},\"budget\":{\"type\":\"string\"},\"service\":{"        \
    "\"type\":"                                                                                                       \
    "\"string\"},\"note\":{\"type\":\"string\"}},\"required\":[\"score\"]}}]"

Test(sandbox_checks, a_leads_words_are_qualified_by_the_tools_own_schema)
{
    json_t *content = script(HEAD QUALIFY ",\"messages\":[{\"role\":\"user\",\"content\":\"I need a heater today, my "
                                          "budget is $2,000.\"}]}");
    json_t *block = json_array_get(content, 0), *input = json_object_get(block, "input");

    cr_expect(eq(str, (char *)json_string_value(json_object_get(block, "name")), "record_qualification"));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(input, "score")), "HOT"));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(input, "budget")), "$2000"));
    cr_expect(json_object_get(input, "service") != NULL);
    cr_expect(json_object_get(input, "note") == NULL, "nothing is known of it");
    json_decref(content);

    content = script(HEAD QUALIFY ",\"messages\":[" ASK "]}");
    input = json_object_get(json_array_get(content, 0), "input");
    cr_expect(eq(str, (char *)json_string_value(json_object_get(input, "score")), "COLD"));
    json_decref(content);
}

Test(sandbox_checks, only_the_leads_own_words_count)
{
    json_t *content = script(HEAD QUALIFY ",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                                          "\"<passage id=\\\"1\\\">Emergencies today cost $149.</passage>\"},{\"type\":"
                                          "\"text\",\"text\":\"<lead_message>Are you open?</lead_message>\"}]}]}");
    json_t *input = json_object_get(json_array_get(content, 0), "input");

    cr_expect(eq(str, (char *)json_string_value(json_object_get(input, "score")), "COLD"));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(input, "service")), "Are you open?"));
    json_decref(content);
}

Test(sandbox_checks, after_the_result_the_first_passage_is_quoted)
{
    json_t *content = script(HEAD QUALIFY ",\"system\":\"Use the <passage> blocks.\",\"messages\":[{\"role\":\"user\","
                                          "\"content\":\"<passages><passage id=\\\"1\\\">Q: Do you?\\nA: Yes, we "
                                          "do.</passage></passages> Do you?\"}," USE(
                                              "u1") ",{\"role\":\"user\",\"content\":[" RESULT("u1") "]}]}");

    cr_expect(eq(str, (char *)json_string_value(json_object_get(json_array_get(content, 0), "text")), "Yes, we do."));
    json_decref(content);
}

Test(sandbox_checks, without_a_passage_a_colleague_is_asked)
{
    json_t *content = script(HEAD "\"messages\":[" ASK "]}");

    cr_expect(strstr(json_string_value(json_object_get(json_array_get(content, 0), "text")), "colleague") != NULL);
    json_decref(content);
}

/* ---- OpenAI ---- */

static double likeness(const char *a, const char *b)
{
    static float x[1536], y[1536];
    double sum = 0;

    box_embed(a, x, 1536);
    box_embed(b, y, 1536);
    for (int i = 0; i < 1536; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

Test(sandbox_checks, like_texts_have_like_vectors_of_unit_length)
{
    const char *question = "Do you install water heaters?";

    cr_expect(likeness(question, question) > 0.999);
    cr_expect(likeness("", "") > 0.999);
    cr_expect(likeness(question, "Yes, we install gas and electric water heaters.") > 0.5);
    cr_expect(likeness(question, "We are open Monday to Friday.") < 0.2);
}

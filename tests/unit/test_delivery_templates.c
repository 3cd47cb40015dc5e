/* Templates: what may fill them, what they render to, how long an answer of Twilio's is kept. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "services/delivery/templates.h"
#include "services/delivery/twilio.h"
#include "tests/unit/fake_twilio.h"

#define CONTENT "HXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct fake_twilio fake;
static struct twilio *twilio;
static struct arena *arena;
static struct err err;
static const struct twilio_account account = {.key = "twilio", .sid = "AC1", .token = "t"};

static void open_all(void)
{
    cr_assert(http_global_init(&err) == 0);
    fake_twilio_start(&fake);
    arena = arena_new((size_t)4 << 20);
    twilio = twilio_new(fake.url, &err);
    cr_assert(arena && twilio);
}

static void close_all(void)
{
    templates_forget();
    twilio_destroy(&twilio);
    arena_destroy(&arena);
    fake_twilio_stop(&fake);
}

TestSuite(delivery_templates, .init = open_all, .fini = close_all, .timeout = 30);

static const struct twilio_template greeting = {.body = "Hi {{1}}, {{ day }} at {{1}}'s",
                                                .placeholders = "[\"1\",\"day\"]",
                                                .variables = "{\"1\":\"Ada\",\"day\":\"Monday\",\"old\":\"x\"}",
                                                .approval = "",
                                                .rejection = ""};

/* What the greeting renders to, or the code with which it is refused. */
static const char *filled(const char *variables)
{
    const char *body = NULL;

    err = (struct err){0};
    if (template_fill(&greeting, variables, arena, &body, &err) == 0)
        return body;
    cr_expect(eq(int, err.kind, ERR_INVALID));
    return arena_printf(arena, "%d", err.provider_code);
}
#define FILLED(variables) (char *)filled(variables)

Test(delivery_templates, placeholders_are_filled_once)
{
    cr_expect(eq(str, FILLED("{\"1\":\"Bo\",\"day\":\"Friday\"}"), "Hi Bo, Friday at Bo's"));
    cr_expect(eq(str, FILLED("{\"1\":\"{{day}}\",\"day\":\"Friday\"}"), "Hi {{day}}, Friday at {{day}}'s"));
    cr_expect(eq(str, FILLED("{\"1\":\"\xd9\x85\xd8\xb1\",\"day\":\"{{1}}\"}"),
                 "Hi \xd9\x85\xd8\xb1, {{1}} at \xd9\x85\xd8\xb1's"));
    cr_expect(eq(str, FILLED("{\"1\":\"Bo\",\"day\":\"Friday\",\"old\":\"y\"}"), "Hi Bo, Friday at Bo's"),
              "the template declares it");
}

Test(delivery_templates, a_placeholder_without_a_value_is_refused)
{
    cr_expect(eq(str, FILLED("{\"1\":\"Bo\"}"), "63028"));
    cr_expect(strstr(err.text, "no value for the placeholder day") != NULL, "%s", err.text);
    cr_expect(eq(str, FILLED("{}"), "63028"), "a sample is nobody's name");
    cr_expect(eq(str, FILLED(NULL), "63028"));
}

Test(delivery_templates, a_value_without_a_placeholder_is_refused)
{
    cr_expect(eq(str, FILLED("{\"1\":\"Bo\",\"day\":\"Friday\",\"2\":\"x\"}"), "63028"));
    cr_expect(strstr(err.text, "no placeholder 2") != NULL, "%s", err.text);
}

Test(delivery_templates, values_are_texts_that_twilio_takes)
{
    static const char *const wrong[] = {"[]",
                                        "\"x\"",
                                        "{",
                                        "",
                                        "{\"1\":1,\"day\":\"x\"}",
                                        "{\"1\":null,\"day\":\"x\"}",
                                        "{\"1\":\"\",\"day\":\"x\"}",
                                        "{\"1\":\"a\\nb\",\"day\":\"x\"}",
                                        "{\"1\":\"a\\tb\",\"day\":\"x\"}",
                                        "{\"1\":\"a\\u007fb\",\"day\":\"x\"}",
                                        "{\"1\":\"a     b\",\"day\":\"x\"}",
                                        "{\"1\":\"a\",\"1\":\"b\",\"day\":\"x\"}",
                                        "{\"1\":{},\"day\":\"x\"}"};

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_expect(eq(str, FILLED(wrong[i]), "21656"), "%s", wrong[i]);
    cr_expect(eq(str, FILLED("{\"1\":\"a    b\",\"day\":\"x\"}"), "Hi a    b, x at a    b's"), "four spaces");
}

Test(delivery_templates, lengths_are_bounded)
{
    char value[1700], variables[2000];

    memset(value, 'x', sizeof value);
    value[1601] = '\0';
    snprintf(variables, sizeof variables, "{\"1\":\"a\",\"day\":\"%s\"}", value);
    cr_expect(eq(str, FILLED(variables), "21656"));
    value[1600] = '\0';
    snprintf(variables, sizeof variables, "{\"1\":\"a\",\"day\":\"%s\"}", value);
    cr_expect(eq(str, FILLED(variables), "21617"));
}

/* ---- asked for at Twilio ---- */

#define TEXT_TEMPLATE                                                                              \
    "{\"sid\":\"" CONTENT "\",\"variables\":{\"1\":\"Ada\"},\"types\":{\"twilio/text\":{\"body\":" \
    "\"Hi {{1}}\"}}}"
#define APPROVAL(status)                                                                                           \
    "{\"sid\":\"" CONTENT "\",\"whatsapp\":{\"type\":\"whatsapp\",\"status\":\"" status "\",\"rejection_reason\":" \
    "\"INVALID_FORMAT\"}}"
#define NOT_FOUND "{\"code\":20404,\"message\":\"The requested resource was not found\",\"status\":404}"

static int render(const char **ret_body)
{
    err = (struct err){0};
    return template_render(twilio, &account, CONTENT, "{\"1\":\"Bo\"}", arena, ret_body, &err);
}

Test(delivery_templates, an_answer_is_kept)
{
    const char *body = NULL;

    fake_twilio_answer(&fake, 200, "%s", TEXT_TEMPLATE);
    fake_twilio_answer(&fake, 200, "%s", APPROVAL("approved"));
    cr_assert(eq(int, render(&body), 0), "%s", err.text);
    cr_expect(eq(str, (char *)body, "Hi Bo"));
    cr_expect(strstr(fake.last, "GET /v1/Content/" CONTENT "/ApprovalRequests ") != NULL);
    cr_expect(eq(int, render(&body), 0));
    cr_expect(eq(int, fake.n_gets, 2));
}

Test(delivery_templates, one_that_was_never_handed_in_may_be_sent)
{
    const char *body = NULL;

    fake_twilio_answer(&fake, 200, "%s", TEXT_TEMPLATE);
    fake_twilio_answer(&fake, 404, "%s", NOT_FOUND);
    cr_expect(eq(int, render(&body), 0), "%s", err.text);
}

Test(delivery_templates, one_that_is_not_there_is_final_and_not_asked_for_again_soon)
{
    const char *body = NULL;

    fake_twilio_answer(&fake, 404, "%s", NOT_FOUND);
    for (int i = 0; i < 2; i++) {
        cr_expect(eq(int, render(&body), -1));
        cr_expect(eq(int, err.kind, ERR_INVALID));
        cr_expect(eq(int, err.provider_code, 20404));
    }
    cr_expect(eq(int, fake.n_gets, 1));
}

Test(delivery_templates, rejected_and_paused_ones_are_not_sent)
{
    const char *body = NULL;

    fake_twilio_answer(&fake, 200, "%s", TEXT_TEMPLATE);
    fake_twilio_answer(&fake, 200, "%s", APPROVAL("rejected"));
    cr_expect(eq(int, render(&body), -1));
    cr_expect(eq(int, err.provider_code, 63040));
    cr_expect(eq(int, err.kind, ERR_INVALID));
    cr_expect(strstr(err.text, "INVALID_FORMAT") != NULL);
    templates_forget();
    fake_twilio_answer(&fake, 200, "%s", TEXT_TEMPLATE);
    fake_twilio_answer(&fake, 200, "%s", APPROVAL("paused"));
    cr_expect(eq(int, render(&body), -1));
    cr_expect(eq(int, err.provider_code, 63041));
}

Test(delivery_templates, what_twilio_does_not_say_is_asked_again)
{
    const char *body = NULL;

    fake_twilio_answer(&fake, 503, "{}");
    cr_expect(eq(int, render(&body), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    fake_twilio_answer(&fake, 429, "{}");
    cr_expect(eq(int, render(&body), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    cr_expect(eq(int, err.retry_after_s, 3));
    fake_twilio_answer(&fake, 401, "{}");
    cr_expect(eq(int, render(&body), -1));
    cr_expect(eq(int, err.kind, ERR_DENIED));
    cr_expect(eq(int, err.provider_code, 20003));
    fake_twilio_answer(&fake, 200, "{}");
    cr_expect(eq(int, render(&body), -1));
    cr_expect(eq(int, err.kind, ERR_UNAVAILABLE));
    fake_twilio_answer(&fake, 200, "%s", TEXT_TEMPLATE);
    fake_twilio_answer(&fake, 200, "%s", APPROVAL("approved"));
    cr_expect(eq(int, render(&body), 0), "%s", err.text);
}

Test(delivery_templates, placeholders_are_read_from_all_parts)
{
    struct twilio_template template;

    fake_twilio_answer(&fake, 200,
                       "{\"variables\":{\"1\":\"a\"},\"types\":{\"twilio/text\":{\"body\":\"plain {{1}}\"},"
                       "\"whatsapp/card\":{\"body\":\"Hi {{ name }} {{1}} {{name}} {{}} {{\",\"actions\":["
                       "{\"type\":\"URL\",\"url\":\"https://x/{{2}}\"}]}}}");
    fake_twilio_answer(&fake, 404, "%s", NOT_FOUND);
    cr_assert(eq(int, twilio_template(twilio, &account, CONTENT, arena, &template, &err), 0), "%s", err.text);
    cr_expect(eq(str, (char *)template.body, "Hi {{ name }} {{1}} {{name}} {{}} {{"));
    cr_expect(eq(str, (char *)template.placeholders, "[\"1\",\"name\",\"2\"]"));
    cr_expect(eq(str, (char *)template.approval, ""));
}

Test(delivery_templates, an_id_that_is_none_is_not_asked_for)
{
    const char *body = NULL;

    cr_expect(eq(int, template_render(twilio, &account, "HX/../x", "{}", arena, &body, &err), -1));
    cr_expect(eq(int, err.provider_code, 21655));
    cr_expect(eq(int, fake.n_gets, 0));
}

Test(delivery_templates, more_are_asked_for_than_are_kept)
{
    const char *body = NULL;
    char sid[40];

    for (int i = 0; i < 300; i++) {
        snprintf(sid, sizeof sid, "HX%032d", i);
        fake.n_answers = fake.next = 0;
        fake_twilio_answer(&fake, 404, "%s", NOT_FOUND);
        cr_assert(eq(int, template_render(twilio, &account, sid, "{}", arena, &body, &err), -1));
    }
    cr_expect(eq(int, fake.n_gets, 300));
    cr_expect(eq(int, template_render(twilio, &account, sid, "{}", arena, &body, &err), -1));
    cr_expect(eq(int, fake.n_gets, 300), "the last one is kept");
}

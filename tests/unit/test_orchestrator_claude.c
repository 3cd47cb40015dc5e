/* The Claude agent against a server that plays Anthropic. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/httpd.h"
#include "services/orchestrator/claude/agent_claude.h"
#include "services/orchestrator/claude/claude_live.h"
#include "services/orchestrator/claude/outage.h"
#include "services/orchestrator/turn/decision.h"

/* What the server answers, in turn; the last one again and again. */
static struct script {
    int status;
    const char *body;
    const char *header;
} script[16];
static atomic_int calls, slow_ms;
static char bodies[16][32768];

static struct httpd *server;
static struct http *http;
static struct arena *arena;
static struct err err;
static struct claude_live live;
static struct claude claude;
static struct decision_lead lead = {.score = "COLD"};
static struct decision_message question = {.seq = 1, .author = "lead", .body = "Are you open today?", .created_at = 1};
static struct decision_input in;
static struct decision_output out;
static int searches;

static void play(void *arg, struct exchange *x)
{
    int n = atomic_fetch_add(&calls, 1);
    int step = n;
    const char *headers[] = {NULL, NULL};

    (void)arg;
    while (step > 0 && !script[step].body)
        step--;
    if (n < 16)
        snprintf(bodies[n], sizeof bodies[n], "%s", exchange_body(x));
    headers[0] = script[step].header;
    nanosleep(&(struct timespec){.tv_sec = slow_ms / 1000, .tv_nsec = slow_ms % 1000 * 1000000}, NULL);
    exchange_reply(x, script[step].status, "application/json", script[step].body, strlen(script[step].body),
                   headers[0] ? headers : NULL);
}

static int found_nothing(void *arg, const char *query, struct arena *a, const struct passage **ret, size_t *n,
                         struct err *e)
{
    (void)arg, (void)query, (void)a, (void)e;
    searches++;
    *ret = NULL;
    *n = 0;
    return 0;
}

static void set_up(void)
{
    static char url[64];

    memset(script, 0, sizeof script);
    atomic_store(&calls, 0);
    searches = 0;
    arena = arena_new(8 << 20);
    cr_assert_eq(http_global_init(&err), 0);
    server = httpd_new(&(struct httpd_options){.bind_address = "127.0.0.1",
                                               .threads = 1,
                                               .max_body = 1 << 20,
                                               .max_connections = 16,
                                               .handler = play},
                       &err);
    http = http_new(&err);
    cr_assert(arena && server && http, "%s", err.text);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", httpd_port(server));
    in = (struct decision_input){.now = 1,
                                 .local_time = "Monday",
                                 .client_name = "Acme",
                                 .timezone = "UTC",
                                 .config = "{}",
                                 .config_version = 1,
                                 .state = "open",
                                 .lead = &lead,
                                 .unanswered = &question,
                                 .n_unanswered = 1};
    live = (struct claude_live){.api = {.base_url = url, .api_key = "sk-test", .http = http},
                                .deadline_ms = clock_mono_ms() + 3000};
    claude = (struct claude){.api = {.call = claude_live_call, .arg = &live},
                             .model = "claude-sonnet-5-5",
                             .search = {.search = found_nothing},
                             .arena = arena,
                             .in = &in};
    out = decision_start(&in, "claude");
    cr_assert_eq(claude_start(&claude, &err), 0);
}

static void tear_down(void)
{
    claude_destroy(&claude);
    http_destroy(&http);
    httpd_destroy(&server);
    arena_destroy(&arena);
}

/* The script begins anew. */
static void set_answers(void)
{
    memset(script, 0, sizeof script);
    atomic_store(&calls, 0);
}

static void claude_live_until(int64_t ms)
{
    live.deadline_ms = clock_mono_ms() + ms;
}

#define TEXT(text) "{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}],\"stop_reason\":\"end_turn\"}"
#define OVERLOADED "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}"

TestSuite(claude, .init = set_up, .fini = tear_down, .timeout = 30);

Test(claude, parallel_tools_are_all_answered_and_wrong_input_is_told_to_the_model)
{
    json_auto_t *sent = NULL;
    json_t *results;

    script[0] = (struct script){
        200,
        "{\"content\":[{\"type\":\"text\",\"text\":\"\"},"
        "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"record_qualification\",\"input\":{\"score\":\"HOT\",\"reason\":"
        "\"urgent\",\"urgency\":{\"value\":\"high\",\"quote\":\"today\"}}},"
        "{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"record_qualification\",\"input\":{\"score\":5}},"
        "{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"search_knowledge\",\"input\":{\"query\":\"hours\"}},"
        "{\"type\":\"tool_use\",\"id\":\"d\",\"name\":\"drop_tables\",\"input\":{}},"
        "{\"type\":\"tool_use\",\"id\":\"e\",\"name\":\"escalate_to_human\",\"input\":{\"reason\":\"asks\"}}],"
        "\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}",
        NULL};
    script[1] = (struct script){200, TEXT("A colleague will tell you."), NULL};
    cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s", err.text);
    cr_expect_str_eq(out.reply, "A colleague will tell you.");
    cr_expect_str_eq(out.score, "HOT");
    cr_expect_str_eq(out.urgency, "high");
    cr_expect(out.escalate);
    cr_expect_eq(searches, 1);
    cr_expect_eq(claude.input_tokens, 7);

    sent = json_loads(bodies[1], 0, NULL);
    results = json_object_get(json_array_get(json_object_get(sent, "messages"), 2), "content");
    cr_assert_eq(json_array_size(results), 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(json_is_true(json_object_get(json_array_get(results, i), "is_error")), i == 1 || i == 3);
    /* The empty text did not go back. */
    cr_expect_eq(json_array_size(json_object_get(json_array_get(json_object_get(sent, "messages"), 1), "content")), 5);
}

Test(claude, after_five_rounds_it_has_to_answer)
{
    script[0] = (struct script){200,
                                "{\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"search_knowledge\","
                                "\"input\":{\"query\":\"x\"}}],\"stop_reason\":\"tool_use\"}",
                                NULL};
    cr_expect_eq(claude_answer(&claude, &out, &err), -1);
    cr_expect_eq(atomic_load(&calls), 5);
    cr_expect(strstr(bodies[4], "\"tool_choice\":{\"type\":\"none\"}"));
    cr_expect_not(strstr(bodies[3], "tool_choice"));
}

Test(claude, an_overload_is_tried_again_and_the_answer_used)
{
    script[0] = (struct script){529, OVERLOADED, NULL};
    script[1] = (struct script){500, "not even JSON", NULL};
    script[2] =
        (struct script){200, "{\"content\":[{\"type\":\"tool_use\",\"id\":7}],\"stop_reason\":\"tool_use\"}", NULL};
    script[3] = (struct script){200, TEXT("Yes."), NULL};
    live.deadline_ms = clock_mono_ms() + 20000;
    cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s", err.text);
    cr_expect_str_eq(out.reply, "Yes.");
    cr_expect_eq(json_array_size(claude.answers), 4);
}

Test(claude, a_wait_past_the_patience_is_not_waited)
{
    script[0] = (struct script){429, OVERLOADED, "retry-after: 60"};
    cr_expect_eq(claude_answer(&claude, &out, &err), -1);
    cr_expect_eq(atomic_load(&calls), 1);
    cr_expect_eq(err.provider_code, 429);
    cr_expect_eq(err.retry_after_s, 60);
}

Test(claude, a_refused_key_or_request_is_not_tried_again)
{
    static const int statuses[] = {400, 401, 403, 404, 413};

    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        atomic_store(&calls, 0);
        script[0] = (struct script){statuses[i], OVERLOADED, NULL};
        cr_expect_eq(claude_answer(&claude, &out, &err), -1);
        cr_expect_eq(atomic_load(&calls), 1);
        cr_expect_eq(err.provider_code, statuses[i]);
        cr_expect_neq(err.kind, ERR_UNAVAILABLE);
    }
}

#define USE(id, name, input) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":" input "}"
#define USES(blocks)         "{\"content\":[" blocks "],\"stop_reason\":\"tool_use\"}"

/* The nth block of the last message of a request. */
static const json_t *last_block(const json_t *request, size_t n)
{
    const json_t *messages = json_object_get(request, "messages");

    return json_array_get(json_object_get(json_array_get(messages, json_array_size(messages) - 1), "content"), n);
}

Test(claude, a_call_without_an_input_is_told_to_the_model)
{
    static const char *const inputs[] = {"null",         "5", "[]", "\"text\"", "{\"query\":7}", "{\"query\":\"\"}",
                                         "{\"q\":\"x\"}"};
    char body[300];

    for (size_t i = 0; i <= COUNT_OF(inputs); i++) {
        json_auto_t *sent = NULL;

        set_answers();
        if (i < COUNT_OF(inputs))
            snprintf(body, sizeof body, USES(USE("a%zu", "search_knowledge", "%s")), i, inputs[i]);
        else
            snprintf(body, sizeof body,
                     "{\"content\":[{\"type\":\"tool_use\",\"id\":\"z\",\"name\":\"search_knowledge\"}],"
                     "\"stop_reason\":\"tool_use\"}");
        script[0] = (struct script){200, body, NULL};
        script[1] = (struct script){200, TEXT("Yes."), NULL};
        cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s: %s", body, err.text);
        sent = json_loads(bodies[1], 0, NULL);
        cr_expect(json_is_true(json_object_get(last_block(sent, 0), "is_error")), "%s", bodies[1]);
        cr_expect_eq(searches, 0);
    }
}

/* What is told of the input is cut, but not within a character. */
Test(claude, a_property_with_a_long_name_in_any_script_is_told_to_the_model)
{
    script[0] =
        (struct script){200,
                        "{\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"escalate_to_human\",\"input\":{"
                        "\"ملاحظات_إضافية_من_العميل_حول_الموعد\":1}}],\"stop_reason\":\"tool_use\"}",
                        NULL};
    script[1] = (struct script){200, TEXT("Yes."), NULL};
    cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s", err.text);
    cr_expect_str_eq(out.reply, "Yes.");
    cr_expect(strstr(bodies[1], "this tool has no property مل"), "%s", bodies[1]);
}

/* A turn that had hardly any time is no sign that the model is away: it is another client's patience. */
Test(claude, a_short_patience_makes_no_outage_for_others)
{
    AUTO(outage_destroy) struct outage *outage = outage_new(&err);
    json_auto_t *message = NULL;

    live.outage = outage;
    for (int i = 0; i < 10; i++) {
        AUTO(arena_destroy) struct arena *own = arena_new(1 << 20);
        json_auto_t *tries = json_array();
        struct claude_live hasty = live;

        hasty.deadline_ms = clock_mono_ms() - 1;
        cr_expect_lt(claude_live_call(&hasty, "{}", 2, own, tries, &message, &err), 0);
    }
    cr_expect(outage_may_ask(outage, clock_mono_ms()));
    cr_expect(outage_may_ask(outage, clock_mono_ms()));

    atomic_store(&slow_ms, 1500);
    script[0] = (struct script){200, TEXT("Yes."), NULL};
    for (int i = 0; i < 6; i++) {
        AUTO(arena_destroy) struct arena *own = arena_new(1 << 20);
        json_auto_t *tries = json_array();
        struct claude_live hasty = live;

        hasty.deadline_ms = clock_mono_ms() + 600;
        cr_expect_lt(claude_live_call(&hasty, "{}", 2, own, tries, &message, &err), 0);
    }
    cr_expect(outage_may_ask(outage, clock_mono_ms()));
    cr_expect(outage_may_ask(outage, clock_mono_ms()));
}

Test(claude, a_huge_input_is_refused_and_does_not_grow_the_history)
{
    static char body[300000];
    size_t len = (size_t)snprintf(body, sizeof body,
                                  "{\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":"
                                  "\"search_knowledge\",\"input\":{\"query\":\"");

    memset(body + len, 'x', 200000);
    strcpy(body + len + 200000, "\"}}],\"stop_reason\":\"tool_use\"}");
    script[0] = (struct script){200, body, NULL};
    script[1] = (struct script){200, TEXT("Yes."), NULL};
    cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s", err.text);
    cr_expect_eq(searches, 0);
    cr_expect_null(claude_exchange(&claude));
}

/* What is kept of it is read again, a few levels deeper than it came: by later turns, and by who asks why. */
Test(claude, an_input_that_is_nested_deeply_is_refused_and_the_history_stays_readable)
{
    static const int depths[] = {10, 2044};
    static char body[8192];

    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        json_auto_t *sent = NULL, *kept = NULL;
        size_t len = (size_t)snprintf(body, sizeof body,
                                      "{\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":"
                                      "\"search_knowledge\",\"input\":{\"query\":");

        set_answers();
        memset(body + len, '[', (size_t)depths[i] - 1);
        memset(body + len + depths[i] - 1, ']', (size_t)depths[i] - 1);
        strcpy(body + len + 2 * (depths[i] - 1), "}}],\"stop_reason\":\"tool_use\"}");
        script[0] = (struct script){200, body, NULL};
        script[1] = (struct script){200, TEXT("Yes."), NULL};
        cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%d: %s", depths[i], err.text);
        cr_assert_not_null(sent = json_loads(bodies[1], 0, NULL));
        cr_expect(json_is_true(json_object_get(last_block(sent, 0), "is_error")));
        cr_assert_not_null(kept = json_loads(claude_exchange(&claude), 0, NULL), "%d", depths[i]);
        cr_expect_null(strstr(claude_exchange(&claude), "[[["));
        cr_expect_eq(searches, 0);
    }
}

Test(claude, a_pause_goes_on_and_its_words_belong_together)
{
    script[0] =
        (struct script){200, "{\"content\":[{\"type\":\"text\",\"text\":\"We are \"}],\"stop_reason\":\"pause_turn\"}",
                        NULL};
    script[1] = (struct script){200, TEXT("open."), NULL};
    cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s", err.text);
    cr_expect_str_eq(out.reply, "We are open.");
    cr_expect(strstr(bodies[1], "\"role\":\"assistant\""));
}

Test(claude, a_stop_sequence_ends_an_answer)
{
    script[0] =
        (struct script){200, "{\"content\":[{\"type\":\"text\",\"text\":\"Yes.\"}],\"stop_reason\":\"stop_sequence\"}",
                        NULL};
    cr_assert_eq(claude_answer(&claude, &out, &err), 0);
    cr_expect_str_eq(out.reply, "Yes.");
}

Test(claude, thinking_goes_back_as_it_came)
{
    script[0] = (struct script){200,
                                USES("{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s1\"}," USE(
                                    "a", "search_knowledge", "{\"query\":\"x\"}")),
                                NULL};
    script[1] = (struct script){200, TEXT("Yes."), NULL};
    cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s", err.text);
    cr_expect(strstr(bodies[1], "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s1\"}"), "%s", bodies[1]);
}

Test(claude, an_overload_waits_as_long_as_it_is_told)
{
    static const struct {
        int status;
        const char *header;
        int64_t least_ms, most_ms;
    } waits[] = {{429, "Retry-After: 1", 1000, 3000},
                 {529, "retry-after-ms: 700", 700, 3000},
                 {503, NULL, 400, 2500},
                 {408, NULL, 400, 2500}};

    claude_live_until(20000);
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        int64_t start = clock_mono_ms(), took;

        set_answers();
        script[0] = (struct script){waits[i].status, OVERLOADED, waits[i].header};
        script[1] = (struct script){200, TEXT("Yes."), NULL};
        cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s", err.text);
        took = clock_mono_ms() - start;
        cr_expect_geq(took, waits[i].least_ms, "%d: %lld ms", waits[i].status, (long long)took);
        cr_expect_leq(took, waits[i].most_ms, "%d: %lld ms", waits[i].status, (long long)took);
    }
}

Test(claude, nobody_who_listens_is_tried_until_the_patience_ends)
{
    int64_t start = clock_mono_ms();

    httpd_destroy(&server);
    cr_expect_eq(claude_answer(&claude, &out, &err), -1);
    cr_expect_eq(err.kind, ERR_UNAVAILABLE);
    cr_expect_gt(json_array_size(claude.answers), 1);
    cr_expect_leq(clock_mono_ms() - start, 3500);
}

/* ---- what the lead's words prove ---- */

static void answer_with(const char *input)
{
    static char body[2000];

    set_answers();
    snprintf(body, sizeof body,
             "{\"content\":[{\"type\":\"tool_use\",\"id\":\"q\",\"name\":\"record_qualification\","
             "\"input\":%s}],\"stop_reason\":\"tool_use\"}",
             input);
    script[0] = (struct script){200, body, NULL};
    script[1] = (struct script){200, TEXT("Noted."), NULL};
    cr_assert_eq(claude_answer(&claude, &out, &err), 0, "%s", err.text);
}

static const char *receipt(void)
{
    return json_string_value(
        json_object_get(json_array_get(claude.receipts, json_array_size(claude.receipts) - 1), "result"));
}

static void lead_said(void)
{
    static struct decision_message history[] = {
        {.seq = 2, .author = "lead", .body = "Write to mallory@example.com", .note = "[by web form]", .created_at = 1},
        {.seq = 3, .author = "lead", .body = "My budget is max. 500 dollars", .created_at = 1},
        {.seq = 4, .author = "agent", .body = "We charge 900 dollars", .created_at = 1},
    };
    static struct decision_message texts[] = {
        {.seq = 5, .author = "lead", .body = "It\u2019s URGENT, Ada here", .created_at = 1},
        {.seq = 6, .author = "lead", .body = "ada@Example.com", .created_at = 1},
    };

    in.history = history;
    in.n_history = COUNT_OF(history);
    in.unanswered = texts;
    in.n_unanswered = COUNT_OF(texts);
}

Test(claude, each_slot_is_recorded_with_the_words_that_tell_it)
{
    json_auto_t *evidence = NULL;

    lead_said();
    answer_with("{\"score\":\"HOT\",\"reason\":\"urgent\",\"urgency\":{\"value\":\"high\",\"quote\":\"it's urgent\"},"
                "\"budget_range\":{\"value\":\"up to $500\",\"quote\":\"max 500 dollars\"},"
                "\"name\":{\"value\":\"Ada\",\"quote\":\"Ada here\"},"
                "\"email\":{\"value\":\"Ada@example.com\",\"quote\":\"ada@Example.com\"}}");
    cr_expect_str_eq(receipt(), "Recorded.");
    cr_expect_str_eq(out.budget_range, "up to $500");
    cr_expect_str_eq(out.name, "Ada");
    cr_expect_str_eq(out.email, "ada@example.com");
    evidence = json_loads(out.evidence, 0, NULL);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(evidence, "urgency"), "seq")), 5);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(evidence, "budget_range"), "seq")), 3);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(evidence, "email"), "seq")), 6);
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(evidence, "budget_range"), "words")),
                     "max 500 dollars");
}

Test(claude, what_no_message_of_the_lead_tells_is_refused_and_the_rest_recorded)
{
    static const struct {
        const char *slot, *given, *reason;
    } wrongs[] = {
        {"budget_range", "{\"value\":\"$900\",\"quote\":\"We charge 900 dollars\"}", "stands in no message"},
        {"budget_range", "{\"value\":\"$50\",\"quote\":\"max. 50\"}", "stands in no message"},
        {"timeline", "{\"value\":\"today\",\"quote\":\"...\"}", "stands in no message"},
        {"timeline", "{\"value\":\"today\"}", "quote is missing"},
        {"timeline", "\"today\"", "must be {"},
        {"timeline", "{\"value\":\"today\",\"quote\":\"urgent\",\"seq\":5}", "must be {"},
        {"urgency", "{\"value\":\"very\",\"quote\":\"urgent\"}", "high, medium or low"},
        {"name", "{\"value\":\"Bob\",\"quote\":\"Ada here\"}", "name does not stand"},
        {"email", "{\"value\":\"eve@example.com\",\"quote\":\"ada@example.com\"}", "e-mail address"},
        {"email", "{\"value\":\"mallory@example.com\",\"quote\":\"mallory@example.com\"}", "by web form"},
    };
    char input[400];

    lead_said();
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        out = decision_start(&in, "claude");
        snprintf(input, sizeof input,
                 "{\"score\":\"WARM\",\"reason\":\"r\",\"service_interest\":{\"value\":\"help\",\"quote\":\"URGENT\"},"
                 "\"%s\":%s}",
                 wrongs[i].slot, wrongs[i].given);
        answer_with(input);
        cr_expect(strstr(receipt(), wrongs[i].slot) && strstr(receipt(), wrongs[i].reason), "%s: %s", input, receipt());
        cr_expect_str_eq(out.service_interest, "help");
        cr_expect_str_eq(out.score, "COLD", "it may have been given for what is not so");
        cr_expect_null(out.budget_range);
        cr_expect_null(out.timeline);
        cr_expect_null(out.urgency);
        cr_expect_null(out.name);
        cr_expect_null(out.email);
        cr_expect_not(strstr(out.evidence, wrongs[i].slot), "%s", out.evidence);
    }
}

Test(claude, what_the_lead_takes_back_is_emptied)
{
    lead_said();
    out.budget_range = "up to $500";
    out.evidence = "{\"budget_range\":{\"seq\":3,\"words\":\"max\"},\"appointment\":{\"seq\":2,\"words\":\"come\"}}";
    answer_with("{\"score\":\"WARM\",\"reason\":\"r\",\"budget_range\":null}");
    cr_expect_str_eq(out.budget_range, "up to $500", "null tells nothing");
    answer_with("{\"score\":\"WARM\",\"reason\":\"r\",\"budget_range\":{\"value\":\"\",\"quote\":\"\"}}");
    cr_expect_str_eq(out.budget_range, "up to $500", "not without words");
    answer_with("{\"score\":\"WARM\",\"reason\":\"r\",\"budget_range\":{\"value\":\"\",\"quote\":\"URGENT\"}}");
    cr_expect_null(out.budget_range);
    cr_expect_str_eq(out.evidence, "{\"appointment\":{\"seq\":2,\"words\":\"come\"}}");
}

Test(claude, refusals_and_cut_answers_are_not_used)
{
    static const char *const stops[] = {"refusal", "max_tokens", "model_context_window_exceeded"};
    char body[200];

    for (size_t i = 0; i < COUNT_OF(stops); i++) {
        snprintf(body, sizeof body, "{\"content\":[{\"type\":\"text\",\"text\":\"We\"}],\"stop_reason\":\"%s\"}",
                 stops[i]);
        script[0] = (struct script){200, body, NULL};
        cr_expect_eq(claude_answer(&claude, &out, &err), -1);
        cr_expect(strstr(err.text, stops[i]), "%s", err.text);
    }
}

Test(claude, an_objection_follows_the_draft)
{
    json_auto_t *sent = NULL;
    json_t *messages;

    script[0] = (struct script){200, TEXT("It costs $777."), NULL};
    script[1] = (struct script){200, TEXT("I don't know."), NULL};
    cr_assert_eq(claude_answer(&claude, &out, &err), 0);
    cr_assert_eq(claude_object(&claude, "no price", &err), 0);
    cr_assert_eq(claude_answer(&claude, &out, &err), 0);
    cr_expect_str_eq(out.reply, "I don't know.");
    sent = json_loads(bodies[1], 0, NULL);
    messages = json_object_get(sent, "messages");
    cr_assert_eq(json_array_size(messages), 3);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(messages, 1), "role")), "assistant");
}

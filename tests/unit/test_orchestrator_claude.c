/* The Claude agent against a server that plays Anthropic. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/clock.h"
#include "libshared/err.h"
#include "libshared/http.h"
#include "libshared/httpd.h"
#include "services/orchestrator/agent_claude.h"
#include "services/orchestrator/claude_live.h"
#include "services/orchestrator/decision.h"

/* What the server answers, in turn; the last one again and again. */
static struct script {
    int status;
    const char *body;
    const char *header;
} script[16];
static atomic_int calls;
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
        "\"urgent\",\"urgency\":\"high\"}},"
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

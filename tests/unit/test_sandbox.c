/* test_sandbox.c - the sandbox over HTTP. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/err.h"
#include "libshared/form.h"
#include "libshared/http.h"
#include "libshared/httpd.h"
#include "tools/sandbox/sandbox.h"
#include "tools/sandbox/webhooks.h"

#define SID      "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN    "token"
#define MESSAGES "/2010-04-01/Accounts/" SID "/Messages.json"
#define SEND     "To=%2B15557654321&From=%2B15550100000&Body=Hi"
#define CLAUDE   "{\"model\":\"claude-x\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"

static struct sandbox *sandbox;
static struct httpd *gateway;
static struct http *client;
static struct arena *arena;
static json_t *answer; /* the last answer's JSON */
static char public_url[64];

/* What the gateway of this test was told, in order: "SM...|sent". */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    char told[32][64];
    int n;
    bool signed_well;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER, .signed_well = true};

static void on_webhook(void *arg, struct exchange *x)
{
    struct arena *scratch = arena_new(1 << 20);
    const char *sid, *status, *signature = exchange_header(x, "X-Twilio-Signature");
    struct form form;
    char url[512], right[29];

    (void)arg;
    cr_assert(zero(int, form_parse(exchange_body(x), exchange_body_len(x), scratch, &form, NULL)));
    snprintf(url, sizeof url, "%s%s", public_url, exchange_target(x));
    webhook_sign(TOKEN, url, form.fields, form.n, right);
    sid = form_get(&form, "MessageSid");
    status = form_get(&form, "MessageStatus");
    pthread_mutex_lock(&heard.lock);
    heard.signed_well = heard.signed_well && signature && strcmp(signature, right) == 0;
    snprintf(heard.told[heard.n++ % 32], sizeof heard.told[0], "%.34s|%s", sid,
             status ? status : form_get(&form, "Body"));
    pthread_cond_signal(&heard.came);
    pthread_mutex_unlock(&heard.lock);
    exchange_reply(x, 200, "text/xml", "<Response/>", 11, NULL);
    arena_destroy(&scratch);
}

/* What was told behind the sid, the nth time. */
static const char *told(int n)
{
    pthread_mutex_lock(&heard.lock);
    while (heard.n < n)
        pthread_cond_wait(&heard.came, &heard.lock);
    pthread_mutex_unlock(&heard.lock);
    return strchr(heard.told[n - 1], '|') + 1;
}

static void set_up(void)
{
    struct httpd_options receiver = {
        .bind_address = "127.0.0.1", .threads = 1, .max_body = 65536, .max_connections = 100, .handler = on_webhook};
    struct sandbox_options options = {.bind_address = "127.0.0.1",
                                      .public_url = public_url,
                                      .accounts = {SID ":" TOKEN},
                                      .n_accounts = 1,
                                      .anthropic_key = "ant",
                                      .openai_key = "oai"};
    struct err err = {0};

    cr_assert(zero(int, http_global_init(NULL)));
    gateway = httpd_new(&receiver, &err);
    cr_assert(gateway != NULL, "%s", err.text);
    snprintf(public_url, sizeof public_url, "http://127.0.0.1:%d", httpd_port(gateway));
    sandbox = sandbox_new(&options, &err);
    cr_assert(sandbox != NULL, "%s", err.text);
    client = http_new(NULL);
    arena = arena_new(64 << 20);
}

static void tear_down(void)
{
    json_decref(answer);
    http_destroy(&client);
    sandbox_destroy(&sandbox);
    httpd_destroy(&gateway);
    arena_destroy(&arena);
}

TestSuite(sandbox, .init = set_up, .fini = tear_down, .timeout = 30);

/* Returns the status, 0: no answer came. The answer's JSON is in answer. */
static int ask(struct http_request request, const char *path, struct http_response *ret)
{
    struct http_response response = {0};
    char url[512];

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", sandbox_port(sandbox), path);
    request.url = url;
    request.body_len = request.body ? strlen(request.body) : 0;
    json_decref(answer);
    answer = NULL;
    if (http_do(client, &request, arena, &response, NULL) < 0)
        return 0;
    answer = json_loadb(response.body, response.body_len, 0, NULL);
    if (ret)
        *ret = response;
    return response.status;
}

static int control(const char *method, const char *path, const char *body)
{
    return ask((struct http_request){.method = method, .content_type = "application/json", .body = body}, path, NULL);
}

static int send_text(const char *form)
{
    return ask((struct http_request){.method = "POST",
                                     .content_type = "application/x-www-form-urlencoded",
                                     .body = form,
                                     .basic_user = SID,
                                     .basic_password = TOKEN,
                                     .timeout_ms = 2000},
               MESSAGES, NULL);
}

static int list(const char *query)
{
    char path[512];

    snprintf(path, sizeof path, "%s%s", query[0] == '/' ? "" : MESSAGES "?", query);
    return ask((struct http_request){.method = "GET", .basic_user = SID, .basic_password = TOKEN}, path, NULL);
}

static int ask_claude(const char *body, struct http_response *ret)
{
    return ask((struct http_request){.method = "POST",
                                     .content_type = "application/json",
                                     .body = body,
                                     .headers = (const char *const[]){"x-api-key: ant", "anthropic-version: 2023-06-01",
                                                                      NULL}},
               "/v1/messages", ret);
}

static int ask_vectors(const char *body)
{
    return ask((struct http_request){.method = "POST",
                                     .content_type = "application/json",
                                     .body = body,
                                     .headers = (const char *const[]){"Authorization: Bearer oai", NULL}},
               "/v1/embeddings", NULL);
}

/* "body" of the nth message in a list that was answered. */
static const char *body_of(size_t n)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(answer, "messages"), n), "body"));
}

static const char *text(const char *name)
{
    const char *value = json_string_value(json_object_get(answer, name));

    return value ? value : "";
}

static int number(const char *name)
{
    return (int)json_integer_value(json_object_get(answer, name));
}

/* How many messages were accepted. */
static int accepted(void)
{
    cr_assert(eq(int, control("GET", "/_sandbox/messages?to=%2B15557654321", NULL), 200));
    return (int)json_array_size(json_object_get(answer, "messages"));
}

Test(sandbox, a_message_is_accepted_and_told_delivered)
{
    char form[512], path[256];

    snprintf(form, sizeof form, "%s&StatusCallback=%s/status%%3Fm%%3D1%%23rc%%3D2", SEND, public_url);
    cr_expect(eq(int, send_text(form), 201));
    cr_expect(eq(str, (char *)text("status"), "queued"));
    cr_expect(eq(str, (char *)text("body"), "Hi"));
    snprintf(path, sizeof path, "%s", text("uri"));
    cr_expect(eq(str, (char *)told(1), "sent"));
    cr_expect(eq(str, (char *)told(2), "delivered"));
    cr_expect(heard.signed_well);
    cr_expect(strncmp(heard.told[0], text("sid"), 34) == 0);
    cr_expect(eq(int, list(path), 200));
    cr_expect(eq(str, (char *)text("status"), "delivered"));
    cr_expect(text("date_sent")[0] != 0);
}

Test(sandbox, who_is_not_known_is_refused)
{
    cr_expect(eq(int, ask((struct http_request){.method = "GET"}, MESSAGES, NULL), 401));
    cr_expect(eq(int, number("code"), 20003));
    cr_expect(eq(int, list("/2010-04-01/Accounts/ACbbbb/Messages.json"), 404));
    cr_expect(eq(int, list("/2010-04-01/Accounts/" SID "/Messages/SM0.json"), 404));
    cr_expect(eq(int, number("code"), 20404));
    cr_expect(eq(int, control("POST", "/v1/messages", CLAUDE), 401));
    cr_expect(eq(int, control("POST", "/v1/embeddings", "{}"), 401));
}

Test(sandbox, a_wrong_message_is_not_accepted)
{
    cr_expect(eq(int, send_text("To=%2B1555&From=%2B15550100000&Body=Hi"), 400));
    cr_expect(eq(int, number("code"), 21211));
    cr_expect(eq(int, number("status"), 400));
    cr_expect(eq(int, send_text("To=%zz"), 400));
    cr_expect(eq(int, accepted(), 0));
}

Test(sandbox, lists_are_newest_first_and_paged)
{
    char form[128], next[512];

    for (int i = 0; i < 5; i++) {
        snprintf(form, sizeof form, "To=%%2B15557654321&From=%%2B15550100000&Body=%d", i);
        cr_assert(eq(int, send_text(form), 201));
    }
    cr_assert(eq(int, send_text("To=%2B15557654322&From=%2B15550100000&Body=other"), 201));
    cr_expect(eq(int, list("To=%2B15557654321&PageSize=3"), 200));
    cr_expect(eq(sz, json_array_size(json_object_get(answer, "messages")), 3));
    cr_expect(eq(str, (char *)body_of(0), "4"));
    snprintf(next, sizeof next, "%s", text("next_page_uri"));
    cr_expect(eq(int, list(next), 200));
    cr_expect(eq(sz, json_array_size(json_object_get(answer, "messages")), 2));
    cr_expect(eq(int, json_is_null(json_object_get(answer, "next_page_uri")), 1));
    cr_expect(eq(int, number("page"), 1));
    cr_expect(eq(int, list("DateSent%3C=2020-01-01"), 200));
    cr_expect(eq(sz, json_array_size(json_object_get(answer, "messages")), 0));
    cr_expect(eq(int, list("DateSent=yesterday"), 400));
    cr_expect(eq(int, list("PageSize=0"), 400));
}

Test(sandbox, who_has_opted_out_gets_nothing_until_opting_in_again)
{
    cr_expect(eq(int, control("POST", "/_sandbox/optout", "{\"number\":\"+15557654321\"}"), 200));
    cr_expect(eq(int, send_text(SEND), 400));
    cr_expect(eq(int, number("code"), 21610));
    cr_expect(eq(int,
                 control("POST", "/_sandbox/inbound",
                         "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\" start \",\"wait\":true}"),
                 200));
    cr_expect(eq(int, send_text(SEND), 201));
}

Test(sandbox, a_leads_text_is_posted_signed)
{
    cr_expect(eq(int,
                 control("POST", "/_sandbox/inbound",
                         "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\"Gr\xC3\xBC\xC3\x9F & "
                         "more\",\"message_sid\":\"SM0123456789abcdef0123456789abcdef\",\"wait\":true}"),
                 200));
    cr_expect(eq(int, number("status"), 200));
    cr_expect(eq(str, (char *)text("body"), "<Response/>"));
    cr_expect(eq(str, heard.told[0], "SM0123456789abcdef0123456789abcdef|Gr\xC3\xBC\xC3\x9F & more"));
    cr_expect(heard.signed_well);
    httpd_destroy(&gateway);
    cr_expect(eq(int,
                 control("POST", "/_sandbox/inbound",
                         "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\"x\",\"wait\":true}"),
                 200));
    cr_expect(eq(int, number("status"), 0));
    cr_expect(text("error")[0] != 0);
}

Test(sandbox, what_is_accepted_before_a_fault_is_there_and_what_is_not_is_not)
{
    static const struct {
        const char *fault;
        int status, more;
    } cases[] = {
        {"\"kind\":\"cut-before\"", 0, 0},
        {"\"kind\":\"hang\",\"ms\":50", 0, 0},
        {"\"kind\":\"status\",\"status\":429,\"code\":20429", 429, 0},
        {"\"kind\":\"accept-then-cut\"", 0, 1},
        {"\"kind\":\"accept-then-hang\",\"ms\":50", 0, 1},
        {"\"kind\":\"accept-then-500\"", 500, 1},
        {"\"kind\":\"malformed\"", 201, 1},
        {"\"kind\":\"delay\",\"ms\":50", 201, 1},
    };
    int expected = 0;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char fault[256];

        snprintf(fault, sizeof fault, "{\"endpoint\":\"twilio.send\",\"count\":1,%s}", cases[i].fault);
        cr_assert(eq(int, control("POST", "/_sandbox/faults", fault), 201));
        cr_expect(send_text(SEND) == cases[i].status, "%s", fault);
        if (strstr(fault, "malformed"))
            cr_expect(answer == NULL, "its JSON breaks off");
        expected += cases[i].more;
        cr_expect(accepted() == expected, "%s", fault);
    }
    cr_expect(eq(int, send_text(SEND), 201), "each was used up");
}

Test(sandbox, what_is_hidden_appears_later)
{
    cr_assert(eq(int,
                 control("POST", "/_sandbox/faults", "{\"endpoint\":\"twilio.list\",\"kind\":\"hide\",\"ms\":60000}"),
                 201));
    cr_assert(eq(int, send_text(SEND), 201));
    cr_expect(eq(int, list("To=%2B15557654321"), 200));
    cr_expect(eq(sz, json_array_size(json_object_get(answer, "messages")), 0));
    cr_expect(eq(int, control("DELETE", "/_sandbox/faults", NULL), 200));
    cr_expect(eq(int, list("To=%2B15557654321"), 200));
    cr_expect(eq(sz, json_array_size(json_object_get(answer, "messages")), 1));
}

Test(sandbox, callbacks_go_wrong_as_told)
{
    char form[512];

    snprintf(form, sizeof form, "%s&StatusCallback=%s/status", SEND, public_url);
    control("POST", "/_sandbox/faults", "{\"endpoint\":\"callbacks\",\"kind\":\"shuffle\",\"count\":1}");
    control("POST", "/_sandbox/faults", "{\"endpoint\":\"callbacks\",\"kind\":\"twice\",\"count\":1}");
    control("POST", "/_sandbox/faults",
            "{\"endpoint\":\"callbacks\",\"kind\":\"undelivered\",\"code\":30007,\"count\":1}");
    cr_assert(eq(int, send_text(form), 201));
    cr_expect(eq(str, (char *)told(1), "undelivered"));
    cr_expect(eq(str, (char *)told(2), "undelivered"));
    cr_expect(eq(str, (char *)told(3), "sent"));
    cr_expect(eq(str, (char *)told(4), "sent"));
    cr_expect(heard.signed_well);
}

Test(sandbox, wrong_control_input_is_told)
{
    static const struct {
        const char *path, *body;
    } cases[] = {
        {"/_sandbox/faults", "{"},
        {"/_sandbox/faults", "[]"},
        {"/_sandbox/faults", "{\"endpoint\":\"twilio\",\"kind\":\"hang\"}"},
        {"/_sandbox/faults", "{\"endpoint\":\"anthropic\",\"kind\":\"drop\"}"},
        {"/_sandbox/faults", "{\"endpoint\":\"anthropic\",\"kind\":\"hide\"}"},
        {"/_sandbox/faults", "{\"endpoint\":\"anthropic\",\"kind\":\"hang\",\"rate\":2}"},
        {"/_sandbox/faults", "{\"endpoint\":\"anthropic\",\"kind\":\"hang\",\"count\":0}"},
        {"/_sandbox/faults", "{\"endpoint\":\"anthropic\",\"kind\":\"hang\",\"after\":1}"},
        {"/_sandbox/inbound", "{\"from\":\"1\",\"to\":\"+15550100000\",\"body\":\"x\"}"},
        {"/_sandbox/inbound", "{\"from\":\"+15557654321\",\"to\":\"+15550100000\"}"},
        {"/_sandbox/inbound",
         "{\"from\":\"+15557654321\",\"to\":\"+15550100000\",\"body\":\"x\",\"message_sid\":\"1\"}"},
        {"/_sandbox/anthropic/replies", "{}"},
        {"/_sandbox/anthropic/replies", "[{\"status\":200}]"},
        {"/_sandbox/anthropic/replies", "[[{\"type\":\"image\"}]]"},
        {"/_sandbox/optout", "{\"number\":\"me\"}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect(control("POST", cases[i].path, cases[i].body) == 400, "%s", cases[i].body);
        cr_expect(text("error")[0] != 0, "%s", cases[i].body);
    }
    cr_expect(eq(int, control("GET", "/_sandbox/nothing", NULL), 404));
    cr_expect(eq(int, control("GET", "/_sandbox/reset", NULL), 405));
}

Test(sandbox, claude_says_what_is_queued_and_then_speaks_for_itself)
{
    struct http_response response = {0};

    cr_assert(eq(int,
                 control("POST", "/_sandbox/anthropic/replies",
                         "[{\"status\":529,\"retry_after\":3},{\"text\":\"one\"},"
                         "[{\"type\":\"tool_use\",\"name\":\"t\",\"input\":{\"a\":1}}]]"),
                 200));
    cr_expect(eq(int, ask_claude(CLAUDE, &response), 529));
    cr_expect(eq(int, response.retry_after_s, 3));
    cr_expect(strncmp(response.request_id, "req_", 4) == 0);
    cr_expect(eq(int, ask_claude(CLAUDE, &response), 200));
    cr_expect(eq(str, (char *)text("stop_reason"), "end_turn"));
    cr_expect(strncmp(response.request_id, "req_", 4) == 0);
    cr_expect(eq(int, ask_claude(CLAUDE, NULL), 200));
    cr_expect(eq(str, (char *)text("stop_reason"), "tool_use"));
    cr_expect(json_object_get(json_array_get(json_object_get(answer, "content"), 0), "id") != NULL);
    cr_expect(eq(int, ask_claude(CLAUDE, NULL), 200));
    cr_expect(strstr(json_string_value(json_object_get(json_array_get(json_object_get(answer, "content"), 0), "text")),
                     "colleague") != NULL);
    cr_expect(eq(int, ask_claude("{\"model\":\"claude-x\"}", NULL), 400));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json_object_get(answer, "error"), "type")),
                 "invalid_request_error"));
    cr_expect(eq(int, ask_claude("{\"model\":\"other\",\"max_tokens\":1,\"messages\":[]}", NULL), 404));
}

Test(sandbox, vectors_have_the_size_asked_for)
{
    const json_t *data;

    cr_expect(eq(int, ask_vectors("{\"model\":\"text-embedding-3-small\",\"input\":[\"a\",\"b\"]}"), 200));
    data = json_object_get(answer, "data");
    cr_expect(eq(sz, json_array_size(data), 2));
    cr_expect(eq(sz, json_array_size(json_object_get(json_array_get(data, 1), "embedding")), 1536));
    cr_expect(
        eq(int,
           ask_vectors("{\"model\":\"text-embedding-3-large\",\"input\":\"a\",\"dimensions\":3,\"encoding_format\":"
                       "\"base64\"}"),
           200));
    data = json_array_get(json_object_get(answer, "data"), 0);
    cr_expect(eq(sz, json_string_length(json_object_get(data, "embedding")), 16));
    cr_expect(eq(int, ask_vectors("{\"model\":\"text-embedding-3-small\",\"input\":[1,2,3]}"), 200));
}

Test(sandbox, vectors_are_refused_for_wrong_requests)
{
    static const char *const requests[] = {
        "{\"model\":\"text-embedding-3-small\"}",
        "{\"input\":\"a\"}",
        "{\"model\":\"text-embedding-3-small\",\"input\":\"\"}",
        "{\"model\":\"text-embedding-3-small\",\"input\":[]}",
        "{\"model\":\"text-embedding-3-small\",\"input\":[\"a\",\"\"]}",
        "{\"model\":\"text-embedding-3-small\",\"input\":[\"a\",5]}",
        "{\"model\":\"text-embedding-3-small\",\"input\":\"a\",\"dimensions\":1537}",
        "{\"model\":\"text-embedding-ada-002\",\"input\":\"a\",\"dimensions\":8}",
        "{\"model\":\"text-embedding-3-small\",\"input\":\"a\",\"encoding_format\":\"hex\"}",
        "{\"model\":\"text-embedding-3-small\",\"input\":\"a\",\"inputs\":\"a\"}",
        "[]",
    };

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        cr_expect(ask_vectors(requests[i]) == 400, "%s", requests[i]);
        cr_expect(json_object_get(json_object_get(answer, "error"), "message") != NULL);
    }
    cr_expect(eq(int, ask_vectors("{\"model\":\"text-embedding-9\",\"input\":\"a\"}"), 404));
}

Test(sandbox, it_shows_what_it_received_and_forgets_on_request)
{
    cr_assert(eq(int, send_text(SEND), 201));
    cr_assert(eq(int, send_text("To=1"), 400));
    cr_expect(eq(int, control("GET", "/_sandbox/requests?provider=twilio", NULL), 200));
    cr_expect(eq(sz, json_array_size(json_object_get(answer, "requests")), 2));
    cr_expect(eq(int, control("GET", "/_sandbox/requests?provider=openai", NULL), 200));
    cr_expect(eq(sz, json_array_size(json_object_get(answer, "requests")), 0));
    cr_expect(eq(int, control("GET", "/_sandbox/stats", NULL), 200));
    cr_expect(eq(int, json_integer_value(json_object_get(json_object_get(answer, "twilio.send"), "accepted")), 1));
    cr_expect(eq(int, json_integer_value(json_object_get(json_object_get(answer, "twilio.send"), "refused")), 1));
    cr_expect(eq(int, control("GET", "/_sandbox/messages?after=0", NULL), 200));
    cr_expect(eq(sz, json_array_size(json_object_get(answer, "messages")), 0));
    cr_expect(eq(int, control("POST", "/_sandbox/reset", NULL), 200));
    cr_expect(eq(int, accepted(), 0));
}

Test(sandbox, it_ends_while_answers_are_held)
{
    control("POST", "/_sandbox/faults", "{\"endpoint\":\"anthropic\",\"kind\":\"delay\",\"ms\":60000}");
    ask((struct http_request){.method = "POST",
                              .content_type = "application/json",
                              .body = CLAUDE,
                              .timeout_ms = 100,
                              .headers =
                                  (const char *const[]){"x-api-key: ant", "anthropic-version: 2023-06-01", NULL}},
        "/v1/messages", NULL);
    sandbox_destroy(&sandbox);
    cr_expect(sandbox == NULL);
}

/* What the model is sent, turn by turn: each request begins with the bytes of the one before. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "services/orchestrator/claude/agent_claude.h"
#include "services/orchestrator/claude/prompt.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/turn_history.h"

#define MESSAGES_MAX 400
#define REQUESTS_MAX 200

/* A conversation under way. */
static struct decision_message history[MESSAGES_MAX];
static struct decision_exchange exchanges[MESSAGES_MAX];
static struct decision_message texts[8];
static size_t n_history, n_exchanges, n_texts;
static int64_t seq, history_from;

static struct arena *arena;
static struct err err;
static struct claude claude;
static struct decision_lead lead;
static struct decision_input in;
static struct decision_output out;

/* What the model answers next, and what it was sent. */
static const char *answers[8];
static size_t n_answers, n_answered;
static char *requests[REQUESTS_MAX];
static size_t n_requests;

static int answer(void *arg, const char *request, size_t len, struct arena *a, json_t *tries, json_t **ret_message,
                  struct err *e)
{
    (void)arg, (void)len, (void)a, (void)tries;
    cr_assert_lt(n_requests, REQUESTS_MAX);
    requests[n_requests++] = strdup(request);
    if (n_answered == n_answers)
        return err_set(e, ERR_UNAVAILABLE, "the model is away");
    *ret_message = json_loads(answers[n_answered++], 0, NULL);
    cr_assert(*ret_message);
    return 0;
}

static int found(void *arg, const char *query, struct arena *a, const struct passage **ret, size_t *n, struct err *e)
{
    static const struct passage passage = {.title = "Prices", .body = "Q: Price?\nA: A drain cleaning costs $149."};

    (void)arg, (void)query, (void)a, (void)e;
    *ret = &passage;
    *n = 1;
    return 0;
}

static void set_up(void)
{
    arena = arena_new(64 << 20);
    cr_assert(arena);
    lead = (struct decision_lead){.score = "COLD"};
    in = (struct decision_input){.local_time = "Monday 2026-11-23 09:30",
                                 .client_name = "Acme",
                                 .timezone = "UTC",
                                 .config = "{\"persona\":\"friendly\"}",
                                 .state = "open",
                                 .lead = &lead};
    n_history = n_exchanges = n_texts = 0;
    seq = history_from = 0;
    n_requests = 0;
}

static void tear_down(void)
{
    claude_destroy(&claude);
    for (size_t i = 0; i < n_requests; i++)
        free(requests[i]);
    arena_destroy(&arena);
}

TestSuite(prompt, .init = set_up, .fini = tear_down, .timeout = 30);

#define SAYS(text) "{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}],\"stop_reason\":\"end_turn\"}"
#define USES(id, name, input)                                                                        \
    "{\"content\":[{\"type\":\"text\",\"text\":\"One moment.\"},{\"type\":\"tool_use\",\"id\":\"" id \
    "\",\"name\":\"" name "\",\"input\":" input "}],\"stop_reason\":\"tool_use\"}"

static void lead_writes(const char *body)
{
    texts[n_texts++] = (struct decision_message){.seq = ++seq, .author = "lead", .body = body};
}

static void stored(const char *author, const char *body, const char *turn_id)
{
    history[n_history++] = (struct decision_message){.seq = ++seq, .author = author, .body = body, .turn_id = turn_id};
}

/* One turn, as it is loaded, decided and stored. sent NULL: nothing reached the lead. *_answers end with NULL. */
static int turn(const char *const *wanted, const char *sent)
{
    const char *turn_id = arena_printf(arena, "turn-%zu", n_exchanges);
    int rc;

    for (n_answers = 0; wanted && wanted[n_answers]; n_answers++)
        answers[n_answers] = wanted[n_answers];
    n_answered = 0;
    in.history = history;
    in.n_history = n_history;
    in.exchanges = exchanges;
    in.n_exchanges = n_exchanges;
    while (in.n_history > 0 && in.history->seq < history_from)
        in.history++, in.n_history--;
    while (in.n_exchanges > 0 && in.exchanges->answers_from < history_from)
        in.exchanges++, in.n_exchanges--;
    cr_assert_geq((history_from = turn_history_cut(&in, 3000, history_from, arena)), 0);
    in.unanswered = texts;
    in.n_unanswered = n_texts;

    claude_destroy(&claude);
    claude = (struct claude){
        .api = {.call = answer}, .model = "claude-sonnet-5-5", .search = {.search = found}, .arena = arena, .in = &in};
    out = decision_start(&in, "claude");
    cr_assert_eq(claude_start(&claude, &err), 0);
    rc = claude_answer(&claude, &out, &err);

    exchanges[n_exchanges++] = (struct decision_exchange){.turn_id = turn_id,
                                                          .saw_seq = texts[n_texts - 1].seq,
                                                          .answers_from = texts[0].seq,
                                                          .answers_to = texts[n_texts - 1].seq,
                                                          .messages = claude_exchange(&claude)};
    for (size_t i = 0; i < n_texts; i++)
        history[n_history++] = texts[i];
    n_texts = 0;
    seq++;
    if (sent) {
        seq--;
        stored("agent", sent, turn_id);
    }
    return rc;
}

/* Tools, system and messages, block by block, as the provider's cache sees them. Returns how many are marked. */
static size_t blocks(const char *request, struct buf *ret)
{
    json_auto_t *object = json_loads(request, 0, NULL);
    static const char *const parts[] = {"tools", "system"};
    size_t marks = 0, i, b;
    json_t *block, *message;

    for (size_t p = 0; p < 2; p++)
        json_array_foreach (json_object_get(object, parts[p]), i, block) {
            char *text;

            marks += json_object_get(block, "cache_control") != NULL;
            json_object_del(block, "cache_control");
            buf_printf(ret, "%s %s\n", parts[p], text = json_dumps(block, JSON_COMPACT));
            free(text);
        }
    json_array_foreach (json_object_get(object, "messages"), i, message)
        json_array_foreach (json_object_get(message, "content"), b, block) {
            char *text;

            marks += json_object_get(block, "cache_control") != NULL;
            json_object_del(block, "cache_control");
            buf_printf(ret, "%s %s\n", json_string_value(json_object_get(message, "role")),
                       text = json_dumps(block, JSON_COMPACT));
            free(text);
        }
    return marks;
}

/* Whether all of the earlier request stands at the beginning of the later one. */
static bool is_prefix(size_t earlier, size_t later)
{
    AUTO(buf_free) struct buf a = {0}, b = {0};

    cr_expect_leq(blocks(requests[earlier], &a), 4);
    cr_expect_leq(blocks(requests[later], &b), 4);
    return a.len <= b.len && memcmp(a.data, b.data, a.len) == 0;
}

static size_t count(const char *request, const char *text)
{
    size_t n = 0;

    for (const char *p = request; (p = strstr(p, text)); p++)
        n++;
    return n;
}

Test(prompt, each_request_begins_with_the_one_before)
{
    lead_writes("How much is a drain cleaning?");
    cr_expect_eq(turn((const char *[]){USES("t1", "search_knowledge", "{\"query\":\"price\"}"),
                                       USES("t2", "record_qualification",
                                            "{\"score\":\"WARM\",\"reason\":\"asks\",\"service_interest\":{\"quote\":"
                                            "\"drain cleaning\",\"value\":\"Drain cleaning\"}}"),
                                       SAYS("It is **$149**."), NULL},
                      "Acme: It is $149.\nReply STOP to opt out."),
                 0);
    in.local_time = "Monday 2026-11-23 09:35";
    lead.score = "WARM";
    lead_writes("ok");
    lead_writes("when could you come?");
    cr_expect_eq(turn((const char *[]){SAYS("When would it suit you?"), NULL}, "When would it suit you?"), 0);
    stored("human", "Joe here, I could come at 5.", NULL);
    lead_writes("At 5 is fine");
    cr_expect_eq(turn((const char *[]){USES("t3", "escalate_to_human", "{\"reason\":\"5 pm\"}"),
                                       SAYS("A colleague will confirm."), NULL},
                      "A colleague will confirm."),
                 0);
    cr_assert_eq(n_requests, 6);
    for (size_t i = 1; i < n_requests; i++)
        cr_expect(is_prefix(i - 1, i), "request %zu:\n%s\n%s", i, requests[i - 1], requests[i]);
    /* What tools found is still there, and what was really sent; the draft is not. */
    cr_expect_eq(count(requests[5], "A drain cleaning costs $149"), 1);
    cr_expect_eq(count(requests[5], "Acme: It is $149."), 1);
    cr_expect_eq(count(requests[5], "**$149**"), 0);
    cr_expect_eq(count(requests[5], "<colleague_message>Joe here"), 1);
    cr_expect_eq(count(requests[5], "<lead_message>ok<"), 1);
}

Test(prompt, what_was_said_to_a_model_that_failed_is_told_as_it_was)
{
    lead_writes("How much is a drain cleaning?");
    /* It searched, then it was away: the scripted agent answered. */
    cr_expect_eq(turn((const char *[]){USES("t1", "record_qualification", "{\"score\":\"HOT\",\"reason\":\"in vain\"}"),
                                       NULL},
                      "We will tell you."),
                 -1);
    lead_writes("And now?");
    cr_expect_eq(turn((const char *[]){SAYS("It is $149."), NULL}, NULL), 0); /* did not reach the lead */
    lead_writes("Hello?");
    cr_expect_eq(turn((const char *[]){SAYS("Yes?"), NULL}, "Yes?"), 0);
    cr_assert_eq(n_requests, 4);
    cr_expect(is_prefix(0, 2), "%s", requests[2]);
    cr_expect(is_prefix(2, 3), "%s", requests[3]);
    cr_expect_eq(count(requests[2], "in vain"), 0, "what came to nothing is not told");
    cr_expect_eq(count(requests[2], "We will tell you."), 1);
    cr_expect_eq(count(requests[3], "It is $149."), 0);
    cr_expect_eq(count(requests[3], "(No reply to this has reached the lead.)"), 1);
}

Test(prompt, an_objection_stays_with_the_draft_it_was_to)
{
    json_auto_t *kept = NULL;

    lead_writes("How much is it?");
    cr_expect_eq(turn((const char *[]){SAYS("It is $777."), NULL}, NULL), 0);
    cr_expect_eq(claude_object(&claude, "not sent", &err), 0);
    n_answered = 0;
    answers[0] = SAYS("I do not know.");
    cr_expect_eq(claude_answer(&claude, &out, &err), 0);
    kept = json_loads(claude_exchange(&claude), 0, NULL);
    cr_expect_eq(json_array_size(kept), 3, "what was asked, the draft, the objection");
}

Test(prompt, a_long_conversation_is_cut_rarely_and_by_half)
{
    static char long_text[400];
    size_t cuts = 0;

    memset(long_text, 'x', sizeof long_text - 1);
    for (size_t i = 0; i < 80; i++) {
        lead_writes(long_text);
        cr_expect_eq(turn((const char *[]){SAYS("Yes."), NULL}, "Yes."), 0);
        cr_expect_lt(strlen(requests[i]), 26000);
        cuts += i > 0 && !is_prefix(i - 1, i);
    }
    cr_expect_leq(cuts, 12, "%zu", cuts);
    cr_expect_geq(cuts, 2);
    cr_expect_gt(history_from, 0);
}

Test(prompt, long_texts_are_bounded)
{
    char *huge = malloc(70001);

    memset(huge, 'y', 70000);
    huge[70000] = '\0';
    lead_writes(huge);
    cr_expect_eq(turn((const char *[]){SAYS("Yes."), NULL}, "Yes."), 0);
    cr_expect_lt(strlen(requests[0]), 20000);
    cr_expect(strstr(requests[0], "[the rest is not shown]"));
    free(huge);
}

Test(prompt, the_system_prompt_tells_what_the_client_has_configured)
{
    static const char *const wanted[] = {
        "Services\\n- Drains\\n",
        "What to find out\\n- Is it a house or a flat?\\n",
        "kept to\\nNo work on Sundays.",
        "I am the robot of Acme.",
        "At most 480 characters; at most 268",
        "else HOT, if one of these holds:\\n- it is urgent (high) and the budget reaches 500\\n- they want it within 3 "
        "days and their e-mail address is not known\\n",
        "COLD, if one of these holds:\\n- they say that they are not interested\\n- no budget is known and it is not "
        "known when and they say that they are only looking\\n",
    };

    in.config = "{\"services\":[\"Drains\"],\"questions\":[\"Is it a house or a flat?\"],\"policy\":\"No work on "
                "Sundays.\",\"disclosure_line\":\"I am the robot of Acme.\",\"reply_max_chars\":480,"
                "\"qualification_rules\":{\"hot\":[[\"urgent\",\"enough_budget\"],[\"soon\",\"no_email\"]],"
                "\"soon_days\":3,\"min_budget\":500}}";
    lead_writes("Hello");
    cr_expect_eq(turn((const char *[]){SAYS("Hi!"), NULL}, "Hi!"), 0);
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        cr_expect(strstr(requests[0], wanted[i]), "%s\n%s", wanted[i], requests[0]);
}

Test(prompt, a_reply_that_is_too_long_is_asked_for_once_more_and_then_cut)
{
    static char longer[2000];

    snprintf(longer, sizeof longer, "{\"content\":[{\"type\":\"text\",\"text\":\"");
    for (int i = 0; i < 30; i++)
        strcat(longer, "We clean each drain. ");
    strcat(longer, "\"}],\"stop_reason\":\"end_turn\"}");
    lead_writes("What do you do?");
    cr_expect_eq(turn((const char *[]){longer, SAYS("We clean drains."), NULL}, "We clean drains."), 0);
    cr_expect_str_eq(out.reply, "We clean drains.");
    cr_expect(strstr(requests[1], "at most 320 are sent"), "%s", requests[1]);

    lead_writes("And else?");
    cr_expect_eq(turn((const char *[]){longer, longer, NULL}, "We"), 0);
    cr_expect_leq(strlen(out.reply), 320);
    cr_expect_eq(out.reply[strlen(out.reply) - 1], '.');

    lead_writes("And what if you are away?");
    cr_expect_eq(turn((const char *[]){longer, NULL}, "We"), 0, "its draft is cut");
    cr_expect_leq(strlen(out.reply), 320);
}

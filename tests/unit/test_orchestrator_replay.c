/* A decision is a function of its record: decided again from it, it comes out the same, byte for byte. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/config.h"
#include "libshared/db.h"
#include "libshared/err.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide.h"
#include "services/orchestrator/turn/turn_recorded.h"
#include "services/orchestrator/turn/turn_replay.h"
#include "tests/unit/dialoguefix.h"
#include "tests/unit/testdb.h"

static struct arena *arena;
static struct db_pool *pool;
static struct err err;
static int n_turns;

static void set_up(void)
{
    arena = arena_new(64 << 20);
}

static void tear_down(void)
{
    db_pool_destroy(&pool);
    arena_destroy(&arena);
}

TestSuite(replay, .init = set_up, .fini = tear_down, .timeout = 240);

static struct replayed_turn replay(const char *record)
{
    struct replayed_turn out = {0};

    cr_assert_eq(turn_replay(record, strlen(record), NULL, arena, &out, &err), 0, "%s", err.text);
    return out;
}

static void expect_same(const char *record)
{
    struct replayed_turn out = replay(record);

    cr_expect_str_eq(out.outcome, "same", "%s %s: %s, now %s", out.reason ? out.reason : "",
                     out.n_differences ? out.differences[0].field : "",
                     out.n_differences && out.differences[0].before ? out.differences[0].before : "",
                     out.n_differences && out.differences[0].now ? out.differences[0].now : "");
    cr_expect_eq(out.requests_changed, 0);
}

/* What the same decision, taken from the record, is recorded as. */
static const char *recorded_again(const char *record)
{
    json_auto_t *json = json_loads(record, 0, NULL);
    struct turn_recorded recorded;
    struct turn turn = {.client_id = "c", .conversation_id = "v"};

    cr_assert(json);
    cr_assert_eq(turn_recorded_read(json, arena, &recorded, &err), 0, "%s", err.text);
    turn.in = recorded.in;
    turn.waited_ms = json_integer_value(json_object_get(json, "waited_ms"));
    cr_assert_eq(turn_decide(&(struct decider){.api = {.call = turn_recorded_call, .arg = &recorded},
                                               .search = {.search = turn_recorded_search, .arg = &recorded},
                                               .arena = arena},
                             &turn, &err),
                 0, "%s", err.text);
    return turn.record;
}

/* All but what was measured. */
static void expect_same_bytes(const char *before, const char *now)
{
    const char *times[] = {strstr(before, ",\"times_us\":"), strstr(now, ",\"times_us\":")};

    cr_assert(times[0] && times[1]);
    cr_expect_eq(times[0] - before, times[1] - now);
    cr_expect(strncmp(before, now, (size_t)(times[0] - before)) == 0, "%s\n%s", before, now);
    cr_expect_str_eq(strstr(times[0], ",\"waited_ms\":"), strstr(times[1], ",\"waited_ms\":"));
}

/* As the table gives it back. */
static const char *through_the_database(const char *record)
{
    AUTO(db_result_free) struct db_result *rows = NULL;

    if (!pool)
        cr_assert(pool = db_pool_new(testdb_url(), NULL, 1, &err), "%s", err.text);
    cr_assert(db_run(pool, NULL, &rows, &err, "SELECT $1::json::text AS v", db_text(record)) == 1, "%s", err.text);
    return arena_strdup(arena, db_get(rows, 0, "v"));
}

/* ---- the scripted agent ---- */

static void replay_decided(const struct turn *turn)
{
    struct arena *whole = arena;

    arena = arena_new(64 << 20);
    expect_same(turn->record);
    expect_same_bytes(turn->record, recorded_again(turn->record));
    expect_same(through_the_database(turn->record));
    arena_destroy(&arena);
    arena = whole;
    n_turns++;
}

Test(replay, every_turn_of_the_labelled_dialogues_comes_out_the_same)
{
    static const char *const files[] = {"home_services", "real_estate", "dental", "car_repair", "later"};
    struct config config = {0};
    char path[500];

    testdb_url(); /* skips where there is no database */
    dialogues_decided = replay_decided;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        json_auto_t *played = NULL;

        snprintf(path, sizeof path, LEADWIRE_SOURCE_DIR "/tests/bench/dialogues/%s.json", files[i]);
        played = dialogues_play(path, "scripted", &config, NULL);
        cr_expect(json_array_size(played) > 0);
    }
    cr_expect_geq(n_turns, 150);
}

/* ---- Claude, played ---- */

struct said {
    const char *message; /* NULL: the call fails */
    int status;
};

static const struct said *script;
static int n_calls;

static int say(void *arg, const char *request, size_t len, struct arena *in, json_t *tries, json_t **ret_message,
               struct err *e)
{
    const struct said *said = &script[n_calls++];

    (void)arg, (void)request, (void)len, (void)in;
    if (!said->message) {
        json_array_append_new(tries, json_pack("{s:i, s:I, s:n, s:s, s:s}", "status", said->status, "took_us", 7,
                                               "message", "error", "Anthropic: overloaded", "failed", "unavailable"));
        err_set(e, ERR_UNAVAILABLE, "Anthropic: overloaded");
        if (e)
            e->provider_code = said->status;
        return -1;
    }
    *ret_message = json_loads(said->message, 0, NULL);
    cr_assert(*ret_message);
    /* A try that failed stands before some answers. */
    if (said->status == 529)
        json_array_append_new(tries, json_pack("{s:i, s:s}", "status", 529, "error", "Anthropic 529"));
    json_array_append_new(tries, json_pack("{s:i, s:I, s:O}", "status", 200, "took_us", 7, "message", *ret_message));
    return 0;
}

static struct passage found[] = {{.chunk_id = "11111111-1111-4111-8111-111111111111",
                                  .document_id = "22222222-2222-4222-8222-222222222222",
                                  .kb_id = "33333333-3333-4333-8333-333333333333",
                                  .kind = "faq",
                                  .title = "What does a drain cleaning cost?",
                                  .body = "A drain cleaning costs $129 \"flat\" \\ all in \xe2\x80\xa8.",
                                  .score = 1.0 / 3,
                                  .vector_score = 0.1 + 0.2,
                                  .text_score = 1e-9}};

static int find(void *arg, const char *query, struct arena *a, const struct passage **ret, size_t *n, struct err *e)
{
    (void)arg, (void)a;
    if (strcmp(query, "nothing works") == 0)
        return err_set(e, ERR_UNAVAILABLE, "knowledge does not answer");
    *ret = found;
    *n = 1;
    return 0;
}

#define USAGE       ",\"usage\":{\"input_tokens\":10,\"output_tokens\":5,\"cache_read_input_tokens\":3}"
#define TEXT(text)  "{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}],\"stop_reason\":\"end_turn\"" USAGE "}"
#define TOOLS(uses) "{\"content\":[" uses "],\"stop_reason\":\"tool_use\"" USAGE "}"
#define TOOL(name, input)                                                                                              \
    "{\"type\":\"tool_use\",\"name\":\"" name "\",\"input\":" input ",\"id\":\"toolu_1\",\"caller\":{\"z\":1,\"a\":2}" \
    "}"

static const char *decide(const struct said *said)
{
    static struct decision_lead lead = {.score = "COLD"};
    static struct decision_message text = {.seq = 3,
                                           .author = "lead",
                                           .body = "What does a \xf0\x9f\x9a\xbf drain cleaning cost?\n\t\x01",
                                           .created_at = 1};
    struct turn turn = {.client_id = "c", .conversation_id = "v", .waited_ms = 12};
    struct decider decider = {.api = {.call = say}, .search = {.search = find}, .arena = arena};

    script = said;
    n_calls = 0;
    turn.in = (struct decision_input){.now = 1700000000123456,
                                      .local_time = "Monday 2026-11-23 09:30",
                                      .client_name = "Acme",
                                      .timezone = "UTC",
                                      .model = "claude-sonnet-5-5",
                                      .config = "{\"agent\":\"claude\",\"twilio_auth_token\":\"********\"}",
                                      .config_version = 4,
                                      .state = "open",
                                      .lead = &lead,
                                      .unanswered = &text,
                                      .n_unanswered = 1};
    cr_assert_eq(turn_decide(&decider, &turn, &err), 0, "%s", err.text);
    return turn.record;
}

static const struct said tools_then_repair[] = {
    {TOOLS(TOOL("search_knowledge", "{\"query\":\"drain cleaning price\"}") "," TOOL(
         "record_qualification", "{\"service_interest\":{\"value\":\"drain cleaning\",\"quote\":\"drain "
                                 "cleaning\"},\"score\":\"WARM\",\"reason\":\"a\"}")),
     529},
    {TOOLS(TOOL("search_knowledge", "{\"query\":\"nothing works\"}") "," TOOL(
         "no_such_tool", "{\"zz\":1e30,\"a\":{\"deep\":[[[[[[[[1.50]]]]]]]]},\"b\":-0.0}")),
     200},
    {TEXT("It costs $99."), 200},  /* stands nowhere: repaired */
    {TEXT("It costs $129."), 200}, /* stands in what the search found */
};

static const char *part_of(const char *record, const char *name)
{
    json_auto_t *json = json_loads(record, 0, NULL);
    char *text = json_dumps(json_object_get(json, name), JSON_COMPACT | JSON_ENCODE_ANY);
    const char *kept = arena_strdup(arena, text);

    free(text);
    return kept;
}

static void expect_replayable(const char *record)
{
    expect_same(record);
    expect_same_bytes(record, recorded_again(record));
    expect_same(through_the_database(record));
    expect_same_bytes(record, recorded_again(through_the_database(record)));
}

Test(replay, tools_searches_tries_and_a_repair_are_taken_from_the_record)
{
    const char *record = decide(tools_then_repair);

    cr_assert_eq(n_calls, 4);
    cr_expect(strstr(part_of(record, "output"), "It costs $129."), "%s", part_of(record, "output"));
    cr_expect(strstr(part_of(record, "guards"), "repair asked"), "%s", part_of(record, "guards"));
    cr_expect(strstr(part_of(record, "receipts"), "\"search_error\":\"knowledge does not answer\""));
    expect_replayable(record);
}

Test(replay, a_model_that_is_away_is_away_again)
{
    const char *record = decide((const struct said[]){{NULL, 529}});

    cr_expect_str_eq(part_of(record, "fallback"),
                     "{\"kind\":\"unavailable\",\"provider_code\":529,\"error\":\"Anthropic: overloaded\"}");
    expect_replayable(record);
    /* In the middle of its tools, and while it repairs its draft. */
    expect_replayable(decide((const struct said[]){tools_then_repair[0], {NULL, 0}}));
    expect_replayable(decide((const struct said[]){tools_then_repair[2], {NULL, 500}}));
}

/* ---- what is different ---- */

/* The record with one place changed: a path of names and numbers, ends with NULL. */
static const char *changed(const char *record, json_t *value, const char *const *path)
{
    json_auto_t *json = json_loads(record, 0, NULL);
    json_t *at = json;
    const char *text;
    char *dumped;

    for (; path[1]; path++)
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(*path)) : json_object_get(at, *path);
    if (value)
        json_object_set_new(at, *path, value);
    else
        json_object_del(at, *path);
    dumped = json_dumps(json, JSON_COMPACT);
    text = arena_strdup(arena, dumped);
    free(dumped);
    return text;
}
#define CHANGED(record, value, ...) changed(record, value, (const char *const[]){__VA_ARGS__, NULL})

Test(replay, what_comes_out_differently_is_named)
{
    const char *record = decide(tools_then_repair);
    struct replayed_turn out = replay(CHANGED(record, json_string("It is free."), "output", "reply"));

    cr_expect_str_eq(out.outcome, "different");
    cr_assert_eq(out.n_differences, 1);
    cr_expect_str_eq(out.differences[0].field, "output.reply");
    cr_expect_str_eq(out.differences[0].before, "It is free.");
    cr_expect(strstr(out.differences[0].now, "It costs $129."));

    /* What was found is a source of the guards. */
    out = replay(CHANGED(record, json_string("It depends."), "receipts", "0", "passages", "0", "body"));
    cr_expect_str_eq(out.outcome, "different");
    cr_expect_gt(out.requests_changed, 0);

    out = replay(CHANGED(record, NULL, "output", "service_interest"));
    cr_assert_eq(out.n_differences, 1);
    cr_expect_str_eq(out.differences[0].field, "output.service_interest");
    cr_expect_null(out.differences[0].before);
    cr_expect_str_eq(out.differences[0].now, "drain cleaning");
}

Test(replay, another_prompt_is_told_and_the_recorded_answers_are_used_all_the_same)
{
    const char *record = decide(tools_then_repair);
    struct replayed_turn out = replay(CHANGED(record, json_string("Acme & Sons"), "input", "client_name"));

    cr_expect_str_eq(out.outcome, "same");
    cr_expect_eq(out.requests_changed, 4);
    cr_expect_str_neq(out.prompt_sha256_before, out.prompt_sha256_now);
    cr_expect_eq(strlen(out.prompt_sha256_now), 64);
}

Test(replay, a_record_without_the_answers_that_are_asked_for_is_different)
{
    const char *record = decide(tools_then_repair);
    struct replayed_turn out = replay(CHANGED(record, json_array(), "model_answers"));

    cr_expect_str_eq(out.outcome, "different");
    cr_expect_gt(out.n_differences, 1);
}

/* ---- what cannot be ---- */

static void expect_cannot(const char *record, const char *reason)
{
    struct replayed_turn out = replay(record);

    cr_expect_str_eq(out.outcome, "cannot", "%s", record);
    cr_assert(out.reason);
    cr_expect(strstr(out.reason, reason), "%s: %s", reason, out.reason);
}

Test(replay, an_old_or_damaged_record_is_told)
{
    const char *record = decide(tools_then_repair);

    expect_cannot(CHANGED(record, json_integer(1), "v"), "of version 1");
    expect_cannot(CHANGED(record, json_integer(TURN_RECORD_VERSION + 1), "v"), "of version 3");
    expect_cannot(CHANGED(record, NULL, "v"), "has no version");
    expect_cannot(CHANGED(record, json_string("2"), "v"), "has no version");
    expect_cannot(CHANGED(record, NULL, "input"), "has no input");
    expect_cannot(CHANGED(record, json_integer(5), "input"), "input");
    expect_cannot(CHANGED(record, NULL, "output"), "has no output");
    expect_cannot(CHANGED(record, NULL, "input", "unanswered", "0", "body"), "unanswered[0].body");
    expect_cannot(CHANGED(record, json_string("nobody"), "input", "unanswered", "0", "author"), "author");
    expect_cannot(arena_strndup(arena, record, strlen(record) / 2), "at byte");
    expect_cannot("", "at byte");
    expect_cannot(CHANGED(record, json_string("no"), "model_answers", "1", "message"), "model_answers[1].message");
    expect_cannot(CHANGED(record, NULL, "receipts", "0", "passages", "0", "title"), "receipts[0].passages[0].title");
    expect_cannot("[]", "has no version");
    expect_cannot("null", "at byte 4");
}

Test(replay, no_place_of_a_record_can_be_broken_so_that_replay_breaks, .timeout = 240)
{
    const char *record = decide(tools_then_repair);
    size_t len = strlen(record);
    unsigned random = 1;

    for (int i = 0; i < 1500; i++) {
        struct arena *round = arena_new(64 << 20), *whole = arena;
        char *broken = arena_strdup(round, record);
        struct replayed_turn out = {0};

        for (int k = 0; k <= i % 3; k++) {
            random = random * 1103515245 + 12345;
            broken[random / 65536 * 7919 % len] = "\"{}[],:0a\\ n"[random / 256 % 12];
        }
        arena = round;
        turn_replay(broken, len, NULL, arena, &out, &err);
        cr_expect(out.outcome);
        arena = whole;
        arena_destroy(&round);
    }
}

/* ---- nothing beside ---- */

Test(replay, a_decision_reads_neither_environment_nor_settings_nor_clock)
{
    const char *record = decide(tools_then_repair), *again;
    const struct timespec moment = {.tv_sec = 1};

    setenv("TZ", "Asia/Tokyo", 1);
    setenv("LANG", "tr_TR.UTF-8", 1);
    setenv("LC_ALL", "ar_EG.UTF-8", 1);
    setenv("ANTHROPIC_API_KEY", "another", 1);
    setenv("ANTHROPIC_MODEL", "another", 1);
    setenv("LEADWIRE_AGENT_PATIENCE_SECONDS", "1", 1);
    tzset();
    nanosleep(&moment, NULL);
    again = decide(tools_then_repair);
    expect_same_bytes(record, again);
    expect_replayable(record);
}

/* An answer is given and kept whatever the model, the client or a form says, and is no longer than it may be. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "libshared/sms_segments.h"
#include "libshared/text.h"
#include "services/orchestrator/greeting/form_note.h"
#include "services/orchestrator/turn/reply_channel.h"
#include "services/orchestrator/turn/turn.h"
#include "services/orchestrator/turn/turn_decide.h"

#define TASK_MEMORY ((size_t)16 * 1024 * 1024) /* as of a task */

static struct arena *arena;
static struct err err;
static struct decision_lead lead;
static struct decision_message text;
static struct turn turn;
static const char *said; /* by the model, each time */

static void set_up(void)
{
    arena = arena_new(TASK_MEMORY);
    lead = (struct decision_lead){.score = "COLD"};
    text = (struct decision_message){.seq = 3, .author = "lead", .body = "Are you open today?", .created_at = 1};
    turn = (struct turn){.client_id = "c", .conversation_id = "v"};
    turn.in = (struct decision_input){.now = 1700000000123456,
                                      .local_time = "Monday 2026-11-23 09:30",
                                      .client_name = "Acme",
                                      .timezone = "UTC",
                                      .model = "claude-sonnet-5-5",
                                      .config = "{\"agent\":\"claude\"}",
                                      .config_version = 4,
                                      .state = "open",
                                      .channel = "sms",
                                      .lead = &lead,
                                      .unanswered = &text,
                                      .n_unanswered = 1};
}

static void tear_down(void)
{
    arena_destroy(&arena);
}

TestSuite(limits, .init = set_up, .fini = tear_down, .timeout = 60);

static int say(void *arg, const char *request, size_t len, struct arena *in, json_t *tries, json_t **ret_message,
               struct err *e)
{
    (void)arg, (void)request, (void)len, (void)in, (void)e;
    *ret_message =
        json_pack("{s:[{s:s, s:s}], s:s}", "content", "type", "text", "text", said, "stop_reason", "end_turn");
    cr_assert(*ret_message);
    json_array_append_new(tries, json_pack("{s:i, s:O}", "status", 200, "message", *ret_message));
    return 0;
}

static void decide(void)
{
    struct decider decider = {.api = {.call = say}, .arena = arena};

    cr_assert_eq(turn_decide(&decider, &turn, &err), 0, "%s: %s", err.field, err.text);
    cr_assert(turn.record);
}

/* sentence, so often that it takes at least so many bytes. */
static const char *repeat(const char *sentence, size_t bytes)
{
    size_t n = bytes / strlen(sentence) + 1;
    char *out = calloc(n, strlen(sentence) + 1);

    for (size_t i = 0; i < n; i++)
        memcpy(out + i * strlen(sentence), sentence, strlen(sentence));
    return out;
}

static void expect_within_limit(void)
{
    struct reply_limit limit = reply_limit(&turn.in);

    cr_expect(reply_fits(turn.out.reply, &limit), "%zu characters, %d segments: %s", utf8_count(turn.out.reply),
              sms_size(turn.out.reply).segments, turn.out.reply);
}

Test(limits, an_answer_of_a_megabyte_costs_no_answer)
{
    char *answer = (char *)repeat("We are open each day from nine to five and you are welcome ", 900000);

    said = answer;
    decide();
    cr_expect_str_eq(turn.out.agent, "claude");
    expect_within_limit();
    free(answer);
}

Test(limits, the_longest_answer_in_any_script_is_kept)
{
    char *answer = (char *)repeat("我们每天都开门。", 5000);

    turn.in.channel = "whatsapp";
    turn.in.config = "{\"agent\":\"claude\",\"reply_max_chars\":1600}";
    said = answer;
    decide();
    cr_expect_str_eq(turn.out.agent, "claude");
    expect_within_limit();
    free(answer);
}

Test(limits, what_code_puts_before_an_answer_counts)
{
    char *english = (char *)repeat("We are open each day. ", 400),
         *arabic = (char *)repeat("نحن مفتوحون كل يوم. ", 800);

    /* Who wants a person. */
    turn.in.config = "{\"agent\":\"claude\",\"reply_max_chars\":160}";
    text.body = "This is a scandal, I am furious! Are you open today?";
    said = english;
    decide();
    cr_expect(turn.out.escalate);
    expect_within_limit();

    text.body = "أنا غاضب جدا، هذا نصب! هل أنتم مفتوحون اليوم؟";
    turn.in.config = "{\"agent\":\"claude\"}";
    said = arabic;
    decide();
    expect_within_limit();

    /* Who asks whether it is a machine. */
    text.body = "هل أنت روبوت؟";
    decide();
    expect_within_limit();

    /* The first message. */
    text.body = "هل أنتم مفتوحون اليوم؟";
    turn.in.first_message = true;
    turn.in.config = "{\"agent\":\"claude\",\"disclosure_line\":\"أنا المساعد الآلي لشركة أكمي.\","
                     "\"first_message_opt_out_line\":\"أرسل STOP للإيقاف.\"}";
    decide();
    cr_expect(strstr(turn.out.reply, "STOP"));
    cr_expect(strstr(turn.out.reply, "المساعد الآلي"));
    expect_within_limit();
    free(english);
    free(arabic);
}

Test(limits, a_forms_language_that_is_none_costs_no_answer)
{
    turn.in.form_language = form_language("{\"form_id\":\"f\",\"language\":\"e\"}", arena);
    said = "Yes, we are.";
    decide();
    turn.in.form_language = form_language("{\"form_id\":\"f\",\"language\":\"\"}", arena);
    decide();
    turn.in.form_language = form_language("{\"form_id\":\"f\",\"language\":\"es-MX\"}", arena);
    cr_expect_str_eq(turn.in.form_language, "es-MX");
}

/* A text without a full stop is one sentence, however long it is. */
Test(limits, however_long_a_text_is_it_is_answered)
{
    static const char *const begins[] = {
        "text me on Tuesday at 10 please ",
        "call me on Tuesday at 10 please ",
        "I want an appointment tomorrow at 10 ",
        "my name is ",
        "my budget is $500 and I need a drain cleaning asap this week ",
        "I will sue you I want to talk to a person ",
        "I am looking for ",
        "do you offer ",
        "my email is ada@example.com and ",
        "escríbeme el martes a las 10 ",
        "راسلني يوم الثلاثاء ",
        "اتصل بي يوم الثلاثاء ",
    };
    static const char *const goes_on[] = {"and so on ", "Bartholomew ", "x", "ثم ", "drain cleaning $500 "};
    static const char *const agents[] = {"scripted", "claude"};

    said = "A colleague will look at that.";
    turn.in.lead_local_time = turn.in.local_time;
    for (size_t a = 0; a < COUNT_OF(agents); a++)
        for (size_t i = 0; i < COUNT_OF(begins); i++)
            for (size_t j = 0; j < COUNT_OF(goes_on); j++) {
                char *more = (char *)repeat(goes_on[j], 15000);
                struct decider decider = {.api = {.call = say}};

                arena_destroy(&arena);
                decider.arena = arena = arena_new(TASK_MEMORY);
                turn.in.config =
                    arena_printf(arena,
                                 "{\"agent\":\"%s\",\"services\":[\"Drain cleaning\"],\"follow_up_after_hours\":[1]}",
                                 agents[a]);
                text.body = arena_printf(arena, "%s%s", begins[i], more);
                err = (struct err){0};
                cr_expect_eq(turn_decide(&decider, &turn, &err), 0, "%s: %s%s: %s: %s", agents[a], begins[i],
                             goes_on[j], err.field, err.text);
                free(more);
            }
}

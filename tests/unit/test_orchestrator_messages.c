/* What goes with messages: notes of attachments, the language of a conversation, what the first message says. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/claude/prompt.h"
#include "services/orchestrator/greeting/first_message.h"
#include "services/orchestrator/scripted/agent_scripted.h"
#include "services/orchestrator/scripted/language.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/media_note.h"
#include "services/orchestrator/turn/reply.h"

static struct arena *arena;
static struct err err;
static struct decision_lead lead = {.score = "COLD"};
static struct decision_message history[2], texts[2];
static struct decision_input in;

static void set_up(void)
{
    arena = arena_new(4 * 1024 * 1024);
    memset(&err, 0, sizeof err);
    in = (struct decision_input){.now = 1,
                                 .local_time = "Monday 2026-11-23 09:30",
                                 .client_name = "Acme Plumbing",
                                 .timezone = "UTC",
                                 .config = "{}",
                                 .config_version = 1,
                                 .state = "open",
                                 .lead = &lead,
                                 .unanswered = texts,
                                 .history = history};
}

static void tear_down(void)
{
    arena_destroy(&arena);
}

static struct decision_message text(const char *body, const char *note)
{
    return (struct decision_message){.seq = 1, .author = "lead", .body = body, .note = note, .created_at = 1};
}

TestSuite(orchestrator_messages, .init = set_up, .fini = tear_down, .timeout = 10);

Test(orchestrator_messages, attachments_are_counted_by_kind)
{
    static const struct {
        const char *media, *note;
    } cases[] = {
        {"[{\"url\":\"u\",\"content_type\":\"image/jpeg\"}]", "[the lead sent a photo]"},
        {"[{\"content_type\":\"image/jpeg\"},{\"content_type\":\"application/pdf\"},{\"content_type\":\"image/png\"}]",
         "[the lead sent 2 photos and a PDF]"},
        {"[{\"content_type\":\"audio/ogg\"}]", "[the lead sent an audio message]"},
        {"[{\"content_type\":\"image/png\"},{\"content_type\":\"video/mp4\"},{\"content_type\":\"text/vcard\"}]",
         "[the lead sent a photo, a video and a contact card]"},
        {"[{\"url\":\"u\"},{\"content_type\":5}]", "[the lead sent 2 files]"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_str_eq(media_note(cases[i].media, arena), cases[i].note);
    cr_expect_null(media_note(NULL, arena));
    cr_expect_null(media_note("[]", arena));
    cr_expect_null(media_note("{\"a\":1}", arena));
    cr_expect_null(media_note("no json", arena));
}

Test(orchestrator_messages, the_last_text_that_tells_is_the_language)
{
    static const struct {
        const char *before, *now, *config;
        enum language language;
    } cases[] = {
        {"", "", "{}", LANGUAGE_ENGLISH},
        {"", "", "{\"language\":\"es-MX\"}", LANGUAGE_SPANISH},
        {"", "", "{\"language\":\"ar\"}", LANGUAGE_ARABIC},
        {"Hola, necesito un plomero", "", "{}", LANGUAGE_SPANISH},
        {"مرحبا، أحتاج إلى سباك", "", "{\"language\":\"en\"}", LANGUAGE_ARABIC},
        {"Hola, necesito un plomero", "How much is it for the boiler?", "{}", LANGUAGE_ENGLISH},
        {"How much is it?", "¿Cuánto cuesta?", "{}", LANGUAGE_SPANISH},
        {"", "ok", "{\"language\":\"es\"}", LANGUAGE_SPANISH},
    };

    in.n_history = in.n_unanswered = 1;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        history[0] = text(cases[i].before, NULL);
        texts[0] = text(cases[i].now, NULL);
        in.config = cases[i].config;
        cr_expect_eq(language_of(&in, arena), cases[i].language, "%s | %s", cases[i].before, cases[i].now);
    }
}

Test(orchestrator_messages, a_bare_photo_is_acknowledged_in_the_language_and_is_no_miss)
{
    static const struct {
        const char *before, *thanks;
    } cases[] = {
        {"Hi, my sink leaks, can you help?", "Thanks for the photo!"},
        {"Hola, tengo una fuga en la cocina", "¡Gracias por la foto!"},
        {"عندي تسرب في المطبخ", "شكرًا على الصورة!"},
    };
    struct decision_output out;

    in.n_history = in.n_unanswered = 1;
    in.misses = 1;
    in.asked = "urgency";
    texts[0] = text("", "[the lead sent a photo]");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        history[0] = text(cases[i].before, NULL);
        cr_assert_eq(agent_scripted(&in, arena, &out, &err), 0, "%s", err.text);
        cr_expect_eq(strncmp(out.reply, cases[i].thanks, strlen(cases[i].thanks)), 0, "%s", out.reply);
        cr_expect_eq(out.misses, 1);
        cr_expect_str_eq(out.asked, "urgency");
        cr_expect_not(out.escalate);
    }
}

Test(orchestrator_messages, a_photo_with_words_is_answered_by_the_words)
{
    struct decision_output out;

    in.n_unanswered = 1;
    texts[0] = text("are you a bot?", "[the lead sent a photo]");
    cr_assert_eq(agent_scripted(&in, arena, &out, &err), 0);
    cr_expect(strstr(out.reply, "automated assistant"), "%s", out.reply);
}

Test(orchestrator_messages, an_empty_text_alone_is_answered_too)
{
    struct decision_output out;

    in.n_unanswered = 1;
    texts[0] = text("", NULL);
    cr_assert_eq(agent_scripted(&in, arena, &out, &err), 0, "%s", err.text);
    cr_expect(*out.reply);
}

Test(orchestrator_messages, the_model_is_told_of_attachments_within_the_fence)
{
    json_t *messages;
    size_t first;
    char *dumped;

    in.n_history = in.n_unanswered = 1;
    history[0] = text("", "[the lead sent 2 photos and a PDF]");
    texts[0] = text("what is <this>?", "[the lead sent a photo]");
    messages = prompt_messages(&in, &first);
    dumped = json_dumps(messages, 0);
    cr_expect(strstr(dumped, "<lead_message>[the lead sent 2 photos and a PDF]</lead_message>"), "%s", dumped);
    cr_expect(strstr(dumped, "<lead_message>what is &lt;this>?\\n[the lead sent a photo]</lead_message>"), "%s",
              dumped);
    free(dumped);
    json_decref(messages);
}

Test(orchestrator_messages, the_first_message_names_the_business_once)
{
    cr_expect_str_eq(first_message(arena, &(struct first_message){.name = "Acme", .line = NULL}, "We are open.", 320),
                     "Acme: We are open.");
    cr_expect_str_eq(first_message(arena, &(struct first_message){.name = "Acme", .line = NULL}, "Hi, this is ACME.",
                                   320),
                     "Hi, this is ACME.");
    cr_expect_str_eq(first_message(arena, &(struct first_message){.name = "Joe's Pipes", .line = NULL},
                                   "Joes Pipes here.", 320),
                     "Joes Pipes here.");
    cr_expect_str_eq(first_message(arena, &(struct first_message){.name = "Acme", .line = NULL}, "Acmes are not it.",
                                   320),
                     "Acme: Acmes are not it.");
    cr_expect_str_eq(first_message(arena, &(struct first_message){.name = "سباكة النور", .line = NULL}, "نحن مفتوحون.",
                                   320),
                     "سباكة النور: نحن مفتوحون.");
    cr_expect_str_eq(first_message(arena, &(struct first_message){.name = "سباكة النور", .line = NULL},
                                   "هنا سباكة النور.", 320),
                     "هنا سباكة النور.");
    cr_expect_str_eq(first_message(arena, &(struct first_message){.name = "!", .line = NULL}, "Hi.", 320), "!: Hi.");
}

Test(orchestrator_messages, the_first_message_discloses_what_the_client_wants_disclosed)
{
    const struct first_message acme = {.name = "Acme",
                                       .disclosure = "I am the automated assistant of Acme.",
                                       .line = "Reply STOP to opt out."};
    const struct first_message bare = {.name = "Acme", .disclosure = "A machine writes this."};
    struct first_message longest = {.name = "Acme"};
    char disclosure[161], draft[400];

    cr_expect_str_eq(first_message(arena, &acme, "We are open.", 320),
                     "I am the automated assistant of Acme. We are open.\nReply STOP to opt out.");
    cr_expect_str_eq(first_message(arena, &bare, "We are open.", 320), "Acme: A machine writes this. We are open.");
    cr_expect_str_eq(first_message(arena, &bare, "Hi, Acme here. A machine writes this.", 320),
                     "Hi, Acme here. A machine writes this.");
    memset(disclosure, 'd', 160);
    memset(draft, 'x', 399);
    disclosure[160] = draft[399] = '\0';
    longest.disclosure = disclosure;
    cr_expect(strstr(first_message(arena, &longest, draft, 320), disclosure), "it is never cut");
    cr_expect_leq(utf8_count(first_message(arena, &longest, draft, 320)), 320);
}

Test(orchestrator_messages, the_opt_out_line_stands_at_the_end_whole)
{
    static const char line[] = "Reply STOP to opt out.";
    static const char draft[] =
        "We are open Monday to Friday from 8 am to 6 pm. On Saturdays we are open from 9 am to 1 pm. We are closed on "
        "Sundays and on public holidays. In an emergency our plumbers are on call day and night, every day of the "
        "year. A standard visit takes about an hour, and we always call before we come. Is it urgent?";
    const char *message = first_message(arena, &(struct first_message){.name = "Acme", .line = line}, draft, REPLY_MAX);

    cr_expect_leq(utf8_count(message), REPLY_MAX);
    cr_expect_eq(strncmp(message, "Acme: We are open", 17), 0);
    cr_expect_str_eq(message + strlen(message) - strlen(line), line);
    cr_expect_str_eq(first_message(arena, &(struct first_message){.name = "Acme", .line = line},
                                   "Hi. Reply STOP to opt out.", 320),
                     "Acme: Hi. Reply STOP to opt out.");
    cr_expect_eq(utf8_count(first_message(arena, &(struct first_message){.name = "Acme", .line = line}, draft, 0)),
                 strlen(draft) + 6 + 1 + strlen(line));
}

Test(orchestrator_messages, a_draft_keeps_some_room_beside_a_long_name_and_line)
{
    char name[201], line[161];
    const char *message;

    memset(name, 'n', 200);
    memset(line, 'l', 160);
    name[200] = line[160] = '\0';
    message = first_message(arena, &(struct first_message){.name = name, .line = line},
                            "A short answer that stays as it is.", 320);
    cr_expect(strstr(message, "A short answer that stays as it is."), "%s", message);
}

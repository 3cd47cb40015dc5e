/* What people write beside questions: thanks, needs, trouble, two questions in one breath. */
#include <criterion/criterion.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/err.h"
#include "services/orchestrator/scripted/agent_scripted.h"
#include "services/orchestrator/scripted/intents.h"
#include "services/orchestrator/turn/decision.h"

static struct arena *arena;
static struct err err;
static struct decision_lead lead;
static struct decision_message before, text;
static struct decision_input in;
static struct decision_output out;
static struct passage passages[] = {
    {.chunk_id = "a",
     .document_id = "d",
     .kb_id = "k",
     .title = "Do you do emergency repairs?",
     .body = "Yes, we tarp leaking roofs within 4 hours.",
     .score = 0.9},
    {.chunk_id = "b",
     .document_id = "e",
     .kb_id = "k",
     .title = "Are you insured?",
     .body = "We carry $2M liability insurance.",
     .score = 0.8},
};

static void set_up(void)
{
    arena = arena_new(4 * 1024 * 1024);
    memset(&err, 0, sizeof err);
    lead = (struct decision_lead){.score = "COLD"};
    before =
        (struct decision_message){.seq = 1, .author = "agent", .body = "Hi, this is Acme Roofing.", .created_at = 1};
    in = (struct decision_input){.now = 1,
                                 .local_time = "Monday 2026-11-23 09:30",
                                 .client_name = "Acme Roofing",
                                 .timezone = "UTC",
                                 .config = "{}",
                                 .config_version = 1,
                                 .state = "open",
                                 .lead = &lead,
                                 .history = &before,
                                 .n_history = 1,
                                 .unanswered = &text,
                                 .n_unanswered = 1};
}

static void tear_down(void)
{
    arena_destroy(&arena);
}

static const char *reply_to(const char *asked, const char *body)
{
    in.asked = asked;
    text = (struct decision_message){.seq = 2, .author = "lead", .body = body, .created_at = 1};
    cr_assert_eq(agent_scripted(&in, arena, &out, &err), 0, "%s", err.text);
    return out.reply;
}

TestSuite(talk, .init = set_up, .fini = tear_down, .timeout = 10);

Test(talk, thanks_are_thanks_whatever_was_asked_for)
{
    static const char *const thanks[] = {"thanks", "ok thank you so much", "Great, thx!", "muchas gracias", "thank u"};
    static const char *const asked[] = {"service", "budget", "urgency", "timeline", NULL};

    for (size_t i = 0; i < COUNT_OF(thanks); i++)
        for (size_t k = 0; k < COUNT_OF(asked); k++) {
            reply_to(asked[k], thanks[i]);
            cr_expect(strstr(out.reply, "You're welcome!") || strstr(out.reply, "¡De nada!"), "%s: %s", thanks[i],
                      out.reply);
            cr_expect_null(out.service_interest, "%s: %s", thanks[i], out.service_interest);
        }
}

Test(talk, who_only_agrees_is_asked_for_nothing_new)
{
    static const char *const agreed[] = {"perfect", "sounds good", "Ok, got it", "alright"};

    for (size_t i = 0; i < COUNT_OF(agreed); i++)
        cr_expect(strstr(reply_to(NULL, agreed[i]), "All right."), "%s: %s", agreed[i], out.reply);
    cr_expect_not(strstr(reply_to(NULL, "hello"), "anything else"), "%s", out.reply);
}

Test(talk, a_farewell_is_no_date)
{
    static const char *const farewells[] = {"perfecto, hasta luego", "ok have a good day", "great, see ya"};

    for (size_t i = 0; i < COUNT_OF(farewells); i++) {
        reply_to("timeline", farewells[i]);
        cr_expect_null(out.timeline, "%s: %s", farewells[i], out.timeline);
    }
}

Test(talk, a_need_is_taken_with_its_time_left_out)
{
    reply_to(NULL, "I need a new roof in the spring");
    cr_expect_str_eq(out.service_interest, "new roof");
    cr_expect(out.timeline && strstr(out.timeline, "spring"));
}

Test(talk, trouble_is_what_is_wanted)
{
    reply_to(NULL, "my roof has a hole, water everywhere");
    cr_expect_str_eq(out.service_interest, "roof has a hole");
    cr_expect_not(strstr(out.reply, "What do you need help with?"), "%s", out.reply);
}

Test(talk, who_is_in_trouble_is_told_what_helps_and_not_asked_for_a_budget)
{
    in.passages = passages;
    in.n_passages = 1;
    reply_to(NULL, "my roof is leaking right now, this is an emergency!!");
    cr_expect(strstr(out.reply, "within 4 hours"), "%s", out.reply);
    cr_expect_not(strstr(out.reply, "budget"), "%s", out.reply);
}

Test(talk, a_first_name_before_an_email_is_a_name)
{
    reply_to(NULL, "Tom, tom@example.org");
    cr_expect_str_eq(out.name, "Tom");
    cr_expect_str_eq(out.email, "tom@example.org");
}

Test(talk, two_questions_in_one_sentence_are_two)
{
    static const struct {
        const char *text;
        size_t n;
        const char *first, *second;
    } cases[] = {
        {"do u work in cambridge and how much for an inspection", 2, "do u work in cambridge", "how much for"},
        {"How long does it take and are you insured?", 2, "How long does it take", "are you insured?"},
        {"I need a roof. budget is 12k. how long is it and do you finance", 2, "how long is it", "do you finance"},
        {"hi do you do metal roofs", 1, "hi do you do metal roofs", NULL},
        {"was wondering if you take cards", 1, "was wondering if", NULL},
        {"hola, quería saber si trabajan los sábados", 1, "saber si trabajan", NULL},
        {"ok, hay una fuga", 0, NULL, NULL},
        {"¿Cuánto cuesta la visita y aceptan tarjeta?", 2, "Cuánto cuesta la visita", "aceptan tarjeta?"},
        {"How much is the wash and wax?", 1, "How much is the wash and wax?", NULL},
        {"I need a roof and will pay cash", 0, NULL, NULL},
        {"Are you open 9 a.m. to 5 p.m. on Fridays?", 1, "Are you open 9 a.m. to 5 p.m. on Fridays?", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *found[4] = {0};

        cr_assert_eq(intents_questions(arena, cases[i].text, found, COUNT_OF(found)), cases[i].n, "%s", cases[i].text);
        if (cases[i].first)
            cr_expect(strstr(found[0], cases[i].first), "%s", found[0]);
        if (cases[i].second)
            cr_expect_eq(strncmp(found[1], cases[i].second, strlen(cases[i].second)), 0, "%s", found[1]);
    }
}

Test(talk, both_of_two_questions_in_one_sentence_are_answered)
{
    in.passages = passages;
    in.n_passages = 2;
    reply_to(NULL, "do you come out at night and are you insured");
    cr_expect(strstr(out.reply, "within 4 hours"), "%s", out.reply);
    cr_expect(strstr(out.reply, "$2M"), "%s", out.reply);
}

Test(talk, a_question_within_a_sentence_is_one_without_a_mark)
{
    static const char *const asks[] = {"sweet when r u open sunday",
                                       "k then what time do you close",
                                       "we have like 2500 saved can we pay in parts",
                                       "my dog is huge and old is it a problem",
                                       "that's his fur right now can u fix that",
                                       "طيب عندكم موقف سيارات",
                                       "السلام عليكم بغيت اسأل عن الجنسية كم تكلف"};
    static const char *const tells[] = {"let me know if you can do it",       "not sure how long it has been dripping",
                                        "I'll come as soon as you can do it", "hello??",
                                        "hi there, my sofa is broken",        "ok?"};

    for (size_t i = 0; i < COUNT_OF(asks); i++)
        cr_expect_eq(intents_read(arena, asks[i], NULL).questions, 1, "%s", asks[i]);
    for (size_t i = 0; i < COUNT_OF(tells); i++)
        cr_expect_eq(intents_read(arena, tells[i], NULL).questions, 0, "%s", tells[i]);
}

Test(talk, who_waits_for_a_colleague_is_told_so_and_not_that_nobody_knows)
{
    in.state = "escalated";
    cr_expect(strstr(reply_to(NULL, "hello??"), "A colleague has been told"), "%s", out.reply);
    cr_expect(strstr(reply_to(NULL, "?"), "A colleague has been told"), "%s", out.reply);
    cr_expect_not(strstr(out.reply, "I don't know"), "%s", out.reply);
}

Test(talk, who_asks_who_writes_is_told)
{
    static const char *const asks[] = {"who is this", "sorry who's this?", "¿Con quién hablo?", "مين معي"};

    for (size_t i = 0; i < COUNT_OF(asks); i++)
        cr_expect(strstr(reply_to(NULL, asks[i]), "Acme Roofing"), "%s: %s", asks[i], out.reply);
    reply_to(NULL, "wrong number, who is this?");
    cr_expect(strstr(out.reply, "Acme Roofing"), "%s", out.reply);
}

Test(talk, who_asks_for_a_time_is_asked_back_by_a_person)
{
    static const struct {
        const char *text, *timeline;
    } cases[] = {{"u free on june 12 2027?", "June 12"},
                 {"thx. can i come see the place sat?", "Saturday"},
                 {"next mon 10am work?", "Monday"},
                 {"can u do tomorow morning", "tomorrow"},
                 {"wen can i bring her in, fri arvo?", "Friday"},
                 {"any openings oct 3rd", "October 3"},
                 {"can you come on 15/7", "15/7"},
                 {"¿tienen hueco el 3 de julio?", "July 3"},
                 {"ممكن اجي بعد العيد", "after Eid"},
                 {"Tomorrow afternoon by video?", "tomorrow"},
                 {"any chance this week?", "this week"},
                 {"ok let's do it, sign me up for saturday", "Saturday"}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        reply_to(NULL, cases[i].text);
        cr_expect(out.escalate, "%s: %s", cases[i].text, out.reply);
        cr_expect_str_eq(out.timeline ? out.timeline : "", cases[i].timeline, "%s: %s", cases[i].text, out.timeline);
    }
}

Test(talk, a_time_is_no_wish_where_it_is_none)
{
    static const char *const texts[] = {"are you open 24/7?", "do you work on saturdays?", "my cat sat on the sofa",
                                        "it may 3 people be", "still open today?",         "u open sunday?"};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reply_to(NULL, texts[i]);
        cr_expect_null(out.timeline, "%s: %s", texts[i], out.timeline);
    }
}

Test(talk, another_time_for_an_appointment_is_no_question)
{
    in.passages = passages;
    in.n_passages = 2;
    lead.evidence = "{\"appointment\": {\"seq\": 1, \"words\": \"can i come in\"}}";
    reply_to(NULL, "how about friday at 2pm?");
    cr_expect_str_eq(out.timeline ? out.timeline : "", "Friday");
    cr_expect_not(strstr(out.reply, "roofs"), "%s", out.reply);
}

Test(talk, what_names_no_need_is_none_though_we_have_asked_for_one)
{
    static const char *const texts[] = {"se llama Luis",
                                        "how much would that be lol",
                                        "actually make it friday",
                                        "وهل عندكم مترجم عربي",
                                        "bueno gracias, lo voy a pensar",
                                        "Just following up on my last message",
                                        "we r thinking around $4000",
                                        "who is this"};
    static const struct {
        const char *text, *service;
    } needs[] = {{"a fence, budget is $3000", "a fence"},
                 {"can you fix my gutter", "can you fix my gutter"},
                 {"wedding photos", "wedding photos"}};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reply_to("service", texts[i]);
        cr_expect_null(out.service_interest, "%s: %s", texts[i], out.service_interest);
    }
    for (size_t i = 0; i < COUNT_OF(needs); i++) {
        reply_to("service", needs[i].text);
        cr_expect_str_eq(out.service_interest ? out.service_interest : "", needs[i].service, "%s", needs[i].text);
    }
}

Test(talk, what_is_urgent_is_said_once_and_not_in_the_leads_own_words)
{
    lead.service_interest = "my husband was arrested";
    reply_to(NULL, "please hurry, it is urgent");
    cr_expect_str_eq(out.score, "HOT");
    cr_expect(strstr(out.reply, "urgent"), "%s", out.reply);
    cr_expect_not(strstr(out.reply, "husband"), "%s", out.reply);
    lead = (struct decision_lead){.score = "HOT", .service_interest = "bail", .urgency = "high"};
    reply_to(NULL, "my name is Maria Elena Fuentes");
    cr_expect_str_eq(out.score, "HOT");
    cr_expect_not(strstr(out.reply, "urgent"), "%s", out.reply);
    cr_expect_str_eq(out.name, "Maria Elena Fuentes");
}

Test(talk, a_name_ends_where_it_ends_and_is_the_leads_own)
{
    static const struct {
        const char *text, *name;
    } cases[] = {{"my name's Tess btw, tess@example.org", "Tess"},
                 {"his name is biscuit lol", ""},
                 {"My dog's name is Rex", ""},
                 {"the name is Bond", "Bond"},
                 {"اسمي محمد العلي", "محمد العلي"},
                 {"me llamo ana y quiero una cita", "ana"}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        reply_to(NULL, cases[i].text);
        cr_expect_str_eq(out.name ? out.name : "", cases[i].name, "%s", cases[i].text);
    }
}

Test(talk, a_year_in_words_is_no_budget)
{
    reply_to(NULL, "I came in two thousand nineteen and have a student visa");
    cr_expect_null(out.budget_range, "%s", out.budget_range);
    reply_to(NULL, "I can spend two thousand");
    cr_expect_str_eq(out.budget_range, "2000");
}

Test(talk, who_complains_or_wants_staff_gets_a_person)
{
    static const char *const texts[] = {"u guys suck. machines broken again",
                                        "your bot is useless, get me staff",
                                        "you cut my dogs ear!!",
                                        "the table arrived broken",
                                        "me llegó la mesa rota!!!",
                                        "عايز اكلم الدكتور",
                                        "بشتكي عليكم وزارة الصحة"};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reply_to(NULL, texts[i]);
        cr_expect(out.escalate, "%s: %s", texts[i], out.reply);
    }
}

Test(talk, who_cancels_is_not_told_that_an_appointment_is_wanted)
{
    static const char *const texts[] = {"I want to cancel my appointment on friday",
                                        "cant make it tmrw, can we reschedule", "quiero cancelar mi cita del lunes",
                                        "ابي الغي موعدي"};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reply_to(NULL, texts[i]);
        cr_expect(out.escalate, "%s: %s", texts[i], out.reply);
        cr_expect_not(strstr(out.reply, "like an appointment") || strstr(out.reply, "desea una cita"), "%s", out.reply);
    }
}

Test(talk, how_something_of_their_own_stands_only_people_know)
{
    static const char *const texts[] = {"is my dog ready?", "where's my order", "whats ur number",
                                        "¿dónde está mi pedido?"};

    in.passages = passages;
    in.n_passages = 2;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reply_to(NULL, texts[i]);
        cr_expect(out.escalate, "%s: %s", texts[i], out.reply);
        cr_expect_not(strstr(out.reply, "roofs"), "%s", out.reply);
    }
}

Test(talk, who_may_be_in_danger_is_told_whom_to_call)
{
    reply_to(NULL, "i sprayed myself n my eyes burn, call 911?");
    cr_expect(strstr(out.reply, "emergency services"), "%s", out.reply);
    cr_expect(out.escalate);
}

Test(talk, what_does_not_help_is_not_said_to_who_is_in_trouble)
{
    in.passages = &passages[1];
    in.n_passages = 1;
    reply_to(NULL, "URGENT my roof is leaking");
    cr_expect_not(strstr(out.reply, "insurance"), "%s", out.reply);
}

Test(talk, an_ok_before_something_else_answers_nothing)
{
    reply_to("urgency", "ok book it");
    cr_expect_null(out.urgency, "%s", out.urgency);
    in.passages = &passages[1];
    in.n_passages = 1;
    reply_to("handover", "ok and are you insured");
    cr_expect(strstr(out.reply, "$2M"), "%s", out.reply);
    reply_to("handover", "ok");
    cr_expect(out.escalate);
    in.n_passages = 0;
    cr_expect_not(strstr(reply_to(NULL, "yes"), "anything else"), "%s", out.reply);
}

Test(talk, what_books_or_tells_a_sum_or_a_name_is_no_service)
{
    in.config = "{\"services\": [\"SAT prep\", \"bed bug treatment\"]}";
    reply_to("service", "ok book me sunday 5pm");
    cr_expect_null(out.service_interest, "%s", out.service_interest);
    cr_expect_str_eq(out.timeline, "Sunday");
    reply_to("service", "around 200 to 250");
    cr_expect_null(out.service_interest, "%s", out.service_interest);
    cr_expect_str_eq(out.budget_range, "200-250");
    reply_to("service", "Priya Raman");
    cr_expect_null(out.service_interest, "%s", out.service_interest);
    cr_expect_str_eq(out.name, "Priya Raman");
    reply_to("budget", "december 20");
    cr_expect_null(out.budget_range, "%s", out.budget_range);
    reply_to(NULL, "bed bugs, 2 rooms how much total");
    cr_expect_str_eq(out.service_interest, "bed bug treatment");
    reply_to(NULL, "HELP theres wasps in my babys room");
    cr_expect_str_eq(out.service_interest, "wasps in my babys room");
    reply_to("timeline", "32");
    cr_expect_null(out.budget_range, "%s", out.budget_range);
}

Test(talk, a_time_by_itself_and_a_sigh_are_no_service)
{
    static const char *const texts[] = {"Thursday or Friday", "es el 14 de febrero", "الخميس المغرب", "damn ok",
                                        "ah ok gracias",      "answer me",           "i didnt text u"};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reply_to("service", texts[i]);
        cr_expect_null(out.service_interest, "%s: %s", texts[i], out.service_interest);
    }
    reply_to("service", "roof repair next week");
    cr_expect_str_eq(out.service_interest, "roof repair next week");
}

Test(talk, a_weight_and_a_house_number_are_no_budget_and_a_morning_is_not_tomorrow)
{
    reply_to("budget", "hes 70 pounds");
    cr_expect_null(out.budget_range, "%s", out.budget_range);
    reply_to("budget", "calle mayor 5");
    cr_expect_null(out.budget_range, "%s", out.budget_range);
    reply_to("budget", "70 pounds");
    cr_expect_str_eq(out.budget_range, "£70");
    reply_to(NULL, "la quiero el sábado por la mañana");
    cr_expect_str_eq(out.timeline, "Saturday");
    reply_to(NULL, "la quiero mañana por la mañana");
    cr_expect_str_eq(out.timeline, "tomorrow");
    reply_to(NULL, "vengan a las 10 de la mañana");
    cr_expect_null(out.timeline, "%s", out.timeline);
}

Test(talk, who_sells_is_no_lead_and_who_looks_for_work_gets_a_person)
{
    in.n_history = 0;
    reply_to(NULL, "Congrats! You qualify for up to $150,000 business loan. Reply to apply");
    cr_expect_null(out.budget_range, "%s", out.budget_range);
    cr_expect_str_eq(out.score, "COLD");
    cr_expect_not(strchr(out.reply, '?'), "%s", out.reply);
    reply_to(NULL, "hi im a roofer looking for a job, are u hiring?");
    cr_expect(out.escalate, "%s", out.reply);
    reply_to(NULL, "hi how r u");
    cr_expect(strstr(out.reply, "this is Acme Roofing"), "%s", out.reply);
    reply_to(NULL, "booking NT-20931");
    cr_expect_not(strstr(out.reply, "like an appointment"), "%s", out.reply);
}

Test(talk, a_question_is_no_time_and_a_day_takes_nothing_from_a_budget)
{
    in.passages = &passages[1];
    in.n_passages = 1;
    reply_to("timeline", "ok what papers do i bring");
    cr_expect_null(out.timeline, "%s", out.timeline);
    cr_expect_not(strstr(out.reply, "papers"), "%s", out.reply);
    reply_to("service", "who do i send cv to");
    cr_expect_null(out.service_interest, "%s", out.service_interest);
    in.n_passages = 0;
    reply_to(NULL, "we r thinking oct 3rd, budget around 3-4k");
    cr_expect_str_eq(out.budget_range, "3000-4000");
    cr_expect_str_eq(out.timeline, "October 3");
    reply_to(NULL, "wen can i bring her back");
    cr_expect(out.escalate, "%s", out.reply);
}

Test(talk, a_day_is_said_back_only_where_the_lead_has_said_it)
{
    cr_expect(strstr(reply_to(NULL, "can you come tomorrow"), "(tomorrow)"), "%s", out.reply);
    cr_expect_not(strstr(reply_to(NULL, "can u come tmrw"), "tomorrow"), "%s", out.reply);
    cr_expect_str_eq(out.timeline, "tomorrow");
    cr_expect_not(strstr(reply_to(NULL, "ابي موعد بكرا العصر"), "غد"), "%s", out.reply);
    cr_expect(strstr(reply_to(NULL, "ابي موعد غدا"), "غد"), "%s", out.reply);
    cr_expect(strstr(reply_to(NULL, "can you come fri"), "(Friday)"), "%s", out.reply);
}

Test(talk, who_tells_what_is_urgent_is_hot_in_whatever_words)
{
    static const char *const alarms[] = {"mi esposo esta detenido por ICE desde ayer necesito ayuda urgente",
                                         "ICE is at my door right now", "the horse got out again, please hurry"};
    static const char *const none[] = {"it is urgent", "please answer asap", "URGENT!!!"};

    for (size_t i = 0; i < COUNT_OF(alarms); i++) {
        reply_to(NULL, alarms[i]);
        cr_expect_str_eq(out.score, "HOT", "%s: %s", alarms[i], out.reply);
        cr_expect_not(strstr(out.reply, "help with?"), "%s: %s", alarms[i], out.reply);
    }
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        reply_to(NULL, none[i]);
        cr_expect_null(out.service_interest, "%s: %s", none[i], out.service_interest);
    }
}

Test(talk, a_yes_to_another_question_is_not_said)
{
    in.passages = passages;
    in.n_passages = 1;
    reply_to(NULL, "es gratis?");
    cr_expect_not(strstr(out.reply, "Yes"), "%s", out.reply);
    cr_expect(strstr(reply_to(NULL, "can you do a repair at night"), "Yes, we tarp"), "%s", out.reply);
}

Test(talk, what_sounds_alike_is_not_the_same)
{
    cr_expect_not(strstr(reply_to(NULL, "are you on fire lol"), "emergency"), "%s", out.reply);
    reply_to("budget", "gate code 4471");
    cr_expect_null(out.budget_range, "%s", out.budget_range);
    reply_to("urgency", "ok");
    cr_expect_null(out.urgency, "%s", out.urgency);
    cr_expect_not(strstr(reply_to(NULL, "ok will tell you tomorrow"), "reliable"), "%s", out.reply);
    reply_to(NULL, "ok come friday 8am");
    cr_expect(out.escalate, "%s", out.reply);
    reply_to("service", "sat works");
    cr_expect_null(out.service_interest, "%s", out.service_interest);
}

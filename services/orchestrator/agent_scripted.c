/* agent_scripted.c - see agent_scripted.h. English; what it says about itself and about what happens next is true. */
#include "services/orchestrator/agent_scripted.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/client_config.h"
#include "services/orchestrator/decision.h"
#include "services/orchestrator/language.h"
#include "services/orchestrator/qualify.h"
#include "services/orchestrator/quote.h"
#include "services/orchestrator/reply.h"
#include "services/orchestrator/words.h"

#define MISSES_MAX    2 /* answers in a row that knew nothing, before a person is called */
#define SENTENCES_MAX 40

/* What the unanswered texts want, all of them together. */
struct intents {
    bool bot, human, booking, greeting, thanks, yes;
    int questions;
};

static const char *const bot_phrases[] = {"are you a bot",
                                          "are you a robot",
                                          "is this a bot",
                                          "is this a robot",
                                          "are you human",
                                          "are you a human",
                                          "are you real",
                                          "are you a real person",
                                          "is this a real person",
                                          "is this a person",
                                          "are you a person",
                                          "are you an ai",
                                          "are you ai",
                                          "is this ai",
                                          "is this an ai",
                                          "am i talking to a",
                                          "talking to a bot",
                                          "talking to a machine",
                                          "is this automated",
                                          "are you a machine",
                                          "you a bot",
                                          "chatbot",
                                          "is this a computer",
                                          "are you a computer",
                                          "is this a human",
                                          NULL};
static const char *const human_phrases[] = {"talk to a person",
                                            "talk to someone",
                                            "talk to a human",
                                            "talk to somebody",
                                            "talk to a real",
                                            "speak to a person",
                                            "speak to someone",
                                            "speak to a human",
                                            "speak with someone",
                                            "speak with a",
                                            "speak to somebody",
                                            "speak to a",
                                            "talk with a",
                                            "real person please",
                                            "human please",
                                            "a human being",
                                            "have someone call",
                                            "someone call me",
                                            "call me back",
                                            "please call me",
                                            "give me a call",
                                            "your manager",
                                            "the manager",
                                            "a manager",
                                            "representative",
                                            "customer service",
                                            "get me a human",
                                            "want a human",
                                            "need a human",
                                            "a real human",
                                            NULL};
static const char *const booking_phrases[] = {"book",          "appointment",    "schedule",
                                              "reserve",       "come out",       "someone come",
                                              "somebody come", "can you come",   "could you come",
                                              "come today",    "come tomorrow",  "come by",
                                              "come over",     "send someone",   "send somebody",
                                              "set up a time", "set up a visit", "stop by",
                                              "fit me in",     "see me",         "availability",
                                              "when can you",  "when could you", "a viewing",
                                              "a showing",     "a visit",        NULL};
static const char *const greeting_phrases[] = {"hi",           "hello",          "hey",       "hiya",  "good morning",
                                               "good evening", "good afternoon", "greetings", "howdy", NULL};
static const char *const thanks_phrases[] = {"thanks", "thank you", "thx", "ty", "cheers", "appreciate it", NULL};
static const char *const yes_phrases[] = {"yes", "yes please", "yeah",   "yep",       "sure",
                                          "ok",  "okay",       "please", "please do", NULL};
static const char *const question_starts[] = {" what ", " how ", " when ", " where ", " who ", " why ", " which ",
                                              " do you ", " does ", " can you ", " can i ", " is ", " are ", " could ",
                                              " would ", " will ", " whats ", " hows ", " do u ", " any ", " price ",
                                              " cost ", " tell me ", " i want to know ", " i would like to know ",
                                              /* Spanish and Arabic, where a question mark is often left out */
                                              " cuánto ", " cuanto ", " cuándo ", " cuando ", " dónde ", " donde ",
                                              " qué ", " que ", " cómo ", " como ", " cuál ", " cual ", " tienen ",
                                              " hacen ", " puedo ", " هل ", " كم ", " بكم ", " متى ", " أين ", " اين ",
                                              " كيف ", " ما ", " ماذا ", " لماذا ", " من "};

static bool is_question(const struct sentence *s)
{
    if (s->question)
        return true;
    for (size_t i = 0; i < COUNT_OF(question_starts); i++)
        if (strncmp(s->folded, question_starts[i], strlen(question_starts[i])) == 0)
            return true;
    return words_have(s->folded, "how much");
}

static struct intents read_intents(const struct decision_input *in, const char *text, struct arena *arena)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, text, sentences, COUNT_OF(sentences));
    struct intents intents = {0};

    for (size_t i = 0; i < n; i++) {
        const char *folded = sentences[i].folded;
        bool bot = words_find(folded, bot_phrases) != NULL;
        bool human = !bot && words_find(folded, human_phrases) != NULL;
        bool booking = words_find(folded, booking_phrases) != NULL;

        intents.bot |= bot;
        intents.human |= human;
        intents.booking |= booking;
        intents.greeting |= words_find(folded, greeting_phrases) != NULL;
        intents.thanks |= words_find(folded, thanks_phrases) != NULL;
        intents.questions += !bot && !human && is_question(&sentences[i]);
        for (size_t y = 0; yes_phrases[y]; y++)
            intents.yes |= strlen(folded) == strlen(yes_phrases[y]) + 2 && words_have(folded, yes_phrases[y]);
    }
    /* "Yes" to our "shall a colleague get back to you?" */
    if (intents.yes && in->asked && strcmp(in->asked, "handover") == 0)
        intents.human = true;
    return intents;
}

static void say(struct buf *reply, const char *text)
{
    if (!text || !*text)
        return;
    if (reply->len > 0)
        buf_puts(reply, " ");
    buf_puts(reply, text);
}

static size_t room(const struct buf *reply, size_t reserve)
{
    return reply->len + reserve + 1 < REPLY_MAX ? REPLY_MAX - reply->len - reserve - 1 : 0;
}

/* The best passages, one for each of the first two questions. Returns whether anything was said. */
static bool say_passages(const struct decision_input *in, const char *text, int questions, struct arena *arena,
                         struct buf *reply)
{
    size_t wanted = questions > 1 ? 2 : 1, said = 0;

    for (size_t i = 0; i < in->n_passages && said < wanted; i++) {
        /* A question to come keeps its place. */
        const struct passage *passage = &in->passages[i];
        size_t max = room(reply, said == 0 ? 70 : 60);
        const char *quote = passage->kind && strcmp(passage->kind, "document") == 0
                                ? quote_answer(arena, passage->body, text, max)
                                : reply_quote(arena, passage->body, 2, max);

        if (!quote || !*quote || (said > 0 && strcmp(quote + strlen(quote) - 3, "...") == 0))
            continue;
        say(reply, quote);
        said++;
    }
    return said > 0;
}

/* Asks for one thing that is still missing. */
static void ask_missing(const struct decision_input *in, struct buf *reply, struct decision_output *out)
{
    bool urgent = out->urgency && strncmp(out->urgency, "high", 4) == 0;
    const char *question;

    (void)in;
    if (!out->service_interest) {
        out->asked = "service";
        question = "What do you need help with?";
    } else if (!out->urgency && !out->timeline) {
        out->asked = "urgency";
        question = "Is it urgent?";
    } else if (!out->budget_range) {
        out->asked = "budget";
        question = "Do you have a budget in mind?";
    } else if (!out->timeline && !urgent) {
        out->asked = "timeline";
        question = "When would you like it done?";
    } else {
        return;
    }
    say(reply, question);
}

static void escalate(const struct decision_input *in, const char *reason, struct decision_output *out)
{
    if (strcmp(in->state, "open") != 0)
        return; /* a person has been called already */
    out->escalate = true;
    out->escalation_reason = reason;
}

/* A question for which nothing is known. The first time a colleague is offered, then called. */
static void say_miss(const struct decision_input *in, struct arena *arena, struct buf *reply,
                     struct decision_output *out)
{
    out->misses = in->misses + 1;
    if (strcmp(in->state, "open") != 0) {
        say(reply, "I don't know that, but a colleague has been told and will answer you here.");
    } else if (out->misses >= MISSES_MAX) {
        say(reply, "I don't have a reliable answer to that either.");
        say(reply, decision_escalation_text(in, arena));
        escalate(in, "two questions in a row that the knowledge base does not answer", out);
    } else {
        say(reply,
            "I don't have a reliable answer to that, and I'd rather not guess. Shall I have a colleague get back "
            "to you here?");
        out->asked = "handover";
    }
}

static void say_booking(const struct decision_input *in, struct arena *arena, struct buf *reply,
                        struct decision_output *out)
{
    say(reply, out->timeline ? arena_printf(arena, "I've noted that you'd like an appointment (%.60s).", out->timeline)
                             : "I've noted that you'd like an appointment.");
    say(reply, "A colleague will confirm the time with you here.");
    escalate(in,
             arena_printf(arena, "wants an appointment%s%s", out->timeline ? ": " : "",
                          out->timeline ? out->timeline : ""),
             out);
}

/* Attachments alone. They are no question that nothing answers; what was asked for last stays asked for. */
static void say_received(const struct decision_input *in, const char *note, struct arena *arena, struct buf *reply,
                         struct decision_output *out)
{
    static const char *const photo[] = {
        "Thanks for the photo! I can't see it myself, but a colleague can look at it here.",
        "¡Gracias por la foto! Yo no puedo verla, pero un compañero puede mirarla aquí.",
        "شكرًا على الصورة! لا أستطيع رؤيتها بنفسي، لكن يمكن لأحد الزملاء الاطلاع عليها هنا.",
    };
    static const char *const audio[] = {
        "Thanks for the audio message! I can't listen to it myself, but a colleague can listen to it here.",
        "¡Gracias por el mensaje de voz! Yo no puedo escucharlo, pero un compañero puede oírlo aquí.",
        "شكرًا على الرسالة الصوتية! لا أستطيع الاستماع إليها بنفسي، لكن يمكن لأحد الزملاء الاستماع إليها هنا.",
    };
    static const char *const other[] = {
        "Thanks, I've got what you sent! I can't open it myself, but a colleague can look at it here.",
        "¡Gracias, he recibido lo que envió! Yo no puedo abrirlo, pero un compañero puede mirarlo aquí.",
        "شكرًا، وصلني ما أرسلته! لا أستطيع فتحه بنفسي، لكن يمكن لأحد الزملاء الاطلاع عليه هنا.",
    };
    static const char *const what[] = {"What would you like to ask or have done?",
                                       "¿Qué desea preguntar o qué necesita?",
                                       "ما الذي تود السؤال عنه أو ما الذي تحتاجه؟"};
    enum language language = language_of(in, arena);
    const char *const *thanks = strstr(note, "photo") ? photo : strstr(note, "audio") ? audio : other;

    say(reply, thanks[language]);
    say(reply, what[language]);
    out->intent = "attachment";
    out->misses = in->misses;
    out->asked = in->asked;
}

/* Of the texts without a word, NULL if there are none, or there are words too. */
static const char *bare_attachment(const struct decision_input *in, const char *text)
{
    for (size_t i = 0; i < in->n_unanswered && !text_has_word(text); i++)
        if (in->unanswered[i].note)
            return in->unanswered[i].note;
    return NULL;
}

/* Nothing was asked: say that it was understood, as far as it was. */
static void say_noted(const struct decision_input *in, const struct intents *intents, struct arena *arena,
                      struct buf *reply, const struct decision_output *out)
{
    const char *greeting = client_config_text(in->config, "greeting", arena);
    bool learned = out->service_interest != in->lead->service_interest || out->urgency != in->lead->urgency ||
                   out->budget_range != in->lead->budget_range || out->timeline != in->lead->timeline;

    if (strcmp(out->score_reason, "says they are not interested") == 0)
        say(reply, "All right, thanks for letting us know. Just write here if anything changes.");
    else if (intents->greeting && !learned && in->n_history == 0)
        say(reply, greeting ? greeting : arena_printf(arena, "Hi, this is %.80s.", in->client_name));
    else if (strcmp(out->score, "HOT") == 0 && learned)
        say(reply, arena_printf(arena, "Got it: %.80s. I've marked this for the team as urgent.",
                                out->service_interest ? out->service_interest : out->timeline));
    else if (learned)
        say(reply, "Thanks, I've noted that.");
    else if (intents->thanks)
        say(reply, "You're welcome! Just write here if there is anything else.");
    else
        say(reply, "Thanks for your message.");
}

static void answer(const struct decision_input *in, const char *text, const struct intents *intents,
                   struct arena *arena, struct buf *reply, struct decision_output *out)
{
    bool only_thanks = intents->thanks && !intents->questions && !intents->booking && !intents->greeting;

    if (intents->bot)
        say(reply, arena_printf(arena, "I'm an automated assistant of %.80s; a person can take over at any time.",
                                in->client_name));
    if (intents->human) {
        say(reply, decision_escalation_text(in, arena));
        escalate(in, "asks for a person", out);
        return;
    }
    if (intents->questions > 0 && say_passages(in, text, intents->questions, arena, reply)) {
        if (intents->booking)
            say_booking(in, arena, reply, out);
    } else if (intents->booking) {
        say_booking(in, arena, reply, out);
    } else if (intents->questions > 0) {
        say_miss(in, arena, reply, out);
        return;
    } else if (!intents->bot) {
        say_noted(in, intents, arena, reply, out);
    }
    if (!only_thanks && strcmp(out->score_reason, "says they are not interested") != 0)
        ask_missing(in, reply, out);
}

static const char *intent_names(const struct intents *intents, struct arena *arena)
{
    AUTO(buf_free) struct buf names = {0};

    if (intents->bot)
        say(&names, "bot");
    if (intents->human)
        say(&names, "human");
    if (intents->booking)
        say(&names, "booking");
    if (intents->questions > 0)
        say(&names, "question");
    if (intents->greeting)
        say(&names, "greeting");
    if (intents->thanks)
        say(&names, "thanks");
    return names.data ? arena_strdup(arena, names.data) : "statement";
}

int agent_scripted(const struct decision_input *in, struct arena *arena, struct decision_output *ret_output,
                   struct err *err)
{
    const char *text = decision_unanswered_text(in, 16000, arena);
    struct decision_output out = decision_start(in, "scripted");
    AUTO(buf_free) struct buf reply = {0};
    struct intents intents;
    const char *note;

    if (!text)
        return err_set(err, ERR_INTERNAL, "scripted agent: out of memory");
    intents = read_intents(in, text, arena);
    qualify(arena, in, &out);
    out.intent = intent_names(&intents, arena);
    if ((note = bare_attachment(in, text)))
        say_received(in, note, arena, &reply, &out);
    else
        answer(in, text, &intents, arena, &reply, &out);
    if (reply.failed ||
        !(out.reply = reply.data ? reply_fit(arena, reply.data, REPLY_MAX) : "Thanks for your message."))
        return err_set(err, ERR_INTERNAL, "scripted agent: out of memory");
    *ret_output = out;
    return 0;
}

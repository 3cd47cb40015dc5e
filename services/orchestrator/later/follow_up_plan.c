/* follow_up_plan.c - see follow_up_plan.h. */
#include "services/orchestrator/later/follow_up_plan.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/text.h"
#include "proto/client_keys.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/later/later_time.h"
#include "services/orchestrator/scripted/intents.h"
#include "services/orchestrator/scripted/language.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/plain.h"
#include "services/orchestrator/scripted/qualify.h"
#include "services/orchestrator/scripted/templates.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/reply_channel.h"

#define TEXT_MAX      16000
#define WORDS_MAX     1000 /* bytes of a sentence that are kept */
#define SENTENCES_MAX 40

static const char *language_name(enum language language)
{
    static const char *const names[] = {[LANGUAGE_ENGLISH] = "en", [LANGUAGE_SPANISH] = "es", [LANGUAGE_ARABIC] = "ar"};

    return names[language];
}

static bool asks_something(struct arena *arena, const struct decision_output *out)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, out->reply, sentences, COUNT_OF(sentences));

    for (size_t i = 0; i < n; i++)
        if (sentences[i].question)
            return true;
    return out->asked != NULL;
}

/* "ok, thanks": the lead has got what it wanted. */
static bool takes_leave(struct arena *arena, const struct decision_input *in)
{
    const char *text = decision_unanswered_text(in, TEXT_MAX, arena);
    const char *plain = text ? plain_letters(arena, text) : NULL;
    const char *folded = plain ? words_fold(arena, plain) : NULL;
    struct intents intents;

    if (!folded)
        return false;
    intents = intents_read(arena, text, in->asked);
    return (intents.thanks && !intents.questions && !intents.booking) || phrase_is(folded, phrases_nothing);
}

/* As the rules see it, whoever wrote the reply: of what the model found out they know only what it recorded. */
static bool has_declined(struct arena *arena, const struct decision_input *in)
{
    struct decision_output seen = decision_start(in, "scripted");
    struct slots slots;

    qualify(arena, in, &seen, &slots);
    return slots.value[SLOT_NOT_INTERESTED] != NULL;
}

/* ---- what the lead asks for ---- */

/* When it is where the lead is; the client's time where that is not known. */
static const char *local_time(const struct decision_input *in)
{
    return in->lead_local_time ? in->lead_local_time : in->local_time;
}

/* The last moment of free text by WhatsApp is 24 hours after what the lead wrote: a day from now, at the same time. */
static bool is_in_window(const struct decision_input *in, const char *at)
{
    struct later_now now;
    char tomorrow[LATER_AT_SIZE];

    if (!in->channel || strcmp(in->channel, "whatsapp") != 0)
        return true;
    if (!later_now_read(local_time(in), &now))
        return false;
    later_now_write(&now, 1, now.minute, tomorrow);
    return strcmp(at, tomorrow) < 0;
}

struct later follow_up_wish(struct arena *arena, const struct decision_input *in)
{
    const char *text = decision_unanswered_text(in, TEXT_MAX, arena);
    const char *hours = client_config_text(in->config, "allowed_hours", arena);
    char opens[6], closes[6];
    struct later wish;

    if (!hours || !client_hours_read(hours, opens, closes))
        client_hours_read(CLIENT_ALLOWED_HOURS_DEFAULT, opens, closes);
    if (!text)
        return (struct later){.kind = LATER_NONE};
    wish = later_read(arena, text, local_time(in), opens, closes);
    if (wish.kind == LATER_WRITE && !is_in_window(in, wish.at))
        wish.kind = LATER_CALL;
    return wish;
}

/* A text without a full stop is one sentence, however long it is. */
static const char *shown_words(struct arena *arena, const struct later *wish)
{
    return arena_strndup(arena, wish->words, utf8_cut(wish->words, strlen(wish->words), WORDS_MAX));
}

const char *follow_up_wish_reason(struct arena *arena, const struct later *wish)
{
    const char *words = shown_words(arena, wish);

    return words ? arena_printf(arena, "wants to be called or written to on %s: %s", wish->at, words) : NULL;
}

bool follow_up_taken_back(struct arena *arena, const struct decision_input *in)
{
    static const char *const phrases[] = {"no need",       "dont text",
                                          "dont message",  "dont write",
                                          "not necessary", "no hace falta",
                                          "no me escriba", "no me escriban",
                                          "لا داعي",       NULL};
    const char *text = decision_unanswered_text(in, TEXT_MAX, arena);
    const char *plain = text ? plain_letters(arena, text) : NULL;
    const char *folded = plain ? words_fold(arena, plain) : NULL;

    return folded && words_find(folded, phrases);
}

static bool books(struct arena *arena, const struct decision_input *in)
{
    const char *text = decision_unanswered_text(in, TEXT_MAX, arena);

    return text && intents_read(arena, text, in->asked).booking;
}

/* What was promised is kept through small talk and questions. */
static bool is_kept(struct arena *arena, const struct decision_input *in)
{
    return in->write_at && !has_declined(arena, in) && !follow_up_taken_back(arena, in) && !books(arena, in);
}

/* ---- saying so ---- */

/* Whether the reply tells of the day and of writing. */
static bool is_told(struct arena *arena, const char *reply, const char *when)
{
    static const char *const writing[] = {"write",        "text",       "message",       "get back",
                                          "reach out",    "check back", "follow up",     "escribire",
                                          "escribiremos", "mensaje",    "contactaremos", "سنراسلك",
                                          "ساراسلك",      "ساكتب",      "سنكتب",         NULL};
    const char *said = plain_letters(arena, reply), *day = plain_letters(arena, when);
    const char *folded = said ? words_fold(arena, said) : NULL;
    const char *wanted = day ? words_fold(arena, day) : NULL;

    return folded && wanted && strstr(folded, wanted) && words_find(folded, writing);
}

static int promise(struct arena *arena, const struct decision_input *in, struct decision_output *out,
                   enum language language)
{
    const char *when = template_moment(arena, out->write_at, local_time(in), language), *said;
    struct reply_limit limit = reply_limit(in);

    if (!when)
        return -1;
    if (is_told(arena, out->reply, when))
        return 0;
    said = template_filled(arena, SAY_WRITE_AGAIN, language, when);
    out->reply = said ? reply_before(arena, out->reply, said, &limit) : NULL;
    return out->reply ? 0 : -1;
}

/* ---- the plan ---- */

static int plan_asked(struct arena *arena, const struct decision_input *in, const struct later *wish,
                      struct decision_output *out)
{
    enum language language = language_of(in, arena);

    out->follow_up = "asked";
    out->language = language_name(language);
    out->write_at = arena_strdup(arena, wish->at);
    out->write_words = shown_words(arena, wish);
    return out->write_at ? promise(arena, in, out, language) : -1;
}

/* A person calls, or writes from elsewhere. */
static int plan_person(struct arena *arena, const struct decision_input *in, const struct later *wish,
                       struct decision_output *out)
{
    const char *said = decision_escalation_text(in, arena);
    struct reply_limit limit = reply_limit(in);

    if (!said)
        return -1;
    out->escalate = true;
    out->escalation_reason = follow_up_wish_reason(arena, wish);
    if (!strstr(out->reply, said))
        out->reply = reply_before(arena, out->reply, said, &limit);
    return out->reply ? 0 : -1;
}

static void plan_silence(struct arena *arena, const struct decision_input *in, struct decision_output *out)
{
    if (client_config_ints(in->config, "follow_up_after_hours", &(int){0}, 1) == 0 || strcmp(in->state, "open") != 0 ||
        has_declined(arena, in) || (!asks_something(arena, out) && takes_leave(arena, in)))
        return;
    out->follow_up = "silence";
    out->language = language_name(language_of(in, arena));
}

int follow_up_plan(struct arena *arena, const struct decision_input *in, struct decision_output *out)
{
    struct later wish = follow_up_wish(arena, in);

    if (out->escalate)
        return 0; /* a person sees what was asked for */
    if (wish.kind == LATER_WRITE)
        return plan_asked(arena, in, &wish, out);
    if (wish.kind == LATER_CALL && strcmp(in->state, "open") == 0)
        return plan_person(arena, in, &wish, out);
    if (is_kept(arena, in))
        out->follow_up = "kept";
    else
        plan_silence(arena, in, out);
    return 0;
}

/* agent_scripted.c - see agent_scripted.h. What it says about itself and about what happens next is true. */
#include "services/orchestrator/scripted/agent_scripted.h"

#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/buf.h"
#include "libshared/err.h"
#include "libshared/text.h"
#include "services/orchestrator/api/client_config.h"
#include "services/orchestrator/claude/instructions.h"
#include "services/orchestrator/escalation/escalation.h"
#include "services/orchestrator/greeting/greeting_text.h"
#include "services/orchestrator/later/follow_up_plan.h"
#include "services/orchestrator/scripted/intents.h"
#include "services/orchestrator/scripted/language.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/plain.h"
#include "services/orchestrator/scripted/qualify.h"
#include "services/orchestrator/scripted/quote.h"
#include "services/orchestrator/scripted/templates.h"
#include "services/orchestrator/scripted/words.h"
#include "services/orchestrator/turn/decision.h"
#include "services/orchestrator/turn/reply.h"
#include "services/orchestrator/turn/reply_channel.h"

#define WHAT_MAX   80 /* bytes of what is put into a template */
#define MISSES_MAX 2  /* answers in a row that knew nothing, before a person is called */

/* An answer being made. */
struct answering {
    const struct decision_input *in;
    struct arena *arena;
    const char *text; /* the unanswered texts */
    enum language language;
    struct intents intents;
    struct slots slots;
    struct later wish; /* to be written to, or called, at another time */
    struct reply_limit limit;
    struct buf reply;
    struct decision_output out;
};

static void say_text(struct answering *self, const char *text)
{
    if (!text || !*text)
        return;
    if (self->reply.len > 0)
        buf_puts(&self->reply, " ");
    buf_puts(&self->reply, text);
}

static void say(struct answering *self, enum template which)
{
    say_text(self, template_text(which, self->language));
}

/* For a template with one %s in it. */
static void say_of(struct answering *self, enum template which, const char *what)
{
    AUTO(buf_free) struct buf text = {0};
    const char *template = template_text(which, self->language), *percent = strchr(template, '%');

    buf_append(&text, template, (size_t)(percent - template));
    buf_append(&text, what, utf8_cut(what, strlen(what), WHAT_MAX));
    buf_puts(&text, percent + strlen("%s"));
    if (!text.failed)
        say_text(self, text.data);
}

static size_t room(const struct answering *self, size_t reserve)
{
    size_t taken = self->reply.len + reserve + 1;

    return taken < self->limit.chars ? self->limit.chars - taken : 0;
}

/* Whether the passage's question and the lead's text have a word in common that tells something. */
static bool answers_it(const struct answering *self, const struct passage *passage)
{
    const char *ours = plain_letters(self->arena, self->text), *theirs;

    if (!passage->title || !ours || !(theirs = plain_letters(self->arena, passage->title)) ||
        !(ours = words_fold(self->arena, ours)) || !(theirs = words_fold(self->arena, theirs)))
        return true;
    return quote_has_common_word(ours, theirs);
}

/* "Yes, all of us speak Spanish" without its yes, which would answer another question. */
static const char *without_assent(struct arena *arena, const char *quote)
{
    static const char *const assents[] = {"Yes, ", "Yes. ", "No, ", "No. ", "Sí, ", "Sí. ", "نعم، ", "لا، "};

    for (size_t i = 0; i < COUNT_OF(assents); i++)
        if (strncmp(quote, assents[i], strlen(assents[i])) == 0) {
            char *rest = arena_strdup(arena, quote + strlen(assents[i]));

            if (rest && *rest >= 'a' && *rest <= 'z')
                *rest = (char)(*rest - 'a' + 'A');
            return rest ? rest : quote;
        }
    return quote;
}

/* The best passages, one for each of the first two questions. Returns whether anything was said. */
static bool say_passages(struct answering *self)
{
    const struct decision_input *in = self->in;
    size_t wanted = self->intents.questions > 1 ? 2 : 1, said = 0;

    for (size_t i = 0; i < in->n_passages && said < wanted; i++) {
        /* A question to come keeps its place. */
        const struct passage *passage = &in->passages[i];
        size_t max = room(self, said == 0 ? 70 : 60);
        const char *body = instructions_removed(self->arena, passage->body);
        const char *quote = !body ? NULL
                            : passage->kind && strcmp(passage->kind, "document") == 0
                                ? quote_answer(self->arena, body, self->text, max)
                                : reply_quote(self->arena, body, 2, max);

        if (!quote || !*quote || (said > 0 && strcmp(quote + strlen(quote) - 3, "...") == 0))
            continue;
        say_text(self, answers_it(self, passage) ? quote : without_assent(self->arena, quote));
        said++;
    }
    return said > 0;
}

/* ---- asking ---- */

static bool is_urgent(const struct slots *slots)
{
    const char *urgency = slots->value[SLOT_URGENCY];

    return urgency && strncmp(urgency, "high", 4) == 0;
}

/* Urgent work needs no date, and nobody whose house is under water has a budget in mind. */
static bool is_missing(const struct slots *slots, enum slot slot)
{
    if (slots->value[slot])
        return false;
    if (slot == SLOT_URGENCY)
        return !slots->value[SLOT_TIMELINE];
    if (slot == SLOT_BUDGET)
        return !slots->value[SLOT_BUDGET_REFUSED] && !(is_urgent(slots) && slots->value[SLOT_SERVICE]);
    return slot != SLOT_TIMELINE || !is_urgent(slots);
}

static const struct asking {
    enum slot slot;
    const char *asked;
    enum template question;
} askings[] = {{SLOT_SERVICE, "service", ASK_SERVICE},
               {SLOT_URGENCY, "urgency", ASK_URGENCY},
               {SLOT_BUDGET, "budget", ASK_BUDGET},
               {SLOT_TIMELINE, "timeline", ASK_TIMELINE}};

/* The one thing that is asked for next, NULL if none is missing. What was asked for last and not told is not asked for
 * again at once. */
static const struct asking *next_asking(const struct answering *self)
{
    const char *last = self->in->asked;

    for (size_t i = 0; i < COUNT_OF(askings); i++)
        if (is_missing(&self->slots, askings[i].slot) && !(last && strcmp(last, askings[i].asked) == 0))
            return &askings[i];
    return NULL;
}

static void ask_missing(struct answering *self)
{
    const struct asking *next = next_asking(self);

    if (next) {
        self->out.asked = next->asked;
        say(self, next->question);
    }
}

/* ---- the kinds of answers ---- */

/* Not where a person has been called for it already. */
static void escalate(struct answering *self, enum escalation_cause cause, const char *reason)
{
    if (!escalation_wanted(self->in, cause))
        return;
    self->out.escalate = true;
    self->out.escalation_reason = reason;
    self->out.cause = escalation_name(cause);
}

/* What the lead's own words call a person for. */
static void say_called(struct answering *self, enum escalation_cause cause)
{
    if (cause == CAUSE_ANGER)
        say(self, SAY_SORRY);
    if (escalation_wanted(self->in, cause))
        say_text(self, decision_escalation_text(self->in, self->arena));
    else
        say(self, SAY_WAITING);
    escalate(self, cause, escalation_reason(cause, LANGUAGE_ENGLISH));
}

/* A question for which nothing is known. The first time a colleague is offered, then called. */
static void say_miss(struct answering *self)
{
    self->out.misses = self->in->misses + 1;
    if (strcmp(self->in->state, "open") != 0) {
        say(self, SAY_UNKNOWN_WAITING);
    } else if (self->out.misses >= MISSES_MAX) {
        say(self, SAY_UNKNOWN_AGAIN);
        say_text(self, decision_escalation_text(self->in, self->arena));
        escalate(self, CAUSE_UNKNOWN, escalation_reason(CAUSE_UNKNOWN, LANGUAGE_ENGLISH));
    } else {
        say(self, SAY_UNKNOWN);
        self->out.asked = "handover";
    }
}

/* Whether the lead's text has the last of our words for a time that moves on with the days: of "tmrw" and "بكرا" we do
 * not make "tomorrow", which nothing but that text bears out. */
static bool is_said(struct answering *self, const char *words)
{
    const char *text = plain_letters(self->arena, self->text), *plain = plain_letters(self->arena, words);
    const char *ours = plain ? words_fold(self->arena, plain) : NULL, *last;

    if (!text || !ours || !(text = words_fold(self->arena, text)))
        return false;
    if ((words[0] >= 'A' && words[0] <= 'Z') || (words[0] >= '0' && words[0] <= '9'))
        return true;
    last = ours + strlen(ours) - 1;
    while (last > ours && last[-1] != ' ')
        last--;
    return strstr(text, last - 1) != NULL;
}

static void say_booking(struct answering *self)
{
    const char *when = self->out.timeline, *words = when ? template_timeline(when, self->language) : NULL;

    if (words && is_said(self, words))
        say_of(self, SAY_APPOINTMENT_AT, words);
    else
        say(self, SAY_APPOINTMENT);
    say(self, SAY_CONFIRMS);
    escalate(self, CAUSE_APPOINTMENT,
             arena_printf(self->arena, "wants an appointment%s%s", when ? ": " : "", when ? when : ""));
}

/* What a colleague has to do or to look up: said, and a person called. */
static void say_for_a_person(struct answering *self, enum template first, enum escalation_cause cause,
                             const char *reason)
{
    say(self, first);
    if (escalation_wanted(self->in, cause))
        say_text(self, decision_escalation_text(self->in, self->arena));
    else
        say(self, SAY_WAITING);
    escalate(self, cause, reason);
}

static bool has_phone(const char *text)
{
    for (const char *p = text; *p; p++) {
        size_t len = strspn(p, "0123456789-+() "), digits = 0;

        for (size_t i = 0; i < len; i++)
            digits += p[i] >= '0' && p[i] <= '9';
        if (digits >= 7)
            return true;
        p += len > 0 ? len - 1 : 0;
    }
    return false;
}

static bool knows_phone(const struct decision_input *in)
{
    for (size_t i = 0; i < in->n_passages; i++)
        if (has_phone(in->passages[i].body))
            return true;
    return false;
}

/* What knowledge cannot settle, whatever it holds. Returns whether it was that. */
static bool say_what_only_people_can(struct answering *self)
{
    const struct intents *intents = &self->intents;

    if (intents->vendor) {
        say(self, SAY_RECEIVED);
    } else if (intents->job) {
        say_for_a_person(self, SAY_RECEIVED, CAUSE_HUMAN, "asks for work");
    } else if (intents->danger) {
        say_for_a_person(self, SAY_DANGER, CAUSE_HUMAN, "may be in danger");
    } else if (intents->cancel && !(intents->questions > 0 && say_passages(self))) {
        say_for_a_person(self, SAY_CHANGE, CAUSE_APPOINTMENT, "wants to cancel or change something");
    } else if (intents->own) {
        say_for_a_person(self, SAY_CANT_SEE, CAUSE_HUMAN, "asks about something of their own");
    } else if (intents->phone && !knows_phone(self->in)) {
        say_for_a_person(self, SAY_CANT_SEE, CAUSE_HUMAN, "asks for a phone number");
    } else {
        return intents->cancel;
    }
    return true;
}

/* Attachments alone. They are no question that nothing answers; what was asked for last stays asked for. */
static void say_received(struct answering *self, const char *note)
{
    say(self, strstr(note, "photo") ? SAY_PHOTO : strstr(note, "audio") ? SAY_AUDIO : SAY_FILE);
    say(self, SAY_WHAT_FOR);
    self->out.intent = "attachment";
    self->out.misses = self->in->misses;
    self->out.asked = self->in->asked;
}

/* Of the texts without a word, NULL if there are none, or there are words too. */
static const char *bare_attachment(const struct decision_input *in, const char *text)
{
    for (size_t i = 0; i < in->n_unanswered && !text_has_word(text); i++)
        if (in->unanswered[i].note && strncmp(in->unanswered[i].note, "[the lead sent", 14) == 0)
            return in->unanswered[i].note;
    return NULL;
}

static bool has_learned(const struct slots *slots)
{
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        if (slots->words[slot])
            return true;
    return false;
}

/* "Thanks": even where it says by the way that there is no budget. */
static bool only_thanks(const struct answering *self)
{
    const struct intents *intents = &self->intents;
    struct slots told = self->slots;

    told.words[SLOT_BUDGET_REFUSED] = NULL;
    return intents->thanks && !intents->questions && !intents->booking && !intents->greeting && !has_learned(&told);
}

/* "Ok", "perfect" */
static bool is_idle(const struct answering *self)
{
    const char *plain = plain_letters(self->arena, self->text), *folded = plain ? words_fold(self->arena, plain) : NULL;

    return folded && text_has_word(self->text) && phrases_say_nothing(folded);
}

/* Words of the lead's own are not said back: they may be anything. */
static void say_urgent(struct answering *self)
{
    size_t n;
    const char *const *services = client_config_texts(self->in->config, "services", self->arena, &n);

    for (size_t i = 0; services && i < n; i++)
        if (strcmp(services[i], self->out.service_interest) == 0) {
            say_of(self, SAY_URGENT, services[i]);
            return;
        }
    say(self, SAY_MARKED);
}

/* Nothing was asked: say that it was understood, as far as it was. */
static void say_noted(struct answering *self)
{
    const struct decision_output *out = &self->out;
    const char *greeting = client_config_text(self->in->config, "greeting", self->arena);
    bool learned = has_learned(&self->slots);

    if (self->intents.who)
        say_of(self, SAY_HELLO, self->in->client_name);
    else if (self->slots.value[SLOT_NOT_INTERESTED])
        say(self, SAY_GOODBYE);
    else if (only_thanks(self))
        say(self, SAY_WELCOME);
    else if (self->intents.greeting && !learned && self->in->n_history == 0 && greeting)
        say_text(self, greeting);
    else if (self->intents.greeting && !learned && self->in->n_history == 0)
        say_of(self, SAY_HELLO, self->in->client_name);
    else if (strcmp(out->score, "HOT") == 0 && strcmp(self->in->lead->score, "HOT") != 0 && learned &&
             out->service_interest)
        say_urgent(self);
    else if (learned)
        say(self, SAY_NOTED);
    else if (strcmp(self->in->state, "open") != 0)
        say(self, SAY_WAITING);
    else if (!self->intents.greeting && is_idle(self) && self->in->n_history > 0)
        say(self, next_asking(self) ? SAY_ALL_RIGHT : SAY_ANYTIME);
    else
        say(self, SAY_RECEIVED);
}

/* Whether the best passage is about the trouble that the text tells of, or about what is done at once. */
static bool knows_help(struct answering *self)
{
    static const struct phrase soon[] = {{"emergency", NULL},  {"emergencies", NULL}, {"urgent", NULL},
                                         {"same day", NULL},   {"24 7", NULL},        {"24 hours", NULL},
                                         {"on call", NULL},    {"urgencia", NULL},    {"urgencias", NULL},
                                         {"emergencia", NULL}, {"emergencias", NULL}, {"24 horas", NULL},
                                         {"طواري", NULL},      {"24 ساعه", NULL},     {NULL, NULL}};
    const struct passage *best = self->in->n_passages > 0 ? &self->in->passages[0] : NULL;
    const char *about = best ? arena_printf(self->arena, "%s\n%s", best->title ? best->title : "", best->body) : NULL;
    const char *plain = about ? plain_letters(self->arena, about) : NULL;
    const char *theirs = plain ? words_fold(self->arena, plain) : NULL;
    const char *ours = (plain = plain_letters(self->arena, self->text)) ? words_fold(self->arena, plain) : NULL;
    const struct phrase *trouble = ours ? phrase_find(ours, phrases_trouble) : NULL;

    return theirs && (phrase_find(theirs, soon) || (trouble && phrase_is_in(theirs, trouble->text)));
}

static void answer(struct answering *self)
{
    const struct intents *intents = &self->intents;
    /* "Can you still do it today?" */
    bool booking = intents->booking || (intents->deed && self->slots.words[SLOT_TIMELINE]);
    bool proposal = intents->proposal && self->slots.value[SLOT_APPOINTMENT] &&
                    (self->slots.words[SLOT_TIMELINE] || intents->questions == 1);
    bool declined = self->slots.value[SLOT_NOT_INTERESTED] != NULL;
    enum escalation_cause cause = escalation_of(self->in);

    if (intents->bot)
        say_of(self, SAY_BOT, self->in->client_name);
    if (cause == CAUSE_NONE && intents->human)
        cause = CAUSE_HUMAN;
    if (self->wish.kind == LATER_CALL && (cause == CAUSE_NONE || cause == CAUSE_HUMAN)) {
        say_text(self, decision_escalation_text(self->in, self->arena));
        escalate(self, CAUSE_HUMAN, follow_up_wish_reason(self->arena, &self->wish));
        return;
    }
    if (cause != CAUSE_NONE) {
        say_called(self, cause);
        return;
    }
    if (say_what_only_people_can(self))
        return;
    /* What it will be told next is added to the reply (follow_up_plan.h). */
    if (self->wish.kind == LATER_WRITE && !intents->booking) {
        if (intents->questions == 0 || !say_passages(self))
            say(self, SAY_ALL_RIGHT);
        return;
    }
    if (intents->questions > 0 && !proposal && say_passages(self)) {
        if (booking)
            say_booking(self);
    } else if ((booking || proposal || (intents->brief && self->slots.words[SLOT_TIMELINE])) && !declined) {
        say_booking(self);
    } else if (intents->questions > 0 && !declined) {
        say_miss(self);
        return;
    } else if (!intents->bot) {
        say_noted(self);
        /* What is known of it helps somebody in trouble, asked for or not. */
        if (self->slots.words[SLOT_URGENCY] && is_urgent(&self->slots) && !declined && knows_help(self))
            say_passages(self);
    }
    if (!only_thanks(self) && !declined)
        ask_missing(self);
}

/* "Can you text me on Tuesday?" is no question for the knowledge base. */
static const char *without(struct arena *arena, const char *text, const char *words)
{
    const char *at = strstr(text, words);
    const char *rest = at ? arena_printf(arena, "%.*s%s", (int)(at - text), text, at + strlen(words)) : text;

    return rest ? rest : text;
}

/* A lead that has asked nothing: who writes, and one question, unless the client's own words ask it. */
static void greet(struct answering *self)
{
    const char *text = greeting_text(self->arena, self->in);

    say_text(self, text);
    self->out.intent = "form";
    if (text && !strchr(text, '?') && !strstr(text, "؟"))
        ask_missing(self);
}

static void answer_all(struct answering *self)
{
    const char *note = bare_attachment(self->in, self->text);

    qualify(self->arena, self->in, &self->out, &self->slots);
    self->wish = follow_up_wish(self->arena, self->in);
    if (self->wish.kind != LATER_NONE)
        self->text = without(self->arena, self->text, self->wish.words);
    self->intents = intents_read(self->arena, self->text, self->in->asked);
    self->language = language_of(self->in, self->arena);
    self->out.intent = intents_names(self->arena, &self->intents);
    if (self->in->greet)
        greet(self);
    else if (note)
        say_received(self, note);
    else
        answer(self);
    if (self->reply.len == 0)
        say(self, SAY_RECEIVED);
}

int agent_scripted(const struct decision_input *in, struct arena *arena, struct decision_output *ret_output,
                   struct err *err)
{
    struct answering self = {.in = in,
                             .arena = arena,
                             .text = decision_unanswered_text(in, 16000, arena),
                             .limit = reply_limit(in),
                             .out = decision_start(in, "scripted")};
    bool failed;

    if (!self.text)
        return err_set(err, ERR_INTERNAL, "scripted agent: out of memory");
    answer_all(&self);
    self.out.reply = self.reply.data && !self.reply.failed ? reply_within(arena, self.reply.data, &self.limit) : NULL;
    failed = !self.out.reply;
    buf_free(&self.reply);
    if (failed)
        return err_set(err, ERR_INTERNAL, "scripted agent: out of memory");
    *ret_output = self.out;
    return 0;
}

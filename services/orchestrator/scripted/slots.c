/* slots.c - see slots.h. Free text is read sentence by sentence: "Are you open today?" is not urgent. */
#include "services/orchestrator/scripted/slots.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "libshared/text.h"
#include "services/orchestrator/scripted/budget.h"
#include "services/orchestrator/scripted/clause.h"
#include "services/orchestrator/scripted/contact.h"
#include "services/orchestrator/scripted/intents.h"
#include "services/orchestrator/scripted/phrases.h"
#include "services/orchestrator/scripted/plain.h"
#include "services/orchestrator/scripted/service_named.h"
#include "services/orchestrator/scripted/timeline.h"
#include "services/orchestrator/scripted/words.h"

#define SENTENCES_MAX 40
#define ALARM_MIN     5   /* words, of which one says that it is urgent */
#define SLOT_MAX      120 /* bytes of a slot that is copied from the lead's words */

const char *const slot_names[SLOT_COUNT] = {
    [SLOT_SERVICE] = "service_interest",
    [SLOT_URGENCY] = "urgency",
    [SLOT_BUDGET] = "budget_range",
    [SLOT_TIMELINE] = "timeline",
    [SLOT_NAME] = "name",
    [SLOT_EMAIL] = "email",
    [SLOT_APPOINTMENT] = "appointment",
    [SLOT_JUST_LOOKING] = "just_looking",
    [SLOT_NOT_INTERESTED] = "not_interested",
    [SLOT_BUDGET_REFUSED] = "budget_refused",
};

/* One text being read. */
struct extracting {
    struct arena *arena;
    struct service_list services;
    const char *asked;
    struct slots *slots;
};

static bool was_asked(const struct extracting *self, const char *what)
{
    return self->asked && strcmp(self->asked, what) == 0;
}

static void clear(struct extracting *self, enum slot slot)
{
    self->slots->value[slot] = NULL;
    self->slots->words[slot] = NULL;
}

static void set(struct extracting *self, enum slot slot, const char *value, const struct clause *clause)
{
    self->slots->value[slot] = value;
    self->slots->words[slot] = clause->text;
    /* Whoever wants something is interested again, and whoever is in a hurry does not only look. */
    if (slot == SLOT_SERVICE || slot == SLOT_BUDGET || slot == SLOT_TIMELINE || slot == SLOT_APPOINTMENT ||
        (slot == SLOT_URGENCY && strcmp(value, "low") != 0))
        clear(self, SLOT_NOT_INTERESTED);
    if (slot == SLOT_APPOINTMENT || (slot == SLOT_URGENCY && strcmp(value, "low") != 0))
        clear(self, SLOT_JUST_LOOKING);
    if (slot == SLOT_BUDGET)
        clear(self, SLOT_BUDGET_REFUSED);
}

/* A question tells about the job only when it asks for something to be done, or is none. */
static bool tells(const struct clause *clause)
{
    return !clause->question || phrase_find(clause->folded, phrases_deed) ||
           phrase_find(clause->folded, phrases_booking) || phrases_ask_for_assent(clause->folded) ||
           phrases_ask_for_time(clause->folded) || phrases_ask_shortly(clause->folded);
}

static void take_time(struct extracting *self, const struct clause *clause)
{
    const struct phrase *urgency = phrase_find(clause->folded, phrases_urgency);
    const char *known = self->slots->value[SLOT_URGENCY], *words = NULL, *timeline, *implied;

    if (urgency && (tells(clause) || strcmp(urgency->value, "low") == 0) &&
        !(strcmp(urgency->value, "medium") == 0 && known && strcmp(known, "high") == 0))
        set(self, SLOT_URGENCY, urgency->value, clause);
    if (!tells(clause) && !(self->slots->value[SLOT_APPOINTMENT] && phrase_find(clause->folded, phrases_proposal)))
        return;
    if (!(timeline = timeline_date(self->arena, clause->plain)) &&
        !(timeline = timeline_find(self->arena, clause->folded, &words)))
        return;
    set(self, SLOT_TIMELINE, timeline, clause);
    implied = urgency && strcmp(urgency->value, "low") == 0 ? NULL : timeline_urgency(timeline);
    known = self->slots->value[SLOT_URGENCY];
    if (implied && (strcmp(implied, "high") == 0 || !known || strcmp(known, "high") != 0))
        set(self, SLOT_URGENCY, implied, clause);
}

/* "My husband is detained since yesterday, I need help, urgent": who tells what is urgent has told what is wanted, in
 * whatever words. */
static bool is_alarm(const struct extracting *self, const struct clause *clause)
{
    const char *urgency = self->slots->value[SLOT_URGENCY];
    size_t words = 0;

    if (clause->question || self->slots->words[SLOT_URGENCY] != clause->text || !urgency ||
        strcmp(urgency, "high") != 0 || phrase_find(clause->folded, phrases_no_need))
        return false;
    for (const char *p = clause->folded; (p = strchr(p, ' ')) && p[1]; p++)
        words++;
    return words >= ALARM_MIN;
}

static void take_service(struct extracting *self, const struct clause *clause)
{
    const char *before = self->slots->value[SLOT_SERVICE];
    const char *found = service_known(self->arena, &self->services, clause->folded);

    if (found && before && strstr(before, found))
        found = before;
    else if (found && before && phrase_find(clause->folded, phrases_also) && !strstr(found, before))
        found = arena_printf(self->arena, "%s, %s", before, found);
    if (!found && !before && !(found = service_said(self->arena, clause)) && is_alarm(self, clause))
        found = service_thought(self->arena, clause->text);
    if (found)
        set(self, SLOT_SERVICE, found, clause);
}

/* "not interested in whitening" is about the whitening alone. */
static bool lost_interest(const struct clause *clause)
{
    return phrase_find(clause->folded, phrases_no_interest) && !words_have(clause->folded, "not interested in");
}

/* "around 200 to 250" by itself, whatever was asked. Fewer digits count things. */
static bool is_sum(const char *folded)
{
    static const char *const words[] = {"around",  "about", "like",   "maybe", "roughly", "to",  "or",
                                        "between", "and",   "max",    "tops",  "under",   "up",  "unos",
                                        "unas",    "entre", "y",      "hasta", "como",    "de",  "a",
                                        "o",       "حوالي", "تقريبا", "بين",   "و",       "حدود"};
    bool sum = false;

    for (const char *p = folded + strspn(folded, " "); *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " "), digits = strspn(p, "0123456789");
        bool known = digits == len || (digits > 0 && digits + 1 == len && p[digits] == 'k');

        sum |= known && (len >= 3 || digits < len);
        for (size_t i = 0; i < COUNT_OF(words) && !known; i++)
            known = strlen(words[i]) == len && memcmp(words[i], p, len) == 0;
        if (!known || digits > 6)
            return false;
        p += len;
    }
    return sum;
}

static void read_clause(struct extracting *self, const struct clause *clause)
{
    const char *found;

    if ((found = contact_name(self->arena, clause)))
        set(self, SLOT_NAME, found, clause);
    if ((found = contact_email(self->arena, clause->text)))
        set(self, SLOT_EMAIL, found, clause);
    if (lost_interest(clause)) {
        set(self, SLOT_NOT_INTERESTED, "yes", clause);
        clear(self, SLOT_APPOINTMENT);
        return;
    }
    take_time(self, clause);
    take_service(self, clause);
    if ((found =
             budget_find(self->arena, clause, was_asked(self, "budget") || (self->asked && is_sum(clause->folded)))))
        set(self, SLOT_BUDGET, found, clause);
    if (phrase_find(clause->folded, phrases_cancel))
        clear(self, SLOT_APPOINTMENT);
    else if (phrase_find(clause->folded, phrases_booking))
        set(self, SLOT_APPOINTMENT, "yes", clause);
    if (phrase_find(clause->folded, phrases_looking))
        set(self, SLOT_JUST_LOOKING, "yes", clause);
}

/* ---- a bare answer to what we asked ---- */

/* An "ok" is none: it agrees with what was said before the question, "ok, thanks", "ok book it". */
static bool says_yes(const char *folded)
{
    const struct phrase *found = phrase_find(folded, phrases_yes);

    if (!found)
        return false;
    return strcmp(found->text, "ok") != 0 && strcmp(found->text, "okay") != 0 && strcmp(found->text, "vale") != 0;
}

static void take_bare_urgency(struct extracting *self, const struct clause *clause)
{
    if (phrase_find(clause->folded, phrases_no))
        set(self, SLOT_URGENCY, "low", clause);
    else if (says_yes(clause->folded))
        set(self, SLOT_URGENCY, "high", clause);
}

static bool told_anything(const struct slots *slots)
{
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        if (slots->words[slot])
            return true;
    return false;
}

/* "Thursday or Friday", "es el 14 de febrero": a time, and nothing that is wanted then. */
static bool is_time(const char *folded)
{
    static const struct phrase around[] = {{"the", NULL},      {"on", NULL},        {"at", NULL},      {"or", NULL},
                                           {"and", NULL},      {"is", NULL},        {"its", NULL},     {"this", NULL},
                                           {"next", NULL},     {"in", NULL},        {"am", NULL},      {"pm", NULL},
                                           {"around", NULL},   {"after", NULL},     {"before", NULL},  {"by", NULL},
                                           {"morning", NULL},  {"afternoon", NULL}, {"evening", NULL}, {"noon", NULL},
                                           {"night", NULL},    {"then", NULL},      {"of", NULL},      {"please", NULL},
                                           {"maybe", NULL},    {"es", NULL},        {"el", NULL},      {"la", NULL},
                                           {"las", NULL},      {"de", NULL},        {"por", NULL},     {"para", NULL},
                                           {"a", NULL},        {"y", NULL},         {"o", NULL},       {"tarde", NULL},
                                           {"noche", NULL},    {"proximo", NULL},   {"este", NULL},    {"mejor", NULL},
                                           {"entonces", NULL}, {"المغرب", NULL},    {"العصر", NULL},   {"الظهر", NULL},
                                           {"الصبح", NULL},    {"الصباح", NULL},    {"المساء", NULL},  {"مساء", NULL},
                                           {"صباحا", NULL},    {"بعد", NULL},       {"قبل", NULL},     {"يوم", NULL},
                                           {"او", NULL},       {"الساعه", NULL},    {"works", NULL},   {"work", NULL},
                                           {"good", NULL},     {"fine", NULL},      {"ok", NULL},      {"sat", NULL},
                                           {"sun", NULL},      {"week", NULL},      {"month", NULL},   {"semana", NULL},
                                           {"mes", NULL},      {NULL, NULL}};

    for (const char *p = folded + strspn(folded, " "); *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        char word[40];

        if (len + 3 > sizeof word)
            return false;
        snprintf(word, sizeof word, " %.*s ", (int)len, p);
        if (!isdigit((unsigned char)*p) && !phrase_is(word, around) && !phrase_is(word, phrases_timeline) &&
            !timeline_is_month(p, len))
            return false;
        p += len;
    }
    return true;
}

/* What cannot be a need though we have asked for one: a question, small talk, what is told of somebody. */
static bool is_no_need(struct extracting *self, const struct clause *clause)
{
    /* What books an appointment, tells a time or a sum and names nothing else has been read for that. */
    return phrase_find(clause->folded, phrases_no_need) || self->slots->words[SLOT_APPOINTMENT] ||
           is_sum(clause->folded) || (self->slots->words[SLOT_TIMELINE] && is_time(clause->folded)) ||
           intents_asks(self->arena, clause->text);
}

/* The line without a budget in it, which has a slot of its own. */
static const char *need_of(struct extracting *self, const struct clause *clause, const char *line)
{
    const char *const *words = self->slots->words;
    const char *need = line, *folded;

    if (words[SLOT_BUDGET]) {
        need = arena_strndup(self->arena, line, strcspn(line, ",.;!?"));
        folded = need ? words_fold(self->arena, need) : NULL;
        if (!folded || !text_has_word(need) || strpbrk(need, "0123456789$") || phrases_say_nothing(folded) ||
            strlen(need) == strlen(line) || phrase_find(folded, phrases_no_need))
            return NULL;
    }
    return is_no_need(self, clause) ? NULL : need;
}

static void take_bare_answer(struct extracting *self, const struct clause *clause)
{
    const char *const *words = self->slots->words;
    bool idle = phrases_say_nothing(clause->folded), has_words = text_has_word(clause->text);
    const char *line =
        arena_strndup(self->arena, clause->text, utf8_cut(clause->text, strcspn(clause->text, "\n"), SLOT_MAX));

    if (clause->question || words[SLOT_NOT_INTERESTED] || !line || !has_words)
        return;
    if (was_asked(self, "urgency") && !words[SLOT_URGENCY] && !words[SLOT_TIMELINE])
        take_bare_urgency(self, clause);
    if (was_asked(self, "budget") && !words[SLOT_BUDGET] &&
        (!told_anything(self->slots) || phrase_find(clause->folded, phrases_refusal)))
        set(self, SLOT_BUDGET_REFUSED, "yes", clause);
    if (idle || words[SLOT_EMAIL] || words[SLOT_NAME])
        return;
    if (was_asked(self, "service") && !words[SLOT_SERVICE] && !words[SLOT_URGENCY] &&
        !phrase_find(clause->folded, phrases_human) && !phrase_is(clause->folded, phrases_greeting)) {
        if ((line = need_of(self, clause, line)))
            set(self, SLOT_SERVICE, line, clause);
    } else if (was_asked(self, "timeline") && !words[SLOT_TIMELINE] && !words[SLOT_URGENCY] &&
               !is_no_need(self, clause) && intents_read(self->arena, clause->text, NULL).questions == 0)
        set(self, SLOT_TIMELINE, line, clause);
}

/* Asked what they need, people name it; what none of the client's services is called like, in two words with capitals,
 * is a name all the same. */
static void take_bare_name(struct extracting *self, const struct clause *clause)
{
    const char *name = self->slots->words[SLOT_SERVICE] || (was_asked(self, "service") && self->services.n == 0)
                           ? NULL
                           : contact_bare_name(self->arena, clause->text);

    if (name && !self->slots->words[SLOT_NAME])
        set(self, SLOT_NAME, name, clause);
}

/* False when out of memory. */
static bool make_clause(struct extracting *self, const char *text, bool question, struct clause *ret)
{
    const char *folded;

    *ret = (struct clause){.text = text, .plain = plain_letters(self->arena, text), .question = question};
    if (!ret->plain || !(folded = words_fold(self->arena, ret->plain)))
        return false;
    ret->folded = plain_mend(self->arena, folded, self->services.vocabulary);
    return ret->folded != NULL;
}

void slots_extract(struct arena *arena, const char *text, const char *const *services, size_t n_services,
                   const char *asked, struct slots *slots)
{
    struct extracting self = {.arena = arena, .asked = asked, .slots = slots};
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, text, sentences, COUNT_OF(sentences));
    bool question = false;
    struct clause clause;

    memset(slots->words, 0, sizeof slots->words);
    if (service_list_make(arena, services, n_services, &self.services) < 0)
        return;
    /* Who wants to sell us something tells nothing about a job. */
    if (make_clause(&self, text, false, &clause) && phrase_find(clause.folded, phrases_vendor))
        return;
    for (size_t i = 0; i < n; i++) {
        question |= sentences[i].question;
        if (make_clause(&self, sentences[i].text, sentences[i].question, &clause))
            read_clause(&self, &clause);
    }
    if (n == 0 || !make_clause(&self, text, question, &clause))
        return;
    take_bare_name(&self, &clause);
    if (asked)
        take_bare_answer(&self, &clause);
}

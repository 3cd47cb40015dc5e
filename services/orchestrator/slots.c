/* slots.c - see slots.h. Free text is read sentence by sentence: "Are you open today?" is not urgent. */
#include "services/orchestrator/slots.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/arena.h"
#include "libshared/auto.h"
#include "services/orchestrator/budget.h"
#include "services/orchestrator/words.h"

#define SENTENCES_MAX 40
#define SLOT_MAX      120 /* bytes of a slot that is copied from the lead's words */

static const char *const not_urgent[] = {
    "no rush",      "not urgent",       "isnt urgent", "no hurry",         "not in a hurry",
    "just looking", "just curious",     "just asking", "not an emergency", "isnt an emergency",
    "whenever",     "no longer urgent", NULL};
static const char *const very_urgent[] = {"asap",
                                          "as soon as possible",
                                          "emergency",
                                          "urgent",
                                          "urgently",
                                          "right now",
                                          "right away",
                                          "immediately",
                                          "today",
                                          "tonight",
                                          "leaking",
                                          "flooding",
                                          "flooded",
                                          "burst",
                                          "this morning",
                                          "this afternoon",
                                          "this evening",
                                          "no heat",
                                          "no hot water",
                                          "no water",
                                          "no power",
                                          "in pain",
                                          "severe pain",
                                          "smell gas",
                                          "gas smell",
                                          "gas leak",
                                          "sparking",
                                          "cant wait",
                                          "overflowing",
                                          "locked out",
                                          "broke down",
                                          "stranded",
                                          NULL};
static const char *const rather_urgent[] = {"soon", "tomorrow", "this week", "in the next few days", "quickly", NULL};

static const char *const asks_for_deed[] = {"come",  "fix",     "help",   "send",        "get",
                                            "book",  "see me",  "fit me", "repair",      "take",
                                            "start", "someone", "anyone", "appointment", NULL};

static const char *const timelines[] = {"as soon as possible",
                                        "asap",
                                        "right now",
                                        "right away",
                                        "immediately",
                                        "today",
                                        "tonight",
                                        "this morning",
                                        "this afternoon",
                                        "this evening",
                                        "tomorrow morning",
                                        "tomorrow afternoon",
                                        "tomorrow evening",
                                        "tomorrow",
                                        "this weekend",
                                        "this week",
                                        "next weekend",
                                        "next week",
                                        "end of the week",
                                        "end of the month",
                                        "this month",
                                        "next month",
                                        "next year",
                                        "this year",
                                        "in a few days",
                                        "in a few weeks",
                                        "in a few months",
                                        "in a week",
                                        "in a month",
                                        "in two weeks",
                                        "monday",
                                        "tuesday",
                                        "wednesday",
                                        "thursday",
                                        "friday",
                                        "saturday",
                                        "sunday",
                                        "spring",
                                        "summer",
                                        "autumn",
                                        "winter",
                                        "no rush",
                                        "whenever",
                                        NULL};
static const char *const soon[] = {"as soon as possible",
                                   "asap",
                                   "right now",
                                   "right away",
                                   "immediately",
                                   "today",
                                   "tonight",
                                   "this morning",
                                   "this afternoon",
                                   "this evening",
                                   "tomorrow",
                                   "this week",
                                   "this weekend",
                                   "end of the week",
                                   "in a few days",
                                   "monday",
                                   "tuesday",
                                   "wednesday",
                                   "thursday",
                                   "friday",
                                   "saturday",
                                   "sunday",
                                   NULL};

bool slots_timeline_is_soon(const char *timeline)
{
    char folded[256];
    int days;

    if (!timeline || strlen(timeline) > sizeof folded - 3)
        return false;
    snprintf(folded, sizeof folded, " %s ", timeline);
    for (char *p = folded; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (sscanf(timeline, "in %3d day", &days) == 1 || sscanf(timeline, "within %3d day", &days) == 1)
        return days <= 7;
    return words_find(folded, soon) != NULL;
}

/* A question tells about the job only when it asks for something to be done. */
static bool tells(const struct sentence *s)
{
    return !s->question || words_find(s->folded, asks_for_deed);
}

static void take_urgency(const struct sentence *s, struct slots *slots)
{
    if (words_find(s->folded, not_urgent))
        slots->urgency = "low";
    else if (tells(s) && words_find(s->folded, very_urgent))
        slots->urgency = "high";
    else if (tells(s) && words_find(s->folded, rather_urgent) &&
             (!slots->urgency || strcmp(slots->urgency, "high") != 0))
        slots->urgency = "medium";
}

/* "in 3 weeks", "within 10 days" */
static const char *counted_timeline(struct arena *arena, const char *folded)
{
    static const char *const leads[] = {" in ", " within "};

    for (size_t i = 0; i < COUNT_OF(leads); i++)
        for (const char *p = folded; (p = strstr(p, leads[i])); p++) {
            char unit[8];
            int n;

            if (sscanf(p + strlen(leads[i]), "%3d %7[a-z]", &n, unit) == 2 && n > 0 &&
                (strncmp(unit, "day", 3) == 0 || strncmp(unit, "week", 4) == 0 || strncmp(unit, "month", 5) == 0 ||
                 strncmp(unit, "hour", 4) == 0))
                return arena_printf(arena, "%.*s%d %s", (int)strlen(leads[i]) - 1, leads[i] + 1, n, unit);
        }
    return NULL;
}

/* Days have names. */
static const char *as_written(const char *timeline)
{
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

    for (size_t i = 0; i < COUNT_OF(days); i++)
        if (strcasecmp(days[i], timeline) == 0)
            return days[i];
    return timeline;
}

static void take_timeline(struct arena *arena, const struct sentence *s, struct slots *slots)
{
    const char *found;

    if (!tells(s))
        return;
    if ((found = counted_timeline(arena, s->folded)) || (found = words_find(s->folded, timelines)))
        slots->timeline = as_written(found);
}

/* ---- the service ---- */

/* "cleaning" and "cleanings" are the same word, and so are "leak" and "leaking" for our purpose. */
static size_t stem_length(const char *word, size_t len)
{
    if (len > 5 && strncmp(word + len - 3, "ing", 3) == 0)
        return len - 3;
    if (len > 4 && strncmp(word + len - 2, "es", 2) == 0)
        return len - 2;
    if (len > 3 && word[len - 1] == 's')
        return len - 1;
    return len;
}

static bool has_stem(const char *folded, const char *stem, size_t len)
{
    for (const char *p = folded; *p; p++) {
        size_t n;

        if (*p != ' ' || !p[1])
            continue;
        n = strcspn(p + 1, " ");
        if (n >= len && n <= len + 4 && strncmp(p + 1, stem, len) == 0)
            return true;
    }
    return false;
}

/* Words that say nothing about which of the services is meant. */
static bool is_empty_word(const char *word, size_t len)
{
    static const char *const empty[] = {" a ",  " an ",       " and ",     " the ",     " of ",  " for ", " or ",
                                        " in ", " services ", " service ", " general ", " new ", " to ",  " with "};
    char spaced[16];

    if (len < 2 || len > 10)
        return len < 2;
    snprintf(spaced, sizeof spaced, " %.*s ", (int)len, word);
    for (size_t i = 0; i < COUNT_OF(empty); i++)
        if (strcmp(empty[i], spaced) == 0)
            return true;
    return false;
}

/* The share of the service's words that the sentence has. */
static double match_service(const char *folded, const char *service_folded)
{
    int words = 0, found = 0;

    for (const char *p = service_folded + 1; *p;) {
        size_t len = strcspn(p, " ");

        if (len > 0 && !is_empty_word(p, len)) {
            words++;
            found += has_stem(folded, p, stem_length(p, len));
        }
        p += len + (p[len] == ' ');
    }
    return words > 0 ? (double)found / words : 0;
}

static const char *known_service(struct arena *arena, const char *folded, const char *const *services, size_t n)
{
    const char *best = NULL;
    double best_share = 0.49;

    for (size_t i = 0; i < n; i++) {
        const char *service = words_fold(arena, services[i]);
        double share = service ? match_service(folded, service) : 0;

        if (share > best_share) {
            best_share = share;
            best = services[i];
        }
    }
    return best;
}

/* Where "i need a " ends in the sentence, any case; NULL if it is not there. */
static const char *after_phrase(const char *text, const char *phrase)
{
    const char *found = strcasestr(text, phrase);

    if (!found || (found > text && isalnum((unsigned char)found[-1])))
        return NULL;
    return found + strlen(phrase);
}

/* The words of the lead from start to the end of the thought, at most eight. */
static const char *take_thought(struct arena *arena, const char *start)
{
    static const char *const ends[] = {" asap",     " today",  " tomorrow",   " tonight", " by ",    " before ",
                                       " within ",  " for $",  " as soon",    " next ",   " this ",  " because",
                                       " but ",     " please", " and my",     " budget",  " right ", " around $",
                                       " urgently", " on ",    " immediately"};
    size_t len = strcspn(start, ".,;:!?\n"), words = 0;
    char *thought;

    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        const char *end = strcasestr(start, ends[i]);

        if (end && (size_t)(end - start) < len)
            len = (size_t)(end - start);
    }
    for (size_t i = 0; i < len; i++)
        if (start[i] == ' ' && ++words == 8)
            len = i;
    while (len > 0 && start[len - 1] == ' ')
        len--;
    if (len < 3 || len > SLOT_MAX || !(thought = arena_strndup(arena, start, len)))
        return NULL;
    return thought;
}

static const char *thought_after(struct arena *arena, const struct sentence *s, const char *phrase)
{
    const char *start = after_phrase(s->text, phrase);

    return start ? take_thought(arena, start) : NULL;
}

static const char *said_service(struct arena *arena, const struct sentence *s)
{
    static const char *const wants[] = {"i need help with ", "need help with ", "help with my ",  "i need someone to ",
                                        "i need to get ",    "i need an ",      "i need a ",      "i need my ",
                                        "i need some ",      "i need ",         "we need an ",    "we need a ",
                                        "we need ",          "looking for an ", "looking for a ", "looking for ",
                                        "interested in ",    "quote for a ",    "quote for ",     "quote on ",
                                        "estimate for a ",   "estimate for ",   "i want to ",     "i would like to ",
                                        "i'd like to ",      "i want a ",       "i want ",        "price for "};
    static const char *const visits[] = {"book", "appointment", "schedule", NULL};
    static const char *const troubles[] = {"my ", "our ", "the "};
    static const char *const broken[] = {"leak",       "leaking",         "leaks",          "broken",
                                         "broke",      "blocked",         "clogged",        "burst",
                                         "flooded",    "flooding",        "stuck",          "cracked",
                                         "dead",       "hurts",           "making a noise", "not working",
                                         "wont start", "stopped working", "doesnt work",    "isnt working",
                                         NULL};

    if (words_find(s->folded, broken))
        for (size_t i = 0; i < COUNT_OF(troubles); i++) {
            const char *thought = thought_after(arena, s, troubles[i]);

            if (thought)
                return thought;
        }
    if (s->question && !words_find(s->folded, asks_for_deed))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        const char *thought = thought_after(arena, s, wants[i]);

        if (thought && !words_have(words_fold(arena, thought), "know") &&
            !words_have(words_fold(arena, thought), "appointment"))
            return thought;
    }
    return words_find(s->folded, visits) ? thought_after(arena, s, "for a ") : NULL;
}

static void take_service(struct arena *arena, const struct sentence *s, const char *const *services, size_t n,
                         struct slots *slots)
{
    const char *found = known_service(arena, s->folded, services, n);

    if (!found && !slots->service_interest)
        found = said_service(arena, s);
    if (found)
        slots->service_interest = found;
}

/* ---- the name ---- */

/* Up to two capitalised words. */
static const char *capitalised(struct arena *arena, const char *start)
{
    static const char *const no_names[] = {"Looking", "Interested", "Not",  "Just",  "Very", "Trying",
                                           "Here",    "Having",     "The",  "A",     "An",   "Urgent",
                                           "In",      "So",         "Good", "Sorry", "Fine", "Really"};
    size_t len = 0;

    for (int word = 0; word < 2 && isupper((unsigned char)start[len + (word > 0)]); word++) {
        size_t n;

        len += word > 0;
        n = strspn(start + len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'-");
        for (size_t i = 0; word == 0 && i < COUNT_OF(no_names); i++)
            if (strlen(no_names[i]) == n && strncmp(no_names[i], start, n) == 0)
                return NULL;
        len += n;
        if (start[len] != ' ')
            break;
    }
    return len >= 2 && len <= 60 ? arena_strndup(arena, start, len) : NULL;
}

static void take_name(struct arena *arena, const struct sentence *s, struct slots *slots)
{
    static const char *const leads[] = {"my name is ", "my name's ", "this is ", "i'm ", "i am ", "call me "};

    for (size_t i = 0; i < COUNT_OF(leads); i++) {
        const char *start = after_phrase(s->text, leads[i]);
        const char *name = start ? capitalised(arena, start) : NULL;

        if (name) {
            slots->name = name;
            return;
        }
    }
}

/* ---- a bare answer to what we asked ---- */

static bool says_nothing(const char *folded)
{
    static const char *const nothing[] = {" ",      " hi ",         " hello ", " hey ",      " yes ",
                                          " no ",   " ok ",         " okay ",  " thanks ",   " thank you ",
                                          " sure ", " yes please ", " idk ",   " not sure ", " i dont know ",
                                          " yep ",  " nope "};

    for (size_t i = 0; i < COUNT_OF(nothing); i++)
        if (strcmp(nothing[i], folded) == 0)
            return true;
    return false;
}

static void take_bare_answer(struct arena *arena, const char *text, const char *asked, struct slots *slots)
{
    const char *folded = words_fold(arena, text);
    size_t len = strcspn(text, "\n");
    const char *line;

    if (!folded || strchr(text, '?'))
        return;
    if (strcmp(asked, "urgency") == 0 && !slots->urgency)
        slots->urgency = words_have(folded, "yes")                               ? "high"
                         : words_have(folded, "no") || words_have(folded, "not") ? "low"
                                                                                 : NULL;
    if (says_nothing(folded) || len > SLOT_MAX || !(line = arena_strndup(arena, text, len)))
        return;
    if (strcmp(asked, "service") == 0 && !slots->service_interest)
        slots->service_interest = line;
    else if (strcmp(asked, "timeline") == 0 && !slots->timeline)
        slots->timeline = line;
}

void slots_extract(struct arena *arena, const char *text, const char *const *services, size_t n_services,
                   const char *asked, struct slots *slots)
{
    struct sentence sentences[SENTENCES_MAX];
    size_t n = words_sentences(arena, text, sentences, COUNT_OF(sentences));

    for (size_t i = 0; i < n; i++) {
        const char *budget = budget_find(arena, &sentences[i], asked && strcmp(asked, "budget") == 0);

        take_urgency(&sentences[i], slots);
        take_timeline(arena, &sentences[i], slots);
        take_service(arena, &sentences[i], services, n_services, slots);
        take_name(arena, &sentences[i], slots);
        if (budget)
            slots->budget_range = budget;
    }
    if (asked)
        take_bare_answer(arena, text, asked, slots);
}
